/*
 * The same work as 32-bit and as 64-bit code: integers of 32 bits, so that both do the same operations. One kernel, named by the
 * first argument, is run; it prints a checksum.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 12345;
static uint32_t next(void) { return seed = seed * 1664525u + 1013904223u; }

static uint32_t sieve(void) {
  static uint8_t composite[1 << 16];
  uint32_t count = 0;
  for (int round = 0; round < 30; round++) {
    memset(composite, 0, sizeof composite);
    for (uint32_t i = 2; i < sizeof composite; i++) {
      if (composite[i]) continue;
      count++;
      for (uint32_t k = i * 2; k < sizeof composite; k += i) composite[k] = 1;
    }
  }
  return count;
}
static int compare(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}
static uint32_t sort(void) {
  static uint32_t data[30000];
  for (int i = 0; i < 30000; i++) data[i] = next();
  qsort(data, 30000, sizeof *data, compare);
  return data[1234] ^ data[25678];
}
static uint32_t matrix(void) {
  static int32_t a[48][48], b[48][48], c[48][48];
  for (int i = 0; i < 48; i++)
    for (int k = 0; k < 48; k++) a[i][k] = (int32_t)next() >> 16, b[i][k] = (int32_t)next() >> 16;
  for (int round = 0; round < 10; round++)
    for (int i = 0; i < 48; i++)
      for (int k = 0; k < 48; k++) {
        int32_t sum = round;
        for (int n = 0; n < 48; n++) sum += a[i][n] * b[n][k];
        c[i][k] = sum;
      }
  return (uint32_t)c[7][11];
}
static uint32_t hash(void) {
  uint32_t h = 2166136261u;
  for (int i = 0; i < 2000000; i++) {
    h = (h ^ (next() >> 24)) * 16777619u;
    h = (h << 13) | (h >> 19);
  }
  return h;
}
struct node { struct node *left, *right; uint32_t key; };
static uint32_t tree(void) {
  struct node *root = NULL;
  uint32_t depth = 0;
  for (int i = 0; i < 30000; i++) {
    struct node *n = malloc(sizeof *n), **at = &root;
    n->left = n->right = NULL, n->key = next();
    for (; *at; depth++) at = n->key < (*at)->key ? &(*at)->left : &(*at)->right;
    *at = n;
  }
  return depth;
}
static uint32_t calls(uint32_t n) { return n < 2 ? n : calls(n - 1) + calls(n - 2); }
static uint32_t text(void) {
  char line[64];
  uint32_t sum = 0;
  for (int i = 0; i < 12000; i++) {
    snprintf(line, sizeof line, "%d %x %s", i, next(), "words to be counted");
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) sum += (uint32_t)strlen(word);
  }
  return sum;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  uint32_t r;
  if (!strcmp(name, "sieve")) r = sieve();
  else if (!strcmp(name, "sort")) r = sort();
  else if (!strcmp(name, "matrix")) r = matrix();
  else if (!strcmp(name, "hash")) r = hash();
  else if (!strcmp(name, "tree")) r = tree();
  else if (!strcmp(name, "calls")) r = calls(27);
  else if (!strcmp(name, "text")) r = text();
  else return 2;
  printf("%08x\n", r);
  return 0;
}

/* Memory: string instructions, plain loops, dependent loads over 32 MB. */
#include "bench.h"
#include <stdlib.h>
#include <string.h>

enum { SIZE = 4 << 20 };
#define PLAIN __attribute__((noinline, optimize("no-tree-vectorize", "no-tree-loop-distribute-patterns")))

static void copyString(void *to, const void *from, uint32_t words) {
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}
static void fillString(void *to, uint32_t value, uint32_t words) {
  __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(value) : "memory");
}
PLAIN static void copyLoop(uint32_t *to, const uint32_t *from, uint32_t words) {
  for (uint32_t n = 0; n < words; n++) to[n] = from[n];
}
PLAIN static void fillLoop(uint32_t *to, uint32_t value, uint32_t words) {
  for (uint32_t n = 0; n < words; n++) to[n] = value;
}
static uint32_t sumOf(const uint32_t *a, const uint32_t *b) {
  uint32_t sum = 0;
  for (uint32_t n = 0; n < SIZE / 4; n += 1021) sum = sum * 3 + a[n] + b[n];
  return sum;
}

uint32_t memrep(uint32_t rounds) {
  uint32_t *a = calloc(1, SIZE + 64), *b = calloc(1, SIZE + 64);
  for (uint32_t round = 0; round < rounds; round++) {
    copyString(b, a, SIZE / 4);
    fillString(a, round, SIZE / 4);
    copyString(b, (char *)a + 1, SIZE / 4 - 1);
    for (int n = 0; n < 2000; n++) fillString(a + n * 16, n, 6);
  }
  return sumOf(a, b);
}
uint32_t memloop(uint32_t rounds) {
  uint32_t *a = calloc(1, SIZE), *b = calloc(1, SIZE);
  for (uint32_t round = 0; round < rounds; round++) {
    copyLoop(b, a, SIZE / 4);
    fillLoop(a, round, SIZE / 4);
  }
  return sumOf(a, b);
}

/* One cycle through all lines in random order: nearly every load misses the translation cache. */
uint32_t chase(uint32_t rounds) {
  enum { LINE = 16, LINES = (32 << 20) / 64 };
  uint32_t *memory = malloc(LINES * LINE * 4), *order = malloc(LINES * 4), seed = 1;
  for (uint32_t n = 0; n < LINES; n++) order[n] = n;
  for (uint32_t n = LINES - 1; n > 0; n--) {
    const uint32_t other = next(&seed) % n, kept = order[n];
    order[n] = order[other];
    order[other] = kept;
  }
  for (uint32_t n = 0; n < LINES; n++) memory[order[n] * LINE] = order[(n + 1) % LINES] * LINE;
  uint32_t at = 0;
  while (rounds-- > 0) at = memory[at];
  return at;
}

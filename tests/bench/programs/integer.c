/* Integer work: a sieve, a mix of lists, matrices, a state machine and CRCs, recursion, a bytecode interpreter. */
#include "bench.h"
#include <string.h>

uint32_t sieve(uint32_t rounds) {
  enum { SIZE = 1 << 20 };
  static uint8_t prime[SIZE];
  uint32_t found = 0;
  while (rounds-- > 0) {
    memset(prime, 1, SIZE);
    found = 0;
    for (uint32_t n = 2; n < SIZE; n++) {
      if (!prime[n]) continue;
      found++;
      for (uint32_t multiple = 2 * n; multiple < SIZE; multiple += n) prime[multiple] = 0;
    }
  }
  return found;
}

static uint16_t crc(uint16_t sum, uint16_t word) {
  for (int bit = 0; bit < 16; bit++, word >>= 1) sum = (sum >> 1) ^ ((sum ^ word) & 1 ? 0xa001 : 0);
  return sum;
}

struct node {
  struct node *next;
  int16_t value;
};
static struct node *merge(struct node *a, struct node *b) {
  struct node head, *last = &head;
  while (a && b) {
    struct node **lower = a->value <= b->value ? &a : &b;
    last->next = *lower;
    last = *lower;
    *lower = last->next;
  }
  last->next = a ? a : b;
  return head.next;
}
static struct node *sorted(struct node *list) {
  if (!list || !list->next) return list;
  struct node *middle = list;
  for (struct node *end = list->next; end && end->next; end = end->next->next) middle = middle->next;
  struct node *second = middle->next;
  middle->next = NULL;
  return merge(sorted(list), sorted(second));
}

/* How many characters of numbers like -12.5e3 each state of a small automaton saw. */
static uint32_t scan(const char *text) {
  enum { START, WHOLE, FRACTION, POWER, WRONG } state = START;
  uint32_t seen[5] = {0};
  for (; *text; text++) {
    const char c = *text;
    const int digit = c >= '0' && c <= '9';
    if (c == ',') state = START;
    else switch (state) {
      case START: state = digit ? WHOLE : c == '.' ? FRACTION : c == '-' || c == '+' ? START : WRONG; break;
      case WHOLE: state = digit ? WHOLE : c == '.' ? FRACTION : c == 'e' ? POWER : WRONG; break;
      case FRACTION: state = digit ? FRACTION : c == 'e' ? POWER : WRONG; break;
      case POWER: state = digit || c == '-' ? POWER : WRONG; break;
      case WRONG: break;
    }
    seen[state]++;
  }
  return seen[0] + 3 * seen[1] + 5 * seen[2] + 7 * seen[3] + 11 * seen[4];
}

uint32_t intmix(uint32_t rounds) {
  enum { NODES = 256, SIDE = 40, TEXT = 2000 };
  static struct node nodes[NODES];
  static int16_t a[SIDE][SIDE], b[SIDE][SIDE];
  static char text[TEXT + 1];
  static const char sample[] = "4711,0.25,-3,+99.5e2,1e-4,.75,x1,12..5,";
  for (int n = 0; n < TEXT; n++) text[n] = sample[n % (sizeof sample - 1)];
  uint32_t seed = 1;
  uint16_t sum = 0;
  for (uint32_t round = 0; round < rounds; round++) {
    for (int n = 0; n < NODES; n++) nodes[n] = (struct node){n + 1 < NODES ? &nodes[n + 1] : NULL, next(&seed)};
    for (const struct node *n = sorted(nodes); n; n = n->next) sum = crc(sum, n->value);
    for (int y = 0; y < SIDE; y++)
      for (int x = 0; x < SIDE; x++) {
        a[y][x] = (x * y + round) & 0xff;
        b[y][x] = (y + x * round) & 0xff;
      }
    for (int y = 0; y < SIDE; y++)
      for (int x = 0; x < SIDE; x++) {
        int32_t dot = 0;
        for (int k = 0; k < SIDE; k++) dot += a[y][k] * b[k][x];
        if (x == y) sum = crc(sum, dot);
      }
    for (int n = 0; n < 16; n++) {
      text[(round * 7 + n) % TEXT] ^= 1;
      sum = crc(sum, scan(text));
    }
  }
  return sum;
}

__attribute__((noinline, optimize("O1", "no-optimize-sibling-calls"))) static uint32_t fibonacci(uint32_t n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
uint32_t fib(uint32_t rounds) {
  return fibonacci(rounds);
}

/* A register machine with one computed jump an instruction. */
uint32_t vm(uint32_t rounds) {
  enum { ADD, XOR, SHIFT, MULTIPLY, LOAD, STORE, COUNT, REPEAT, END };
  static const uint8_t program[] = {ADD, 0, 1, XOR, 2, 0, SHIFT, 2, 6, LOAD, 5, 2,  ADD,    5, 0, STORE, 5, 2,
                                    ADD, 1, 5, MULTIPLY, 1, 7, XOR, 0, 1, ADD, 3, 6, COUNT, 8, 0, REPEAT, 8, 0, END, 0, 0};
  static const void *const go[] = {&&add, &&exclusive, &&shift, &&multiply, &&load, &&store, &&count, &&repeat, &&end};
  uint32_t r[16] = {3, 7, 1}, memory[256] = {0};
  r[6] = 1;
  r[7] = 2654435761u;
  r[8] = rounds;
  const uint8_t *at = program;
#define STEP(...) { __VA_ARGS__; at += 3; goto *go[*at]; }
  goto *go[*at];
add: STEP(r[at[1]] += r[at[2]])
exclusive: STEP(r[at[1]] ^= r[at[2]])
shift: STEP(r[at[1]] = r[at[1]] << (r[at[2]] & 15) | r[at[1]] >> 16)
multiply: STEP(r[at[1]] *= r[at[2]])
load: STEP(r[at[1]] = memory[r[at[2]] & 255])
store: STEP(memory[r[at[2]] & 255] = r[at[1]])
count: STEP(r[at[1]]--)
repeat:
  at = r[at[1]] ? program : at + 3;
  goto *go[*at];
end:;
  uint32_t sum = 0;
  for (int n = 0; n < 256; n++) sum = sum * 31 + memory[n] + r[n & 15];
  return sum;
}

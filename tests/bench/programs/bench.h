/* One program with many benchmarks: each does `rounds` rounds of its work and returns a checksum of what it computed. */
#pragma once
#include <stdint.h>

typedef uint32_t benchmark(uint32_t rounds);

benchmark sieve, intmix, fib, vm, bigcode;
benchmark memrep, memloop, chase;
benchmark nbody387, nbodysse, simd;
benchmark syscalls, int80, forkexec, pipes, smc;
benchmark data;

/* Next number of a repeatable sequence. */
static inline uint32_t next(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

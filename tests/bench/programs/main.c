/* bench NAME ROUNDS: prints @@BEGIN NAME, runs it, prints @@END NAME CHECKSUM. bench mark TEXT: prints @@TEXT. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  benchmark *run;
} all[] = {
    {"sieve", sieve},       {"intmix", intmix},     {"fib", fib},           {"vm", vm},         {"bigcode", bigcode}, {"memrep", memrep},
    {"memloop", memloop},   {"chase", chase},       {"nbody387", nbody387}, {"simd", simd},     {"syscall", syscalls}, {"int80", int80},
    {"nbodysse", nbodysse}, {"forkexec", forkexec}, {"pipe", pipes},        {"smc", smc},       {"data", data},
};

int main(int count, char **arguments) {
  if (count == 3 && strcmp(arguments[1], "mark") == 0) return printf("@@%s\n", arguments[2]) < 0;
  for (unsigned n = 0; count == 3 && n < sizeof all / sizeof *all; n++) {
    if (strcmp(all[n].name, arguments[1]) != 0) continue;
    printf("@@BEGIN %s\n", all[n].name);
    fflush(stdout);
    const uint32_t sum = all[n].run(strtoul(arguments[2], NULL, 10));
    printf("@@END %s %08x\n", all[n].name, sum);
    return 0;
  }
  fprintf(stderr, "usage: bench NAME ROUNDS\n");
  return 2;
}

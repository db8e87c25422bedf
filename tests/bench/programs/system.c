/* What costs an operating system: system calls, processes, context switches, code made at run time; and data for gzip. */
#define _GNU_SOURCE
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* By the vDSO: SYSENTER where the CPU has it. */
uint32_t syscalls(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum += syscall(SYS_getppid) != 0;
  return sum;
}
uint32_t int80(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) {
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(SYS_getppid) : "memory");
    sum += result != 0;
  }
  return sum;
}
uint32_t forkexec(uint32_t rounds) {
  uint32_t good = 0;
  while (rounds-- > 0) {
    const pid_t child = fork();
    if (child == 0) {
      execl("/bin/busybox", "true", (char *)NULL);
      _exit(1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    good += status == 0;
  }
  return good;
}
uint32_t pipes(uint32_t rounds) {
  int there[2], back[2];
  uint32_t word = 1;
  if (pipe(there) || pipe(back)) return 0;
  const pid_t child = fork();
  for (uint32_t n = 0; n < rounds; n++) {
    if (child == 0) {
      if (read(there[0], &word, 4) != 4) _exit(1);
      word = word * 5 + 1;
      if (write(back[1], &word, 4) != 4) _exit(1);
    } else if (write(there[1], &word, 4) != 4 || read(back[0], &word, 4) != 4) return 0;
  }
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  return word;
}
/* A new function of 200 additions on one of 16 pages, called 20 times. */
uint32_t smc(uint32_t rounds) {
  uint8_t *code = mmap(NULL, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint32_t sum = 0;
  if (code == MAP_FAILED) return 0;
  for (uint32_t round = 0; round < rounds; round++) {
    uint8_t *function = code + (round * 4096) % 65536, *end = function;
    *end++ = 0xb8; /* mov eax, round */
    memcpy(end, &round, 4);
    end += 4;
    for (uint32_t n = 0; n < 200; n++) {
      const uint32_t term = n * round;
      *end++ = 0x05; /* add eax, term */
      memcpy(end, &term, 4);
      end += 4;
    }
    *end = 0xc3; /* ret */
    for (int n = 0; n < 20; n++) sum = sum * 31 + ((uint32_t(*)(void))function)();
  }
  return sum;
}
/* `rounds` MB of text that compresses to about a third, in /tmp/data. */
uint32_t data(uint32_t rounds) {
  static const char *const words[] = {"interrupt ", "page ", "of ", "the ", "descriptor\n", "0x", "and ", "segment ", "is ", "table "};
  const uint32_t size = rounds << 20;
  uint32_t seed = 7, length = 0;
  FILE *file = fopen("/tmp/data", "w");
  if (!file) return 0;
  while (length < size) {
    const uint32_t pick = (next(&seed) >> 12) % 12;
    length += pick < 10 ? fprintf(file, "%s", words[pick]) : fprintf(file, "%u ", next(&seed));
  }
  fclose(file);
  return length;
}

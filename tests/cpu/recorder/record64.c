/*
 * Records single-instruction vectors of 64-bit code from the processor it runs on: 64-bit user mode, one JSON object a line
 * (docs/vectors.md, "64-bit vectors"). Anybody with an x86-64 machine and gcc can make more:
 *
 *   gcc -O2 -w -static -no-pie -fno-pie -fno-stack-protector -mgeneral-regs-only -o record64 record64.c
 *   ./record64 [vectors per form] [int|simd|x87|system] [seed] > out.jsonl
 *
 * The same seed gives the same bytes. The instruction lies at START, followed by INT3; it ends by that breakpoint or by
 * its own fault. General registers are random around interesting values; a memory operand's registers are chosen so that
 * it lies in one of two data areas, low and high, or (rarely) where nothing is. `system`: what needs privilege, segment
 * registers, far transfers and fences, as user code finds them; the processor and the kernel must allow WRFSBASE.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
#define CODE 0x10000000ull
#define CODE_BYTES 0x10000
#define START (CODE + 0x8000)
#define LOW 0x20000000ull
#define HIGH 0x7e0012340000ull
#define AREA_BYTES 0x2000
#define GS_BASE 0x1ffff000ull
#define FS_BASE 0x1fffe000ull

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
struct state {
  u64 r[16]; u64 flags; u64 rip;
  u8 fx[512] __attribute__((aligned(16)));
  u64 cr2; u32 trap, err; int sig;
};
struct state in __attribute__((aligned(64), used)), out __attribute__((aligned(64)));
u64 harness_rsp __attribute__((used)), harness_fs __attribute__((used));
extern char resume_point[];
void enter(void);
asm(".text\n.globl enter\nenter:\n push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n pushfq\n"
    " mov %rsp, harness_rsp\n rdfsbase %rax\n mov %rax, harness_fs\n mov $0x1fffe000, %eax\n wrfsbase %rax\n mov $0x1ffff000, %eax\n wrgsbase %rax\n fxrstor64 in+144\n"
    " lea flag_slot, %rsp\n mov in+128, %rax\n mov %rax, (%rsp)\n"
    " mov in+0, %rax\n mov in+8, %rcx\n mov in+16, %rdx\n mov in+24, %rbx\n mov in+40, %rbp\n mov in+48, %rsi\n mov in+56, %rdi\n"
    " mov in+64, %r8\n mov in+72, %r9\n mov in+80, %r10\n mov in+88, %r11\n mov in+96, %r12\n mov in+104, %r13\n mov in+112, %r14\n mov in+120, %r15\n"
    " popfq\n mov in+32, %rsp\n jmp *start_address\n"
    ".globl resume_point\nresume_point:\n xor %eax, %eax\n mov %eax, %ds\n mov %eax, %es\n mov %eax, %fs\n mov %eax, %gs\n mov harness_fs, %rax\n wrfsbase %rax\n popfq\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n"
    ".data\n .align 16\n .space 64\nflag_slot: .quad 0,0\nstart_address: .quad 0x10008000\n .text\n");

static const int REGS[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
static volatile int running, ticks;
static void handler(int sig, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  greg_t *g = u->uc_mcontext.gregs;
  if (sig == SIGPROF && (!running || ++ticks < 3)) return;
  running = 0;
  for (int n = 0; n < 16; n++) out.r[n] = g[REGS[n]];
  out.flags = g[REG_EFL]; out.rip = g[REG_RIP]; out.sig = sig;
  out.trap = g[REG_TRAPNO]; out.err = g[REG_ERR]; out.cr2 = g[REG_CR2];
  memcpy(out.fx, u->uc_mcontext.fpregs, 512);
  g[REG_RSP] = harness_rsp; g[REG_RIP] = (greg_t)resume_point; g[REG_EFL] = 0x202;
  u16 *fx = (u16 *)u->uc_mcontext.fpregs;
  fx[0] = 0x37f; fx[1] = 0; ((u8 *)fx)[4] = 0; ((u32 *)fx)[6] = 0x1f80;
}

static u64 seed = 88172645463325252ull;
static u32 rnd(void) { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; return (u32)(seed >> 16); }
static u64 rnd64(void) { return ((u64)rnd() << 32) | rnd(); }
static int one_in(u32 n) { return rnd() % n == 0; }
static u64 integer(void) {
  static const u64 edge[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
    0x100000000ull, 0x7fffffffffffffffull, 0x8000000000000000ull, 0xffffffffffffffffull, 0xfffffffffffffffeull, 0xffffffff80000000ull,
    0xaaaaaaaaaaaaaaaaull, 0x5555555555555555ull };
  switch (rnd() % 8) {
    case 0: case 1: return edge[rnd() % (sizeof edge / 8)];
    case 2: return rnd() & 0xff;
    case 3: return rnd() & 0x3f;
    case 4: return (u64)((int64_t)(rnd() & 0xff) - 128);
    case 5: return rnd();
    default: return rnd64();
  }
}
static u32 single(void) {
  static const u32 edge[] = { 0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 1, 0x807fffff, 0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000, 0x5f000000, 0xdf000000, 0x3fc00000 };
  return one_in(2) ? edge[rnd() % 17] : one_in(3) ? rnd() : (rnd() & 0x807fffff) | ((107 + rnd() % 84) << 23);
}
static u64 number(void) {
  static const u64 edge[] = { 0, 1ull << 63, 0x3ff0000000000000ull, 0x7ff0000000000000ull, 0xfff0000000000000ull, 0x7ff8000000000000ull, 0x7ff0000000000001ull, 1, 0x0010000000000000ull, 0x7fefffffffffffffull,
    0x41e0000000000000ull, 0xc1e0000000000000ull, 0x43e0000000000000ull, 0xc3e0000000000000ull, 0x43dfffffffffffffull, 0x3ff8000000000000ull };
  return one_in(2) ? edge[rnd() % 16] : one_in(3) ? rnd64() : (rnd64() & 0x800fffffffffffffull) | ((u64)(983 + rnd() % 110) << 52);
}
static void vector(u8 *p) {
  u32 kind = rnd() % 5;
  for (int n = 0; n < 4; n++) ((u32 *)p)[n] = kind == 0 || kind == 3 ? single() : kind == 1 ? rnd() : kind == 2 ? (u32)integer() : 0;
  if (kind == 4) { ((u64 *)p)[0] = number(); ((u64 *)p)[1] = number(); }
}

/* An 80-bit value: any class, unnormal ones too. */
static void extended(u8 *p) {
  static const u16 exponents[] = { 0, 1, 0x7fff, 0x3fff, 0x3ffe, 0x4000, 0x403e, 0x403d, 0x401e, 0x400e, 0x7ffe };
  static const u64 significands[] = { 0, 1, 1ull << 63, ~0ull, 3ull << 62, (1ull << 63) | 1, 1ull << 62 };
  const u64 significand = one_in(2) ? significands[rnd() % 7] : rnd64() | (one_in(6) ? 0 : 1ull << 63);
  const u16 exponent = (one_in(2) ? exponents[rnd() % 11] : 0x3fc0 + rnd() % 0x80) | (one_in(2) ? 0x8000 : 0);
  if (one_in(8)) { memset(p, 0, 10); p[9] = exponent >> 8 & 0x80; return; }
  memcpy(p, &significand, 8); memcpy(p + 8, &exponent, 2);
}

/* Selectors that mean the same in the kernel's GDT and in that of the machine that runs vectors: null, user code and data, beyond the limit. */
static u16 selector(void) {
  static const u16 known[] = { 0, 1, 2, 3, 0x2b, 0x2b, 0x33, 0x23, 0x28, 0x2a };
  return one_in(2) ? known[rnd() % 10] : one_in(2) ? 0x1000 | rnd() : rnd() | 4;
}

static u8 pattern[AREA_BYTES], before[2][AREA_BYTES];
static const u64 AREAS[2] = { LOW, HIGH };
static void hex(const u8 *p, int n) { for (int i = 0; i < n; i++) printf("%02x", p[i]); }

/* What a form of an opcode looks like. */
static int modrm1(int o) {
  return (o < 0x40 && (o & 7) < 4) || o == 0x63 || o == 0x69 || o == 0x6b || (o >= 0x80 && o <= 0x8f) || o == 0xc0 || o == 0xc1 || o == 0xc6 || o == 0xc7 ||
    (o >= 0xd0 && o <= 0xd3) || (o >= 0xd8 && o <= 0xdf) || o == 0xf6 || o == 0xf7 || o == 0xfe || o == 0xff;
}
/* Bytes of immediate: 1 2, 4 = z, 8 = v (MOV r,imm), 7 = moffs, 5 = ENTER. */
static int immediate1(int o, int reg) {
  if (o < 0x40) return (o & 7) == 4 ? 1 : (o & 7) == 5 ? 4 : 0;
  if ((o >= 0x70 && o <= 0x7f) || (o >= 0xe0 && o <= 0xe3) || (o >= 0xb0 && o <= 0xb7)) return 1;
  if (o >= 0xb8 && o <= 0xbf) return 8;
  if (o >= 0xa0 && o <= 0xa3) return 7;
  switch (o) {
    case 0x68: case 0x69: case 0x81: case 0xa9: case 0xc7: case 0xe8: case 0xe9: return 4;
    case 0x6a: case 0x6b: case 0x80: case 0x83: case 0xa8: case 0xc0: case 0xc1: case 0xc6: case 0xeb: return 1;
    case 0xcd: case 0xe4: case 0xe5: case 0xe6: case 0xe7: return 1;
    case 0xc2: case 0xca: return 2;
    case 0xc8: return 5;
    case 0xf6: return reg < 2 ? 1 : 0;
    case 0xf7: return reg < 2 ? 4 : 0;
  }
  return 0;
}
/* Undefined in 64-bit code, privileged, of the system, or not the same on all makers' processors. */
static int skip1(int o) {
  if (o < 0x40) return (o & 7) >= 6 || o == 0x0f;
  if ((o >= 0x40 && o <= 0x4f) || (o >= 0x64 && o <= 0x67) || (o >= 0x6c && o <= 0x6f) || (o >= 0xe4 && o <= 0xe7) || (o >= 0xec && o <= 0xef)) return 1;
  /* A kind of their own. */
  if (o >= 0xd8 && o <= 0xdf) return 1;
  switch (o) {
    case 0x60: case 0x61: case 0x62: case 0x82: case 0x8c: case 0x8e: case 0x9a: case 0x9b: case 0xc4: case 0xc5: case 0xca: case 0xcb: case 0xcc: case 0xcd: case 0xce: case 0xcf:
    case 0xd4: case 0xd5: case 0xd6: case 0xea: case 0xf0: case 0xf1: case 0xf2: case 0xf3: case 0xf4: case 0xfa: case 0xfb: return 1;
  }
  return 0;
}
static int immediate2(int o) {
  if (o >= 0x80 && o <= 0x8f) return 4;
  switch (o) { case 0x70: case 0x71: case 0x72: case 0x73: case 0xa4: case 0xac: case 0xba: case 0xc2: case 0xc4: case 0xc5: case 0xc6: return 1; }
  return 0;
}
static int simd2(int o) {
  return (o >= 0x10 && o <= 0x17) || o == 0x28 || o == 0x29 || (o >= 0x2a && o <= 0x2f) || (o >= 0x50 && o <= 0x7f) || o == 0xc2 || (o >= 0xc4 && o <= 0xc6) || o >= 0xd0;
}
static int integer2(int o) {
  return (o >= 0x40 && o <= 0x4f) || (o >= 0x80 && o <= 0x9f) || o == 0xa3 || o == 0xa4 || o == 0xa5 || o == 0xab || o == 0xac || o == 0xad || o == 0xaf ||
    o == 0xb0 || o == 0xb1 || o == 0xb3 || o == 0xb6 || o == 0xb7 || (o >= 0xba && o <= 0xbf) || o == 0xc0 || o == 0xc1 || o == 0xc3 || o == 0xc7 || (o >= 0xc8 && o <= 0xcf);
}
static int modrm2(int o) {
  return !((o >= 0x80 && o <= 0x8f) || (o >= 0xc8 && o <= 0xcf) || o == 0x77 || (o >= 0x05 && o <= 0x0b) || (o >= 0x30 && o <= 0x37) || (o & ~9) == 0xa0 || o == 0xaa);
}

enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048, ALL = CF | PF | AF | ZF | SF | OF };
/* Flags that the SDM leaves undefined; `count`: of a shift, masked. */
static u32 undefined(int map, int o, int reg, int bits, int count) {
  if (map == 1) {
    if (o < 0x40) { int g = o >> 3; return g == 1 || g == 4 || g == 6 ? AF : 0; }
    switch (o) {
      case 0x80: case 0x81: case 0x83: return reg == 1 || reg == 4 || reg == 6 ? AF : 0;
      case 0x84: case 0x85: case 0xa8: case 0xa9: return AF;
      case 0x69: case 0x6b: return SF | ZF | AF | PF;
      case 0xf6: case 0xf7: return reg < 2 ? AF : reg == 4 || reg == 5 ? SF | ZF | AF | PF : reg >= 6 ? ALL : 0;
      case 0xc0: case 0xc1: case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        if (count == 0) return 0;
        return (reg >= 4 ? AF | (reg != 7 && count >= bits ? CF : 0) : 0) | (count != 1 ? OF : 0);
    }
    return 0;
  }
  if (map != 2) return 0;
  switch (o) {
    case 0xaf: return SF | ZF | AF | PF;
    case 0xbc: case 0xbd: return ALL & ~ZF;
    case 0xa3: case 0xab: case 0xb3: case 0xbb: case 0xba: return OF | SF | AF | PF;
    case 0xa4: case 0xa5: case 0xac: case 0xad: return count == 0 ? 0 : count > bits ? ALL : AF | (count != 1 ? OF : 0);
  }
  return 0;
}

static long made, faults;
/** ModRM.rm of a register form, where it is part of the opcode. */
static int fixedRm = -1;
static void one(int map, int prefix, int rex, int o, int reg, int memory) {
  u8 code[16]; int n = 0;
  const int address32 = prefix == 0x67, word = prefix == 0x66;
  const int x87 = map == 1 && (o == 0x9b || (o >= 0xd8 && o <= 0xdf));
  const int cls = x87 ? 1 : map == 1 ? 0 : map == 2 ? (simd2(o) || (o == 0xae && !prefix) ? 2 : 0) : (o & 0xf0) == 0xf0 ? 0 : 2;
  for (int i = 0; i < 16; i++) in.r[i] = integer();
  in.flags = 0x202 | (rnd() & ALL) | (one_in(4) ? 0x400 : 0);
  const u64 area = address32 || one_in(3) ? LOW : HIGH;
  u64 target = area + 0x400 + rnd() % 0x1000;
  if (cls == 2 && rnd() % 8) target &= ~15ull; else if (one_in(2)) target &= ~7ull;
  if (map == 2 && o == 0xc7 && rnd() % 4) target &= ~15ull;
  in.r[RSP] = (one_in(2) ? LOW : HIGH) + 0x800 + (rnd() % 0x200) * 8 + one_in(8);
  const int string = map == 1 && ((o >= 0xa4 && o <= 0xa7) || (o >= 0xaa && o <= 0xaf));
  if (string) {
    in.r[RSI] = target; in.r[RDI] = one_in(3) ? target + rnd() % 9 - 4 : area + 0x800 + rnd() % 0x400; in.r[RCX] = rnd() % 12;
    if (address32) { in.r[RSI] |= (u64)rnd() << 32; in.r[RDI] |= (u64)rnd() << 32; in.r[RCX] |= (u64)rnd() << 32; }
  }
  if (map == 1 && o == 0xd7) in.r[RBX] = target - (in.r[RAX] & 0xff);
  if (map == 1 && (o == 0xc8 || o == 0xc9)) in.r[RBP] = HIGH + 0x900 + rnd() % 0x800;
  if (map == 1 && o >= 0xe0 && o <= 0xe3 && one_in(2)) in.r[RCX] = address32 ? ((u64)rnd() << 32) | rnd() % 3 : rnd() % 3;
  if (map == 1 && (o == 0xf6 || o == 0xf7) && reg >= 6 && rnd() % 4) { in.r[RDX] = rnd() % 4 ? 0 : ~0ull; if (o == 0xf6) in.r[RAX] = rnd() % 0x4000; }

  if (map == 2 && o == 0xf7 && simd2(o)) in.r[RDI] = target;
  const int segment = memory && (map != 1 || o != 0x8d) && one_in(12) ? (one_in(2) ? 0x64 : 0x65) : 0;
  const int gs = segment != 0;
  const u64 base = segment == 0x64 ? FS_BASE : GS_BASE;
  if (segment) code[n++] = segment;
  if (prefix) code[n++] = prefix;
  const int rexAt = n;
  if (rex) code[n++] = rex;
  if (map != 1) { code[n++] = 0x0f; if (map == 3) code[n++] = 0x38; if (map == 4) code[n++] = 0x3a; }
  code[n++] = o;
  const int hasModrm = map == 1 ? modrm1(o) : map == 2 ? modrm2(o) : 1;
  u64 offset = gs ? target - base : target;
  int ripRelative = -1;
  if (hasModrm) {
    int rm = fixedRm >= 0 ? fixedRm : rnd() & 7;
    if (!memory) code[n++] = 0xc0 | reg << 3 | rm;
    else {
      const int extend = rex & 1 ? 8 : 0, extendIndex = rex & 2 ? 8 : 0;
      int mod = rnd() % 3;
      if (mod == 0 && rm == 5) {
        code[n++] = reg << 3 | 5; ripRelative = n; n += 4;
        if (!gs) { offset = target = LOW + (target & 0x1fff); }
      } else {
        code[n++] = mod << 6 | reg << 3 | rm;
        int baseRegister = rm | extend, index = -1, scale = 0, none = 0;
        if (rm == 4) {
          int b = rnd() & 7, x = rnd() & 7;
          scale = rnd() & 3;
          index = x | extendIndex; baseRegister = b | extend;
          if (index == 4) index = -1;
          if (mod == 0 && b == 5) none = 1;
          if (index >= 0 && index == baseRegister && !none) { x = 4; index = extendIndex ? index : -1; if (extendIndex) { code[n - 1] ^= 0; x = (x + 1) & 7; index = x | 8; if (index == baseRegister) index = (x = (x + 1) & 7) | 8; } }
          code[n++] = scale << 6 | x << 3 | b;
          if (index >= 0 && index != RSP && rnd() % 3) in.r[index] &= 0x1ff;
        }
        int64_t disp = mod == 1 ? (int8_t)rnd() : mod == 2 || none ? (int32_t)rnd() : 0;
        const u64 scaled = index >= 0 ? in.r[index] << scale : 0;
        if (none) { disp = (int32_t)(offset - scaled); }
        else { in.r[baseRegister] = offset - disp - scaled; if (address32) in.r[baseRegister] = (u32)in.r[baseRegister] | ((u64)rnd() << 32); if (!gs && one_in(48)) in.r[baseRegister] ^= 1ull << (47 + rnd() % 16); }
        if (mod == 1) code[n++] = disp; else if (mod == 2 || none) { memcpy(code + n, &disp, 4); n += 4; }
      }
    }
    if (map == 2 && memory && (o == 0xa3 || o == 0xab || o == 0xb3 || o == 0xbb) && rnd() % 4) {
      const int r = reg | (rex & 4 ? 8 : 0);
      in.r[r] = (in.r[r] & ~0xffffull & (one_in(2) ? 0 : ~0ull)) | 0; in.r[r] = (u64)(int64_t)(int8_t)rnd() * 4;
    }
  }
  int bytes = map == 1 ? immediate1(o, reg) : map == 2 ? immediate2(o) : map == 4 ? 1 : 0;
  const int wide = rex & 8 ? 8 : word ? 2 : 4;
  const int relative = (map == 1 && (o == 0xe8 || o == 0xe9)) || (map == 2 && o >= 0x80 && o <= 0x8f);
  if (bytes == 7) { u64 a = target; memcpy(code + n, &a, 8); n += address32 ? 4 : 8; if (area == HIGH && address32) return; }
  else if (bytes == 5) { code[n++] = rnd() % 64; code[n++] = 0; code[n++] = one_in(4) ? rnd() % 32 : rnd() % 4; }
  else if (relative) { int32_t d = (int32_t)(rnd() % 0x4000) - 0x2000; if (d <= 0 && d >= -16) d = 64; memcpy(code + n, &d, 4); n += 4; }
  else {
    if (bytes == 8) bytes = wide; else if (bytes == 4) bytes = word && !(rex & 8) ? 2 : 4;
    u64 v = integer(); memcpy(code + n, &v, 8); n += bytes;
    if (map == 1 && ((o >= 0x70 && o <= 0x7f) || (o >= 0xe0 && o <= 0xe3) || o == 0xeb) && (int8_t)code[n - 1] < 0 && (int8_t)code[n - 1] >= -n) code[n - 1] = 0x10;
  }
  if (map == 1 && o == 0xcd && (code[n - 1] == 3 || code[n - 1] == 4 || code[n - 1] == 0x80)) code[n - 1] ^= 0x40;
  if (n > 15) return;
  if (ripRelative >= 0) { int32_t d = (int32_t)(offset - (START + n)); memcpy(code + ripRelative, &d, 4); if (gs) target = base + offset; }
  if (map == 1 && o == 0x8e && !memory) { const int r = (code[n - 1] & 7) | (rex & 1 ? 8 : 0); in.r[r] = (in.r[r] & ~0xffffull) | selector(); }
  if (map == 2 && (o == 2 || o == 3 || o == 0) && !memory) { const int r = (code[n - 1] & 7) | (rex & 1 ? 8 : 0); in.r[r] = (in.r[r] & ~0xffffull) | selector(); }
  if (map == 2 && o == 0xae && prefix == 0xf3) { const int r = (code[n - 1] & 7) | (rex & 1 ? 8 : 0); if (rnd() % 4) in.r[r] = LOW - rnd() % 0x1000; }
  memset(in.fx, 0, 512); *(u16 *)in.fx = 0x37f; *(u32 *)(in.fx + 24) = 0x1f80;
  if (x87) {
    *(u16 *)in.fx = 0x37f & ~((rnd() % 4 ? 0 : rnd()) & 0x33f) & ~(one_in(3) ? 0x300 : 0) | (one_in(2) ? (rnd() & 3) << 10 : 0);
    if (!(*(u16 *)in.fx & 0x300) ? 0 : (*(u16 *)in.fx & 0x300) == 0x100) *(u16 *)in.fx |= 0x300;
    const u32 sticky = one_in(4) ? rnd() & 0x7f : 0, pending = sticky & ~*(u16 *)in.fx & 0x3f;
    *(u16 *)(in.fx + 2) = (rnd() & 0x4700) | (rnd() & 7) << 11 | sticky | (pending ? 0x8080 : 0);
    in.fx[4] = one_in(4) ? rnd() : 0xff;
    for (int i = 0; i < 8; i++) extended(in.fx + 32 + 16 * i);
    for (int i = 0; i < 16; i++) vector(in.fx + 160 + 16 * i);
  } else if (cls) {
    u32 mx = 0x1f80;
    if (one_in(3)) mx = (mx & ~0x6000) | ((rnd() & 3) << 13);
    if (one_in(8)) mx |= 0x8000; if (one_in(8)) mx |= 0x40; if (one_in(8)) mx &= ~((rnd() & 0x3f) << 7); if (one_in(8)) mx |= rnd() & 0x3f;
    *(u32 *)(in.fx + 24) = mx;
    for (int i = 0; i < 8; i++) { vector(in.fx + 32 + 16 * i); in.fx[40 + 16 * i] = in.fx[41 + 16 * i] = 0xff; memset(in.fx + 42 + 16 * i, 0, 6); }
    in.fx[4] = one_in(2) ? 0xff : 0;
    for (int i = 0; i < 16; i++) vector(in.fx + 160 + 16 * i);
    if (map == 2 && (o == 0xd1 || o == 0xd2 || o == 0xd3 || o == 0xe1 || o == 0xe2 || (o >= 0xf1 && o <= 0xf3)) && rnd() % 4)
      for (int i = 0; i < 16; i++) if (one_in(2)) *(u64 *)(in.fx + 160 + 16 * i) = rnd() % 70;
  }
  u8 patch[512]; int patched = 16;
  if (x87) { if (one_in(3)) extended(patch); else vector(patch); if (o == 0xdf && reg == 4 && memory && rnd() % 4) for (int i = 0; i < 10; i++) patch[i] = rnd() % 10 << 4 | rnd() % 10; }
  else if (cls) vector(patch); else for (int i = 0; i < 2; i++) ((u64 *)patch)[i] = integer();
  if (map == 1 && (o == 0x9d || o == 0xc3 || o == 0xc2)) target = in.r[RSP];
  if (map == 1 && o == 0x9d) { patch[1] &= ~1; patch[2] &= ~4; }
  if (map == 1 && (o == 0xc3 || o == 0xc2 || (o == 0xff && (reg == 2 || reg == 4)))) *(u64 *)patch = rnd() % 4 ? START - 0x100 + rnd() % 0x80 : rnd();
  if (map == 1 && o == 0xff && (reg == 2 || reg == 4) && !memory) { for (int i = 0; i < 16; i++) if (i != RSP) in.r[i] = rnd() % 4 ? START - 0x100 + rnd() % 0x80 : rnd(); }
  if (map == 2 && o == 0xae && !prefix && (reg == 2 || reg == 3)) *(u32 *)patch = one_in(4) ? rnd() : rnd() & 0xffff;
  const int far = memory && ((map == 1 && o == 0xff && (reg == 3 || reg == 5)) || (map == 2 && (o == 0xb2 || o == 0xb4 || o == 0xb5)));
  if (far) *(u16 *)(patch + wide) = map == 1 && one_in(2) ? 0x33 : selector();
  /* Not into compatibility mode, where the state after would not be whole. */
  if (far && map == 1 && *(u16 *)(patch + wide) == 0x23) *(u16 *)(patch + wide) = 0x33;
  if (far && map == 1) { memset(patch, 0, wide); *(u16 *)patch = 0x100; if (wide >= 4) *(u32 *)patch = START - 0x100 + rnd() % 0x80; }
  if (memory && ((map == 1 && o == 0x8e) || (map == 2 && (o == 2 || o == 3 || o == 0)))) *(u16 *)patch = selector();
  if (map == 2 && (o == 0xa1 || o == 0xa9)) { target = in.r[RSP]; *(u64 *)patch = (rnd64() & ~0xffffull) | selector(); }
  if (map == 1 && (o == 0xca || o == 0xcb || o == 0xcf)) {
    /* RIP, CS and, for IRET, RFLAGS, RSP, SS, of the operand size. */
    const u64 values[] = { wide == 2 || one_in(8) ? rnd() & 0xffff : START - 0x100 + rnd() % 0x80, one_in(2) ? 0x33 : selector() & ~0x20,
                           0x202 | (rnd() & ALL) | (one_in(4) ? 0x400 : 0), in.r[RSP] + 8 * (rnd() % 8), one_in(4) ? selector() : 0x2b };
    for (int i = 0; i < 5; i++) memcpy(patch + i * wide, &values[i], wide);
    target = in.r[RSP]; patched = 40;
  }
  if (map == 2 && o == 0xae && reg == 1 && memory && !prefix) { /* FXRSTOR */
    patched = 512; memset(patch, 0, 512);
    *(u16 *)patch = 0x37f & ~(one_in(2) ? rnd() & 0x3f : 0); *(u16 *)(patch + 2) = rnd() & 0x7f00; patch[4] = rnd();
    *(u32 *)(patch + 24) = one_in(8) ? rnd() : rnd() & 0xffff;
    for (int i = 0; i < 8; i++) extended(patch + 32 + 16 * i);
    for (int i = 0; i < 16; i++) vector(patch + 160 + 16 * i);
  }
  for (int a = 0; a < 2; a++) if (target >= AREAS[a] && target <= AREAS[a] + AREA_BYTES - patched) memcpy((u8 *)target, patch, patched);
  for (int a = 0; a < 2; a++) memcpy(before[a], (u8 *)AREAS[a], AREA_BYTES);
  memset((u8 *)START, 0xcc, 32); memcpy((u8 *)START, code, n);
  ticks = 0; running = 1; enter();
  /* What the kernel has mapped in the upper half shows in the error code: not ours to know. */
  if (out.sig != SIGPROF && !(out.trap == 14 && out.sig != SIGTRAP && out.cr2 >> 47)) {
    const int fault = out.sig != SIGTRAP || out.trap != 3;
    const u64 rip = fault ? out.rip : out.rip - 1;
    int count = -1, bits = wide * 8;
    if (map == 1 && ((o >= 0xc0 && o <= 0xc1) || (o >= 0xd0 && o <= 0xd3))) {
      if (!(o & 1)) bits = 8;
      count = (o <= 0xc1 ? code[n - 1] : o <= 0xd1 ? 1 : (u8)in.r[RCX]) & (wide == 8 && (o & 1) ? 63 : wide == 8 ? 63 : 31);
      if (bits == 8 && wide == 8) count = (o <= 0xc1 ? code[n - 1] : o <= 0xd1 ? 1 : (u8)in.r[RCX]) & 63;
    }
    if (map == 2 && (o == 0xa4 || o == 0xac || o == 0xa5 || o == 0xad)) {
      count = (o & 1 ? (u8)in.r[RCX] : code[n - 1]) & (wide == 8 ? 63 : 31);
      if (count > bits) goto restore; /* the result is undefined */
    }
    made++; faults += fault;
    printf("{\"c\":\""); hex(code, n); printf("\",\"m\":%d,\"k\":%d,\"l\":1,\"r\":[", map, cls);
    for (int i = 0; i < 16; i++) printf("%s\"%lx\"", i ? "," : "", in.r[i]);
    printf("],\"f\":%lu,", in.flags);
    if (cls) { printf("\"x\":\""); hex(in.fx, 28); hex(in.fx + 32, 384); printf("\","); }
    printf("\"p\":[\"%lx\",\"", target); hex(patch, patched); printf("\"],\"u\":%u,", undefined(map, o, reg, bits, count));
    if (fault) printf("\"sig\":%d,\"trap\":%u,\"err\":%u,\"cr2\":\"%lx\",", out.sig, out.trap, out.err, out.trap == 14 ? out.cr2 : 0);
    printf("\"e\":\"%lx\",\"R\":{", rip);
    for (int i = 0, c = 0; i < 16; i++) if (out.r[i] != in.r[i]) printf("%s\"%d\":\"%lx\"", c++ ? "," : "", i, out.r[i]);
    printf("},\"F\":%lu", out.flags & 0xfd5);
    if (cls) {
      memset(out.fx + 6, 0, 18);
      for (int i = 0; i < 8; i++) memset(out.fx + 42 + 16 * i, 0, 6);
      if (memcmp(in.fx, out.fx, 6) || memcmp(in.fx + 24, out.fx + 24, 4) || memcmp(in.fx + 32, out.fx + 32, 384)) { printf(",\"X\":\""); hex(out.fx, 28); hex(out.fx + 32, 384); printf("\""); }
    }
    int changes = 0;
    for (int a = 0; a < 2; a++) {
      u8 *now = (u8 *)AREAS[a];
      for (int i = 0; i < AREA_BYTES; i++) if (now[i] != before[a][i]) {
        int s = i;
        while (i < AREA_BYTES && (now[i] != before[a][i] || (i + 1 < AREA_BYTES && now[i + 1] != before[a][i + 1]))) i++;
        printf("%s[\"%lx\",\"", changes++ ? "," : ",\"M\":[", AREAS[a] + s); hex(now + s, i - s); printf("\"]");
      }
    }
    printf("%s}\n", changes ? "]" : "");
  }
restore:
  for (int a = 0; a < 2; a++) memcpy((u8 *)AREAS[a], pattern, AREA_BYTES);
}

int main(int argc, char **argv) {
  const int N = argc > 1 ? atoi(argv[1]) : 2;
  const char *which = argc > 2 ? argv[2] : "int";
  if (strcmp(which, "int") && strcmp(which, "simd") && strcmp(which, "x87") && strcmp(which, "system")) return fprintf(stderr, "record64: \"%s\": choose int, simd, x87 or system\n", which), 1;
  if (argc > 3) seed ^= strtoull(argv[3], 0, 0) * 0x9E3779B97F4A7C15ull;
  if ((u8 *)in.fx - (u8 *)&in != 144) return fprintf(stderr, "unexpected layout of struct state\n"), 1;
  const int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (mmap((void *)CODE, CODE_BYTES, 7, fixed, -1, 0) == MAP_FAILED || mmap((void *)LOW, AREA_BYTES, 3, fixed, -1, 0) == MAP_FAILED || mmap((void *)HIGH, AREA_BYTES, 3, fixed, -1, 0) == MAP_FAILED) return perror("mmap"), 1;
  memset((void *)CODE, 0xcc, CODE_BYTES);
  u32 x = 12345;
  for (int i = 0; i < AREA_BYTES; i++) { x = x * 1664525u + 1013904223u; pattern[i] = x >> 24; }
  for (int a = 0; a < 2; a++) memcpy((u8 *)AREAS[a], pattern, AREA_BYTES);
  static u8 stack[65536];
  /* SS_AUTODISARM: a vector may leave anything in RSP, even an address of this stack. */
  stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack, .ss_flags = 1u << 31 };
  if (sigaltstack(&alternate, 0)) return perror("sigaltstack"), 1;
  if (!(getauxval(AT_HWCAP2) & 2)) return fprintf(stderr, "record64: the kernel does not allow WRFSBASE here\n"), 1;
  struct sigaction action = { 0 };
  action.sa_sigaction = handler; action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGPROF };
  for (int i = 0; i < 6; i++) sigaction(signals[i], &action, 0);
  struct itimerval every = { { 1, 0 }, { 1, 0 } };
  setitimer(ITIMER_PROF, &every, 0);
  static const int rexes[] = { 0, 0x48, -1, -2 };
#define EACH_REX for (int q = 0; q < 4; q++) for (int k = 0, rex = 0; k < N && (rex = rexes[q] == -1 ? 0x48 | (rnd() & 7) : rexes[q] == -2 ? 0x40 | (rnd() & 7) : rexes[q], 1); k++)
  if (!strcmp(which, "x87")) {
    for (int o = 0xd8; o <= 0xdf; o++) for (int reg = 0; reg < 8; reg++) {
      EACH_REX one(1, 0, rex, o, reg, 1);
      EACH_REX one(1, 0x67, rex, o, reg, 1);
      for (fixedRm = 0; fixedRm < 8; fixedRm++) EACH_REX one(1, 0, rex, o, reg, 0);
      fixedRm = -1;
    }
    EACH_REX one(1, 0, rex, 0x9b, 0, 0);
  } else if (!strcmp(which, "system")) {
    static const u8 plain[] = { 0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x6c, 0x6d, 0x6e, 0x6f, 0x9a, 0xca, 0xcb, 0xcd, 0xce, 0xcf, 0xd4, 0xd5, 0xd6,
      0xe4, 0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xed, 0xee, 0xef, 0xf1, 0xf4, 0xfa, 0xfb };
    for (int t = 0; t < sizeof plain; t++) { EACH_REX one(1, 0, rex, plain[t], 0, 0); EACH_REX one(1, 0x66, rex, plain[t], 0, 0); }
    for (int reg = 0; reg < 8; reg++) for (int m = 0; m < 2; m++) {
      EACH_REX one(1, 0, rex, 0x82, reg, m);
      EACH_REX one(1, 0, rex, 0x8c, reg, m);
      EACH_REX one(1, 0x66, rex, 0x8c, reg, m);
      EACH_REX one(1, 0, rex, 0x8e, reg, m);
    }
    for (int reg = 3; reg < 6; reg += 2) for (int p = 0; p < 0x67; p += 0x66) { EACH_REX one(1, p, rex, 0xff, reg, 1); }
    static const u8 bytes[] = { 0x06, 0x07, 0x08, 0x09, 0x0b, 0x30, 0x32, 0x35, 0xa0, 0xa1, 0xa8, 0xa9, 0xaa };
    for (int t = 0; t < sizeof bytes; t++) { EACH_REX one(2, 0, rex, bytes[t], 0, 0); }
    for (int m = 0; m < 2; m++) for (int reg = 0; reg < 8; reg++) {
      if (reg >= 2 && reg <= 5) { EACH_REX one(2, 0, rex, 0x00, reg, m); }
      if (reg == 6 || (m && (reg == 2 || reg == 3 || reg == 7))) { EACH_REX one(2, 0, rex, 0x01, reg, m); }
      static const u8 both[] = { 0x02, 0x03, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0xb9, 0xff };
      for (int t = 0; t < sizeof both; t++) { EACH_REX one(2, 0, rex, both[t], reg, m); EACH_REX one(2, 0x66, rex, both[t], reg, m); }
      if (m) { EACH_REX one(2, 0, rex, 0x0d, reg, m); EACH_REX one(2, 0, rex, 0xb2, reg, m); EACH_REX one(2, 0, rex, 0xb4, reg, m); EACH_REX one(2, 0, rex, 0xb5, reg, m); }
      else for (int o = 0x20; o < 0x24; o++) { EACH_REX one(2, 0, rex, o, reg, m); }
      if (m ? reg == 1 || reg == 2 || reg == 3 || reg == 7 : reg >= 5) { EACH_REX one(2, 0, rex, 0xae, reg, m); }
      if (!m && reg < 4) { EACH_REX one(2, 0xf3, rex, 0xae, reg, m); }
    }
    /* MONITOR MWAIT CLAC STAC SWAPGS */
    static const u8 fixed[] = { 0xc8, 0xc9, 0xca, 0xcb, 0xf8 };
    for (int t = 0; t < sizeof fixed; t++) { fixedRm = fixed[t] & 7; EACH_REX one(2, 0, rex, 0x01, fixed[t] >> 3 & 7, 0); }
    fixedRm = -1;
    EACH_REX one(3, 0x66, rex, 0x82, rnd() & 7, 1);
    /* PAUSE, and NOP with other prefixes */
    for (int t = 0; t < 4; t++) { static const u8 of[] = { 0xf3, 0xf2, 0x66, 0x67 }; EACH_REX one(1, of[t], rex, 0x90, 0, 0); }
  } else if (!strcmp(which, "int")) {
    static const int prefixes[] = { 0, 0x66, 0x67, 0xf0, 0xf3, 0xf2 };
    for (int o = 0; o < 256; o++) for (int p = 0; p < 6 && !skip1(o); p++) {
      const int prefix = prefixes[p], string = (o >= 0xa4 && o <= 0xa7) || (o >= 0xaa && o <= 0xaf);
      if (prefix >= 0xf2 && !string) continue;
      if (prefix == 0xf0 && !modrm1(o)) continue;
      if (prefix == 0x66 && (o == 0xe8 || o == 0xe9 || o == 0xeb || o == 0xc2 || o == 0xc3 || (o >= 0x70 && o <= 0x7f) || (o >= 0xe0 && o <= 0xe3) || o == 0xc8 || o == 0xc9)) continue;
      for (int reg = 0; reg < (modrm1(o) ? 8 : 1); reg++) for (int m = 0; m < (modrm1(o) ? 2 : 1); m++) {
        if ((o == 0xff && (reg == 3 || reg == 5 || (prefix == 0x66 && (reg == 2 || reg == 4)))) || ((o == 0x8f || o == 0xc6 || o == 0xc7) && reg)) continue;
        EACH_REX one(1, prefix, rex, o, reg, m);
      }
    }
    for (int o = 0; o < 256; o++) for (int p = 0; p < 4 && integer2(o); p++) {
      if (prefixes[p] == 0x66 && o >= 0x80 && o <= 0x8f) continue;
      for (int reg = 0; reg < (modrm2(o) ? 8 : 1); reg++) for (int m = 0; m < (modrm2(o) ? 2 : 1); m++) {
        if (o == 0xc7 && (reg != 1 || !m)) continue;
        if (o == 0xb8) continue;
        EACH_REX one(2, prefixes[p], rex, o, reg, m);
      }
    }
    for (int reg = 0; reg < 8; reg++) { EACH_REX one(2, 0xf3, rex, 0xb8, reg, rnd() & 1); }
    for (int reg = 0; reg < 8; reg++) for (int o = 0xf0; o < 0xf2; o++) { EACH_REX one(3, 0xf2, rex, o, reg, rnd() & 1); EACH_REX one(3, 0, rex, o, reg, 1); }
  } else {
    static const int prefixes[] = { 0, 0x66, 0xf3, 0xf2 };
    for (int o = 0; o < 256; o++) for (int p = 0; p < 4; p++) {
      if (!simd2(o) || o == 0x78 || o == 0x79 || o == 0xff || (prefixes[p] >= 0xf2 && (o == 0x2b || o == 0x77 || o == 0xf7))) continue;
      for (int reg = 0; reg < (o == 0x77 ? 1 : 8); reg++) for (int m = 0; m < (o == 0x77 || o == 0xf7 ? 1 : 2); m++) EACH_REX one(2, prefixes[p], rex, o, reg, m);
    }
    for (int o = 0; o <= 0x41; o++) for (int p = 0; p < 2; p++) for (int reg = 0; reg < 8; reg += 3) for (int m = 0; m < 2; m++) EACH_REX one(3, prefixes[p], rex, o, reg, m);
    for (int o = 0xdb; o <= 0xdf; o++) for (int reg = 0; reg < 8; reg += 3) for (int m = 0; m < 2; m++) { EACH_REX one(3, 0x66, rex, o, reg, m); }
    for (int reg = 0; reg < 8; reg += 3) for (int m = 0; m < 2; m++) { EACH_REX one(4, 0x66, rex, 0x44, reg, m); EACH_REX one(4, 0x66, rex, 0xdf, reg, m); }
    for (int o = 8; o <= 0x63; o++) {
      /* DPPS and DPPD: the makers differ in which of several NaNs they keep in which lane. */
      if (o == 0x40 || o == 0x41) continue;
      if (!(o <= 0x17 || (o >= 0x20 && o <= 0x22) || (o >= 0x40 && o <= 0x42) || o >= 0x60)) continue;
      for (int p = 0; p < 2; p++) for (int reg = 0; reg < 8; reg += 3) for (int m = 0; m < 2; m++) EACH_REX one(4, prefixes[p], rex, o, reg, m);
    }
  }
  fflush(stdout);
  fprintf(stderr, "%ld vectors, %ld faulted\n", made, faults);
  return 0;
}

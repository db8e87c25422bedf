/** CPUID features in the order of their bit in the core's feature mask (asm/decode/features.ts); the list of asm/isa/row.ts. */
import type { Feature } from "../isa/row";

export const FEATURES: readonly Feature[] = [
  "486", "586", "cx8", "cmov", "fpu", "fcmov", "mmx", "sse", "sse2", "sse3", "ssse3", "sse4_1", "sse4_2", "aes", "pclmul",
  "popcnt", "movbe", "fxsr", "clfsh", "sep", "tsc", "msr", "rdtscp", "syscall", "lm", "cx16", "fsgsbase", "xsave", "invpcid",
  "smap", "nopl", "monitor", "rdrand", "lahf64", "mmxext", "pse", "prefetchw",
];

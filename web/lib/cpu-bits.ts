/**
 * Bits of the system registers as data: name, position and meaning, for panels, traces and crash reports. SDM 1
 * "EFLAGS Register", SDM 3A "Control Registers", "IA32_EFER", "Debug Registers". Values equal those of
 * asm/core/control-registers.ts and asm/core/eflags.ts (a test compares).
 */

export interface BitField {
  readonly name: string;
  /** Lowest bit. */
  readonly bit: number;
  /** Number of bits; 1 unless given. */
  readonly width?: number;
  readonly gloss: string;
}

const bit = (name: string, at: number, gloss: string, width?: number): BitField => ({ name, bit: at, gloss, ...(width ? { width } : {}) });

export const EFLAGS_BITS: readonly BitField[] = [
  bit("CF", 0, "carry"),
  bit("PF", 2, "parity of the low byte is even"),
  bit("AF", 4, "carry out of bit 3"),
  bit("ZF", 6, "result is zero"),
  bit("SF", 7, "result is negative"),
  bit("TF", 8, "single-step trap"),
  bit("IF", 9, "external interrupts are taken"),
  bit("DF", 10, "string instructions go down"),
  bit("OF", 11, "signed overflow"),
  bit("IOPL", 12, "privilege that may do I/O", 2),
  bit("NT", 14, "nested task"),
  bit("RF", 16, "instruction breakpoints are passed once"),
  bit("VM", 17, "virtual-8086 mode"),
  bit("AC", 18, "alignment check, or access to user pages under SMAP"),
  bit("VIF", 19, "virtual interrupt flag"),
  bit("VIP", 20, "virtual interrupt pending"),
  bit("ID", 21, "can be changed: CPUID exists"),
];

export const CR0_BITS: readonly BitField[] = [
  bit("PE", 0, "protected mode"),
  bit("MP", 1, "WAIT obeys TS"),
  bit("EM", 2, "no x87: its instructions raise #NM"),
  bit("TS", 3, "task was switched: the next x87 or SSE instruction raises #NM"),
  bit("ET", 4, "x87 is a 387 (always 1)"),
  bit("NE", 5, "x87 errors raise #MF, not IRQ 13"),
  bit("WP", 16, "the kernel obeys read-only pages"),
  bit("AM", 18, "alignment checks possible"),
  bit("NW", 29, "not write-through"),
  bit("CD", 30, "caches off"),
  bit("PG", 31, "paging"),
];

export const CR4_BITS: readonly BitField[] = [
  bit("VME", 0, "virtual-8086 extensions"),
  bit("PVI", 1, "virtual interrupts in protected mode"),
  bit("TSD", 2, "RDTSC only at CPL 0"),
  bit("DE", 3, "I/O breakpoints"),
  bit("PSE", 4, "4 MB pages"),
  bit("PAE", 5, "64-bit table entries"),
  bit("MCE", 6, "machine checks"),
  bit("PGE", 7, "global pages"),
  bit("PCE", 8, "RDPMC at any CPL"),
  bit("OSFXSR", 9, "the system saves SSE state"),
  bit("OSXMMEXCPT", 10, "SSE errors raise #XM"),
  bit("UMIP", 11, "SGDT, SIDT, SLDT, SMSW, STR only at CPL 0"),
  bit("FSGSBASE", 16, "RDFSBASE and its like"),
  bit("PCIDE", 17, "process-context identifiers"),
  bit("OSXSAVE", 18, "the system uses XSAVE"),
  bit("SMEP", 20, "the kernel must not execute user pages"),
  bit("SMAP", 21, "the kernel must not touch user pages"),
];

export const EFER_BITS: readonly BitField[] = [
  bit("SCE", 0, "SYSCALL"),
  bit("LME", 8, "long mode enabled"),
  bit("LMA", 10, "long mode active"),
  bit("NXE", 11, "no-execute pages"),
];

/** CR3 outside PAE and PCIDs: the rest is the page directory's address. */
export const CR3_BITS: readonly BitField[] = [bit("PWT", 3, "write-through"), bit("PCD", 4, "cache off")];

export const fieldOf = (field: BitField, value: bigint): bigint => (value >> BigInt(field.bit)) & ((1n << BigInt(field.width ?? 1)) - 1n);

/** Error code of #PF, SDM 3A "Page-Fault Exceptions". */
export const PAGE_FAULT_BITS: readonly BitField[] = [
  bit("P", 0, "the page is present: its rights forbid the access"),
  bit("W/R", 1, "a write"),
  bit("U/S", 2, "at CPL 3"),
  bit("RSVD", 3, "a reserved bit is set in a table entry"),
  bit("I/D", 4, "an instruction fetch"),
];

/** Exceptions by vector, SDM 3A "Protected-Mode Exceptions and Interrupts". */
export const EXCEPTIONS: Readonly<Record<number, readonly [string, string]>> = {
  0: ["#DE", "divide error"],
  1: ["#DB", "debug exception"],
  2: ["NMI", "non-maskable interrupt"],
  3: ["#BP", "breakpoint"],
  4: ["#OF", "overflow"],
  5: ["#BR", "BOUND range exceeded"],
  6: ["#UD", "invalid opcode"],
  7: ["#NM", "device not available"],
  8: ["#DF", "double fault"],
  10: ["#TS", "invalid TSS"],
  11: ["#NP", "segment not present"],
  12: ["#SS", "stack-segment fault"],
  13: ["#GP", "general protection"],
  14: ["#PF", "page fault"],
  16: ["#MF", "x87 floating-point error"],
  17: ["#AC", "alignment check"],
  18: ["#MC", "machine check"],
  19: ["#XM", "SIMD floating-point exception"],
};

/** `#PF`, or `vector 32` for what has no name. */
export const exceptionName = (vector: number): string => EXCEPTIONS[vector]?.[0] ?? `vector ${vector}`;

/** A segment register's hidden part in words. */
export interface SegmentWords {
  readonly usable: boolean;
  readonly kind: string;
  readonly dpl: number;
  /** D/B, or L for 64-bit code: width in bits. */
  readonly bits: 16 | 32 | 64;
  readonly present: boolean;
}

const UNUSABLE = 0x1000;
const SYSTEM_TYPES: Readonly<Record<number, string>> = {
  1: "TSS, 16-bit, available",
  2: "LDT",
  3: "TSS, 16-bit, busy",
  9: "TSS, 32-bit, available",
  11: "TSS, 32-bit, busy",
};

/** `attributes` as the state has them: descriptor bits 40-47 and 52-55, bit 12 = unusable (asm/core/segment.ts). */
export function segmentWords(attributes: number): SegmentWords {
  const type = attributes & 0xf;
  const usable = (attributes & UNUSABLE) === 0;
  const bits = attributes & 0x200 ? 64 : attributes & 0x400 ? 32 : 16;
  const present = (attributes & 0x80) !== 0;
  const dpl = (attributes >> 5) & 3;
  if (!usable) return { usable, kind: "not usable", dpl, bits, present };
  if (!(attributes & 0x10)) return { usable, kind: SYSTEM_TYPES[type] ?? `system type ${type}`, dpl, bits, present };
  const words = type & 8 ? ["code", type & 2 ? "readable" : "execute-only"] : ["data", type & 2 ? "writable" : "read-only"];
  if (type & 4) words.push(type & 8 ? "conforming" : "expand-down");
  return { usable, kind: words.join(", "), dpl, bits, present };
}

/** What the mode line says. */
export interface ModeWords {
  readonly mode: "real mode" | "virtual-8086 mode" | "protected mode" | "long mode";
  readonly codeBits: 16 | 32 | 64;
  readonly paging: "no paging" | "32-bit paging" | "PAE paging" | "4-level paging";
}

export function modeWords(registers: Readonly<Record<string, bigint>>): ModeWords {
  const cr0 = registers.cr0 ?? 0n;
  const cr4 = registers.cr4 ?? 0n;
  const isLong = ((registers.efer ?? 0n) & 0x400n) !== 0n;
  const isProtected = (cr0 & 1n) !== 0n;
  const isV86 = isProtected && ((registers.eflags ?? 0n) & 0x20000n) !== 0n;
  const paging = !(cr0 & 0x80000000n) ? "no paging" : isLong ? "4-level paging" : cr4 & 0x20n ? "PAE paging" : "32-bit paging";
  const mode = !isProtected ? "real mode" : isV86 ? "virtual-8086 mode" : isLong ? "long mode" : "protected mode";
  return { mode, codeBits: isV86 ? 16 : segmentWords(Number(registers.cs_attributes ?? 0n)).bits, paging };
}

/**
 * The row: one encoding of one instruction, written as SDM Vol 2D Appendix A writes it. Plain data, read at build
 * time by the generators of decoder, dispatch, disassembler, assembler and tests. Nothing here runs in the core.
 */

/** Addressing method, SDM Vol 2 A.2.1; `Z` (register in the opcode's low bits) and `Hx`-less legacy only. */
type Method = "A" | "C" | "D" | "E" | "F" | "G" | "I" | "J" | "M" | "N" | "O" | "P" | "Q" | "R" | "S" | "U" | "V" | "W" | "X" | "Y" | "Z";
/**
 * Operand type, SDM Vol 2 A.2.2: b byte, w word, d dword, q qword, v word/dword/qword by operand size, z word/dword
 * (dword for 64-bit), y dword/qword, p far pointer 16:16/16:32, s pseudo-descriptor, a bound pair, dq 128 bits,
 * ps/pd packed, ss/sd scalar float, pi MMX qword; `sb` a byte sign-extended to the operand size; x87 memory: m32fp
 * m64fp m80fp m16int m32int m64int m80bcd env state as `t`-suffixed names below.
 */
type Size = "b" | "w" | "d" | "q" | "v" | "z" | "y" | "p" | "s" | "a" | "dq" | "ps" | "pd" | "ss" | "sd" | "pi" | "sb" | "" | "x";
type FixedRegister =
  | "AL"
  | "CL"
  | "DX"
  | "AX"
  | "EAX"
  | "rAX"
  | "eAX"
  | "rCX"
  | "rDX"
  | "AH"
  | "ES"
  | "CS"
  | "SS"
  | "DS"
  | "FS"
  | "GS"
  | "1"
  | "3"
  | "Fv"
  | "ST0"
  | "STi"
  | "XMM0";
type X87Memory = "m32fp" | "m64fp" | "m80fp" | "m16int" | "m32int" | "m64int" | "m80bcd" | "m14/28" | "m94/108" | "m512" | "m16";
/** A whole general register, or a memory operand that is narrower than it (SLDT, SMSW, PINSRW, PEXTRB …). The SDM writes Rv/Mw. */
type RegisterOrNarrowMemory = "Ev/Mw" | "Ey/Mw" | "Ey/Mb";
export type Operand = `${Method}${Size}` | FixedRegister | X87Memory | RegisterOrNarrowMemory;

/** CPUID feature that makes the encoding legal; absent = 8086…386 base. */
export type Feature =
  | "486"
  | "586"
  | "cx8"
  | "cmov"
  | "fpu"
  | "fcmov"
  | "mmx"
  | "sse"
  | "sse2"
  | "sse3"
  | "ssse3"
  | "sse4_1"
  | "sse4_2"
  | "aes"
  | "pclmul"
  | "popcnt"
  | "movbe"
  | "fxsr"
  | "clfsh"
  | "sep"
  | "tsc"
  | "msr"
  | "rdtscp"
  | "syscall"
  | "lm"
  | "cx16"
  | "fsgsbase"
  | "xsave"
  | "invpcid"
  | "smap"
  | "nopl"
  | "monitor"
  | "rdrand"
  | "lahf64"
  | "mmxext"
  | "pse"
  | "prefetchw";

/**
 * What is checked before an instruction of the unit does anything, SDM 3A "Table 2-2 Action Taken By x87 FPU
 * Instructions" and 13.1: x87 #NM if EM or TS, then #MF if one is pending; `x87-control` (the FN… forms) without #MF;
 * mmx #UD if EM, #NM if TS, #MF if pending; sse #UD if EM or not OSFXSR, #NM if TS.
 */
export type Unit = "x87" | "x87-control" | "mmx" | "sse";

/**
 * How the generator binds a row to its meaning (asm/semantics). One letter per operand method, see
 * asm/toolchain/print-dispatch.ts for the list and the exact call each one prints.
 */
export type Form =
  /** `class MNEMONIC extends Binary` by operand pattern; ALU with write-back: ADD … XOR. */
  | "binary"
  /** as binary, without write-back: CMP, TEST. */
  | "compare"
  /** `class MNEMONIC extends Unary` on an E operand: INC DEC NEG NOT. */
  | "unary"
  /** `class MNEMONIC extends Shift`: E by 1, CL or Ib. */
  | "shift"
  /** a static method `MNEMONIC.exec<B, M, T, V, W>(i)`, generic over width: everything else that is staged. */
  | "staged"
  /** `class MNEMONIC extends Vector`: V op= W on XMM (or P op= Q on MMX as low half). */
  | "vector"
  /** `helpers.MNEMONIC(i)`: an ordinary function; JIT code calls it and continues. `binding` overrides the name. */
  | "helper";

export interface RowAttributes {
  /** Opcode extension in ModRM.reg (`/0`-`/7`). */
  readonly reg?: number;
  /** ModRM.rm fixed (x87, 0F01 and the like; implies mod=3). */
  readonly rm?: number;
  /** "mem": only with a memory operand, "reg": only with mod=3; absent: both. */
  readonly mod?: "mem" | "reg";
  /** Mandatory prefix that selects the row ("none": only without 66/F3/F2). Absent: prefixes do not select. */
  readonly prefix?: "none" | "66" | "F3" | "F2";
  readonly form?: Form;
  /** Class or helper name where it is not the mnemonic (e.g. MOV to CR → "MOV_CR"). */
  readonly binding?: string;
  readonly lock?: boolean;
  /** F3/F2 meaning on string instructions. */
  readonly rep?: "rep" | "repz";
  readonly feature?: Feature;
  /** #GP unless CPL = 0; `iopl`: I/O privilege (IN OUT INS OUTS, CLI STI, and V86 sensitive instructions check themselves). */
  readonly cpl0?: boolean;
  readonly iopl?: boolean;
  /** Invalid in 64-bit mode / only valid there; default / forced 64-bit operand size there. */
  readonly i64?: boolean;
  readonly o64?: boolean;
  readonly d64?: boolean;
  readonly f64?: boolean;
  /** #UD in real and virtual-8086 mode. */
  readonly protectedOnly?: boolean;
  /** Flags (letters o s z a p c, d i t n r for the others). */
  readonly reads?: string;
  readonly writes?: string;
  readonly undefined?: string;
  /** The row ends a decoded block: control transfer, mode change, or anything after which RIP is not the next instruction. */
  readonly ends?: boolean;
  /** The exit it is counted under (asm/isa/events.ts), where it traps to the VMM. */
  readonly intercept?: string;
  /** Not an official SDM row, or an alias the disassembler and assembler skip. */
  readonly alias?: boolean;
  /** Mnemonics that change with operand size: [16, 32, 64], e.g. CBW/CWDE/CDQE. */
  readonly names?: readonly [string, string, string];
  /** `names` goes by address size (JCXZ/JECXZ/JRCXZ). */
  readonly namesByAddress?: boolean;
  readonly unit?: Unit;
  /** The 16-byte memory operand need not be aligned; all other legacy SSE ones raise #GP(0). SDM 3A "Memory Access and Alignment". */
  readonly unaligned?: boolean;
}

export interface Row extends RowAttributes {
  /** 1 one-byte, 2 0F, 3 0F38, 4 0F3A. */
  readonly map: 1 | 2 | 3 | 4;
  readonly opcode: number;
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
}

/** `row(map)(0x8D, "LEA", ["Gv", "M"], {…})`. */
export const rowsOf =
  (map: Row["map"]) =>
  (opcode: number, mnemonic: string, operands: readonly Operand[] = [], attributes: RowAttributes = {}): Row => ({
    map,
    opcode,
    mnemonic,
    operands,
    ...attributes,
  });

/** The six classic encodings of an ALU instruction from its first opcode: Eb,Gb Ev,Gv Gb,Eb Gv,Ev AL,Ib rAX,Iz. */
export function alu(first: number, mnemonic: string, attributes: RowAttributes): Row[] {
  const row = rowsOf(1);
  const { lock, ...rest } = attributes;
  return [
    row(first, mnemonic, ["Eb", "Gb"], { ...rest, ...(lock ? { lock } : {}) }),
    row(first + 1, mnemonic, ["Ev", "Gv"], { ...rest, ...(lock ? { lock } : {}) }),
    row(first + 2, mnemonic, ["Gb", "Eb"], rest),
    row(first + 3, mnemonic, ["Gv", "Ev"], rest),
    row(first + 4, mnemonic, ["AL", "Ib"], rest),
    row(first + 5, mnemonic, ["rAX", "Iz"], rest),
  ];
}

/** The same row for opcode first…first+count-1 (register or condition in the low bits). `mnemonic` may depend on the index. */
export function range(first: number, count: number, make: (opcode: number, index: number) => Row | Row[]): Row[] {
  return Array.from({ length: count }, (_, index) => make(first + index, index)).flat();
}

/** Condition names in encoding order, SDM Vol 1 appendix B.1. */
export const CONDITIONS = ["O", "NO", "B", "NB", "Z", "NZ", "BE", "NBE", "S", "NS", "P", "NP", "L", "NL", "LE", "NLE"] as const;
/** Flags each condition pair reads. */
export const CONDITION_READS = ["o", "c", "z", "cz", "s", "p", "so", "szo"] as const;

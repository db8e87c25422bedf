/**
 * One fuzz case: a few instructions with the state they begin in. Plain data, so that a failing one is a file. What all
 * cases of an image share (paging mode, control registers) is the `Regime`.
 *
 *   linear 0000-FFFF, of both address sizes: pages of the case
 *   0x6000 0x7000    stack
 *   0x8000-0x9FFF    data, compared as a whole
 *   0xD000 0xE000    code
 *   C0000000         runtime, supervisor (image.ts)
 */

/** Paging and control registers of a batch. */
export interface Regime {
  readonly pae: boolean;
  readonly nxe: boolean;
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly umip: boolean;
}

export interface FuzzInstruction {
  /** Bytes in hexadecimal. */
  readonly bytes: string;
  readonly text: string;
  /** Flags not to be compared if the case ends in this instruction or is cut after it. */
  readonly undefinedFlags: number;
}

export interface FuzzCase {
  readonly instructions: readonly FuzzInstruction[];
  /** EAX ECX EDX EBX ESP EBP ESI EDI. */
  readonly registers: readonly number[];
  /** With VM the case runs in virtual-8086 mode: CS and SS are 0, `segments` are paragraphs. */
  readonly eflags: number;
  readonly cpl: 0 | 3;
  /** Operand and address size of the code segment. */
  readonly bits: 16 | 32;
  /** Selectors of `SELECTORS`: DS ES FS GS. */
  readonly segments: readonly number[];
  /** Offset of the first instruction in the code page. */
  readonly offset: number;
  /** Low 12 bits of the 16 page-table entries, 0 = not present; bit 12 = no execute. */
  readonly pages: readonly number[];
}

export const Place = { stack: 0x6000, data: 0x8000, dataBytes: 0x2000, code: 0xd000, codeBytes: 0x2000 } as const;
export const NO_EXECUTE = 0x1000;

export const VM = 0x20000;
export const isVirtual8086 = (one: FuzzCase): boolean => (one.eflags & VM) !== 0;

/** The runtime's GDT (image.ts). `FS_DATA`, `GS_DATA` have bases. */
export const SELECTORS = {
  kernelCode: 0x08,
  kernelData: 0x10,
  kernelCode16: 0x18,
  userCode: 0x23,
  userCode16: 0x2b,
  userData: 0x33,
  kernelBased: 0x38,
  userBased: 0x43,
  readOnly: 0x4b,
  tss: 0x50,
  notPresent: 0x5b,
} as const;

export const hexBytes = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const codeOf = (one: FuzzCase): number[] =>
  one.instructions.flatMap(({ bytes }) => (bytes.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)));

/** A case for people. */
export function describeCase(one: FuzzCase): string {
  const names = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
  const registers = names.map((name, n) => `${name}=${one.registers[n]!.toString(16)}`).join(" ");
  const code = one.instructions.map(({ bytes, text }) => `  ${bytes.padEnd(24)} ${text}`).join("\n");
  return `${isVirtual8086(one) ? "virtual-8086 mode" : `CPL ${one.cpl}`}, ${one.bits}-bit code, eflags=${one.eflags.toString(16)} ${registers}\n${code}`;
}

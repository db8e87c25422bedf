/** Register names by number and width, SDM Vol 2 Table B-2 and on. Shared by disassembler and assembler. */

const WORD = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const LOW_BYTE = ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"];
const REX_BYTE = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const SUFFIX: Readonly<Record<number, string>> = { 1: "b", 2: "w", 4: "d", 8: "" };
export const SEGMENTS: readonly string[] = ["es", "cs", "ss", "ds", "fs", "gs"];

/** General register `n` (0-15) of `bytes` (1, 2, 4, 8). With a REX prefix, byte registers 4-7 are SPL to DIL. */
export function generalRegister(n: number, bytes: number, rex = false): string {
  if (n >= 8) return `r${n}${SUFFIX[bytes]}`;
  if (bytes === 1) return (rex ? REX_BYTE : LOW_BYTE)[n]!;
  const word = WORD[n]!;
  return bytes === 2 ? word : bytes === 4 ? `e${word}` : `r${word}`;
}

/** Sixteen-bit base and index by ModRM.rm, SDM Vol 2 Table 2-1. */
export const ADDRESS16: readonly string[] = ["bx+si", "bx+di", "bp+si", "bp+di", "si", "di", "bp", "bx"];

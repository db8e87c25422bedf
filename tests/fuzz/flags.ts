/** Which flags are undefined along a sequence, from the rows and, for shifts, from their counts. */
import type { Row } from "../../asm/isa/index";

const BITS: Readonly<Record<string, number>> = { o: 0x800, s: 0x80, z: 0x40, a: 0x10, p: 4, c: 1 };
export const ARITHMETIC = 0x8d5;

export const flagMask = (letters: string | undefined): number =>
  [...(letters ?? "")].reduce((mask, letter) => mask | (BITS[letter] ?? 0), 0);

/**
 * Undefined after `row`, given those before. `count`: a shift's masked count where it is in the code; undefined: it is in CL,
 * perhaps 0, and then nothing changes. `bits`: operand size.
 */
export function undefinedAfter(row: Row, before: number, bits: number, count: number | undefined): number {
  const isShift = /^(SHL|SHR|SAR|ROL|ROR|RCL|RCR|SHLD|SHRD)$/.test(row.mnemonic);
  if (!isShift) return (before & ~flagMask(row.writes)) | flagMask(row.undefined);
  if (count === 0) return before;
  const open =
    flagMask(row.undefined) |
    (count === 1 ? 0 : BITS.o!) |
    (bits < 32 && (count === undefined || count >= bits) && row.mnemonic !== "SAR" && !/^R/.test(row.mnemonic) ? BITS.c! : 0);
  return count === undefined ? before | open : (before & ~flagMask(row.writes)) | open;
}

/** Does the row's result depend on one of these flags? */
export const readsAny = (row: Row, flags: number): boolean => (flagMask(row.reads) & flags) !== 0;

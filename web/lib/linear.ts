/**
 * Linear addresses as numbers. Those of 64-bit mode are signed, as the processor extends them: the upper half of the space
 * is negative. So every canonical address of 48 bits is exact, and those of 32 bits are what they were.
 */

const LINEAR_END = 2 ** 32;
const PAGE = 4096;

/** From a register or a typed number of 64 bits. Undefined: it is not canonical. */
export function signedLinear(value: bigint): number | undefined {
  const signed = BigInt.asIntN(64, value);
  return signed === BigInt.asIntN(48, signed) ? Number(signed) : undefined;
}
/** As 64 bits without sign, the way people write it. */
export const unsignedLinear = (linear: number): bigint => BigInt.asUintN(64, BigInt(linear));

/** 8 hexadecimal digits, or 16 where they are needed. */
export function linearText(linear: number): string {
  const value = unsignedLinear(linear);
  return value.toString(16).padStart(value >> 32n === 0n ? 8 : 16, "0");
}

/** Where the next instruction is. */
export function linearRip(codeBase: bigint, rip: bigint, is64Bit: boolean): number {
  return Number(is64Bit ? BigInt.asIntN(64, rip) : (codeBase + rip) & 0xffffffffn);
}

/** Two unsigned numbers of 32 bits. */
export function halves(linear: number): { readonly low: number; readonly high: number } {
  const high = Math.floor(linear / LINEAR_END);
  return { low: linear - high * LINEAR_END, high: high >>> 0 };
}

export const pageOffset = (linear: number): number => ((linear % PAGE) + PAGE) % PAGE;

/** Numbers and bytes as hexadecimal text, the way the manuals print them: upper-case digits and a trailing h only in prose. */

/** `0x` and at least `digits` upper-case digits. Accepts integers and bigints; negative ones are the upper half of 64 bits (linear.ts). */
export function hex(value: number | bigint, digits = 0): string {
  const shown = value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
  return `0x${shown.toString(16).toUpperCase().padStart(digits, "0")}`;
}

/** Bytes as two-digit groups with a space between: `55 AA`. */
export function hexBytes(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}

/** Bytes as one run of lower-case digits, as checksums are printed. */
export function hexDigest(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

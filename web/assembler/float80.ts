/** Double → x87 double extended-precision, SDM Vol 1 4.2.2: exact, since every double has an 80-bit equal. */

/** Ten bytes, lowest first. */
export function float80(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  const bits = view.getBigUint64(0, true);
  const sign = Number(bits >> 63n);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  let fraction = (bits & 0xf_ffff_ffff_ffffn) << 11n;
  let biased = 0;
  if (exponent === 0x7ff) {
    biased = 0x7fff;
    fraction |= 1n << 63n;
  } else if (exponent !== 0) {
    biased = exponent - 1023 + 16383;
    fraction |= 1n << 63n;
  } else if (fraction !== 0n) {
    // A denormal double is a normal number here.
    biased = 1 - 1023 + 16383;
    while (fraction >> 63n === 0n) {
      fraction <<= 1n;
      biased--;
    }
  }
  const bytes = Array.from({ length: 8 }, (_, index) => Number((fraction >> BigInt(8 * index)) & 0xffn));
  return [...bytes, biased & 0xff, (sign << 7) | (biased >> 8)];
}

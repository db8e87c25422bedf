/**
 * 128-bit integer steps that WebAssembly lacks. A pair result is a returned low (or quotient) word and `Wide.high`
 * (or `Wide.rest`), because functions return one value.
 */
export class Wide {
  static high: u64 = 0;
  static rest: u64 = 0;

  /** a × b: returns bits 0-63, `Wide.high` = bits 64-127. */
  static multiply(a: u64, b: u64): u64 {
    const al = a & 0xffffffff;
    const ah = a >> 32;
    const bl = b & 0xffffffff;
    const bh = b >> 32;
    const low = al * bl;
    const middle = ah * bl + (low >> 32);
    const other = al * bh + (middle & 0xffffffff);
    Wide.high = ah * bh + (middle >> 32) + (other >> 32);
    return (other << 32) | (low & 0xffffffff);
  }

  /** (high:low) / divisor for a divisor with bit 63 set and high < divisor: returns the quotient, `Wide.rest` = remainder. */
  static divide(high: u64, low: u64, divisor: u64): u64 {
    const dh = divisor >> 32;
    const dl = divisor & 0xffffffff;
    // Schoolbook division with two 32-bit digits; each estimate is at most two too large.
    let q1 = high / dh;
    let r = high - q1 * dh;
    const l1 = low >> 32;
    while (q1 >> 32 || q1 * dl > ((r << 32) | l1)) {
      q1--;
      r += dh;
      if (r >> 32) break;
    }
    const middle = ((high << 32) | l1) - q1 * divisor;
    let q0 = middle / dh;
    r = middle - q0 * dh;
    const l0 = low & 0xffffffff;
    while (q0 >> 32 || q0 * dl > ((r << 32) | l0)) {
      q0--;
      r += dh;
      if (r >> 32) break;
    }
    Wide.rest = ((middle << 32) | l0) - q0 * divisor;
    return (q1 << 32) + q0;
  }

  /** (high:low) >> count with every lost bit ORed into bit 0; count ≥ 0. Returns the low word, `Wide.high` the high. */
  static shiftRightSticky(high: u64, low: u64, count: u32): u64 {
    if (count == 0) {
      Wide.high = high;
      return low;
    }
    if (count < 64) {
      Wide.high = high >> count;
      return (high << (64 - count)) | (low >> count) | <u64>(low << (64 - count) != 0);
    }
    Wide.high = 0;
    if (count == 64) return high | <u64>(low != 0);
    if (count < 128) return (high >> (count - 64)) | <u64>(((high << (128 - count)) | low) != 0);
    return <u64>((high | low) != 0);
  }
}

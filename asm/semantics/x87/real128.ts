/**
 * Reals with a 128-bit significand, the working format of the transcendental instructions (elementary80.ts): 64 bits
 * more than a result has. Three-address code on static temporaries; results are truncated, each operation adds at most
 * two units in the 128th bit.
 */
import { INTEGER_BIT } from "./float80";
import { Wide } from "./wide";

/** sign × (high:low / 2^127) × 2^exponent, bit 63 of `high` set; or zero: high = 0. */
@final @unmanaged export class Real128 {
  high: u64;
  low: u64;
  exponent: i32;
  /** 0 or 1. */
  sign: u32;

  static set(out: Real128, high: u64, low: u64, exponent: i32, sign: u32): void {
    out.high = high;
    out.low = low;
    out.exponent = exponent;
    out.sign = sign;
  }
  static copy(out: Real128, a: Real128): void {
    Real128.set(out, a.high, a.low, a.exponent, a.sign);
  }
  /** (high:low / 2^127) × 2^exponent for any significand. */
  static normalize(out: Real128, high: u64, low: u64, exponent: i32, sign: u32): void {
    if (high == 0) {
      high = low;
      low = 0;
      exponent -= 64;
    }
    const shift = <u32>clz(high);
    if (shift != 0 && high != 0) {
      high = (high << shift) | (low >> (64 - shift));
      low <<= shift;
    }
    Real128.set(out, high, low, exponent - <i32>shift, sign);
  }
  /** A small integer. */
  static integer(out: Real128, value: i32): void {
    Real128.normalize(out, 0, <u64>abs(value), 127, value < 0 ? 1 : 0);
  }

  static multiply(out: Real128, a: Real128, b: Real128): void {
    const sign = a.sign ^ b.sign;
    if (a.high == 0 || b.high == 0) return Real128.set(out, 0, 0, 0, sign);
    const exponent = a.exponent + b.exponent;
    const low = Product128.high(a.high, a.low, b.high, b.low);
    Real128.normalize(out, Wide.high, low, exponent + 1, sign);
  }

  /** a + b, b's sign flipped with `flip` = 1. */
  static add(out: Real128, a: Real128, b: Real128, flip: u32): void {
    if (b.high == 0) return Real128.copy(out, a);
    if (a.high == 0) return Real128.set(out, b.high, b.low, b.exponent, b.sign ^ flip);
    let large = a;
    let small = b;
    let sign = a.sign;
    if (a.exponent < b.exponent || (a.exponent == b.exponent && (a.high < b.high || (a.high == b.high && a.low < b.low)))) {
      large = b;
      small = a;
      sign = b.sign ^ flip;
    }
    const same = a.sign == (b.sign ^ flip);
    const low = Wide.shiftRightSticky(small.high, small.low, <u32>min(large.exponent - small.exponent, 200));
    const high = Wide.high;
    if (same) {
      const sumLow = large.low + low;
      const carry = <u64>(sumLow < low);
      const sumHigh = large.high + high + carry;
      const over = carry ? sumHigh <= large.high : sumHigh < large.high;
      if (over) Real128.set(out, (sumHigh >> 1) | INTEGER_BIT, (sumLow >> 1) | (sumHigh << 63), large.exponent + 1, sign);
      else Real128.set(out, sumHigh, sumLow, large.exponent, sign);
      return;
    }
    const differenceLow = large.low - low;
    const differenceHigh = large.high - high - <u64>(large.low < low);
    if ((differenceHigh | differenceLow) == 0) return Real128.set(out, 0, 0, 0, 0);
    Real128.normalize(out, differenceHigh, differenceLow, large.exponent, sign);
  }

  /** a ÷ b, b not zero. */
  static divide(out: Real128, a: Real128, b: Real128): void {
    const sign = a.sign ^ b.sign;
    if (a.high == 0) return Real128.set(out, 0, 0, 0, sign);
    // Two quotient digits of 64 bits; the dividend is halved so that it is below the divisor.
    const exponent = a.exponent - b.exponent;
    const first = Digit.next(a.high >> 1, (a.high << 63) | (a.low >> 1), a.low << 63, b.high, b.low);
    const second = Digit.next(Digit.high, Digit.low, 0, b.high, b.low);
    Real128.normalize(out, first, second, exponent, sign);
  }
}

/** The top halves of 128 × 128-bit products. */
class Product128 {
  /** Bits 128-255 of the product: low word returned, high word in `Wide.high`; at most two units too small. */
  static high(ah: u64, al: u64, bh: u64, bl: u64): u64 {
    Wide.multiply(al, bh);
    const crossA = Wide.high;
    Wide.multiply(ah, bl);
    const crossB = Wide.high;
    let low = Wide.multiply(ah, bh);
    let high = Wide.high;
    low += crossA;
    high += <u64>(low < crossA);
    low += crossB;
    high += <u64>(low < crossB);
    Wide.high = high;
    return low;
  }
}

/** One digit of a long division in base 2^64 (Knuth, The Art of Computer Programming 4.3.1, algorithm D). */
class Digit {
  static high: u64 = 0;
  static low: u64 = 0;

  /** (u2:u1:u0) ÷ (vh:vl), bit 63 of vh set, quotient below 2^64: returns it; the remainder is (Digit.high:Digit.low). */
  static next(u2: u64, u1: u64, u0: u64, vh: u64, vl: u64): u64 {
    let q: u64 = u2 >= vh ? <u64>-1 : Wide.divide(u2, u1, vh);
    const low = Wide.multiply(q, vl);
    const middle = Wide.high;
    const top = Wide.multiply(q, vh);
    const productMiddle = top + middle;
    const productTop = Wide.high + <u64>(productMiddle < middle);
    let r0 = u0 - low;
    const borrow = <u64>(u0 < low);
    let r1 = u1 - productMiddle - borrow;
    const borrow2 = <u64>(u1 < productMiddle || (u1 == productMiddle && borrow != 0));
    let r2 = u2 - productTop - borrow2;
    while (r2 != 0) {
      // The estimate was too large: give one divisor back.
      q--;
      r0 += vl;
      const carry = <u64>(r0 < vl);
      const sum = r1 + vh;
      const carry2 = <u64>(sum < vh);
      r1 = sum + carry;
      r2 += carry2 + <u64>(r1 < carry);
    }
    Digit.high = r1;
    Digit.low = r0;
    return q;
  }
}

/**
 * Power series c0 ± c1·z + c2·z² ± …, coefficients in [0, 2) as pairs (high, low) of Q1.127, z a fraction Q0.128.
 * The sum is returned as Q1.127: low word, high word in `Wide.high`.
 */
export function series128(coefficients: usize, count: i32, zHigh: u64, zLow: u64, alternate: bool): u64 {
  let at = coefficients + <usize>((count - 1) << 4);
  let high = load<u64>(at);
  let low = load<u64>(at, 8);
  while (at != coefficients) {
    at -= 16;
    const termLow = Product128.high(high, low, zHigh, zLow);
    const termHigh = Wide.high;
    high = load<u64>(at);
    low = load<u64>(at, 8);
    if (alternate) {
      high = high - termHigh - <u64>(low < termLow);
      low -= termLow;
    } else {
      low += termLow;
      high = high + termHigh + <u64>(low < termLow);
    }
  }
  Wide.high = high;
  return low;
}

/** |a| as a fraction Q0.128, for |a| < 1: low word, high word in `Wide.high`. */
export function fraction128(a: Real128): u64 {
  return Wide.shiftRightSticky(a.high, a.low, <u32>min(-1 - a.exponent, 200));
}

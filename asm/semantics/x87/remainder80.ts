/**
 * FPREM, FPREM1, FSCALE, FXTRACT and FRNDINT on 80-bit values: pure functions in the convention of float80.ts; SDM
 * Vol 2 pages of the same names.
 */
import { Unpacked } from "./arithmetic80";
import { BIAS, Cw, F80, Kind, SIGN, Sw, kind80, nan80, round80, roundsUp } from "./float80";
import { fromInteger80 } from "./convert80";
import { Wide } from "./wide";

/**
 * a − q·b with q truncated (FPREM) or rounded to nearest even (`nearest`: FPREM1), exact. Sets C2 when the exponents
 * are so far apart that only a partial remainder is made, else C0 C3 C1 = bits 2, 1, 0 of q.
 */
export function remainder80(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, nearest: bool, control: u32): u64 {
  const kindA = kind80(aLow, aHigh);
  const kindB = kind80(bLow, bHigh);
  if (kindA >= Kind.QuietNaN || kindB >= Kind.QuietNaN) return nan80(aLow, aHigh, kindA, bLow, bHigh, kindB);
  if (kindA == Kind.Infinity || kindB == Kind.Zero) return F80.invalid();
  if (kindA == Kind.Denormal || kindB == Kind.Denormal) F80.flags |= Sw.DE;
  let sign = aHigh & SIGN;
  if (kindA == Kind.Zero) return F80.zero(sign);
  let a = Unpacked.normalize(aLow, aHigh);
  const exponentA = Unpacked.exponent;
  if (kindB == Kind.Infinity) return exactDenormal(sign, exponentA, a, control);
  const b = Unpacked.normalize(bLow, bHigh);
  const exponentB = Unpacked.exponent;
  const distance = exponentA - exponentB;
  if (distance < -1 || (distance < 0 && !nearest)) return exactDenormal(sign, exponentA, a, control);

  let quotient: u64 = 0;
  if (distance < 0) {
    // |a| < |b|: nearest may still take one b away.
    if (a > b) return subtractOnce(sign, exponentB, a, b, control);
    return exactDenormal(sign, exponentA, a, control);
  }
  const partial = distance >= 64;
  let steps: i32 = partial ? partialSteps(distance) : distance;
  const left = distance - steps;
  // One subtraction at the top, then `steps` bits in portions that Wide.divide can take.
  if (a >= b) {
    a -= b;
    quotient = 1;
  }
  while (steps > 0) {
    const count = <u32>min(steps, 63);
    const portion = Wide.divide(a >> (64 - count), a << count, b);
    quotient = (quotient << count) | portion;
    a = Wide.rest;
    steps -= <i32>count;
  }
  if (partial) {
    F80.flags |= Sw.C2;
    if (a == 0) return F80.zero(sign);
    const shift = clz(a);
    return exactDenormal(sign, exponentB + left - <i32>shift, a << shift, control);
  }
  if (nearest) {
    const other = b - a;
    if (a > other || (a == other && quotient & 1)) {
      a = other;
      quotient++;
      sign ^= SIGN;
    }
  }
  F80.flags |= (quotient & 1 ? Sw.C1 : 0) | (quotient & 2 ? Sw.C3 : 0) | (quotient & 4 ? Sw.C0 : 0);
  if (a == 0) return F80.zero(aHigh & SIGN);
  const shift = clz(a);
  return exactDenormal(sign, exponentB - <i32>shift, a << shift, control);
}

/** FPREM1 of |a| between |b|/2 and |b|, a one binade below b: |a| − |b|, q = 1. */
function subtractOnce(sign: u32, exponentB: i32, a: u64, b: u64, control: u32): u64 {
  F80.flags |= Sw.C1;
  // In units of a's last place, where |b| = 2b.
  const value = b - (a - b);
  const shift = clz(value);
  return exactDenormal(sign ^ SIGN, exponentB - 1 - <i32>shift, value << shift, control);
}

/** Quotient bits made in one partial step. */
function partialSteps(distance: i32): i32 {
  return (distance & 31) | 32;
}

/** An exact result: no rounding, but an unmasked underflow is reported with the adjusted exponent. C1 in the flags is the quotient's. */
function exactDenormal(sign: u32, exponent: i32, significand: u64, control: u32): u64 {
  return round80(sign, exponent, significand, 0, control | Cw.Extended);
}

/** a × 2^⌊b⌋, ⌊b⌋ truncated towards zero. */
export function scale80(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, control: u32): u64 {
  const kindA = kind80(aLow, aHigh);
  const kindB = kind80(bLow, bHigh);
  if (kindA >= Kind.QuietNaN || kindB >= Kind.QuietNaN) return nan80(aLow, aHigh, kindA, bLow, bHigh, kindB);
  const sign = aHigh & SIGN;
  if (kindB == Kind.Infinity) {
    if (bHigh & SIGN ? kindA == Kind.Infinity : kindA == Kind.Zero) return F80.invalid();
    if (kindA == Kind.Denormal) F80.flags |= Sw.DE;
    return bHigh & SIGN ? F80.zero(sign) : F80.infinity(sign);
  }
  if (kindA == Kind.Denormal || kindB == Kind.Denormal) F80.flags |= Sw.DE;
  if (kindA == Kind.Infinity) return F80.infinity(sign);
  if (kindA == Kind.Zero) return F80.zero(sign);
  const exponentB = <i32>(bHigh & 0x7fff) - BIAS;
  let amount: i32 = 0;
  if (exponentB >= 0) {
    amount = exponentB > 16 ? 0x1ffff : <i32>(bLow >> (63 - exponentB));
    if (bHigh & SIGN) amount = -amount;
  }
  const a = Unpacked.normalize(aLow, aHigh);
  return round80(sign, Unpacked.exponent + amount, a, 0, control | Cw.Extended);
}

/** Significand of a as a value in [1, 2) in (`F80.secondLow`, `F80.secondHigh`); returns the unbiased exponent as a value. */
export function extract80(aLow: u64, aHigh: u32): u64 {
  const kind = kind80(aLow, aHigh);
  F80.secondLow = aLow;
  F80.secondHigh = aHigh;
  if (kind >= Kind.QuietNaN) {
    const low = nan80(aLow, aHigh, kind, 0, 0, Kind.Zero);
    F80.secondLow = low;
    F80.secondHigh = F80.high;
    return low;
  }
  if (kind == Kind.Infinity) return F80.infinity(0);
  if (kind == Kind.Zero) {
    F80.flags |= Sw.ZE;
    return F80.infinity(SIGN);
  }
  if (kind == Kind.Denormal) F80.flags |= Sw.DE;
  F80.secondLow = Unpacked.normalize(aLow, aHigh);
  F80.secondHigh = (aHigh & SIGN) | <u32>BIAS;
  return fromInteger80(<i64>(Unpacked.exponent - BIAS));
}

/** a rounded to an integer in the direction of `control`. */
export function roundToInteger80(aLow: u64, aHigh: u32, control: u32): u64 {
  const kind = kind80(aLow, aHigh);
  if (kind >= Kind.QuietNaN) return nan80(aLow, aHigh, kind, 0, 0, Kind.Zero);
  const sign = aHigh & SIGN;
  const exponent = <i32>(aHigh & 0x7fff);
  if (kind == Kind.Zero || exponent >= BIAS + 63) return F80.result(aLow, aHigh);
  if (kind == Kind.Denormal) F80.flags |= Sw.DE;
  const shift = <u32>(BIAS + 63 - max(exponent, 1));
  const rest = Wide.shiftRightSticky(aLow, 0, shift);
  let whole = Wide.high;
  if (rest == 0) return F80.result(aLow, aHigh);
  F80.flags |= Sw.PE;
  if (roundsUp(rest, (whole & 1) != 0, sign, control)) {
    F80.flags |= Sw.C1;
    whole++;
  }
  if (whole == 0) return F80.zero(sign);
  const up = <u32>clz(whole);
  return F80.result(whole << up, sign | (<u32>BIAS + 63 - up));
}

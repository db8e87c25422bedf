/**
 * Addition, subtraction, multiplication, division and square root on 80-bit values: pure functions in the convention of
 * float80.ts. SDM Vol 2 "FADD", "FSUB", "FMUL", "FDIV", "FSQRT" (their tables of special operands).
 */
import { BIAS, Cw, F80, INTEGER_BIT, Kind, SIGN, Sw, isNormal80, kind80, nan80, round80, round80Here } from "./float80";
import { Wide } from "./wide";

/** Exponent and significand of a non-zero finite operand with bit 63 set; denormals get an exponent ≤ 0. */
export class Unpacked {
  static exponent: i32 = 0;
  static normalize(low: u64, high: u32): u64 {
    const exponent = <i32>(high & 0x7fff);
    if (exponent != 0) {
      Unpacked.exponent = exponent;
      return low;
    }
    const shift = clz(low);
    Unpacked.exponent = 1 - <i32>shift;
    return low << shift;
  }
}

/** a + b, or a − b with `negate` = SIGN. */
export function add80(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, negate: u32, control: u32): u64 {
  if (!isNormal80(aLow, aHigh) || !isNormal80(bLow, bHigh)) return addSpecial(aLow, aHigh, bLow, bHigh, negate, control);
  return addFinite(aHigh & SIGN, <i32>(aHigh & 0x7fff), aLow, (bHigh & SIGN) ^ negate, <i32>(bHigh & 0x7fff), bLow, control);
}
function addSpecial(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, negate: u32, control: u32): u64 {
  const kindA = kind80(aLow, aHigh);
  const kindB = kind80(bLow, bHigh);
  if (kindA >= Kind.QuietNaN || kindB >= Kind.QuietNaN) return nan80(aLow, aHigh, kindA, bLow, bHigh, kindB);
  const signA = aHigh & SIGN;
  const signB = (bHigh & SIGN) ^ negate;
  if (kindA == Kind.Infinity && kindB == Kind.Infinity && signA != signB) return F80.invalid();
  if (kindA == Kind.Denormal || kindB == Kind.Denormal) F80.flags |= Sw.DE;
  if (kindA == Kind.Infinity) return F80.infinity(signA);
  if (kindB == Kind.Infinity) return F80.infinity(signB);
  if (kindB == Kind.Zero) {
    if (kindA == Kind.Zero) return F80.zero(signA == signB ? signA : (control & Cw.RC) == Cw.Down ? SIGN : 0);
    aLow = Unpacked.normalize(aLow, aHigh);
    return round80(signA, Unpacked.exponent, aLow, 0, control);
  }
  bLow = Unpacked.normalize(bLow, bHigh);
  const exponentB = Unpacked.exponent;
  if (kindA == Kind.Zero) return round80(signB, exponentB, bLow, 0, control);
  aLow = Unpacked.normalize(aLow, aHigh);
  return addFinite(signA, Unpacked.exponent, aLow, signB, exponentB, bLow, control);
}

/** Sum of two non-zero finite values with normalized significands. */
// @ts-ignore: decorator
@inline function addFinite(signA: u32, exponentA: i32, a: u64, signB: u32, exponentB: i32, b: u64, control: u32): u64 {
  if (exponentA < exponentB || (exponentA == exponentB && a < b)) {
    const exponent = exponentA;
    exponentA = exponentB;
    exponentB = exponent;
    const significand = a;
    a = b;
    b = significand;
    const sign = signA;
    signA = signB;
    signB = sign;
  }
  // |a| ≥ |b|: the result has a's sign.
  const low = Wide.shiftRightSticky(b, 0, <u32>(exponentA - exponentB));
  const aligned = Wide.high;
  let rest = low;
  let result = a + aligned;
  if (signA == signB) {
    if (result < a) {
      rest = (low >> 1) | (result << 63) | (low & 1);
      result = (result >> 1) | INTEGER_BIT;
      exponentA++;
    }
  } else {
    rest = 0 - low;
    result = a - aligned - <u64>(low != 0);
    if ((result | rest) == 0) return F80.zero((control & Cw.RC) == Cw.Down ? SIGN : 0);
    if (result == 0) {
      result = rest;
      rest = 0;
      exponentA -= 64;
    }
    const shift = clz(result);
    if (shift) {
      result = (result << shift) | (rest >> (64 - shift));
      rest <<= shift;
      exponentA -= <i32>shift;
    }
  }
  return round80Here(signA, exponentA, result, rest, control);
}

/** a × b. */
export function mul80(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, control: u32): u64 {
  if (!isNormal80(aLow, aHigh) || !isNormal80(bLow, bHigh)) return mulSpecial(aLow, aHigh, bLow, bHigh, control);
  return mulFinite((aHigh ^ bHigh) & SIGN, <i32>(aHigh & 0x7fff), aLow, <i32>(bHigh & 0x7fff), bLow, control);
}
function mulSpecial(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, control: u32): u64 {
  const kindA = kind80(aLow, aHigh);
  const kindB = kind80(bLow, bHigh);
  if (kindA >= Kind.QuietNaN || kindB >= Kind.QuietNaN) return nan80(aLow, aHigh, kindA, bLow, bHigh, kindB);
  const sign = (aHigh ^ bHigh) & SIGN;
  const infinite = kindA == Kind.Infinity || kindB == Kind.Infinity;
  const zero = kindA == Kind.Zero || kindB == Kind.Zero;
  if (infinite && zero) return F80.invalid();
  if (kindA == Kind.Denormal || kindB == Kind.Denormal) F80.flags |= Sw.DE;
  if (infinite) return F80.infinity(sign);
  if (zero) return F80.zero(sign);
  aLow = Unpacked.normalize(aLow, aHigh);
  const exponentA = Unpacked.exponent;
  bLow = Unpacked.normalize(bLow, bHigh);
  return mulFinite(sign, exponentA, aLow, Unpacked.exponent, bLow, control);
}
/** Product of two non-zero finite values with normalized significands. */
// @ts-ignore: decorator
@inline function mulFinite(sign: u32, exponentA: i32, aLow: u64, exponentB: i32, bLow: u64, control: u32): u64 {
  let exponent = exponentA + exponentB - BIAS + 1;
  let low = Wide.multiply(aLow, bLow);
  let high = Wide.high;
  if (!(high & INTEGER_BIT)) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    exponent--;
  }
  return round80Here(sign, exponent, high, low, control);
}

/** a ÷ b. */
export function div80(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, control: u32): u64 {
  if (!isNormal80(aLow, aHigh) || !isNormal80(bLow, bHigh)) return divSpecial(aLow, aHigh, bLow, bHigh, control);
  return divFinite((aHigh ^ bHigh) & SIGN, <i32>(aHigh & 0x7fff), aLow, <i32>(bHigh & 0x7fff), bLow, control);
}
function divSpecial(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, control: u32): u64 {
  const kindA = kind80(aLow, aHigh);
  const kindB = kind80(bLow, bHigh);
  if (kindA >= Kind.QuietNaN || kindB >= Kind.QuietNaN) return nan80(aLow, aHigh, kindA, bLow, bHigh, kindB);
  const sign = (aHigh ^ bHigh) & SIGN;
  if (kindA == kindB && (kindA == Kind.Infinity || kindA == Kind.Zero)) return F80.invalid();
  if (kindB == Kind.Zero && kindA != Kind.Infinity) {
    F80.flags = Sw.ZE; // counts before #D
    return F80.infinity(sign);
  }
  if (kindA == Kind.Denormal || kindB == Kind.Denormal) F80.flags |= Sw.DE;
  if (kindA == Kind.Infinity) return F80.infinity(sign);
  if (kindA == Kind.Zero || kindB == Kind.Infinity) return F80.zero(sign);
  aLow = Unpacked.normalize(aLow, aHigh);
  const exponentA = Unpacked.exponent;
  bLow = Unpacked.normalize(bLow, bHigh);
  return divFinite(sign, exponentA, aLow, Unpacked.exponent, bLow, control);
}
/** Quotient of two non-zero finite values with normalized significands. */
// @ts-ignore: decorator
@inline function divFinite(sign: u32, exponentA: i32, aLow: u64, exponentB: i32, bLow: u64, control: u32): u64 {
  let exponent = exponentA - exponentB + BIAS;
  let low: u64 = 0;
  if (aLow >= bLow) {
    low = aLow << 63;
    aLow >>= 1;
  } else exponent--;
  const quotient = Wide.divide(aLow, low, bLow);
  return round80(sign, exponent, quotient, halfRest(Wide.rest, bLow), control);
}

/** Remainder r of a division by d as a discarded fraction: 0, below, at or above one half. */
// @ts-ignore: decorator
@inline function halfRest(r: u64, d: u64): u64 {
  if (r == 0) return 0;
  const other = d - r;
  return r < other ? 1 : r == other ? INTEGER_BIT : INTEGER_BIT | 1;
}

/** √a. */
export function sqrt80(aLow: u64, aHigh: u32, control: u32): u64 {
  const kind = kind80(aLow, aHigh);
  if (kind >= Kind.QuietNaN) return nan80(aLow, aHigh, kind, 0, 0, Kind.Zero);
  if (kind == Kind.Zero) return F80.zero(aHigh & SIGN);
  if (aHigh & SIGN) return F80.invalid();
  if (kind == Kind.Infinity) return F80.infinity(0);
  if (kind == Kind.Denormal) F80.flags |= Sw.DE;
  const a = Unpacked.normalize(aLow, aHigh);
  const exponent = Unpacked.exponent - BIAS;
  // The radicand as (high:low) in [2^126, 2^128), so that its root is in [2^63, 2^64).
  const odd = (exponent & 1) != 0;
  const high = odd ? a : a >> 1;
  const low: u64 = odd ? 0 : a << 63;
  let root = root64(high, low);
  let squareLow = Wide.multiply(root, root);
  let squareHigh = Wide.high;
  while (squareHigh > high || (squareHigh == high && squareLow > low)) {
    // (r − 1)² = r² − 2r + 1
    const minus = (root << 1) - 1;
    const borrow = (root >> 63) + <u64>(squareLow < minus);
    squareLow -= minus;
    squareHigh -= borrow;
    root--;
  }
  const restLow = low - squareLow;
  const restHigh = high - squareHigh - <u64>(low < squareLow);
  // rest > root ⇔ the fraction is above one half; it is never exactly one half.
  const fraction: u64 = (restHigh | restLow) == 0 ? 0 : restHigh != 0 || restLow > root ? INTEGER_BIT | 1 : 1;
  return round80(0, (exponent >> 1) + BIAS, root, fraction, control);
}

/** An integer in [⌊√(high:low)⌋, that + 2], from the double root by one Newton step. */
function root64(high: u64, low: u64): u64 {
  const estimate = Math.sqrt(<f64>high) * 4294967296.0;
  // Made slightly too large, so that the quotient fits 64 bits.
  const first: u64 = estimate >= 18446744073709500000.0 ? <u64>-1 : <u64>estimate + 8192;
  const start = first < high ? <u64>-1 : first;
  const second = start == high ? start : Wide.divide(high, low, start);
  const mean = (start >> 1) + (second >> 1) + (start & second & 1);
  return mean < start ? mean : start;
}

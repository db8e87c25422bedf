/**
 * Conversions between the 80-bit format and the memory formats: single, double, 16/32/64-bit integer, packed BCD.
 * SDM Vol 1 "x87 FPU Data Types", "Numeric Overflow/Underflow"; Vol 2 "FLD", "FST", "FIST", "FBSTP". Pure functions
 * in the convention of float80.ts.
 */
import { Unpacked } from "./arithmetic80";
import { BIAS, Cw, F80, INTEGER_BIT, Kind, QUIET_BIT, SIGN, Sw, kind80, roundsUp } from "./float80";
import { Wide } from "./wide";

/** Single → 80-bit, exact. Denormals preset #D; a signaling NaN stays signaling, so that the operation that takes it decides. */
export function widen32(value: u32): u64 {
  const sign = (value >> 16) & SIGN;
  const exponent = (value >> 23) & 0xff;
  const fraction = <u64>(value & 0x7fffff) << 40;
  if (exponent == 0xff) return F80.result(INTEGER_BIT | fraction, sign | 0x7fff);
  if (exponent != 0) return F80.result(INTEGER_BIT | fraction, sign | (exponent + (<u32>BIAS - 127)));
  if (fraction == 0) return F80.zero(sign);
  F80.flags |= Sw.DE;
  const shift = <u32>clz(fraction);
  return F80.result(fraction << shift, sign | (<u32>BIAS - 126 - shift));
}

/** Double → 80-bit, as `widen32`. */
export function widen64(value: u64): u64 {
  const sign = <u32>(value >> 48) & SIGN;
  const exponent = <u32>(value >> 52) & 0x7ff;
  const fraction = (value & 0xfffffffffffff) << 11;
  if (exponent == 0x7ff) return F80.result(INTEGER_BIT | fraction, sign | 0x7fff);
  if (exponent != 0) return F80.result(INTEGER_BIT | fraction, sign | (exponent + (<u32>BIAS - 1023)));
  if (fraction == 0) return F80.zero(sign);
  F80.flags |= Sw.DE;
  const shift = <u32>clz(fraction);
  return F80.result(fraction << shift, sign | (<u32>BIAS - 1022 - shift));
}

/** The load of a single or double just widened into (low, F80.high): a signaling NaN becomes quiet with #I. */
export function loaded80(low: u64): u64 {
  if (kind80(low, F80.high) != Kind.SignalingNaN) return low;
  F80.flags |= Sw.IE;
  return low | QUIET_BIT;
}

/** Signed integer → 80-bit, exact. */
export function fromInteger80(value: i64): u64 {
  if (value == 0) return F80.zero(0);
  const sign = value < 0 ? SIGN : 0;
  const magnitude = value < 0 ? 0 - <u64>value : <u64>value;
  const shift = <u32>clz(magnitude);
  return F80.result(magnitude << shift, sign | (<u32>BIAS + 63 - shift));
}

/**
 * 80-bit → a format of `bits` significand bits (24, 53) and bias `bias`; returns sign, exponent and fraction packed.
 * Raises #I, #O, #U, #P; when #O or #U is unmasked nothing is to be stored, so that the value then does not matter.
 */
function narrow(low: u64, high: u32, control: u32, bits: u32, bias: i32): u64 {
  const fractionBits = bits - 1;
  const top = <u64>(2 * bias + 1) << fractionBits; // infinity
  const sign = <u64>(high >> 15) << (fractionBits + (bits == 24 ? 8 : 11));
  const kind = kind80(low, high);
  switch (kind) {
    case Kind.Zero:
      return sign;
    case Kind.Infinity:
      return sign | top;
    case Kind.Unsupported:
      F80.flags |= Sw.IE;
      return ((<u64>1 << (bits == 24 ? 10 : 13)) - 1) << (fractionBits - 1); // the indefinite: sign, exponent and quiet bit
    case Kind.SignalingNaN:
      F80.flags |= Sw.IE;
    // falls through
    case Kind.QuietNaN:
      return sign | top | (((low | QUIET_BIT) & ~INTEGER_BIT) >> (64 - bits));
    default:
      break;
  }
  const significand = Unpacked.normalize(low, high);
  let exponent = Unpacked.exponent - BIAS + bias;
  const negative = high & SIGN;
  const dropped = 64 - bits;
  if (exponent <= 0) {
    const rounded = roundsUp(significand << bits, ((significand >> dropped) & 1) != 0, negative, control);
    const tiny = exponent < 0 || !(rounded && significand >> dropped == ((<u64>1 << bits) - 1));
    const rest = Wide.shiftRightSticky(significand, 0, dropped + <u32>(1 - exponent));
    const kept = Wide.high;
    if (tiny && !(control & Cw.UM)) F80.flags |= Sw.UE;
    if (rest == 0) return sign | kept;
    F80.flags |= tiny ? Sw.UE | Sw.PE : Sw.PE;
    if (!roundsUp(rest, (kept & 1) != 0, negative, control)) return sign | kept;
    F80.flags |= Sw.C1;
    return sign | (kept + 1);
  }
  const rest = significand << bits;
  let kept = significand >> dropped;
  let flags: u32 = 0;
  if (rest != 0) {
    flags = Sw.PE;
    if (roundsUp(rest, (kept & 1) != 0, negative, control)) {
      flags |= Sw.C1;
      kept++;
      if (kept >> bits) {
        kept >>= 1;
        exponent++;
      }
    }
  }
  if (exponent > 2 * bias) {
    F80.flags |= Sw.OE | Sw.PE;
    const rounding = control & Cw.RC;
    if (rounding == Cw.Nearest || (rounding != Cw.Zero && (rounding == Cw.Down) == (negative != 0))) {
      F80.flags |= Sw.C1;
      return sign | top;
    }
    return sign | (top - 1);
  }
  F80.flags |= flags;
  return sign | (<u64>exponent << fractionBits) | (kept & ((<u64>1 << fractionBits) - 1));
}

/** 80-bit → single. */
export function narrow32(low: u64, high: u32, control: u32): u32 {
  return <u32>narrow(low, high, control, 24, 127);
}
/** 80-bit → double. */
export function narrow64(low: u64, high: u32, control: u32): u64 {
  return narrow(low, high, control, 53, 1023);
}

/**
 * Magnitude rounded to an integer by `control`'s direction; #P and C1 in `F80.flags`. Above 2^64 − 1 `F80.high` is 1
 * and the value has no meaning. For finite kinds.
 */
function roundMagnitude(low: u64, high: u32, control: u32): u64 {
  const exponent = <i32>(high & 0x7fff);
  F80.high = 0;
  if (exponent > BIAS + 63) {
    F80.high = 1;
    return 0;
  }
  const rest = Wide.shiftRightSticky(low, 0, <u32>(BIAS + 63 - max(exponent, 1)));
  const whole = Wide.high;
  if (rest == 0) return whole;
  F80.flags |= Sw.PE;
  if (!roundsUp(rest, (whole & 1) != 0, high & SIGN, control)) return whole;
  F80.flags |= Sw.C1;
  if (whole == <u64>-1) F80.high = 1;
  return whole + 1;
}

/** 80-bit → signed integer of `bits` (16, 32, 64); out of range or not a number: #I and the integer indefinite, 2^(bits−1). */
export function toInteger80(low: u64, high: u32, control: u32, bits: u32): i64 {
  const limit = <u64>1 << (bits - 1);
  const kind = kind80(low, high);
  if (kind == Kind.Zero) return 0;
  if (kind <= Kind.Denormal) {
    const before = F80.flags;
    const magnitude = roundMagnitude(low, high, control);
    if (F80.high == 0) {
      if (high & SIGN) {
        if (magnitude <= limit) return <i64>(0 - magnitude);
      } else if (magnitude < limit) return <i64>magnitude;
    }
    F80.flags = before;
  }
  F80.flags |= Sw.IE;
  return bits == 64 ? <i64>limit : -(<i64>limit);
}

const BCD_LIMIT: u64 = 1000000000000000000;

/** 80-bit → packed BCD: 18 digits in the returned low 64 bits (16 digits) and `F80.high` bits 0-7 (2 digits), sign in bit 15. */
export function toBcd80(low: u64, high: u32, control: u32): u64 {
  const kind = kind80(low, high);
  if (kind <= Kind.Denormal) {
    const before = F80.flags;
    let magnitude: u64 = 0;
    if (kind != Kind.Zero) magnitude = roundMagnitude(low, high, control);
    else F80.high = 0;
    if (F80.high == 0 && magnitude < BCD_LIMIT) {
      let digits: u64 = 0;
      let upper: u32 = 0;
      for (let n: u32 = 0; n < 18; n++) {
        const digit = magnitude % 10;
        magnitude /= 10;
        if (n < 16) digits |= digit << (n << 2);
        else upper |= <u32>digit << ((n - 16) << 2);
      }
      F80.high = upper | (high & SIGN);
      return digits;
    }
    F80.flags = before;
  }
  F80.flags |= Sw.IE;
  F80.high = 0xffff;
  return 0xc000000000000000;
}

/** Packed BCD (16 digits in `digits`, 2 digits and the sign in `upper`) → 80-bit, exact. Digits above 9 count their value. */
export function fromBcd80(digits: u64, upper: u32): u64 {
  let magnitude: u64 = ((upper >> 4) & 15) * 10 + (upper & 15);
  for (let n: i32 = 60; n >= 0; n -= 4) magnitude = magnitude * 10 + ((digits >> n) & 15);
  if (magnitude == 0) return F80.zero(upper & SIGN);
  const low = fromInteger80(<i64>magnitude);
  F80.high |= upper & SIGN;
  return low;
}

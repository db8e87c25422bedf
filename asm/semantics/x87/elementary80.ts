/**
 * Sine, cosine, tangent, arctangent, 2^x − 1 and logarithms of 80-bit values: pure functions in the convention of
 * float80.ts, computed with 128 bits and rounded once in the direction of `control` (never by its precision field).
 * SDM Vol 2 "FSIN", "FCOS", "FSINCOS", "FPTAN", "FPATAN", "F2XM1", "FYL2X", "FYL2XP1" for special operands.
 */
import { Unpacked } from "./arithmetic80";
import { BIAS, Cw, F80, INTEGER_BIT, Kind, SIGN, Sw, kind80, nan80, round80 } from "./float80";
import { Real128, fraction128, series128 } from "./real128";
import { ARCTANGENTS, COSINE, EXPONENTIAL, ODD_RECIPROCALS, SINE } from "./tables128";
import { Wide } from "./wide";

const X = changetype<Real128>(memory.data(24, 8));
const Y = changetype<Real128>(memory.data(24, 8));
const S = changetype<Real128>(memory.data(24, 8));
const C = changetype<Real128>(memory.data(24, 8));
const T = changetype<Real128>(memory.data(24, 8));

/** A non-zero finite value as a Real128. */
function from80(out: Real128, low: u64, high: u32): void {
  const significand = Unpacked.normalize(low, high);
  Real128.set(out, significand, 0, Unpacked.exponent - BIAS, high >> 15);
}

/**
 * Rounds an inexact result. One that looks exact is a little more than the true value, or a little less: `below` says
 * that the true value is smaller in magnitude.
 */
function rounded(a: Real128, below: bool, control: u32): u64 {
  let high = a.high;
  let low = a.low;
  let exponent = a.exponent;
  if (low == 0) {
    low = 1;
    if (below) {
      low = <u64>-1;
      high--;
      // Hardware does not step down from the smallest normal number; the result is inexact all the same.
      if (exponent + BIAS == 1 && !(high & INTEGER_BIT)) {
        F80.flags |= Sw.PE;
        high = INTEGER_BIT;
        low = 0;
      } else if (!(high & INTEGER_BIT)) {
        high = <u64>-1;
        exponent--;
      }
    }
  }
  return round80(a.sign ? SIGN : 0, exponent + BIAS, high, low, control | Cw.Extended);
}

/** Rounds a non-zero result that is exact in 128 bits; hardware reports #P for it all the same, and #U if it is tiny. */
function exact(a: Real128, control: u32): u64 {
  F80.flags |= Sw.PE;
  const low = round80(a.sign ? SIGN : 0, a.exponent + BIAS, a.high, a.low, control | Cw.Extended);
  if ((F80.high & 0x7fff) == 0) F80.flags |= Sw.UE;
  return low;
}

/** π × 2^exponent with a sign, rounded. */
function pi80(exponent: i32, sign: u32, control: u32): u64 {
  Real128.set(T, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1, 1 + exponent, sign >> 15);
  return rounded(T, false, control);
}

/**
 * The processor's π: 66 bits, 3.243F6A8885A308D3 hexadecimal. SDM Vol 1 "Pi". Arguments are reduced by it exactly, as
 * the vectors recorded on hardware show, so results near its multiples are those of silicon and not of the true π.
 */
const PI66_HIGH: u64 = 3;
const PI66_LOW: u64 = 0x243f6a8885a308d3;

/** |x| (exponent below 63) modulo π/2 to the nearest multiple: the remainder into X with its sign; returns the multiple modulo 4. */
function reduce(low: u64, high: u32): u32 {
  from80(X, low, high);
  X.sign = 0;
  // In units of 2^-65 the half of π is the integer PI66; x is its significand shifted by exponent + 2.
  const shift = X.exponent + 2;
  if (shift < 0) return 0;
  let restHigh: u64 = 0;
  let rest = X.high;
  let quotient: u32 = 0;
  for (let n = 0; n < shift; n++) {
    restHigh = (restHigh << 1) | (rest >> 63);
    rest <<= 1;
    quotient <<= 1;
    if (restHigh > PI66_HIGH || (restHigh == PI66_HIGH && rest >= PI66_LOW)) {
      restHigh = restHigh - PI66_HIGH - <u64>(rest < PI66_LOW);
      rest -= PI66_LOW;
      quotient++;
    }
  }
  let negative: u32 = 0;
  const otherLow = PI66_LOW - rest;
  const otherHigh = PI66_HIGH - restHigh - <u64>(PI66_LOW < rest);
  if (restHigh > otherHigh || (restHigh == otherHigh && rest > otherLow)) {
    restHigh = otherHigh;
    rest = otherLow;
    quotient++;
    negative = 1;
  }
  Real128.normalize(X, restHigh, rest, 127 - 65, negative);
  return quotient & 3;
}

/** S = sin X and C = cos X for |X| ≤ π/4. */
function sineAndCosine(): void {
  Real128.multiply(T, X, X);
  const zLow = fraction128(T);
  const zHigh = Wide.high;
  const sineLow = series128(SINE, 17, zHigh, zLow, true);
  Real128.normalize(T, Wide.high, sineLow, 0, 0);
  Real128.multiply(S, X, T);
  const cosineLow = series128(COSINE, 18, zHigh, zLow, true);
  Real128.normalize(C, Wide.high, cosineLow, 0, 0);
}

/** What of an angle is wanted. */
export namespace Angle {
  export const Sine: u32 = 0;
  export const Cosine: u32 = 1;
  /** The sine, and the cosine as second result. */
  export const Both: u32 = 2;
  /** The tangent, and 1 as second result. */
  export const Tangent: u32 = 3;
}

/** Function `what` of a. C2 in the flags: |a| ≥ 2^63, the operand is returned. */
export function trigonometric80(what: u32, low: u64, high: u32, control: u32): u64 {
  const kind = kind80(low, high);
  const sign = high & SIGN;
  F80.secondLow = INTEGER_BIT;
  F80.secondHigh = BIAS;
  if (kind >= Kind.Infinity) {
    const result = kind == Kind.Infinity ? F80.invalid() : nan80(low, high, kind, 0, 0, Kind.Zero);
    F80.secondLow = result;
    F80.secondHigh = F80.high;
    return result;
  }
  if (kind == Kind.Zero) return what == Angle.Cosine ? F80.result(INTEGER_BIT, BIAS) : F80.zero(sign);
  if (<i32>(high & 0x7fff) >= BIAS + 63) {
    F80.flags |= Sw.C2;
    return F80.result(low, high);
  }
  if (kind == Kind.Denormal) F80.flags |= Sw.DE;
  const quadrant = reduce(low, high);
  sineAndCosine();
  const odd = (quadrant & 1) != 0;
  if (what == Angle.Tangent) {
    if (odd) Real128.divide(T, C, S);
    else Real128.divide(T, S, C);
    T.sign ^= (sign >> 15) ^ <u32>odd;
    return rounded(T, false, control);
  }
  if (what != Angle.Sine) {
    // cos: C −S −C S by quadrant
    const cosine = odd ? S : C;
    const cosineSign = cosine.sign ^ <u32>(quadrant == 1 || quadrant == 2);
    Real128.set(T, cosine.high, cosine.low, cosine.exponent, cosineSign);
    const result = rounded(T, true, control);
    if (what == Angle.Cosine) return result;
    F80.secondLow = result;
    F80.secondHigh = F80.high;
  }
  // sin: S C −S −C by quadrant
  const sine = odd ? C : S;
  Real128.set(T, sine.high, sine.low, sine.exponent, sine.sign ^ (quadrant >> 1) ^ (sign >> 15));
  return rounded(T, true, control);
}

/** atan(y ÷ x) in the quadrant of (x, y). SDM Vol 2 Table "FPATAN Results". */
export function arctangent80(yLow: u64, yHigh: u32, xLow: u64, xHigh: u32, control: u32): u64 {
  const kindY = kind80(yLow, yHigh);
  const kindX = kind80(xLow, xHigh);
  if (kindX >= Kind.QuietNaN || kindY >= Kind.QuietNaN) return nan80(xLow, xHigh, kindX, yLow, yHigh, kindY);
  if (kindX == Kind.Denormal || kindY == Kind.Denormal) F80.flags |= Sw.DE;
  const sign = yHigh & SIGN;
  const left = (xHigh & SIGN) != 0;
  if (kindY == Kind.Infinity) {
    if (kindX != Kind.Infinity) return pi80(-1, sign, control);
    if (!left) return pi80(-2, sign, control);
    Real128.set(T, 0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d, 1, sign >> 15); // 3π/4
    return rounded(T, false, control);
  }
  if (kindY == Kind.Zero || kindX == Kind.Infinity) return left ? pi80(0, sign, control) : F80.zero(sign);
  if (kindX == Kind.Zero) return pi80(-1, sign, control);

  from80(X, xLow, xHigh);
  from80(Y, yLow, yHigh);
  X.sign = 0;
  Y.sign = 0;
  const steep = Y.exponent > X.exponent || (Y.exponent == X.exponent && Y.high > X.high);
  if (steep) arctangentBelowOne(X, Y);
  else arctangentBelowOne(Y, X);
  // S = atan(min/max), complemented to the half plane and mirrored to the left.
  if (steep) {
    Real128.set(T, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1, 0, 0);
    Real128.add(S, T, S, 1);
  }
  if (left) {
    Real128.set(T, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1, 1, 0);
    Real128.add(S, T, S, 1);
  }
  S.sign = sign >> 15;
  return rounded(S, true, control);
}

/** S = atan(a ÷ b) for 0 < a ≤ b: atan(j/16) + atan((16a − jb) ÷ (16b + ja)), j nearest to 16a/b. */
function arctangentBelowOne(a: Real128, b: Real128): void {
  const distance = b.exponent - a.exponent;
  let j: i32 = 0;
  if (distance < 6) j = <i32>(<f64>a.high / <f64>b.high * <f64>(16 >> distance) * (distance > 4 ? 0.5 : 1) + 0.5);
  if (j == 0) Real128.divide(C, a, b);
  else {
    // 16a ∓ jb have at most 74 bits: exact.
    Real128.integer(T, j);
    Real128.multiply(C, T, b);
    a.exponent += 4;
    Real128.add(C, a, C, 1);
    a.exponent -= 4;
    Real128.multiply(T, T, a);
    b.exponent += 4;
    Real128.add(T, b, T, 0);
    b.exponent -= 4;
    Real128.divide(C, C, T);
  }
  if (C.high == 0) Real128.set(S, 0, 0, 0, 0);
  else {
    Real128.multiply(T, C, C);
    const zLow = fraction128(T);
    const low = series128(ODD_RECIPROCALS, 14, Wide.high, zLow, true);
    Real128.normalize(T, Wide.high, low, 0, 0);
    Real128.multiply(S, C, T);
  }
  if (j == 0) return;
  const at = ARCTANGENTS + <usize>(j << 4);
  Real128.normalize(T, load<u64>(at), load<u64>(at, 8), 0, 0);
  Real128.add(S, T, S, 0);
}

/** 2^a − 1 for −1 ≤ a ≤ 1. */
export function exponential80(low: u64, high: u32, control: u32): u64 {
  const kind = kind80(low, high);
  if (kind >= Kind.QuietNaN) return nan80(low, high, kind, 0, 0, Kind.Zero);
  const sign = high & SIGN;
  if (kind == Kind.Zero) return F80.zero(sign);
  if (kind == Kind.Infinity) return sign ? F80.result(INTEGER_BIT, SIGN | <u32>BIAS) : F80.infinity(0);
  if (kind == Kind.Denormal) F80.flags |= Sw.DE;
  const exponent = <i32>(high & 0x7fff);
  if (exponent >= BIAS) {
    // ±1 have exact results; beyond, the result is undefined (SDM) and hardware returns the operand.
    F80.flags |= Sw.PE;
    if (exponent == BIAS && low == INTEGER_BIT) return F80.result(INTEGER_BIT, sign ? SIGN | <u32>(BIAS - 1) : BIAS);
    return F80.result(low, high);
  }
  from80(X, low, high);
  Real128.set(T, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af, -1, 0); // ln 2
  Real128.multiply(X, X, T);
  const tLow = fraction128(X);
  const sum = series128(EXPONENTIAL, 32, Wide.high, tLow, sign != 0);
  Real128.normalize(T, Wide.high, sum, 0, 0);
  Real128.multiply(X, X, T);
  return rounded(X, false, control);
}

/** S = log2(1 + S) where S = s of atanh: 2/ln 2 × atanh S, |S| ≤ 0.172. */
function scaledArctanh(): void {
  Real128.multiply(T, S, S);
  const zLow = fraction128(T);
  const sum = series128(ODD_RECIPROCALS, 26, Wide.high, zLow, false);
  Real128.normalize(T, Wide.high, sum, 0, 0);
  Real128.multiply(S, S, T);
  Real128.set(T, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89, 1, 0); // 2 / ln 2
  Real128.multiply(S, S, T);
}

/** √2 as a significand. */
const ROOT2: u64 = 0xb504f333f9de6484;

/** S = log2 of the positive significand × 2^exponent; true when it is an integer and S exact. */
function logarithm(significand: u64, exponent: i32): bool {
  if (significand == INTEGER_BIT) {
    Real128.integer(S, exponent);
    return true;
  }
  if (significand > ROOT2) exponent++;
  // m in (√½, √2]; s = (m − 1) ÷ (m + 1)
  Real128.set(X, significand, 0, significand > ROOT2 ? -1 : 0, 0);
  Real128.set(C, INTEGER_BIT, 0, 0, 0);
  Real128.add(S, X, C, 1);
  Real128.add(T, X, C, 0);
  Real128.divide(S, S, T);
  scaledArctanh();
  Real128.integer(C, exponent);
  Real128.add(S, C, S, 0);
  return false;
}

/** y × log2 x. SDM Vol 2 Table "FYL2X Results". */
export function logarithm80(xLow: u64, xHigh: u32, yLow: u64, yHigh: u32, control: u32): u64 {
  const kindX = kind80(xLow, xHigh);
  const kindY = kind80(yLow, yHigh);
  if (kindX >= Kind.QuietNaN || kindY >= Kind.QuietNaN) return nan80(xLow, xHigh, kindX, yLow, yHigh, kindY);
  const signY = yHigh & SIGN;
  if (kindX == Kind.Zero) {
    if (kindY == Kind.Zero) return F80.invalid();
    if (kindY != Kind.Infinity) F80.flags = Sw.ZE;
    return F80.infinity(signY ^ SIGN);
  }
  if (xHigh & SIGN) return F80.invalid();
  const exponentX = <i32>(xHigh & 0x7fff);
  const one = exponentX == BIAS && xLow == INTEGER_BIT;
  if (kindY == Kind.Infinity && one) return F80.invalid();
  if (kindX == Kind.Infinity && kindY == Kind.Zero) return F80.invalid();
  if (kindX == Kind.Denormal || kindY == Kind.Denormal) F80.flags |= Sw.DE;
  const sign = signY ^ (exponentX < BIAS ? SIGN : 0);
  if (kindX == Kind.Infinity || kindY == Kind.Infinity) return F80.infinity(sign);
  if (one || kindY == Kind.Zero) return F80.zero(sign);
  const significand = Unpacked.normalize(xLow, xHigh);
  const isExact = logarithm(significand, Unpacked.exponent - BIAS);
  from80(Y, yLow, yHigh);
  Real128.multiply(S, S, Y);
  return isExact ? exact(S, control) : rounded(S, false, control);
}

/** y × log2(1 + x), 1 + x > 0. SDM Vol 2 Table "FYL2XP1 Results". */
export function logarithmPlusOne80(xLow: u64, xHigh: u32, yLow: u64, yHigh: u32, control: u32): u64 {
  const kindX = kind80(xLow, xHigh);
  const kindY = kind80(yLow, yHigh);
  if (kindX >= Kind.QuietNaN || kindY >= Kind.QuietNaN) return nan80(xLow, xHigh, kindX, yLow, yHigh, kindY);
  const sign = (xHigh ^ yHigh) & SIGN;
  if (kindX == Kind.Infinity) {
    if (xHigh & SIGN || kindY == Kind.Zero) return F80.invalid();
    if (kindY == Kind.Denormal) F80.flags |= Sw.DE;
    return F80.infinity(sign);
  }
  if (kindX == Kind.Zero && kindY == Kind.Infinity) return F80.invalid();
  if (kindX == Kind.Denormal || kindY == Kind.Denormal) F80.flags |= Sw.DE;
  if (kindX == Kind.Zero || kindY == Kind.Zero) return F80.zero(sign);
  if (kindY == Kind.Infinity) return F80.infinity(sign);
  from80(X, xLow, xHigh);
  if (X.exponent >= -2) {
    // Away from zero 1 + x has its own logarithm.
    Real128.set(C, INTEGER_BIT, 0, 0, 0);
    Real128.add(X, X, C, 0);
    if (X.high == 0 || X.sign) {
      // The result is undefined (SDM); hardware returns the operand.
      F80.flags |= Sw.PE;
      return F80.result(xLow, xHigh);
    }
    if (X.low == 0) {
      const isExact = logarithm(X.high, X.exponent);
      from80(Y, yLow, yHigh);
      Real128.multiply(S, S, Y);
      if (S.high == 0) return F80.zero(sign);
      return isExact ? exact(S, control) : rounded(S, false, control);
    }
    logarithmWide();
  } else {
    Real128.set(C, INTEGER_BIT, 0, 1, 0); // 2
    Real128.add(T, X, C, 0);
    Real128.divide(S, X, T);
    scaledArctanh();
  }
  from80(Y, yLow, yHigh);
  Real128.multiply(S, S, Y);
  return rounded(S, true, control);
}

/** S = log2 X for a positive X of 128 bits. */
function logarithmWide(): void {
  let exponent = X.exponent;
  X.exponent = 0;
  if (X.high > ROOT2) {
    exponent++;
    X.exponent = -1;
  }
  Real128.set(C, INTEGER_BIT, 0, 0, 0);
  Real128.add(S, X, C, 1);
  Real128.add(T, X, C, 0);
  Real128.divide(S, S, T);
  scaledArctanh();
  Real128.integer(C, exponent);
  Real128.add(S, C, S, 0);
}

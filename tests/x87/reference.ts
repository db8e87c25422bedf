/**
 * Elementary functions in exact-enough integer arithmetic: fixed point with 640 fraction bits, plain Taylor series after
 * reductions that differ from the core's. Values are BigInts scaled by 2^640; each result is good to about 620 bits.
 */
import type { Extended } from "./fpu-machine";

export const BITS = 640n;
export const ONE = 1n << BITS;
const BIAS = 16383;
/** The processor's π, 66 bits: 3.243F6A8885A308D3 (hexadecimal). */
const PI66 = 0x3243f6a8885a308d3n << (BITS - 64n);

/** Product, truncated, so that the terms of a series reach 0. */
const mul = (a: bigint, b: bigint): bigint => (a * b) / ONE;
const div = (a: bigint, b: bigint): bigint => (a << BITS) / b;
const abs = (a: bigint): bigint => (a < 0n ? -a : a);

export function fixed(value: Extended): bigint {
  const shift = BigInt((value.head & 0x7fff) - BIAS - 63) + BITS;
  const magnitude = shift >= 0n ? value.significand << shift : value.significand >> -shift;
  return value.head & 0x8000 ? -magnitude : magnitude;
}

/** Nearest 80-bit value (ties to even; normal results). */
export function nearest(value: bigint): Extended {
  const magnitude = abs(value);
  const length = BigInt(magnitude.toString(2).length);
  const drop = length - 64n;
  let significand = drop > 0n ? magnitude >> drop : magnitude << -drop;
  let exponent = length - 1n - BITS;
  if (drop > 0n) {
    const rest = magnitude - (significand << drop);
    const half = 1n << (drop - 1n);
    if (rest > half || (rest === half && (significand & 1n) === 1n)) significand++;
    if (significand === 1n << 64n) {
      significand >>= 1n;
      exponent++;
    }
  }
  return { head: Number(exponent) + BIAS + (value < 0n ? 0x8000 : 0), significand };
}

function sineOfSmall(t: bigint): bigint {
  let term = t;
  let sum = t;
  for (let k = 1n; term !== 0n; k++) {
    term = -mul(mul(term, t), t) / (2n * k * (2n * k + 1n));
    sum += term;
  }
  return sum;
}
function cosineOfSmall(t: bigint): bigint {
  let term = ONE;
  let sum = ONE;
  for (let k = 1n; term !== 0n; k++) {
    term = -mul(mul(term, t), t) / (2n * k * (2n * k - 1n));
    sum += term;
  }
  return sum;
}
/** Sine and cosine of x, reduced by the processor's π. */
export function sineCosine(x: bigint): [bigint, bigint] {
  const half = PI66 / 2n;
  const magnitude = abs(x);
  const quadrant = (2n * magnitude + half) / (2n * half);
  const rest = magnitude - quadrant * half;
  const s = sineOfSmall(rest);
  const c = cosineOfSmall(rest);
  const [sine, cosine] = (
    [
      [s, c],
      [c, -s],
      [-s, -c],
      [-c, s],
    ] as const
  )[Number(quadrant & 3n)]!;
  return [x < 0n ? -sine : sine, cosine];
}
export const tangent = (x: bigint): bigint => {
  const [s, c] = sineCosine(x);
  return div(s, c);
};

function root(a: bigint): bigint {
  let x = 1n << (BigInt(a.toString(2).length) / 2n + BITS / 2n + 1n);
  for (;;) {
    const next = (x + (a << BITS) / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}
function arctangentOfSmall(t: bigint): bigint {
  let power = t;
  let sum = t;
  const square = mul(t, t);
  for (let k = 1n; power !== 0n; k++) {
    power = -mul(power, square);
    sum += power / (2n * k + 1n);
  }
  return sum;
}
/** atan a, a ≥ 0, halving the angle four times. */
function arctangent(a: bigint): bigint {
  let t = a;
  for (let n = 0; n < 4; n++) t = div(t, ONE + root(ONE + mul(t, t)));
  return arctangentOfSmall(t) << 4n;
}
export const PI = arctangent(ONE) * 4n;
export function arctangent2(y: bigint, x: bigint): bigint {
  const ay = abs(y);
  const ax = abs(x);
  const first = ay > ax ? PI / 2n - arctangent(div(ax, ay)) : arctangent(div(ay, ax));
  const angle = x < 0n ? PI - first : first;
  return y < 0n ? -angle : angle;
}

/** ln m for m near 1 (0.5 … 2). */
function naturalLogarithm(m: bigint): bigint {
  const s = div(m - ONE, m + ONE);
  const square = mul(s, s);
  let power = s;
  let sum = s;
  for (let k = 1n; power !== 0n; k++) {
    power = mul(power, square);
    sum += power / (2n * k + 1n);
  }
  return 2n * sum;
}
const LN2 = naturalLogarithm(2n * ONE);
/** log2 x, x > 0. */
export function logarithm(x: bigint): bigint {
  let exponent = BigInt(x.toString(2).length) - 1n - BITS;
  let m = exponent >= 0n ? x >> exponent : x << -exponent;
  // Dropping bits of m would lose accuracy; x of 64 bits keeps them all.
  if (m > (ONE * 3n) / 2n) {
    m >>= 1n;
    exponent++;
  }
  return exponent * ONE + div(naturalLogarithm(m), LN2);
}
/** 2^x − 1, |x| < 1. */
export function exponentialMinusOne(x: bigint): bigint {
  const t = mul(x, LN2);
  let term = t;
  let sum = t;
  for (let k = 2n; term !== 0n; k++) {
    term = mul(term, t) / k;
    sum += term;
  }
  return sum;
}
export const multiply = mul;

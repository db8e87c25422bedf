/**
 * IEEE 754 arithmetic as MXCSR has it, on exact integers: slow, plain and independent of the core. SDM Vol 1 "SSE and SSE2
 * Floating-Point Exceptions", Table "Rules for Handling NaNs".
 */
export const IE = 1;
export const DE = 2;
export const ZE = 4;
export const OE = 8;
export const UE = 16;
export const PE = 32;
const DAZ = 0x40;
const FZ = 0x8000;

export interface Format {
  readonly bytes: 4 | 8;
  /** Significand bits, the implicit one included. */
  readonly precision: bigint;
  /** Exponent of the smallest normal. */
  readonly least: bigint;
  readonly bias: bigint;
}
export const SINGLE: Format = { bytes: 4, precision: 24n, least: -126n, bias: 127n };
export const DOUBLE: Format = { bytes: 8, precision: 53n, least: -1022n, bias: 1023n };

export interface Outcome {
  readonly bits: bigint;
  readonly flags: number;
}
export type Operation = "add" | "sub" | "mul" | "div" | "sqrt" | "min" | "max";

const fractionBits = (f: Format): bigint => f.precision - 1n;
const signBit = (f: Format): bigint => 1n << BigInt(f.bytes * 8 - 1);
const infinity = (f: Format): bigint => (2n * f.bias + 1n) << fractionBits(f);
const magnitude = (f: Format, x: bigint): bigint => x & ~signBit(f);
const isNan = (f: Format, x: bigint): boolean => magnitude(f, x) > infinity(f);
const isDenormal = (f: Format, x: bigint): boolean => magnitude(f, x) !== 0n && magnitude(f, x) < 1n << fractionBits(f);
const quiet = (f: Format): bigint => 1n << (f.precision - 2n);
const indefinite = (f: Format): bigint => signBit(f) | infinity(f) | quiet(f);
const bitLength = (x: bigint): bigint => BigInt(x.toString(2).length);

/** significand × 2^exponent of a finite value, sign left out. */
function unpack(f: Format, x: bigint): { significand: bigint; exponent: bigint } {
  const biased = magnitude(f, x) >> fractionBits(f);
  const fraction = x & ((1n << fractionBits(f)) - 1n);
  if (biased === 0n) return { significand: fraction, exponent: f.least - fractionBits(f) };
  return { significand: fraction | (1n << fractionBits(f)), exponent: biased - f.bias - fractionBits(f) };
}

/** significand with its low `drop` bits rounded away; `sticky`: more was lost below. */
function roundBits(
  significand: bigint,
  drop: bigint,
  sticky: boolean,
  negative: boolean,
  direction: number,
): { kept: bigint; exact: boolean } {
  if (drop <= 0n) return { kept: significand << -drop, exact: !sticky };
  const kept = significand >> drop;
  const rest = significand & ((1n << drop) - 1n);
  if (rest === 0n && !sticky) return { kept, exact: true };
  const half = 1n << (drop - 1n);
  const up =
    direction === 0
      ? rest > half || (rest === half && (sticky || (kept & 1n) === 1n))
      : direction === 1
        ? negative
        : direction === 2
          ? !negative
          : false;
  return { kept: kept + (up ? 1n : 0n), exact: false };
}

/** Rounds ±significand × 2^exponent (significand not 0; when `sticky`, it has at least precision + 2 bits). */
function round(f: Format, negative: boolean, significand: bigint, exponent: bigint, sticky: boolean, mxcsr: number): Outcome {
  const direction = (mxcsr >> 13) & 3;
  const masks = (mxcsr >> 7) & 0x3f;
  const sign = negative ? signBit(f) : 0n;
  const top = exponent + bitLength(significand) - 1n;
  // As if exponents had no bounds.
  const free = roundBits(significand, bitLength(significand) - f.precision, sticky, negative, direction);
  const freeTop = top + (bitLength(free.kept) > f.precision ? 1n : 0n);
  const inexact = free.exact ? 0 : PE;
  if (freeTop < f.least) {
    if (!(masks & UE)) return { bits: 0n, flags: UE | inexact };
    if (mxcsr & FZ) return { bits: sign, flags: UE | PE };
    const { kept, exact } = roundBits(significand, f.least - fractionBits(f) - exponent, sticky, negative, direction);
    return { bits: sign | kept, flags: exact ? 0 : UE | PE };
  }
  if (freeTop > f.bias) {
    if (!(masks & OE)) return { bits: 0n, flags: OE | inexact };
    const toInfinity = direction === 0 || (direction === 1 && negative) || (direction === 2 && !negative);
    return { bits: sign | (infinity(f) - (toInfinity ? 0n : 1n)), flags: OE | PE };
  }
  const kept = bitLength(free.kept) > f.precision ? free.kept >> 1n : free.kept;
  return { bits: sign | ((freeTop + f.bias) << fractionBits(f)) | (kept & ((1n << fractionBits(f)) - 1n)), flags: inexact };
}

/** x op y; √y for "sqrt". */
export function compute(f: Format, operation: Operation, x: bigint, y: bigint, mxcsr: number): Outcome {
  if (mxcsr & DAZ) {
    if (isDenormal(f, x)) x &= signBit(f);
    if (isDenormal(f, y)) y &= signBit(f);
  }
  const operands = operation === "sqrt" ? [y] : [x, y];
  if (operation === "min" || operation === "max") {
    if (operands.some((v) => isNan(f, v))) return { bits: y, flags: IE };
    const flags = operands.some((v) => isDenormal(f, v)) ? DE : 0;
    const order = (v: bigint): bigint => (v & signBit(f) ? -magnitude(f, v) : v);
    const first = operation === "min" ? order(x) < order(y) : order(x) > order(y);
    return { bits: first ? x : y, flags };
  }
  const nan = operands.find((v) => isNan(f, v));
  if (nan !== undefined) {
    const signaling = operands.some((v) => isNan(f, v) && !(v & quiet(f)));
    return { bits: nan | quiet(f), flags: signaling ? IE : 0 };
  }
  const invalid: Outcome = { bits: indefinite(f), flags: IE };
  const denormal = operands.some((v) => isDenormal(f, v)) ? DE : 0;
  const withDenormal = ({ bits, flags }: Outcome): Outcome => ({ bits, flags: flags | denormal });
  const infinite = (v: bigint): boolean => magnitude(f, v) === infinity(f);
  const zero = (v: bigint): boolean => magnitude(f, v) === 0n;
  if (operation === "sub") y ^= signBit(f);
  const sign = (x ^ y) & signBit(f);
  const exactly = (bits: bigint): Outcome => ({ bits, flags: denormal });
  switch (operation) {
    case "add":
    case "sub": {
      if (infinite(x)) return infinite(y) && sign ? invalid : exactly(x);
      if (infinite(y)) return exactly(y);
      const a = unpack(f, x);
      const b = unpack(f, y);
      const exponent = a.exponent < b.exponent ? a.exponent : b.exponent;
      const signed = (v: bigint, u: typeof a): bigint => (u.significand << (u.exponent - exponent)) * (v & signBit(f) ? -1n : 1n);
      const sum = signed(x, a) + signed(y, b);
      if (sum === 0n) return exactly(!sign ? x & signBit(f) : ((mxcsr >> 13) & 3) === 1 ? signBit(f) : 0n);
      return withDenormal(round(f, sum < 0n, sum < 0n ? -sum : sum, exponent, false, mxcsr));
    }
    case "mul": {
      if ((infinite(x) && zero(y)) || (zero(x) && infinite(y))) return invalid;
      if (infinite(x) || infinite(y)) return exactly(sign | infinity(f));
      if (zero(x) || zero(y)) return exactly(sign);
      const a = unpack(f, x);
      const b = unpack(f, y);
      return withDenormal(round(f, sign !== 0n, a.significand * b.significand, a.exponent + b.exponent, false, mxcsr));
    }
    case "div": {
      if ((infinite(x) && infinite(y)) || (zero(x) && zero(y))) return invalid;
      if (infinite(x)) return exactly(sign | infinity(f));
      if (zero(y)) return { bits: sign | infinity(f), flags: ZE };
      if (zero(x) || infinite(y)) return exactly(sign);
      const a = unpack(f, x);
      const b = unpack(f, y);
      const scale = 200n;
      const dividend = a.significand << scale;
      const quotient = dividend / b.significand;
      return withDenormal(round(f, sign !== 0n, quotient, a.exponent - b.exponent - scale, quotient * b.significand !== dividend, mxcsr));
    }
    default: {
      if (zero(y)) return exactly(y);
      if (y & signBit(f)) return invalid;
      if (infinite(y)) return exactly(y);
      const b = unpack(f, y);
      const scale = 200n + ((b.exponent & 1n) === 1n ? 1n : 0n);
      const radicand = b.significand << scale;
      const root = integerRoot(radicand);
      return withDenormal(round(f, false, root, (b.exponent - scale) / 2n, root * root !== radicand, mxcsr));
    }
  }
}

/** ⌊√n⌋ by Newton's iteration from above. */
function integerRoot(n: bigint): bigint {
  let root = 1n << ((bitLength(n) + 1n) / 2n);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Flags that an instruction reports for its elements' flags: an unmasked #I, #D or #Z hides #O, #U and #P of all. `trap`: #XM. */
export function combine(flags: number, mxcsr: number): { mxcsr: number; trap: boolean } {
  const masks = (mxcsr >> 7) & 0x3f;
  const reported = flags & ~masks & (IE | DE | ZE) ? flags & (IE | DE | ZE) : flags;
  return { mxcsr: mxcsr | reported, trap: (reported & ~masks) !== 0 };
}

/**
 * Single and double arithmetic in every rounding mode, with denormals-are-zero, flush-to-zero, NaN rules and all six
 * exceptions: the way taken when the host's own operation (float-arithmetic.ts) cannot be proved equal. SDM Vol 1 "Floating-Point
 * Exception Conditions", Table "Rules for Handling NaNs". Values are bit patterns; flags are added to `Simd.flags`.
 *
 * The 80-bit operation of ../x87 is done with truncation and its lost bits are ORed into the last one (rounding to odd).
 * 64 bits being more than 53 + 2, the second rounding then gives what one rounding would.
 */
import { cpu } from "../../core/cpu";
import { add80, div80, mul80, sqrt80 } from "../x87/arithmetic80";
import { narrow32, narrow64, widen32, widen64 } from "../x87/convert80";
import { Cw, F80, SIGN, Sw } from "../x87/float80";
import { Mxcsr, Simd } from "./exceptions";

/** What `soft32` and `soft64` compute. */
export namespace Soft {
  export const Add: u32 = 0;
  export const Sub: u32 = 1;
  export const Mul: u32 = 2;
  export const Div: u32 = 3;
  /** √y. */
  export const Sqrt: u32 = 4;
  /** y if an operand is NaN, if both are zero or equal. */
  export const Min: u32 = 5;
  export const Max: u32 = 6;
}

const QUIET32: u32 = 0x400000;
const INFINITY32: u32 = 0x7f800000;
const QUIET64: u64 = 0x8000000000000;
const INFINITY64: u64 = 0x7ff0000000000000;
/** All masked, 64-bit significands, truncation. */
const TRUNCATE: u32 = Cw.Extended | Cw.Zero | 0x3f;

export function isNaN32(x: u32): bool {
  return (x & 0x7fffffff) > INFINITY32;
}
export function isNaN64(x: u64): bool {
  return (x & 0x7fffffffffffffff) > INFINITY64;
}
export function isSignaling32(x: u32): bool {
  return isNaN32(x) && !(x & QUIET32);
}
export function isSignaling64(x: u64): bool {
  return isNaN64(x) && !(x & QUIET64);
}
export function isDenormal32(x: u32): bool {
  return (x & 0x7fffffff) - 1 < 0x7fffff;
}
export function isDenormal64(x: u64): bool {
  return (x & 0x7fffffffffffffff) - 1 < 0xfffffffffffff;
}
/** The operand as MXCSR.DAZ makes it. SDM Vol 1 "Denormals-Are-Zeros". */
export function operand32(x: u32): u32 {
  return cpu.mxcsr & Mxcsr.DAZ && isDenormal32(x) ? x & 0x80000000 : x;
}
export function operand64(x: u64): u64 {
  return cpu.mxcsr & Mxcsr.DAZ && isDenormal64(x) ? x & 0x8000000000000000 : x;
}
/** A NaN made quiet; #I if it was not. */
export function quieted32(x: u32): u32 {
  if (!(x & QUIET32)) Simd.flags |= Mxcsr.IE;
  return x | QUIET32;
}
export function quieted64(x: u64): u64 {
  if (!(x & QUIET64)) Simd.flags |= Mxcsr.IE;
  return x | QUIET64;
}

/** x op y; for Sqrt x does not count. */
export function soft32(operation: u32, x: u32, y: u32): u32 {
  x = operand32(x);
  y = operand32(y);
  if (operation >= Soft.Min) return extreme32(operation, x, y);
  if (operation == Soft.Sqrt) x = 0;
  if (isNaN32(x)) {
    if (isSignaling32(y)) Simd.flags |= Mxcsr.IE;
    return quieted32(x);
  }
  if (isNaN32(y)) return quieted32(y);
  F80.flags = 0;
  const xLow = widen32(x);
  const xHigh = F80.high;
  const yLow = widen32(y);
  const low = operate(operation, xLow, xHigh, yLow, F80.high);
  return rounded32(low);
}
export function soft64(operation: u32, x: u64, y: u64): u64 {
  x = operand64(x);
  y = operand64(y);
  if (operation >= Soft.Min) return extreme64(operation, x, y);
  if (operation == Soft.Sqrt) x = 0;
  if (isNaN64(x)) {
    if (isSignaling64(y)) Simd.flags |= Mxcsr.IE;
    return quieted64(x);
  }
  if (isNaN64(y)) return quieted64(y);
  F80.flags = 0;
  const xLow = widen64(x);
  const xHigh = F80.high;
  const yLow = widen64(y);
  const low = operate(operation, xLow, xHigh, yLow, F80.high);
  return rounded64(low);
}

/** One operation on widened values, rounded to odd. #D of the operands is already in `F80.flags`. */
function operate(operation: u32, xLow: u64, xHigh: u32, yLow: u64, yHigh: u32): u64 {
  let low: u64;
  switch (operation) {
    case Soft.Mul:
      low = mul80(xLow, xHigh, yLow, yHigh, TRUNCATE);
      break;
    case Soft.Div:
      low = div80(xLow, xHigh, yLow, yHigh, TRUNCATE);
      break;
    case Soft.Sqrt:
      low = sqrt80(yLow, yHigh, TRUNCATE);
      break;
    default: {
      const negate: u32 = operation == Soft.Sub ? SIGN : 0;
      low = add80(xLow, xHigh, yLow, yHigh, negate, TRUNCATE);
      // A zero sum of unlike signs is negative when rounding down.
      if (low == 0 && ((xHigh ^ yHigh ^ negate) & SIGN) && (cpu.mxcsr & Mxcsr.RC) == Mxcsr.Down) F80.high = SIGN;
    }
  }
  if (F80.flags & Sw.PE) {
    F80.flags &= ~Sw.PE;
    low |= 1;
  }
  return low;
}

/** x87 control word with MXCSR's masks and rounding; with flush-to-zero in effect #U counts as unmasked, so that it is raised by exact results too. */
function control(): u32 {
  const mxcsr = cpu.mxcsr;
  const word = ((mxcsr >> Mxcsr.MaskShift) & 0x3f) | ((mxcsr & Mxcsr.RC) >> 3) | Cw.Extended;
  return flushes() ? word & ~Cw.UM : word;
}
/** SDM Vol 1 "Flush-To-Zero": only while #U is masked. */
function flushes(): bool {
  return (cpu.mxcsr & (Mxcsr.FZ | Mxcsr.UM)) == (Mxcsr.FZ | Mxcsr.UM);
}
/** The value (low, F80.high) as a single, rounded by MXCSR; `F80.flags` go to `Simd.flags`. */
export function rounded32(low: u64): u32 {
  const value = narrow32(low, F80.high, control());
  return report(low << 24 != 0) ? value & 0x80000000 : value;
}
/** As `rounded32`, a double. */
export function rounded64(low: u64): u64 {
  const value = narrow64(low, F80.high, control());
  return report(low << 53 != 0) ? value & 0x8000000000000000 : value;
}
/**
 * Flags of a rounding. True: the result is flushed to zero. `inexact`: the significand alone does not fit; that is #P beside an
 * unmasked #O or #U, whose result has an unbounded exponent.
 */
function report(inexact: bool): bool {
  let flags = F80.flags & Sw.Exceptions;
  const flush = (flags & Sw.UE) != 0 && flushes();
  if (flush) flags |= Mxcsr.PE;
  else if (flags & (Mxcsr.OE | Mxcsr.UE) & ~(cpu.mxcsr >> Mxcsr.MaskShift)) flags = (flags & ~Mxcsr.PE) | (inexact ? Mxcsr.PE : 0);
  Simd.flags |= flags;
  return flush;
}

function extreme32(operation: u32, x: u32, y: u32): u32 {
  if (isNaN32(x) || isNaN32(y)) {
    Simd.flags |= Mxcsr.IE;
    return y;
  }
  if (isDenormal32(x) || isDenormal32(y)) Simd.flags |= Mxcsr.DE;
  const a = reinterpret<f32>(x);
  const b = reinterpret<f32>(y);
  return (operation == Soft.Min ? a < b : a > b) ? x : y;
}
function extreme64(operation: u32, x: u64, y: u64): u64 {
  if (isNaN64(x) || isNaN64(y)) {
    Simd.flags |= Mxcsr.IE;
    return y;
  }
  if (isDenormal64(x) || isDenormal64(y)) Simd.flags |= Mxcsr.DE;
  const a = reinterpret<f64>(x);
  const b = reinterpret<f64>(y);
  return (operation == Soft.Min ? a < b : a > b) ? x : y;
}

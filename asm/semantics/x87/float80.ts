/**
 * The double extended-precision format, SDM Vol 1 "x87 FPU Data Types", as pure numbers: a value is a 64-bit
 * significand (integer bit explicit) and 16 bits of sign and biased exponent. An operation returns the significand of
 * its result and leaves the rest in `F80`; nothing here reads CPU state. `control` is an x87 control word: its masks,
 * precision and rounding fields decide the result (SDM Vol 1 "x87 FPU Control Word").
 */
import { Wide } from "./wide";

/** Status-word bits that operations report in `F80.flags`. */
export namespace Sw {
  export const IE: u32 = 1;
  export const DE: u32 = 2;
  export const ZE: u32 = 4;
  export const OE: u32 = 8;
  export const UE: u32 = 0x10;
  export const PE: u32 = 0x20;
  export const SF: u32 = 0x40;
  export const ES: u32 = 0x80;
  export const C0: u32 = 0x100;
  /** After an inexact result: the magnitude was rounded up. After a stack fault: overflow, not underflow. */
  export const C1: u32 = 0x200;
  export const C2: u32 = 0x400;
  export const TOP: u32 = 0x3800;
  export const C3: u32 = 0x4000;
  export const B: u32 = 0x8000;
  export const Exceptions: u32 = 0x3f;
  export const Conditions: u32 = C0 | C1 | C2 | C3;
}

/** Control-word bits: the exception masks stand in the places of the status flags. */
export namespace Cw {
  export const IM: u32 = 1;
  export const DM: u32 = 2;
  export const ZM: u32 = 4;
  export const OM: u32 = 8;
  export const UM: u32 = 0x10;
  export const PM: u32 = 0x20;
  export const PC: u32 = 0x300;
  export const Single: u32 = 0;
  export const Double: u32 = 0x200;
  export const Extended: u32 = 0x300;
  export const RC: u32 = 0xc00;
  export const Nearest: u32 = 0;
  export const Down: u32 = 0x400;
  export const Up: u32 = 0x800;
  export const Zero: u32 = 0xc00;
}

export const INTEGER_BIT: u64 = 0x8000000000000000;
export const QUIET_BIT: u64 = 0x4000000000000000;
export const SIGN: u32 = 0x8000;
export const BIAS: i32 = 0x3fff;
/** The exponent of infinities and NaNs. */
export const EXPONENT_MAX: i32 = 0x7fff;
/** Real indefinite: the QNaN that masked invalid operations give. */
export const INDEFINITE_LOW: u64 = 0xc000000000000000;
export const INDEFINITE_HIGH: u32 = 0xffff;
/** Added to or taken from the exponent of an unmasked underflow or overflow. SDM Vol 1 "Numeric Overflow Exception (#O)". */
export const EXPONENT_ADJUST: i32 = 24576;

/** SDM Vol 1 Tables "x87 FPU Floating-Point Encodings" and "Unsupported Double Extended-Precision … Encodings". */
export namespace Kind {
  export const Zero: u32 = 0;
  /** Normal. */
  export const Normal: u32 = 1;
  /** Denormal and pseudo-denormal: raises #D as an operand. */
  export const Denormal: u32 = 2;
  export const Infinity: u32 = 3;
  export const QuietNaN: u32 = 4;
  export const SignalingNaN: u32 = 5;
  /** Unnormal, pseudo-infinity, pseudo-NaN. */
  export const Unsupported: u32 = 6;
}

/** What an operation leaves beside the significand it returns. */
export class F80 {
  /** Sign and exponent of the result. */
  static high: u32 = 0;
  /** Exceptions (and SF, C1) in their status-word places. Operations add to it, so that the caller may preset #D. */
  static flags: u32 = 0;
  /** Second result where there is one (FSINCOS, FPTAN, FXTRACT): its significand, sign and exponent. */
  static secondLow: u64 = 0;
  static secondHigh: u32 = 0;

  @inline static result(low: u64, high: u32): u64 {
    F80.high = high;
    return low;
  }
  /** #I with the masked response. */
  static invalid(): u64 {
    F80.flags = Sw.IE;
    return F80.result(INDEFINITE_LOW, INDEFINITE_HIGH);
  }
  @inline static infinity(sign: u32): u64 {
    return F80.result(INTEGER_BIT, sign | 0x7fff);
  }
  @inline static zero(sign: u32): u64 {
    return F80.result(0, sign);
  }
}

/** Kind of a value. */
export function kind80(low: u64, high: u32): u32 {
  const exponent = high & 0x7fff;
  if (exponent == 0) return low == 0 ? Kind.Zero : Kind.Denormal;
  if (!(low & INTEGER_BIT)) return Kind.Unsupported;
  if (exponent != 0x7fff) return Kind.Normal;
  if (low == INTEGER_BIT) return Kind.Infinity;
  return low & QUIET_BIT ? Kind.QuietNaN : Kind.SignalingNaN;
}

/** Is it a normal number (Kind.Normal)? For the quick ways of operations, whose operands mostly are. */
// @ts-ignore: decorator
@inline export function isNormal80(low: u64, high: u32): bool {
  return <i64>low < 0 && (high & 0x7fff) - 1 < 0x7ffe;
}

/** Does rounding add one unit? `rest` is the discarded fraction, 2^63 = half, bit 0 sticky. */
// @ts-ignore: decorator
@inline export function roundsUp(rest: u64, odd: bool, sign: u32, control: u32): bool {
  if (rest == 0) return false;
  const rounding = control & Cw.RC;
  if (rounding == Cw.Nearest) return rest > INTEGER_BIT || (rest == INTEGER_BIT && odd);
  if (rounding == Cw.Zero) return false;
  return (rounding == Cw.Down) == (sign != 0);
}

/** Largest finite significand for a precision. */
function largest(control: u32): u64 {
  const precision = control & Cw.PC;
  return precision == Cw.Single ? 0xffffff0000000000 : precision == Cw.Double ? 0xfffffffffffff800 : 0xffffffffffffffff;
}

/**
 * Rounds (high.low) × 2^(exponent − BIAS − 63), bit 63 of `high` set, to the precision and direction of `control`,
 * with overflow, underflow and precision exceptions. SDM Vol 1 "Floating-Point Exception Conditions".
 */
export function round80(sign: u32, exponent: i32, high: u64, low: u64, control: u32): u64 {
  const precision = control & Cw.PC;
  const unit: u64 = precision == Cw.Single ? 0x10000000000 : precision == Cw.Double ? 0x800 : 1;
  if (exponent <= 0) {
    // Tininess is judged after rounding with an unbounded exponent.
    const rest = restOf(high, low, precision);
    const tiny = exponent < 0 || !(roundsUp(rest, (high & unit) != 0, sign, control) && (high | (unit - 1)) == <u64>-1);
    if (tiny && !(control & Cw.UM)) {
      F80.flags |= Sw.UE;
      exponent += EXPONENT_ADJUST;
      if (exponent <= 0) {
        F80.flags |= Sw.PE; // only FSCALE can ask for so little
        return F80.zero(sign);
      }
    } else return roundDenormal(sign, exponent, high, low, control, unit, tiny);
  }
  const kept = roundKept(sign, exponent, high, restOf(high, low, precision), unit, control);
  exponent = Rounded.exponent;
  let flags = Rounded.flags;
  if (exponent >= EXPONENT_MAX) {
    if (control & Cw.OM) {
      const rounding = control & Cw.RC;
      F80.flags |= Sw.OE | Sw.PE;
      if (rounding == Cw.Nearest || (rounding != Cw.Zero && (rounding == Cw.Down) == (sign != 0))) {
        F80.flags |= Sw.C1;
        return F80.infinity(sign);
      }
      return F80.result(largest(control), sign | 0x7ffe);
    }
    flags |= Sw.OE;
    exponent -= EXPONENT_ADJUST;
    if (exponent >= EXPONENT_MAX) {
      F80.flags |= flags | Sw.PE | Sw.C1;
      return F80.infinity(sign);
    }
  }
  F80.flags |= flags;
  return F80.result(kept, sign | <u32>exponent);
}

/** `round80`; the commonest case, extended precision to nearest with neither end of the range near, where it is called. */
// @ts-ignore: decorator
@inline export function round80Here(sign: u32, exponent: i32, high: u64, low: u64, control: u32): u64 {
  if ((control & (Cw.PC | Cw.RC)) != (Cw.Extended | Cw.Nearest) || <u32>(exponent - 1) >= <u32>(EXPONENT_MAX - 2)) return round80(sign, exponent, high, low, control);
  const kept = roundKept(sign, exponent, high, low, 1, Cw.Nearest);
  F80.flags |= Rounded.flags;
  return F80.result(kept, sign | <u32>Rounded.exponent);
}

/** What `roundKept` leaves beside the significand it returns. */
class Rounded {
  static exponent: i32 = 0;
  static flags: u32 = 0;
}
/** `high` cut to multiples of `unit` and rounded by the discarded fraction `rest`. */
// @ts-ignore: decorator
@inline function roundKept(sign: u32, exponent: i32, high: u64, rest: u64, unit: u64, control: u32): u64 {
  let kept = high & ~(unit - 1);
  let flags: u32 = 0;
  if (rest != 0) {
    flags = Sw.PE;
    if (roundsUp(rest, (high & unit) != 0, sign, control)) {
      flags |= Sw.C1;
      kept += unit;
      if (kept == 0) {
        kept = INTEGER_BIT;
        exponent++;
      }
    }
  }
  Rounded.exponent = exponent;
  Rounded.flags = flags;
  return kept;
}

/** Discarded fraction at a precision, in the form `roundsUp` takes. */
// @ts-ignore: decorator
@inline function restOf(high: u64, low: u64, precision: u32): u64 {
  if (precision == Cw.Single) return (high << 24) | <u64>(low != 0);
  if (precision == Cw.Double) return (high << 53) | <u64>(low != 0);
  return low;
}

/** Masked underflow, and results that rounding lifts to the smallest normal: the result has exponent 0 (or 1). */
function roundDenormal(sign: u32, exponent: i32, high: u64, low: u64, control: u32, unit: u64, tiny: bool): u64 {
  low = Wide.shiftRightSticky(high, low, <u32>(1 - exponent));
  high = Wide.high;
  const rest = restOf(high, low, control & Cw.PC);
  let kept = high & ~(unit - 1);
  if (rest != 0) {
    F80.flags |= tiny ? Sw.UE | Sw.PE : Sw.PE;
    if (roundsUp(rest, (high & unit) != 0, sign, control)) {
      F80.flags |= Sw.C1;
      kept += unit;
    }
  }
  return F80.result(kept, sign | <u32>(kept >> 63));
}

/**
 * A NaN or unsupported operand among one or two: the result, with #I where the SDM wants it. SDM Vol 1 Table "Rules
 * for Handling NaNs". `kindB` = Kind.Zero for one-operand instructions.
 */
export function nan80(aLow: u64, aHigh: u32, kindA: u32, bLow: u64, bHigh: u32, kindB: u32): u64 {
  if (kindA == Kind.Unsupported || kindB == Kind.Unsupported) return F80.invalid();
  F80.flags = kindA == Kind.SignalingNaN || kindB == Kind.SignalingNaN ? Sw.IE : 0;
  let takeA: bool;
  if (kindB < Kind.QuietNaN) takeA = true;
  else if (kindA < Kind.QuietNaN) takeA = false;
  else if (kindA != kindB) takeA = kindA == Kind.QuietNaN;
  else if (aLow != bLow) takeA = aLow > bLow;
  else takeA = aHigh < bHigh; // equal significands: the positive one
  return takeA ? F80.result(aLow | QUIET_BIT, aHigh) : F80.result(bLow | QUIET_BIT, bHigh);
}

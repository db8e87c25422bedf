/** Comparison of 80-bit values: a pure function in the convention of float80.ts. SDM Vol 2 "FCOM", "FUCOM". */
import { F80, Kind, SIGN, Sw, kind80 } from "./float80";

/** The answers in the places of the condition codes. SDM Vol 2 Table "FCOM/FCOMP/FCOMPP Results". */
const GREATER: u32 = 0;
const LESS: u32 = Sw.C0;
const EQUAL: u32 = Sw.C3;
const UNORDERED: u32 = Sw.C3 | Sw.C2 | Sw.C0;

/** Compares a with b: C3 C2 C0. `quiet`: QNaNs are unordered without #I (FUCOM). */
export function compare80(aLow: u64, aHigh: u32, bLow: u64, bHigh: u32, quiet: bool): u32 {
  const kindA = kind80(aLow, aHigh);
  const kindB = kind80(bLow, bHigh);
  if (kindA >= Kind.QuietNaN || kindB >= Kind.QuietNaN) {
    F80.flags = quiet && kindA <= Kind.QuietNaN && kindB <= Kind.QuietNaN ? 0 : Sw.IE;
    return UNORDERED;
  }
  if (kindA == Kind.Denormal || kindB == Kind.Denormal) F80.flags |= Sw.DE;
  if (kindA == Kind.Zero && kindB == Kind.Zero) return EQUAL;
  if ((aHigh ^ bHigh) & SIGN) return aHigh & SIGN ? LESS : GREATER;
  // A pseudo-denormal has the value of exponent 1.
  const exponentA = max(aHigh & 0x7fff, 1);
  const exponentB = max(bHigh & 0x7fff, 1);
  if (exponentA == exponentB && aLow == bLow) return EQUAL;
  const less = exponentA < exponentB || (exponentA == exponentB && aLow < bLow);
  return less == ((aHigh & SIGN) == 0) ? LESS : GREATER;
}

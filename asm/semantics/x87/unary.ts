/** FCHS, FABS, FSQRT, FRNDINT, FSCALE, FPREM, FPREM1, FXTRACT: SDM Vol 2 pages of these names. */
import { cpu } from "../../core/cpu";
import { Insn } from "../../decode/insn";
import { sqrt80 } from "./arithmetic80";
import { F80, INDEFINITE_HIGH, INDEFINITE_LOW, SIGN, Sw } from "./float80";
import { Fpu } from "./fpu";
import { extract80, remainder80, roundToInteger80, scale80 } from "./remainder80";

/** Begins an instruction on ST(0): false when it does not run or ST(0) is empty. */
function beginUnary(i: Insn): bool {
  if (!Fpu.begin()) return false;
  Fpu.remember(i);
  F80.flags = 0;
  if (!Fpu.empty(0)) return true;
  Fpu.underflow(0);
  return false;
}
/** The same for ST(0) and ST(1). */
function beginBinary(i: Insn): bool {
  if (!Fpu.begin()) return false;
  Fpu.remember(i);
  F80.flags = 0;
  if (!Fpu.empty(0) && !Fpu.empty(1)) return true;
  Fpu.underflow(0);
  return false;
}

/** Sign of ST(0), whatever it holds: no exception but #IS. */
export function FCHS(i: Insn): void {
  if (!beginUnary(i)) return;
  Fpu.clearC1();
  Fpu.set(0, Fpu.low(0), Fpu.high(0) ^ SIGN);
}
export function FABS(i: Insn): void {
  if (!beginUnary(i)) return;
  Fpu.clearC1();
  Fpu.set(0, Fpu.low(0), Fpu.high(0) & ~SIGN);
}
export function FSQRT(i: Insn): void {
  if (beginUnary(i)) Fpu.commit(0, sqrt80(Fpu.low(0), Fpu.high(0), cpu.fpuControl));
}
export function FRNDINT(i: Insn): void {
  if (beginUnary(i)) Fpu.commit(0, roundToInteger80(Fpu.low(0), Fpu.high(0), cpu.fpuControl));
}
export function FSCALE(i: Insn): void {
  if (beginBinary(i)) Fpu.commit(0, scale80(Fpu.low(0), Fpu.high(0), Fpu.low(1), Fpu.high(1), cpu.fpuControl));
}

/** C2 = 1: a partial remainder; else C0 C3 C1 are the quotient's bits 2, 1, 0. Without a quotient C0 and C3 stay. */
function remainder(i: Insn, nearest: bool): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  F80.flags = 0;
  cpu.fpuStatus = <u16>(<u32>cpu.fpuStatus & ~Sw.C2);
  if (Fpu.empty(0) || Fpu.empty(1)) {
    Fpu.underflow(0);
    return;
  }
  const low = remainder80(Fpu.low(0), Fpu.high(0), Fpu.low(1), Fpu.high(1), nearest, cpu.fpuControl);
  const high = F80.high;
  const conditions = F80.flags & Sw.Conditions;
  if (Fpu.report(F80.flags & ~Sw.Conditions)) return;
  if ((high & 0x7fff) != 0x7fff) Fpu.setConditions(conditions);
  Fpu.set(0, low, high);
}
export function FPREM(i: Insn): void {
  remainder(i, false);
}
export function FPREM1(i: Insn): void {
  remainder(i, true);
}

/** ST(0) becomes the exponent, then the significand is pushed. */
export function FXTRACT(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  F80.flags = 0;
  if (Fpu.empty(0) || !Fpu.empty(7)) {
    const flags = Fpu.empty(0) ? Sw.IE | Sw.SF : Sw.IE | Sw.SF | Sw.C1;
    if (Fpu.report(flags)) return;
    Fpu.set(0, INDEFINITE_LOW, INDEFINITE_HIGH);
    Fpu.push(INDEFINITE_LOW, INDEFINITE_HIGH);
    return;
  }
  const low = extract80(Fpu.low(0), Fpu.high(0));
  if (Fpu.commit(0, low)) Fpu.push(F80.secondLow, F80.secondHigh);
}

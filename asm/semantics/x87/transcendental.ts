/** F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FSINCOS, FPTAN: SDM Vol 2 pages of these names. */
import { cpu } from "../../core/cpu";
import { Insn } from "../../decode/insn";
import { Angle, arctangent80, exponential80, logarithm80, logarithmPlusOne80, trigonometric80 } from "./elementary80";
import { F80, INDEFINITE_HIGH, INDEFINITE_LOW, Sw } from "./float80";
import { Fpu } from "./fpu";

export function F2XM1(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  F80.flags = 0;
  if (Fpu.empty(0)) Fpu.underflow(0);
  else Fpu.commit(0, exponential80(Fpu.low(0), Fpu.high(0), cpu.fpuControl));
}

/** Two operands: true when both are there; else the underflow went to ST(1) and ST(0) was popped. */
function beginTwo(i: Insn): bool {
  if (!Fpu.begin()) return false;
  Fpu.remember(i);
  F80.flags = 0;
  if (!Fpu.empty(0) && !Fpu.empty(1)) return true;
  if (Fpu.underflow(1)) Fpu.pop();
  return false;
}
export function FYL2X(i: Insn): void {
  if (!beginTwo(i)) return;
  if (Fpu.commit(1, logarithm80(Fpu.low(0), Fpu.high(0), Fpu.low(1), Fpu.high(1), cpu.fpuControl))) Fpu.pop();
}
export function FYL2XP1(i: Insn): void {
  if (!beginTwo(i)) return;
  if (Fpu.commit(1, logarithmPlusOne80(Fpu.low(0), Fpu.high(0), Fpu.low(1), Fpu.high(1), cpu.fpuControl))) Fpu.pop();
}
export function FPATAN(i: Insn): void {
  if (!beginTwo(i)) return;
  if (Fpu.commit(1, arctangent80(Fpu.low(1), Fpu.high(1), Fpu.low(0), Fpu.high(0), cpu.fpuControl))) Fpu.pop();
}

/** One operand; with `push` a second result follows. C2 = 1: the operand is out of range and stays. */
function angle(i: Insn, what: u32, push: bool): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  F80.flags = 0;
  cpu.fpuStatus = <u16>(<u32>cpu.fpuStatus & ~Sw.C2);
  if (Fpu.empty(0) || (push && !Fpu.empty(7))) {
    if (Fpu.report(Fpu.empty(0) ? Sw.IE | Sw.SF : Sw.IE | Sw.SF | Sw.C1)) return;
    Fpu.set(0, INDEFINITE_LOW, INDEFINITE_HIGH);
    if (push) Fpu.push(INDEFINITE_LOW, INDEFINITE_HIGH);
    return;
  }
  const low = trigonometric80(what, Fpu.low(0), Fpu.high(0), cpu.fpuControl);
  if (F80.flags & Sw.C2) {
    Fpu.clearC1();
    cpu.fpuStatus = <u16>(<u32>cpu.fpuStatus | Sw.C2);
    return;
  }
  if (Fpu.commit(0, low) && push) Fpu.push(F80.secondLow, F80.secondHigh);
}
export function FSIN(i: Insn): void {
  angle(i, Angle.Sine, false);
}
export function FCOS(i: Insn): void {
  angle(i, Angle.Cosine, false);
}
export function FSINCOS(i: Insn): void {
  angle(i, Angle.Both, true);
}
export function FPTAN(i: Insn): void {
  angle(i, Angle.Tangent, true);
}

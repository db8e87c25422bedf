/** ADD, SUB, MUL, DIV, SQRT, MIN, MAX on packed and scalar single and double: SDM Vol 2 "ADDPS" … "SQRTSS", "MINPS", "MAXSD". */
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Simd } from "./exceptions";
import { AddOperation, DivOperation, Float, FloatOperation, MulOperation, SqrtOperation, SubOperation, ordered32, ordered64 } from "./float-packed";
import { Xmm } from "./registers";
import { Soft, soft32, soft64 } from "./soft-float";

/** Operands from the instruction, result to V. A scalar leaves what lies above it. */
class Arithmetic {
  @inline static PS<I extends FloatOperation>(i: Insn): void {
    const y = Xmm.operand(i);
    if (i.isMemory && faulted()) return;
    const r = Float.PS<I>(Xmm.get(i.reg), y);
    if (Simd.settle()) Xmm.set(i.reg, r);
  }
  @inline static PD<I extends FloatOperation>(i: Insn): void {
    const y = Xmm.operand(i);
    if (i.isMemory && faulted()) return;
    const r = Float.PD<I>(Xmm.get(i.reg), y);
    if (Simd.settle()) Xmm.set(i.reg, r);
  }
  @inline static SS<I extends FloatOperation>(i: Insn): void {
    const y = Xmm.operand32(i);
    if (i.isMemory && faulted()) return;
    const r = Float.SS<I>(<u32>Xmm.low(i.reg), y);
    if (Simd.settle()) Xmm.set32(i.reg, r);
  }
  @inline static SD<I extends FloatOperation>(i: Insn): void {
    const y = Xmm.operand64(i);
    if (i.isMemory && faulted()) return;
    const r = Float.SD<I>(Xmm.low(i.reg), y);
    if (Simd.settle()) Xmm.setLow(i.reg, r);
  }
}

export function ADDPS(i: Insn): void {
  Arithmetic.PS<AddOperation>(i);
}
export function ADDPD(i: Insn): void {
  Arithmetic.PD<AddOperation>(i);
}
export function ADDSS(i: Insn): void {
  Arithmetic.SS<AddOperation>(i);
}
export function ADDSD(i: Insn): void {
  Arithmetic.SD<AddOperation>(i);
}
export function SUBPS(i: Insn): void {
  Arithmetic.PS<SubOperation>(i);
}
export function SUBPD(i: Insn): void {
  Arithmetic.PD<SubOperation>(i);
}
export function SUBSS(i: Insn): void {
  Arithmetic.SS<SubOperation>(i);
}
export function SUBSD(i: Insn): void {
  Arithmetic.SD<SubOperation>(i);
}
export function MULPS(i: Insn): void {
  Arithmetic.PS<MulOperation>(i);
}
export function MULPD(i: Insn): void {
  Arithmetic.PD<MulOperation>(i);
}
export function MULSS(i: Insn): void {
  Arithmetic.SS<MulOperation>(i);
}
export function MULSD(i: Insn): void {
  Arithmetic.SD<MulOperation>(i);
}
export function DIVPS(i: Insn): void {
  Arithmetic.PS<DivOperation>(i);
}
export function DIVPD(i: Insn): void {
  Arithmetic.PD<DivOperation>(i);
}
export function DIVSS(i: Insn): void {
  Arithmetic.SS<DivOperation>(i);
}
export function DIVSD(i: Insn): void {
  Arithmetic.SD<DivOperation>(i);
}
export function SQRTPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const r = Float.PS<SqrtOperation>(y, y);
  if (Simd.settle()) Xmm.set(i.reg, r);
}
export function SQRTPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const r = Float.PD<SqrtOperation>(y, y);
  if (Simd.settle()) Xmm.set(i.reg, r);
}
export function SQRTSS(i: Insn): void {
  const y = Xmm.operand32(i);
  if (i.isMemory && faulted()) return;
  const r = Float.SS<SqrtOperation>(y, y);
  if (Simd.settle()) Xmm.set32(i.reg, r);
}
export function SQRTSD(i: Insn): void {
  const y = Xmm.operand64(i);
  if (i.isMemory && faulted()) return;
  const r = Float.SD<SqrtOperation>(y, y);
  if (Simd.settle()) Xmm.setLow(i.reg, r);
}

/** Minimum and maximum: without NaN and denormal operands one comparison decides, and nothing is raised. */
class Extreme {
  static PS(i: Insn, code: u32): void {
    const y = Xmm.operand(i);
    if (i.isMemory && faulted()) return;
    const x = Xmm.get(i.reg);
    let r: v128;
    if (i32x4.all_true(v128.and(ordered32(x), ordered32(y)))) {
      r = code == Soft.Min ? f32x4.pmin(y, x) : f32x4.pmax(y, x);
    } else {
      r = Float.softSingles(code, x, y);
      if (!Simd.settle()) return;
    }
    Xmm.set(i.reg, r);
  }
  static PD(i: Insn, code: u32): void {
    const y = Xmm.operand(i);
    if (i.isMemory && faulted()) return;
    const x = Xmm.get(i.reg);
    let r: v128;
    if (i64x2.all_true(v128.and(ordered64(x), ordered64(y)))) {
      r = code == Soft.Min ? f64x2.pmin(y, x) : f64x2.pmax(y, x);
    } else {
      r = Float.softDoubles(code, x, y);
      if (!Simd.settle()) return;
    }
    Xmm.set(i.reg, r);
  }
  static SS(i: Insn, code: u32): void {
    const y = Xmm.operand32(i);
    if (i.isMemory && faulted()) return;
    const r = soft32(code, <u32>Xmm.low(i.reg), y);
    if (Simd.settle()) Xmm.set32(i.reg, r);
  }
  static SD(i: Insn, code: u32): void {
    const y = Xmm.operand64(i);
    if (i.isMemory && faulted()) return;
    const r = soft64(code, Xmm.low(i.reg), y);
    if (Simd.settle()) Xmm.setLow(i.reg, r);
  }
}
export function MINPS(i: Insn): void {
  Extreme.PS(i, Soft.Min);
}
export function MINPD(i: Insn): void {
  Extreme.PD(i, Soft.Min);
}
export function MINSS(i: Insn): void {
  Extreme.SS(i, Soft.Min);
}
export function MINSD(i: Insn): void {
  Extreme.SD(i, Soft.Min);
}
export function MAXPS(i: Insn): void {
  Extreme.PS(i, Soft.Max);
}
export function MAXPD(i: Insn): void {
  Extreme.PD(i, Soft.Max);
}
export function MAXSS(i: Insn): void {
  Extreme.SS(i, Soft.Max);
}
export function MAXSD(i: Insn): void {
  Extreme.SD(i, Soft.Max);
}

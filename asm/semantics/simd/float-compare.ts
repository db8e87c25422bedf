/** Comparisons: SDM Vol 2 "CMPPS" … "CMPSD", "COMISS", "UCOMISD". A quiet comparison is invalid only for signaling NaNs, the others for any NaN. */
import { setArithmetic } from "../../core/eflags";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Mxcsr, Simd } from "./exceptions";
import { ordered32, ordered64 } from "./float-packed";
import { Xmm } from "./registers";
import { isDenormal32, isDenormal64, isNaN32, isNaN64, isSignaling32, isSignaling64, operand32, operand64 } from "./soft-float";

/** Outcomes of a comparison, one bit each, so that a predicate is a set of outcomes. */
namespace Outcome {
  export const Less: u32 = 1;
  export const Equal: u32 = 2;
  export const Greater: u32 = 4;
  export const Unordered: u32 = 8;
}
/** Predicates 0-7 (EQ LT LE UNORD NEQ NLT NLE ORD), four bits each, predicate 0 lowest. */
const PREDICATES: u32 = 0x7ced8312;
/** LT, LE, NLT, NLE are the signaling ones. */
const SIGNALING: u32 = 0x66;

/** Compares with all exceptions; returns the outcome. */
function compare32(x: u32, y: u32, signaling: bool): u32 {
  x = operand32(x);
  y = operand32(y);
  if (isNaN32(x) || isNaN32(y)) {
    if (signaling || isSignaling32(x) || isSignaling32(y)) Simd.flags |= Mxcsr.IE;
    return Outcome.Unordered;
  }
  if (isDenormal32(x) || isDenormal32(y)) Simd.flags |= Mxcsr.DE;
  const a = reinterpret<f32>(x);
  const b = reinterpret<f32>(y);
  return a < b ? Outcome.Less : a == b ? Outcome.Equal : Outcome.Greater;
}
function compare64(x: u64, y: u64, signaling: bool): u32 {
  x = operand64(x);
  y = operand64(y);
  if (isNaN64(x) || isNaN64(y)) {
    if (signaling || isSignaling64(x) || isSignaling64(y)) Simd.flags |= Mxcsr.IE;
    return Outcome.Unordered;
  }
  if (isDenormal64(x) || isDenormal64(y)) Simd.flags |= Mxcsr.DE;
  const a = reinterpret<f64>(x);
  const b = reinterpret<f64>(y);
  return a < b ? Outcome.Less : a == b ? Outcome.Equal : Outcome.Greater;
}

/** All ones where the predicate holds. */
function test32(x: u32, y: u32, predicate: u32): u32 {
  const outcome = compare32(x, y, ((SIGNALING >> predicate) & 1) != 0);
  return (PREDICATES >> (predicate << 2)) & outcome ? 0xffffffff : 0;
}
function test64(x: u64, y: u64, predicate: u32): u64 {
  const outcome = compare64(x, y, ((SIGNALING >> predicate) & 1) != 0);
  return (PREDICATES >> (predicate << 2)) & outcome ? 0xffffffffffffffff : 0;
}

const LANES: usize = memory.data(32, 16);

export function CMPPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  const predicate = i.imm & 7;
  if (i32x4.all_true(v128.and(ordered32(x), ordered32(y)))) {
    let r: v128;
    switch (predicate & 3) {
      case 0: r = f32x4.eq(x, y); break;
      case 1: r = f32x4.lt(x, y); break;
      case 2: r = f32x4.le(x, y); break;
      default: r = i64x2.splat(0);
    }
    Xmm.set(i.reg, predicate & 4 ? v128.not(r) : r);
    return;
  }
  v128.store(LANES, x);
  v128.store(LANES + 16, y);
  for (let at = LANES; at < LANES + 16; at += 4) store<u32>(at, test32(load<u32>(at), load<u32>(at, 16), predicate));
  if (Simd.settle()) Xmm.set(i.reg, v128.load(LANES));
}
export function CMPPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  const predicate = i.imm & 7;
  if (i64x2.all_true(v128.and(ordered64(x), ordered64(y)))) {
    let r: v128;
    switch (predicate & 3) {
      case 0: r = f64x2.eq(x, y); break;
      case 1: r = f64x2.lt(x, y); break;
      case 2: r = f64x2.le(x, y); break;
      default: r = i64x2.splat(0);
    }
    Xmm.set(i.reg, predicate & 4 ? v128.not(r) : r);
    return;
  }
  const low = test64(Xmm.low(i.reg), i64x2.extract_lane(y, 0), predicate);
  const high = test64(Xmm.high(i.reg), i64x2.extract_lane(y, 1), predicate);
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, low);
  Xmm.setHigh(i.reg, high);
}
export function CMPSS(i: Insn): void {
  const y = Xmm.operand32(i);
  if (i.isMemory && faulted()) return;
  const r = test32(<u32>Xmm.low(i.reg), y, i.imm & 7);
  if (Simd.settle()) Xmm.set32(i.reg, r);
}
export function CMPSD_SSE(i: Insn): void {
  const y = Xmm.operand64(i);
  if (i.isMemory && faulted()) return;
  const r = test64(Xmm.low(i.reg), y, i.imm & 7);
  if (Simd.settle()) Xmm.setLow(i.reg, r);
}

/** ZF PF CF = unordered 111, greater 000, less 001, equal 100; OF SF AF = 0. */
function setFlags(outcome: u32): void {
  setArithmetic(outcome == Outcome.Unordered ? 0x45 : outcome == Outcome.Less ? 1 : outcome == Outcome.Equal ? 0x40 : 0);
}
function compareSingle(i: Insn, signaling: bool): void {
  const y = Xmm.operand32(i);
  if (i.isMemory && faulted()) return;
  const outcome = compare32(<u32>Xmm.low(i.reg), y, signaling);
  if (Simd.settle()) setFlags(outcome);
}
function compareDouble(i: Insn, signaling: bool): void {
  const y = Xmm.operand64(i);
  if (i.isMemory && faulted()) return;
  const outcome = compare64(Xmm.low(i.reg), y, signaling);
  if (Simd.settle()) setFlags(outcome);
}
export function COMISS(i: Insn): void {
  compareSingle(i, true);
}
export function COMISD(i: Insn): void {
  compareDouble(i, true);
}
export function UCOMISS(i: Insn): void {
  compareSingle(i, false);
}
export function UCOMISD(i: Insn): void {
  compareDouble(i, false);
}

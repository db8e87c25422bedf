/**
 * Rounding to an integral value by the host's operations, which are exact in each direction: conversions to integers and
 * SDM Vol 2 "ROUNDPS" … "ROUNDSD".
 */
import { cpu } from "../../core/cpu";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Mxcsr, Simd } from "./exceptions";
import { Xmm } from "./registers";
import { isNaN32, isNaN64, operand32, operand64, quieted32, quieted64 } from "./soft-float";

/** `direction`: an MXCSR rounding field in its place. */
export function roundIntegral(x: f64, direction: u32): f64 {
  switch (direction) {
    case Mxcsr.Nearest: return nearest<f64>(x);
    case Mxcsr.Down: return floor<f64>(x);
    case Mxcsr.Up: return ceil<f64>(x);
    default: return trunc<f64>(x);
  }
}

/** Immediate of ROUND: bits 0-1 direction, bit 2 MXCSR's instead, bit 3 no #P. */
function directionOf(imm: u32): u32 {
  return imm & 4 ? cpu.mxcsr & Mxcsr.RC : (imm & 3) << 13;
}
function round32(x: u32, imm: u32): u32 {
  x = operand32(x);
  if (isNaN32(x)) return quieted32(x);
  const r = reinterpret<u32>(<f32>roundIntegral(<f64>reinterpret<f32>(x), directionOf(imm)));
  if (r != x && !(imm & 8)) Simd.flags |= Mxcsr.PE;
  return r;
}
function round64(x: u64, imm: u32): u64 {
  x = operand64(x);
  if (isNaN64(x)) return quieted64(x);
  const r = reinterpret<u64>(roundIntegral(reinterpret<f64>(x), directionOf(imm)));
  if (r != x && !(imm & 8)) Simd.flags |= Mxcsr.PE;
  return r;
}

const LANES: usize = memory.data(16, 16);

export function ROUNDPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  v128.store(LANES, y);
  for (let at = LANES; at < LANES + 16; at += 4) store<u32>(at, round32(load<u32>(at), i.imm));
  if (Simd.settle()) Xmm.set(i.reg, v128.load(LANES));
}
export function ROUNDPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const low = round64(i64x2.extract_lane(y, 0), i.imm);
  const high = round64(i64x2.extract_lane(y, 1), i.imm);
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, low);
  Xmm.setHigh(i.reg, high);
}
export function ROUNDSS(i: Insn): void {
  const y = Xmm.operand32(i);
  if (i.isMemory && faulted()) return;
  const r = round32(y, i.imm);
  if (Simd.settle()) Xmm.set32(i.reg, r);
}
export function ROUNDSD(i: Insn): void {
  const y = Xmm.operand64(i);
  if (i.isMemory && faulted()) return;
  const r = round64(y, i.imm);
  if (Simd.settle()) Xmm.setLow(i.reg, r);
}

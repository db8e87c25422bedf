/** SSE3 ADDSUB, HADD, HSUB and SSE4.1 dot products: SDM Vol 2 "ADDSUBPS", "HADDPD", "DPPS" …. */
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Simd } from "./exceptions";
import { AddOperation, Float, MulOperation, SubOperation } from "./float-packed";
import { Xmm } from "./registers";

/** Even lanes subtracted, odd lanes added: both are computed for lanes paired with themselves, so that flags are those of one. */
export function ADDSUBPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  const differences = Float.PS<SubOperation>(v128.shuffle<u32>(x, x, 0, 2, 0, 2), v128.shuffle<u32>(y, y, 0, 2, 0, 2));
  const sums = Float.PS<AddOperation>(v128.shuffle<u32>(x, x, 1, 3, 1, 3), v128.shuffle<u32>(y, y, 1, 3, 1, 3));
  if (Simd.settle()) Xmm.set(i.reg, v128.shuffle<u32>(differences, sums, 0, 4, 1, 5));
}
export function ADDSUBPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const low = Float.SD<SubOperation>(Xmm.low(i.reg), i64x2.extract_lane(y, 0));
  const high = Float.SD<AddOperation>(Xmm.high(i.reg), i64x2.extract_lane(y, 1));
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, low);
  Xmm.setHigh(i.reg, high);
}
/** Neighbours added, V's then W's. */
export function HADDPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  const r = Float.PS<AddOperation>(v128.shuffle<u32>(x, y, 0, 2, 4, 6), v128.shuffle<u32>(x, y, 1, 3, 5, 7));
  if (Simd.settle()) Xmm.set(i.reg, r);
}
export function HADDPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  const r = Float.PD<AddOperation>(v128.shuffle<u64>(x, y, 0, 2), v128.shuffle<u64>(x, y, 1, 3));
  if (Simd.settle()) Xmm.set(i.reg, r);
}
/** The higher neighbour subtracted from the lower. */
export function HSUBPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  const r = Float.PS<SubOperation>(v128.shuffle<u32>(x, y, 0, 2, 4, 6), v128.shuffle<u32>(x, y, 1, 3, 5, 7));
  if (Simd.settle()) Xmm.set(i.reg, r);
}
export function HSUBPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  const r = Float.PD<SubOperation>(v128.shuffle<u64>(x, y, 0, 2), v128.shuffle<u64>(x, y, 1, 3));
  if (Simd.settle()) Xmm.set(i.reg, r);
}

/** Lane n all ones where bit n of `bits` is set. */
function laneMask(bits: u32): v128 {
  const weights = i32x4(1, 2, 4, 8);
  return i32x4.eq(v128.and(i32x4.splat(bits), weights), weights);
}
/**
 * Products chosen by immediate bits 4-7, summed in pairs, written to the lanes of bits 0-3. Each step settles before the next.
 * Of several NaNs the same one goes to every lane, as the SDM has it and AMD's processors do (hardware vectors); Intel's add in
 * each lane its own value first.
 */
export function DPPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const chosen = laneMask(i.imm >> 4);
  const products = Float.PS<MulOperation>(v128.and(Xmm.get(i.reg), chosen), v128.and(y, chosen));
  if (!Simd.settle()) return;
  const pairs = Float.PS<AddOperation>(v128.shuffle<u32>(products, products, 0, 2, 0, 2), v128.shuffle<u32>(products, products, 1, 3, 1, 3));
  if (!Simd.settle()) return;
  const sum = Float.SS<AddOperation>(i32x4.extract_lane(pairs, 0), i32x4.extract_lane(pairs, 1));
  if (Simd.settle()) Xmm.set(i.reg, v128.and(i32x4.splat(sum), laneMask(i.imm)));
}
export function DPPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const chosen = doubleMask(i.imm >> 4);
  const products = Float.PD<MulOperation>(v128.and(Xmm.get(i.reg), chosen), v128.and(y, chosen));
  if (!Simd.settle()) return;
  const sum = Float.SD<AddOperation>(i64x2.extract_lane(products, 0), i64x2.extract_lane(products, 1));
  if (Simd.settle()) Xmm.set(i.reg, v128.and(i64x2.splat(sum), doubleMask(i.imm)));
}
function doubleMask(bits: u32): v128 {
  const weights = i64x2(1, 2);
  return i64x2.eq(v128.and(i64x2.splat(bits), weights), weights);
}

/** Blends by immediate and by XMM0's sign bits, SDM Vol 2 "BLENDPS" … "PBLENDW". */
import { XMM } from "../../core/cpu-state.generated";
import { CPU } from "../../core/memory-map";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Xmm } from "./registers";

/** V := W where `mask` is ones. */
// @ts-ignore: decorator
@inline function blend(i: Insn, mask: v128): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  Xmm.set(i.reg, v128.bitselect(y, Xmm.get(i.reg), mask));
}
/** The implicit third operand. */
// @ts-ignore: decorator
@inline function xmm0(): v128 {
  return v128.load(CPU + XMM);
}

export function BLENDPS(i: Insn): void {
  const weights = i32x4(1, 2, 4, 8);
  blend(i, i32x4.eq(v128.and(i32x4.splat(i.imm), weights), weights));
}
export function BLENDPD(i: Insn): void {
  const weights = i64x2(1, 2);
  blend(i, i64x2.eq(v128.and(i64x2.splat(<u64>i.imm), weights), weights));
}
export function PBLENDW(i: Insn): void {
  const weights = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  blend(i, i16x8.eq(v128.and(i16x8.splat(<i16>i.imm), weights), weights));
}
export function BLENDVPS(i: Insn): void {
  blend(i, i32x4.shr_s(xmm0(), 31));
}
export function BLENDVPD(i: Insn): void {
  blend(i, i64x2.shr_s(xmm0(), 63));
}
export function PBLENDVB(i: Insn): void {
  blend(i, i8x16.shr_s(xmm0(), 7));
}

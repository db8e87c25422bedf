/** PMOVSX and PMOVZX, SDM Vol 2: the low 8, 4 or 2 bytes of W widened to fill V. */
import { CPU } from "../../core/memory-map";
import { XMM } from "../../core/cpu-state.generated";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { Mmx, Xmm } from "./registers";

// @ts-ignore: decorator
@inline function source64(i: Insn): v128 {
  return Mmx.wide(Xmm.operand64(i));
}
// @ts-ignore: decorator
@inline function source32(i: Insn): v128 {
  return Mmx.wide(Xmm.operand32(i));
}
function source16(i: Insn): v128 {
  return Mmx.wide(i.isMemory ? Operand.readAt<u16>(i, 0) : load<u16>(CPU + XMM + <usize>i.rm));
}
// @ts-ignore: decorator
@inline function put(i: Insn, value: v128): void {
  if (!faulted()) Xmm.set(i.reg, value);
}

export function PMOVSXBW(i: Insn): void {
  put(i, i16x8.extend_low_i8x16_s(source64(i)));
}
export function PMOVSXBD(i: Insn): void {
  put(i, i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(source32(i))));
}
export function PMOVSXBQ(i: Insn): void {
  put(i, i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(source16(i)))));
}
export function PMOVSXWD(i: Insn): void {
  put(i, i32x4.extend_low_i16x8_s(source64(i)));
}
export function PMOVSXWQ(i: Insn): void {
  put(i, i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(source32(i))));
}
export function PMOVSXDQ(i: Insn): void {
  put(i, i64x2.extend_low_i32x4_s(source64(i)));
}
export function PMOVZXBW(i: Insn): void {
  put(i, i16x8.extend_low_i8x16_u(source64(i)));
}
export function PMOVZXBD(i: Insn): void {
  put(i, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(source32(i))));
}
export function PMOVZXBQ(i: Insn): void {
  put(i, i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(source16(i)))));
}
export function PMOVZXWD(i: Insn): void {
  put(i, i32x4.extend_low_i16x8_u(source64(i)));
}
export function PMOVZXWQ(i: Insn): void {
  put(i, i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(source32(i))));
}
export function PMOVZXDQ(i: Insn): void {
  put(i, i64x2.extend_low_i32x4_u(source64(i)));
}

/** Conversions between integers, singles and doubles: SDM Vol 2 "CVTDQ2PD" … "CVTTSS2SI", Vol 1 Table "Indefinite Integer". */
import { cpu } from "../../core/cpu";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { fromInteger80, widen64 } from "../x87/convert80";
import { F80 } from "../x87/float80";
import { Mxcsr, Simd } from "./exceptions";
import { Mmx, Xmm } from "./registers";
import { roundIntegral } from "./rounding";
import { isDenormal32, isNaN32, isNaN64, operand32, operand64, quieted32, quieted64, rounded32, rounded64 } from "./soft-float";

/** Truncation, or MXCSR's direction. */
// @ts-ignore: decorator
@inline function directionOf(truncate: bool): u32 {
  return truncate ? Mxcsr.Zero : cpu.mxcsr & Mxcsr.RC;
}
/** To a dword; what does not fit, and NaNs: #I and 80000000h. */
function toInteger(x: f64, direction: u32): u32 {
  const r = roundIntegral(x, direction);
  if (!(r >= -2147483648.0 && r <= 2147483647.0)) {
    Simd.flags |= Mxcsr.IE;
    return 0x80000000;
  }
  if (r != x) Simd.flags |= Mxcsr.PE;
  return <u32>(<i32>r);
}
function integerOf32(x: u32, direction: u32): u32 {
  return toInteger(<f64>reinterpret<f32>(operand32(x)), direction);
}
function integerOf64(x: u64, direction: u32): u32 {
  return toInteger(reinterpret<f64>(operand64(x)), direction);
}
/** To a quadword; what does not fit, and NaNs: #I and 8000000000000000h. */
function toQuadword(x: f64, direction: u32): u64 {
  const r = roundIntegral(x, direction);
  if (!(r >= -9223372036854775808.0 && r < 9223372036854775808.0)) {
    Simd.flags |= Mxcsr.IE;
    return 0x8000000000000000;
  }
  if (r != x) Simd.flags |= Mxcsr.PE;
  return <u64>(<i64>r);
}
/** Two dwords of a quadword's singles. */
function integersOf32(x: u64, direction: u32): u64 {
  const low = integerOf32(<u32>x, direction);
  return <u64>low | (<u64>integerOf32(<u32>(x >> 32), direction) << 32);
}
/** Two dwords of two doubles. */
function integersOf64(x: v128, direction: u32): u64 {
  const low = integerOf64(i64x2.extract_lane(x, 0), direction);
  return <u64>low | (<u64>integerOf64(i64x2.extract_lane(x, 1), direction) << 32);
}
function singleOfInteger(x: i32): u32 {
  if (!(cpu.mxcsr & Mxcsr.RC)) {
    const r = <f32>x;
    if (<f64>r != <f64>x) Simd.flags |= Mxcsr.PE;
    return reinterpret<u32>(r);
  }
  F80.flags = 0;
  return rounded32(fromInteger80(x));
}
function singleOfQuadword(x: i64): u32 {
  F80.flags = 0;
  return x == 0 ? 0 : rounded32(fromInteger80(x));
}
function doubleOfQuadword(x: i64): u64 {
  F80.flags = 0;
  return x == 0 ? 0 : rounded64(fromInteger80(x));
}
function singlesOfIntegers(x: u64): u64 {
  const low = singleOfInteger(<i32>x);
  return <u64>low | (<u64>singleOfInteger(<i32>(x >> 32)) << 32);
}
/** Exact; #D for denormals. */
function doubleOf(x: u32): u64 {
  x = operand32(x);
  if (isNaN32(x)) {
    x = quieted32(x);
    return (<u64>(x & 0x80000000) << 32) | 0x7ff0000000000000 | (<u64>(x & 0x7fffff) << 29);
  }
  if (isDenormal32(x)) Simd.flags |= Mxcsr.DE;
  return reinterpret<u64>(<f64>reinterpret<f32>(x));
}
function singleOf(x: u64): u32 {
  x = operand64(x);
  if (isNaN64(x)) {
    x = quieted64(x);
    return (<u32>(x >> 32) & 0x80000000) | 0x7f800000 | (<u32>(x >> 29) & 0x7fffff);
  }
  if (!(cpu.mxcsr & Mxcsr.RC)) {
    const value = reinterpret<f64>(x);
    const r = <f32>value;
    const magnitude = reinterpret<u32>(r) & 0x7fffffff;
    // Between the smallest normal and infinity, both excluded, #P alone is possible.
    if (magnitude - 0x800001 < 0x7effffff || x << 1 == 0) {
      if (<f64>r != value) Simd.flags |= Mxcsr.PE;
      return reinterpret<u32>(r);
    }
  }
  F80.flags = 0;
  return rounded32(widen64(x));
}

/** An operand in memory leaves the x87 state alone (as CVTPI2PD's). Departure: SDM Vol 2 "CVTPI2PS"; hardware vectors. */
export function CVTPI2PS(i: Insn): void {
  if (!i.isMemory && !Mmx.ready()) return;
  const y = Mmx.operand(i);
  if (faulted()) return;
  if (!i.isMemory) Mmx.enter();
  const r = singlesOfIntegers(y);
  if (Simd.settle()) Xmm.setLow(i.reg, r);
}
export function CVTPI2PD(i: Insn): void {
  if (!i.isMemory && !Mmx.ready()) return;
  const y = Mmx.operand(i);
  if (faulted()) return;
  if (!i.isMemory) Mmx.enter();
  Xmm.set(i.reg, f64x2.convert_low_i32x4_s(Mmx.wide(y)));
}
export function CVTSI2SS(i: Insn): void {
  if (i.width == 8) {
    const q = Operand.read<i64>(i);
    if (faulted()) return;
    const s = singleOfQuadword(q);
    if (Simd.settle()) Xmm.set32(i.reg, s);
    return;
  }
  const y = Operand.read<i32>(i);
  if (faulted()) return;
  const r = singleOfInteger(y);
  if (Simd.settle()) Xmm.set32(i.reg, r);
}
export function CVTSI2SD(i: Insn): void {
  if (i.width == 8) {
    const q = Operand.read<i64>(i);
    if (faulted()) return;
    const d = doubleOfQuadword(q);
    if (Simd.settle()) Xmm.setLow(i.reg, d);
    return;
  }
  const y = Operand.read<i32>(i);
  if (!faulted()) Xmm.setLow(i.reg, reinterpret<u64>(<f64>y));
}

/** W's low quadword of singles → P. The x87 state becomes MMX's even if #XM follows. */
function singlesToMmx(i: Insn, truncate: bool): void {
  if (!Mmx.ready()) return;
  const y = Xmm.operand64(i);
  if (faulted()) return;
  Mmx.enter();
  const r = integersOf32(y, directionOf(truncate));
  if (Simd.settle()) Mmx.set(i.reg, r);
}
function doublesToMmx(i: Insn, truncate: bool): void {
  if (!Mmx.ready()) return;
  const y = Xmm.operand(i);
  if (faulted()) return;
  Mmx.enter();
  const r = integersOf64(y, directionOf(truncate));
  if (Simd.settle()) Mmx.set(i.reg, r);
}
export function CVTPS2PI(i: Insn): void {
  singlesToMmx(i, false);
}
export function CVTTPS2PI(i: Insn): void {
  singlesToMmx(i, true);
}
export function CVTPD2PI(i: Insn): void {
  doublesToMmx(i, false);
}
export function CVTTPD2PI(i: Insn): void {
  doublesToMmx(i, true);
}

function singleToRegister(i: Insn, truncate: bool): void {
  const y = Xmm.operand32(i);
  if (faulted()) return;
  if (i.width == 8) {
    const q = toQuadword(<f64>reinterpret<f32>(operand32(y)), directionOf(truncate));
    if (Simd.settle()) Operand.setRegister<u64>(i.reg, q);
    return;
  }
  const r = integerOf32(y, directionOf(truncate));
  if (Simd.settle()) Operand.setRegister<u32>(i.reg, r);
}
function doubleToRegister(i: Insn, truncate: bool): void {
  const y = Xmm.operand64(i);
  if (faulted()) return;
  if (i.width == 8) {
    const q = toQuadword(reinterpret<f64>(operand64(y)), directionOf(truncate));
    if (Simd.settle()) Operand.setRegister<u64>(i.reg, q);
    return;
  }
  const r = integerOf64(y, directionOf(truncate));
  if (Simd.settle()) Operand.setRegister<u32>(i.reg, r);
}
export function CVTSS2SI(i: Insn): void {
  singleToRegister(i, false);
}
export function CVTTSS2SI(i: Insn): void {
  singleToRegister(i, true);
}
export function CVTSD2SI(i: Insn): void {
  doubleToRegister(i, false);
}
export function CVTTSD2SI(i: Insn): void {
  doubleToRegister(i, true);
}

export function CVTPS2PD(i: Insn): void {
  const y = Xmm.operand64(i);
  if (faulted()) return;
  const low = doubleOf(<u32>y);
  const high = doubleOf(<u32>(y >> 32));
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, low);
  Xmm.setHigh(i.reg, high);
}
export function CVTPD2PS(i: Insn): void {
  const y = Xmm.operand(i);
  if (faulted()) return;
  const low = singleOf(i64x2.extract_lane(y, 0));
  const high = singleOf(i64x2.extract_lane(y, 1));
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, <u64>low | (<u64>high << 32));
  Xmm.setHigh(i.reg, 0);
}
export function CVTSS2SD(i: Insn): void {
  const y = Xmm.operand32(i);
  if (faulted()) return;
  const r = doubleOf(y);
  if (Simd.settle()) Xmm.setLow(i.reg, r);
}
export function CVTSD2SS(i: Insn): void {
  const y = Xmm.operand64(i);
  if (faulted()) return;
  const r = singleOf(y);
  if (Simd.settle()) Xmm.set32(i.reg, r);
}
export function CVTDQ2PS(i: Insn): void {
  const y = Xmm.operand(i);
  if (faulted()) return;
  const low = singlesOfIntegers(i64x2.extract_lane(y, 0));
  const high = singlesOfIntegers(i64x2.extract_lane(y, 1));
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, low);
  Xmm.setHigh(i.reg, high);
}
export function CVTDQ2PD(i: Insn): void {
  const y = Xmm.operand64(i);
  if (!faulted()) Xmm.set(i.reg, f64x2.convert_low_i32x4_s(Mmx.wide(y)));
}

function singlesToIntegers(i: Insn, truncate: bool): void {
  const y = Xmm.operand(i);
  if (faulted()) return;
  const direction = directionOf(truncate);
  const low = integersOf32(i64x2.extract_lane(y, 0), direction);
  const high = integersOf32(i64x2.extract_lane(y, 1), direction);
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, low);
  Xmm.setHigh(i.reg, high);
}
/** The high quadword is cleared. */
function doublesToIntegers(i: Insn, truncate: bool): void {
  const y = Xmm.operand(i);
  if (faulted()) return;
  const r = integersOf64(y, directionOf(truncate));
  if (!Simd.settle()) return;
  Xmm.setLow(i.reg, r);
  Xmm.setHigh(i.reg, 0);
}
export function CVTPS2DQ(i: Insn): void {
  singlesToIntegers(i, false);
}
export function CVTTPS2DQ(i: Insn): void {
  singlesToIntegers(i, true);
}
export function CVTPD2DQ(i: Insn): void {
  doublesToIntegers(i, false);
}
export function CVTTPD2DQ(i: Insn): void {
  doublesToIntegers(i, true);
}

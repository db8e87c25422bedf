/** FLD, FILD, FBLD, FST, FIST, FISTTP, FBSTP, FXCH, FCMOV and the constants: SDM Vol 2 pages of these names. */
import { cpu } from "../../core/cpu";
import { condition } from "../../core/eflags";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Linear } from "../../mmu/access";
import { Operand } from "../operand";
import { fromBcd80, fromInteger80, loaded80, narrow32, narrow64, toBcd80, toInteger80, widen32, widen64 } from "./convert80";
import { Cw, F80, INDEFINITE_HIGH, INDEFINITE_LOW, Sw } from "./float80";
import { Fpu } from "./fpu";
import { Image } from "./image";

export function FLD_M32(i: Insn): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<u32>(i);
  if (faulted()) return;
  Fpu.remember(i);
  F80.flags = 0;
  Fpu.pushResult(loaded80(widen32(value)));
}
export function FLD_M64(i: Insn): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<u64>(i);
  if (faulted()) return;
  Fpu.remember(i);
  F80.flags = 0;
  Fpu.pushResult(loaded80(widen64(value)));
}
/** `…_AT`: for translated code, which has passed `Fpu.begin` and found the operand, at offset `offset`, at host address `host`. */
export function FLD_M32_AT(i: Insn, host: u32, offset: u32): void {
  Fpu.rememberAt(i, offset);
  F80.flags = 0;
  Fpu.pushHere(loaded80(widen32(load<u32>(host))));
}
export function FLD_M64_AT(i: Insn, host: u32, offset: u32): void {
  Fpu.rememberAt(i, offset);
  F80.flags = 0;
  Fpu.pushHere(loaded80(widen64(load<u64>(host))));
}
/** Moves all bits: no exception but #IS. */
export function FLD_M80(i: Insn): void {
  if (!Fpu.begin()) return;
  const linear = Operand.linear(i, 10, false);
  if (faulted()) return;
  const low = Linear.load<u64>(linear);
  if (faulted()) return;
  const high = <u32>Linear.load<u16>(linear + 8);
  if (faulted()) return;
  Fpu.remember(i);
  F80.flags = 0;
  F80.high = high;
  Fpu.pushResult(low);
}
export function FLD_I(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const n = <u32>i.modrm & 7;
  F80.flags = 0;
  if (Fpu.empty(n)) {
    // An empty source counts before a full destination: C1 = 0.
    if (!Fpu.report(Sw.IE | Sw.SF)) Fpu.push(INDEFINITE_LOW, INDEFINITE_HIGH);
    return;
  }
  F80.high = Fpu.high(n);
  Fpu.pushResult(Fpu.low(n));
}

/** FILD of an integer already read. */
function loadInteger(i: Insn, value: i64): void {
  if (faulted()) return;
  Fpu.remember(i);
  F80.flags = 0;
  Fpu.pushResult(fromInteger80(value));
}
export function FILD_M16(i: Insn): void {
  if (Fpu.begin()) loadInteger(i, <i64>Operand.read<i16>(i));
}
export function FILD_M32(i: Insn): void {
  if (Fpu.begin()) loadInteger(i, <i64>Operand.read<i32>(i));
}
export function FILD_M64(i: Insn): void {
  if (Fpu.begin()) loadInteger(i, Operand.read<i64>(i));
}
export function FILD_M16_AT(i: Insn, host: u32, offset: u32): void {
  integerAt(i, offset, <i64>load<i16>(host));
}
export function FILD_M32_AT(i: Insn, host: u32, offset: u32): void {
  integerAt(i, offset, <i64>load<i32>(host));
}
export function FILD_M64_AT(i: Insn, host: u32, offset: u32): void {
  integerAt(i, offset, load<i64>(host));
}
// @ts-ignore: decorator
@inline function integerAt(i: Insn, offset: u32, value: i64): void {
  Fpu.rememberAt(i, offset);
  F80.flags = 0;
  Fpu.pushHere(fromInteger80(value));
}
export function FBLD(i: Insn): void {
  if (!Fpu.begin()) return;
  const linear = Operand.linear(i, 10, false);
  if (faulted()) return;
  const digits = Linear.load<u64>(linear);
  if (faulted()) return;
  const upper = <u32>Linear.load<u16>(linear + 8);
  if (faulted()) return;
  Fpu.remember(i);
  F80.flags = 0;
  Fpu.pushResult(fromBcd80(digits, upper));
}

/** Ends a store whose value is in memory: flags, pop. */
function stored(i: Insn, pop: bool): void {
  if (faulted()) return;
  Fpu.remember(i);
  Fpu.report(F80.flags);
  if (pop) Fpu.pop();
}
/**
 * Ends a store that an unmasked exception forbids: only the flags. Memory is not touched, so that no fault of the operand comes
 * first, as recorded on an Intel Xeon; the SDM's table of priorities has page faults before x87 exceptions.
 */
function refused(i: Insn): void {
  Fpu.remember(i);
  reportRefused();
}
function reportRefused(): void {
  // An overflow or underflow that is not stored has no inexact result to report.
  if (F80.flags & ~(<u32>cpu.fpuControl) & (Sw.OE | Sw.UE)) F80.flags &= ~(Sw.PE | Sw.C1);
  Fpu.report(F80.flags);
}

/** ST(0) as it is stored, with F80.flags. */
// @ts-ignore: decorator
@inline function singleTop(): u32 {
  F80.flags = 0;
  if (!Fpu.empty(0)) return narrow32(Fpu.low(0), Fpu.high(0), cpu.fpuControl);
  F80.flags = Sw.IE | Sw.SF;
  return 0xffc00000;
}
function storeSingle(i: Insn, pop: bool): void {
  if (!Fpu.begin()) return;
  const value = singleTop();
  if (!Fpu.mayStore(F80.flags)) return refused(i);
  Operand.write<u32>(i, value);
  stored(i, pop);
}
export function FST_M32(i: Insn): void {
  storeSingle(i, false);
}
export function FSTP_M32(i: Insn): void {
  storeSingle(i, true);
}
/** ST(0) as it is stored, with F80.flags. */
// @ts-ignore: decorator
@inline function doubleTop(): u64 {
  F80.flags = 0;
  if (!Fpu.empty(0)) return narrow64(Fpu.low(0), Fpu.high(0), cpu.fpuControl);
  F80.flags = Sw.IE | Sw.SF;
  return 0xfff8000000000000;
}
function storeDouble(i: Insn, pop: bool): void {
  if (!Fpu.begin()) return;
  const value = doubleTop();
  if (!Fpu.mayStore(F80.flags)) return refused(i);
  Operand.write<u64>(i, value);
  stored(i, pop);
}
export function FST_M64(i: Insn): void {
  storeDouble(i, false);
}
export function FSTP_M64(i: Insn): void {
  storeDouble(i, true);
}

// @ts-ignore: decorator
@inline function storeAt<T>(i: Insn, host: usize, offset: u32, value: T, pop: bool): void {
  Fpu.rememberAt(i, offset);
  if (!Fpu.mayStore(F80.flags)) return reportRefused();
  store<T>(host, value);
  if (!Fpu.accepted(F80.flags)) Fpu.report(F80.flags);
  if (pop) Fpu.pop();
}
export function FST_M32_AT(i: Insn, host: u32, offset: u32): void {
  storeAt<u32>(i, host, offset, singleTop(), false);
}
export function FSTP_M32_AT(i: Insn, host: u32, offset: u32): void {
  storeAt<u32>(i, host, offset, singleTop(), true);
}
export function FST_M64_AT(i: Insn, host: u32, offset: u32): void {
  storeAt<u64>(i, host, offset, doubleTop(), false);
}
export function FSTP_M64_AT(i: Insn, host: u32, offset: u32): void {
  storeAt<u64>(i, host, offset, doubleTop(), true);
}

/** Writes ten bytes at the M operand, all or none. */
function writeTen(i: Insn, low: u64, high: u32): void {
  const linear = Image.operand(i, 10);
  if (faulted()) return;
  Linear.store<u64>(linear, low);
  if (!faulted()) Linear.store<u16>(linear + 8, <u16>high);
}
export function FSTP_M80(i: Insn): void {
  if (!Fpu.begin()) return;
  F80.flags = 0;
  let low = INDEFINITE_LOW;
  let high = INDEFINITE_HIGH;
  if (Fpu.empty(0)) {
    F80.flags = Sw.IE | Sw.SF;
    if (!Fpu.mayStore(F80.flags)) return refused(i);
  } else {
    low = Fpu.low(0);
    high = Fpu.high(0);
  }
  writeTen(i, low, high);
  stored(i, true);
}
export function FBSTP(i: Insn): void {
  if (!Fpu.begin()) return;
  F80.flags = 0;
  let digits: u64 = 0xc000000000000000;
  F80.high = 0xffff;
  if (Fpu.empty(0)) F80.flags = Sw.IE | Sw.SF;
  else digits = toBcd80(Fpu.low(0), Fpu.high(0), cpu.fpuControl);
  if (!Fpu.mayStore(F80.flags)) return refused(i);
  writeTen(i, digits, F80.high);
  stored(i, true);
}

/** ST(0) as it is stored, with F80.flags. */
// @ts-ignore: decorator
@inline function integerTop<T>(control: u32): i64 {
  const bits: u32 = sizeof<T>() * 8;
  F80.flags = 0;
  if (!Fpu.empty(0)) return toInteger80(Fpu.low(0), Fpu.high(0), control, bits);
  F80.flags = Sw.IE | Sw.SF;
  return bits == 64 ? i64.MIN_VALUE : -(<i64>1 << (bits - 1));
}
/** FIST, FISTP, FISTTP: T signed, `control` the rounding to use. */
function storeInteger<T>(i: Insn, control: u32, pop: bool): void {
  if (!Fpu.begin()) return;
  const value = integerTop<T>(control);
  if (!Fpu.mayStore(F80.flags)) return refused(i);
  Operand.write<T>(i, <T>value);
  stored(i, pop);
}
export function FIST_M16(i: Insn): void {
  storeInteger<i16>(i, cpu.fpuControl, false);
}
export function FIST_M32(i: Insn): void {
  storeInteger<i32>(i, cpu.fpuControl, false);
}
export function FISTP_M16(i: Insn): void {
  storeInteger<i16>(i, cpu.fpuControl, true);
}
export function FISTP_M32(i: Insn): void {
  storeInteger<i32>(i, cpu.fpuControl, true);
}
export function FISTP_M64(i: Insn): void {
  storeInteger<i64>(i, cpu.fpuControl, true);
}
export function FISTTP_M16(i: Insn): void {
  storeInteger<i16>(i, <u32>cpu.fpuControl | Cw.Zero, true);
}
export function FISTTP_M32(i: Insn): void {
  storeInteger<i32>(i, <u32>cpu.fpuControl | Cw.Zero, true);
}
export function FISTTP_M64(i: Insn): void {
  storeInteger<i64>(i, <u32>cpu.fpuControl | Cw.Zero, true);
}

export function FISTP_M16_AT(i: Insn, host: u32, offset: u32): void {
  storeAt<i16>(i, host, offset, <i16>integerTop<i16>(cpu.fpuControl), true);
}
export function FISTP_M32_AT(i: Insn, host: u32, offset: u32): void {
  storeAt<i32>(i, host, offset, <i32>integerTop<i32>(cpu.fpuControl), true);
}
export function FISTP_M64_AT(i: Insn, host: u32, offset: u32): void {
  storeAt<i64>(i, host, offset, integerTop<i64>(cpu.fpuControl), true);
}

function storeRegister(i: Insn, pop: bool): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const n = <u32>i.modrm & 7;
  if (Fpu.empty(0)) {
    if (Fpu.underflow(n) && pop) Fpu.pop();
    return;
  }
  Fpu.clearC1();
  Fpu.set(n, Fpu.low(0), Fpu.high(0));
  if (pop) Fpu.pop();
}
export function FST_I(i: Insn): void {
  storeRegister(i, false);
}
export function FSTP_I(i: Insn): void {
  storeRegister(i, true);
}
/** D9 D8+i: FSTP without the stack-underflow check. */
export function FSTPNCE(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const n = <u32>i.modrm & 7;
  Fpu.clearC1();
  if (!Fpu.empty(0)) Fpu.set(n, Fpu.low(0), Fpu.high(0));
  Fpu.pop();
}
export function FXCH(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const n = <u32>i.modrm & 7;
  Fpu.clearC1();
  const empty0 = Fpu.empty(0);
  const emptyN = Fpu.empty(n);
  if ((empty0 || emptyN) && Fpu.report(Sw.IE | Sw.SF)) return;
  const low = empty0 ? INDEFINITE_LOW : Fpu.low(0);
  const high = empty0 ? INDEFINITE_HIGH : Fpu.high(0);
  Fpu.set(0, emptyN ? INDEFINITE_LOW : Fpu.low(n), emptyN ? INDEFINITE_HIGH : Fpu.high(n));
  Fpu.set(n, low, high);
}

/** Moves under condition `code` of EFLAGS. C1 changes with a stack underflow only. */
function conditionalMove(i: Insn, code: u32): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const n = <u32>i.modrm & 7;
  if (Fpu.empty(0) || Fpu.empty(n)) {
    Fpu.underflow(0);
    return;
  }
  if (condition(code)) Fpu.set(0, Fpu.low(n), Fpu.high(n));
}
export function FCMOVB(i: Insn): void {
  conditionalMove(i, 2);
}
export function FCMOVE(i: Insn): void {
  conditionalMove(i, 4);
}
export function FCMOVBE(i: Insn): void {
  conditionalMove(i, 6);
}
export function FCMOVU(i: Insn): void {
  conditionalMove(i, 10);
}
export function FCMOVNB(i: Insn): void {
  conditionalMove(i, 3);
}
export function FCMOVNE(i: Insn): void {
  conditionalMove(i, 5);
}
export function FCMOVNBE(i: Insn): void {
  conditionalMove(i, 7);
}
export function FCMOVNU(i: Insn): void {
  conditionalMove(i, 11);
}

/**
 * A constant whose 64-bit significand, rounded to nearest, is `low`: `above` and `below` are what rounding up and
 * down (or to zero; all are positive) add. SDM Vol 1 "Load Constant Instructions".
 */
function loadConstant(i: Insn, low: u64, high: u32, above: u64, below: u64): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const rounding = <u32>cpu.fpuControl & Cw.RC;
  F80.flags = 0;
  F80.high = high;
  Fpu.pushResult(rounding == Cw.Nearest ? low : rounding == Cw.Up ? low + above : low - below);
}
export function FLD1(i: Insn): void {
  loadConstant(i, 0x8000000000000000, 0x3fff, 0, 0);
}
export function FLDL2T(i: Insn): void {
  loadConstant(i, 0xd49a784bcd1b8afe, 0x4000, 1, 0);
}
export function FLDL2E(i: Insn): void {
  loadConstant(i, 0xb8aa3b295c17f0bc, 0x3fff, 0, 1);
}
export function FLDPI(i: Insn): void {
  loadConstant(i, 0xc90fdaa22168c235, 0x4000, 0, 1);
}
export function FLDLG2(i: Insn): void {
  loadConstant(i, 0x9a209a84fbcff799, 0x3ffd, 0, 1);
}
export function FLDLN2(i: Insn): void {
  loadConstant(i, 0xb17217f7d1cf79ac, 0x3ffe, 0, 1);
}
export function FLDZ(i: Insn): void {
  loadConstant(i, 0, 0, 0, 0);
}

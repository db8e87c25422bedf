/** FCOM, FUCOM, FICOM, FCOMI and FUCOMI families, FTST, FXAM: SDM Vol 2 pages of these names. */
import { cpu } from "../../core/cpu";
import { setArithmetic } from "../../core/eflags";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { compare80 } from "./compare80";
import { fromInteger80, widen32, widen64 } from "./convert80";
import { F80, Kind, Sw, kind80 } from "./float80";
import { Fpu } from "./fpu";

const UNORDERED: u32 = Sw.C3 | Sw.C2 | Sw.C0;

/** Flags and condition codes, which are set even when an exception is unmasked; true when operands may be popped. */
function conclude(conditions: u32): bool {
  const stopped = Fpu.report(F80.flags);
  Fpu.setConditions(conditions);
  return !stopped;
}

/** ST(0) against a value from memory in (low, F80.high). */
function againstMemory(i: Insn, low: u64, pops: u32): void {
  Fpu.remember(i);
  let conditions = UNORDERED;
  if (Fpu.empty(0)) F80.flags = Sw.IE | Sw.SF;
  else conditions = compare80(Fpu.low(0), Fpu.high(0), low, F80.high, false);
  if (conclude(conditions) && pops) Fpu.pop();
}
function compareSingle(i: Insn, pops: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<u32>(i);
  if (faulted()) return;
  F80.flags = 0;
  againstMemory(i, widen32(value), pops);
}
function compareDouble(i: Insn, pops: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<u64>(i);
  if (faulted()) return;
  F80.flags = 0;
  againstMemory(i, widen64(value), pops);
}
function compareShort(i: Insn, pops: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<i16>(i);
  if (faulted()) return;
  F80.flags = 0;
  againstMemory(i, fromInteger80(<i64>value), pops);
}
function compareLong(i: Insn, pops: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<i32>(i);
  if (faulted()) return;
  F80.flags = 0;
  againstMemory(i, fromInteger80(<i64>value), pops);
}
export function FCOM_M32(i: Insn): void {
  compareSingle(i, 0);
}
export function FCOMP_M32(i: Insn): void {
  compareSingle(i, 1);
}
export function FCOM_M64(i: Insn): void {
  compareDouble(i, 0);
}
export function FCOMP_M64(i: Insn): void {
  compareDouble(i, 1);
}
export function FICOM_M16(i: Insn): void {
  compareShort(i, 0);
}
export function FICOMP_M16(i: Insn): void {
  compareShort(i, 1);
}
export function FICOM_M32(i: Insn): void {
  compareLong(i, 0);
}
export function FICOMP_M32(i: Insn): void {
  compareLong(i, 1);
}

/** Conditions of ST(0) against ST(n); a stack underflow is unordered. */
function compareStack(n: u32, quiet: bool): u32 {
  F80.flags = 0;
  if (Fpu.empty(0) || Fpu.empty(n)) {
    F80.flags = Sw.IE | Sw.SF;
    return UNORDERED;
  }
  return compare80(Fpu.low(0), Fpu.high(0), Fpu.low(n), Fpu.high(n), quiet);
}
function compareRegister(i: Insn, n: u32, quiet: bool, pops: u32): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  if (!conclude(compareStack(n, quiet))) return;
  for (; pops; pops--) Fpu.pop();
}
export function FCOM_0I(i: Insn): void {
  compareRegister(i, <u32>i.modrm & 7, false, 0);
}
export function FCOMP_0I(i: Insn): void {
  compareRegister(i, <u32>i.modrm & 7, false, 1);
}
export function FCOMPP(i: Insn): void {
  compareRegister(i, 1, false, 2);
}
export function FUCOM(i: Insn): void {
  compareRegister(i, <u32>i.modrm & 7, true, 0);
}
export function FUCOMP(i: Insn): void {
  compareRegister(i, <u32>i.modrm & 7, true, 1);
}
export function FUCOMPP(i: Insn): void {
  compareRegister(i, 1, true, 2);
}

/** As above, into ZF PF CF; OF SF AF are cleared. SDM Vol 2 "FCOMI". */
function compareToFlags(i: Insn, quiet: bool, pop: bool): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const conditions = compareStack(<u32>i.modrm & 7, quiet);
  // C1 changes with a stack underflow only.
  const before = <u32>cpu.fpuStatus & Sw.C1;
  const stopped = Fpu.report(F80.flags);
  if (!(F80.flags & Sw.SF)) cpu.fpuStatus = <u16>(<u32>cpu.fpuStatus | before);
  // C0 C2 C3 (bits 8, 10, 14) are CF PF ZF (bits 0, 2, 6).
  setArithmetic(conditions >> 8);
  if (stopped) return;
  if (pop) Fpu.pop();
}
export function FCOMI(i: Insn): void {
  compareToFlags(i, false, false);
}
export function FCOMIP(i: Insn): void {
  compareToFlags(i, false, true);
}
export function FUCOMI(i: Insn): void {
  compareToFlags(i, true, false);
}
export function FUCOMIP(i: Insn): void {
  compareToFlags(i, true, true);
}

/** ST(0) against +0. */
export function FTST(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  let conditions = UNORDERED;
  F80.flags = 0;
  if (Fpu.empty(0)) F80.flags = Sw.IE | Sw.SF;
  else conditions = compare80(Fpu.low(0), Fpu.high(0), 0, 0, false);
  conclude(conditions);
}

/** SDM Vol 2 Table "FXAM Results"; C1 is the sign, also of an empty register. */
export function FXAM(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  const high = Fpu.high(0);
  let conditions: u32;
  if (Fpu.empty(0)) conditions = Sw.C3 | Sw.C0;
  else {
    switch (kind80(Fpu.low(0), high)) {
      case Kind.Zero:
        conditions = Sw.C3;
        break;
      case Kind.Normal:
        conditions = Sw.C2;
        break;
      case Kind.Denormal:
        conditions = Sw.C3 | Sw.C2;
        break;
      case Kind.Infinity:
        conditions = Sw.C2 | Sw.C0;
        break;
      case Kind.Unsupported:
        conditions = 0;
        break;
      default:
        conditions = Sw.C0;
        break;
    }
  }
  Fpu.setConditions(conditions | (high >> 15 ? Sw.C1 : 0));
}

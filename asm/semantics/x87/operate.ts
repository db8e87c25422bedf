/** FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR with memory, integer and register operands: SDM Vol 2 pages of these names. */
import { cpu } from "../../core/cpu";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { add80, div80, mul80 } from "./arithmetic80";
import { fromInteger80, widen32, widen64 } from "./convert80";
import { F80, SIGN } from "./float80";
import { Fpu } from "./fpu";

/** ModRM.reg of D8: what the arithmetic instruction does. R = operands reversed. */
namespace Op {
  export const ADD: u32 = 0;
  export const MUL: u32 = 1;
  export const SUB: u32 = 4;
  export const SUBR: u32 = 5;
  export const DIV: u32 = 6;
  export const DIVR: u32 = 7;
}

/** Result of `op` on ST(0)-like a and source b, by the control word; in F80. */
// @ts-ignore: decorator
@inline function calculate(op: u32, aLow: u64, aHigh: u32, bLow: u64, bHigh: u32): u64 {
  const control = <u32>cpu.fpuControl;
  switch (op) {
    case Op.ADD:
      return add80(aLow, aHigh, bLow, bHigh, 0, control);
    case Op.MUL:
      return mul80(aLow, aHigh, bLow, bHigh, control);
    case Op.SUB:
      return add80(aLow, aHigh, bLow, bHigh, SIGN, control);
    case Op.SUBR:
      return add80(bLow, bHigh, aLow, aHigh, SIGN, control);
    case Op.DIV:
      return div80(aLow, aHigh, bLow, bHigh, control);
    default:
      return div80(bLow, bHigh, aLow, aHigh, control);
  }
}

/** ST(0) op= a source from memory, widened into (low, F80.high) with F80.flags preset. */
function withMemory(i: Insn, op: u32, low: u64): void {
  Fpu.remember(i);
  withValue(op, low);
}
// @ts-ignore: decorator
@inline function withValue(op: u32, low: u64): void {
  if (Fpu.empty(0)) {
    Fpu.underflow(0);
    return;
  }
  Fpu.commitHere(0, calculate(op, Fpu.low(0), Fpu.high(0), low, F80.high));
}
/** The same for translated code, which has passed `Fpu.begin` and found the operand, at offset `offset`, at host address `host`. */
// @ts-ignore: decorator
@inline function singleAt(i: Insn, host: usize, offset: u32, op: u32): void {
  F80.flags = 0;
  Fpu.rememberAt(i, offset);
  withValue(op, widen32(load<u32>(host)));
}
// @ts-ignore: decorator
@inline function doubleAt(i: Insn, host: usize, offset: u32, op: u32): void {
  F80.flags = 0;
  Fpu.rememberAt(i, offset);
  withValue(op, widen64(load<u64>(host)));
}
// @ts-ignore: decorator
@inline function longAt(i: Insn, host: usize, offset: u32, op: u32): void {
  F80.flags = 0;
  Fpu.rememberAt(i, offset);
  withValue(op, fromInteger80(<i64>load<i32>(host)));
}
/** ST(destination) op= ST(source). */
// @ts-ignore: decorator
@inline function withRegister(i: Insn, op: u32, destination: u32, source: u32, pop: bool): void {
  if (!Fpu.begin()) return;
  Fpu.rememberCode(i);
  if (Fpu.empty(destination) || Fpu.empty(source)) {
    if (Fpu.underflow(destination) && pop) Fpu.pop();
    return;
  }
  F80.flags = 0;
  const low = calculate(op, Fpu.low(destination), Fpu.high(destination), Fpu.low(source), Fpu.high(source));
  if (Fpu.commitHere(destination, low) && pop) Fpu.pop();
}
function withSingle(i: Insn, op: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<u32>(i);
  if (faulted()) return;
  F80.flags = 0;
  withMemory(i, op, widen32(value));
}
function withDouble(i: Insn, op: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<u64>(i);
  if (faulted()) return;
  F80.flags = 0;
  withMemory(i, op, widen64(value));
}
function withShort(i: Insn, op: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<i16>(i);
  if (faulted()) return;
  F80.flags = 0;
  withMemory(i, op, fromInteger80(<i64>value));
}
function withLong(i: Insn, op: u32): void {
  if (!Fpu.begin()) return;
  const value = Operand.read<i32>(i);
  if (faulted()) return;
  F80.flags = 0;
  withMemory(i, op, fromInteger80(<i64>value));
}
export function FADD_M32(i: Insn): void {
  withSingle(i, Op.ADD);
}
export function FADD_M64(i: Insn): void {
  withDouble(i, Op.ADD);
}
export function FIADD_M16(i: Insn): void {
  withShort(i, Op.ADD);
}
export function FIADD_M32(i: Insn): void {
  withLong(i, Op.ADD);
}
export function FADD_0I(i: Insn): void {
  withRegister(i, Op.ADD, 0, <u32>i.modrm & 7, false);
}
export function FADD_I0(i: Insn): void {
  withRegister(i, Op.ADD, <u32>i.modrm & 7, 0, false);
}
export function FADDP(i: Insn): void {
  withRegister(i, Op.ADD, <u32>i.modrm & 7, 0, true);
}
export function FMUL_M32(i: Insn): void {
  withSingle(i, Op.MUL);
}
export function FMUL_M64(i: Insn): void {
  withDouble(i, Op.MUL);
}
export function FIMUL_M16(i: Insn): void {
  withShort(i, Op.MUL);
}
export function FIMUL_M32(i: Insn): void {
  withLong(i, Op.MUL);
}
export function FMUL_0I(i: Insn): void {
  withRegister(i, Op.MUL, 0, <u32>i.modrm & 7, false);
}
export function FMUL_I0(i: Insn): void {
  withRegister(i, Op.MUL, <u32>i.modrm & 7, 0, false);
}
export function FMULP(i: Insn): void {
  withRegister(i, Op.MUL, <u32>i.modrm & 7, 0, true);
}
export function FSUB_M32(i: Insn): void {
  withSingle(i, Op.SUB);
}
export function FSUB_M64(i: Insn): void {
  withDouble(i, Op.SUB);
}
export function FISUB_M16(i: Insn): void {
  withShort(i, Op.SUB);
}
export function FISUB_M32(i: Insn): void {
  withLong(i, Op.SUB);
}
export function FSUB_0I(i: Insn): void {
  withRegister(i, Op.SUB, 0, <u32>i.modrm & 7, false);
}
export function FSUB_I0(i: Insn): void {
  withRegister(i, Op.SUB, <u32>i.modrm & 7, 0, false);
}
export function FSUBP(i: Insn): void {
  withRegister(i, Op.SUB, <u32>i.modrm & 7, 0, true);
}
export function FSUBR_M32(i: Insn): void {
  withSingle(i, Op.SUBR);
}
export function FSUBR_M64(i: Insn): void {
  withDouble(i, Op.SUBR);
}
export function FISUBR_M16(i: Insn): void {
  withShort(i, Op.SUBR);
}
export function FISUBR_M32(i: Insn): void {
  withLong(i, Op.SUBR);
}
export function FSUBR_0I(i: Insn): void {
  withRegister(i, Op.SUBR, 0, <u32>i.modrm & 7, false);
}
export function FSUBR_I0(i: Insn): void {
  withRegister(i, Op.SUBR, <u32>i.modrm & 7, 0, false);
}
export function FSUBRP(i: Insn): void {
  withRegister(i, Op.SUBR, <u32>i.modrm & 7, 0, true);
}
export function FDIV_M32(i: Insn): void {
  withSingle(i, Op.DIV);
}
export function FDIV_M64(i: Insn): void {
  withDouble(i, Op.DIV);
}
export function FIDIV_M16(i: Insn): void {
  withShort(i, Op.DIV);
}
export function FIDIV_M32(i: Insn): void {
  withLong(i, Op.DIV);
}
export function FDIV_0I(i: Insn): void {
  withRegister(i, Op.DIV, 0, <u32>i.modrm & 7, false);
}
export function FDIV_I0(i: Insn): void {
  withRegister(i, Op.DIV, <u32>i.modrm & 7, 0, false);
}
export function FDIVP(i: Insn): void {
  withRegister(i, Op.DIV, <u32>i.modrm & 7, 0, true);
}
export function FDIVR_M32(i: Insn): void {
  withSingle(i, Op.DIVR);
}
export function FDIVR_M64(i: Insn): void {
  withDouble(i, Op.DIVR);
}
export function FIDIVR_M16(i: Insn): void {
  withShort(i, Op.DIVR);
}
export function FIDIVR_M32(i: Insn): void {
  withLong(i, Op.DIVR);
}
export function FDIVR_0I(i: Insn): void {
  withRegister(i, Op.DIVR, 0, <u32>i.modrm & 7, false);
}
export function FDIVR_I0(i: Insn): void {
  withRegister(i, Op.DIVR, <u32>i.modrm & 7, 0, false);
}
export function FDIVRP(i: Insn): void {
  withRegister(i, Op.DIVR, <u32>i.modrm & 7, 0, true);
}
export function FADD_M32_AT(i: Insn, host: u32, offset: u32): void {
  singleAt(i, host, offset, Op.ADD);
}
export function FADD_M64_AT(i: Insn, host: u32, offset: u32): void {
  doubleAt(i, host, offset, Op.ADD);
}
export function FIADD_M32_AT(i: Insn, host: u32, offset: u32): void {
  longAt(i, host, offset, Op.ADD);
}
export function FMUL_M32_AT(i: Insn, host: u32, offset: u32): void {
  singleAt(i, host, offset, Op.MUL);
}
export function FMUL_M64_AT(i: Insn, host: u32, offset: u32): void {
  doubleAt(i, host, offset, Op.MUL);
}
export function FIMUL_M32_AT(i: Insn, host: u32, offset: u32): void {
  longAt(i, host, offset, Op.MUL);
}
export function FSUB_M32_AT(i: Insn, host: u32, offset: u32): void {
  singleAt(i, host, offset, Op.SUB);
}
export function FSUB_M64_AT(i: Insn, host: u32, offset: u32): void {
  doubleAt(i, host, offset, Op.SUB);
}
export function FISUB_M32_AT(i: Insn, host: u32, offset: u32): void {
  longAt(i, host, offset, Op.SUB);
}
export function FSUBR_M32_AT(i: Insn, host: u32, offset: u32): void {
  singleAt(i, host, offset, Op.SUBR);
}
export function FSUBR_M64_AT(i: Insn, host: u32, offset: u32): void {
  doubleAt(i, host, offset, Op.SUBR);
}
export function FISUBR_M32_AT(i: Insn, host: u32, offset: u32): void {
  longAt(i, host, offset, Op.SUBR);
}
export function FDIV_M32_AT(i: Insn, host: u32, offset: u32): void {
  singleAt(i, host, offset, Op.DIV);
}
export function FDIV_M64_AT(i: Insn, host: u32, offset: u32): void {
  doubleAt(i, host, offset, Op.DIV);
}
export function FIDIV_M32_AT(i: Insn, host: u32, offset: u32): void {
  longAt(i, host, offset, Op.DIV);
}
export function FDIVR_M32_AT(i: Insn, host: u32, offset: u32): void {
  singleAt(i, host, offset, Op.DIVR);
}
export function FDIVR_M64_AT(i: Insn, host: u32, offset: u32): void {
  doubleAt(i, host, offset, Op.DIVR);
}
export function FIDIVR_M32_AT(i: Insn, host: u32, offset: u32): void {
  longAt(i, host, offset, Op.DIVR);
}

/** Decimal adjustment: DAA DAS AAA AAS AAM AAD. SDM 2A, with flags that it leaves undefined as Intel processors set them. */
import { cpu } from "../core/cpu";
import { RAX } from "../core/cpu-state.generated";
import { Eflags, Flag, arithmetic, setArithmetic } from "../core/eflags";
import { CPU } from "../core/memory-map";
import { Vector, raise } from "../core/pending-trap";
import { Insn } from "../decode/insn";

// @ts-ignore: decorator
@inline function al(): u32 {
  return <u32>load<u8>(CPU + RAX);
}
// @ts-ignore: decorator
@inline function setAl(value: u32): void {
  store<u8>(CPU + RAX, <u8>value);
}
/** SF ZF PF of `result`, AF and CF as given, OF 0. */
function setFlags(result: u32, af: u32, cf: u32): void {
  Flag.keep<u8, u32>(result, 0);
  setArithmetic((arithmetic() & ~(Eflags.AF | Eflags.CF | Eflags.OF)) | (af << 4) | cf);
}

/** `direction` 1 after addition, -1 after subtraction. */
function adjustPacked(direction: i32): void {
  const before = al();
  const carry = Flag.cf();
  const half = <u32>((before & 15) > 9 || Flag.af() != 0);
  const whole = <u32>(before > 0x99 || carry != 0);
  const change = half * 6 + whole * 0x60;
  const after = <u32>(<i32>before + direction * <i32>change) & 0xff;
  // A borrow of the low correction alone also sets CF after subtraction.
  const borrow = <u32>(direction < 0 && half != 0 && before < 6);
  setAl(after);
  setFlags(after, half, whole | borrow);
}
export function DAA(i: Insn): void {
  adjustPacked(1);
}
export function DAS(i: Insn): void {
  adjustPacked(-1);
}

function adjustUnpacked(step: u32): void {
  const before = <u32>load<u16>(CPU + RAX);
  const adjusted = <u32>((before & 15) > 9 || Flag.af() != 0);
  const after = (adjusted ? before + step : before) & 0xff0f;
  store<u16>(CPU + RAX, <u16>after);
  setFlags(after & 0xff, adjusted, adjusted);
}
export function AAA(i: Insn): void {
  adjustUnpacked(0x106);
}
export function AAS(i: Insn): void {
  adjustUnpacked(0x10000 - 0x106);
}

export function AAM(i: Insn): void {
  const base = i.imm & 0xff;
  if (base == 0) {
    raise(Vector.DE);
    return;
  }
  const value = al();
  cpu.rax = (cpu.rax & ~<u64>0xffff) | <u64>((value / base) << 8) | <u64>(value % base);
  setFlags(value % base, 0, 0);
}
export function AAD(i: Insn): void {
  const ax = <u32>load<u16>(CPU + RAX);
  const value = ((ax & 0xff) + (ax >>> 8) * (i.imm & 0xff)) & 0xff;
  store<u16>(CPU + RAX, <u16>value);
  setFlags(value, 0, 0);
}

/**
 * IN OUT INS OUTS. SDM 2A/2B; who may is in vmm/privilege.ts. Every port access is an exit of its own. A REP keeps tick
 * count and registers exact at each access, because a device may read the clock or arm a deadline in any of them.
 */
import { watchPort } from "../core/breakpoints";
import { cpu } from "../core/cpu";
import { RAX, RCX, RDI, RDX, RSI } from "../core/cpu-state.generated";
import { Eflags } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit, ticksNow } from "../core/exits";
import { hostPortRead, hostPortWrite } from "../core/host";
import { CPU } from "../core/memory-map";
import { faulted } from "../core/pending-trap";
import { Seg } from "../core/segment";
import { Stop } from "../core/stop";
import { Insn } from "../decode/insn";
import { Linear } from "../mmu/access";
import { probeWrite } from "../mmu/slow-access";
import { mayAccessPort } from "../vmm/privilege";
import { Operand } from "./operand";
import { Repeat, StringRegister, StringSegment } from "./string";

/** E4-E7 have the port as a byte, EC-EF in DX. */
function portOf(i: Insn): u32 {
  return i.modrm & 8 ? <u32>load<u16>(CPU + RDX) : i.imm & 0xff;
}
function input(port: u32, size: u32): u32 {
  exit(Exit.IoRead, <u64>(port | (size << 16)));
  const value = hostPortRead(port, size);
  watchPort(port, size);
  return value;
}
function output(port: u32, value: u32, size: u32): void {
  exit(Exit.IoWrite, <u64>(port | (size << 16)));
  hostPortWrite(port, value, size);
  watchPort(port, size);
}

export function IN(i: Insn): void {
  const port = portOf(i);
  const size = <u32>i.width;
  if (!mayAccessPort(port, size)) return;
  const value = input(port, size);
  if (size == 1) Operand.setRegister<u8>(<u32>RAX, <u8>value);
  else if (size == 2) Operand.setRegister<u16>(<u32>RAX, <u16>value);
  else Operand.setRegister<u32>(<u32>RAX, value);
}
export function OUT(i: Insn): void {
  const port = portOf(i);
  const size = <u32>i.width;
  if (!mayAccessPort(port, size)) return;
  const value = load<u32>(CPU + RAX);
  output(port, size == 4 ? value : value & ((1 << (size << 3)) - 1), size);
}

/** One element of INS: the store is probed before the port is read, which cannot be undone. */
function insOne<T>(i: Insn, port: u32): void {
  const linear = StringSegment.linear(Seg.ES, StringRegister.get(RDI, i), sizeof<T>(), true);
  if (faulted()) return;
  probeWrite(linear, sizeof<T>(), false);
  if (faulted()) return;
  const value = input(port, sizeof<T>());
  Linear.store<T>(linear, <T>value);
  if (!faulted()) step<T>(i, RDI);
}
function outsOne<T>(i: Insn, port: u32): void {
  const linear = StringSegment.linear(i.segment, StringRegister.get(RSI, i), sizeof<T>(), false);
  if (faulted()) return;
  const value = <u32>Linear.load<T>(linear);
  if (faulted()) return;
  output(port, value, sizeof<T>());
  step<T>(i, RSI);
}
function step<T>(i: Insn, slot: usize): void {
  StringRegister.set(slot, i, StringRegister.get(slot, i) + StringRegister.step(sizeof<T>()));
}
function one(i: Insn, port: u32, isInput: bool): void {
  switch (<i32>i.width) {
    case 1: isInput ? insOne<u8>(i, port) : outsOne<u8>(i, port); break;
    case 2: isInput ? insOne<u16>(i, port) : outsOne<u16>(i, port); break;
    default: isInput ? insOne<u32>(i, port) : outsOne<u32>(i, port); break;
  }
}

function stringIo(i: Insn, isInput: bool): void {
  const port = <u32>load<u16>(CPU + RDX);
  if (!mayAccessPort(port, i.width)) return;
  if (!Repeat.prefixed(i)) {
    one(i, port, isInput);
    return;
  }
  let count = StringRegister.get(RCX, i);
  while (count != 0) {
    one(i, port, isInput);
    if (faulted()) return;
    count--;
    StringRegister.set(RCX, i, count);
    if (count == 0) {
      Repeat.cutAnew();
      return;
    }
    // The last iteration's tick is the instruction's own.
    cpu.tickOffset++;
    // As Repeat of string.ts: the budget's end, an event, or a trap after each iteration under TF.
    if (cpu.stop != 0 || cpu.eflags & Eflags.TF || ticksNow() >= cpu.limit) {
      cpu.eflags |= Eflags.RF;
      cpu.stop |= Stop.Repeat;
      return;
    }
  }
}
export function INS(i: Insn): void {
  stringIo(i, true);
}
export function OUTS(i: Insn): void {
  stringIo(i, false);
}

/** PUSHA POPA ENTER POP r/m: stack instructions of more than one access. SDM 2A/2B. */
import { cpu } from "../core/cpu";
import { RAX, RBP, RBX, RCX, RDI, RDX, RSI } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { faulted } from "../core/pending-trap";
import { Insn } from "../decode/insn";
import { Linear } from "../mmu/access";
import { probeAlignment, probeRead, probeWrite } from "../mmu/slow-access";
import { Frame, StackTop } from "../vmm/stack-frame";
import { Operand, Stack } from "./operand";

/** AX CX DX BX, SP as it was, BP SI DI. */
export function PUSHA(i: Insn): void {
  const size = <u32>i.width;
  Frame.onCurrent(0);
  if (!Frame.reserve(size, 8)) return;
  for (let n: u32 = 0; n < 8; n++) Frame.push(size, load<u64>(CPU + (<usize>n << 3)));
  Stack.setPointer(Frame.pointer);
}

/** The saved SP is skipped. */
export function POPA(i: Insn): void {
  const size = <u32>i.width;
  const di = StackTop.item(size, 0);
  if (faulted()) return;
  const si = StackTop.item(size, 1);
  if (faulted()) return;
  const bp = StackTop.item(size, 2);
  if (faulted()) return;
  const bx = StackTop.item(size, 4);
  if (faulted()) return;
  const dx = StackTop.item(size, 5);
  if (faulted()) return;
  const cx = StackTop.item(size, 6);
  if (faulted()) return;
  const ax = StackTop.item(size, 7);
  if (faulted()) return;
  Stack.release(size * 8);
  put(RDI, size, di);
  put(RSI, size, si);
  put(RBP, size, bp);
  put(RBX, size, bx);
  put(RDX, size, dx);
  put(RCX, size, cx);
  put(RAX, size, ax);
}
function put(slot: usize, size: u32, value: u64): void {
  if (size == 2) Operand.setRegister<u16>(<u32>slot, <u16>value);
  else if (size == 4) Operand.setRegister<u32>(<u32>slot, <u32>value);
  else Operand.setRegister<u64>(<u32>slot, value);
}

/** POP to memory: the address is computed with the stack pointer as it is after the pop. */
export function POP_E(i: Insn): void {
  const size = <u32>i.width;
  const value = StackTop.item(size, 0);
  if (faulted()) return;
  const pointer = cpu.rsp;
  Stack.release(size);
  if (size == 2) Operand.write<u16>(i, <u16>value);
  else if (size == 4) Operand.write<u32>(i, <u32>value);
  else Operand.write<u64>(i, value);
  if (faulted()) cpu.rsp = pointer;
}

/**
 * Frame of `imm` bytes at nesting level `imm2` mod 32: BP, the outer levels' frame pointers, the new frame pointer. All
 * accesses, and a write at the final stack pointer, are probed first.
 */
export function ENTER(i: Insn): void {
  const size = <u32>i.width;
  const level = i.imm2 & 31;
  const mask = Stack.mask();
  Frame.onCurrent(0);
  if (!Frame.reserve(size, level == 0 ? 1 : level + 1)) return;
  for (let n: u32 = 1; n < level; n++) {
    const linear = Stack.linear((cpu.rbp - <u64>(n * size)) & mask, size, false);
    if (!faulted()) probeAlignment(linear, size);
    if (faulted()) return;
    probeRead(linear, size, false);
    if (faulted()) return;
  }
  const final = (cpu.rsp - <u64>(size * (level == 0 ? 1 : level + 1) + (i.imm & 0xffff))) & mask;
  const last = Stack.linear(final, size, true);
  if (!faulted()) probeAlignment(last, size);
  if (faulted()) return;
  probeWrite(last, size, false);
  if (faulted()) return;

  Frame.push(size, cpu.rbp);
  const frame = Frame.pointer;
  if (level) {
    for (let n: u32 = 1; n < level; n++) {
      const linear = Stack.linear((cpu.rbp - <u64>(n * size)) & mask, size, false);
      Frame.push(size, size == 2 ? <u64>Linear.load<u16>(linear) : size == 4 ? <u64>Linear.load<u32>(linear) : Linear.load<u64>(linear));
    }
    Frame.push(size, frame);
  }
  put(RBP, size, frame);
  Stack.setPointer(final);
}

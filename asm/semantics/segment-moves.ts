/** MOV, PUSH and POP of segment registers, LDS and its kin. SDM 2A/2B; loads and their checks are in vmm/descriptors.ts. */
import { cpu } from "../core/cpu";
import { updateMode } from "../core/mode";
import { Vector, faulted, raise } from "../core/pending-trap";
import { Seg, Segment } from "../core/segment";
import { Insn } from "../decode/insn";
import { Linear } from "../mmu/access";
import { loadSegment } from "../vmm/descriptors";
import { Shadow } from "../vmm/interrupt-window";
import { goOn } from "../vmm/transfer";
import { Operand, Stack } from "./operand";
import { writeRegisterOrWord } from "./system";

/** MOV r/m, Sreg: a 32-bit register is zero-extended, memory takes 16 bits. */
export function MOV_ES(i: Insn): void {
  if (<u32>i.reg > Seg.GS) {
    raise(Vector.UD);
    return;
  }
  writeRegisterOrWord(i, <u32>Segment.of(i.reg).selector);
}

export function MOV_SE(i: Insn): void {
  const n = <u32>i.reg;
  if (n == Seg.CS || n > Seg.GS) {
    raise(Vector.UD);
    return;
  }
  const selector = <u32>Operand.read<u16>(i);
  if (faulted()) return;
  loadSegment(n, selector);
  if (faulted()) return;
  finish(i, n);
}
function finish(i: Insn, n: u32): void {
  updateMode();
  if (n == Seg.SS) cpu.interruptShadow = Shadow.MovSs;
  goOn(i);
}

/** The register is in the opcode: 06 0E 16 1E, 0FA0 0FA8. */
// @ts-ignore: decorator
@inline function named(i: Insn): u32 {
  return (<u32>i.modrm >>> 3) & 7;
}
/** With a 32-bit operand 4 bytes of stack are used, of which 2 are written, as processors since the P6 do. */
export function PUSH_S(i: Insn): void {
  const selector = Segment.of(named(i)).selector;
  const pointer = (cpu.rsp - <u64>i.width) & Stack.mask();
  const linear = Stack.linear(pointer, i.width == 8 ? 8 : 2, true);
  if (faulted()) return;
  if (i.width == 8) Linear.store<u64>(linear, <u64>selector);
  else Linear.store<u16>(linear, selector);
  if (!faulted()) Stack.setPointer(pointer);
}
export function POP_S(i: Insn): void {
  const n = named(i);
  const selector = <u32>Stack.peek<u16>(0);
  if (faulted()) return;
  const pointer = cpu.rsp;
  // By the size of the old stack.
  Stack.release(i.width);
  loadSegment(n, selector);
  if (faulted()) {
    cpu.rsp = pointer;
    return;
  }
  finish(i, n);
}

/** Far pointer into segment register and general register. */
function loadPointer(i: Insn, n: u32): void {
  const offset = i.width == 2 ? <u64>Operand.readAt<u16>(i, 0) : i.width == 4 ? <u64>Operand.readAt<u32>(i, 0) : Operand.readAt<u64>(i, 0);
  if (faulted()) return;
  const selector = <u32>Operand.readAt<u16>(i, i.width);
  if (faulted()) return;
  loadSegment(n, selector);
  if (faulted()) return;
  if (i.width == 2) Operand.setRegister<u16>(i.reg, <u16>offset);
  else if (i.width == 4) Operand.setRegister<u32>(i.reg, <u32>offset);
  else Operand.setRegister<u64>(i.reg, offset);
  updateMode();
  goOn(i);
}
export function LES(i: Insn): void {
  loadPointer(i, Seg.ES);
}
export function LDS(i: Insn): void {
  loadPointer(i, Seg.DS);
}
export function LSS(i: Insn): void {
  loadPointer(i, Seg.SS);
}
export function LFS(i: Insn): void {
  loadPointer(i, Seg.FS);
}
export function LGS(i: Insn): void {
  loadPointer(i, Seg.GS);
}

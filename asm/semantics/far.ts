/** Far JMP, CALL and RET: operands only; the transfers are in vmm/far-transfer.ts. */
import { faulted } from "../core/pending-trap";
import { Insn } from "../decode/insn";
import { farCall, farJump, farReturn } from "../vmm/far-transfer";
import { nextRip } from "../vmm/transfer";
import { Operand } from "./operand";

/** Far pointer in memory: offset, then selector. */
let offset: u64 = 0;
let selector: u32 = 0;
function readPointer(i: Insn): bool {
  offset = i.width == 2 ? <u64>Operand.readAt<u16>(i, 0) : i.width == 4 ? <u64>Operand.readAt<u32>(i, 0) : Operand.readAt<u64>(i, 0);
  if (faulted()) return false;
  selector = <u32>Operand.readAt<u16>(i, i.width);
  return !faulted();
}

export function JMPF(i: Insn): void {
  farJump(i.imm2 & 0xffff, i.imm, nextRip(i));
}
export function JMPF_M(i: Insn): void {
  if (readPointer(i)) farJump(selector, offset, nextRip(i));
}
export function CALLF(i: Insn): void {
  farCall(i.imm2 & 0xffff, i.imm, i.width, nextRip(i));
}
export function CALLF_M(i: Insn): void {
  if (readPointer(i)) farCall(selector, offset, i.width, nextRip(i));
}
export function RETF(i: Insn): void {
  farReturn(i.width, 0);
}
export function RETF_I(i: Insn): void {
  farReturn(i.width, i.imm & 0xffff);
}

/**
 * Call gates of IA-32e mode: 16 bytes, always to 64-bit code; a call to an inner level takes RSP from the TSS and has a null
 * SS, and copies no parameters. SDM 3A "IA-32e Mode Call Gates", "Stack Switching in 64-bit Mode".
 */
import { cpu } from "../core/cpu";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg } from "../core/segment";
import { canonical } from "../mmu/translate";
import { Raw, Selector, assignNull, fetchDescriptor, markAccessed } from "./descriptors";
import { Frame } from "./stack-frame";
import { enterCode, modeChanged } from "./transfer";
import { Tss } from "./tss";

/**
 * Through the gate whose descriptor halves are `gate` and `upper`: a CALL with return address `next`, or a JMP. Items are 8
 * bytes.
 */
export function throughLongGate(gate: u64, upper: u64, call: bool, next: u64): void {
  const selector = Raw.gateSelector(gate);
  if (Selector.isNull(selector)) {
    raiseError(Vector.GP, 0);
    return;
  }
  const code = fetchDescriptor(selector, Vector.GP, 0);
  if (faulted()) return;
  const dpl = Raw.dpl(code);
  const allowed = call || Raw.isConforming(code) ? dpl <= cpu.cpl : dpl == cpu.cpl;
  const size = Raw.attributes(code) & (Attr.L | Attr.DB);
  if (!Raw.isCode(code) || !allowed || size != Attr.L) {
    raiseError(Vector.GP, Selector.error(selector, 0));
    return;
  }
  if (!Raw.isPresent(code)) {
    raiseError(Vector.NP, Selector.error(selector, 0));
    return;
  }
  const target = (upper << 32) | <u64>Raw.gateOffset(gate);
  const level = Raw.isConforming(code) ? cpu.cpl : dpl;
  const inner = level < cpu.cpl;
  if (call) {
    if (inner) {
      if (!Tss.readLongStack(level, 0)) return;
      Frame.onLong(Tss.longPointer, level, 0);
    } else Frame.onLong(cpu.rsp, level, 0);
    if (!Frame.reserve(8, inner ? 4 : 2)) return;
  }
  if (!canonical(target)) {
    raiseError(Vector.GP, 0);
    return;
  }
  markAccessed(selector, code);
  if (faulted()) return;
  if (call) {
    if (inner) {
      Frame.pushSelector(8, Seg.SS);
      Frame.push(8, cpu.rsp);
    }
    Frame.pushSelector(8, Seg.CS);
    Frame.push(8, next);
    if (inner) assignNull(Seg.SS, level);
    cpu.rsp = Frame.pointer;
  }
  enterCode(selector, code, level, target);
  modeChanged();
}

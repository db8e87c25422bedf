/**
 * Far JMP, CALL and RET. SDM 2A "CALL", "JMP", 2B "RET", SDM 3A "Accessing a Code Segment Through a Call Gate". No effect
 * if they fault; a fault after a task switch belongs to the new task and is delivered there.
 */
import { cpu } from "../core/cpu";
import { materialize } from "../core/eflags";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { callThroughGate, jumpThroughGate } from "./call-gate";
import { throughLongGate } from "./call-gate-long";
import { deliverInNewTask } from "./deliver";
import { Raw, Selector, SystemType, assignParagraph, fetchDescriptor, paragraphs, upperHalf } from "./descriptors";
import { toOuterLevel } from "./iret";
import { Frame, StackTop } from "./stack-frame";
import { SwitchCause, TaskSwitch, switchTask } from "./task-switch";
import { checkDirectCode, checkReturnCode, enterCode, insideCode, insideSegment, modeChanged, setStackPointer } from "./transfer";

/** JMP selector:offset. `next`: RIP after it, for a task switch. */
export function farJump(selector: u32, offset: u64, next: u64): void {
  if (paragraphs()) {
    if (!insideCode(offset, Segment.of(Seg.CS).limit, 0)) return;
    assignParagraph(Seg.CS, selector);
    cpu.rip = offset;
    modeChanged();
    return;
  }
  const d = fetchTarget(selector);
  if (faulted()) return;
  if (!(Raw.kind(d) & Attr.S)) {
    throughSystemDescriptor(selector, d, SwitchCause.Jump, next);
    return;
  }
  checkDirectCode(selector, d);
  if (faulted() || !insideSegment(offset, d, 0)) return;
  enterCode(selector, d, cpu.cpl, offset);
  modeChanged();
}

/** CALL selector:offset with a return address of two items of `size` 2, 4 or 8 bytes. */
export function farCall(selector: u32, offset: u64, size: u32, next: u64): void {
  if (paragraphs()) {
    if (!insideCode(offset, Segment.of(Seg.CS).limit, 0)) return;
    if (!pushReturn(size, next)) return;
    assignParagraph(Seg.CS, selector);
    cpu.rip = offset;
    modeChanged();
    return;
  }
  const d = fetchTarget(selector);
  if (faulted()) return;
  if (!(Raw.kind(d) & Attr.S)) {
    throughSystemDescriptor(selector, d, SwitchCause.Call, next);
    return;
  }
  checkDirectCode(selector, d);
  if (faulted() || !insideSegment(offset, d, 0)) return;
  if (!pushReturn(size, next)) return;
  enterCode(selector, d, cpu.cpl, offset);
  modeChanged();
}

/** CS and RIP onto the current stack. False: no room, nothing pushed. */
export function pushReturn(size: u32, next: u64): bool {
  Frame.onCurrent(0);
  if (!Frame.reserve(size, 2)) return false;
  Frame.pushSelector(size, Seg.CS);
  Frame.push(size, next);
  setStackPointer(Frame.pointer);
  return true;
}

function fetchTarget(selector: u32): u64 {
  if (Selector.isNull(selector)) {
    raiseError(Vector.GP, 0);
    return 0;
  }
  const d = fetchDescriptor(selector, Vector.GP, 0);
  if (!faulted() && Raw.kind(d) & Attr.S && !Raw.isCode(d)) raiseError(Vector.GP, Selector.error(selector, 0));
  return d;
}

/** Call gate, task gate or TSS. */
function throughSystemDescriptor(selector: u32, d: u64, cause: u32, next: u64): void {
  const kind = Raw.kind(d);
  if (cpu.modeKey & Mode.Long) {
    throughLongDescriptor(selector, d, cause, next);
    return;
  }
  const gate = (kind & ~SystemType.Wide) == SystemType.CallGate16;
  const tss = kind == SystemType.AvailableTss16 || kind == SystemType.AvailableTss32;
  const usable = gate || tss || kind == SystemType.TaskGate;
  if (!usable || Raw.dpl(d) < cpu.cpl || Raw.dpl(d) < Selector.rpl(selector)) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else if (gate) {
    if (cause == SwitchCause.Call) callThroughGate(d, <u32>next);
    else jumpThroughGate(d);
  } else if (tss) toTask(cause, selector, d, <u32>next);
  else throughTaskGate(Raw.gateSelector(d), cause, <u32>next);
}
/** In IA-32e mode there are 64-bit call gates only. */
function throughLongDescriptor(selector: u32, d: u64, cause: u32, next: u64): void {
  const usable = Raw.kind(d) == SystemType.CallGate32 && Raw.dpl(d) >= cpu.cpl && Raw.dpl(d) >= Selector.rpl(selector);
  if (!usable) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else {
    const upper = upperHalf(selector);
    if (!faulted()) throughLongGate(d, upper, cause == SwitchCause.Call, next);
  }
}

function throughTaskGate(selector: u32, cause: u32, next: u32): void {
  if (Selector.isLocal(selector)) {
    raiseError(Vector.GP, Selector.error(selector, 0));
    return;
  }
  const d = fetchDescriptor(selector, Vector.GP, 0);
  if (faulted()) return;
  const kind = Raw.kind(d);
  if (kind != SystemType.AvailableTss16 && kind != SystemType.AvailableTss32) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else toTask(cause, selector, d, next);
}
function toTask(cause: u32, selector: u32, d: u64, next: u32): void {
  TaskSwitch.committed = false;
  switchTask(cause, selector, d, next, materialize(), 0, false, 0);
  deliverInNewTask();
}

/** Far RET, releasing `parameters` bytes on both stacks. */
export function farReturn(size: u32, parameters: u32): void {
  const target = StackTop.item(size, 0);
  if (faulted()) return;
  const selector = <u32>StackTop.item(size, 1) & 0xffff;
  if (faulted()) return;
  if (paragraphs()) {
    if (!insideCode(target, Segment.of(Seg.CS).limit, 0)) return;
    StackTop.release(size * 2 + parameters);
    assignParagraph(Seg.CS, selector);
    cpu.rip = target;
    modeChanged();
    return;
  }
  const code = checkReturnCode(selector);
  if (faulted()) return;
  const level = Selector.rpl(selector);
  if (level == cpu.cpl) {
    if (!insideSegment(target, code, 0)) return;
    StackTop.release(size * 2 + parameters);
    enterCode(selector, code, level, target);
  } else {
    if (!toOuterLevel(size, size * 2 + parameters, code, selector, target)) return;
    setStackPointer(cpu.rsp + <u64>parameters);
  }
  modeChanged();
}

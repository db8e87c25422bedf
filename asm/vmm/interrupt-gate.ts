/**
 * One event through the interrupt table of the mode the CPU is in: IVT in real mode, IDT gates in protected and
 * virtual-8086 mode. SDM 2A "INT n/INTO/INT3/INT1" (operation section), SDM 3A "Interrupt and Exception Handling". If
 * anything faults, a trap is pending and nothing has happened; which event comes of that is deliver.ts's business.
 */
import { cpu } from "../core/cpu";
import { Eflags, materialize } from "../core/eflags";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Access } from "../mmu/access";
import { canonical } from "../mmu/translate";
import { Raw, Selector, SystemType, assign, assignNull, assignParagraph, checkStack, fetchDescriptor, markAccessed } from "./descriptors";
import { Frame } from "./stack-frame";
import { SwitchCause, switchTask } from "./task-switch";
import { enterCode, insideCode, modeChanged, setStackPointer } from "./transfer";
import { Tss } from "./tss";

/** What is delivered. */
export namespace EventKind {
  /** Exception whose saved RIP is the instruction that raised it. */
  export const Fault: u32 = 0;
  /** Exception after its instruction: debug traps. */
  export const Trap: u32 = 1;
  /** INTR. */
  export const Interrupt: u32 = 2;
  export const Nmi: u32 = 3;
  /** INT n, INT3, INTO: the gate's DPL is checked, EXT is 0. */
  export const Software: u32 = 4;
  /** INT1: neither. */
  export const Privileged: u32 = 5;
}

/** The event to be delivered, and what its frame will hold. */
export class Event {
  static vector: u32 = 0;
  static kind: u32 = 0;
  static hasError: bool = false;
  static error: u32 = 0;
  /** RIP that the handler returns to. */
  static rip: u64 = 0;

  @inline static get ext(): u32 {
    return Event.kind == EventKind.Software ? 0 : 1;
  }
  /** Error code that names the gate. SDM 3A "Error Code": IDT bit set. */
  @inline static get gateError(): u32 {
    return (Event.vector << 3) | 2 | Event.ext;
  }
  /** EFLAGS as pushed. RF is 1 for faults, so that an instruction breakpoint does not hit again. SDM 3A "Resume Flag". */
  static flags(): u32 {
    const flags = materialize();
    return Event.kind == EventKind.Fault ? flags | Eflags.RF : flags;
  }
}

/** Delivers `Event`; on success CS:RIP is the handler. */
export function enterHandler(): void {
  if (cpu.modeKey & Mode.Long) throughLongGate();
  else if (cpu.modeKey & (Mode.Protected | Mode.Virtual8086)) throughGate();
  else throughVectorTable(<u32>cpu.idtr_base, Event.flags(), Eflags.IF | Eflags.TF | Eflags.RF | Eflags.AC);
}

/** Real-mode delivery, and with `table` 0 the 8086 program's own handler under VME. `clear`: flags cleared on entry. */
function throughVectorTable(table: u32, flags: u32, clear: u32): void {
  if (!(cpu.modeKey & Mode.Virtual8086) && (Event.vector << 2) + 3 > cpu.idtr_limit) {
    raiseError(Vector.GP, Event.gateError);
    return;
  }
  const target = Access.loadSystem<u32>(table + (Event.vector << 2));
  if (faulted()) return;
  Frame.onCurrent(Event.ext);
  if (!Frame.reserve(2, 3)) return;
  Frame.push(2, flags);
  Frame.pushSelector(2, Seg.CS);
  Frame.push(2, Event.rip);
  setStackPointer(Frame.pointer);
  assignParagraph(Seg.CS, target >>> 16);
  cpu.rip = <u64>(target & 0xffff);
  cpu.eflags &= ~clear;
  modeChanged();
}

/** INT n in virtual-8086 mode that CR4.VME sends to the 8086 program. SDM 3A "Software Interrupt Handling Methods", 5 and 6. */
export function enterRedirected(virtualised: bool): void {
  let flags = materialize();
  if (!virtualised) {
    throughVectorTable(0, flags, Eflags.IF | Eflags.TF);
    return;
  }
  // IOPL < 3: the program sees IOPL 3 and its virtual interrupt flag.
  flags = (flags & ~Eflags.IF) | Eflags.IOPL | (flags & Eflags.VIF ? Eflags.IF : 0);
  throughVectorTable(0, flags, Eflags.VIF | Eflags.TF);
}

function throughGate(): void {
  const ext = Event.ext;
  if ((Event.vector << 3) + 7 > cpu.idtr_limit) {
    raiseError(Vector.GP, Event.gateError);
    return;
  }
  const gate = Access.loadSystem<u64>(<u32>cpu.idtr_base + (Event.vector << 3));
  if (faulted()) return;
  const kind = Raw.kind(gate);
  // Interrupt and trap gates of both sizes differ in bits 0 and 3 only.
  const usable = kind == SystemType.TaskGate || (kind & ~(SystemType.Wide | 1)) == SystemType.InterruptGate16;
  if (!usable || (Event.kind == EventKind.Software && Raw.dpl(gate) < cpu.cpl)) {
    raiseError(Vector.GP, Event.gateError);
    return;
  }
  if (!Raw.isPresent(gate)) {
    raiseError(Vector.NP, Event.gateError);
    return;
  }
  const selector = Raw.gateSelector(gate);
  if (kind == SystemType.TaskGate) {
    throughTaskGate(selector);
    return;
  }
  if (Selector.isNull(selector)) {
    raiseError(Vector.GP, ext);
    return;
  }
  const code = fetchDescriptor(selector, Vector.GP, ext);
  if (faulted()) return;
  const dpl = Raw.dpl(code);
  if (!Raw.isCode(code) || dpl > cpu.cpl) {
    raiseError(Vector.GP, Selector.error(selector, ext));
    return;
  }
  if (!Raw.isPresent(code)) {
    raiseError(Vector.NP, Selector.error(selector, ext));
    return;
  }
  const virtual8086 = (cpu.modeKey & Mode.Virtual8086) != 0;
  const level = Raw.isConforming(code) ? cpu.cpl : dpl;
  // Virtual-8086 mode may only be left to level 0.
  if (virtual8086 && level != 0) {
    raiseError(Vector.GP, Selector.error(selector, ext));
    return;
  }
  const size: u32 = kind & SystemType.Wide ? 4 : 2;
  const rip = Raw.gateOffset(gate);
  if (level < cpu.cpl) toInnerLevel(selector, code, level, rip, size, virtual8086);
  else {
    Frame.onCurrent(ext);
    if (!Frame.reserve(size, 3 + <u32>Event.hasError)) return;
    if (!insideCode(rip, Raw.limit(code), ext)) return;
    markAccessed(selector, code);
    if (faulted()) return;
    pushReturn(size);
    setStackPointer(Frame.pointer);
    enterCode(selector, code, level, rip);
  }
  if (faulted()) return;
  // Interrupt gates, the even types, clear IF too.
  cpu.eflags &= ~(Eflags.TF | Eflags.NT | Eflags.RF | Eflags.VM | (kind & 1 ? 0 : Eflags.IF));
  modeChanged();
}

function toInnerLevel(selector: u32, code: u64, level: u32, rip: u32, size: u32, virtual8086: bool): void {
  const ext = Event.ext;
  if (!Tss.readInnerStack(level, ext)) return;
  const pointer = Tss.innerPointer;
  const stackSelector = Tss.innerSelector;
  const stack = checkStack(stackSelector, level, Vector.TS, ext);
  if (faulted()) return;
  Frame.onNew(stack, pointer, level, Selector.error(stackSelector, ext));
  if (!Frame.reserve(size, (virtual8086 ? 9 : 5) + <u32>Event.hasError)) return;
  if (!insideCode(rip, Raw.limit(code), ext)) return;
  markAccessed(selector, code);
  if (faulted()) return;
  if (virtual8086) {
    Frame.pushSelector(size, Seg.GS);
    Frame.pushSelector(size, Seg.FS);
    Frame.pushSelector(size, Seg.DS);
    Frame.pushSelector(size, Seg.ES);
  }
  Frame.pushSelector(size, Seg.SS);
  Frame.push(size, cpu.rsp);
  pushReturn(size);
  if (virtual8086) {
    assignNull(Seg.GS, 0);
    assignNull(Seg.FS, 0);
    assignNull(Seg.DS, 0);
    assignNull(Seg.ES, 0);
  }
  assign(Seg.SS, stackSelector, stack);
  // The new pointer is whole: a 16-bit TSS gave a zero upper half.
  cpu.rsp = Frame.pointer;
  enterCode(selector, code, level, rip);
}

function pushReturn(size: u32): void {
  Frame.push(size, Event.flags());
  Frame.pushSelector(size, Seg.CS);
  Frame.push(size, Event.rip);
  if (Event.hasError) Frame.push(size, Event.error);
}

/**
 * IA-32e mode: 16-byte gates to 64-bit code; the stack pointer is aligned to 16 bytes, taken from the interrupt stack table if
 * the gate says so, and always pushed. SDM 3A "64-Bit Mode Stack Frame", "Interrupt Stack Table".
 *
 *   gate  127 … 96 0 │ 95 … 64 offset 63-32 │ 63 … 48 offset 31-16 │ 47 P │ 46 45 DPL │ 43-40 type │ 34-32 IST │ selector │ offset 15-0
 */
function throughLongGate(): void {
  const ext = Event.ext;
  if ((Event.vector << 4) + 15 > cpu.idtr_limit) {
    raiseError(Vector.GP, Event.gateError);
    return;
  }
  const at = cpu.idtr_base + (<u64>Event.vector << 4);
  const gate = Access.loadSystem<u64>(at);
  if (faulted()) return;
  const upper = Access.loadSystem<u64>(at + 8);
  if (faulted()) return;
  const kind = Raw.kind(gate);
  if ((kind & ~<u32>1) != SystemType.InterruptGate32 || (Event.kind == EventKind.Software && Raw.dpl(gate) < cpu.cpl)) {
    raiseError(Vector.GP, Event.gateError);
    return;
  }
  if (!Raw.isPresent(gate)) {
    raiseError(Vector.NP, Event.gateError);
    return;
  }
  const selector = Raw.gateSelector(gate);
  if (Selector.isNull(selector)) {
    raiseError(Vector.GP, ext);
    return;
  }
  const code = fetchDescriptor(selector, Vector.GP, ext);
  if (faulted()) return;
  const dpl = Raw.dpl(code);
  if (!Raw.isCode(code) || dpl > cpu.cpl || (Raw.attributes(code) & (Attr.L | Attr.DB)) != Attr.L) {
    raiseError(Vector.GP, Selector.error(selector, ext));
    return;
  }
  if (!Raw.isPresent(code)) {
    raiseError(Vector.NP, Selector.error(selector, ext));
    return;
  }
  const level = Raw.isConforming(code) ? cpu.cpl : dpl;
  const ist = <u32>(gate >> 32) & 7;
  let pointer = cpu.rsp;
  if (ist) {
    if (!Tss.readIst(ist, ext)) return;
    pointer = Tss.longPointer;
  } else if (level < cpu.cpl) {
    if (!Tss.readLongStack(level, ext)) return;
    pointer = Tss.longPointer;
  }
  Frame.onLong(pointer & ~(<u64>15), level, ext);
  if (!Frame.reserve(8, 5 + <u32>Event.hasError)) return;
  const rip = (upper << 32) | <u64>Raw.gateOffset(gate);
  if (!canonical(rip)) {
    raiseError(Vector.GP, ext);
    return;
  }
  markAccessed(selector, code);
  if (faulted()) return;
  Frame.pushSelector(8, Seg.SS);
  Frame.push(8, cpu.rsp);
  pushReturn(8);
  if (level < cpu.cpl) assignNull(Seg.SS, level);
  cpu.rsp = Frame.pointer;
  enterCode(selector, code, level, rip);
  cpu.eflags &= ~(Eflags.TF | Eflags.NT | Eflags.RF | Eflags.VM | (kind & 1 ? 0 : Eflags.IF));
  modeChanged();
}

/** The task gate's TSS must be an available one in the GDT. SDM 2A "INT n", TASK-GATE. */
function throughTaskGate(selector: u32): void {
  const ext = Event.ext;
  if (Selector.isLocal(selector)) {
    raiseError(Vector.GP, Selector.error(selector, ext));
    return;
  }
  const d = fetchDescriptor(selector, Vector.GP, ext);
  if (faulted()) return;
  const kind = Raw.kind(d);
  if (kind != SystemType.AvailableTss16 && kind != SystemType.AvailableTss32) raiseError(Vector.GP, Selector.error(selector, ext));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, ext));
  else switchTask(SwitchCause.Event, selector, d, <u32>Event.rip, Event.flags(), ext, Event.hasError, Event.error);
}

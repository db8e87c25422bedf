/**
 * IRET in every mode. SDM 2A "IRET/IRETD". No effect if it faults, except that NMIs are unblocked (SDM 3A "Handling
 * Multiple NMIs": by executing it, not by completing it).
 */
import { cpu } from "../core/cpu";
import { Eflags, materialize } from "../core/eflags";
import { Mode } from "../core/mode";
import { TrapFlag, Vector, faulted, raiseError } from "../core/pending-trap";
import { Seg, Segment } from "../core/segment";
import { Stop } from "../core/stop";
import { Access } from "../mmu/access";
import { Raw, Selector, SystemType, assign, assignNull, assignParagraph, assignVirtual8086, checkStack, dropInnerSegments, fetchDescriptor } from "./descriptors";
import { ALL, FREE, FREE_HIGH, iopl, writeFlags } from "./flags";
import { InterruptAccess, virtual8086FlagAccess } from "./privilege";
import { StackTop } from "./stack-frame";
import { SwitchCause, switchTask } from "./task-switch";
import { checkReturnCode, enterCode, insideCode, insideSegment, isLongCode, modeChanged, setStackPointer } from "./transfer";

/** IRET with items of `size` 2, 4 or 8 bytes; `next`: RIP after it (saved by a return to another task). */
export function interruptReturn(size: u32, next: u64): void {
  if (!(cpu.modeKey & (Mode.Protected | Mode.Virtual8086))) fromRealMode(size);
  else if (cpu.modeKey & Mode.Virtual8086) fromVirtual8086(size);
  else if (cpu.eflags & Eflags.NT) {
    // No task switches in IA-32e mode.
    if (cpu.modeKey & Mode.Long) raiseError(Vector.GP, 0);
    else toPreviousTask(<u32>next);
  }
  else fromProtectedMode(size);
  if (faulted() && cpu.trapFlags & TrapFlag.FrameMissing) return;
  if (cpu.nmiBlocked) {
    cpu.nmiBlocked = 0;
    if (cpu.nmiPending) cpu.stop |= Stop.Event;
  }
}

/** RIP, CS and flags of the frame. */
let rip: u64 = 0;
let selector: u32 = 0;
let flags: u32 = 0;
function readFrame(size: u32): bool {
  rip = StackTop.item(size, 0);
  if (faulted()) return false;
  selector = <u32>StackTop.item(size, 1) & 0xffff;
  if (faulted()) return false;
  flags = <u32>StackTop.item(size, 2);
  return !faulted();
}

function fromRealMode(size: u32): void {
  if (!readFrame(size) || !insideCode(rip, Segment.of(Seg.CS).limit, 0)) return;
  StackTop.release(size * 3);
  toParagraph();
  writeFlags(flags, FREE | Eflags.IF | Eflags.IOPL | (size == 4 ? FREE_HIGH | Eflags.RF : 0));
}
function toParagraph(): void {
  assignParagraph(Seg.CS, selector);
  cpu.rip = rip;
  modeChanged();
}

function fromVirtual8086(size: u32): void {
  const access = virtual8086FlagAccess(size);
  if (access == InterruptAccess.None) {
    raiseError(Vector.GP, 0);
    return;
  }
  if (!readFrame(size) || !insideCode(rip, 0xffff, 0)) return;
  if (access == InterruptAccess.Virtual && !mayVirtualise(flags)) return;
  StackTop.release(size * 3);
  toParagraph();
  if (access == InterruptAccess.Virtual) writeVirtualFlags(flags);
  else writeFlags(flags, FREE | Eflags.IF | (size == 4 ? FREE_HIGH | Eflags.RF : 0));
}

/** POPF and IRET of 16 flags under VME: #GP(0) if TF would be set, or IF while VIP is. SDM 2B "POPF". */
export function mayVirtualise(image: u32): bool {
  if (image & Eflags.TF || (image & Eflags.IF && cpu.eflags & Eflags.VIP)) {
    raiseError(Vector.GP, 0);
    return false;
  }
  return true;
}
/** IF of the image becomes VIF; IOPL and IF stay. */
export function writeVirtualFlags(image: u32): void {
  writeFlags((image & 0xffff & ~Eflags.VIF) | (image & Eflags.IF ? Eflags.VIF : 0), FREE | Eflags.VIF);
}

function toPreviousTask(next: u32): void {
  const link = <u32>Access.loadSystem<u16>(Segment.of(Seg.TR).base);
  if (faulted()) return;
  if (Selector.isLocal(link)) {
    raiseError(Vector.TS, Selector.error(link, 0));
    return;
  }
  const d = fetchDescriptor(link, Vector.TS, 0);
  if (faulted()) return;
  const kind = Raw.kind(d);
  if (kind != SystemType.BusyTss16 && kind != SystemType.BusyTss32) raiseError(Vector.TS, Selector.error(link, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(link, 0));
  else switchTask(SwitchCause.Return, link, d, next, materialize(), 0, false, 0);
}

function fromProtectedMode(size: u32): void {
  if (!readFrame(size)) return;
  if (size == 4 && flags & Eflags.VM && cpu.cpl == 0 && !(cpu.modeKey & Mode.Long)) {
    toVirtual8086();
    return;
  }
  const code = checkReturnCode(selector);
  if (faulted()) return;
  // Privilege to change IF and IOPL is that of the code that returns.
  let mask = FREE | (size != 2 ? FREE_HIGH | Eflags.RF : 0);
  if (cpu.cpl <= iopl()) mask |= Eflags.IF;
  if (cpu.cpl == 0) mask |= Eflags.IOPL | (size != 2 ? Eflags.VIF | Eflags.VIP : 0);
  const level = Selector.rpl(selector);
  // From 64-bit code the frame always has a stack pointer.
  if (level == cpu.cpl && !(cpu.modeKey & Mode.Code64)) {
    if (!insideSegment(rip, code, 0)) return;
    StackTop.release(size * 3);
    enterCode(selector, code, level, rip);
  } else if (!toOuterLevel(size, size * 3, code, selector, rip)) return;
  modeChanged();
  writeFlags(flags, mask);
}

/**
 * The part of IRET and far RET that loads the stack, that of an outer level or (IRET from 64-bit code) any: the stack pointer and selector lie `offset` bytes above the
 * top. False: a fault is pending. The caller calls `modeChanged`.
 */
export function toOuterLevel(size: u32, offset: u32, code: u64, codeSelector: u32, target: u64): bool {
  const pointer = StackTop.read(size, offset);
  if (faulted()) return false;
  const stackSelector = <u32>StackTop.read(size, offset + size) & 0xffff;
  if (faulted()) return false;
  const level = Selector.rpl(codeSelector);
  // 64-bit code below level 3 may have no stack segment.
  const none = Selector.isNull(stackSelector) && isLongCode(code) && level != 3 && Selector.rpl(stackSelector) == level;
  const stack = none ? 0 : checkStack(stackSelector, level, Vector.GP, 0);
  if (faulted() || !insideSegment(target, code, 0)) return false;
  const inner = level > cpu.cpl;
  enterCode(codeSelector, code, level, target);
  if (none) assignNull(Seg.SS, stackSelector);
  else assign(Seg.SS, stackSelector, stack);
  setStackPointer(pointer);
  if (inner) dropInnerSegments();
  return true;
}

/** Frame: EIP CS EFLAGS ESP SS ES DS FS GS. */
function toVirtual8086(): void {
  const pointer = StackTop.item(4, 3);
  if (faulted()) return;
  const ss = <u32>StackTop.item(4, 4);
  const es = <u32>StackTop.item(4, 5);
  const ds = <u32>StackTop.item(4, 6);
  const fs = <u32>StackTop.item(4, 7);
  const gs = <u32>StackTop.item(4, 8);
  if (faulted() || !insideCode(rip, 0xffff, 0)) return;
  assignVirtual8086(Seg.CS, selector);
  assignVirtual8086(Seg.SS, ss);
  assignVirtual8086(Seg.ES, es);
  assignVirtual8086(Seg.DS, ds);
  assignVirtual8086(Seg.FS, fs);
  assignVirtual8086(Seg.GS, gs);
  cpu.rsp = pointer;
  cpu.rip = rip;
  cpu.cpl = 3;
  writeFlags(flags, ALL);
  modeChanged();
}

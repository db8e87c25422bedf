/**
 * Hardware task switches. SDM 3A "Task Switching", "Task-Management Data Structures". Four causes: JMP, CALL, an event
 * through a task gate, IRET with NT. Who starts one has checked the TSS descriptor's privilege, kind and presence.
 *
 * Up to the point of no return everything is read and probed, so that a fault, or a guest frame that is not there,
 * happens in the old task and leaves it as it was. After it, faults belong to the new task: they are pending when
 * `switchTask` returns with `TaskSwitch.committed`, RIP is the new task's, and the caller lets deliver.ts deliver them.
 */
import { Dr, Dr6, Dr7, pendDebugTrap } from "../core/breakpoints";
import { Cr0, Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { PDPTE } from "../core/cpu-state.generated";
import { Eflags, setArithmetic } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { CPU } from "../core/memory-map";
import { TrapFlag, Vector, clearFault, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Stop } from "../core/stop";
import { Access } from "../mmu/access";
import { loadPdptes } from "../mmu/page-walk";
import { Physical } from "../mmu/physical";
import { pagingChanged } from "../mmu/shadow";
import { probeRead, probeWrite } from "../mmu/slow-access";
import { armBreakpoints } from "./debug-registers";
import { Raw, Selector, SystemType, assign, assignNull, assignVirtual8086, checkData, checkStack, descriptorLinear, fetchDescriptor, inTable, markAccessed } from "./descriptors";
import { ALL } from "./flags";
import { Frame } from "./stack-frame";
import { insideCode, modeChanged, setStackPointer } from "./transfer";
import { LEAST_LIMIT_16, LEAST_LIMIT_32, Tss, assignTr, setBusy } from "./tss";

export namespace SwitchCause {
  export const Jump: u32 = 0;
  export const Call: u32 = 1;
  export const Event: u32 = 2;
  export const Return: u32 = 3;
}

export class TaskSwitch {
  /** The last switch passed the point of no return. */
  static committed: bool = false;
}

/** The new task's registers, read before anything is written. */
class Incoming {
  static cr3: u32 = 0;
  static rip: u32 = 0;
  static flags: u32 = 0;
  static ldt: u32 = 0;
  static trap: bool = false;
}
/** General registers in TSS order, which is their order in the CPU state; selectors ES CS SS DS FS GS. */
const REGISTERS: usize = memory.data(32, 4);
const SELECTORS: usize = memory.data(24, 4);

function selectorOf(n: u32): u32 {
  return load<u32>(SELECTORS + (<usize>n << 2));
}

/**
 * Switches to the task of TSS `selector` with raw descriptor `d`. `rip` and `flags`: the old task's, as saved. `ext`, and
 * the error code to be pushed, belong to the event that is delivered. Faults: see the file header.
 */
export function switchTask(cause: u32, selector: u32, d: u64, rip: u32, flags: u32, ext: u32, hasError: bool, error: u32): void {
  TaskSwitch.committed = false;
  exit(Exit.TaskSwitch, <u64>selector);
  const wide = (Raw.kind(d) & SystemType.Wide) != 0;
  const base = Raw.base(d);
  if (Raw.limit(d) < (wide ? LEAST_LIMIT_32 : LEAST_LIMIT_16)) {
    raiseError(Vector.TS, Selector.error(selector, ext));
    return;
  }
  const nested = cause == SwitchCause.Call || cause == SwitchCause.Event;
  if (!probeSwitch(cause, selector, base, wide, nested)) return;
  if (!readIncoming(base, wide)) return;
  if (!probeIncoming(hasError)) return;

  const old = Segment.of(Seg.TR);
  const oldSelector = <u32>old.selector;
  const oldBase = <u32>old.base;
  if (cause == SwitchCause.Jump || cause == SwitchCause.Return) setBusy(oldSelector, Access.loadSystem<u64>(descriptorLinear(oldSelector)), false);
  saveOutgoing(oldBase, Tss.isWide(), rip, cause == SwitchCause.Return ? flags & ~Eflags.NT : flags);
  if (nested) Access.storeSystem<u16>(base, <u16>oldSelector);
  if (cause != SwitchCause.Return) setBusy(selector, d, true);

  TaskSwitch.committed = true;
  assignTr(selector, d);
  cpu.cr0 |= Cr0.TS;
  if (Dr.get(7) & Dr7.Local) {
    Dr.set(7, Dr.get(7) & ~Dr7.Local);
    armBreakpoints();
  }
  cpu.interruptShadow = 0;
  enterIncoming(wide, nested, ext, hasError, error);
}

/** What the old task's side needs: all of it readable or writable, or a fault is pending. */
function probeSwitch(cause: u32, selector: u32, base: u32, wide: bool, nested: bool): bool {
  const tr = Segment.of(Seg.TR);
  const oldWide = Tss.isWide();
  const oldLinear = <u32>tr.base;
  probeWrite(oldWide ? oldLinear + 0x20 : oldLinear + 0x0e, oldWide ? 0x40 : 0x1c, true);
  if (faulted()) return false;
  probeRead(base, wide ? 0x68 : 0x2c, true);
  if (faulted()) return false;
  if (nested) probeWrite(base, 2, true);
  if (faulted()) return false;
  if (cause == SwitchCause.Jump || cause == SwitchCause.Return) probeWrite(descriptorLinear(<u32>tr.selector), 8, true);
  if (faulted()) return false;
  if (cause != SwitchCause.Return) probeWrite(descriptorLinear(selector), 8, true);
  return !faulted();
}

function readIncoming(base: u32, wide: bool): bool {
  if (wide) {
    Incoming.cr3 = Access.loadSystem<u32>(base + 0x1c);
    Incoming.rip = Access.loadSystem<u32>(base + 0x20);
    Incoming.flags = Access.loadSystem<u32>(base + 0x24);
    for (let n: u32 = 0; n < 8; n++) store<u32>(REGISTERS + (<usize>n << 2), Access.loadSystem<u32>(base + 0x28 + (n << 2)));
    for (let n: u32 = 0; n < 6; n++) store<u32>(SELECTORS + (<usize>n << 2), <u32>Access.loadSystem<u16>(base + 0x48 + (n << 2)));
    Incoming.ldt = <u32>Access.loadSystem<u16>(base + 0x60);
    Incoming.trap = (Access.loadSystem<u8>(base + 0x64) & 1) != 0;
  } else {
    Incoming.cr3 = <u32>cpu.cr3;
    Incoming.rip = <u32>Access.loadSystem<u16>(base + 0x0e);
    Incoming.flags = <u32>Access.loadSystem<u16>(base + 0x10);
    // Upper halves of the registers become ones, as test386.asm and Bochs have it of the 386; QEMU keeps them, the SDM does not say.
    for (let n: u32 = 0; n < 8; n++) store<u32>(REGISTERS + (<usize>n << 2), 0xffff0000 | <u32>Access.loadSystem<u16>(base + 0x12 + (n << 1)));
    for (let n: u32 = 0; n < 4; n++) store<u32>(SELECTORS + (<usize>n << 2), <u32>Access.loadSystem<u16>(base + 0x22 + (n << 1)));
    store<u32>(SELECTORS + 16, 0);
    store<u32>(SELECTORS + 20, 0);
    Incoming.ldt = <u32>Access.loadSystem<u16>(base + 0x2a);
    Incoming.trap = false;
  }
  return !faulted();
}

/** Does the switch load CR3? Only a 32-bit TSS has it, and only paging uses it. */
function changesSpace(): bool {
  return (cpu.cr0 & Cr0.PG) != 0 && Incoming.cr3 != <u32>cpu.cr3;
}

/** Goes to the new task's address space; PDPTEs that are not valid raise #GP(0) and leave the old space. */
function enterSpace(): void {
  if (cpu.cr4 & Cr4.PAE && !loadPdptes(<u64>Incoming.cr3)) return;
  cpu.cr3 = <u64>Incoming.cr3;
  pagingChanged(true);
}

const PDPTES: usize = memory.data(32, 8);

/**
 * Touches what the new task's descriptors need in its own address space, and goes back: only for frames that are not
 * there, since real faults must be raised after the switch. False: a frame is missing.
 */
function probeIncoming(hasError: bool): bool {
  if (Physical.absent == 0) return true;
  const changes = changesSpace();
  const cr3 = cpu.cr3;
  const cr2 = cpu.cr2;
  if (changes) {
    memory.copy(PDPTES, CPU + PDPTE, 32);
    enterSpace();
    if (missingFrame()) return false;
    if (faulted()) {
      // The same #GP comes again after the switch.
      clearFault();
      return true;
    }
  }
  const ok = probeDescriptors(hasError);
  cpu.cr2 = cr2;
  if (changes) {
    cpu.cr3 = cr3;
    memory.copy(CPU + PDPTE, PDPTES, 32);
    pagingChanged(true);
  }
  return ok;
}
function probeDescriptors(hasError: bool): bool {
  let ldtBase: u32 = 0;
  let ldtLimit: u32 = 0;
  let haveLdt = false;
  if (!Selector.isNull(Incoming.ldt) && !Selector.isLocal(Incoming.ldt) && inTable(Incoming.ldt)) {
    const d = touch(descriptorLinear(Incoming.ldt));
    if (missingFrame()) return false;
    haveLdt = true;
    ldtBase = Raw.base(d);
    ldtLimit = Raw.limit(d);
  }
  if (Incoming.flags & Eflags.VM) return !hasError || touchStack((selectorOf(Seg.SS) & 0xffff) << 4, 0xffff);
  for (let n: u32 = 0; n < 6; n++) {
    const selector = selectorOf(n);
    const offset = selector & 0xfff8;
    let linear: u32;
    if (Selector.isNull(selector)) continue;
    if (Selector.isLocal(selector)) {
      if (!haveLdt || (offset | 7) > ldtLimit) continue;
      linear = ldtBase + offset;
    } else {
      if (!inTable(selector)) continue;
      linear = <u32>cpu.gdtr_base + offset;
    }
    const d = touch(linear);
    if (missingFrame()) return false;
    if (n == Seg.SS && hasError && !touchStack(Raw.base(d), Raw.attributes(d) & Attr.DB ? 0xffffffff : 0xffff)) return false;
  }
  return true;
}
function touchStack(base: u32, mask: u32): bool {
  probeWrite(base + ((load<u32>(REGISTERS, 16) - 4) & mask), 4, true);
  if (missingFrame()) return false;
  clearFault();
  return true;
}
/** Reads a descriptor if it can be read; a fault other than a missing frame is forgotten. */
function touch(linear: u64): u64 {
  probeRead(linear, 8, true);
  const d = faulted() ? <u64>0 : Access.loadSystem<u64>(linear);
  if (!missingFrame()) clearFault();
  return d;
}
function missingFrame(): bool {
  return faulted() && (cpu.trapFlags & TrapFlag.FrameMissing) != 0;
}

function saveOutgoing(base: u32, wide: bool, rip: u32, flags: u32): void {
  if (wide) {
    Access.storeSystem<u32>(base + 0x20, rip);
    Access.storeSystem<u32>(base + 0x24, flags);
    for (let n: u32 = 0; n < 8; n++) Access.storeSystem<u32>(base + 0x28 + (n << 2), load<u32>(CPU + (<usize>n << 3)));
    for (let n: u32 = 0; n < 6; n++) Access.storeSystem<u16>(base + 0x48 + (n << 2), Segment.of(n).selector);
  } else {
    Access.storeSystem<u16>(base + 0x0e, <u16>rip);
    Access.storeSystem<u16>(base + 0x10, <u16>flags);
    for (let n: u32 = 0; n < 8; n++) Access.storeSystem<u16>(base + 0x12 + (n << 1), load<u16>(CPU + (<usize>n << 3)));
    for (let n: u32 = 0; n < 4; n++) Access.storeSystem<u16>(base + 0x22 + (n << 1), Segment.of(n).selector);
  }
}

/** The new task's context. Registers and selectors are in place before the first check, so that a handler sees them. */
function enterIncoming(wide: bool, nested: bool, ext: u32, hasError: bool, error: u32): void {
  const changes = changesSpace();
  for (let n: usize = 0; n < 8; n++) store<u64>(CPU + (n << 3), <u64>load<u32>(REGISTERS + (n << 2)));
  cpu.rip = <u64>Incoming.rip;
  // A 16-bit TSS holds 16 flags; the others become 0.
  const flags = (Incoming.flags & ALL) | Eflags.Fixed1 | (nested ? Eflags.NT : 0);
  cpu.eflags = flags;
  setArithmetic(flags);
  for (let n: u32 = 0; n < 6; n++) assignNull(n, selectorOf(n));
  assignNull(Seg.LDTR, Incoming.ldt);
  const virtual8086 = (flags & Eflags.VM) != 0;
  cpu.cpl = virtual8086 ? 3 : Selector.rpl(selectorOf(Seg.CS));
  if (changes) enterSpace();
  modeChanged();
  if (!faulted()) loadIncomingSegments(virtual8086, ext);
  modeChanged();
  if (faulted()) return;
  if (Incoming.trap) pendDebugTrap(<u32>Dr6.BT);
  if (flags & Eflags.IF) cpu.stop |= Stop.Event;
  if (!insideCode(Incoming.rip, Segment.of(Seg.CS).limit, ext) || !hasError) return;
  Frame.onCurrent(ext);
  const size: u32 = wide ? 4 : 2;
  if (!Frame.reserve(size, 1)) return;
  Frame.push(size, error);
  setStackPointer(Frame.pointer);
}

function loadIncomingSegments(virtual8086: bool, ext: u32): void {
  loadIncomingLdt(ext);
  if (faulted()) return;
  if (virtual8086) {
    for (let n: u32 = 0; n < 6; n++) assignVirtual8086(n, selectorOf(n));
    return;
  }
  loadIncomingCode(ext);
  if (faulted()) return;
  const stack = checkStack(selectorOf(Seg.SS), cpu.cpl, Vector.TS, ext);
  if (faulted()) return;
  assign(Seg.SS, selectorOf(Seg.SS), stack);
  loadIncomingData(Seg.ES, ext);
  loadIncomingData(Seg.DS, ext);
  loadIncomingData(Seg.FS, ext);
  loadIncomingData(Seg.GS, ext);
}

function loadIncomingLdt(ext: u32): void {
  const selector = Incoming.ldt;
  if (Selector.isNull(selector)) return;
  if (Selector.isLocal(selector)) {
    raiseError(Vector.TS, Selector.error(selector, ext));
    return;
  }
  const d = fetchDescriptor(selector, Vector.TS, ext);
  if (faulted()) return;
  if (Raw.kind(d) != SystemType.Ldt || !Raw.isPresent(d)) raiseError(Vector.TS, Selector.error(selector, ext));
  else assign(Seg.LDTR, selector, d);
}

function loadIncomingCode(ext: u32): void {
  const selector = selectorOf(Seg.CS);
  if (Selector.isNull(selector)) {
    raiseError(Vector.TS, ext);
    return;
  }
  const d = fetchDescriptor(selector, Vector.TS, ext);
  if (faulted()) return;
  const rpl = Selector.rpl(selector);
  if (!Raw.isCode(d) || (Raw.isConforming(d) ? Raw.dpl(d) > rpl : Raw.dpl(d) != rpl)) raiseError(Vector.TS, Selector.error(selector, ext));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, ext));
  else {
    markAccessed(selector, d);
    if (!faulted()) assign(Seg.CS, selector, d);
  }
}

function loadIncomingData(n: u32, ext: u32): void {
  const selector = selectorOf(n);
  if (faulted() || Selector.isNull(selector)) return;
  const d = checkData(selector, cpu.cpl, Vector.TS, ext);
  if (!faulted()) assign(n, selector, d);
}

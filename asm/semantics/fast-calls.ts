/** SYSENTER, SYSEXIT, and AMD's SYSCALL and SYSRET in legacy mode. SDM 2B; AMD APM vol. 3. */
import { Cr0, Efer } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Eflags } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { Vector, raise, raiseError } from "../core/pending-trap";
import { Attr, Seg } from "../core/segment";
import { Insn } from "../decode/insn";
import { Selector, assignFlat } from "../vmm/descriptors";
import { setInterruptFlag } from "../vmm/flags";
import { modeChanged, nextRip } from "../vmm/transfer";

/** Qualification of the exits. */
const ENTER: u64 = 0;
const LEAVE: u64 = 1;
const CODE: u32 = Attr.S | Attr.Code | Attr.Readable | Attr.Accessed;
const DATA: u32 = Attr.S | Attr.Writable | Attr.Accessed;

/** Flat CS and SS at privilege level `level`: SS follows CS by 8. */
function enterFlat(cs: u32, ss: u32, level: u32, rip: u64): void {
  assignFlat(Seg.CS, (cs & 0xfffc) | level, CODE, level);
  assignFlat(Seg.SS, (ss & 0xfffc) | level, DATA, level);
  cpu.cpl = level;
  cpu.rip = rip;
  modeChanged();
}

export function SYSENTER(i: Insn): void {
  exit(Exit.Sysenter, ENTER);
  const cs = <u32>cpu.msrSysenterCs;
  if (!(cpu.cr0 & Cr0.PE) || Selector.isNull(cs)) {
    raiseError(Vector.GP, 0);
    return;
  }
  cpu.eflags &= ~(Eflags.VM | Eflags.IF | Eflags.RF);
  cpu.rsp = cpu.msrSysenterEsp & 0xffffffff;
  enterFlat(cs, cs + 8, 0, cpu.msrSysenterEip & 0xffffffff);
}
export function SYSEXIT(i: Insn): void {
  exit(Exit.Sysenter, LEAVE);
  const cs = <u32>cpu.msrSysenterCs;
  if (!(cpu.cr0 & Cr0.PE) || Selector.isNull(cs)) {
    raiseError(Vector.GP, 0);
    return;
  }
  cpu.rsp = cpu.rcx & 0xffffffff;
  enterFlat(cs + 16, cs + 24, 3, cpu.rdx & 0xffffffff);
}

export function SYSCALL(i: Insn): void {
  exit(Exit.Sysenter, ENTER);
  if (!(cpu.efer & Efer.SCE)) {
    raise(Vector.UD);
    return;
  }
  const cs = <u32>(cpu.msrStar >> 32) & 0xffff;
  cpu.rcx = <u64>nextRip(i);
  cpu.eflags &= ~(Eflags.VM | Eflags.IF | Eflags.RF);
  enterFlat(cs, cs + 8, 0, cpu.msrStar & 0xffffffff);
}
export function SYSRET(i: Insn): void {
  exit(Exit.Sysenter, LEAVE);
  if (!(cpu.efer & Efer.SCE)) {
    raise(Vector.UD);
    return;
  }
  if (!(cpu.cr0 & Cr0.PE)) {
    raiseError(Vector.GP, 0);
    return;
  }
  const cs = <u32>(cpu.msrStar >> 48) & 0xffff;
  enterFlat(cs, cs + 8, 3, cpu.rcx & 0xffffffff);
  setInterruptFlag(1);
}

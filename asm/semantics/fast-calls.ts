/** SYSENTER, SYSEXIT, SYSCALL, SYSRET, and the bases of FS and GS that go with them. SDM 2B, "SWAPGS", "RDFSBASE/RDGSBASE". */
import { Cr0, Cr4, Efer } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Eflags, materialize } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { Mode } from "../core/mode";
import { Vector, raise, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Insn } from "../decode/insn";
import { canonical } from "../mmu/translate";
import { Selector, assignFlat } from "../vmm/descriptors";
import { ALL, writeFlags } from "../vmm/flags";
import { modeChanged, nextRip } from "../vmm/transfer";
import { Operand } from "./operand";

/** Qualification of the exits. */
const ENTER: u64 = 0;
const LEAVE: u64 = 1;
const CODE: u32 = Attr.S | Attr.Code | Attr.Readable | Attr.Accessed;
const DATA: u32 = Attr.S | Attr.Writable | Attr.Accessed;

/** Flat CS and SS at privilege level `level`: SS follows CS by 8. */
function enterFlat(cs: u32, ss: u32, level: u32, rip: u64, long: bool): void {
  assignFlat(Seg.CS, (cs & 0xfffc) | level, long ? CODE | Attr.L : CODE, level);
  assignFlat(Seg.SS, (ss & 0xfffc) | level, DATA, level);
  cpu.cpl = level;
  cpu.rip = rip;
  modeChanged();
}

// @ts-ignore: decorator
@inline function isLong(): bool {
  return (cpu.efer & Efer.LMA) != 0;
}

/** In IA-32e mode always to 64-bit code. */
export function SYSENTER(i: Insn): void {
  exit(Exit.Sysenter, ENTER);
  const cs = <u32>cpu.msrSysenterCs;
  if (!(cpu.cr0 & Cr0.PE) || Selector.isNull(cs)) {
    raiseError(Vector.GP, 0);
    return;
  }
  cpu.eflags &= ~(Eflags.VM | Eflags.IF | Eflags.RF);
  const mask: u64 = isLong() ? ~(<u64>0) : 0xffffffff;
  cpu.rsp = cpu.msrSysenterEsp & mask;
  enterFlat(cs, cs + 8, 0, cpu.msrSysenterEip & mask, isLong());
}
/** With REX.W to 64-bit code. */
export function SYSEXIT(i: Insn): void {
  exit(Exit.Sysenter, LEAVE);
  const cs = <u32>cpu.msrSysenterCs;
  const wide = i.width == 8;
  if (!(cpu.cr0 & Cr0.PE) || Selector.isNull(cs) || (wide && !(canonical(cpu.rcx) && canonical(cpu.rdx)))) {
    raiseError(Vector.GP, 0);
    return;
  }
  const mask: u64 = wide ? ~(<u64>0) : 0xffffffff;
  cpu.rsp = cpu.rcx & mask;
  if (wide) enterFlat(cs + 32, cs + 40, 3, cpu.rdx, true);
  else enterFlat(cs + 16, cs + 24, 3, cpu.rdx & mask, false);
}

/** 64-bit code only, as on Intel's processors: RCX and R11 take RIP and RFLAGS. */
export function SYSCALL(i: Insn): void {
  exit(Exit.Sysenter, ENTER);
  if (!(cpu.efer & Efer.SCE) || !(cpu.modeKey & Mode.Code64)) {
    raise(Vector.UD);
    return;
  }
  const cs = <u32>(cpu.msrStar >> 32) & 0xffff;
  const flags = materialize();
  cpu.rcx = nextRip(i);
  cpu.r11 = <u64>(flags & ~Eflags.RF);
  writeFlags(flags & ~<u32>cpu.msrSfmask, ALL);
  cpu.eflags &= ~Eflags.RF;
  enterFlat(cs, cs + 8, 0, cpu.msrLstar, true);
}
/** Back, to 64-bit code with REX.W, else to compatibility mode. Privilege is the decoder's check. */
export function SYSRET(i: Insn): void {
  exit(Exit.Sysenter, LEAVE);
  if (!(cpu.efer & Efer.SCE) || !(cpu.modeKey & Mode.Code64)) {
    raise(Vector.UD);
    return;
  }
  const wide = i.width == 8;
  if (wide && !canonical(cpu.rcx)) {
    raiseError(Vector.GP, 0);
    return;
  }
  const cs = <u32>(cpu.msrStar >> 48) & 0xffff;
  writeFlags(<u32>cpu.r11 & ~(Eflags.RF | Eflags.VM), ALL);
  cpu.eflags &= ~Eflags.RF;
  if (wide) enterFlat(cs + 16, cs + 8, 3, cpu.rcx, true);
  else enterFlat(cs, cs + 8, 3, cpu.rcx & 0xffffffff, false);
}

/** The base of GS and IA32_KERNEL_GS_BASE change places. */
export function SWAPGS(i: Insn): void {
  const gs = Segment.of(Seg.GS);
  const base = gs.base;
  gs.base = cpu.msrKernelGsBase;
  cpu.msrKernelGsBase = base;
}

/** CR4.FSGSBASE gives programs these four; without it #UD. */
function baseInstructions(): bool {
  if (cpu.cr4 & Cr4.FSGSBASE) return true;
  raise(Vector.UD);
  return false;
}
function readBase(i: Insn, n: u32): void {
  if (!baseInstructions()) return;
  const base = Segment.of(n).base;
  if (i.width == 8) Operand.setRegister<u64>(i.rm, base);
  else Operand.setRegister<u32>(i.rm, <u32>base);
}
function writeBase(i: Insn, n: u32): void {
  if (!baseInstructions()) return;
  const base = i.width == 8 ? Operand.register<u64>(i.rm) : <u64>Operand.register<u32>(i.rm);
  if (canonical(base)) Segment.of(n).base = base;
  else raiseError(Vector.GP, 0);
}
export function RDFSBASE(i: Insn): void {
  readBase(i, Seg.FS);
}
export function RDGSBASE(i: Insn): void {
  readBase(i, Seg.GS);
}
export function WRFSBASE(i: Insn): void {
  writeBase(i, Seg.FS);
}
export function WRGSBASE(i: Insn): void {
  writeBase(i, Seg.GS);
}

/**
 * Control and debug registers, caches, HLT: SDM 2A/2B "MOV—Move to/from Control Registers", "MOV—Move to/from Debug
 * Registers", "LMSW", "SMSW", "CLTS", "INVLPG", "HLT" … CPL 0 is checked by the decoder. Each counts its exit before
 * its effect.
 */
import { Dr, Dr6, Dr7 } from "../core/breakpoints";
import { Cr0, Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Eflags } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { hostReadTaskPriority, hostTaskPriority } from "../core/host";
import { Mode, updateMode } from "../core/mode";
import { Vector, faulted, raise, raiseError } from "../core/pending-trap";
import { Segment } from "../core/segment";
import { Stop } from "../core/stop";
import { Insn } from "../decode/insn";
import { Linear } from "../mmu/access";
import { invalidatePage, pagingChanged, updateContext } from "../mmu/shadow";
import { canonical } from "../mmu/translate";
import { writeCr0, writeCr3, writeCr4 } from "../vmm/control-registers";
import { debugRegisterNumber, writeDebugRegister } from "../vmm/debug-registers";
import { goOn } from "../vmm/transfer";
import { Operand } from "./operand";
import { LongOperand } from "./operand-long";

/** Rv/Mw destination: a whole register, or 16 bits of memory. */
export function writeRegisterOrWord(i: Insn, value: u32): void {
  if (i.isMemory || i.width == 2) Operand.write<u16>(i, <u16>value);
  else if (i.width == 4) Operand.setRegister<u32>(i.rm, value);
  else Operand.setRegister<u64>(i.rm, <u64>value);
}

/** CR4.UMIP keeps SGDT, SIDT, SLDT, STR and SMSW from programs: #GP(0). */
export function umipForbids(): bool {
  if (!(cpu.cr4 & Cr4.UMIP) || cpu.cpl == 0) return false;
  raiseError(Vector.GP, 0);
  return true;
}

/** General registers of MOV to and from control and debug registers: 64 bits in 64-bit code, whatever the operand size. */
function setSystemOperand(i: Insn, value: u64): void {
  if (cpu.modeKey & Mode.Code64) Operand.setRegister<u64>(i.rm, value);
  else Operand.setRegister<u32>(i.rm, <u32>value);
}
function systemOperand(i: Insn): u64 {
  return cpu.modeKey & Mode.Code64 ? Operand.register<u64>(i.rm) : <u64>Operand.register<u32>(i.rm);
}

/** MOV r32, CRn. */
export function MOV_RC(i: Insn): void {
  const n = <u32>i.reg;
  exit(Exit.CrRead, <u64>n);
  let value: u64;
  switch (<i32>n) {
    case 0: value = cpu.cr0; break;
    case 2: value = cpu.cr2; break;
    case 3: value = cpu.cr3; break;
    case 4: value = cpu.cr4; break;
    case 8: value = <u64>(hostReadTaskPriority() >> 4); break;
    default: raise(Vector.UD); return;
  }
  setSystemOperand(i, value);
}

/** MOV CRn, r32. */
export function MOV_CR(i: Insn): void {
  const n = <u32>i.reg;
  exit(Exit.CrWrite, <u64>n);
  const value = systemOperand(i);
  switch (<i32>n) {
    case 0:
      if (!writeCr0(value)) return;
      break;
    case 2:
      cpu.cr2 = value;
      break;
    case 3:
      if (!writeCr3(value)) return;
      break;
    case 4:
      if (!writeCr4(value)) return;
      break;
    case 8:
      if (value >> 4) {
        raiseError(Vector.GP, 0);
        return;
      }
      cpu.cr8 = value;
      hostTaskPriority(<u32>value << 4);
      break;
    default: raise(Vector.UD); return;
  }
  goOn(i);
}

/** DR7.GD: the access itself is a debug fault. */
function detected(): bool {
  if (!(Dr.get(7) & Dr7.GD)) return false;
  Dr.set(6, Dr.get(6) | Dr6.BD);
  raise(Vector.DB);
  return true;
}
/** MOV r32, DRn. */
export function MOV_RD(i: Insn): void {
  exit(Exit.DrRead, <u64>i.reg);
  const n = debugRegisterNumber(i.reg);
  if (faulted() || detected()) return;
  setSystemOperand(i, Dr.get(n));
}
/** MOV DRn, r32. */
export function MOV_DR(i: Insn): void {
  exit(Exit.DrWrite, <u64>i.reg);
  const n = debugRegisterNumber(i.reg);
  if (faulted() || detected()) return;
  writeDebugRegister(n, systemOperand(i));
  if (!faulted()) goOn(i);
}

/** Low four bits of CR0; PE can be set, not cleared. */
export function LMSW(i: Insn): void {
  exit(Exit.CrWrite, 0);
  const value = <u32>Operand.read<u16>(i);
  if (faulted()) return;
  const kept = <u32>cpu.cr0 & ~<u32>(Cr0.MP | Cr0.EM | Cr0.TS);
  if (writeCr0(<u64>(kept | (value & 0xf)))) goOn(i);
}
export function SMSW(i: Insn): void {
  exit(Exit.CrRead, 0);
  if (umipForbids()) return;
  writeRegisterOrWord(i, <u32>cpu.cr0);
}
export function CLTS(i: Insn): void {
  exit(Exit.CrWrite, 0);
  cpu.cr0 &= ~Cr0.TS;
  updateMode();
  goOn(i);
}

/** The operand's address is formed, not accessed: no limit check, no page fault. */
export function INVLPG(i: Insn): void {
  const linear = cpu.modeKey & Mode.Code64 ? LongOperand.linear(i) : <u64>(<u32>Segment.of(i.segment).base + Operand.offset(i));
  exit(Exit.Invlpg, linear);
  invalidatePage(linear);
  // The running block may lie in that page.
  cpu.stop |= Stop.Code;
}
/**
 * INVPCID: what it must forget, the shadow has followed already; its checks are all that shows. In flush mode one page goes,
 * or everything. SDM 2A "INVPCID".
 */
export function INVPCID(i: Insn): void {
  const type = cpu.modeKey & Mode.Code64 ? Operand.register<u64>(i.reg) : <u64>Operand.register<u32>(i.reg);
  const pcid = Operand.readAt<u64>(i, 0);
  if (faulted()) return;
  const linear = Operand.readAt<u64>(i, 8);
  if (faulted()) return;
  exit(Exit.Invlpg, linear);
  let bad = type > 3 || pcid >> 12 != 0;
  if (type < 2 && pcid != 0 && !(cpu.cr4 & Cr4.PCIDE)) bad = true;
  if (type == 0 && !canonical(linear)) bad = true;
  if (bad) {
    raiseError(Vector.GP, 0);
    return;
  }
  if (type == 0) invalidatePage(linear);
  else pagingChanged(true);
  cpu.stop |= Stop.Code;
}
export function INVD(i: Insn): void {
  exit(Exit.Invd, 0);
}
export function WBINVD(i: Insn): void {
  exit(Exit.Wbinvd, 0);
}
/** Checks its operand as a load of one byte does. */
export function CLFLUSH(i: Insn): void {
  const linear = Operand.linear(i, 1, false);
  if (!faulted()) Linear.load<u8>(linear);
}

export function HLT(i: Insn): void {
  exit(Exit.Hlt, cpu.eflags & Eflags.IF ? 1 : 0);
  cpu.halted = 1;
  cpu.stop |= Stop.Halt;
  goOn(i);
}
export function PAUSE(i: Insn): void {
  exit(Exit.Pause, 0);
}

/** Outside system-management mode there is nothing to resume. */
export function RSM(i: Insn): void {
  raise(Vector.UD);
}

/** EFLAGS.AC lets supervisor code touch user pages under SMAP; to programs neither instruction exists. SDM 2 "CLAC", "STAC". */
export function CLAC(i: Insn): void {
  if (cpu.cpl != 0) {
    raise(Vector.UD);
    return;
  }
  cpu.eflags &= ~Eflags.AC;
  updateContext();
  goOn(i);
}
export function STAC(i: Insn): void {
  if (cpu.cpl != 0) {
    raise(Vector.UD);
    return;
  }
  cpu.eflags |= Eflags.AC;
  updateContext();
  goOn(i);
}

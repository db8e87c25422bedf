/**
 * Descriptor tables and selector inspection: LGDT LIDT SGDT SIDT LLDT SLDT LTR STR, LAR LSL VERR VERW ARPL. SDM 2A/2B;
 * SDM 3A "Pointer Validation".
 */
import { cpu } from "../core/cpu";
import { Flag } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Insn } from "../decode/insn";
import { Access, Linear } from "../mmu/access";
import { probeWrite } from "../mmu/slow-access";
import { canonical } from "../mmu/translate";
import { Raw, Selector, SystemType, descriptorLinear, inTable } from "../vmm/descriptors";
import { loadLdtr, loadTr } from "../vmm/tss";
import { Operand } from "./operand";
import { umipForbids, writeRegisterOrWord } from "./system";

/** Qualification of the exits. */
namespace Table {
  export const Gdtr: u64 = 0;
  export const Idtr: u64 = 1;
  export const Ldtr: u64 = 2;
  export const Tr: u64 = 3;
}

/** Pseudo-descriptor: 16-bit limit, base of 32 bits, 24 with a 16-bit operand; 64 in 64-bit code, canonical. */
let limit: u32 = 0;
let base: u64 = 0;
function readPseudoDescriptor(i: Insn): bool {
  limit = <u32>Operand.readAt<u16>(i, 0);
  if (faulted()) return false;
  if (cpu.modeKey & Mode.Code64) {
    base = Operand.readAt<u64>(i, 2);
    if (!faulted() && !canonical(base)) raiseError(Vector.GP, 0);
    return !faulted();
  }
  base = <u64>Operand.readAt<u32>(i, 2);
  if (i.width == 2) base &= 0xffffff;
  return !faulted();
}
export function LGDT(i: Insn): void {
  exit(Exit.DescriptorTableWrite, Table.Gdtr);
  if (!readPseudoDescriptor(i)) return;
  cpu.gdtr_limit = limit;
  cpu.gdtr_base = base;
}
export function LIDT(i: Insn): void {
  exit(Exit.DescriptorTableWrite, Table.Idtr);
  if (!readPseudoDescriptor(i)) return;
  cpu.idtr_limit = limit;
  cpu.idtr_base = base;
}

/** All 32 bits of the base, whatever the operand size: only the 80286 stored 24. 64 in 64-bit code. */
function writePseudoDescriptor(i: Insn, tableLimit: u32, tableBase: u64): void {
  const baseBytes: u32 = cpu.modeKey & Mode.Code64 ? 8 : 4;
  const first = Operand.linearAt(i, 0, 2, true);
  if (faulted()) return;
  const second = Operand.linearAt(i, 2, baseBytes, true);
  if (faulted()) return;
  probeWrite(first, 2, false);
  if (faulted()) return;
  probeWrite(second, baseBytes, false);
  if (faulted()) return;
  Linear.store<u16>(first, <u16>tableLimit);
  if (baseBytes == 8) Linear.store<u64>(second, tableBase);
  else Linear.store<u32>(second, <u32>tableBase);
}
export function SGDT(i: Insn): void {
  exit(Exit.DescriptorTableRead, Table.Gdtr);
  if (!umipForbids()) writePseudoDescriptor(i, cpu.gdtr_limit, cpu.gdtr_base);
}
export function SIDT(i: Insn): void {
  exit(Exit.DescriptorTableRead, Table.Idtr);
  if (!umipForbids()) writePseudoDescriptor(i, cpu.idtr_limit, cpu.idtr_base);
}

export function LLDT(i: Insn): void {
  exit(Exit.DescriptorTableWrite, Table.Ldtr);
  const selector = <u32>Operand.read<u16>(i);
  if (!faulted()) loadLdtr(selector);
}
export function LTR(i: Insn): void {
  exit(Exit.DescriptorTableWrite, Table.Tr);
  const selector = <u32>Operand.read<u16>(i);
  if (!faulted()) loadTr(selector);
}
export function SLDT(i: Insn): void {
  exit(Exit.DescriptorTableRead, Table.Ldtr);
  if (!umipForbids()) writeRegisterOrWord(i, <u32>Segment.of(Seg.LDTR).selector);
}
export function STR(i: Insn): void {
  exit(Exit.DescriptorTableRead, Table.Tr);
  if (!umipForbids()) writeRegisterOrWord(i, <u32>Segment.of(Seg.TR).selector);
}

/** The descriptor of a selector that may be bad; `found` says whether there is one. Only page faults are raised. */
let found: bool = false;
function inspect(i: Insn): u64 {
  const selector = <u32>Operand.read<u16>(i);
  found = false;
  if (faulted() || Selector.isNull(selector) || !inTable(selector)) return 0;
  const d = Access.loadSystem<u64>(descriptorLinear(selector));
  if (faulted()) return 0;
  // Visible from here? Conforming code is from everywhere.
  const conforming = Raw.isCode(d) && Raw.isConforming(d);
  found = conforming || (cpu.cpl <= Raw.dpl(d) && Selector.rpl(selector) <= Raw.dpl(d));
  return d;
}
/** System types that LAR and LSL know, one bit each. */
const LAR_TYPES: u32 =
  (1 << SystemType.AvailableTss16) | (1 << SystemType.Ldt) | (1 << SystemType.BusyTss16) | (1 << SystemType.CallGate16) |
  (1 << SystemType.TaskGate) | (1 << SystemType.AvailableTss32) | (1 << SystemType.BusyTss32) | (1 << SystemType.CallGate32);
const LSL_TYPES: u32 =
  (1 << SystemType.AvailableTss16) | (1 << SystemType.Ldt) | (1 << SystemType.BusyTss16) | (1 << SystemType.AvailableTss32) | (1 << SystemType.BusyTss32);
/** In IA-32e mode there are no 16-bit TSSs and gates and no task gates (SDM 2A "LAR", "LSL"). */
const LONG_TYPES: u32 = (1 << SystemType.Ldt) | (1 << SystemType.AvailableTss32) | (1 << SystemType.BusyTss32) | (1 << SystemType.CallGate32);
function isKnown(d: u64, types: u32): bool {
  const kind = Raw.kind(d);
  const known = cpu.modeKey & Mode.Long ? types & LONG_TYPES : types;
  return (kind & Attr.S) != 0 || ((known >>> kind) & 1) != 0;
}
function writeResult(i: Insn, value: u32): void {
  if (i.width == 2) Operand.setRegister<u16>(i.reg, <u16>value);
  else Operand.setRegister<u32>(i.reg, value);
  Flag.setZero(1);
}

/** Access rights: descriptor bits 40-55 in place. Bits 16-19 (limit) come along, as on processors. */
export function LAR(i: Insn): void {
  const d = inspect(i);
  if (faulted()) return;
  if (found && isKnown(d, LAR_TYPES)) writeResult(i, <u32>(d >> 32) & 0x00ffff00);
  else Flag.setZero(0);
}
/** Limit in bytes. */
export function LSL(i: Insn): void {
  const d = inspect(i);
  if (faulted()) return;
  if (found && isKnown(d, LSL_TYPES)) writeResult(i, Raw.limit(d));
  else Flag.setZero(0);
}
export function VERR(i: Insn): void {
  const d = inspect(i);
  if (!faulted()) Flag.setZero(<u32>(found && Raw.isReadable(d)));
}
export function VERW(i: Insn): void {
  const d = inspect(i);
  if (!faulted()) Flag.setZero(<u32>(found && Raw.isWritableData(d)));
}

/** Raises the RPL of the destination selector to that of the source. Memory is written, and must be writable, only then. */
export function ARPL(i: Insn): void {
  const least = <u32>Operand.register<u16>(i.reg) & 3;
  if (i.isMemory) {
    let selector = <u32>Operand.read<u16>(i);
    if (faulted()) return;
    const raised = (selector & 3) < least;
    if (raised) {
      const linear = Operand.linear(i, 2, true);
      if (faulted()) return;
      selector = <u32>Linear.loadForWrite<u16>(linear);
      if (faulted()) return;
      Access.storeBack<u16>(<u16>((selector & ~3) | least));
    }
    Flag.setZero(<u32>raised);
    return;
  }
  const selector = <u32>Operand.register<u16>(i.rm);
  const raised = (selector & 3) < least;
  if (raised) Operand.setRegister<u16>(i.rm, <u16>((selector & ~3) | least));
  Flag.setZero(<u32>raised);
}

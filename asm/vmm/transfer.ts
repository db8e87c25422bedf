/**
 * What every change of CS shares: instruction pointers, privilege, and the derived state that follows them. SDM 3A
 * "Privilege Level Checking When Transferring Program Control Between Code Segments".
 */
import { cpu } from "../core/cpu";
import { Efer } from "../core/control-registers";
import { Mode, updateMode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Insn } from "../decode/insn";
import { updateContext } from "../mmu/shadow";
import { canonical } from "../mmu/translate";
import { Raw, Selector, assign, fetchDescriptor, markAccessed } from "./descriptors";

/** RIP of the instruction after `i`. */
// @ts-ignore: decorator
@inline export function nextRip(i: Insn): u64 {
  const rip = cpu.blockRip + <u64>i.end;
  return cpu.modeKey & Mode.Code64 ? rip : rip & 0xffffffff;
}
/** Goes on after `i`: for rows that end their block and did not jump. */
// @ts-ignore: decorator
@inline export function goOn(i: Insn): void {
  cpu.rip = nextRip(i);
}

/** CS, SS, DS, ES, CPL, VM, CR0 or CR4 changed: rebuilds mode key and translation context. */
export function modeChanged(): void {
  updateMode();
  updateContext();
}

/** #GP (`error` as its code) when `rip` is beyond a segment limit. True when it is inside. */
export function insideCode(rip: u64, limit: u32, error: u32): bool {
  if (rip <= <u64>limit) return true;
  raiseError(Vector.GP, error);
  return false;
}
/** Does code descriptor `d` hold 64-bit code? SDM 3A "Code Segment Descriptor in 64-bit Mode". */
export function isLongCode(d: u64): bool {
  return (cpu.efer & Efer.LMA) != 0 && (Raw.attributes(d) & Attr.L) != 0;
}
/** `insideCode` for the code segment of descriptor `d`: in 64-bit code `rip` must be canonical instead. */
export function insideSegment(rip: u64, d: u64, error: u32): bool {
  if (!isLongCode(d)) return insideCode(rip, Raw.limit(d), error);
  if (canonical(rip)) return true;
  raiseError(Vector.GP, error);
  return false;
}
/** L and D together are reserved in IA-32e mode. */
// @ts-ignore: decorator
@inline function isReservedCode(d: u64): bool {
  return isLongCode(d) && (Raw.attributes(d) & Attr.DB) != 0;
}

/** Loads CS with a checked descriptor and the privilege level `level`; the caller calls `modeChanged`. */
export function enterCode(selector: u32, d: u64, level: u32, rip: u64): void {
  assign(Seg.CS, (selector & 0xfffc) | level, d);
  cpu.cpl = level;
  cpu.rip = rip;
}

/**
 * Checks the code segment of a direct far jump or call (no gate): conforming with DPL ≤ CPL, or non-conforming with
 * DPL = CPL and RPL ≤ CPL. Returns the raw descriptor `d` marked accessed.
 */
export function checkDirectCode(selector: u32, d: u64): void {
  const dpl = Raw.dpl(d);
  const ok = Raw.isConforming(d) ? dpl <= cpu.cpl : dpl == cpu.cpl && Selector.rpl(selector) <= cpu.cpl;
  if (!ok || isReservedCode(d)) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else markAccessed(selector, d);
}

/** Checks the code segment a far return or IRET goes to: its RPL is the new privilege level. SDM 2B "RET", 2A "IRET". */
export function checkReturnCode(selector: u32): u64 {
  if (Selector.isNull(selector)) {
    raiseError(Vector.GP, 0);
    return 0;
  }
  const d = fetchDescriptor(selector, Vector.GP, 0);
  if (faulted()) return 0;
  const rpl = Selector.rpl(selector);
  const ok = Raw.isCode(d) && rpl >= cpu.cpl && (Raw.isConforming(d) ? Raw.dpl(d) <= rpl : Raw.dpl(d) == rpl);
  if (!ok || isReservedCode(d)) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else markAccessed(selector, d);
  return d;
}

/** Sets RSP (from 64-bit code), ESP, or SP alone when the stack segment in SS is 16 bits wide. */
export function setStackPointer(value: u64): void {
  if (cpu.modeKey & Mode.Code64 || <u32>Segment.of(Seg.SS).attributes & Attr.DB) cpu.rsp = value;
  else cpu.rsp = (cpu.rsp & 0xffff0000) | (value & 0xffff);
}

/**
 * What every change of CS shares: instruction pointers, privilege, and the derived state that follows them. SDM 3A
 * "Privilege Level Checking When Transferring Program Control Between Code Segments".
 */
import { cpu } from "../core/cpu";
import { updateMode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Insn } from "../decode/insn";
import { updateContext } from "../mmu/shadow";
import { Raw, Selector, assign, fetchDescriptor, markAccessed } from "./descriptors";

/** RIP of the instruction after `i`. */
// @ts-ignore: decorator
@inline export function nextRip(i: Insn): u32 {
  return <u32>cpu.blockRip + <u32>i.end;
}
/** Goes on after `i`: for rows that end their block and did not jump. */
// @ts-ignore: decorator
@inline export function goOn(i: Insn): void {
  cpu.rip = <u64>nextRip(i);
}

/** CS, SS, DS, ES, CPL, VM, CR0 or CR4 changed: rebuilds mode key and translation context. */
export function modeChanged(): void {
  updateMode();
  updateContext();
}

/** #GP (`error` as its code) when `rip` is beyond a segment limit. True when it is inside. */
export function insideCode(rip: u32, limit: u32, error: u32): bool {
  if (rip <= limit) return true;
  raiseError(Vector.GP, error);
  return false;
}

/** Loads CS with a checked descriptor and the privilege level `level`; the caller calls `modeChanged`. */
export function enterCode(selector: u32, d: u64, level: u32, rip: u32): void {
  assign(Seg.CS, (selector & 0xfffc) | level, d);
  cpu.cpl = level;
  cpu.rip = <u64>rip;
}

/**
 * Checks the code segment of a direct far jump or call (no gate): conforming with DPL ≤ CPL, or non-conforming with
 * DPL = CPL and RPL ≤ CPL. Returns the raw descriptor `d` marked accessed.
 */
export function checkDirectCode(selector: u32, d: u64): void {
  const dpl = Raw.dpl(d);
  const ok = Raw.isConforming(d) ? dpl <= cpu.cpl : dpl == cpu.cpl && Selector.rpl(selector) <= cpu.cpl;
  if (!ok) raiseError(Vector.GP, Selector.error(selector, 0));
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
  if (!ok) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else markAccessed(selector, d);
  return d;
}

/** Sets ESP, or SP alone when the stack segment in SS is 16 bits wide. */
export function setStackPointer(value: u32): void {
  if (<u32>Segment.of(Seg.SS).attributes & Attr.DB) cpu.rsp = <u64>value;
  else cpu.rsp = <u64>((<u32>cpu.rsp & 0xffff0000) | (value & 0xffff));
}

/**
 * Whole-EFLAGS writes: POPF, IRET, gates and task switches. One place, because IF, VM, AC and NT have consequences.
 * SDM 3A "System Flags and Fields in the EFLAGS Register".
 */
import { cpu } from "../core/cpu";
import { Eflags, materialize, setArithmetic } from "../core/eflags";
import { Stop } from "../core/stop";
import { updateContext } from "../mmu/shadow";

/** Flags a program may change at any privilege: arithmetic, TF, DF, NT. */
export const FREE: u32 = Eflags.Arithmetic | Eflags.TF | Eflags.DF | Eflags.NT;
/** Those in the upper half: AC and ID; RF is handled by name. */
export const FREE_HIGH: u32 = Eflags.AC | Eflags.ID;
/** Every flag that exists. */
export const ALL: u32 =
  FREE | FREE_HIGH | Eflags.IF | Eflags.IOPL | Eflags.RF | Eflags.VM | Eflags.VIF | Eflags.VIP;

export function iopl(): u32 {
  return (cpu.eflags & Eflags.IOPL) >>> 12;
}

/**
 * Writes the flags in `mask` from `value`. A change of VM leaves the mode key to the caller, who changes segments and
 * privilege with it.
 */
export function writeFlags(value: u32, mask: u32): void {
  const before = materialize();
  const after = (before & ~mask) | (value & mask) | Eflags.Fixed1;
  cpu.eflags = after;
  if (mask & Eflags.Arithmetic) setArithmetic(after);
  if (after & ~before & Eflags.IF) cpu.stop |= Stop.Event;
  if ((after ^ before) & Eflags.AC) updateContext();
}

/** IF := `value`; when it becomes 1 pending interrupts are looked at. */
export function setInterruptFlag(value: u32): void {
  if (value) {
    if (!(cpu.eflags & Eflags.IF)) cpu.stop |= Stop.Event;
    cpu.eflags |= Eflags.IF;
  } else cpu.eflags &= ~Eflags.IF;
}

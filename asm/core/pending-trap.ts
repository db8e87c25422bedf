/**
 * Guest faults as values. `raise` records one pending trap and returns; the instruction's code asks `faulted()` after
 * each access that can fault and leaves without effect; the loop delivers (vmm/deliver.ts). Nothing is thrown.
 */
import { cpu } from "./cpu";
import { Stop } from "./stop";

/** Exception vectors, SDM 3A Table "Protected-Mode Exceptions and Interrupts". */
export namespace Vector {
  export const DE: u32 = 0;
  export const DB: u32 = 1;
  export const NMI: u32 = 2;
  export const BP: u32 = 3;
  export const OF: u32 = 4;
  export const BR: u32 = 5;
  export const UD: u32 = 6;
  export const NM: u32 = 7;
  export const DF: u32 = 8;
  export const TS: u32 = 10;
  export const NP: u32 = 11;
  export const SS: u32 = 12;
  export const GP: u32 = 13;
  export const PF: u32 = 14;
  export const MF: u32 = 16;
  export const AC: u32 = 17;
  export const MC: u32 = 18;
  export const XM: u32 = 19;
}

/** `cpu.trapFlags`. */
export namespace TrapFlag {
  export const HasError: u32 = 1;
  /** INT n, INT3, INTO: gate DPL is checked, RIP is the next instruction. */
  export const Software: u32 = 2;
  /** The saved RIP is already that of the next instruction. */
  export const Trap: u32 = 4;
  /** Not a guest event: a guest frame is absent; `cpu.missingFrame` says which. The instruction will be run again. */
  export const FrameMissing: u32 = 8;
  /** INT1 (ICEBP) and external events: no gate DPL check though not a fault. */
  export const External: u32 = 16;
}

/** Error-code bits of #PF, SDM 3A "Page-Fault Exceptions". */
export namespace PfError {
  export const P: u32 = 1;
  export const WR: u32 = 2;
  export const US: u32 = 4;
  export const RSVD: u32 = 8;
  export const ID: u32 = 16;
}

/** A fault without error code. The first one of an instruction wins. */
export function raise(vector: u32): void {
  if (cpu.stop & Stop.Fault) return;
  cpu.trapVector = vector;
  cpu.trapError = 0;
  cpu.trapFlags = 0;
  cpu.stop |= Stop.Fault;
}

/** A fault with an error code (selector error codes: selector & 0xFFFC | EXT | IDT | TI as the SDM says). */
export function raiseError(vector: u32, error: u32): void {
  if (cpu.stop & Stop.Fault) return;
  cpu.trapVector = vector;
  cpu.trapError = error;
  cpu.trapFlags = TrapFlag.HasError;
  cpu.stop |= Stop.Fault;
}

/** #PF: CR2 is loaded when the fault is raised (SDM 3A "Page-Fault Exception"). */
export function raisePageFault(linear: u64, error: u32): void {
  if (cpu.stop & Stop.Fault) return;
  cpu.cr2 = linear;
  raiseError(Vector.PF, error);
}

/** A guest frame is not present: internal fault, the instruction is run again when it has come. */
export function raiseFrameMissing(frame: u32): void {
  if (cpu.stop & Stop.Fault) return;
  cpu.missingFrame = frame;
  cpu.trapFlags = TrapFlag.FrameMissing;
  cpu.stop |= Stop.Fault;
}

/** Is a trap pending? Asked after every access that can fault. */
// @ts-ignore: decorator
@inline export function faulted(): bool {
  return (cpu.stop & Stop.Fault) != 0;
}

/** Takes the pending trap back (delivery, or a probe that must not raise). */
export function clearFault(): void {
  cpu.stop &= ~Stop.Fault;
}

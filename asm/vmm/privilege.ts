/**
 * Who may do what: I/O ports and the interrupt flag. SDM Vol 1 "Protected-Mode I/O", SDM 3A "Protected-Mode Virtual
 * Interrupts", "Virtual-8086 Mode". CPL 0 instructions are refused by the decoder (rows with `cpl0`).
 */
import { Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { iopl } from "./flags";
import { Tss } from "./tss";

/** May the program access `size` ports from `port`? False: #GP(0), or a fault of reading the bitmap, is pending. */
export function mayAccessPort(port: u32, size: u32): bool {
  if (!(cpu.modeKey & (Mode.Protected | Mode.Virtual8086))) return true;
  if (!(cpu.modeKey & Mode.Virtual8086) && cpu.cpl <= iopl()) return true;
  const bits = Tss.ioBits(port);
  if (faulted()) return false;
  if (bits & ((1 << size) - 1)) {
    raiseError(Vector.GP, 0);
    return false;
  }
  return true;
}

/** How CLI, STI, PUSHF, POPF and IRET reach the interrupt flag here. */
export namespace InterruptAccess {
  /** EFLAGS.IF itself. */
  export const Real: u32 = 0;
  /** EFLAGS.VIF in its place (VME, PVI). */
  export const Virtual: u32 = 1;
  /** #GP(0). */
  export const None: u32 = 2;
}

/** For CLI and STI. */
export function interruptAccess(): u32 {
  if (cpu.modeKey & Mode.Virtual8086) {
    if (iopl() == 3) return InterruptAccess.Real;
    return cpu.cr4 & Cr4.VME ? InterruptAccess.Virtual : InterruptAccess.None;
  }
  if (cpu.cpl <= iopl()) return InterruptAccess.Real;
  return cpu.cpl == 3 && cpu.cr4 & Cr4.PVI ? InterruptAccess.Virtual : InterruptAccess.None;
}

/** For PUSHF, POPF and IRET in virtual-8086 mode. With VME only their 16-bit forms are virtualised. */
export function virtual8086FlagAccess(width: u32): u32 {
  if (iopl() == 3) return InterruptAccess.Real;
  return cpu.cr4 & Cr4.VME && width == 2 ? InterruptAccess.Virtual : InterruptAccess.None;
}

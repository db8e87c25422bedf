/**
 * MOV to DR0-DR7 and what the debug exception leaves in DR6. SDM 3B "Debug Registers". Matching is in core/breakpoints.ts; debug
 * traps are collected in `cpu.pendingDebug` as DR6 bits and delivered between instructions (interrupt-window.ts).
 */
import { Breakpoints, Dr, Dr6, Dr7 } from "../core/breakpoints";
import { Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { linearRip } from "../core/mode";
import { TrapFlag, Vector, raise, raiseError } from "../core/pending-trap";
import { Tlb } from "../mmu/tlb";

/** Number of the register meant by DR4 and DR5: DR6 and DR7, unless CR4.DE forbids them (#UD). */
export function debugRegisterNumber(n: u32): u32 {
  if (n != 4 && n != 5) return n;
  if (cpu.cr4 & Cr4.DE) raise(Vector.UD);
  return n + 2;
}

export function writeDebugRegister(n: u32, value: u64): void {
  if (n >= 6 && value >> 32) {
    raiseError(Vector.GP, 0);
    return;
  }
  if (n == 6) {
    Dr.set(6, (value & Dr6.Writable) | Dr6.Fixed);
    return;
  }
  Dr.set(n, n == 7 ? (value & Dr7.Writable) | Dr7.Fixed : value);
  armBreakpoints();
}

/** After any change of DR0-DR3 or DR7: pages that are watched now come to the slow path. */
export function armBreakpoints(): void {
  Breakpoints.arm();
  for (let n: u32 = 0, armed = Breakpoints.data; armed >>> n; n++) if ((armed >>> n) & 1) Tlb.dropPage(Breakpoints.first(n));
}

/** A debug exception sets what it is for; of the earlier hits nothing stays, of BD and BS what software left. */
export function noteDebugException(bits: u32): void {
  Dr.set(6, (Dr.get(6) & ~(Dr6.Hit | Dr6.BT)) | <u64>bits | Dr6.Fixed);
}

/**
 * Is an instruction breakpoint set at CS:RIP? Then its #DB is pending: a fault, but one that pushes RF as it is (SDM 3B
 * "Instruction-Breakpoint Exception Condition").
 */
export function instructionBreakpoint(): bool {
  const hits = Breakpoints.at(linearRip());
  if (!hits) return false;
  noteDebugException(hits);
  raise(Vector.DB);
  cpu.trapFlags = TrapFlag.Trap;
  return true;
}

/**
 * Between instructions: what is delivered next, in the order of SDM 3A "Priority Among Concurrent Events": an event that
 * waited for a frame, debug traps of the last instruction, NMI, INTR. Called by the loop when `Stop.Event` is set.
 */
import { Dr6, pendDebugTrap } from "../core/breakpoints";
import { cpu } from "../core/cpu";
import { Eflags } from "../core/eflags";
import { hostAcknowledgeInterrupt } from "../core/host";
import { TrapFlag, Vector, raise } from "../core/pending-trap";
import { Stop } from "../core/stop";
import { noteDebugException } from "./debug-registers";
import { deliverInterrupt, deliverTrap, redeliver, takeStepSuppressed } from "./deliver";
import { EventKind } from "./interrupt-gate";

/** Values of `cpu.interruptShadow`. */
export namespace Shadow {
  export const None: u32 = 0;
  /** After STI: maskable interrupts wait for one instruction. */
  export const Sti: u32 = 1;
  /** After MOV SS and POP SS: also NMI and debug traps. SDM 3A "Masking Exceptions and Interrupts When Switching Stacks". */
  export const MovSs: u32 = 2;
}

/** What `serviceEvents` did. */
export namespace Service {
  export const Nothing: i32 = 0;
  export const Delivered: i32 = 1;
  /** A guest frame (`cpu.missingFrame`) is needed: end the run; the event waits and is looked at again. */
  export const FrameMissing: i32 = 2;
}

/** Delivers every event that may be delivered now. Clears `Stop.Event`; whatever lifts an inhibition sets it again. */
export function serviceEvents(): i32 {
  cpu.stop &= ~Stop.Event;
  let result = Service.Nothing;
  for (;;) {
    let done = true;
    if (cpu.redelivery) done = redeliver();
    else if (cpu.pendingDebug && cpu.interruptShadow != Shadow.MovSs) done = deliverDebugTrap();
    else if (cpu.nmiPending && !cpu.nmiBlocked && cpu.interruptShadow == Shadow.None) {
      cpu.nmiPending = 0;
      done = deliverInterrupt(Vector.NMI, EventKind.Nmi);
    } else if (cpu.intr && cpu.eflags & Eflags.IF && cpu.interruptShadow == Shadow.None) {
      done = deliverInterrupt(hostAcknowledgeInterrupt() & 0xff, EventKind.Interrupt);
    } else break;
    if (!done) return Service.FrameMissing;
    result = Service.Delivered;
    if (cpu.stop & Stop.Shutdown) break;
  }
  // Each delivery asks for another look, which this loop was.
  cpu.stop &= ~Stop.Event;
  return result;
}

/** DR6 is loaded when the trap is taken. */
function deliverDebugTrap(): bool {
  noteDebugException(cpu.pendingDebug);
  cpu.pendingDebug = 0;
  raise(Vector.DB);
  cpu.trapFlags = TrapFlag.Trap;
  return deliverTrap();
}

/**
 * After an instruction that began with TF set and did not fault: the single-step trap. Not after MOV SS and POP SS, nor
 * after a software interrupt, which cleared TF on its way (SDM 3B "Single-Step Exception Condition").
 */
export function singleStepTrap(): void {
  if (takeStepSuppressed() || cpu.interruptShadow == Shadow.MovSs) return;
  pendDebugTrap(<u32>Dr6.BS);
}

/**
 * Delivery of exceptions and interrupts: counts them, hands them to the interrupt table, and decides what a fault during
 * delivery becomes. SDM 3A "Interrupt 8—Double Fault Exception", Table "Conditions for Generating a Double Fault".
 * Called between instructions with RIP exact, except software interrupts, which are part of theirs.
 *
 * A delivery that needs a guest frame which is not there has no effect; the event waits in `cpu.redelivery`.
 */
import { Breakpoints, Dr, Dr7 } from "../core/breakpoints";
import { Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Eflags } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { Mode } from "../core/mode";
import { TrapFlag, Vector, clearFault, faulted, raiseError } from "../core/pending-trap";
import { Stop } from "../core/stop";
import { noteDebugException } from "./debug-registers";
import { iopl } from "./flags";
import { Event, EventKind, enterHandler, enterRedirected } from "./interrupt-gate";
import { TaskSwitch } from "./task-switch";
import { Tss } from "./tss";

/** A software interrupt that began under TF cleared it on entry: the loop's single-step trap after it does not happen. */
let stepSuppressed: bool = false;
/** Asked by the single-step logic once an instruction. */
export function takeStepSuppressed(): bool {
  const suppressed = stepSuppressed;
  stepSuppressed = false;
  return suppressed;
}

function isContributory(vector: u32): bool {
  return vector == Vector.DE || (vector >= Vector.TS && vector <= Vector.GP);
}

/** Delivers the pending trap (`cpu.trapVector` …). False: a guest frame is missing; the trap waits in `cpu.redelivery`. */
export function deliverTrap(): bool {
  const flags = cpu.trapFlags;
  const kind = flags & TrapFlag.Trap ? EventKind.Trap : EventKind.Fault;
  const vector = cpu.trapVector;
  const error = cpu.trapError;
  clearFault();
  return deliverEvent(vector, kind, (flags & TrapFlag.HasError) != 0, error);
}

/** Delivers an interrupt whose vector is known. False as for `deliverTrap`. `kind` is an EventKind. */
export function deliverInterrupt(vector: u32, kind: u32): bool {
  return deliverEvent(vector, kind, false, 0);
}

/** Delivers what waited for a frame. */
export function redeliver(): bool {
  const waiting = cpu.redelivery;
  const error = cpu.redeliveryError;
  cpu.redelivery = 0;
  cpu.redeliveryError = 0;
  return attempt((waiting >>> 8) & 0xff, (waiting >>> 4) & 15, (waiting & 0x10000) != 0, error);
}

function deliverEvent(vector: u32, kind: u32, hasError: bool, error: u32): bool {
  count(vector, kind, error);
  return attempt(vector, kind, hasError, error);
}

function count(vector: u32, kind: u32, error: u32): void {
  if (kind == EventKind.Interrupt) exit(Exit.Interrupt, <u64>vector);
  else if (kind == EventKind.Nmi) exit(Exit.Nmi, <u64>vector);
  else exit(Exit.Exception, <u64>(vector | (error << 8)));
}

/** Delivers until something is delivered or the CPU shuts down. */
function attempt(first: u32, firstKind: u32, firstHasError: bool, firstError: u32): bool {
  let vector = first;
  let kind = firstKind;
  let hasError = firstHasError;
  let error = firstError;
  for (;;) {
    Event.vector = vector;
    Event.kind = kind;
    Event.hasError = hasError;
    Event.error = error;
    Event.rip = cpu.rip;
    enterHandler();
    if (!faulted()) break;
    if (cpu.trapFlags & TrapFlag.FrameMissing) {
      clearFault();
      cpu.redelivery = 1 | (kind << 4) | (vector << 8) | (hasError ? 0x10000 : 0);
      cpu.redeliveryError = error;
      cpu.stop |= Stop.Event;
      return false;
    }
    const second = cpu.trapVector;
    const secondError = cpu.trapError;
    const secondHasError = (cpu.trapFlags & TrapFlag.HasError) != 0;
    clearFault();
    const exception = kind == EventKind.Fault || kind == EventKind.Trap;
    if (exception && vector == Vector.DF) {
      exit(Exit.Shutdown, 0);
      TaskSwitch.committed = false;
      cpu.stop |= Stop.Shutdown;
      return true;
    }
    const double = exception && (vector == Vector.PF ? isContributory(second) || second == Vector.PF : isContributory(vector) && isContributory(second));
    kind = EventKind.Fault;
    vector = double ? Vector.DF : second;
    error = double ? 0 : secondError;
    hasError = double || secondHasError;
    count(vector, kind, error);
  }
  TaskSwitch.committed = false;
  delivered(kind, vector);
  return true;
}

/** After any successful entry into a handler. */
function delivered(kind: u32, vector: u32): void {
  cpu.halted = 0;
  cpu.interruptShadow = 0;
  if (kind == EventKind.Nmi) cpu.nmiBlocked = 1;
  // INT1 after MOV SS: the data breakpoint that this held back is of the same #DB; seen on hardware (kvm-unit-tests' debug.c says so).
  if (kind == EventKind.Privileged && vector == Vector.DB && cpu.pendingDebug) {
    noteDebugException(cpu.pendingDebug);
    cpu.pendingDebug = 0;
  }
  // SDM 3A "Debug Control Register": GD is cleared on entry to the handler.
  if (vector == Vector.DB && kind != EventKind.Software) Dr.set(7, Dr.get(7) & ~Dr7.GD);
  // The delivery itself may have hit a data breakpoint.
  if (Breakpoints.data) Breakpoints.settle();
  // What the interrupted state held back may be possible now.
  if (cpu.intr | cpu.nmiPending | cpu.pendingDebug) cpu.stop |= Stop.Event;
}

/**
 * INT n, INT3, INTO (`EventKind.Software`) and INT1 (`Privileged`) from within their instruction: `next` is the RIP after
 * it. On success RIP is the handler's; on a fault it is pending and nothing has happened.
 */
export function softwareInterrupt(vector: u32, kind: u32, next: u64): void {
  Event.vector = vector;
  Event.kind = kind;
  Event.hasError = false;
  Event.error = 0;
  Event.rip = next;
  TaskSwitch.committed = false;
  stepSuppressed = (cpu.eflags & Eflags.TF) != 0;
  enterHandler();
  finishSoftware(kind, vector);
}

/** INT n: in virtual-8086 mode IOPL and the redirection bitmap decide. SDM 3A Table "Software Interrupt Handling Methods While in Virtual-8086 Mode". */
export function softwareInterruptN(vector: u32, next: u64): void {
  if (!(cpu.modeKey & Mode.Virtual8086)) {
    softwareInterrupt(vector, EventKind.Software, next);
    return;
  }
  const mayInterrupt = iopl() == 3;
  if (cpu.cr4 & Cr4.VME && Tss.isRedirected(vector)) {
    Event.vector = vector;
    Event.kind = EventKind.Software;
    Event.rip = next;
    stepSuppressed = (cpu.eflags & Eflags.TF) != 0;
    enterRedirected(!mayInterrupt);
    finishSoftware(EventKind.Software, vector);
    return;
  }
  if (faulted()) return;
  if (mayInterrupt) softwareInterrupt(vector, EventKind.Software, next);
  else raiseError(Vector.GP, 0);
}

function finishSoftware(kind: u32, vector: u32): void {
  if (faulted()) {
    stepSuppressed = false;
    deliverInNewTask();
    return;
  }
  delivered(kind, vector);
}

/**
 * A fault after a task switch was committed belongs to the new task: it is delivered there at once, with the new task's
 * RIP, and the instruction that switched is complete. SDM 3A "Task Switching". Leaves other faults pending.
 */
export function deliverInNewTask(): void {
  if (!TaskSwitch.committed) return;
  TaskSwitch.committed = false;
  if (faulted()) deliverTrap();
  if (cpu.eflags & Eflags.IF) cpu.stop |= Stop.Event;
}

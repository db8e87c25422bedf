/**
 * How a machine ends, and the exit status of the command line for it: 0 the guest powered off or halted, odd values
 * from the debug-exit port, 3 the guest crashed, 4 the emulator did.
 */
import { AssertionFailed, CoreCrash, isEmulatorError } from "../lib/errors";
import { ExitReason } from "../lib/events.generated";
import { hex } from "../lib/hex";
import type { BootPlan } from "./boot/boot-plan";
import type { Core } from "./core";

/** Why a machine ended, and the exit status the command line gives for it. */
export interface MachineExit {
  readonly reason:
    | "halted"
    | "reset-without-images"
    | "powered-off"
    | "debug-exit"
    | "unhandled-interrupt"
    | "triple-fault"
    | "core-crash"
    | "memory-unavailable";
  readonly status: number;
  /** One line for people. */
  readonly message: string;
  /** What was thrown, for `core-crash` and `memory-unavailable`. */
  readonly error?: Error;
}

export const POWERED_OFF: MachineExit = { reason: "powered-off", status: 0, message: "The machine was switched off." };

export const GUEST_POWERED_OFF: MachineExit = { reason: "powered-off", status: 0, message: "The guest switched the machine off." };

/** A reset loads the boot images anew, and a snapshot does not hold them. */
export const RESET_WITHOUT_IMAGES: MachineExit = {
  reason: "reset-without-images",
  status: 0,
  message:
    "The machine was reset, but the snapshot that it was resumed from does not hold what it booted from. Boot the guest anew, or open the snapshot together with its images.",
};

const GUEST_CRASHED = 3;
const EMULATOR_FAILED = 4;
const CRASH_REGISTERS = [
  ...["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "rip", "eflags"],
  ...["cr0", "cr2", "cr3", "cr4", "cs_selector", "cs_base"],
];

/** The core ended a run by itself. */
export function exitOfCore(reason: ExitReason, core: Core, plan: BootPlan): MachineExit {
  if (reason === ExitReason.Shutdown) {
    const at = hex(core.getRegister("rip"));
    return {
      reason: "triple-fault",
      status: GUEST_CRASHED,
      message: `The guest crashed: triple fault at RIP ${at} (an exception while delivering a double fault).`,
    };
  }
  if (reason === ExitReason.Halted) {
    const unhandled = plan.explainHalt?.(Number(core.getRegister("cs_base") + core.getRegister("rip")));
    if (unhandled) return { reason: "unhandled-interrupt", status: GUEST_CRASHED, message: `The guest stopped: ${unhandled}.` };
    return { reason: "halted", status: 0, message: "Halted: the guest executed HLT with interrupts off." };
  }
  return crashExit(new AssertionFailed(`a run ends for a known reason (it was ${reason})`), core);
}

/** The guest wrote to the debug-exit port. */
export function debugExit(value: number): MachineExit {
  const status = (value << 1) | 1;
  return { reason: "debug-exit", status, message: `The guest wrote ${hex(value)} to the debug-exit port: exit status ${status}.` };
}

/** Something was thrown while guest code ran: a bug of Vitrine. What is not one of its errors becomes a CoreCrash. */
export function crashExit(error: unknown, core: Core): MachineExit {
  const crash = isEmulatorError(error) ? error : coreCrash(asError(error), core);
  return { reason: "core-crash", status: EMULATOR_FAILED, message: crash.message, error: crash };
}

function coreCrash(error: Error, core: Core): CoreCrash {
  const registers: Record<string, string> = {};
  for (const name of CRASH_REGISTERS) {
    try {
      registers[name] = hex(core.getRegister(name));
    } catch {
      registers[name] = "unreadable";
    }
  }
  return new CoreCrash(`${error.message}.`, registers.rip!, registers);
}

/** The provider of absent frames failed. */
export function memoryExit(error: unknown): MachineExit {
  const cause = asError(error);
  return {
    reason: "memory-unavailable",
    status: EMULATOR_FAILED,
    message: `Guest memory could not be fetched: ${cause.message}`,
    error: cause,
  };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

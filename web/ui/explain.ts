/**
 * What went wrong or ended, in words for people: what it is, and what to do next. Every error of lib/errors.ts and
 * every reason for an end has its text here, and the compiler checks that none is forgotten.
 */
import type { EmulatorError } from "../lib/errors";
import type { ExitReport } from "../protocol/events";

/** What a notice offers as buttons; the page knows how to do each. */
export type NextStep = "restart" | "edit" | "choose-file" | "reload" | "machines" | "save-report";

export interface Notice {
  /** `failure`: something is broken. `guest`: the guest did it, the page is well. `done`: nothing is wrong. */
  readonly tone: "failure" | "guest" | "done";
  readonly title: string;
  readonly text: string;
  readonly steps: readonly NextStep[];
  /** For a report: what the user may send to the project. */
  readonly report?: string;
}

/** `isOwn`: the machine is made of the user's files. */
export function explainError(error: EmulatorError, isOwn: boolean): Notice {
  switch (error.kind) {
    case "ImageUnreadable":
      return {
        tone: "failure",
        title: `${capitalized(error.image)} cannot be used`,
        text: `${error.reason} ${error.hint}`,
        steps: isOwn ? ["choose-file", "edit", "machines"] : ["edit", "machines"],
      };
    case "DownloadFailed":
      return {
        tone: "failure",
        title: error.status === 0 ? "No answer from the network" : "The download failed",
        text: error.message,
        steps: ["restart", "machines"],
      };
    case "IntegrityFailed":
      return { tone: "failure", title: "A download arrived damaged", text: error.message, steps: ["restart", "reload"] };
    case "OutOfMemory":
      return { tone: "failure", title: "Too little memory", text: error.message, steps: ["edit", "restart", "machines"] };
    case "FeatureMissing":
      return { tone: "failure", title: "This browser lacks something", text: error.message, steps: ["machines"] };
    case "BadArgument":
      return { tone: "failure", title: "A setting is not possible", text: error.message, steps: ["edit", "machines"] };
    case "SnapshotIncompatible":
      return { tone: "failure", title: "The snapshot cannot be loaded", text: error.message, steps: ["machines"] };
    case "DiskFailed":
      return {
        tone: "failure",
        title: `The disk ${error.disk} cannot be used`,
        text: `${capitalized(error.reason)} ${error.hint}`.trimEnd(),
        steps: ["edit", "machines"],
      };
    case "CoreCrash":
    case "AssertionFailed":
    case "BusOverlap":
    case "FrameNotPresent":
      return {
        tone: "failure",
        title: "Vitrine itself has failed",
        text: "This is a bug of the emulator, not of the guest. What the guest had printed is still below. Restart the machine; if it happens again, save the report and send it to the project.",
        steps: ["restart", "save-report", "machines"],
        report: report(error),
      };
    default: {
      const never: never = error;
      return never;
    }
  }
}

export function explainExit(exit: ExitReport, error: EmulatorError | undefined, isOwn: boolean): Notice {
  switch (exit.reason) {
    case "halted":
      return {
        tone: "done",
        title: "Halted",
        text: "The guest stopped its processor with interrupts off: this is how poweroff ends on a machine without power management.",
        steps: ["restart", "machines"],
      };
    case "powered-off":
      return { tone: "done", title: "Switched off", text: "The machine's memory has been given back.", steps: ["restart", "machines"] };
    case "reset-without-images":
      return {
        tone: "done",
        title: "The guest restarted",
        text: "This machine was opened from a snapshot, which does not hold the kernel or image that it booted from. Boot it anew from the list, or open the snapshot again.",
        steps: ["machines"],
      };
    case "debug-exit":
      return { tone: "done", title: "The guest has ended", text: exit.message, steps: ["restart", "machines"] };
    case "triple-fault":
      return {
        tone: "guest",
        title: "The guest crashed",
        text: `${exit.message} A real PC would reset here. Restart it, or try other memory and settings; the last lines below may say why.`,
        steps: ["restart", "edit", "machines"],
      };
    case "unhandled-interrupt":
      return {
        tone: "guest",
        title: "The guest called for a BIOS",
        text: `${exit.message} This machine has none: a boot image must use the hardware itself, the serial port for instance.`,
        steps: isOwn ? ["choose-file", "restart", "machines"] : ["restart", "machines"],
      };
    case "core-crash":
    case "memory-unavailable":
      return error
        ? explainError(error, isOwn)
        : { tone: "failure", title: "Vitrine itself has failed", text: exit.message, steps: ["restart", "machines"] };
    default: {
      const never: never = exit.reason;
      return never;
    }
  }
}

/** The worker says nothing any more although the machine should be running. */
export const NO_ANSWER: Notice = {
  tone: "failure",
  title: "The machine does not answer",
  text: "It has said nothing for ten seconds. It may recover; if not, restart it. What it had printed stays below.",
  steps: ["restart", "machines"],
};

export const STEP_LABELS: Readonly<Record<NextStep, string>> = {
  restart: "Restart",
  edit: "Change settings",
  "choose-file": "Choose other files",
  reload: "Reload the page",
  machines: "All machines",
  "save-report": "Save report",
};

/** Plain text with everything the error carries. */
function report(error: EmulatorError): string {
  return JSON.stringify({ ...error, message: error.message, browser: globalThis.navigator?.userAgent }, undefined, 2);
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

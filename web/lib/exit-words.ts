/** Exits and stops in words, for the Traps panel, the command line and screen readers: the same words everywhere. */

import { EXCEPTIONS, exceptionName, PAGE_FAULT_BITS } from "./cpu-bits";
import { EXITS } from "./events.generated";
import type { StopCause, StopSpec } from "./inspection";

const hex = (value: bigint | number, digits = 0): string => value.toString(16).padStart(digits, "0");
export const linearText = (linear: number): string => hex(linear, 8);

const TABLES = ["GDTR", "IDTR", "LDTR", "TR"];
const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** The bits that are set, by name: `P W/R`; `none` without any. */
function faultBits(error: number): string {
  const names = PAGE_FAULT_BITS.filter(({ bit }) => (error >> bit) & 1).map(({ name }) => name);
  return names.length > 0 ? names.join(" ") : "none set";
}

/** What an exit's qualification says (asm/isa/events.ts has the layouts). `reason`: its name. */
export function qualificationWords(reason: string, qualification: bigint): string {
  const low = Number(qualification & 0xffffffffn);
  switch (reason) {
    case "CrRead":
    case "CrWrite":
      return `CR${low}`;
    case "DrRead":
    case "DrWrite":
      return `DR${low}`;
    case "Exception": {
      const vector = low & 0xff;
      const error = Number(qualification >> 8n);
      const name = `${exceptionName(vector)}${EXCEPTIONS[vector] ? ` ${EXCEPTIONS[vector][1]}` : ""}`;
      if (vector === 14) return `${name}, error code ${hex(error)} (${faultBits(error)})`;
      return error === 0 ? name : `${name}, error code ${hex(error)}`;
    }
    case "TruePageFault":
      return `error code ${hex(low)} (${faultBits(low)})`;
    case "HiddenPageFault":
      return `linear page ${linearText(low)}`;
    case "ShadowWrite":
    case "MmioRead":
    case "MmioWrite":
      return `physical ${hex(qualification, 8)}`;
    case "Interrupt":
    case "SoftwareInterrupt":
    case "Nmi":
      return `vector ${hex(low, 2)}`;
    case "IoRead":
    case "IoWrite":
      return `port ${hex(low & 0xffff, 3)}, ${plural(low >>> 16, "byte")}`;
    case "Cpuid":
      return `leaf ${hex(low)}`;
    case "Rdmsr":
    case "Wrmsr":
      return `MSR ${hex(low)}`;
    case "Rdpmc":
      return `counter ${hex(low)}`;
    case "Hlt":
      return low ? "interrupts on" : "interrupts off";
    case "Invlpg":
      return `linear ${linearText(low)}`;
    case "DescriptorTableRead":
    case "DescriptorTableWrite":
      return TABLES[low] ?? hex(low);
    case "Pushf":
    case "Popf":
      return `EFLAGS ${hex(low, 8)}`;
    case "InterruptFlag":
      return low ? "on" : "off";
    case "TaskSwitch":
      return `TSS selector ${hex(low, 4)}`;
    case "Sysenter":
      return low ? "leave" : "enter";
    case "FrameMissing":
      return `frame ${hex(low)}`;
    case "Unimplemented":
      return `first bytes ${hex(qualification)}`;
    default:
      return qualification === 0n ? "" : hex(qualification);
  }
}

/** Whether the exit would also happen with real virtualization, in the words of the table's columns. */
export const hardwareWords = (reason: number): { readonly ringCompression: string; readonly vtx: string; readonly svm: string } => {
  const row = EXITS[reason]!;
  const asked = { always: "always", opt: "if asked", never: "never" } as const;
  return { ringCompression: row.ringCompression ? "traps" : "no", vtx: asked[row.vtx], svm: row.svm };
};

/** `write to port 3f8`: what a stop looks for. */
export function stopWords(spec: StopSpec): string {
  switch (spec.kind) {
    case "execute":
      return `execution at ${linearText(spec.address)}`;
    case "access": {
      const what = { read: "read of", write: "write to", both: "access to" }[spec.on];
      return `${what} ${linearText(spec.address)}, ${plural(spec.bytes, "byte")}`;
    }
    case "exit": {
      const filter =
        spec.vector !== undefined
          ? `, ${spec.reason === "Exception" ? exceptionName(spec.vector) : `vector ${hex(spec.vector, 2)}`}`
          : spec.port !== undefined
            ? `, port ${hex(spec.port, 3)}`
            : spec.register !== undefined
              ? `, ${spec.reason.startsWith("Cr") ? "CR" : "DR"}${spec.register}`
              : "";
      return `exit ${spec.reason}${filter}`;
    }
  }
}

const STEPS = { into: "Stepped.", over: "Stepped over.", out: "Stepped out.", back: "Stepped back." } as const;

/** One sentence: why the machine stopped. */
export function causeWords(cause: StopCause): string {
  switch (cause.kind) {
    case "step":
      return STEPS[cause.how];
    case "breakpoint":
      return `Stopped at ${linearText(cause.linear)}, before the instruction there.`;
    case "watchpoint":
      return `Stopped after a ${cause.access} at ${linearText(cause.linear)} (watched: ${stopWords(cause.spec)}).`;
    case "exit": {
      const words = qualificationWords(cause.reason, cause.qualification);
      return `Stopped after exit ${cause.reason}${words ? `: ${words}` : ""}.`;
    }
  }
}

/**
 * Worker → page: everything the worker says, as one closed union. Bulk bytes are transferred, not copied.
 */

import type { WireError } from "../lib/errors";
import type { Inspection, StopCause } from "../lib/inspection";
import type { DriveState } from "./drives";
import type { SnapshotEvent } from "./snapshots";

export type RunState = "paused" | "running" | "ended";

/** At most four times a second while running, and at every change of state. */
export interface Status {
  readonly state: RunState;
  /** Million instructions per second of wall time since the last status. */
  readonly mips: number;
  /** Share of wall time since the last status in which the guest was halted, waiting for an interrupt: 0 to 1. */
  readonly idle: number;
  /** Retired since power-on. */
  readonly instructions: number;
  /** Guest time since power-on. */
  readonly guestSeconds: number;
  readonly memoryMb: number;
  /** Share of the instructions that translated code retired, 0 to 1; absent where nothing is translated. */
  readonly translated?: number;
  /** Floppy, CD and IDE drives, where there are any. */
  readonly drives?: readonly DriveState[];
  /** Instructions that the core does not know and the guest has tried: opcode bytes and first linear address in hex. */
  readonly unimplemented: readonly { readonly bytes: string; readonly address: string; readonly count: number }[];
}

export interface ExitReport {
  readonly reason:
    | "halted"
    | "reset-without-images"
    | "powered-off"
    | "debug-exit"
    | "unhandled-interrupt"
    | "triple-fault"
    | "core-crash"
    | "memory-unavailable";
  /** The exit status that the command line gives for it. */
  readonly status: number;
  /** One line for people. */
  readonly message: string;
  /** What was thrown, for the reasons that are failures of the emulator. */
  readonly error?: WireError;
}

/** `download` and `check` count bytes; `unpack` and `start` have no measure (total 0). */
export interface LoadProgress {
  readonly step: "download" | "check" | "start";
  /** The file, in the words of the recipe; empty for `start`. */
  readonly name: string;
  readonly done: number;
  readonly total: number;
}

export type WorkerEvent =
  /** The worker's program has loaded and takes commands. */
  | { readonly type: "ready" }
  | { readonly type: "reply"; readonly id: number; readonly value: unknown }
  | { readonly type: "refused"; readonly id: number; readonly error: WireError }
  | { readonly type: "progress"; readonly progress: LoadProgress }
  | { readonly type: "serial"; readonly port: number; readonly bytes: Uint8Array }
  /** The screen has changed: red, green, blue, 255; and what it says, where it shows text. */
  | {
      readonly type: "screen";
      readonly width: number;
      readonly height: number;
      readonly rgba: ArrayBuffer;
      readonly text: readonly string[] | undefined;
    }
  | { readonly type: "status"; readonly status: Status }
  /** What the open panels show. */
  | { readonly type: "inspection"; readonly inspection: Inspection }
  | SnapshotEvent
  /** Run control has paused the machine. */
  | { readonly type: "stopped"; readonly cause: StopCause }
  /** The guest or the user pressed reset: the boot image has been loaded anew. */
  | { readonly type: "machine-reset" }
  | { readonly type: "ended"; readonly exit: ExitReport }
  /** Something about a disk that the user should know. `text` empty: that trouble is over. */
  | { readonly type: "disk-trouble"; readonly title: string; readonly text: string }
  /** An error that nobody caught; the worker is of no use any more. */
  | { readonly type: "crashed"; readonly error: WireError };

/** What the worker says by itself: not the answers, which the channel consumes. */
export type Announcement = Exclude<WorkerEvent, { readonly type: "reply" | "refused" }>;

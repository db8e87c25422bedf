/**
 * Page → worker: everything the page can ask of the machine's worker, as one closed union. A command that has an
 * entry in `Replies` is answered by a `reply` or `refused` event of the same id; the others are not answered.
 */
import type { CheckResult, InspectView, StepKind, StopSpec } from "../lib/inspection";
import type { DriveCommand, DriveReplies } from "./drives";
import type { ImageSource, Recipe } from "./recipe";
import type { Kept, Measured, Saved, SnapshotCommand } from "./snapshots";

/** Commands that are answered, and what with. */
export interface Replies extends DriveReplies {
  /** Loads images, builds the machine, leaves it paused before its first instruction. */
  create: Created;
  start: null;
  pause: null;
  /** Like the reset button; the machine is running afterwards. */
  reset: null;
  /** Fetches images that may be wanted later; answers when they are stored. */
  prefetch: Prefetched;
  /** The machine runs until the step has ended; `stopped` tells. A running machine is paused first. */
  step: null;
  /** The machine runs, and stops there once. */
  "run-until": null;
  /** One instruction back; or to where the machine would last have stopped, for `set-stops` or for one of these. Pauses it. */
  back: WentBack;
  /** All breakpoints, watchpoints and stops on exits; replaces the earlier ones. Refused as a whole or not at all. */
  "set-stops": null;
  /** What panels are to be seen; `inspection` events follow. May come before the machine. */
  inspect: null;
  /** Looks for names: in the guest's own kernel, or in a file. Answers how many there are; refused where there are none. */
  symbols: number;
  /** The linear address of a name; null: there is none. */
  "find-symbol": number | null;
  /** The linear address from `linear` on where these bytes are; null: nowhere that was looked at. */
  "find-bytes": number | null;
  /** Writes to RAM by linear address; refused while the machine runs, and where it is not RAM. */
  poke: null;
  /** Runs the shadow checker, between two instructions. */
  check: CheckResult;
  /** Builds the machine that a snapshot is of, and leaves it paused where it was saved. */
  resume: Created;
  /** The machine stands still while its snapshot is written; `saving` events follow. */
  "save-snapshot": Saved;
  "measure-snapshot": Measured;
  keep: Kept;
  "keep-now": null;
}

export interface Created {
  /** One line: what was loaded and where. */
  readonly summary: string;
  readonly memoryMb: number;
  readonly hasScreen: boolean;
}

export interface WentBack {
  /** False: nowhere in what is recorded; the machine stays where it is. */
  readonly found: boolean;
}

export interface Prefetched {
  /** False: this browser context has no store that outlives the page. */
  readonly stored: boolean;
}

export type Command =
  | { readonly type: "create"; readonly id: number; readonly recipe: Recipe }
  | { readonly type: "start"; readonly id: number }
  | { readonly type: "pause"; readonly id: number }
  | { readonly type: "reset"; readonly id: number }
  | { readonly type: "prefetch"; readonly id: number; readonly images: readonly ImageSource[] }
  | { readonly type: "step"; readonly id: number; readonly how: StepKind }
  | { readonly type: "run-until"; readonly id: number; readonly spec: StopSpec }
  | { readonly type: "back"; readonly id: number; readonly to: "step" | "stop" | StopSpec }
  | { readonly type: "set-stops"; readonly id: number; readonly stops: readonly StopSpec[] }
  | { readonly type: "inspect"; readonly id: number; readonly view: InspectView }
  | { readonly type: "symbols"; readonly id: number; readonly file?: { readonly name: string; readonly bytes: Uint8Array } }
  | { readonly type: "find-symbol"; readonly id: number; readonly name: string }
  | { readonly type: "find-bytes"; readonly id: number; readonly linear: number; readonly bytes: Uint8Array }
  | { readonly type: "poke"; readonly id: number; readonly linear: number; readonly bytes: Uint8Array }
  | { readonly type: "check"; readonly id: number }
  | DriveCommand
  | SnapshotCommand
  /** Keys and pasted text for a serial port. */
  | { readonly type: "serial-input"; readonly port: number; readonly bytes: Uint8Array }
  /** Scan codes of set 2. */
  | { readonly type: "keys"; readonly codes: readonly number[] }
  /** A movement of the mouse in counts (right and up are positive), and its buttons (bit 0 left, 1 right, 2 middle). */
  | { readonly type: "mouse"; readonly right: number; readonly up: number; readonly buttons: number }
  /** The power button on the case. */
  | { readonly type: "power-button" }
  /** The page shows the screen, or does not. */
  | { readonly type: "watch-screen"; readonly on: boolean }
  /** The page has shown the last picture. */
  | { readonly type: "screen-shown" }
  /** The page has shown so many bytes of serial output: room for more. */
  | { readonly type: "serial-shown"; readonly bytes: number };

type AnsweredCommand = Extract<Command, { readonly id: number }>;
/** A command as its sender writes it: the channel gives the id. */
export type Request<T extends keyof Replies = keyof Replies> = T extends keyof Replies
  ? Omit<Extract<AnsweredCommand, { readonly type: T }>, "id">
  : never;
export type Notice = Exclude<Command, { readonly id: number }>;

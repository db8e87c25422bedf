import type { DriveSlot } from "./drives";

/** What a run from outside was: everything that is not a pure function of configuration and ticks. */
export type InputRecord =
  | { readonly kind: "serial"; readonly tick: number; readonly port: number; readonly bytes: Uint8Array }
  | { readonly kind: "clock"; readonly tick: number; readonly ns: number; readonly nsPerTick: number }
  /** The date went on by so many seconds while the machine stood still or lay in a file. */
  | { readonly kind: "date"; readonly tick: number; readonly seconds: number }
  | { readonly kind: "keys"; readonly tick: number; readonly codes: readonly number[] }
  | { readonly kind: "mouse"; readonly tick: number; readonly right: number; readonly up: number; readonly buttons: number }
  /** Of the case. */
  | { readonly kind: "power-button"; readonly tick: number }
  /** Another medium was put into a drive; null: taken out. */
  | { readonly kind: "medium"; readonly tick: number; readonly slot: DriveSlot; readonly medium: string | null }
  /** A device's `count`-th piece of host work ended (a disk request was done). */
  | { readonly kind: "work"; readonly tick: number; readonly owner: string; readonly count: number };

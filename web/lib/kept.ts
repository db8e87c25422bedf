/** Machines that this browser keeps by itself, so that they can be continued: what page and worker know of the database. */

export const KEPT_DATABASE = "vitrine-continue";
export const KEPT_STORE = "snapshots";

/** A disk of a kept machine: its memory fits what the disk held at that mark (storage/disk-marks.ts). */
export interface KeptDisk {
  readonly id: string;
  readonly name: string;
  readonly mark: number;
}

/** One kept machine. */
export interface KeptHead {
  readonly slot: string;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  /** Of all that is kept of it. */
  readonly bytes: number;
  readonly memoryMb: number;
  readonly instructions: number;
  /** The last lines of its console. */
  readonly terminal: readonly string[];
  /** In the guest's order; left out by earlier builds: none. */
  readonly disks?: readonly KeptDisk[];
}

export const headKey = (slot: string): string => `${slot}/head`;
/** A whole snapshot, and one that builds upon it. */
export const baseKey = (slot: string): string => `${slot}/base`;
export const deltaKey = (slot: string): string => `${slot}/delta`;
/** Where there are no Web Locks: when its tab was last alive, in milliseconds since 1970. */
export const aliveKey = (slot: string): string => `${slot}/alive`;
export const lockName = (slot: string): string => `vitrine-continue:${slot}`;

export const ALIVE_EVERY_MS = 5000;
/** A tab that has not said so for this long is gone. */
export const DEAD_AFTER_MS = 15_000;

/**
 * Everything that can go wrong on the host's side, as one closed union. Guest faults are not here: they are values
 * inside the core. Each error is a class with fields; its message is one line that says what to do next where
 * something can be done. Errors cross the worker boundary as `{ kind, ...fields }` (toWire, fromWire).
 */
import { hex } from "./hex";

/** Two devices claim the same ports or addresses: a mistake in the board (pc.ts), found when it is built. */
export class BusOverlap extends Error {
  readonly kind = "BusOverlap";
  /** `first` and `last` are the first and last port or byte address that both claim. */
  constructor(
    readonly space: "port" | "mmio",
    readonly first: number,
    readonly last: number,
    readonly owner: string,
    readonly claimant: string,
  ) {
    super(`${claimant} claims ${space === "port" ? "ports" : "addresses"} ${hex(first)}-${hex(last)}, which belong to ${owner}.`);
  }
}

/** A snapshot that this build cannot read: newer, of another machine, or damaged. Never a guess at its meaning. */
export class SnapshotIncompatible extends Error {
  readonly kind = "SnapshotIncompatible";
  constructor(
    readonly section: string,
    readonly reason: string,
  ) {
    super(`The snapshot cannot be loaded: ${section}: ${reason}`);
  }
}

/** A kernel, initrd, disk or firmware file that is not what it was given as. */
export class ImageUnreadable extends Error {
  readonly kind = "ImageUnreadable";
  /** `image` is the file's name as the user gave it; `hint` says what to do next. */
  constructor(
    readonly image: string,
    readonly reason: string,
    readonly hint: string,
  ) {
    super(`${image}: ${reason} ${hint}`.trimEnd());
  }
}

/** An assertion of the core failed or its code trapped: a bug of Vitrine, never of the guest. */
export class CoreCrash extends Error {
  readonly kind = "CoreCrash";
  /** `registers` by name in hex; `recentBlocks`: linear addresses of the last blocks, newest last. */
  constructor(
    readonly reason: string,
    readonly rip: string,
    readonly registers: Readonly<Record<string, string>> = {},
    readonly recentBlocks: readonly string[] = [],
  ) {
    super(`The emulator core stopped at ${rip}: ${reason} This is a bug of Vitrine; please report it with the crash bundle.`);
  }
}

/** An assertion on the host's side failed: a bug of Vitrine. */
export class AssertionFailed extends Error {
  readonly kind = "AssertionFailed";
  constructor(readonly expectation: string) {
    super(`This must hold but does not: ${expectation}`);
  }
}

/** A device reached for a guest frame whose contents have not arrived; the board repeats the access when they have. */
export class FrameNotPresent extends Error {
  readonly kind = "FrameNotPresent";
  constructor(readonly frame: number) {
    super(`Guest frame ${hex(frame)} is not present yet.`);
  }
}

/** A setting or command-line argument that means nothing or contradicts another. */
export class BadArgument extends Error {
  readonly kind = "BadArgument";
  constructor(
    readonly argument: string,
    readonly reason: string,
  ) {
    super(`${argument}: ${reason}`);
  }
}

/** The host would not give the memory asked for. */
export class OutOfMemory extends Error {
  readonly kind = "OutOfMemory";
  constructor(
    readonly requestedMb: number,
    readonly hint: string,
  ) {
    super(`${requestedMb} MB of memory could not be had. ${hint}`);
  }
}

/** The browser or Node lacks something that this action needs. */
export class FeatureMissing extends Error {
  readonly kind = "FeatureMissing";
  constructor(
    readonly feature: string,
    readonly hint: string,
  ) {
    super(`${feature} is missing here. ${hint}`);
  }
}

/** A download failed or ended early. `status` is the HTTP status, or 0 when no answer came. */
export class DownloadFailed extends Error {
  readonly kind = "DownloadFailed";
  constructor(
    readonly what: string,
    readonly status: number,
    readonly hint: string,
  ) {
    super(`${what} could not be downloaded (${status === 0 ? "no answer" : `HTTP status ${status}`}). ${hint}`);
  }
}

/** Bytes that do not have the hash, size or signature they were announced with. */
export class IntegrityFailed extends Error {
  readonly kind = "IntegrityFailed";
  constructor(
    readonly what: string,
    readonly expected: string,
    readonly found: string,
    readonly hint: string,
  ) {
    super(`${what}: expected ${expected}, found ${found}. ${hint}`);
  }
}

/** Why a disk did not do what it was asked. `full`: the browser or the file system has no room. `in-use`: another tab or process writes to it. */
export type DiskProblem =
  | "full"
  | "unreadable"
  | "unwritable"
  | "read-only"
  | "out-of-range"
  | "in-use"
  | "missing"
  | "moved-on"
  | "damaged";

/** A disk's backend failed: an I/O error for the guest, and a line for the user. */
export class DiskFailed extends Error {
  readonly kind = "DiskFailed";
  /** `disk` is its name as the user gave it; `hint` says what to do next, and may be empty. */
  constructor(
    readonly disk: string,
    readonly problem: DiskProblem,
    readonly reason: string,
    readonly hint: string,
  ) {
    super(`Disk ${disk}: ${reason} ${hint}`.trimEnd());
  }
}

/** Every error that Vitrine throws on purpose; `switch (error.kind)` over it is checked for completeness. */
export type EmulatorError =
  | BusOverlap
  | SnapshotIncompatible
  | ImageUnreadable
  | CoreCrash
  | AssertionFailed
  | FrameNotPresent
  | BadArgument
  | OutOfMemory
  | FeatureMissing
  | DownloadFailed
  | IntegrityFailed
  | DiskFailed;

export type ErrorKind = EmulatorError["kind"];

/** The same error as plain data, for `postMessage`. */
export interface WireError {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const PROTOTYPES: Readonly<Record<ErrorKind, object>> = {
  BusOverlap: BusOverlap.prototype,
  SnapshotIncompatible: SnapshotIncompatible.prototype,
  ImageUnreadable: ImageUnreadable.prototype,
  CoreCrash: CoreCrash.prototype,
  AssertionFailed: AssertionFailed.prototype,
  FrameNotPresent: FrameNotPresent.prototype,
  BadArgument: BadArgument.prototype,
  OutOfMemory: OutOfMemory.prototype,
  FeatureMissing: FeatureMissing.prototype,
  DownloadFailed: DownloadFailed.prototype,
  IntegrityFailed: IntegrityFailed.prototype,
  DiskFailed: DiskFailed.prototype,
};

/** Is this one of ours (with `kind` and fields), not a stray exception? */
export function isEmulatorError(error: unknown): error is EmulatorError {
  return error instanceof Error && "kind" in error && Object.hasOwn(PROTOTYPES, String(error.kind));
}

/** Plain data for the worker boundary. A stray exception becomes an AssertionFailed that names it. */
export function toWire(error: unknown): WireError {
  if (!isEmulatorError(error))
    return toWire(
      new AssertionFailed(`no unforeseen error, but: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    );
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) if (name !== "kind") fields[name] = value;
  return { kind: error.kind, message: error.message, fields };
}

/** The class again, with its fields and its message. */
export function fromWire(wire: WireError): EmulatorError {
  const error = Object.assign(Object.create(PROTOTYPES[wire.kind]), { kind: wire.kind, ...wire.fields }) as EmulatorError;
  Object.defineProperty(error, "message", { value: wire.message, configurable: true });
  return error;
}

/** The public module: `import { Machine } from "vitrine"`. See docs/api.md. */
import { setDefaultWasm } from "./machine/machine";

export { assembleGuest, BUILT_IN_GUESTS, type BuiltInGuest, findBuiltInGuest } from "../bios/index";
export type { Disposable } from "./lib/disposable";
export {
  BadArgument,
  CoreCrash,
  type EmulatorError,
  ImageUnreadable,
  isEmulatorError,
  OutOfMemory,
  SnapshotIncompatible,
} from "./lib/errors";
export type {
  AccessOutcome,
  CacheEntry,
  CheckResult,
  CodeLine,
  GuestEntry,
  MemoryPiece,
  ShadowEntry,
  StepKind,
  StopCause,
  StopSpec,
  TrapEvent,
  Walk,
} from "./lib/inspection";
export type { BootConfig, ClockConfig, CpuModel, MachineConfig, RamProvider, ResolvedConfig, ShadowMode } from "./machine/config";
export { CPU_MODELS } from "./machine/config";
export type { EventReader, Inspector } from "./machine/inspect";
export {
  type InputRecord,
  Machine,
  type MachineExit,
  type MachineOptions,
  type MachineState,
  type RunLimits,
  type RunResult,
  type RunState,
} from "./machine/machine";
export type { LogEntry } from "./machine/pc";
export type { RamImage } from "./machine/ram";
export type { RunControl, StopHandle, StopOptions } from "./machine/run-control";
export type { SerialPort } from "./machine/serial";
export type { LoadSnapshotOptions, SaveSnapshotOptions } from "./machine/snapshotting";
export type { MachineStats } from "./machine/stats";
export { BlobSource, type ByteSink, type ByteSource, MemorySink, MemorySource } from "./snapshot/byte-store";
export type { ComponentRecord, Manifest as SnapshotManifest } from "./snapshot/manifest";
export { SnapshotFile } from "./snapshot/snapshot-file";
export type { WrittenSnapshot } from "./snapshot/writer";

/** The core lies beside this module: read from the file system in Node, fetched in a page. */
setDefaultWasm(async () => {
  const url = new URL("./core.wasm", import.meta.url);
  if (url.protocol === "file:") {
    // Named at run time, so that bundlers for pages leave it alone.
    const fileSystem = "node:fs/promises";
    const { readFile } = (await import(/* @vite-ignore */ fileSystem)) as { readFile(path: URL): Promise<Uint8Array<ArrayBuffer>> };
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok)
    throw new Error(`the CPU core could not be loaded from ${url.href} (HTTP status ${response.status}): give options.wasm`);
  return response.arrayBuffer();
});

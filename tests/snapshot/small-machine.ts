/** Snapshots of small machines, for tests: made in a moment, with every kind of page and section. */
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { Machine } from "../../web/machine/machine";
import { MemorySink } from "../../web/snapshot/byte-store";
import { coreWasm } from "../tools/core";

let compiled: Promise<WebAssembly.Module> | undefined;
export const wasm = (): Promise<WebAssembly.Module> => {
  compiled ??= WebAssembly.compile(coreWasm());
  return compiled;
};

export const CREATED = new Date("2025-01-31T12:00:00Z");

export const image = (id: string): Uint8Array => assembleGuest(findBuiltInGuest(id)!);

/** A built-in boot sector on a deterministic machine. */
export async function boot(id: "hello" | "teaching", memoryMb = 1): Promise<Machine> {
  return Machine.create({ boot: { kind: "sector", image: image(id) }, memoryMb, clock: { kind: "deterministic" } }, { wasm: await wasm() });
}

export function outputOf(machine: Machine): () => string {
  let text = "";
  machine.serial(0).onData((bytes) => {
    text += Buffer.from(bytes).toString("latin1");
  });
  return () => text;
}

export async function snapshotBytes(
  machine: Machine,
  options: NonNullable<Parameters<Machine["saveSnapshot"]>[1]> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new MemorySink();
  await machine.saveSnapshot(sink, { created: CREATED, title: "Test", ...options });
  return sink.toBytes();
}

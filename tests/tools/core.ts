/** The core without a page or a machine, for tests: `node scripts/build-core.mjs` must have run. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CoreCallbacks } from "../../web/machine/core";
import { CoreHost, type CoreOptions } from "../../web/machine/core-host";

export const coreWasm = (): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(fileURLToPath(new URL("../../dist/core/core.wasm", import.meta.url))));

const silent: CoreCallbacks = {
  portRead: (_port, size) => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff),
  portWrite: () => {},
  mmioRead: () => 0xffffffff,
  mmioWrite: () => {},
  acknowledgeInterrupt: () => 0,
  ferr: () => {},
  frameMissing: () => {},
};

let compiled: Promise<WebAssembly.Module> | undefined;

export async function createCore(options: Partial<CoreOptions> = {}, callbacks: Partial<CoreCallbacks> = {}): Promise<CoreHost> {
  compiled ??= WebAssembly.compile(coreWasm());
  return CoreHost.create(await compiled, { ...silent, ...callbacks }, { ramBytes: 4 << 20, ...options });
}

/** A repeatable random source (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

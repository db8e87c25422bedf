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

/**
 * TEST_JIT=first, single or usual: cores that do not ask for one way translate, at first execution, one instruction a region,
 * or as machines do (`npm run accept -- 6.7`).
 */
function forced(): Partial<CoreOptions> {
  const how = process.env.TEST_JIT;
  if (how === undefined || how === "") return {};
  if (how === "usual") return { accel: "jit" };
  if (how === "first") return { accel: "jit", jitLimits: { threshold: 1, blocks: 20, instructions: 240, batch: 1 } };
  if (how === "single") return { accel: "jit", jitLimits: { threshold: 1, blocks: 1, instructions: 1, batch: 1 } };
  throw new Error(`TEST_JIT=${how}: first, single or usual`);
}

let compiled: Promise<WebAssembly.Module> | undefined;

export async function createCore(options: Partial<CoreOptions> = {}, callbacks: Partial<CoreCallbacks> = {}): Promise<CoreHost> {
  compiled ??= WebAssembly.compile(coreWasm());
  return CoreHost.create(await compiled, { ...silent, ...callbacks }, { ramBytes: 4 << 20, ...forced(), ...options });
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

/** Makes the core that a machine runs on: the WebAssembly one, or a fake one of tests. */
import { BadArgument, OutOfMemory } from "../lib/errors";
import type { ResolvedConfig } from "./config";
import type { Core, CoreCallbacks } from "./core";
import { CoreHost, CPU_MODELS } from "./core-host";
import type { Host } from "./host";

/** Makes the CPU core; tests give a fake one. */
export type CoreFactory = (callbacks: CoreCallbacks, config: ResolvedConfig) => Promise<Core>;

export interface MachineOptions {
  /** The core's WebAssembly, compiled or not. Default: the file beside the library. */
  readonly wasm?: BufferSource | WebAssembly.Module;
  /** Instead of `wasm`. */
  readonly core?: CoreFactory;
  /** Tests give a clock of their own. */
  readonly host?: Host;
}

let defaultWasm: (() => Promise<BufferSource | WebAssembly.Module>) | undefined;

/** Says where the core's WebAssembly comes from when `Machine.create` is not given it. */
export function setDefaultWasm(load: () => Promise<BufferSource | WebAssembly.Module>): void {
  defaultWasm = load;
}

export async function createCore(callbacks: CoreCallbacks, config: ResolvedConfig, options: MachineOptions): Promise<Core> {
  if (options.core) return options.core(callbacks, config);
  const wasm = options.wasm ?? (await defaultWasm?.());
  if (!wasm) throw new BadArgument("wasm", "the core's WebAssembly is needed: give options.wasm.");
  const ramBytes = config.memoryMb * 0x100000;
  const cpuModel = CPU_MODELS.indexOf(config.cpu);
  try {
    return await CoreHost.create(wasm, callbacks, {
      ...{ ramBytes, cpuModel, shadowFlush: config.shadow === "flush" },
      ...{ accel: config.accel, jitLimits: config.jitLimits },
    });
  } catch (error) {
    // Memory that cannot be had shows as a failed allocation (RangeError) or as the core's own trap on it.
    if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError)
      throw new OutOfMemory(config.memoryMb, "Give the machine less memory, or close other programs or tabs.");
    throw error;
  }
}

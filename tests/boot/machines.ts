/**
 * Whole machines for tests: any guest on the real core, with what a test wants to see of it. Used by the specs beside it
 * and, at full count, by `npm run accept`.
 */
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import type { BootConfig, MachineConfig } from "../../web/machine/config";
import type { CoreCallbacks } from "../../web/machine/core";
import { CoreHost, CPU_MODELS } from "../../web/machine/core-host";
import { Machine } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";

export interface Booted {
  readonly machine: Machine;
  readonly core: CoreHost;
  /** Everything sent on COM1 so far, one character a byte. */
  output(): string;
  /** Everything written to the debug console, port E9h. */
  debugOutput(): string;
}

const DEBUG_CONSOLE = 0xe9;
let compiled: Promise<WebAssembly.Module> | undefined;

/** Deterministic unless `config` says otherwise; paused before the first instruction. */
export async function createMachine(config: MachineConfig): Promise<Booted> {
  compiled ??= WebAssembly.compile(coreWasm());
  const module = await compiled;
  let core: CoreHost | undefined;
  let debugOutput = "";
  const machine = await Machine.create(
    { clock: { kind: "deterministic" }, ...config },
    {
      core: async (callbacks, { memoryMb, cpu, shadow, accel }) => {
        const listening: CoreCallbacks = {
          ...callbacks,
          portWrite(port, value, size) {
            if (port === DEBUG_CONSOLE) debugOutput += String.fromCharCode(value & 0xff);
            callbacks.portWrite(port, value, size);
          },
        };
        core = await CoreHost.create(module, listening, {
          ramBytes: memoryMb * 0x100000,
          cpuModel: CPU_MODELS.indexOf(cpu),
          shadowFlush: shadow === "flush",
          accel,
        });
        return core;
      },
    },
  );
  let output = "";
  machine.serial(0).onData((bytes) => {
    output += Buffer.from(bytes).toString("latin1");
  });
  return { machine, core: core!, output: () => output, debugOutput: () => debugOutput };
}

/** A built-in guest as the command line boots it. */
export function builtIn(id: string, commandLine?: string): BootConfig {
  const guest = findBuiltInGuest(id);
  if (!guest) throw new Error(`there is no built-in guest ${id}`);
  const image = assembleGuest(guest);
  return guest.boot === "sector"
    ? { kind: "sector", image }
    : { kind: "multiboot", kernel: image, commandLine: commandLine ?? guest.commandLine };
}

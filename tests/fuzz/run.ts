/** Runs a batch's image on our core and in QEMU; both give the records of port E9h. */
import { spawnSync } from "node:child_process";
import { CoreHost, CPU_MODELS } from "../../web/machine/core-host";
import { runBareImage } from "../tools/bare-qemu";
import { coreWasm } from "../tools/core";
import { flatState } from "../vmm/run-image";
import type { FuzzCase, Regime } from "./case";
import { buildFuzzImage, ORG, type Outcome, readRecords } from "./image";

let compiled: Promise<WebAssembly.Module> | undefined;
const RAM = 8 << 20;
/** Setting a case up and summing its data takes some 30,000 ticks. */
const TICKS_PER_CASE = 400_000;

export const qemuVersion = (): string =>
  spawnSync("qemu-system-i386", ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0] ?? "none";

/** `died`: the image ended in a triple fault, or did not end, in the case after the last record. */
export interface BatchRun {
  readonly outcomes: ReadonlyMap<number, Outcome>;
  readonly died: boolean;
}

export async function runBatch(regime: Regime, cases: readonly FuzzCase[]): Promise<BatchRun> {
  const image = buildFuzzImage(regime, cases);
  const log: number[] = [];
  let done = false;
  compiled ??= WebAssembly.compile(coreWasm());
  const core = await CoreHost.create(
    await compiled,
    {
      portRead: (_port, size) => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff),
      mmioRead: () => 0xffffffff,
      mmioWrite: () => {},
      acknowledgeInterrupt: () => 0,
      ferr: () => {},
      frameMissing: () => {},
      portWrite: (port, value) => {
        if (port === 0xe9) log.push(value & 0xff);
        if (port !== 0xf4) return;
        done = true;
        core.stop();
      },
    },
    { ramBytes: RAM, cpuModel: CPU_MODELS.indexOf("max") },
  );
  core.memory.write(ORG, image.bytes);
  core.setRegisters(flatState(image.entry));
  core.run(TICKS_PER_CASE * (cases.length + 10));
  return { outcomes: readRecords(Uint8Array.from(log)), died: !done };
}

export function runBatchInQemu(regime: Regime, cases: readonly FuzzCase[]): BatchRun {
  const timeout = 20_000 + cases.length * 20;
  const { output, status } = runBareImage(buildFuzzImage(regime, cases).bytes, { cpu: "max", timeout });
  return { outcomes: readRecords(output), died: status !== 1 };
}

/** The same machine by interpreter and translator: equal state at every stop, whatever the limits of translation. */

import type { MachineConfig } from "../../web/machine/config";
import type { JitLimits } from "../../web/machine/jit-host";
import { Machine, type RunLimits } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";

/** Limits that tests force: at first execution, one instruction each, small and usual regions. */
export const LIMITS: Readonly<Record<string, JitLimits>> = {
  "at first execution": { threshold: 1, blocks: 20, instructions: 240, batch: 1 },
  "one instruction a region": { threshold: 1, blocks: 1, instructions: 1, batch: 4 },
  "regions of one block": { threshold: 3, blocks: 1, instructions: 240, batch: 2 },
  "a few runs": { threshold: 8, blocks: 20, instructions: 240, batch: 1 },
};

/** What a run left: state hash, counters, output. */
export interface Trace {
  readonly points: string[];
  readonly output: string;
  readonly inJit: number;
  readonly regions: number;
  readonly invalidations: number;
}

/** Runs until the machine ends or `most` instructions, stopping every `step`. */
export async function trace(
  config: Omit<MachineConfig, "clock">,
  accel: { readonly limits?: JitLimits } | undefined,
  { step, most, slice }: { readonly step: number; readonly most: number; readonly slice?: number },
): Promise<Trace> {
  const machine = await Machine.create(
    { ...config, clock: { kind: "deterministic" }, ...(accel ? { accel: "jit" as const, jitLimits: accel.limits } : {}) },
    { wasm: coreWasm() },
  );
  let output = "";
  machine.serial(0).onData((bytes) => {
    output += Buffer.from(bytes).toString("latin1");
  });
  const points: string[] = [];
  for (let at = step; at <= most; at += step) {
    const limits: RunLimits = { instructions: at, ...(slice === undefined ? {} : { sliceInstructions: slice }) };
    const { reason } = await machine.run(limits);
    const { instructions, ticks, stateHash } = await machine.stats({ hash: true });
    points.push(`${reason} ${instructions} ${ticks} ${stateHash}`);
    if (reason !== "instructions") break;
  }
  const { jit } = await machine.stats();
  return { points, output, inJit: jit.instructionsInJit, regions: jit.regions, invalidations: jit.invalidations };
}

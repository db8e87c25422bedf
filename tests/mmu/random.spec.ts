/** Random guests against the model; VITRINE_LONG multiplies the steps. */
import { describe, expect, it } from "vitest";
import { RandomMachine } from "./random-machine";

const SEEDS = 12;
const STEPS = 2500 * Number(process.env.VITRINE_LONG ?? 1);

describe.each([
  ["keep", false],
  ["flush", true],
] as const)("random guests, --shadow %s", (_name, flush) => {
  it.each(Array.from({ length: flush ? SEEDS / 3 : SEEDS }, (_, n) => n + 1))("seed %i", (seed) => {
    const machine = new RandomMachine(seed, flush);
    for (let n = 0; n < STEPS; n++) machine.step();
    machine.compareAll();
    // The run must have met what it is about.
    expect(machine.mmu.counter("hiddenFaults")).toBeGreaterThan(50);
    expect(machine.mmu.counter("trueFaults")).toBeGreaterThan(50);
    expect(machine.mmu.counter("entriesDropped")).toBeGreaterThan(50);
  });
});

/** `npm run profile`: time by part from V8's samples, instructions by place from the core's. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createCore as createMachineCore } from "../../web/machine/create-core";
import { Machine } from "../../web/machine/machine";
import { builtIn } from "../boot/machines";
import { coreWasm } from "../tools/core";

const load = (name: string) => import(new URL(`../../scripts/profile/${name}.mjs`, import.meta.url).href);
const { hostTime } = await load("host-time");
const { guestTime, sampleCore } = await load("guest-time");
const built = existsSync(new URL("../../dist/core/core.wasm", import.meta.url));

describe("host time", () => {
  const frame = (id: number, functionName: string, url: string, scriptId: string) => ({
    id,
    callFrame: { functionName, url, scriptId },
  });
  const profile = {
    nodes: [
      frame(1, "asm/interpreter/loop/run", "wasm://wasm/a", "7"),
      frame(2, "asm/mmu/slow-access/load", "wasm://wasm/a", "7"),
      // The core's own, without a name; then a region's.
      frame(3, "wasm-function[3]", "wasm://wasm/a", "7"),
      frame(4, "wasm-function[3]", "wasm://wasm/b", "8"),
      frame(5, "read", "file:///x/web/machine/devices/pit.ts", "9"),
      frame(6, "Module", "", "0"),
      frame(7, "(idle)", "", "0"),
      frame(8, "readFileSync", "node:fs", "10"),
    ],
    samples: [1, 1, 2, 3, 4, 5, 6, 7, 8],
    timeDeltas: [10, 10, 30, 40, 50, 60, 70, 80, 90],
  };

  it("is given to parts by where functions are, and none is lost", () => {
    const parts = [...hostTime(profile)] as [string, { us: number; functions: Map<string, number> }][];
    const used = Object.fromEntries(parts.filter(([, { us }]) => us > 0).map(([part, { us }]) => [part, us]));
    expect(used).toEqual({
      "interpreter: loop and meanings": 20,
      "memory: slow path, page walks, shadow tables": 30,
      "the rest of the core": 40,
      "translated regions": 50,
      devices: 60,
      "compiling: by the browser's engine": 70,
      idle: 80,
      "Node and the rest": 90,
    });
  });
});

describe.skipIf(!built)("guest time", () => {
  it("counts every instruction up to the last sample, and changes nothing of the run", async () => {
    const run = async (every: number | undefined) => {
      const guest = guestTime(undefined);
      const machine = await Machine.create(
        { boot: builtIn("teaching"), memoryMb: 16, clock: { kind: "deterministic" } },
        {
          core: async (callbacks, config) => {
            const core = await createMachineCore(callbacks, config, { wasm: coreWasm() });
            return every === undefined ? core : sampleCore(core, guest.note, every);
          },
        },
      );
      await machine.run({ instructions: 3_000_000 });
      return { hash: await machine.stateHash(), instructions: machine.instructions, places: guest.places as Map<string, number> };
    };
    const plain = await run(undefined);
    const sampled = await run(1009);
    expect([sampled.hash, sampled.instructions]).toEqual([plain.hash, plain.instructions]);
    const counted = [...sampled.places.values()].reduce((sum, n) => sum + n, 0);
    expect(counted).toBeLessThanOrEqual(sampled.instructions);
    expect(counted).toBeGreaterThan(sampled.instructions * 0.9);
    // It has two tasks at CPL 3.
    expect([...sampled.places.keys()].some((place) => place.startsWith("user, page"))).toBe(true);
  });
});

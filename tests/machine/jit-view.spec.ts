/** What the JIT panel is told: regions and their counters, which add up to the translator's own; both languages of one; how it ends. */
import { expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { bootImage } from "../../web/assembler/boot-image";
import { jitPicture } from "../../web/machine/jit-view";
import { Machine } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";

/** A hot loop that calls into another page, an IN now and then, and at the end a store into its own code. */
const PROGRAM = `
        mov esp, 0x180000
        mov esi, 3000
outer:
        mov ecx, 7
inner:
        add eax, ecx
        call work
        dec ecx
        jnz inner
        test esi, 63
        jnz skip
        in al, 0x80
skip:
        dec esi
        jnz outer
        mov byte [work], 0x90
        cli
        hlt
        times 4096 nop
work:
        add edx, ecx
        xor edx, eax
        ret
`;

async function machineWith(accel: "interp" | "jit") {
  const program = assemble(PROGRAM, { bits: 32, org: 0x100000 });
  expect(program.errors).toEqual([]);
  const machine = await Machine.create(
    {
      boot: { kind: "multiboot", kernel: bootImage(program, "flat32") as Uint8Array, commandLine: "" },
      ...{ memoryMb: 4, clock: { kind: "deterministic" }, accel },
      jitLimits: { threshold: 20, blocks: 20, instructions: 240, batch: 1 },
    },
    { wasm: coreWasm() },
  );
  return { machine, label: (name: string) => program.labels.get(name)! };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

it("tells regions whose counters add up, in guest code and WebAssembly, until a store ends them", async () => {
  const { machine, label } = await machineWith("jit");
  await machine.run({ instructions: 100_000 });
  const { isOn, stats, regions } = jitPicture(machine.inspect, null, 1000);
  expect(isOn).toBe(true);
  expect(regions.length).toBe(stats.regions);
  expect(stats.instructionsInJit).toBeGreaterThan(10_000);
  expect(sum(regions.map(({ instructions }) => instructions))).toBe(stats.instructionsInJit);
  expect(sum(regions.map(({ links }) => links))).toBe(stats.links);
  for (const { entries, returns } of regions) expect(sum(Object.values(returns))).toBe(entries);
  expect(regions.map(({ instructions }) => instructions)).toEqual(
    regions.map(({ instructions }) => instructions).toSorted((a, b) => b - a),
  );

  const work = regions.find(({ blocks }) => blocks[0]!.physical === label("work"))!;
  const { chosen } = jitPicture(machine.inspect, work.number, 1);
  expect(chosen!.region).toEqual(work);
  expect(chosen!.guest).toEqual([machine.inspect.disassemble(label("work"), 3)]);
  const texts = chosen!.wasm!.map(({ text }) => text);
  expect(texts[0]).toMatch(/^\(local /);
  expect(texts.filter((text) => /opcode/.test(text))).toEqual([]);
  // The adding of ECX, the XOR with EAX; and the end is that of the function.
  expect(texts).toEqual(expect.arrayContaining(["i32.add", "i32.xor", expect.stringMatching(/^return_call_indirect/)]));
  expect(chosen!.wasm!.at(-1)).toEqual({ depth: 0, text: "end" });

  await machine.run({ instructions: 10_000_000 });
  const after = jitPicture(machine.inspect, work.number, 1000);
  expect(after.chosen!.region.ended).toBe(true);
  expect(after.chosen!.guest).toBeUndefined();
  expect(after.regions.filter(({ ended }) => ended).length).toBe(after.stats.invalidations);
});

it("says that nothing is translated", async () => {
  const { machine } = await machineWith("interp");
  await machine.run({ instructions: 1000 });
  expect(jitPicture(machine.inspect, 3, 10)).toMatchObject({ isOn: false, regions: [], chosen: undefined });
});

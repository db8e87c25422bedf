/** A snapshot that is written while the machine goes on is that of the moment at which it was taken. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { createHost } from "../../web/machine/host";
import { Machine } from "../../web/machine/machine";
import { MemorySink } from "../../web/snapshot/byte-store";
import { createCore } from "../tools/core";
import { CREATED, image, snapshotBytes, wasm } from "./small-machine";

const FURTHER = 30_000;

/** Writes all of its megabyte again and again, above itself. */
function scribbler(): Uint8Array<ArrayBuffer> {
  const program = assemble(`
    bits 16
    org 0x7c00
        cli
        xor bx, bx
    again:
        mov ax, 0x1000
    segment:
        mov es, ax
        xor di, di
    next:
        inc bx
        mov [es:di], bx
        add di, 0x400
        jnc next
        add ax, 0x1000
        cmp ax, 0x9000
        jne segment
        jmp again`);
  expect(program.errors).toEqual([]);
  return Uint8Array.from(program.bytes);
}

/** A machine that runs on whenever somebody who saves it lets it: at every third frame that is read. */
async function restless(bootImage: Uint8Array, signature?: false) {
  let ms = 0;
  let goesOn = false;
  let slices = 0;
  const machine: Machine = await Machine.create(
    {
      boot: { kind: "sector", image: bootImage, ...(signature === false ? { signature } : {}) },
      memoryMb: 1,
      clock: { kind: "deterministic" },
    },
    {
      wasm: await wasm(),
      host: {
        ...createHost(),
        now: () => ms++,
        yield: async () => {
          if (!goesOn || machine.state !== "paused") return;
          slices++;
          machine.runSlice(FURTHER);
        },
      },
    },
  );
  const save = async (parent?: { id: string; isParents: (frame: number) => boolean }) => {
    const sink = new MemorySink();
    const captured = machine.capture(parent?.isParents);
    goesOn = true;
    const { id } = await captured.save(sink, { created: CREATED, title: "Test", ...(parent ? { parent } : {}) });
    goesOn = false;
    return { id, bytes: Buffer.from(sink.toBytes()) };
  };
  return { machine, save, slices: () => slices };
}

describe("saved while it runs", () => {
  it.each([
    ["a guest that writes everywhere", scribbler, false],
    ["the teaching kernel, with page tables", () => image("teaching"), undefined],
  ] as const)("%s: the same bytes as if it had stood still", async (_name, program, signature) => {
    const { machine, save, slices } = await restless(program(), signature);
    for (const instructions of [150_000, 400_000, 3_000_000]) {
      await machine.run({ instructions: Math.max(instructions, machine.instructions + 1) });
      const still = Buffer.from(await snapshotBytes(machine));
      const before = machine.instructions;
      expect((await save()).bytes.equals(still), `at ${instructions}`).toBe(true);
      if (machine.state === "ended") return;
      expect(slices()).toBeGreaterThan(0);
      expect(machine.instructions).toBeGreaterThan(before);
    }
  });

  it("two moments at once, and one upon another", async () => {
    const { machine, save } = await restless(scribbler(), false);
    await machine.run({ instructions: 200_000 });
    const changed = machine.trackWrites();
    const [first, older] = [Buffer.from(await snapshotBytes(machine)), machine.capture()];
    await machine.run({ instructions: 230_000 });
    const whole = await save();
    const isParents = (frame: number): boolean => !changed.has(frame);
    const same = Uint8Array.from({ length: 256 }, (_, frame) => (isParents(frame) ? 1 : 0));
    const still = Buffer.from(await snapshotBytes(machine, { parent: { id: whole.id, isParents } }));
    expect((await save({ id: whole.id, isParents: (frame) => same[frame] === 1 })).bytes.equals(still)).toBe(true);
    const sink = new MemorySink();
    await older.save(sink, { created: CREATED, title: "Test" });
    expect(Buffer.from(sink.toBytes()).equals(first)).toBe(true);
  });

  it("the core tells each frame once before its first write, and none when nobody listens", async () => {
    const core = await createCore();
    const told: [frame: number, held: number][] = [];
    core.memory.write(0x5000, Uint8Array.of(1));
    const listen = (): void => core.keepFrames(core.beginWriteEpoch(), (frame) => void told.push([frame, core.memory.view(frame)![0]!]));
    listen();
    for (const [address, value] of [
      [0x5000, 2],
      [0x5001, 3],
      [0x7fff, 4],
    ] as const)
      core.memory.write(address, Uint8Array.of(value, value));
    expect(told).toEqual([
      [5, 1],
      [7, 0],
      [8, 0],
    ]);
    listen();
    core.memory.write(0x5000, Uint8Array.of(9));
    core.keepFrames(0, undefined);
    core.memory.write(0x9000, Uint8Array.of(9));
    expect(told.slice(3)).toEqual([[5, 2]]);
  });
});

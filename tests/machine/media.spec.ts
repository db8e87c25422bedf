/** Discs put in and taken out while a guest asks its CD drive whether it is ready; and what the drive refuses. */
import { expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { BadArgument } from "../../web/lib/errors";
import type { DriveConfig } from "../../web/machine/drives";
import { type InputRecord, Machine } from "../../web/machine/machine";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { coreWasm } from "../tools/core";

/** Sends packets to the secondary master, the first byte from the table `commands`, then TEST UNIT READY for ever; errors go to COM1. */
const program = (first: number, start = 0): string => `
    bits 16
    org 0x7c00
        mov bl, ${first}
        mov bh, ${start}
    next:
        mov dx, 0x176
        mov al, 0xa0
        out dx, al
        inc dx
        out dx, al
    ready:
        in al, dx
        test al, 8
        jz ready
        mov dx, 0x170
        movzx ax, bl
        out dx, ax
        xor ax, ax
        out dx, ax
        movzx ax, bh
        out dx, ax
        xor ax, ax
        out dx, ax
        out dx, ax
        out dx, ax
        mov dx, 0x177
    busy:
        in al, dx
        test al, 0x80
        jnz busy
        mov dx, 0x171
        in al, dx
        mov dx, 0x3f8
        out dx, al
        mov bx, 0
        jmp next`;

const disc = (name: string): MemoryDisk => new MemoryDisk(2048 * 10, { name });

async function start(first = 0, fifth = 0) {
  const { bytes, errors } = assemble(program(first, fifth));
  expect(errors).toEqual([]);
  const image = new Uint8Array(512);
  image.set(bytes);
  image.set([0x55, 0xaa], 510);
  const drives: DriveConfig[] = [
    { slot: "fda", media: "floppy" },
    { slot: "hda", media: "disk", disk: new MemoryDisk(512 * 10, { name: "fixed" }) },
    { slot: "hdc", media: "cdrom", disk: disc("first") },
  ];
  const machine = await Machine.create(
    { boot: { kind: "sector", image }, memoryMb: 1, drives, clock: { kind: "deterministic" } },
    { wasm: coreWasm() },
  );
  const inputs: InputRecord[] = [];
  machine.onInput((input) => inputs.push(input));
  /** What the drive answered meanwhile, each answer once: sense key and aborted. */
  const run = async (): Promise<number[]> => {
    const seen: number[] = [];
    const ear = machine.serial(0).onData((data) => seen.push(...data.map((value) => value & 0xf0)));
    await machine.run({ instructions: machine.instructions + 20_000 });
    ear.dispose();
    return seen.filter((value, n) => value !== seen[n - 1]);
  };
  const mediumOf = (slot: string): string | undefined => machine.media.drives.find((drive) => drive.slot === slot)?.medium;
  return { machine, run, inputs, mediumOf };
}

it("the guest sees a disc go and another one come, and so does a snapshot's list of disks", async () => {
  const { machine, run, inputs, mediumOf } = await start();
  expect(await run()).toEqual([0]);
  const [out] = await Promise.all([machine.media.change("hdc", undefined), run()]);
  expect(out?.name).toBe("first");
  expect(mediumOf("hdc")).toBeUndefined();
  expect(await run()).toEqual([0x20]);
  const [nothing, answers] = await Promise.all([machine.media.change("hdc", disc("second")), run()]);
  expect(nothing).toBeUndefined();
  expect(answers).toEqual([0x20, 0x60, 0]);
  expect(mediumOf("hdc")).toBe("second");
  expect(machine.disks.map(({ name }) => name)).toEqual(["fixed", "second"]);
  expect(inputs.filter(({ kind }) => kind === "medium")).toMatchObject([
    { slot: "hdc", medium: null },
    { slot: "hdc", medium: "second" },
  ]);
});

it("a guest that opens the tray takes the disc out itself", async () => {
  const { run, mediumOf } = await start(0x1b, 2);
  expect(await run()).toEqual([0, 0x20]);
  expect(mediumOf("hdc")).toBeUndefined();
});

it("a locked tray stays closed unless it is forced", async () => {
  const { machine, run, mediumOf } = await start(0x1e, 1);
  await run();
  expect(machine.media.drives.find(({ slot }) => slot === "hdc")?.isLocked).toBe(true);
  const refused = machine.media.change("hdc", undefined).catch((error: unknown) => error);
  await run();
  expect(await refused).toBeInstanceOf(BadArgument);
  expect(mediumOf("hdc")).toBe("first");
  await Promise.all([machine.media.change("hdc", undefined, { force: true }), run()]);
  expect(mediumOf("hdc")).toBeUndefined();
});

it("hard disks, drives that are not there and what is no floppy disk are refused", async () => {
  const { machine, run, mediumOf } = await start();
  await expect(machine.media.change("hda", undefined)).rejects.toThrow(/stays where it is/);
  await expect(machine.media.change("hdd", undefined)).rejects.toThrow(/no such drive/);
  await expect(machine.media.change("fda", new MemoryDisk(1 << 25, { name: "large" }))).rejects.toThrow(/at most/);
  await Promise.all([machine.media.change("fda", new MemoryDisk(1440 * 1024, { name: "blank" })), run()]);
  expect(mediumOf("fda")).toBe("blank");
});

it("what was before another disc cannot be gone back to", async () => {
  const { machine, run } = await start();
  machine.history.start();
  await run();
  const before = machine.instructions;
  await Promise.all([machine.media.change("hdc", disc("second")), run()]);
  expect(machine.history.oldest).toBeGreaterThanOrEqual(before);
});

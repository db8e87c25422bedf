/** Machines as snapshot files: nothing lost, the same bytes again, the same run afterwards. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { BadArgument, SnapshotIncompatible } from "../../web/lib/errors";
import { Rtc } from "../../web/machine/devices/rtc";
import { createHost } from "../../web/machine/host";
import { type InputRecord, Machine } from "../../web/machine/machine";
import { bootRecord } from "../../web/machine/snapshotting";
import { MemorySource } from "../../web/snapshot/byte-store";
import { decodeState } from "../../web/snapshot/codec";
import { SnapshotFile } from "../../web/snapshot/snapshot-file";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { random } from "../tools/core";
import { boot, CREATED, image, outputOf, snapshotBytes, wasm } from "./small-machine";

const open = async (bytes: Uint8Array, options: NonNullable<Parameters<typeof Machine.fromSnapshot>[1]> = {}): Promise<Machine> =>
  Machine.fromSnapshot(new MemorySource(bytes), { wasm: await wasm(), ...options });

/** The teaching kernel ends within so many instructions. */
const TEACHING_INSTRUCTIONS = 2_000_000;

describe("saving and loading", () => {
  it("gives the same file again, and the run that never stopped, at random instants of the teaching kernel", async () => {
    const next = random(42);
    for (let n = 0; n < 5; n++) {
      const original = await boot("teaching", 2);
      await original.run({ instructions: next() % TEACHING_INSTRUCTIONS });
      const bytes = await snapshotBytes(original);
      const copy = await open(bytes, n % 2 === 0 ? {} : { lazy: true });
      expect(Buffer.from(await snapshotBytes(copy)).equals(Buffer.from(bytes))).toBe(true);
      const later = original.instructions + 300_000;
      for (const machine of [original, copy]) await machine.run({ instructions: later });
      expect(await copy.stateHash()).toBe(await original.stateHash());
    }
  });

  it("shows the guest the present date after it has lain in a file, in real time; the file is the same until it runs", async () => {
    const program = assemble("bits 16\norg 0x7c00\nsti\nagain: hlt\njmp again");
    let utc = Date.UTC(2024, 1, 28, 23, 59, 50) / 1000;
    const host = { ...createHost(), epochSeconds: () => utc };
    const config = { boot: { kind: "sector", image: Uint8Array.from(program.bytes), signature: false }, memoryMb: 1 } as const;
    const machine = await Machine.create(config, { wasm: await wasm(), host });
    await machine.run({ wallSeconds: 0.01 });
    const bytes = await snapshotBytes(machine);
    // Seconds, minutes, hours, day, month as the chip has them.
    const dateOf = async (of: Machine): Promise<string> => {
      const { sections } = await of.save();
      const cells = decodeState(new Rtc(new Map()).schema, sections.get("rtc")!).cells;
      return [8, 7, 4, 2].map((cell) => cells[cell]!.toString(16).padStart(2, "0")).join(" ");
    };
    expect(await dateOf(machine)).toBe("02 28 23 59");
    utc += 86_400 + 60;
    const copy = await open(bytes, { host });
    expect(Buffer.from(await snapshotBytes(copy)).equals(Buffer.from(bytes))).toBe(true);
    const inputs: InputRecord[] = [];
    copy.onInput((input) => inputs.push(input));
    await copy.run({ wallSeconds: 0.01 });
    expect(await dateOf(copy)).toBe("03 01 00 00");
    expect(inputs.filter(({ kind }) => kind === "date")).toEqual([
      { kind: "date", tick: expect.any(Number), seconds: expect.closeTo(86_460, -1) },
    ]);
    // The other way round: a clock that is behind turns nothing back.
    utc -= 40_000;
    await copy.run({ wallSeconds: 0.01 });
    expect(await dateOf(copy)).toBe("03 01 00 00");
  });

  it("keeps title, components, console and what was typed ahead", async () => {
    const machine = await boot("hello");
    await machine.run({ text: "\n> " });
    machine.serial(0).write("abc\rq");
    const components = [{ id: "hello", licence: "MIT", files: (await bootRecord(machine.config.boot)).images }];
    const bytes = await snapshotBytes(machine, { title: "A greeting", components });
    const { manifest } = await SnapshotFile.open(new MemorySource(bytes));
    expect([manifest.title, manifest.components, manifest.created]).toEqual(["A greeting", components, "2025-01-31T12:00:00Z"]);
    expect(manifest.terminal.at(-1)).toBe(">");
    const copy = await open(bytes);
    expect(Buffer.from(copy.terminal).toString()).toContain("q halts the machine.");
    expect(Buffer.from(await snapshotBytes(copy, { title: undefined })).equals(Buffer.from(bytes))).toBe(true);
    const output = outputOf(copy);
    const { exit } = await copy.run({ instructions: 10_000_000 });
    expect([output(), exit?.reason]).toEqual([expect.stringContaining("abc\r\n\r\nHalting.\r\n"), "halted"]);
  });

  it("loses no typed input, however much of it waits and wherever", async () => {
    // More than the chip's queue of 64 KB holds.
    const text = `${"x".repeat(150)}\r`.repeat(1000);
    const straight = await boot("hello");
    await straight.run({ text: "\n> " });
    straight.serial(0).write(text);
    let moved = await open(await snapshotBytes(await copyOf(straight)));
    let echoed = "";
    for (let move = 0; move < 6; move++) {
      const output = outputOf(moved);
      await moved.run({ instructions: straight.instructions + (move + 1) * 700_000 });
      echoed += output();
      moved = await open(await snapshotBytes(moved));
    }
    const output = outputOf(moved);
    const whole = outputOf(straight);
    const last = straight.instructions + 6_000_000;
    for (const machine of [straight, moved]) await machine.run({ instructions: last });
    expect(echoed + output()).toBe(whole());
    expect(whole().length).toBeGreaterThan(50_000);
    expect(await moved.stateHash()).toBe(await straight.stateHash());
  });

  it("goes on in real time from the guest's time, whatever passed on the host", async () => {
    const machine = await Machine.create({ boot: { kind: "sector", image: image("hello") }, memoryMb: 1 }, { wasm: await wasm() });
    await machine.run({ text: "\n> " });
    const { guestSeconds } = machine;
    const copy = await open(await snapshotBytes(machine));
    expect(copy.guestSeconds).toBe(guestSeconds);
    await copy.run({ wallSeconds: 0.3 });
    // A slow host makes guest time slower, never faster.
    expect(copy.guestSeconds).toBeGreaterThan(guestSeconds);
    expect(copy.guestSeconds - guestSeconds).toBeLessThan(2);
  });

  it("resets with its images, and ends without them", async () => {
    const machine = await boot("hello");
    await machine.run({ text: "\n> " });
    const bytes = await snapshotBytes(machine);
    const whole = await open(bytes, { boot: { kind: "sector", image: image("hello") } });
    const output = outputOf(whole);
    whole.reset();
    await whole.run({ text: "\n> " });
    expect(output()).toContain("q halts the machine.");
    const bare = await open(bytes);
    bare.reset();
    expect([bare.state, bare.exit?.reason]).toEqual(["ended", "reset-without-images"]);
    await expect(open(bytes, { boot: { kind: "sector", image: image("teaching") } })).rejects.toThrow(BadArgument);
    await expect(open(bytes, { boot: { kind: "sector", image: image("teaching") } })).rejects.toThrow(/SHA-256/);
  });

  it("builds upon an earlier snapshot by the core's write epochs", async () => {
    const machine = await boot("teaching", 16);
    await machine.run({ instructions: 500_000 });
    const first = await snapshotBytes(machine);
    const parent = await SnapshotFile.open(new MemorySource(first));
    const changed = machine.trackWrites();
    await machine.run({ instructions: 900_000 });
    const second = await snapshotBytes(machine, { parent: { id: parent.id, isParents: (frame) => !changed.has(frame) } });
    expect(second.length).toBeLessThan(first.length * 0.9);
    const copy = await open(second, { parent });
    expect(await copy.stateHash()).toBe(await machine.stateHash());
    await expect(open(second)).rejects.toThrow(/which was not given/);
  });

  it("holds the disks, those that are read-only too", async () => {
    const disks = [
      new MemoryDisk(200_192, { name: "/home/me/data" }),
      new MemoryDisk(1 << 20, { name: "cd", readOnly: true, contents: Uint8Array.of(7) }),
    ];
    const data = Uint8Array.from({ length: 70_000 }, (_, i) => i);
    await disks[0]!.write(130_192, data);
    const machine = await Machine.create(
      { boot: { kind: "sector", image: image("hello") }, memoryMb: 1, clock: { kind: "deterministic" }, disks },
      { wasm: await wasm() },
    );
    await machine.run({ instructions: 1000 });
    const bytes = await snapshotBytes(machine);
    const copy = await open(bytes);
    expect(copy.config.disks.map(({ name, bytes: size, readOnly }) => [name, size, readOnly])).toEqual([
      ["data", 200_192, false],
      ["cd", 1 << 20, true],
    ]);
    expect(Buffer.from(await copy.config.disks[0]!.read(130_192, 70_000)).equals(Buffer.from(data))).toBe(true);
    expect([...(await copy.config.disks[1]!.read(0, 2))]).toEqual([7, 0]);
    await expect(copy.config.disks[1]!.write(0, data)).rejects.toThrow(/read-only/);
    expect(Buffer.from(await snapshotBytes(copy)).equals(Buffer.from(bytes))).toBe(true);
    await expect(open(bytes, { disk: () => new MemoryDisk(512) })).rejects.toThrow(/200192 bytes, the one given for it 512/);
  });

  it("is refused while the machine runs", async () => {
    const machine = await boot("hello");
    machine.start();
    await expect(snapshotBytes(machine)).rejects.toThrow(/pause it first/);
    machine.pause();
  });
});

describe("files of earlier versions", () => {
  // Files stay here for ever; a build that cannot go on with one of them is broken.
  const fixture = (name: string): Uint8Array => Uint8Array.from(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));

  it("version 1: the teaching kernel goes on and passes its checks", async () => {
    const machine = await open(fixture("v1-teaching.vitrine"));
    const output = outputOf(machine);
    const { exit } = await machine.run({ instructions: 60_000_000 });
    expect([output(), exit?.reason]).toEqual([expect.stringMatching(/all \d+ checks passed/), "halted"]);
  });

  it("version 1: typed input that waited is read", async () => {
    const machine = await open(fixture("v1-hello-typed.vitrine"));
    const output = outputOf(machine);
    const { exit } = await machine.run({ instructions: 10_000_000 });
    expect([output(), exit?.reason]).toEqual([expect.stringContaining("abc\r\n\r\nHalting."), "halted"]);
  });
});

describe("other builds", () => {
  it("a machine that this build does not have is refused", async () => {
    const { configOf } = await import("../../web/machine/snapshotting");
    const { manifest } = await SnapshotFile.open(new MemorySource(await snapshotBytes(await boot("hello"), { created: CREATED })));
    expect(configOf(manifest.machine).memoryMb).toBe(1);
    expect(() => configOf({ ...manifest.machine, cpu: "pentium9" })).toThrow(SnapshotIncompatible);
    expect(() => configOf({ ...manifest.machine, shadow: "none" })).toThrow(/Use a newer Vitrine/);
  });
});

/** The same machine once more, with the input that waits for it. */
async function copyOf(machine: Machine): Promise<Machine> {
  return open(await snapshotBytes(machine));
}

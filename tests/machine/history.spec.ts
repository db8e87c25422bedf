/** Going back in time: every step back is in the state that going forward had there, with inputs, timers, disks and real time. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { bootImage } from "../../web/assembler/boot-image";
import { DiskJournal } from "../../web/machine/disk-journal";
import { Machine } from "../../web/machine/machine";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { coreWasm } from "../tools/core";

const wasm = await WebAssembly.compile(coreWasm());

/** Sends what comes on COM1 back, with a timer interrupt that counts, memory that is written, and HLT between. */
const ECHO = `
  bits 16
  org 0x7c00
      cli
      xor ax, ax
      mov ds, ax
      mov ss, ax
      mov sp, 0x7c00
      mov word [8 * 4], tick
      mov word [8 * 4 + 2], 0
      mov al, 0x11
      out 0x20, al
      mov al, 8
      out 0x21, al
      mov al, 4
      out 0x21, al
      mov al, 1
      out 0x21, al
      mov al, 0xfe
      out 0x21, al
      mov al, 0x34
      out 0x43, al
      mov al, 0
      out 0x40, al
      mov al, 1
      out 0x40, al
      sti
  next:
      mov cx, 100
  work:
      mov bx, cx
      inc word [bx + 0x2000]
      loop work
      mov dx, 0x3fd
      in al, dx
      test al, 1
      jz rest
      mov dx, 0x3f8
      in al, dx
      out dx, al
      mov [0x3000], al
  echoed:
      jmp next
  rest:
      hlt
      jmp next
  tick:
      push ax
      inc word [0x1000]
      mov al, 0x20
      out 0x20, al
      pop ax
      iret`;

async function echo(kind: "deterministic" | "realtime", accel: "interp" | "jit" = "interp") {
  const program = assemble(ECHO, { bits: 16, org: 0x7c00 });
  expect(program.errors).toEqual([]);
  const machine = await Machine.create(
    { boot: { kind: "sector", image: bootImage(program, "sector") as Uint8Array }, memoryMb: 1, clock: { kind }, accel },
    { wasm },
  );
  let output = "";
  machine.serial(0).onData((bytes) => {
    output += new TextDecoder().decode(bytes);
  });
  return { machine, label: (name: string) => program.labels.get(name)!, output: () => output };
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const text = (machine: Machine): string => new TextDecoder().decode(machine.terminal);

describe.each(["deterministic", "realtime"] as const)("a %s machine", (kind) => {
  it("is, at every step back, as it was on the way forward", async () => {
    const { machine, output } = await echo(kind);
    machine.history.start();
    for (const word of ["one ", "two ", "three "]) {
      machine.serial(0).write(word);
      await machine.run({ text: word });
      await machine.run({ instructions: machine.instructions + 20_000 });
    }
    const hashes = new Map<number, string>();
    for (let n = 0; n < 60; n++) {
      hashes.set(machine.instructions, await machine.stateHash());
      await machine.step(1);
    }
    const shown = text(machine);
    for (let n = 0; n < 60; n++) {
      await machine.history.back();
      expect(await machine.stateHash(), `at ${machine.instructions}`).toBe(hashes.get(machine.instructions));
      expect(hashes.delete(machine.instructions)).toBe(true);
    }
    expect(text(machine)).toBe(shown);
    expect(output()).toBe(shown);
  });

  it("forgets on the screen what has not been sent yet, and sends it again on the way forward", async () => {
    const { machine, output } = await echo(kind);
    machine.history.start();
    const start = machine.instructions;
    machine.serial(0).write("abc");
    await machine.run({ text: "abc" });
    await machine.run({ instructions: machine.instructions + 5000 });
    const end = machine.instructions;
    const hash = await machine.stateHash();
    await machine.history.to(start + 10);
    expect([text(machine), output(), machine.history.isPast, machine.history.newest]).toEqual(["", "abc", true, end]);
    expect(await machine.step(end - machine.instructions)).toBe(end - start - 10);
    expect(await machine.stateHash()).toBe(hash);
    expect([text(machine), output(), machine.history.isPast]).toEqual(["abc", "abcabc", false]);
    // Again, by one way only.
    await machine.history.to(start);
    await machine.history.to(end);
    expect([await machine.stateHash(), output(), machine.history.isPast]).toEqual([hash, "abcabc", false]);
  });

  it("makes another future where it is given another input", async () => {
    const { machine } = await echo(kind);
    machine.history.start();
    await machine.run({ instructions: 30_000 });
    machine.serial(0).write("before");
    await machine.run({ text: "before" });
    await machine.history.to(20_000);
    machine.serial(0).write("after");
    await machine.run({ text: "after", instructions: 1_000_000 });
    expect([text(machine), machine.history.isPast]).toEqual(["after", false]);
    await machine.history.to(20_600);
    expect(text(machine)).toBe("after".slice(0, text(machine).length));
  });
});

it("keeps what was typed and not yet taken for when it comes back", async () => {
  const { machine } = await echo("deterministic");
  machine.history.start();
  await machine.run({ instructions: 10_000 });
  machine.serial(0).write("late");
  await machine.history.back(500);
  expect(await machine.run({ text: "late", instructions: 5_000_000 })).toMatchObject({ reason: "text" });
});

it.each(["interp", "jit"] as const)("goes back to the last breakpoint, write and exit, one after the other (%s)", async (accel) => {
  const { machine, label } = await echo("deterministic", accel);
  machine.history.start();
  machine.serial(0).write("xyz");
  const stops = [
    machine.debug.add({ kind: "execute", address: label("echoed") }),
    machine.debug.add({ kind: "access", address: 0x1000, bytes: 2, on: "write" }),
    machine.debug.add({ kind: "exit", reason: "IoWrite", port: 0x20 }),
  ];
  const forward: unknown[] = [];
  const limit = 9_000;
  while (machine.instructions < limit) {
    const { reason } = await machine.run({ instructions: limit });
    if (reason !== "breakpoint") break;
    forward.push([machine.instructions, machine.debug.cause, await machine.stateHash()]);
  }
  expect(forward.length).toBeGreaterThan(5);
  const backward: unknown[] = [];
  while (await machine.history.backToLast()) backward.unshift([machine.instructions, machine.debug.cause, await machine.stateHash()]);
  expect(backward).toEqual(forward);
  const hits = stops.map((stop) => stop.hits);
  // Nothing before: the machine stays; and forward it finds them again.
  expect(machine.instructions).toBe((forward[0] as number[])[0]);
  await machine.run({ instructions: limit });
  expect([machine.instructions, machine.debug.cause]).toEqual((forward[1] as unknown[]).slice(0, 2));
  expect(stops.reduce((sum, stop) => sum + stop.hits, 0)).toBe(hits.reduce((sum, n) => sum + n, 1));
});

it("comes back from a guest's end, and ends again", async () => {
  const program = assemble("bits 16\norg 0x7c00\nmov ax, 5\ninc ax\ncli\nhlt", { bits: 16, org: 0x7c00 });
  const machine = await Machine.create(
    { boot: { kind: "sector", image: bootImage(program, "sector") as Uint8Array }, memoryMb: 1, clock: { kind: "deterministic" } },
    { wasm },
  );
  machine.history.start();
  expect((await machine.run({})).exit?.reason).toBe("halted");
  await machine.history.back(2);
  expect([machine.state, machine.exit, machine.inspect.registers().rax]).toEqual(["paused", null, 6n]);
  await machine.history.back();
  expect(machine.inspect.registers().rax).toBe(5n);
  expect((await machine.run({})).exit?.reason).toBe("halted");
});

it("says what cannot be gone back to", async () => {
  const { machine } = await echo("deterministic");
  await expect(machine.history.back()).rejects.toThrow("nothing is recorded");
  await machine.run({ instructions: 100 });
  machine.history.start();
  await machine.run({ instructions: 200 });
  await expect(machine.history.to(99)).rejects.toThrow("99 lies outside what is recorded: 100 to 200 instructions");
  machine.reset();
  expect(machine.history.oldest).toBe(200);
  expect(() => machine.history.start({ memoryMb: 0.001 })).toThrow("takes 1 MB");
});

it("puts back what disks held", async () => {
  const disk = new MemoryDisk(0x40000, { contents: Uint8Array.from({ length: 0x30000 }, (_, n) => n * 7) });
  const journal = new DiskJournal();
  const followed = journal.follow(disk);
  const before = await disk.read(0, disk.bytes);
  await followed.write(0, Uint8Array.of(1));
  expect(journal.bytes).toBe(0);
  journal.isOn = true;
  const at = [journal.mark];
  const held = [await disk.read(0, disk.bytes)];
  for (const [offset, length] of [
    [512, 1024],
    [0x10000 - 512, 1024],
    [600, 512],
  ] as const) {
    const data = new Uint8Array(length).fill(offset & 0xff || 9);
    const written = followed.write(offset, data);
    data.fill(0);
    await written;
    at.push(journal.mark);
    held.push(await disk.read(0, disk.bytes));
  }
  await followed.trim(0, disk.bytes);
  expect((await disk.read(0, disk.bytes)).every((byte) => byte === 0)).toBe(true);
  for (let n = 3; n >= 0; n--) {
    await journal.rollBack(at[n]!);
    expect(same(await disk.read(0, disk.bytes), held[n]!), `moment ${n}`).toBe(true);
  }
  expect(journal.bytes).toBe(0);
  expect(same(held[0]!.subarray(1), before.subarray(1))).toBe(true);
});

/** What the Devices and Memory panels are told: virtqueues, registers by name, the state of pages; bytes are found and written. */
import { expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { bootImage } from "../../web/assembler/boot-image";
import { registerName } from "../../web/lib/register-names";
import { Machine } from "../../web/machine/machine";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { coreWasm } from "../tools/core";

const PAGE = 0x200;
/** A legacy driver as far as its queue, with five chains made available of which it tells nobody. */
const program = (port: number): string => `
        mov dx, ${port + 14}
        xor eax, eax
        out dx, ax
        mov dx, ${port + 8}
        mov eax, ${PAGE}
        out dx, eax
        mov word [${PAGE * 4096 + 256 * 16 + 2}], 5
        mov word [${PAGE * 4096 + 0x2000 + 2}], 3
        cli
        hlt
`;

const machineWith = (source: string): Promise<Machine> => {
  const built = assemble(source, { bits: 32, org: 0x100000 });
  expect(built.errors).toEqual([]);
  const kernel = bootImage(built, "flat32") as Uint8Array;
  return Machine.create(
    {
      boot: { kind: "multiboot", kernel, commandLine: "" },
      memoryMb: 4,
      clock: { kind: "deterministic" },
      disks: [new MemoryDisk(1 << 20)],
    },
    { wasm: coreWasm() },
  );
};

it("shows a virtqueue with both sides' indices, and names the registers where the guest put them", async () => {
  const { first } = (await machineWith("hlt")).inspect.board("virtio-blk0").chosen!.ports[0]!;
  const machine = await machineWith(program(first));
  expect(machine.inspect.board("virtio-blk0").chosen!.queues).toMatchObject([{ enabled: false, size: 256, taken: 0, given: 0 }]);
  await machine.run({ instructions: 100 });
  const { chosen, devices } = machine.inspect.board("virtio-blk0");
  expect(chosen!.queues).toEqual([
    {
      ...{ enabled: true, size: 256, descriptors: PAGE * 4096, available: PAGE * 4096 + 0x1000, used: PAGE * 4096 + 0x2000 },
      ...{ taken: 0, given: 0, availableIndex: 5, usedIndex: 3 },
    },
  ]);
  expect(devices.find(({ name }) => name === "virtio-blk0")).toMatchObject({ reads: 0, writes: 2, guestErrors: 0 });
  expect([14, 8, 0x14, 1].map((offset) => registerName(chosen!, "port", first + offset))).toEqual([
    "queue select",
    "queue address",
    "device configuration",
    "",
  ]);
  const memory = chosen!.memory[0]!.first;
  expect([20, 0x1000, 0x3000].map((offset) => registerName(chosen!, "memory", memory + offset))).toEqual([
    "device status",
    "ISR status",
    "queue notify",
  ]);
  const com1 = machine.inspect.board("com1").chosen!;
  expect([registerName(com1, "port", 0x3fd), registerName(com1, "port", 0x21)]).toEqual(["COM1: line status", "8259A master: mask (OCW1)"]);
  expect(registerName({ part: "local APIC", ports: [], memory: [{ first: 0xfee00000, last: 0xfee00fff }] }, "memory", 0xfee000b0)).toBe(
    "EOI",
  );
  expect(machine.inspect.board("nothing").chosen).toBeUndefined();
});

it("knows what pages are, finds bytes over their borders, and writes to RAM alone", async () => {
  const machine = await machineWith(program(0x80));
  const { inspect } = machine;
  inspect.core.beginWriteEpoch();
  await machine.run({ instructions: 100 });
  const state = (linear: number) => inspect.memory(linear, 1)[0]!.page;
  const nothing = { zero: false, code: false, table: false, written: false };
  expect(state(0x100000)).toEqual({ ...nothing, code: true });
  expect(state(PAGE * 4096 + 0x1000)).toEqual({ ...nothing, written: true });
  expect(state(0x300000)).toEqual({ ...nothing, zero: true });
  expect(inspect.memory(0xb8000, 1)[0]!.kind === "ram" || state(0xb8000) === undefined).toBe(true);

  const bytes = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);
  expect(inspect.poke(0x300ffe, bytes)).toBe(true);
  expect([state(0x300000), state(0x301000)]).toEqual([
    { ...nothing, written: true },
    { ...nothing, written: true },
  ]);
  expect([inspect.find(0, bytes), inspect.find(0x300ffe, bytes), inspect.find(0x300fff, bytes)]).toEqual([0x300ffe, 0x300ffe, 0x300ffe]);
  expect(inspect.find(0, Uint8Array.of(0xde, 0xad, 0xbe, 0xee))).toBeUndefined();
  // Beyond RAM: nothing is written, not even the part that would be RAM.
  expect(inspect.poke(4 * 0x100000 - 2, bytes)).toBe(false);
  expect(inspect.memory(4 * 0x100000 - 2, 2)[0]!.bytes).toEqual(new Uint8Array(2));
});

it("leads from each vector to its handler: in real mode by the vector table, in protected mode by the IDT", async () => {
  const sector = (source: string): Promise<Machine> => {
    const built = assemble(source);
    expect(built.errors).toEqual([]);
    return Machine.create(
      { boot: { kind: "sector", image: bootImage(built, "sector") as Uint8Array }, memoryMb: 1, clock: { kind: "deterministic" } },
      { wasm: coreWasm() },
    );
  };
  const real = await sector("bits 16\norg 0x7c00\n mov word [4*0x20], 0x1234\n mov word [4*0x20+2], 0xf000\n cli\n hlt");
  await real.run({ instructions: 10 });
  expect(real.inspect.gate(0x20)).toEqual({ vector: 0x20, present: true, selector: 0xf000, handler: 0x1234 });

  const flat = await machineWith(`
        lidt [table]
        cli
        hlt
        align 8
idt:    times 0x20 dq 0
        dw 0x5678, 0x08, 0x8e00, 0x0010
        dw 0x5678, 0x08, 0x0e00, 0x0010
table:  dw 0x22 * 8 - 1
        dd idt
`);
  await flat.run({ instructions: 10 });
  expect(flat.inspect.gate(0x20)).toEqual({ vector: 0x20, present: true, selector: 8, handler: 0x105678 });
  expect([flat.inspect.gate(0x21).present, flat.inspect.gate(0x22).present]).toEqual([false, false]);
  const { gates, apic } = flat.inspect.board("pit");
  expect(gates.map(({ vector }) => vector)).toEqual(gates.map(({ vector }) => vector).toSorted((a, b) => a - b));
  expect(apic!.pins).toHaveLength(24);
  expect(apic!.pins.every(({ masked }) => masked)).toBe(true);
});

/** The tables that SeaBIOS makes of this board, as an operating system finds them in memory (ACPI 1.0b, SMBIOS 2.8, MP 1.4). */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { Machine } from "../../web/machine/machine";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { coreWasm } from "../tools/core";
import { findSeabios } from "./seabios";

const BIOS_AREA = { first: 0xe0000, bytes: 0x20000 } as const;

async function booted(): Promise<Machine> {
  const { bios, vgabios } = await findSeabios();
  const { bytes } = assemble("bits 16\norg 0x7c00\nmov dx, 0x3f8\nmov al, '?'\nout dx, al\njmp $");
  const floppy = new MemoryDisk(1440 * 1024, { name: "a" });
  await floppy.write(0, Uint8Array.from(bytes));
  await floppy.write(510, Uint8Array.of(0x55, 0xaa));
  const machine = await Machine.create(
    {
      boot: {
        kind: "firmware",
        rom: new Uint8Array(readFileSync(bios)),
        videoRom: new Uint8Array(readFileSync(vgabios)),
        bootOrder: ["floppy"],
      },
      ...{ memoryMb: 32, drives: [{ slot: "fda", media: "floppy", disk: floppy }], clock: { kind: "deterministic" } },
    },
    { wasm: coreWasm() },
  );
  expect((await machine.run({ text: "?", wallSeconds: 100 })).reason).toBe("text");
  return machine;
}

/** Linear addresses are physical ones: the guest has not turned paging on. */
function memory(machine: Machine, address: number, length: number): DataView<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of machine.inspect.memory(address, length)) {
    if (piece.bytes) bytes.set(piece.bytes, at);
    at += piece.length;
  }
  return new DataView(bytes.buffer);
}

const text = (view: DataView, at: number, length: number): string =>
  String.fromCharCode(...Array.from({ length }, (_, i) => view.getUint8(at + i)));
const sum = (view: DataView, length = view.byteLength): number =>
  Array.from({ length }, (_, i) => view.getUint8(i)).reduce((total, byte) => (total + byte) & 0xff, 0);

it("are found, add up to zero, and describe this board", { timeout: 120_000 }, async () => {
  const machine = await booted();
  const area = memory(machine, BIOS_AREA.first, BIOS_AREA.bytes);
  const find = (signature: string): number | undefined => {
    for (let at = 0; at < BIOS_AREA.bytes; at += 16) if (text(area, at, signature.length) === signature) return BIOS_AREA.first + at;
    return undefined;
  };

  const rsdp = memory(machine, find("RSD PTR ")!, 20);
  expect(sum(rsdp)).toBe(0);
  const table = (address: number): DataView<ArrayBuffer> => {
    const whole = memory(machine, address, memory(machine, address, 8).getUint32(4, true));
    expect(sum(whole), text(whole, 0, 4)).toBe(0);
    return whole;
  };
  const rsdt = table(rsdp.getUint32(16, true));
  const tables = new Map<string, DataView>();
  for (let at = 36; at < rsdt.byteLength; at += 4) {
    const each = table(rsdt.getUint32(at, true));
    tables.set(text(each, 0, 4), each);
  }
  expect([...tables.keys()]).toEqual(expect.arrayContaining(["FACP", "APIC", "HPET", "SSDT"]));

  // FADT: SCI on IRQ 9, power management where PMBASE says, ACPI turned on by F1h to B2h, a power button and a C2 that is too slow.
  const fadt = tables.get("FACP")!;
  const base = fadt.getUint32(56, true);
  expect(fadt.getUint16(46, true)).toBe(9);
  expect([fadt.getUint32(48, true), fadt.getUint8(52), fadt.getUint8(53)]).toEqual([0xb2, 0xf1, 0xf0]);
  expect([fadt.getUint32(64, true) - base, fadt.getUint32(76, true) - base, fadt.getUint32(80, true)]).toEqual([4, 8, 0xafe0]);
  const dsdt = table(fadt.getUint32(40, true));
  expect(text(dsdt, 0, 4)).toBe("DSDT");
  // Soft off is in one of the tables with code, and so are the devices of the board.
  const code = [dsdt, tables.get("SSDT")!].map((each) => text(each, 0, each.byteLength)).join("");
  const missing = ["_S5_", "PCI0", "LNKA", "HPET"].filter((name) => !code.includes(name));
  expect(missing).toEqual([]);

  // MADT: the local APIC and one I/O APIC, the 8254 on its pin 2.
  const madt = tables.get("APIC")!;
  expect(madt.getUint32(36, true)).toBe(0xfee00000);
  const entries: string[] = [];
  for (let at = 44; at < madt.byteLength; at += madt.getUint8(at + 1))
    entries.push(
      text(madt, at, madt.getUint8(at + 1))
        .split("")
        .map((char) => char.charCodeAt(0).toString(16))
        .join(" "),
    );
  expect(entries.filter((entry) => entry.startsWith("0 ") && entry.split(" ")[4] === "1")).toHaveLength(1);
  expect(entries.filter((entry) => entry.startsWith("1 "))).toEqual([expect.stringMatching(/^1 c \S+ 0 0 0 c0 fe 0 0 0 0$/)]);
  expect(entries).toContain("2 a 0 0 2 0 0 0 0 0");

  expect(tables.get("HPET")!.getUint32(44, true)).toBe(0xfed00000);

  const smbios = memory(machine, find("_SM_")!, 31);
  expect(sum(smbios, smbios.getUint8(5))).toBe(0);
  expect(text(smbios, 16, 5)).toBe("_DMI_");
  expect(sum(memory(machine, find("_MP_")!, 16))).toBe(0);
});

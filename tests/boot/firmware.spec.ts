/**
 * SeaBIOS on our board (Debian's package `seabios`): a boot sector of our own asks it for memory, drives and sectors, and
 * says on COM1 what it got; the machine is saved in the middle of it, reset, and turned off.
 */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import type { DriveConfig } from "../../web/machine/drives";
import { Machine } from "../../web/machine/machine";
import { MemorySink, MemorySource } from "../../web/snapshot/byte-store";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { coreWasm } from "../tools/core";
import { findSeabios } from "./seabios";

/** Prints [name] and AX for each question, then waits for a key on COM1: r resets by CF9h, o turns off by ACPI. */
const PROGRAM = `
    bits 16
    org 0x7c00
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        int 0x12
        mov bl, 'm'
        call tell
        mov dx, 0x0000
        call sector
        mov bl, 'a'
        call tell
        mov dx, 0x0080
        call sector
        mov bl, 'c'
        call tell
        ; Written, and read again.
        mov word [0x9000], 0x1234
        mov ax, 0x0301
        mov bx, 0x9000
        mov cx, 0x0003
        mov dx, 0x0080
        int 0x13
        mov word [0x9000], 0
        mov ax, 0x0201
        mov cx, 0x0003
        int 0x13
        mov ax, [0x9000]
        mov bl, 'w'
        call tell
        ; PCI BIOS: is it there?
        mov ax, 0xb101
        int 0x1a
        mov bl, 'p'
        call tell
        mov al, '?'
        call send
    wait_key:
        mov dx, 0x3fd
        in al, dx
        test al, 1
        jz wait_key
        mov dx, 0x3f8
        in al, dx
        cmp al, 'o'
        je off
        mov dx, 0xcf9
        mov al, 2
        out dx, al
        mov al, 6
        out dx, al
    off:
        mov dx, 0x604
        mov ax, 0x2000
        out dx, ax
        mov dx, 0xb004
        out dx, ax
        hlt

    ; Reads sector 2 of drive DL; its first word, or the error, in AX.
    sector:
        mov ax, 0x0201
        mov bx, 0x9000
        mov cx, 0x0002
        int 0x13
        jc .failed
        mov ax, [0x9000]
    .failed:
        ret

    tell:
        push ax
        mov al, bl
        call send
        pop ax
        mov cx, 4
    .digit:
        rol ax, 4
        push ax
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .decimal
        add al, 7
    .decimal:
        call send
        pop ax
        loop .digit
        mov al, ' '
    send:
        push dx
        push ax
        mov dx, 0x3fd
    .full:
        in al, dx
        test al, 0x20
        jz .full
        pop ax
        mov dx, 0x3f8
        out dx, al
        pop dx
        ret`;

let rom: Uint8Array;
let videoRom: Uint8Array;

beforeAll(async () => {
  const { bios, vgabios } = await findSeabios();
  rom = new Uint8Array(readFileSync(bios));
  videoRom = new Uint8Array(readFileSync(vgabios));
});

function drives(): DriveConfig[] {
  const { bytes, errors } = assemble(PROGRAM);
  expect(errors).toEqual([]);
  const floppy = new MemoryDisk(1440 * 1024, { name: "a" });
  void floppy.write(0, Uint8Array.from(bytes));
  void floppy.write(510, Uint8Array.of(0x55, 0xaa, 0xcd, 0xab));
  const disk = new MemoryDisk(8 * 0x100000, { name: "c" });
  void disk.write(512, Uint8Array.of(0xef, 0xbe));
  return [
    { slot: "fda", media: "floppy", disk: floppy },
    { slot: "hda", media: "disk", disk },
  ];
}

async function start() {
  const machine = await Machine.create(
    {
      boot: { kind: "firmware", rom, videoRom, bootOrder: ["floppy"] },
      ...{ memoryMb: 16, drives: drives(), clock: { kind: "deterministic" } },
    },
    { wasm: coreWasm() },
  );
  return { machine, text: textOf(machine) };
}
function textOf(machine: Machine) {
  let text = "";
  machine.serial(0).onData((bytes) => {
    text += String.fromCharCode(...bytes);
  });
  return () => text;
}

const ANSWER = "m027F aABCD cBEEF w1234 p0001 ?";
const PATIENCE = { wallSeconds: 100, text: "?" } as const;

describe("SeaBIOS", () => {
  it("boots a floppy, and serves memory, floppy, disk and PCI; resets by CF9h, and turns off by ACPI", { timeout: 120_000 }, async () => {
    const { machine, text } = await start();
    expect((await machine.run(PATIENCE)).reason).toBe("text");
    expect(text()).toBe(ANSWER);
    const first = machine.instructions;
    machine.serial(0).write(new TextEncoder().encode("r"));
    expect((await machine.run(PATIENCE)).reason).toBe("text");
    expect(text()).toBe(ANSWER + ANSWER);
    expect(machine.instructions).toBeGreaterThan(1.5 * first);
    machine.serial(0).write(new TextEncoder().encode("o"));
    const { exit } = await machine.run({ wallSeconds: 100 });
    expect(exit?.message).toBe("The guest switched the machine off.");
  });

  it("is the same to the bit after being saved in the middle and resumed, whatever it was doing", { timeout: 120_000 }, async () => {
    const { machine } = await start();
    await machine.run(PATIENCE);
    const { instructions } = machine;
    const end = await machine.stateHash();
    for (const part of [0.2, 0.7, 0.97]) {
      const { machine: original } = await start();
      await original.run({ instructions: Math.floor(instructions * part) });
      const file = new MemorySink();
      await original.saveSnapshot(file);
      const resumed = await Machine.fromSnapshot(new MemorySource(file.toBytes()), { wasm: coreWasm(), lazy: part === 0.7 });
      const text = textOf(resumed);
      await resumed.run({ instructions, wallSeconds: 100 });
      expect([part, await resumed.stateHash()]).toEqual([part, end]);
      expect(ANSWER.endsWith(text())).toBe(true);
    }
  });
});

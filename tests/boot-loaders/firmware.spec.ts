/** ROMs in place of a boot image: sizes, places, what a guest sees of them, POST codes. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { planBoot } from "../../web/machine/boot/plan";
import { Machine } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";

const KB = 1024;
const plan = (bytes: number) => planBoot({ kind: "firmware", rom: new Uint8Array(bytes) }, 1 << 20);

/** A ROM that runs `source` (16-bit, org 0 at the start of its last 64 KB) from the reset vector. */
function rom(source: string, bytes: number): Uint8Array {
  const body = assemble(`bits 16\norg 0\n${source}`);
  const vector = assemble("bits 16\norg 0xfff0\njmp 0xf000:0");
  expect([...body.errors, ...vector.errors]).toEqual([]);
  const image = new Uint8Array(bytes).fill(0xf4);
  image.set(body.bytes, bytes - 64 * KB);
  image.set(vector.bytes, bytes - 16);
  return image;
}

async function power(image: Uint8Array, postPort?: number) {
  const machine = await Machine.create(
    {
      boot: { kind: "firmware", rom: image },
      memoryMb: 1,
      clock: { kind: "deterministic" },
      ...(postPort === undefined ? {} : { postPort }),
    },
    { wasm: coreWasm() },
  );
  const codes: number[] = [];
  machine.post.onCode((code) => codes.push(code));
  return { machine, codes };
}

describe("the image", () => {
  it.each([
    [64, [0xffff0000, 0xf0000]],
    [128, [0xfffe0000, 0xe0000]],
    [192, [0xfffd0000, 0xe0000]],
    [256, [0xfffc0000, 0xe0000]],
    [1024, [0xfff00000, 0xe0000]],
    [2048, [0xffe00000, 0xe0000]],
    [16384, [0xff000000, 0xe0000]],
  ])("of %i KB ends below 4 GB and below 1 MB", (kilobytes, addresses) => {
    const { roms } = plan(kilobytes * KB);
    expect(roms!.map(({ address }) => address)).toEqual(addresses);
    expect(roms!.map(({ address, data }) => address + data.length)).toEqual([2 ** 32, 2 ** 20]);
  });

  it.each([
    [0, /ROM: It is empty\. Choose another file\./],
    [512, /is 512 bytes, but a ROM has 64, 128 or 256 KB/],
    [65535, /is 65535 bytes, but/],
    [96 * KB, /is 96 KB, but/],
    [32768 * KB, /is 32 MB, but/],
  ])("of %i bytes is refused in one line", (bytes, message) => {
    expect(() => plan(bytes)).toThrow(message);
  });
});

describe("a guest", () => {
  it.each([64, 128, 256])("starts at the reset vector of a ROM of %i KB", async (kilobytes) => {
    const { machine, codes } = await power(rom("mov al, 0x5a\nout 0x80, al\nhlt", kilobytes * KB));
    await machine.run({ instructions: 1 });
    // The jump leaves the alias below 4 GB.
    const { exit } = await machine.run({ instructions: 100 });
    expect(exit?.reason).toBe("halted");
    expect(codes).toEqual([0x5a]);
    expect((await machine.stats()).postCode).toBe(0x5a);
  });

  it("reads its ROM in both places, and cannot write it", async () => {
    const source = `
      mov ax, cs
      mov ds, ax
      mov byte [0x8000], 1
      mov al, [0x8000]
      out 0x80, al
      cli
      lgdt [gdtr]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      mov ax, 8
      mov ds, ax
      mov dword [dword 0xffff8000], 2
      mov al, [dword 0xffff8000]
      out 0x80, al
      mov al, [dword 0xf8000]
      out 0x80, al
      hlt
    gdtr: dw 15
      dd 0xf0000 + gdt
    gdt: dd 0, 0, 0x0000ffff, 0x00cf9300`;
    const { machine, codes } = await power(rom(source, 64 * KB));
    await machine.run({ instructions: 1000 });
    expect(codes).toEqual([0xf4, 0xf4, 0xf4]);
  });

  it("is heard at another POST port, while port 80h stays a latch", async () => {
    const source = "mov al, 7\nout 0x80, al\nmov al, 0\nin al, 0x80\nmov dx, 0x190\nout dx, al\ninc al\nout dx, al\nhlt";
    const { machine, codes } = await power(rom(source, 64 * KB), 0x190);
    const { reason } = await machine.run({ postCode: 7 });
    expect([reason, codes]).toEqual(["post-code", [7]]);
    expect((await machine.run({})).reason).toBe("exit");
    expect(codes).toEqual([7, 8]);
  });

  it("starts anew after a reset, and a saved state goes on", async () => {
    const image = rom("mov al, 1\nout 0x80, al\nmov al, 2\nout 0x80, al\nmov al, 6\nmov dx, 0xcf9\nout dx, al\nhlt", 64 * KB);
    const { machine, codes } = await power(image);
    await machine.run({ postCode: 2 });
    const state = await machine.save();
    await machine.run({ postCode: 2 });
    expect(codes).toEqual([1, 2, 1, 2]);
    const other = await power(image);
    other.machine.load(state);
    await other.machine.run({ postCode: 2 });
    expect(other.codes).toEqual([1, 2]);
    expect(await other.machine.stateHash()).toBe(await machine.stateHash());
  });
});

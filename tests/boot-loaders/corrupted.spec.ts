/**
 * Damaged files: every truncated or random file given as image, kernel, initrd or module ends in ImageUnreadable
 * with one clear line; a file with any one byte changed is either refused in the same way or loads inside RAM.
 */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ImageUnreadable } from "../../web/lib/errors";
import { type BootConfig, planBoot } from "../../web/machine/boot/plan";
import { bzImage, cpio, multibootElf, multibootFlat, random, sectorImage, vmlinux } from "./images";

const RAM = 64 * 1048576;

type Boot = (file: Uint8Array) => BootConfig;
const kernel = bzImage();
const roles: Record<string, { valid: Uint8Array; boot: Boot }> = {
  "boot sector": { valid: sectorImage(), boot: (image) => ({ kind: "sector", image }) },
  bzImage: { valid: kernel, boot: (file) => ({ kind: "linux", kernel: file, commandLine: "" }) },
  vmlinux: { valid: vmlinux(), boot: (file) => ({ kind: "linux", kernel: file, commandLine: "" }) },
  "multiboot ELF": { valid: multibootElf(), boot: (file) => ({ kind: "multiboot", kernel: file, commandLine: "" }) },
  "multiboot with addresses": { valid: multibootFlat(), boot: (file) => ({ kind: "multiboot", kernel: file, commandLine: "" }) },
  "initrd, cpio": { valid: cpio(), boot: (initrd) => ({ kind: "linux", kernel, initrd, commandLine: "" }) },
  "initrd, gzip": { valid: Uint8Array.from(gzipSync(cpio())), boot: (initrd) => ({ kind: "linux", kernel, initrd, commandLine: "" }) },
  "setup header": { valid: kernel, boot: (bzImage) => ({ kind: "linux", kernel: vmlinux(), bzImage, commandLine: "" }) },
};

function refusal(config: BootConfig): ImageUnreadable | undefined {
  try {
    planBoot(config, RAM);
    return undefined;
  } catch (error) {
    if (error instanceof ImageUnreadable) return error;
    throw error;
  }
}

function expectOneClearLine(error: ImageUnreadable | undefined, what: string): void {
  expect(error, `${what} was accepted`).toBeDefined();
  expect(error!.message).toMatch(/^[\x20-\x7e]{20,240}$/);
  expect(error!.message, "says what to do").toMatch(/^[a-z 0-9]+: It .*\. [A-Z].*\.$/);
}

for (const [role, { valid, boot }] of Object.entries(roles)) {
  describe(role, () => {
    it("is accepted whole", () => expect(refusal(boot(valid))).toBeUndefined());

    it("is refused when truncated, at 60 lengths", () => {
      const next = random(valid.length);
      // A bzImage's last paragraph may be incomplete, and a cpio archive's final padding missing.
      const shortest = valid.length - 16;
      for (let i = 0; i < 60; i++) {
        const length = i < 12 ? [0, 1, 3, 7, 16, 31, 33, 52, 80, 110, 300, 511][i]! : next() % shortest;
        if (length < shortest) expectOneClearLine(refusal(boot(valid.slice(0, length))), `${length} of ${valid.length} bytes`);
      }
    });

    it("is refused when random, 30 files", () => {
      const next = random(77);
      for (let i = 0; i < 30; i++) {
        const file = Uint8Array.from({ length: 1 + (next() % 4096) }, () => next() >>> 9);
        expectOneClearLine(refusal(boot(file)), `random file ${i}`);
      }
    });

    it("is refused or still lies inside RAM with any one of its first 4 KB changed", () => {
      const next = random(4096);
      for (let at = 0; at < Math.min(valid.length, 4096); at++) {
        const file = valid.slice();
        file[at]! ^= 1 + (next() % 255);
        try {
          const { writes, clears } = planBoot(boot(file), RAM);
          for (const { address, data } of writes) expect(address + data.length).toBeLessThanOrEqual(RAM);
          for (const { address, length } of clears) expect(address + length).toBeLessThanOrEqual(RAM);
        } catch (error) {
          expect(error, `byte ${at}: ${error}`).toBeInstanceOf(ImageUnreadable);
        }
      }
    });
  });
}

describe("a signed bzImage", () => {
  // "PE Format": the header at the offset in 3Ch, and in it the place of the certificates, which lie behind the code.
  const certificates = 1000;
  const whole = new Uint8Array(kernel.length + certificates).fill(0x5a);
  whole.set(kernel);
  const view = new DataView(whole.buffer);
  whole.set([0x4d, 0x5a], 0);
  view.setUint32(0x3c, 0x40, true);
  whole.set([0x50, 0x45, 0, 0], 0x40);
  view.setUint16(0x58, 0x10b, true);
  view.setUint32(0x58 + 92, 6, true);
  view.setUint32(0x58 + 128, kernel.length, true);
  view.setUint32(0x58 + 132, certificates, true);
  const boot = (file: Uint8Array): BootConfig => ({ kind: "linux", kernel: file, commandLine: "" });

  it("is accepted whole and refused when its certificates are cut", () => {
    expect(refusal(boot(whole))).toBeUndefined();
    for (const lost of [1, 4, 16, 500, certificates])
      expectOneClearLine(refusal(boot(whole.slice(0, whole.length - lost))), `all but ${lost} bytes`);
  });
});

describe("absurd sizes", () => {
  const set = (image: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = image.slice();
    new DataView(copy.buffer).setUint32(at, value, true);
    return copy;
  };
  const linux: Boot = (file) => ({ kind: "linux", kernel: file, commandLine: "" });
  const cases: Record<string, BootConfig> = {
    "bzImage code size": linux(set(bzImage(), 0x1f4, 0xffffffff)),
    "bzImage entry": linux(set(bzImage(), 0x214, 0xfffffff0)),
    "bzImage init size": linux(set(bzImage(), 0x260, 0xffffffff)),
    "bzImage payload": linux(set(bzImage(), 0x24c, 0xffffffff)),
    "ELF program headers at 4 GB": linux(set(vmlinux(), 28, 0xfffffff0)),
    "ELF segment offset": linux(set(vmlinux(), 52 + 4, 0xffffffff)),
    "ELF segment file size": linux(set(vmlinux(), 52 + 16, 0xffffffff)),
    "ELF segment memory size": linux(set(vmlinux(), 52 + 20, 0xffffffff)),
    "ELF segment address": linux(set(vmlinux(), 52 + 12, 0xfffff000)),
    "ELF entry": linux(set(vmlinux(), 24, 0xdeadbeef)),
    "ELF overlapping segments": linux(set(vmlinux(), 84 + 12, 0x1000800)),
  };
  for (const [name, config] of Object.entries(cases)) it(name, () => expectOneClearLine(refusal(config), name));
});

/** Files are told apart by what they contain: the formats' own signatures, and what only resembles them. */
import { describe, expect, it } from "vitest";
import { detectImage, HEAD_BYTES, type ImageKind } from "../../web/protocol/image-kind";

function file(size: number, ...parts: readonly (readonly [at: number, bytes: readonly number[] | string])[]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const [at, part] of parts) bytes.set(typeof part === "string" ? [...part].map((char) => char.charCodeAt(0)) : part, at);
  return bytes;
}
const SIGNATURE = [510, [0x55, 0xaa]] as const;
const ELF32_I386 = [0, [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0]] as const;
const ELF64_AMD64 = [0, [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x3e, 0]] as const;
/** 1BADB002h, flags 3, and the checksum that makes them 0. */
const MULTIBOOT = [0x02, 0xb0, 0xad, 0x1b, 3, 0, 0, 0, 0xfb, 0x4f, 0x52, 0xe4];

const cases: readonly (readonly [what: string, image: Uint8Array, kind: ImageKind])[] = [
  ["bzImage, which has a boot signature too", file(4096, SIGNATURE, [0x202, "HdrS"]), "linux-kernel"],
  ["vmlinux", file(4096, ELF32_I386), "elf"],
  ["64-bit vmlinux", file(4096, ELF64_AMD64), "elf"],
  ["ELF for another machine", file(4096, ELF64_AMD64, [18, [0xb7]]), "unknown"],
  ["multiboot ELF", file(4096, ELF32_I386, [0x100, MULTIBOOT]), "multiboot"],
  ["multiboot header as late as it may be", file(8192, [8180, MULTIBOOT]), "multiboot"],
  ["multiboot header too late", file(9000, [8192, MULTIBOOT]), "unknown"],
  ["multiboot header not aligned", file(4096, [0x102, MULTIBOOT]), "unknown"],
  ["multiboot magic with a wrong checksum", file(4096, [0x100, MULTIBOOT.with(8, 0)]), "unknown"],
  ["boot sector", file(512, SIGNATURE), "boot-sector"],
  ["boot image of several sectors", file(512 * 40, SIGNATURE), "boot-sector"],
  ["boot image that is not whole sectors", file(513, SIGNATURE), "unknown"],
  ["floppy", file(1_474_560, SIGNATURE), "floppy"],
  ["hard disk", file(2 << 20, SIGNATURE), "disk"],
  ["hard disk that was cut short", file((2 << 20) + 100, SIGNATURE), "unknown"],
  ["CD", file(40_960, [0x8000, [1, 0x43, 0x44, 0x30, 0x30, 0x31]]), "cd"],
  ["CD that is a disk image, too", file(1 << 20, SIGNATURE, [0x8000, [1, 0x43, 0x44, 0x30, 0x30, 0x31]]), "cd"],
  ["cpio", file(600, [0, "070701"]), "initrd"],
  ["gzip", file(600, [0, [0x1f, 0x8b, 8]]), "initrd"],
  ["xz", file(600, [0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]]), "initrd"],
  ["zstd", file(600, [0, [0x28, 0xb5, 0x2f, 0xfd]]), "initrd"],
  ["one byte", file(1), "unknown"],
  ["nothing", file(0), "unknown"],
];

describe("detectImage", () => {
  it.each(cases)("%s", (_, image, kind) => {
    expect(detectImage(image.subarray(0, HEAD_BYTES), image.length).kind).toBe(kind);
  });

  it("says what an unusable file is", () => {
    expect(detectImage(file(0), 0).description).toBe("an empty file");
    expect(detectImage(file(512, SIGNATURE), 1_474_561).description).toContain("cut short");
    expect(detectImage(file(64, ELF64_AMD64, [18, [0xb7]]), 64).description).toContain("not for x86");
  });

  it("reads files of any length without failing", () => {
    for (let size = 0; size < 1100; size++) expect(() => detectImage(file(size).fill(0x1b), size)).not.toThrow();
  });
});

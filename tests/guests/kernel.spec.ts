import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { unpackLz4Legacy } from "../../web/guests/lz4";
import { unpackKernel } from "../../web/guests/unpack-kernel";
import { fakeVmlinux, makeBzImage, withSize } from "./synthetic";
import { bytes, concat, needTools, numbers, run, text } from "./tools";
import { XZ } from "./xz-samples";

const vmlinux = fakeVmlinux("kernel");

describe("LZ4 legacy frame", () => {
  const frame = (...block: number[]): Uint8Array => Uint8Array.of(0x02, 0x21, 0x4c, 0x18, block.length, 0, 0, 0, ...block);

  it("copies literals and overlapping matches", () => {
    // 3 literals "abc", then 4 + 5 bytes from 3 back, then 2 literals "de".
    const packed = frame(0x35, 0x61, 0x62, 0x63, 3, 0, 0x20, 0x64, 0x65);
    expect(text(unpackLz4Legacy(packed, 14))).toBe("abcabcabcabcde");
  });

  it("refuses matches before the beginning, output that does not fit, and missing blocks", () => {
    for (const [packed, size] of [
      [frame(0x35, 0x61, 0x62, 0x63, 4, 0, 0x20, 0x64, 0x65), 14],
      [frame(0x35, 0x61, 0x62, 0x63, 0, 0, 0x20, 0x64, 0x65), 14],
      [frame(0x30, 0x61, 0x62, 0x63), 2],
      [frame(0x30, 0x61, 0x62, 0x63), 4],
      [frame(0xf0, 0xff), 300],
    ] as const)
      expect(() => unpackLz4Legacy(packed, size)).toThrow(/damaged lz4/);
  });

  it("unpacks what the lz4 program packs, over several blocks", (context) => {
    needTools(context, "lz4");
    const next = numbers(9);
    const data = Uint8Array.from({ length: 9 << 20 }, (_, at) => (at % 1000 < 700 ? at & 15 : next(256)));
    expect(Buffer.compare(unpackLz4Legacy(run("lz4", ["-l", "-c", "-1"], data), data.length), data)).toBe(0);
  });
});

describe("kernel unpacking", () => {
  it("takes the ELF file out of plain, gzip and xz payloads", async (context) => {
    expect(await unpackKernel(makeBzImage(vmlinux))).toEqual(vmlinux);
    expect(await unpackKernel(makeBzImage(new Uint8Array(gzipSync(vmlinux))))).toEqual(vmlinux);
    needTools(context, "xz", "lz4");
    const xz = run("xz", ["-c", "--check=crc32", "--x86", "--lzma2=dict=32MiB"], vmlinux);
    expect(await unpackKernel(makeBzImage(withSize(xz, vmlinux.length)))).toEqual(vmlinux);
    const lz4 = run("lz4", ["-l", "-c"], vmlinux);
    expect(await unpackKernel(makeBzImage(withSize(lz4, vmlinux.length)))).toEqual(vmlinux);
  });

  it("leaves the relocations behind the ELF file away", async () => {
    const elf = new Uint8Array(52 + 32 + 100 + 80);
    const view = new DataView(elf.buffer);
    elf.set([0x7f, 0x45, 0x4c, 0x46]);
    view.setUint32(28, 52, true);
    view.setUint16(44, 1, true);
    view.setUint32(52 + 4, 84, true);
    view.setUint32(52 + 16, 100, true);
    view.setUint32(32, 184, true);
    view.setUint16(48, 2, true);
    expect(await unpackKernel(makeBzImage(concat(elf, new Uint8Array(4000).fill(7))))).toEqual(elf);
    expect(await unpackKernel(makeBzImage(elf))).toEqual(elf);
    // Section headers that are not the end say nothing about it.
    view.setUint32(52 + 16, 101 + 80, true);
    const longer = concat(elf, new Uint8Array(4000).fill(7));
    expect(await unpackKernel(makeBzImage(longer))).toEqual(longer);
  });

  it("names formats that only the kernel itself unpacks", async () => {
    for (const [magic, name] of [
      [[0x28, 0xb5, 0x2f, 0xfd], "zstd"],
      [[0x5d, 0, 0], "lzma"],
      [[0x42, 0x5a, 0x68], "bzip2"],
      [[1, 2, 3, 4], "an unknown format"],
    ] as const)
      await expect(unpackKernel(makeBzImage(withSize(concat(Uint8Array.from(magic), new Uint8Array(50)), 1000)))).rejects.toMatchObject({
        kind: "ImageUnreadable",
        image: "kernel",
        reason: expect.stringContaining(name),
      });
  });

  it("refuses what is no bzImage, is truncated, or unpacks to something else", async () => {
    const refuse = (image: Uint8Array, reason: RegExp): Promise<void> =>
      expect(unpackKernel(image)).rejects.toMatchObject({ kind: "ImageUnreadable", reason });
    await refuse(bytes("x".repeat(2000)), /no HdrS/);
    await refuse(new Uint8Array(0), /no HdrS/);
    const whole = makeBzImage(vmlinux);
    await refuse(whole.subarray(0, whole.length - 1), /truncated/);
    await refuse(makeBzImage(new Uint8Array(gzipSync("no ELF"))), /no ELF/);
    await refuse(makeBzImage(new Uint8Array(gzipSync(vmlinux)).subarray(0, -10)), /damaged gzip/);
    await refuse(makeBzImage(withSize(XZ.x86Crc32, 901)), /unpacks to 900 bytes but says 901/);
    await refuse(makeBzImage(withSize(XZ.x86Crc32, 0xffff_ffff)), /no kernel has/);
    const old = makeBzImage(vmlinux);
    old[0x206] = 7;
    await refuse(old, /does not say where/);
  });

  it("ends in ImageUnreadable for 300 damaged kernels, or is not hurt", async () => {
    const next = numbers(21);
    const whole = makeBzImage(withSize(XZ.x86Crc32, 900));
    const lz4 = makeBzImage(withSize(Uint8Array.of(2, 0x21, 0x4c, 0x18, 9, 0, 0, 0, 0x35, 0x61, 0x62, 0x63, 3, 0, 0x20, 0x64, 0x65), 14));
    for (let round = 0; round < 300; round++) {
      const damaged = (round % 2 ? whole : lz4).slice(0, round % 3 ? undefined : next(4000));
      for (let i = 0; i < 4; i++) damaged[0x1f0 + next(Math.max(1, damaged.length - 0x1f0))] = next(256);
      await unpackKernel(damaged).catch((error: unknown) => expect(error).toMatchObject({ kind: "ImageUnreadable" }));
    }
  });
});

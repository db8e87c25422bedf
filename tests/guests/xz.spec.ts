import { describe, expect, it } from "vitest";
import { undoX86BranchFilter } from "../../web/guests/branch-filter";
import { collect } from "../../web/guests/byte-reader";
import { crc32, crc64 } from "../../web/guests/checksum";
import { unxz } from "../../web/guests/xz";
import { unpackXzBlock } from "../../web/guests/xz-block";
import { bytes, chunked, needTools, numbers, run, text } from "./tools";
import { branchyBytes, XZ, XZ_TEXT } from "./xz-samples";

describe("check values", () => {
  it("are those of the catalogue for 123456789", () => {
    expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
    expect(crc64(bytes("123456789"))).toBe(0x995dc9bbdf1939fan);
    expect(crc32(new Uint8Array(0))).toBe(0);
    expect(crc64(new Uint8Array(0))).toBe(0n);
  });
});

describe("xz stream", () => {
  const unpack = async (data: Uint8Array, size: number): Promise<string> =>
    text(await collect(unxz(chunked(data, size), "it"), 1 << 20, "it"));

  it("unpacks whatever the chunks", async () => {
    for (const size of [1, 17, 1000]) expect(await unpack(XZ.plainCrc64, size)).toBe(XZ_TEXT);
  });

  it("says that data is damaged or truncated, and works again afterwards", async () => {
    for (const damaged of [
      XZ.plainCrc64.subarray(0, 90),
      XZ.plainCrc64.subarray(0, 5),
      new Uint8Array(0),
      bytes("nonsense, not xz at all"),
    ])
      await expect(unpack(damaged, 20)).rejects.toMatchObject({ kind: "GuestsError", problem: "damaged" });
    expect(await unpack(XZ.plainCrc64, 50)).toBe(XZ_TEXT);
  });

  it("passes errors of its source on", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield XZ.plainCrc64.subarray(0, 60);
      throw new Error("the cable came off");
    }
    await expect(collect(unxz(failing(), "it"), 1 << 20, "it")).rejects.toThrow("the cable came off");
    expect(await unpack(XZ.plainCrc64, 50)).toBe(XZ_TEXT);
  });

  it("takes turns when several are read at once, and when one is left early", async () => {
    const [a, b] = await Promise.all([unpack(XZ.plainCrc64, 30), unpack(XZ.plainNone, 1000)]);
    expect([a, b]).toEqual([XZ_TEXT, XZ_TEXT]);
    for await (const _ of unxz([XZ.plainCrc64], "it")) break;
    expect(await unpack(XZ.plainCrc64, 50)).toBe(XZ_TEXT);
  });
});

describe("x86 branch filter", () => {
  const undone = (...data: number[]): number[] => {
    const all = Uint8Array.from(data);
    undoX86BranchFilter(all);
    return [...all];
  };

  it("makes near targets relative again: CALL at 0 and JMP at 5", () => {
    // CALL +10h at 0 ends at 5: absolute 15h. JMP -2 at 5 ends at Ah: absolute 8.
    expect(undone(0xe8, 0x15, 0, 0, 0, 0xe9, 0x08, 0, 0, 0, 0x90)).toEqual([0xe8, 0x10, 0, 0, 0, 0xe9, 0xfe, 0xff, 0xff, 0xff, 0x90]);
  });

  it("leaves far targets, other opcodes and an opcode at the very end", () => {
    const bytesLeft = [0xe8, 1, 2, 3, 4, 0x90, 0xea, 0, 0, 0, 0, 0xe8, 0, 0, 0];
    expect(undone(...bytesLeft)).toEqual(bytesLeft);
  });

  it("undoes what the xz program does, over 40 streams of 60 KB dense with opcodes", async (context) => {
    needTools(context, "xz");
    for (let seed = 1; seed <= 40; seed++) {
      const data = branchyBytes(seed, 60_000 + seed);
      const packed = run("xz", ["-0", "-c", "--x86", "--check=none", "--lzma2=preset=0"], data);
      // No check: a wrong filter would not be noticed by anything but this comparison.
      expect(Buffer.compare(await unpackXzBlock(packed), data), `seed ${seed}`).toBe(0);
    }
  });
});

describe("one-block xz file", () => {
  it("unpacks every form it knows", async () => {
    expect(await unpackXzBlock(XZ.x86Crc32)).toEqual(branchyBytes(1, 900));
    expect(await unpackXzBlock(XZ.x86Crc64)).toEqual(branchyBytes(1, 900));
    expect(text(await unpackXzBlock(XZ.plainNone))).toBe(XZ_TEXT);
    expect(text(await unpackXzBlock(XZ.plainCrc64))).toBe(XZ_TEXT);
  });

  it("names what it does not know", async () => {
    await expect(unpackXzBlock(XZ.sha256)).rejects.toMatchObject({ kind: "ImageUnreadable", reason: /check 10/ });
    await expect(unpackXzBlock(XZ.arm)).rejects.toMatchObject({ kind: "ImageUnreadable", reason: /filter 7/ });
    await expect(unpackXzBlock(XZ.twoBlocks)).rejects.toMatchObject({ kind: "ImageUnreadable", reason: /2 blocks/ });
  });

  it("refuses every single changed byte and every truncation", async () => {
    const next = numbers(3);
    let harmless = 0;
    for (let at = 0; at < XZ.x86Crc32.length; at++) {
      const changed = XZ.x86Crc32.slice();
      changed[at]! ^= 1 << next(8);
      const outcome = await unpackXzBlock(changed).then(
        (data) => (Buffer.compare(data, branchyBytes(1, 900)) === 0 ? "the same" : "something else"),
        (error: { kind?: string }) => error.kind,
      );
      // A byte or two of the compressed data mean nothing; headers, padding and sizes are all under a check.
      if (outcome === "the same") harmless++;
      else expect(outcome, `byte ${at}`).toBe("ImageUnreadable");
    }
    expect(harmless).toBeLessThan(4);
    for (let length = 0; length < XZ.x86Crc32.length; length += 13)
      await expect(unpackXzBlock(XZ.x86Crc32.subarray(0, length))).rejects.toMatchObject({ kind: "ImageUnreadable" });
  }, 120_000);
});

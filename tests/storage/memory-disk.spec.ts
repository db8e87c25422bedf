/** The interface's arithmetic, and the disk in memory. */
import { describe, expect, it } from "vitest";
import { CHUNK_BYTES, chunkLength, chunkSpans, isZero } from "../../web/storage/block-device";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { backendLaws, readOnlyLaws } from "./laws";

backendLaws("memory", { blank: async (bytes) => new MemoryDisk(bytes) });
readOnlyLaws("memory", async () => new MemoryDisk(4096, { readOnly: true }));

describe("chunks", () => {
  it("a range falls into parts of chunks", () => {
    expect([...chunkSpans(CHUNK_BYTES - 2, CHUNK_BYTES + 5)]).toEqual([
      { index: 0, start: CHUNK_BYTES - 2, length: 2, at: 0 },
      { index: 1, start: 0, length: CHUNK_BYTES, at: 2 },
      { index: 2, start: 0, length: 3, at: CHUNK_BYTES + 2 },
    ]);
    expect([...chunkSpans(77, 0)]).toEqual([]);
    expect(chunkLength(CHUNK_BYTES + 512, 1)).toBe(512);
  });

  it("zeros are told at any alignment", () => {
    for (const start of [0, 1, 2, 3, 4])
      for (const length of [0, 1, 3, 4, 17]) {
        const bytes = new Uint8Array(40);
        expect(isZero(bytes.subarray(start, start + length))).toBe(true);
        if (length === 0) continue;
        for (const at of [0, length - 1]) {
          bytes[start + at] = 1;
          expect(isZero(bytes.subarray(start, start + length))).toBe(false);
          bytes[start + at] = 0;
        }
        bytes[start + length] = 1;
        expect(isZero(bytes.subarray(start, start + length))).toBe(true);
      }
  });

  it("a disk in memory begins with the contents it is given", async () => {
    const disk = new MemoryDisk(1024, { contents: Uint8Array.of(1, 2, 3) });
    expect([...(await disk.read(0, 4))]).toEqual([1, 2, 3, 0]);
  });
});

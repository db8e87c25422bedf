/** A disk in memory over another: the laws of disks, and what is below stays as it was. */
import { expect, it } from "vitest";
import { CHUNK_BYTES } from "../../web/storage/block-device";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { OverlayDisk } from "../../web/storage/overlay-disk";
import { Random } from "../devices/random";
import { backendLaws, DISK_BYTES, indicesOf, randomBytes, readOnlyLaws } from "./laws";

backendLaws("an overlay in memory", { blank: async (bytes) => new OverlayDisk(new MemoryDisk(bytes)) });
readOnlyLaws("an overlay in memory", async () => new OverlayDisk(new MemoryDisk(4096), true));

it("shows what is below until it is written, also in part or while it is read, and leaves it alone", async () => {
  const random = new Random(5);
  const contents = randomBytes(random, DISK_BYTES);
  const below = new MemoryDisk(DISK_BYTES, { contents });
  const disk = new OverlayDisk(below);
  const wanted = contents.slice();
  for (let n = 0; n < 50; n++) {
    const writes = Array.from({ length: 3 }, (_, part) => {
      const offset = 2 * CHUNK_BYTES * part + 512 * random.below(100);
      const data = random.below(4) === 0 ? new Uint8Array(CHUNK_BYTES) : randomBytes(random, 512 * (1 + random.below(20)));
      const piece = data.subarray(0, DISK_BYTES - offset);
      wanted.set(piece, offset);
      return disk.write(offset, piece);
    });
    await Promise.all(writes);
  }
  expect(Buffer.from(await disk.read(0, DISK_BYTES)).equals(wanted)).toBe(true);
  expect(Buffer.from(await below.read(0, DISK_BYTES)).equals(contents)).toBe(true);
  await disk.trim(0, CHUNK_BYTES);
  wanted.fill(0, 0, CHUNK_BYTES);
  expect(await indicesOf(disk)).toEqual(await indicesOf(new MemoryDisk(DISK_BYTES, { contents: wanted })));
});

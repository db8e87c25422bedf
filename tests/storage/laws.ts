/** What every backend of a disk keeps, whatever it is made of: called by each backend's spec. */
import { describe, expect, it } from "vitest";
import { DiskFailed } from "../../web/lib/errors";
import { type BlockDevice, CHUNK_BYTES, chunkLength, SECTOR_BYTES } from "../../web/storage/block-device";
import { Random } from "../devices/random";

/** Not a whole number of chunks. */
export const DISK_BYTES = 5 * CHUNK_BYTES + 3 * SECTOR_BYTES;

export interface BackendLaws {
  /** A blank disk of so many bytes, for writing. */
  readonly blank: (bytes: number) => Promise<BlockDevice>;
  /** The same disk opened again after `close`, where contents outlive it. */
  readonly reopen?: (disk: BlockDevice) => Promise<BlockDevice>;
}

export async function indicesOf(disk: BlockDevice): Promise<number[]> {
  const found: number[] = [];
  for await (const index of disk.dataChunks()) found.push(index);
  return found;
}

export const randomBytes = (random: Random, length: number): Uint8Array => Uint8Array.from({ length }, () => random.bits() & 0xff);

async function failure(promise: Promise<unknown>): Promise<DiskFailed> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DiskFailed);
  return error as DiskFailed;
}

export function backendLaws(name: string, { blank, reopen }: BackendLaws): void {
  describe(`${name} is a disk`, () => {
    it("begins with zeros and nothing stored", async () => {
      const disk = await blank(DISK_BYTES);
      expect(disk.bytes).toBe(DISK_BYTES);
      expect((await disk.read(0, DISK_BYTES)).every((byte) => byte === 0)).toBe(true);
      expect(await indicesOf(disk)).toEqual([]);
      await disk.close();
    });

    it("holds what was written, like an array does, at any offset and length", async () => {
      const random = new Random(7);
      let disk = await blank(DISK_BYTES);
      const model = new Uint8Array(DISK_BYTES);
      for (let step = 0; step < 150; step++) {
        const offset = random.below(DISK_BYTES);
        const length = Math.min(DISK_BYTES - offset, 1 + random.below(random.pick([600, 5000, 2 * CHUNK_BYTES])));
        const kind = random.below(8);
        if (kind < 4) {
          const data = randomBytes(random, length);
          const done = disk.write(offset, data);
          model.set(data, offset);
          data.fill(0xee);
          await done;
        } else if (kind === 4) {
          await disk.trim(offset, length);
          model.fill(0, offset, offset + length);
        } else if (kind === 5) await disk.flush();
        else expect(Buffer.from(await disk.read(offset, length)).equals(model.subarray(offset, offset + length))).toBe(true);
        if (reopen && step % 50 === 49) {
          await disk.close();
          disk = await reopen(disk);
        }
      }
      expect(Buffer.from(await disk.read(0, DISK_BYTES)).equals(model)).toBe(true);
      await disk.close();
    });

    it("many operations at once on different places", async () => {
      const random = new Random(9);
      const disk = await blank(DISK_BYTES);
      const parts = Array.from({ length: 40 }, (_, i) => ({ offset: i * 4096, data: randomBytes(random, 4096) }));
      await Promise.all(parts.map(({ offset, data }) => disk.write(offset, data)));
      const read = await Promise.all(parts.map(({ offset }) => disk.read(offset, 4096)));
      for (const [i, { data }] of parts.entries()) expect(Buffer.from(read[i]!).equals(data)).toBe(true);
      await disk.close();
    });

    it("names the chunks that hold data, and none after they are trimmed", async () => {
      const disk = await blank(DISK_BYTES);
      await disk.write(4 * CHUNK_BYTES + 5, Uint8Array.of(1));
      await disk.write(DISK_BYTES - 1, Uint8Array.of(1));
      await disk.write(CHUNK_BYTES - 1, Uint8Array.of(1, 1));
      await disk.flush();
      expect(await indicesOf(disk)).toEqual([0, 1, 4, 5]);
      await disk.trim(0, DISK_BYTES);
      await disk.flush();
      expect(await indicesOf(disk)).toEqual([]);
      await disk.close();
    });

    it("takes other contents as a whole", async () => {
      const random = new Random(3);
      const disk = await blank(DISK_BYTES);
      await disk.write(0, randomBytes(random, DISK_BYTES));
      const chunks = [1, 5].map((index) => ({ index, bytes: randomBytes(random, chunkLength(DISK_BYTES, index)) }));
      await disk.replace(chunks);
      expect(await indicesOf(disk)).toEqual([1, 5]);
      const all = await disk.read(0, DISK_BYTES);
      for (const { index, bytes } of chunks) {
        expect(Buffer.from(all.subarray(index * CHUNK_BYTES, index * CHUNK_BYTES + bytes.length)).equals(bytes)).toBe(true);
      }
      expect(all.subarray(0, CHUNK_BYTES).every((byte) => byte === 0)).toBe(true);
      for (const wrong of [
        [{ index: 9, bytes: new Uint8Array(CHUNK_BYTES) }],
        [{ index: -1, bytes: new Uint8Array(CHUNK_BYTES) }],
        [{ index: 5, bytes: new Uint8Array(CHUNK_BYTES) }],
        [chunks[1]!, chunks[0]!],
      ])
        expect((await failure(disk.replace(wrong))).problem).toBe("damaged");
      await disk.close();
    });

    it("refuses what does not lie on it, as a whole", async () => {
      const disk = await blank(DISK_BYTES);
      for (const [offset, length] of [
        [DISK_BYTES - 1, 2],
        [DISK_BYTES, 1],
        [-1, 2],
        [0.5, 1],
        [Number.NaN, 1],
        [2 ** 60, 1],
      ] as const) {
        expect((await failure(disk.read(offset, length))).problem).toBe("out-of-range");
        expect((await failure(disk.trim(offset, length))).problem).toBe("out-of-range");
        expect((await failure(disk.write(offset, new Uint8Array(length).fill(1)))).problem).toBe("out-of-range");
      }
      expect(await indicesOf(disk)).toEqual([]);
      await disk.close();
    });
  });
}

/** A disk that was opened for reading only. */
export function readOnlyLaws(name: string, open: () => Promise<BlockDevice>): void {
  it(`${name} that is read-only can be read and not changed`, async () => {
    const disk = await open();
    expect(disk.readOnly).toBe(true);
    await disk.read(0, SECTOR_BYTES);
    for (const attempt of [disk.write(0, new Uint8Array(1)), disk.trim(0, 1), disk.replace([])])
      expect((await failure(attempt)).problem).toBe("read-only");
    await disk.flush();
    await disk.close();
  });
}

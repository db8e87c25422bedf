/** A disk of a snapshot as it lies in the file, to be read chunk by chunk: what an overlay lies upon. */
import { DiskFailed, SnapshotIncompatible } from "../lib/errors";
import { type BlockDevice, CHUNK_BYTES, chunkSpans } from "../storage/block-device";
import type { DiskRecord } from "./manifest";
import type { SavedImage } from "./saved-image";

export type SnapshotDisk = Pick<BlockDevice, "bytes" | "name" | "read" | "dataChunks" | "close">;

/** `onRead` hears which chunks were wanted. */
export function snapshotDisk(image: SavedImage, { name, bytes }: DiskRecord, onRead: (index: number) => void = () => {}): SnapshotDisk {
  const attempt = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      if (error instanceof SnapshotIncompatible) throw new DiskFailed(name, "damaged", `in its snapshot: ${error.reason}`, "");
      throw new DiskFailed(name, "unreadable", error instanceof Error ? error.message : String(error), "");
    }
  };
  return {
    name,
    bytes,
    read: (offset, length) =>
      attempt(async () => {
        const result = new Uint8Array(length);
        for (const { index, start, length: part, at } of chunkSpans(offset, length)) {
          onRead(index);
          const chunk = await image.readPage(index);
          if (chunk) result.set(chunk.subarray(start, start + part), at);
        }
        return result;
      }),
    async *dataChunks() {
      for (let index = 0; index * CHUNK_BYTES < bytes; index++) if (!(await attempt(() => image.isZeroPage(index)))) yield index;
    },
    close: async () => {},
  };
}

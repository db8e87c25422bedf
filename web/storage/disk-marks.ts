/**
 * Marks: moments of a stored disk that it can be taken back to, so that a machine's memory and its disks are of one
 * moment although the disk goes on. From a mark on, what a chunk held is kept by the transaction that first replaces it,
 * under the key [mark, chunk]; null stands for a chunk that was not stored. To go back is to put these back, those of the
 * earliest mark from the wanted one on. After a crash in between everything is still there, or all of it was done.
 */
import { promisifyRequest } from "idb-keyval";

/** The last thing of each batch. */
export interface DiskHead {
  /** Batches so far. */
  readonly batch: number;
  /** Those that the disk can be taken back to, ascending. A mark's number is that of its batch: never used twice. */
  readonly marks: readonly number[];
}

export const HEAD = "head";

/** Heads of disks that were made before there were marks have none. */
export function headOf(stored: unknown): DiskHead {
  const head = (typeof stored === "object" && stored !== null ? stored : {}) as Partial<DiskHead>;
  return { batch: head.batch ?? 0, marks: head.marks ?? [] };
}

/** Keys that are arrays come after all others. */
const from = (mark: number): IDBKeyRange => IDBKeyRange.lowerBound([mark]);
const before = (mark: number): IDBKeyRange => IDBKeyRange.bound([0], [mark], false, true);

/** Within a transaction, before the chunk is put: what it holds belongs to `mark`. */
export function keepOld(store: IDBObjectStore, mark: number, index: number): void {
  const old = store.get(index);
  old.onsuccess = () => void store.put(old.result ?? null, [mark, index]);
}

/** Within a transaction: nothing can be gone back to any more. */
export const forgetAll = (store: IDBObjectStore): void => void store.delete(from(0));

/** Within a transaction: marks before this one are of no use any more. */
export const forgetBefore = (store: IDBObjectStore, mark: number): void => void store.delete(before(mark));

/** In a transaction of its own: the disk is as it was at `mark`, which is one of the head's. */
export async function goBack(store: IDBObjectStore, mark: number, head: DiskHead): Promise<void> {
  const done = promisifyRequest(store.transaction);
  const keys = store.getAllKeys(from(mark));
  keys.onsuccess = () => {
    const seen = new Set<number>();
    for (const key of keys.result as [number, number][]) {
      const index = key[1];
      if (seen.has(index)) continue;
      seen.add(index);
      const old = store.get(key);
      old.onsuccess = () => void (old.result === null ? store.delete(index) : store.put(old.result, index));
    }
    store.delete(from(mark));
    store.put(head, HEAD);
  };
  await done;
}

/**
 * A database of one object store for idb-keyval whose transactions are durable when they complete: browsers otherwise
 * report success when the operating system has the data, which a power cut can still take.
 */
import type { UseStore } from "idb-keyval";
import { DiskFailed } from "../lib/errors";

export interface StrictStore {
  readonly use: UseStore;
  /** Waits for nothing; the store is not to be used afterwards. */
  close(): void;
}

const STORE = "chunks";

/** Rejects if the browser has no IndexedDB or refuses it (private windows of some browsers). */
export async function openStrictStore(
  database: string,
  indexedDB: IDBFactory = globalThis.indexedDB,
  name: string = STORE,
): Promise<StrictStore> {
  const db = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(database);
    request.onupgradeneeded = () => request.result.createObjectStore(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  // Another tab deletes the disk: do not stand in its way.
  db.onversionchange = () => db.close();
  return {
    use: (mode, callback) => {
      const options = mode === "readwrite" ? ({ durability: "strict" } as const) : {};
      return (async () => callback(db.transaction(name, mode, options).objectStore(name)))();
    },
    close: () => db.close(),
  };
}

export function deleteDatabase(database: string, indexedDB: IDBFactory = globalThis.indexedDB): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(database);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

/** What the browser's database says, as ours. */
export function storeFailure(disk: string, error: unknown, isWrite: boolean): DiskFailed {
  if (error instanceof DiskFailed) return error;
  const { name, message } = error instanceof Error || error instanceof DOMException ? error : { name: "", message: String(error) };
  if (name === "QuotaExceededError")
    return new DiskFailed(disk, "full", "the browser has no room left for it.", "Delete disks or free space, then try again in the guest.");
  return new DiskFailed(disk, isWrite ? "unwritable" : "unreadable", `the browser's database says: ${message || name || "no reason"}.`, "");
}

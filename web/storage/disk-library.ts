/**
 * The disks of this browser: a list in a database of its own, each disk in another. One tab at a time writes to a disk:
 * held by a Web Lock where there are any, elsewhere (plain http) by a lease in the list that is renewed while it is held.
 */
import { get, set, update, values } from "idb-keyval";
import { DiskFailed } from "../lib/errors";
import type { DiskChunk } from "./block-device";
import { StoredDisk } from "./stored-disk";
import { deleteDatabase, openStrictStore, type StrictStore, storeFailure } from "./strict-store";

export interface DiskRecord {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

interface Lease {
  readonly owner: string;
  /** Milliseconds since 1970; from then on others may take it. */
  readonly until: number;
}

/** What the library takes from its surroundings; tests give their own. */
export interface LibraryHost {
  readonly indexedDB: IDBFactory;
  /** Undefined outside secure contexts. */
  readonly locks: LockManager | undefined;
  now(): number;
  /** How long `open` waits for a tab or machine that is just going away, in ms. Default: a lock 1500, a lease until it runs out. */
  readonly patienceMs: number | undefined;
}

const LIST = "vitrine-disks";
const databaseOf = (id: string): string => `vitrine-disk-${id}`;
const leaseKey = (id: string): string => `lease ${id}`;
const LEASE_MS = 6000;
const RENEW_MS = 2000;
/** A worker that was ended gives its locks back a moment later. */
const LOCK_PATIENCE_MS = 1500;
const RETRY_MS = 250;

const isRecord = (value: unknown): value is DiskRecord => typeof value === "object" && value !== null && "bytes" in value && "id" in value;

/** Letters and digits by chance; crypto.randomUUID is missing on plain http. */
const newId = (): string => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => (byte % 36).toString(36)).join("");

export class DiskLibrary {
  readonly #host: LibraryHost;
  #list: Promise<StrictStore> | undefined;

  constructor(host?: Partial<LibraryHost>) {
    this.#host = {
      indexedDB: host?.indexedDB ?? globalThis.indexedDB,
      locks: host && "locks" in host ? host.locks : globalThis.navigator?.locks,
      now: host?.now ?? Date.now,
      patienceMs: host?.patienceMs,
    };
  }

  /** Whether this browser context keeps anything at all. */
  get isAvailable(): boolean {
    return this.#host.indexedDB !== undefined;
  }

  #open(database: string): Promise<StrictStore> {
    return openStrictStore(database, this.#host.indexedDB);
  }

  async #store(): Promise<StrictStore["use"]> {
    this.#list ??= this.#open(LIST);
    return (await this.#list).use;
  }

  /** By name. */
  async list(): Promise<DiskRecord[]> {
    const all = (await values(await this.#store())).filter(isRecord);
    return all.sort((a, b) => a.name.localeCompare(b.name) || a.created - b.created);
  }

  /** A new disk with these contents, or blank. Throws DiskFailed, and then leaves nothing behind. */
  async create(name: string, bytes: number, contents: AsyncIterable<DiskChunk> | Iterable<DiskChunk> = []): Promise<DiskRecord> {
    const record: DiskRecord = { id: newId(), name, bytes, created: this.#host.now() };
    const disk = new StoredDisk({ name, bytes, readOnly: false, store: await this.#open(databaseOf(record.id)) });
    try {
      await disk.replace(contents);
      await disk.close();
      await set(record.id, record, await this.#store());
    } catch (error) {
      await disk.close().catch(() => {});
      await deleteDatabase(databaseOf(record.id), this.#host.indexedDB).catch(() => {});
      throw storeFailure(name, error, true);
    }
    return record;
  }

  /** Throws DiskFailed "in-use" while somebody has it open for writing. */
  async remove(id: string): Promise<void> {
    const record = await this.#record(id);
    const release = await this.#acquire(id);
    if (!release)
      throw new DiskFailed(record.name, "in-use", "a machine in this or another tab uses it.", "Switch that machine off first.");
    try {
      const use = await this.#store();
      await use("readwrite", (store) => void store.delete(id));
      await deleteDatabase(databaseOf(id), this.#host.indexedDB);
    } finally {
      release();
    }
  }

  async #record(id: string): Promise<DiskRecord> {
    const record = await get<unknown>(id, await this.#store());
    if (isRecord(record)) return record;
    throw new DiskFailed(id, "missing", "there is no such disk in this browser.", "It may have been deleted in another tab.");
  }

  /** For writing if nobody else does, else for reading: see the disk's `readOnly`. Throws DiskFailed. */
  async open(id: string, options: { readonly readOnly?: boolean } = {}): Promise<StoredDisk> {
    const record = await this.#record(id);
    const release = options.readOnly ? undefined : await this.#acquire(id);
    try {
      const store = await this.#open(databaseOf(id));
      return new StoredDisk({ name: record.name, bytes: record.bytes, readOnly: !release, store, ...(release ? { release } : {}) });
    } catch (error) {
      release?.();
      throw storeFailure(record.name, error, false);
    }
  }

  /** The right to write; undefined while somebody else has it. */
  async #acquire(id: string): Promise<(() => void) | undefined> {
    const { locks, patienceMs } = this.#host;
    const patience = patienceMs ?? (locks ? LOCK_PATIENCE_MS : LEASE_MS + RETRY_MS);
    for (let waited = 0; ; waited += RETRY_MS) {
      const release = locks ? await this.#lock(locks, id) : await this.#lease(id);
      if (release || waited >= patience) return release;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #lock(locks: LockManager, id: string): Promise<(() => void) | undefined> {
    return new Promise((resolve, reject) => {
      locks
        .request(databaseOf(id), { ifAvailable: true }, (lock) => {
          if (!lock) {
            resolve(undefined);
            return undefined;
          }
          return new Promise<void>((release) => resolve(release));
        })
        .catch(reject);
    });
  }

  async #lease(id: string): Promise<(() => void) | undefined> {
    const use = await this.#store();
    const owner = newId();
    const take = async (): Promise<boolean> => {
      let mine = false;
      await update<Lease>(
        leaseKey(id),
        (old) => {
          const now = this.#host.now();
          mine = !old || old.owner === owner || old.until <= now;
          return mine ? { owner, until: now + LEASE_MS } : old!;
        },
        use,
      );
      return mine;
    };
    if (!(await take())) return undefined;
    const timer = setInterval(() => void take().catch(() => {}), RENEW_MS);
    return () => {
      clearInterval(timer);
      update<Lease>(leaseKey(id), (old) => (old?.owner === owner ? { owner, until: 0 } : old!), use).catch(() => {});
    };
  }
}

/**
 * The disks of this browser: a list in a database of its own, each disk in another. One tab at a time writes to a disk:
 * held by a Web Lock where there are any, elsewhere (plain http) by a lease in the list that is renewed while it is held.
 */
import { get, set, update, values } from "idb-keyval";
import { DiskFailed } from "../lib/errors";
import { chunkLength, type DiskChunk } from "./block-device";
import { StoredDisk } from "./stored-disk";
import { deleteDatabase, openStrictStore, type StrictStore, storeFailure } from "./strict-store";

export interface DiskRecord {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Id of the disk that it builds upon: what it has not written itself is as there. Of the same size. */
  readonly base?: string;
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

/** Disks upon disks upon disks: each makes a first read of a chunk slower. */
const MOST_BASES = 8;

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

  /**
   * A new disk that holds what another holds now, and of which only what is written to it is stored. The other can only be
   * read from now on, as long as a disk builds upon it. Throws DiskFailed "in-use" while somebody writes to the other.
   */
  async branch(id: string, name: string): Promise<DiskRecord> {
    const base = await this.#record(id);
    if ((await this.#bases(base)).length >= MOST_BASES)
      throw new DiskFailed(base.name, "in-use", `${MOST_BASES} disks lie below it already.`, "Make it independent first.");
    const release = await this.#demandUnused(base);
    try {
      const record: DiskRecord = { id: newId(), name, bytes: base.bytes, created: this.#host.now(), base: id };
      await set(record.id, record, await this.#store());
      return record;
    } finally {
      release();
    }
  }

  /** Copies what it has from the disks below, and then it needs them no more. Reading it gives the same before and after. Throws DiskFailed. */
  async flatten(id: string, onProgress: (done: number, total: number) => void = () => {}): Promise<void> {
    const record = await this.#record(id);
    if (!record.base) return;
    const release = await this.#demandUnused(record);
    const base = await this.#openBase(record.base);
    try {
      const indices: number[] = [];
      for await (const index of base.dataChunks()) indices.push(index);
      const own = new StoredDisk({
        name: record.name,
        bytes: record.bytes,
        readOnly: false,
        store: await this.#open(databaseOf(id)),
        base,
      });
      try {
        const stored = new Set(await own.ownChunks());
        for (const [n, index] of indices.entries()) {
          onProgress(n, indices.length);
          if (!stored.has(index)) await own.adopt(index);
        }
        await own.flush();
        // A crash before this leaves a disk that has it all and still names its base: the same contents.
        const { base: _, ...alone } = record;
        await set(id, alone, await this.#store());
      } finally {
        await own.close();
      }
    } finally {
      release();
    }
  }

  /** Ids of the disks below, the nearest first. */
  async #bases(record: DiskRecord): Promise<string[]> {
    const ids: string[] = [];
    for (let below = record.base; below !== undefined && ids.length <= MOST_BASES; below = (await this.#record(below)).base)
      ids.push(below);
    return ids;
  }

  async #children(id: string): Promise<DiskRecord[]> {
    return (await this.list()).filter(({ base }) => base === id);
  }

  /** Without a lock: nobody writes to a disk that others build upon. Opened once for each that does. */
  async #openBase(id: string): Promise<StoredDisk> {
    const { base, ...record } = await this.#record(id);
    return new StoredDisk({
      ...record,
      readOnly: true,
      store: await this.#open(databaseOf(id)),
      ...(base === undefined ? {} : { base: await this.#openBase(base) }),
    });
  }

  async #demandUnused(record: DiskRecord): Promise<() => void> {
    const release = await this.#acquire(record.id);
    if (release) return release;
    throw new DiskFailed(record.name, "in-use", "a machine in this or another tab uses it.", "Switch that machine off first.");
  }

  /** Bytes of its chunks that are stored for this disk itself: what deleting it gives back, before the browser's own overhead. */
  async storedBytes(id: string): Promise<number> {
    const record = await this.#record(id);
    const disk = new StoredDisk({ name: record.name, bytes: record.bytes, readOnly: true, store: await this.#open(databaseOf(id)) });
    try {
      return (await disk.ownChunks()).reduce((sum, index) => sum + chunkLength(record.bytes, index), 0);
    } finally {
      await disk.close();
    }
  }

  /** What the browser has given to this site, and may give at most, in bytes; undefined where it does not say. */
  async quota(): Promise<{ readonly usage: number; readonly quota: number } | undefined> {
    const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => undefined);
    return estimate?.quota === undefined ? undefined : { usage: estimate.usage ?? 0, quota: estimate.quota };
  }

  /** Throws DiskFailed "in-use" while somebody has it open for writing, or a disk builds upon it. */
  async remove(id: string): Promise<void> {
    const record = await this.#record(id);
    const children = await this.#children(id);
    if (children.length > 0)
      throw new DiskFailed(
        record.name,
        "in-use",
        `${children.map(({ name }) => name).join(", ")} ${children.length === 1 ? "builds" : "build"} upon it.`,
        "Delete that first, or make it independent.",
      );
    const release = await this.#demandUnused(record);
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

  /** For writing if nobody else does and no disk builds upon it, else for reading: see the disk's `readOnly`. Throws DiskFailed. */
  async open(id: string, options: { readonly readOnly?: boolean } = {}): Promise<StoredDisk> {
    const record = await this.#record(id);
    const isBase = (await this.#children(id)).length > 0;
    const release = options.readOnly || isBase ? undefined : await this.#acquire(id);
    try {
      const base = record.base === undefined ? undefined : await this.#openBase(record.base);
      const store = await this.#open(databaseOf(id));
      return new StoredDisk({
        ...{ name: record.name, bytes: record.bytes, readOnly: !release, store },
        ...(base ? { base } : {}),
        ...(release ? { release } : {}),
      });
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

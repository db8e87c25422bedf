/** Disks in the browser's database: durability by option and order, power cuts, a full store, one writer at a time. */
import { IDBFactory as FakeIndexedDB } from "fake-indexeddb";
import { describe, expect, it, vi } from "vitest";
import { CHUNK_BYTES } from "../../web/storage/block-device";
import { DiskLibrary } from "../../web/storage/disk-library";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { HEAD, StoredDisk, WRITE_BACK_MS } from "../../web/storage/stored-disk";
import { openStrictStore, type StrictStore } from "../../web/storage/strict-store";
import { backendLaws, DISK_BYTES, indicesOf, readOnlyLaws } from "./laws";

const factory = (): IDBFactory => new FakeIndexedDB() as IDBFactory;
const bytesOf = (value: number, length = 512): Uint8Array => new Uint8Array(length).fill(value);

const shared = factory();
let counter = 0;
async function stored(bytes = DISK_BYTES, more: { base?: MemoryDisk; name?: string; store?: StrictStore } = {}): Promise<StoredDisk> {
  const name = more.name ?? `d${++counter}`;
  const store = more.store ?? (await openStrictStore(name, shared));
  return new StoredDisk({ name, bytes, readOnly: false, store, ...(more.base ? { base: more.base } : {}) });
}

backendLaws("the browser's database", {
  blank: (bytes) => stored(bytes),
  reopen: (disk) => stored(disk.bytes, { name: disk.name }),
});
readOnlyLaws("the browser's database", async () => {
  const library = new DiskLibrary({ indexedDB: factory(), locks: undefined, patienceMs: 0 });
  const { id } = await library.create("x", 4096);
  return library.open(id, { readOnly: true });
});

/** Notes every transaction of a store: its mode and durability, and what it wrote in order. */
async function watched() {
  const indexedDB = factory();
  const transactions: { mode: string; durability: string | undefined; writes: unknown[]; isDone: boolean }[] = [];
  const inner = await openStrictStore("watched", indexedDB);
  const probe = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open("watched");
    request.onsuccess = () => resolve(request.result);
  });
  const prototype = Object.getPrototypeOf(probe) as IDBDatabase;
  const original = prototype.transaction;
  vi.spyOn(prototype, "transaction").mockImplementation(function (this: IDBDatabase, names, mode, options) {
    const transaction = original.call(this, names, mode, options);
    const entry = { mode: mode ?? "readonly", durability: options?.durability, writes: [] as unknown[], isDone: false };
    transactions.push(entry);
    transaction.addEventListener("complete", () => {
      entry.isDone = true;
    });
    const open = transaction.objectStore.bind(transaction);
    transaction.objectStore = (name) => {
      const store = open(name);
      const [put, remove] = [store.put.bind(store), store.delete.bind(store)];
      store.put = (value: unknown, key?: IDBValidKey) => {
        entry.writes.push(key);
        return put(value, key);
      };
      store.delete = (key) => {
        entry.writes.push(`delete ${String(key)}`);
        return remove(key);
      };
      return store;
    };
    return transaction;
  });
  probe.close();
  return { store: inner, transactions, writing: () => transactions.filter(({ mode }) => mode === "readwrite") };
}

describe("durability", () => {
  it("a batch is one strict transaction, chunks before the head, and FLUSH ends when it is complete", async () => {
    const { store, writing } = await watched();
    const disk = await stored(DISK_BYTES, { store });
    await disk.write(3 * CHUNK_BYTES, bytesOf(1));
    await disk.write(CHUNK_BYTES - 256, bytesOf(2));
    await disk.write(3 * CHUNK_BYTES + 512, bytesOf(3));
    expect(writing()).toEqual([]);
    await disk.flush();
    expect(writing()).toEqual([{ mode: "readwrite", durability: "strict", writes: [0, 1, 3, HEAD], isDone: true }]);
    await disk.flush();
    expect(writing(), "nothing to do").toHaveLength(1);
    vi.restoreAllMocks();
  });

  it("without FLUSH it is written back by itself, many writes in one transaction", async () => {
    const { store, writing } = await watched();
    const disk = await stored(DISK_BYTES, { store });
    for (let i = 0; i < 50; i++) await disk.write(i * 512, bytesOf(i));
    await new Promise((resolve) => setTimeout(resolve, WRITE_BACK_MS + 200));
    expect(writing()).toHaveLength(1);
    expect(writing()[0]).toMatchObject({ durability: "strict", writes: [0, HEAD], isDone: true });
    vi.restoreAllMocks();
  });

  it("a FLUSH during a write-back waits for the writes after it, too", async () => {
    const { store, writing } = await watched();
    const disk = await stored(DISK_BYTES, { store });
    await disk.write(0, bytesOf(1));
    const first = disk.flush();
    await disk.write(CHUNK_BYTES, bytesOf(2));
    await disk.flush();
    expect(writing().map(({ writes, isDone }) => [writes, isDone])).toEqual([
      [[0, HEAD], true],
      [[1, HEAD], true],
    ]);
    await first;
    vi.restoreAllMocks();
  });

  it("a power cut loses what was not flushed and nothing else", async () => {
    const disk = await stored();
    await disk.write(0, bytesOf(1));
    await disk.flush();
    await disk.write(512, bytesOf(2));
    // No close: the tab is gone.
    const again = await stored(DISK_BYTES, { name: disk.name });
    expect(await again.read(0, 512)).toEqual(bytesOf(1));
    expect(await again.read(512, 512)).toEqual(bytesOf(0));
  });
});

describe("a store that fails", () => {
  /** Its write transactions fail while `error` is set. */
  async function failing() {
    const inner = await openStrictStore(`f${++counter}`, shared);
    const state = { error: undefined as Error | undefined };
    const store: StrictStore = {
      ...inner,
      use: (mode, callback) => (mode === "readwrite" && state.error ? Promise.reject(state.error) : inner.use(mode, callback)),
    };
    return { state, disk: await stored(DISK_BYTES, { store }) };
  }
  const quota = new DOMException("no room", "QuotaExceededError");

  it("FLUSH says that it is full; what was written stays in memory, and is stored when there is room", async () => {
    const { state, disk } = await failing();
    await disk.write(0, bytesOf(7));
    state.error = quota;
    await expect(disk.flush()).rejects.toMatchObject({ kind: "DiskFailed", problem: "full" });
    expect(await disk.read(0, 512)).toEqual(bytesOf(7));
    await expect(disk.write(512, bytesOf(8)), "told to the next write").rejects.toMatchObject({ problem: "full" });
    state.error = undefined;
    await disk.write(512, bytesOf(9));
    await disk.flush();
    expect(await indicesOf(disk)).toEqual([0]);
    expect(await disk.read(0, 1024)).toEqual(Uint8Array.of(...bytesOf(7), ...bytesOf(9)));
  });

  it("other failures are told as what they are", async () => {
    const { state, disk } = await failing();
    await disk.write(0, bytesOf(7));
    state.error = new Error("the disk under the browser is broken");
    await expect(disk.flush()).rejects.toMatchObject({ problem: "unwritable" });
  });
});

describe("over a base", () => {
  it("reads through, writes beside, and zeros cover", async () => {
    const base = new MemoryDisk(DISK_BYTES, { contents: bytesOf(5, 3 * CHUNK_BYTES) });
    const disk = await stored(DISK_BYTES, { base });
    expect(await disk.read(CHUNK_BYTES, 512)).toEqual(bytesOf(5));
    await disk.write(CHUNK_BYTES, bytesOf(6));
    await disk.trim(2 * CHUNK_BYTES, CHUNK_BYTES);
    await disk.flush();
    const again = await stored(DISK_BYTES, { name: disk.name, base });
    expect(await again.read(CHUNK_BYTES, 1024)).toEqual(Uint8Array.of(...bytesOf(6), ...bytesOf(5)));
    expect(await again.read(2 * CHUNK_BYTES, 512)).toEqual(bytesOf(0));
    expect(await base.read(CHUNK_BYTES, 512), "the base stays as it was").toEqual(bytesOf(5));
  });
});

describe("many chunks", () => {
  it("memory stays bounded, contents right", async () => {
    const chunks = 700;
    const disk = await stored(chunks * CHUNK_BYTES);
    for (let i = 0; i < chunks; i++) await disk.write(i * CHUNK_BYTES + 100, Uint8Array.of(i & 0xff, i >> 8));
    await disk.flush();
    await Promise.all(
      Array.from({ length: chunks }, async (_, i) => {
        expect([...(await disk.read(i * CHUNK_BYTES + 100, 2))]).toEqual([i & 0xff, i >> 8]);
        await disk.write(i * CHUNK_BYTES + 200, Uint8Array.of(1));
      }),
    );
    await disk.close();
    const again = await stored(chunks * CHUNK_BYTES, { name: disk.name });
    for (const i of [0, 1, 333, chunks - 1]) expect([...(await again.read(i * CHUNK_BYTES + 100, 101))].at(-1)).toBe(1);
  });
});

describe("the library", () => {
  it("lists what was created, with its contents, until it is removed", async () => {
    const library = new DiskLibrary({ indexedDB: factory(), locks: undefined, patienceMs: 0 });
    const blank = await library.create("work", 0x100000);
    const filled = await library.create("data", DISK_BYTES, [{ index: 2, bytes: bytesOf(4, CHUNK_BYTES) }]);
    expect((await library.list()).map(({ name }) => name)).toEqual(["data", "work"]);
    const disk = await library.open(filled.id);
    expect(disk.readOnly).toBe(false);
    expect(await indicesOf(disk)).toEqual([2]);
    await expect(library.remove(filled.id)).rejects.toMatchObject({ problem: "in-use" });
    await disk.close();
    await vi.waitFor(() => library.remove(filled.id));
    expect(await library.list()).toEqual([blank]);
    await expect(library.open(filled.id)).rejects.toMatchObject({ problem: "missing" });
  });

  it("a second opener may only read; the lease of a tab that is gone runs out", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    let now = 1000;
    const indexedDB = factory();
    const [one, two] = [0, 1].map(() => new DiskLibrary({ indexedDB, locks: undefined, patienceMs: 0, now: () => now })) as [
      DiskLibrary,
      DiskLibrary,
    ];
    const { id } = await one.create("work", 4096);
    expect((await one.open(id)).readOnly).toBe(false);
    const second = await two.open(id);
    expect(second.readOnly).toBe(true);
    await expect(second.write(0, bytesOf(1))).rejects.toMatchObject({ problem: "read-only" });
    // The first renews no more.
    now += 10_000;
    expect((await two.open(id)).readOnly).toBe(false);
    vi.useRealTimers();
  });

  it("uses Web Locks where there are any", async () => {
    const held = new Set<string>();
    const locks = {
      request: async (name: string, _options: unknown, callback: (lock: unknown) => unknown) => {
        if (held.has(name)) return callback(null);
        held.add(name);
        try {
          return await callback({ name });
        } finally {
          held.delete(name);
        }
      },
    } as unknown as LockManager;
    const library = new DiskLibrary({ indexedDB: factory(), locks, patienceMs: 0 });
    const { id } = await library.create("work", 4096);
    const first = await library.open(id);
    expect(held.size).toBe(1);
    expect((await library.open(id)).readOnly).toBe(true);
    await first.close();
    await vi.waitFor(() => expect(held.size).toBe(0));
    expect((await library.open(id)).readOnly).toBe(false);
  });
});

describe("disks upon disks", () => {
  const library = (): DiskLibrary => new DiskLibrary({ indexedDB: factory(), locks: undefined, patienceMs: 0 });
  const fill = async (disks: DiskLibrary, id: string, ...values: [chunk: number, value: number][]): Promise<void> => {
    const disk = await disks.open(id);
    for (const [chunk, value] of values) await disk.write(chunk * CHUNK_BYTES, bytesOf(value));
    await disk.close();
  };
  const firsts = async (disks: DiskLibrary, id: string): Promise<number[]> => {
    const disk = await disks.open(id, { readOnly: true });
    const found: number[] = [];
    for (let chunk = 0; chunk * CHUNK_BYTES < disk.bytes; chunk++) found.push((await disk.read(chunk * CHUNK_BYTES, 1))[0]!);
    await disk.close();
    return found;
  };

  it("hold what is below until they write it; the one below can only be read; each frees what it said", async () => {
    const disks = library();
    const base = await disks.create("base", DISK_BYTES);
    await fill(disks, base.id, [0, 1], [1, 2], [5, 3]);
    const middle = await disks.branch(base.id, "middle");
    await fill(disks, middle.id, [1, 12], [2, 13]);
    const [left, right] = [await disks.branch(middle.id, "left"), await disks.branch(middle.id, "right")];
    await fill(disks, left.id, [2, 23], [3, 24]);
    const trimmed = await disks.open(right.id);
    await trimmed.trim(0, CHUNK_BYTES);
    await trimmed.close();
    expect(await firsts(disks, left.id)).toEqual([1, 12, 23, 24, 0, 3]);
    expect(await firsts(disks, right.id)).toEqual([0, 12, 13, 0, 0, 3]);
    expect(await firsts(disks, base.id)).toEqual([1, 2, 0, 0, 0, 3]);
    const opened = await disks.open(middle.id);
    expect(opened.readOnly).toBe(true);
    await opened.close();
    await expect(disks.remove(middle.id)).rejects.toMatchObject({
      problem: "in-use",
      reason: expect.stringContaining("left, right build"),
    });
    expect([await disks.storedBytes(left.id), await disks.storedBytes(right.id)]).toEqual([2 * CHUNK_BYTES, CHUNK_BYTES]);
    await disks.remove(right.id);
    expect(await firsts(disks, left.id)).toEqual([1, 12, 23, 24, 0, 3]);
  });

  it("made independent they hold the same, and need nobody", async () => {
    const disks = library();
    const base = await disks.create("base", DISK_BYTES);
    await fill(disks, base.id, [0, 1], [1, 2], [5, 3]);
    const middle = await disks.branch(base.id, "middle");
    await fill(disks, middle.id, [1, 12]);
    const top = await disks.branch(middle.id, "top");
    await fill(disks, top.id, [0, 21]);
    await disks.flatten(top.id);
    expect((await disks.list()).find(({ id }) => id === top.id)?.base).toBeUndefined();
    await disks.remove(middle.id);
    await disks.remove(base.id);
    expect(await firsts(disks, top.id)).toEqual([21, 12, 0, 0, 0, 3]);
  });

  it("cannot be made of one that is written to, nor in endless rows", async () => {
    const disks = library();
    const base = await disks.create("base", DISK_BYTES);
    const writer = await disks.open(base.id);
    await expect(disks.branch(base.id, "x")).rejects.toMatchObject({ problem: "in-use" });
    await writer.close();
    let top = base;
    for (let n = 0; n < 8; n++) top = await disks.branch(top.id, `b${n}`);
    await expect(disks.branch(top.id, "one too many")).rejects.toMatchObject({ problem: "in-use" });
  });
});

/** Marks of stored disks: back to any that is kept, whatever was written and whenever the tab died; refused when another has written. */
import { createHash } from "node:crypto";
import { IDBFactory as FakeIndexedDB, IDBKeyRange as FakeKeyRange } from "fake-indexeddb";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { CHUNK_BYTES } from "../../web/storage/block-device";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { StoredDisk } from "../../web/storage/stored-disk";
import { openStrictStore } from "../../web/storage/strict-store";
import { Random } from "../devices/random";
import { DISK_BYTES, randomBytes } from "./laws";

beforeAll(() => vi.stubGlobal("IDBKeyRange", FakeKeyRange));
afterAll(() => vi.unstubAllGlobals());

const indexedDB = new FakeIndexedDB() as IDBFactory;
let counter = 0;
const newName = (): string => `m${++counter}`;
const living = new Map<string, () => void>();
/** Opens it in a new tab: the one before has died, and what it had not written is lost. */
async function opened(name: string, base?: MemoryDisk): Promise<StoredDisk> {
  living.get(name)?.();
  const store = await openStrictStore(name, indexedDB);
  living.set(name, store.close);
  return new StoredDisk({ name, bytes: DISK_BYTES, readOnly: false, store, ...(base ? { base } : {}) });
}
const contents = async (disk: StoredDisk): Promise<string> =>
  createHash("sha256")
    .update(await disk.read(0, DISK_BYTES))
    .digest("hex");
const keysOf = async (name: string): Promise<IDBValidKey[]> => {
  const { use } = await openStrictStore(name, indexedDB);
  return use(
    "readonly",
    (store) => new Promise((resolve) => (store.getAllKeys().onsuccess = (event) => resolve((event.target as IDBRequest).result))),
  );
};

async function scribble(disk: StoredDisk, random: Random): Promise<void> {
  for (let n = 1 + random.below(6); n > 0; n--) {
    const offset = 512 * random.below(DISK_BYTES / 512 - 1);
    const length = Math.min(DISK_BYTES - offset, 512 * (1 + random.below(200)));
    if (random.below(4) === 0) await disk.trim(offset, length);
    else await disk.write(offset, randomBytes(random, length));
    if (random.below(3) === 0) await disk.flush();
  }
}

it.each([false, true])("goes back to each mark that is kept after the tab died at any time (base: %s)", async (hasBase) => {
  const random = new Random(7);
  for (let round = 0; round < 4; round++) {
    const name = newName();
    const base = hasBase ? new MemoryDisk(DISK_BYTES) : undefined;
    await base?.write(0, randomBytes(random, 3 * CHUNK_BYTES));
    let disk = await opened(name, base);
    await scribble(disk, random);
    let wanted = { mark: await disk.mark(), contents: await contents(disk) };
    for (let step = 0; step < 5; step++) {
      await scribble(disk, random);
      // What is kept of the machine's memory belongs to the earlier mark until the later one's is there too.
      const later = { mark: await disk.mark(), contents: await contents(disk) };
      await scribble(disk, random);
      if (random.below(2) === 0) {
        wanted = later;
        await disk.forgetMarksBefore(later.mark);
        await scribble(disk, random);
      }
      if (random.below(3) > 0) continue;
      disk = await opened(name, base);
      await disk.goBack(wanted.mark);
      expect(await contents(disk)).toBe(wanted.contents);
    }
    const again = await opened(name, base);
    await again.goBack(wanted.mark);
    expect(await contents(again)).toBe(wanted.contents);
  }
});

it("is refused when another has written since, and then holds nothing of it any more; reading is no writing", async () => {
  const name = newName();
  const disk = await opened(name);
  await disk.write(0, new Uint8Array(512).fill(1));
  const mark = await disk.mark();
  await disk.write(0, new Uint8Array(512).fill(2));
  await disk.flush();
  const looker = await opened(name);
  await looker.read(0, 512);
  await looker.close();
  const other = await opened(name);
  await other.write(CHUNK_BYTES, new Uint8Array(512).fill(3));
  await other.flush();
  const back = await opened(name);
  await expect(back.goBack(mark)).rejects.toMatchObject({ kind: "DiskFailed", problem: "moved-on" });
  expect([...(await back.read(0, 1)), ...(await back.read(CHUNK_BYTES, 1))]).toEqual([2, 3]);
  expect(await keysOf(name)).toEqual([0, 1, "head"]);
});

it("keeps a chunk once for each mark, and gives its space back", async () => {
  const name = newName();
  const disk = await opened(name);
  await disk.write(0, new Uint8Array(512).fill(1));
  const first = await disk.mark();
  for (let n = 0; n < 3; n++) {
    await disk.write(0, new Uint8Array(512).fill(n));
    await disk.flush();
  }
  expect(await keysOf(name)).toEqual([0, "head", [first, 0]]);
  const second = await disk.mark();
  await disk.forgetMarksBefore(second);
  expect(await keysOf(name)).toEqual([0, "head"]);
  await expect(disk.goBack(first)).rejects.toMatchObject({ problem: "moved-on" });
});

/** The page's disks when the browser's storage is full: the machine is held, and goes on when there is room. */
import { IDBFactory as FakeIndexedDB, IDBObjectStore as FakeObjectStore } from "fake-indexeddb";
import { afterEach, expect, it, vi } from "vitest";
import type { WorkerEvent } from "../../web/protocol/events";
import { DiskLibrary } from "../../web/storage/disk-library";
import { AttachedDisks } from "../../web/worker/attached-disks";

afterEach(() => vi.restoreAllMocks());

it("holds the machine while storage is full, says so, and loses nothing", async () => {
  const library = new DiskLibrary({ indexedDB: new FakeIndexedDB() as IDBFactory, locks: undefined, patienceMs: 0 });
  const { id } = await library.create("work", 0x20000);
  const events: WorkerEvent[] = [];
  const holds: boolean[] = [];
  const disks = new AttachedDisks(
    (event) => void events.push(event as WorkerEvent),
    (on) => void holds.push(on),
    library,
  );
  const [disk] = await disks.open([{ id, name: "work" }]);
  let isFull = true;
  const put = FakeObjectStore.prototype.put;
  vi.spyOn(FakeObjectStore.prototype, "put").mockImplementation(function (
    this: IDBObjectStore,
    ...args: Parameters<IDBObjectStore["put"]>
  ) {
    if (isFull) throw new DOMException("no room", "QuotaExceededError");
    return put.apply(this, args);
  } as never);
  await disk!.write(0, new Uint8Array(512).fill(7));
  const flushed = disk!.flush();
  await expect.poll(() => holds, { timeout: 10_000 }).toEqual([true]);
  expect(events).toMatchObject([
    { type: "disk-trouble", title: expect.stringContaining("full"), text: expect.stringContaining("work cannot be written") },
  ]);
  isFull = false;
  await flushed;
  expect(holds).toEqual([true, false]);
  expect(events[1]).toMatchObject({ type: "disk-trouble", text: "" });
  await disk!.close();
  const again = await library.open(id, { readOnly: true });
  expect((await again.read(0, 1))[0]).toBe(7);
});

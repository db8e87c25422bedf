/** A disk on virtio: both interfaces, every request, the rings' rules, drivers that break them, saving at any moment. */
import { describe, expect, it } from "vitest";
import { DiskFailed, SnapshotIncompatible } from "../../web/lib/errors";
import { VirtioBlk } from "../../web/machine/devices/virtio-blk";
import { decodeState, encodeState } from "../../web/snapshot/codec";
import type { BlockDevice } from "../../web/storage/block-device";
import { deviceLaws } from "./laws";
import { Random } from "./random";
import { PatternDisk, SyncDisk } from "./sync-disk";
import { TestBoard } from "./test-board";
import { type Buffer, config, Driver, header, onBus, QUEUE, RAM_BYTES, SLOT, setConfig, TABLES } from "./virtio-driver";

const SECTORS = 4096;
const Type = { Read: 0, Write: 1, Flush: 4, GetId: 8, Discard: 11, WriteZeroes: 13 };
const INDIRECT = 28;
const EVENT_INDEX = 29;
const FLUSH = 9;
const NEEDS_RESET = 64;
/** Longer than any request of these tests takes. */
const LONG_NS = 1e9;

function fitted(options: { isLegacy?: boolean; features?: readonly number[]; disk?: SyncDisk } = {}) {
  const board = new TestBoard();
  board.ram = new Uint8Array(RAM_BYTES);
  const disk = options.disk ?? new SyncDisk(SECTORS * 512);
  const device = board.fit(new VirtioBlk(SLOT, disk, { serial: "serial-7" }));
  const driver = new Driver(board, onBus(board, device.endpoint), options.isLegacy);
  driver.setUp(options.features ?? [FLUSH]);
  /** One request from beginning to end; its status. */
  const request = (type: number, sector: number, data: readonly Buffer[], indirect = false) => {
    const status = driver.buffer(1);
    board.ram[status.address] = 0xee;
    driver.offer([driver.buffer(header(type, sector)), ...data, status], indirect);
    driver.notify();
    board.advance(LONG_NS);
    const used = driver.takeUsed();
    return { status: board.ram[status.address]!, written: used[0]?.written, count: used.length };
  };
  const bytesOf = ({ address, length }: Buffer) => board.ram.slice(address, address + length);
  return { board, disk, device, driver, request, bytesOf };
}

function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + seed * 31) >> 2;
  return bytes;
}

/** A guest that writes nonsense into its tables, more or less like sense, and notifies. */
function scribble(device: VirtioBlk, random: Random, board: TestBoard): void {
  const driver = new Driver(board, PLACES);
  const address = () => random.pick([TABLES, 0x40000, 0x40010, RAM_BYTES - 8, RAM_BYTES, 0xffffffff, random.bits()]);
  switch (random.below(8)) {
    case 0:
      driver.setUp([FLUSH, INDIRECT, EVENT_INDEX]);
      break;
    case 1:
      board.ram.set(header(random.pick([0, 1, 4, 8, 11, 13, 99]), random.below(SECTORS + 8)), 0x40000 + 16 * random.below(4));
      break;
    case 2:
    case 3: {
      const length = random.pick([0, 1, 16, 32, 512, 4096, 0x10000, 0xffffffff]);
      driver.descriptor(TABLES, random.below(8), { address: address(), length }, random.below(8), random.below(9));
      break;
    }
    case 4: {
      const [header, data, status] = [0, 1, 2].map((n) => ({ address: 0x40000 + 0x1000 * n, length: [16, 512, 1][n]! }));
      driver.descriptor(TABLES, 0, header!, 1, 1);
      driver.descriptor(TABLES, 1, data!, 1 | (random.below(2) * 2), 2);
      driver.descriptor(TABLES, 2, status!, 2, 0);
      break;
    }
    case 5:
      driver.offerHead(random.below(9));
      driver.setAvailableIndex(random.pick([1, 2, 3, random.below(300), random.bits() & 0xffff]));
      driver.notify();
      break;
    case 6:
      board.bus.writeMmio(PLACES.memory + random.below(0x4000), random.bits() & 0xff, 1);
      board.bus.writeMmio(PLACES.memory + (random.below(64) & ~3), random.bits(), 4);
      break;
    default:
      board.bus.readMmio(PLACES.memory + random.below(0x4000), 1);
      device.endpoint.readConfig(random.below(256));
      device.endpoint.writeConfig(0x40 + random.below(0xc0), random.bits() & 0xff);
  }
}
const PLACES = { port: 0xc000, memory: 0xe0000000 };

deviceLaws("virtio-blk", {
  fit: (board) => {
    board.ram = new Uint8Array(RAM_BYTES);
    const device = board.fit(new VirtioBlk(SLOT, new PatternDisk(SECTORS * 512), { serial: "law" }));
    for (const [register, value] of [
      [0x10, PLACES.port],
      [0x20, PLACES.memory],
      [0x04, 7],
    ] as const)
      for (let i = 0; i < 4; i++) device.endpoint.writeConfig(register + i, (value >>> (8 * i)) & 0xff);
    new Driver(board, PLACES).setUp([FLUSH, INDIRECT, EVENT_INDEX]);
    return device;
  },
  touch: (board) => board.out(PLACES.port + 0x0e, 3, 2),
  inputs: scribble,
});

for (const isLegacy of [false, true]) {
  const name = isLegacy ? "the legacy interface" : "the virtio 1 interface";
  describe(`requests by ${name}`, () => {
    it("writes, reads, flushes", () => {
      const { request, driver, disk, bytesOf } = fitted({ isLegacy });
      const data = pattern(1536);
      expect(request(Type.Write, 8, [driver.buffer(data)])).toEqual({ status: 0, written: 1, count: 1 });
      expect(disk.contents.slice(8 * 512, 11 * 512)).toEqual(data);
      const [first, second] = [driver.buffer(1024), driver.buffer(512)];
      expect(request(Type.Read, 8, [first, second])).toEqual({ status: 0, written: 1537, count: 1 });
      expect([...bytesOf(first), ...bytesOf(second)]).toEqual([...data]);
      expect(request(Type.Flush, 0, [])).toEqual({ status: 0, written: 1, count: 1 });
      expect(disk.calls).toEqual([`write ${8 * 512} 1536`, `read ${8 * 512} 1536`, "flush"]);
    });

    it("interrupts when a request has ended, until the status is read", () => {
      const { request, driver, board } = fitted({ isLegacy });
      expect(driver.interrupt).toBe(false);
      request(Type.Flush, 0, []);
      expect(driver.interrupt).toBe(true);
      expect(driver.isr()).toBe(1);
      expect(driver.interrupt).toBe(false);
      expect(driver.isr()).toBe(0);
      driver.setNoInterrupt(true);
      request(Type.Flush, 0, []);
      expect(driver.interrupt).toBe(false);
      expect(board.complaints).toEqual([]);
    });

    it("says its size and its name", () => {
      const { driver, board, request, bytesOf } = fitted({ isLegacy });
      const capacity = isLegacy ? board.in(driver.port + 0x14, 4) : board.bus.readMmio(driver.memory + 0x2000, 4);
      expect(capacity).toBe(SECTORS);
      const id = driver.buffer(20);
      expect(request(Type.GetId, 0, [id])).toEqual({ status: 0, written: 21, count: 1 });
      expect(new TextDecoder().decode(bytesOf(id)).replace(/\0+$/, "")).toBe("serial-7");
    });
  });
}

describe("the PCI function", () => {
  it("is a transitional disk with the five capabilities", () => {
    const { board } = fitted();
    expect(config(board, 0)).toBe(0x10011af4);
    expect(config(board, 8)).toBe(0x01000000);
    expect(config(board, 0x2c)).toBe(0x00021af4);
    const types: number[] = [];
    for (let at = config(board, 0x34) & 0xff; at !== 0; at = (config(board, at) >>> 8) & 0xff) {
      expect(config(board, at) & 0xff).toBe(9);
      types.push(config(board, at) >>> 24);
    }
    expect(types).toEqual([1, 2, 3, 4, 5]);
  });

  it("its registers can be reached through configuration space", () => {
    const { board, driver } = fitted();
    let window = 0;
    for (let at = config(board, 0x34) & 0xff; at !== 0; at = (config(board, at) >>> 8) & 0xff) window = at;
    setConfig(board, window + 4, 4, 1);
    setConfig(board, window + 8, 0x2000);
    setConfig(board, window + 12, 4);
    expect(config(board, window + 16)).toBe(SECTORS);
    setConfig(board, window + 8, 20);
    setConfig(board, window + 12, 1);
    expect(config(board, window + 16) & 0xff).toBe(15);
    setConfig(board, window + 16, 0, 1);
    expect(driver.status).toBe(0);
  });

  it("virtio 1 features are taken only if they were offered and VERSION_1 is among them", () => {
    const { driver } = fitted();
    const attempt = (low: number, high: number) => {
      driver.setCommon(20, 0, 1);
      driver.setCommon(20, 3, 1);
      for (const [word, value] of [low, high].entries()) {
        driver.setCommon(8, word, 4);
        driver.setCommon(12, value, 4);
      }
      driver.setCommon(20, 11, 1);
      return (driver.status & 8) !== 0;
    };
    expect(attempt(1 << FLUSH, 1)).toBe(true);
    expect(attempt(1 << FLUSH, 0)).toBe(false);
    expect(attempt(1 << 7, 1)).toBe(false);
  });
});

describe("what is asked in vain", () => {
  it("sectors beyond the end, broken sectors, unknown requests", () => {
    const { request, driver } = fitted();
    expect(request(Type.Read, SECTORS, [driver.buffer(512)]).status).toBe(1);
    expect(request(Type.Read, SECTORS - 1, [driver.buffer(1024)]).status).toBe(1);
    expect(request(Type.Read, 2 ** 52, [driver.buffer(512)]).status).toBe(1);
    expect(request(Type.Read, 0, [driver.buffer(100)]).status).toBe(1);
    expect(request(Type.Write, SECTORS - 1, [driver.buffer(pattern(1024))]).status).toBe(1);
    expect(request(99, 0, []).status).toBe(2);
    expect(request(Type.Read, SECTORS - 1, [driver.buffer(512)]).status).toBe(0);
  });

  it("a failure of the disk is an I/O error, and the next request goes on", () => {
    const { request, driver, disk } = fitted();
    disk.failure = new DiskFailed("work", "full", "no room.", "");
    expect(request(Type.Write, 0, [driver.buffer(pattern(512))]).status).toBe(1);
    expect(request(Type.Read, 0, [driver.buffer(512)]).status).toBe(1);
    expect(request(Type.Flush, 0, []).status).toBe(1);
    disk.failure = undefined;
    expect(request(Type.Write, 0, [driver.buffer(pattern(512))]).status).toBe(0);
  });

  it("a read-only disk says so, and refuses writes", () => {
    const { request, driver, board } = fitted({ disk: new SyncDisk(SECTORS * 512, true) });
    driver.setCommon(0, 0, 4);
    const offered = driver.common(4, 4);
    expect((offered >> 5) & 1).toBe(1);
    expect((offered >> 13) & 1).toBe(0);
    expect(request(Type.Write, 0, [driver.buffer(pattern(512))]).status).toBe(1);
    expect(request(Type.Discard, 0, [driver.buffer(new Uint8Array(16))]).status).toBe(1);
    expect(request(Type.Read, 0, [driver.buffer(512)]).status).toBe(0);
    expect(board.complaints.length).toBeGreaterThan(0);
  });
});

describe("durability", () => {
  it("a driver without FLUSH gets every write made durable before it ends", () => {
    const { request, driver, disk } = fitted({ features: [] });
    request(Type.Write, 0, [driver.buffer(pattern(512))]);
    expect(disk.calls).toEqual(["write 0 512", "flush"]);
  });

  it("discard and write of zeros trim every range", () => {
    const { request, driver, disk } = fitted({ features: [FLUSH, 13, 14] });
    disk.contents.fill(0xff);
    const ranges = (...list: (readonly [number, number, number])[]) => {
      const bytes = new Uint8Array(16 * list.length);
      const view = new DataView(bytes.buffer);
      for (const [i, [sector, count, flags]] of list.entries()) {
        view.setUint32(16 * i, sector, true);
        view.setUint32(16 * i + 8, count, true);
        view.setUint32(16 * i + 12, flags, true);
      }
      return [driver.buffer(bytes)];
    };
    expect(request(Type.Discard, 0, ranges([8, 2, 0], [100, 1, 0])).status).toBe(0);
    expect(disk.contents.subarray(8 * 512, 10 * 512).every((byte) => byte === 0)).toBe(true);
    expect(disk.contents[10 * 512]).toBe(0xff);
    expect(request(Type.WriteZeroes, 0, ranges([20, 1, 1])).status).toBe(0);
    expect(disk.contents[20 * 512]).toBe(0);
    expect(request(Type.Discard, 0, ranges([0, 1, 1])).status, "unmap is no flag of discard").toBe(2);
    expect(request(Type.Discard, 0, ranges([SECTORS, 1, 0])).status).toBe(1);
    expect(request(Type.Discard, 0, [driver.buffer(new Uint8Array(15))]).status).toBe(1);
    expect(request(Type.Discard, 0, ranges([0, 0, 0])).status).toBe(0);
  });
});

describe("rings", () => {
  it("indirect tables, longer than the queue if need be", () => {
    const { request, driver, bytesOf, disk } = fitted({ features: [FLUSH, INDIRECT] });
    disk.contents.set(pattern(300 * 512));
    const parts = Array.from({ length: 300 }, () => driver.buffer(512));
    expect(request(Type.Read, 0, parts, true)).toEqual({ status: 0, written: 300 * 512 + 1, count: 1 });
    expect(parts.every((part, i) => Buffer.from(bytesOf(part)).equals(disk.contents.subarray(512 * i, 512 * i + 512)))).toBe(true);
  });

  it("a header in pieces and a status behind the data in one buffer", () => {
    const { driver, board, disk } = fitted();
    disk.contents.set(pattern(512));
    const [a, b] = [driver.buffer(header(Type.Read).slice(0, 5)), driver.buffer(header(Type.Read).slice(5))];
    const answer = driver.buffer(513);
    driver.offer([a, b, answer]);
    driver.notify();
    board.advance(LONG_NS);
    expect(driver.takeUsed()).toEqual([{ head: 0, written: 513 }]);
    expect(board.ram.slice(answer.address, answer.address + 512)).toEqual(pattern(512));
    expect(board.ram[answer.address + 512]).toBe(0);
  });

  it("goes round the ring many times, many requests at once, each given back once", () => {
    const { driver, board, device } = fitted({ features: [FLUSH, EVENT_INDEX] });
    const start = 0xffff - 2000;
    device.load({ ...device.save(), "queue0.taken": start, "queue0.given": start });
    driver.startAt(start);
    const random = new Random(5);
    const head = driver.buffer(header(Type.Read, 3));
    const [data, status] = [driver.buffer(512), driver.buffer(1)];
    let [offered, given] = [start, start];
    for (let round = 0; round < 120; round++) {
      const batch = 50 + random.below(40);
      const before = driver.availEvent;
      for (let i = 0; i < batch; i++) driver.offer([head, data, status]);
      offered += batch;
      // As Linux decides whether to notify (vring_need_event).
      const isWanted = ((offered - before - 1) & 0xffff) < batch;
      expect(isWanted, "nothing is under way, so the device waits for a notification").toBe(true);
      driver.setUsedEvent((given + batch - 1) & 0xffff);
      driver.isr();
      driver.notify();
      board.advance(LONG_NS);
      given += driver.takeUsed().length;
      expect(given).toBe(offered);
      expect(driver.interrupt, "the last one was to be told").toBe(true);
    }
    expect(offered).toBeGreaterThan(0x10000);
  });

  it("with event indices, no interrupt before the entry that was named", () => {
    const { driver, request } = fitted({ features: [FLUSH, EVENT_INDEX] });
    request(Type.Flush, 0, []);
    driver.isr();
    driver.setUsedEvent(3);
    const interrupts: boolean[] = [];
    for (let i = 0; i < 4; i++) {
      request(Type.Flush, 0, []);
      interrupts.push(driver.interrupt);
      driver.isr();
    }
    expect(interrupts).toEqual([false, false, true, false]);
  });

  it("a smaller queue, as a driver may choose", () => {
    const { driver, board } = fitted();
    driver.setCommon(20, 0, 1);
    driver.setCommon(22, 0, 2);
    expect(driver.common(24, 2)).toBe(QUEUE);
    driver.setCommon(24, 64, 2);
    expect(driver.common(24, 2)).toBe(64);
    for (const size of [0, 3, 512]) driver.setCommon(24, size, 2);
    expect(driver.common(24, 2)).toBe(64);
    expect(board.complaints).toHaveLength(3);
  });
});

describe("drivers that break the rules", () => {
  const good = (driver: Driver) => [driver.buffer(header(Type.Flush)), driver.buffer(1)];
  const cases: readonly [string, (driver: Driver, board: TestBoard) => void][] = [
    [
      "a chain that runs in a circle",
      (driver) => {
        driver.offer(good(driver));
        driver.descriptor(TABLES, 1, driver.buffer(1), 3, 0);
        driver.descriptor(TABLES, 0, driver.buffer(1), 3, 1);
      },
    ],
    ["a descriptor that does not exist", (driver) => driver.offerHead(QUEUE)],
    [
      "a next one that does not exist",
      (driver) => {
        driver.offer(good(driver));
        driver.descriptor(TABLES, 0, driver.buffer(header(4)), 1, 300);
      },
    ],
    ["memory outside RAM", (driver) => void driver.offer([...good(driver), { address: RAM_BYTES - 4, length: 8, isIn: true }])],
    ["memory beyond 32 bits", (driver) => void driver.offer([{ address: 2 ** 40, length: 16 }, driver.buffer(1)])],
    ["a length beyond RAM", (driver) => void driver.offer([{ address: 0, length: 0xffffffff }, driver.buffer(1)])],
    ["more entries than the queue has", (driver) => driver.setAvailableIndex(QUEUE + 1)],
    ["an index that goes back", (driver) => driver.setAvailableIndex(0xffff)],
    ["no status", (driver) => void driver.offer([driver.buffer(header(4))])],
    ["no header", (driver) => void driver.offer([driver.buffer(1)])],
    ["a short header", (driver) => void driver.offer([driver.buffer(new Uint8Array(15)), driver.buffer(1)])],
    ["a buffer to read behind one to write", (driver) => void driver.offer([...good(driver), driver.buffer(header(4))])],
    [
      "an indirect table of a strange length",
      (driver) => {
        driver.offer(good(driver), true);
        driver.descriptor(TABLES, 0, { address: 0x40000, length: 17 }, 4, 0);
      },
    ],
    [
      "an indirect table within one",
      (driver) => {
        driver.offer(good(driver), true);
        driver.descriptor(0x40000, 0, { address: 0x40000, length: 32 }, 4, 0);
        driver.descriptor(TABLES, 0, { address: 0x40000, length: 32 }, 4, 0);
      },
    ],
    [
      "an indirect table that goes on",
      (driver) => {
        driver.offer(good(driver), true);
        driver.descriptor(TABLES, 0, { address: 0x40000, length: 32 }, 5, 1);
      },
    ],
  ];
  for (const [name, act] of cases) {
    it(`${name}: the device says that it needs a reset, and works after it`, () => {
      const { driver, board, request } = fitted({ features: [FLUSH, INDIRECT] });
      act(driver, board);
      driver.notify();
      board.advance(LONG_NS);
      expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
      expect(driver.isr()).toBe(2);
      expect(board.complaints).toHaveLength(1);
      driver.offer(good(driver));
      driver.notify();
      board.advance(LONG_NS);
      expect(driver.takeUsed()).toEqual([]);
      driver.setUp([FLUSH]);
      expect(request(Type.Flush, 0, [])).toEqual({ status: 0, written: 1, count: 1 });
    });
  }

  it("an indirect table that was not agreed on", () => {
    const { driver, board } = fitted();
    driver.offer(good(driver), true);
    driver.notify();
    board.advance(LONG_NS);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  });

  it("tables outside RAM", () => {
    const { driver, board } = fitted();
    driver.setCommon(20, 0, 1);
    driver.setUp([FLUSH]);
    driver.setCommon(20, 0, 1);
    driver.setCommon(20, 3, 1);
    driver.setCommon(8, 1, 4);
    driver.setCommon(12, 1, 4);
    driver.setCommon(20, 11, 1);
    for (const at of [32, 36, 40, 44, 48, 52]) driver.setCommon(at, 0xfffffff0, 4);
    driver.setCommon(28, 1, 2);
    driver.setCommon(20, 15, 1);
    driver.notify();
    board.advance(LONG_NS);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  });

  it("no memory access without bus mastering", () => {
    const { driver, board } = fitted();
    setConfig(board, 4, 3, 2);
    driver.offer(good(driver));
    driver.notify();
    board.advance(LONG_NS);
    expect(driver.takeUsed()).toEqual([]);
    setConfig(board, 4, 7, 2);
    driver.notify();
    board.advance(LONG_NS);
    expect(driver.takeUsed()).toHaveLength(1);
  });
});

describe("time", () => {
  it("a request takes guest time, more for more bytes, and the guest goes on meanwhile", () => {
    const { driver, board } = fitted();
    driver.offer([driver.buffer(header(Type.Read)), driver.buffer(512), driver.buffer(1)]);
    driver.offer([driver.buffer(header(Type.Read, 64)), driver.buffer(0x10000), driver.buffer(1)]);
    driver.notify();
    board.advance(50_000);
    expect(driver.takeUsed()).toEqual([]);
    board.advance(50_000);
    expect(driver.takeUsed()).toHaveLength(1);
    board.advance(250_000);
    expect(driver.takeUsed()).toHaveLength(1);
  });

  it("overlapping requests keep their order; others do not wait", () => {
    const { driver, board, disk } = fitted();
    const [old, fresh] = [pattern(512, 1), pattern(512, 2)];
    disk.contents.set(old);
    const [before, after, elsewhere] = [driver.buffer(512), driver.buffer(512), driver.buffer(512)];
    driver.offer([driver.buffer(header(Type.Read)), before, driver.buffer(1)]);
    driver.offer([driver.buffer(header(Type.Write)), driver.buffer(fresh), driver.buffer(1)]);
    driver.offer([driver.buffer(header(Type.Read)), after, driver.buffer(1)]);
    driver.offer([driver.buffer(header(Type.Read, 9)), elsewhere, driver.buffer(1)]);
    driver.notify();
    board.advance(0);
    expect(disk.calls).toEqual(["read 0 512", `read ${9 * 512} 512`]);
    board.advance(LONG_NS);
    expect(board.ram.slice(before.address, before.address + 512)).toEqual(old);
    expect(board.ram.slice(after.address, after.address + 512)).toEqual(fresh);
  });

  it("a reset forgets what was under way: nothing is written to memory any more", () => {
    const { driver, board, disk, request } = fitted();
    disk.contents.fill(0x77);
    const data = driver.buffer(512);
    driver.offer([driver.buffer(header(Type.Read)), data, driver.buffer(1)]);
    driver.notify();
    board.advance(1000);
    driver.setUp([FLUSH]);
    board.advance(LONG_NS);
    expect(board.ram[data.address]).toBe(0);
    expect(driver.takeUsed()).toEqual([]);
    expect(driver.interrupt).toBe(false);
    expect(request(Type.Flush, 0, []).count).toBe(1);
  });

  it("at most so much at once; the rest waits in the queue", () => {
    const { driver, board, disk } = fitted();
    for (let i = 0; i < 60; i++) driver.offer([driver.buffer(header(Type.Read, i)), driver.buffer(512), driver.buffer(1)]);
    driver.notify();
    board.advance(0);
    expect(disk.calls).toHaveLength(32);
    board.advance(LONG_NS);
    expect(driver.takeUsed()).toHaveLength(60);
  });
});

describe("saving with requests under way", () => {
  const twinOf = (disk: BlockDevice, board: TestBoard) => {
    const twin = new TestBoard();
    twin.ram = board.ram.slice();
    twin.ticks = board.ticks;
    const device = twin.fit(new VirtioBlk(SLOT, disk, { serial: "serial-7" }));
    onBus(twin, device.endpoint);
    return { twin, device };
  };

  it("goes on as if nothing had happened, at any moment", () => {
    for (let ns = 0; ns < 400_000; ns += 31_000) {
      const { driver, board, disk, device } = fitted();
      disk.contents.set(pattern(SECTORS * 512));
      for (let i = 0; i < 5; i++) {
        driver.offer([driver.buffer(header(Type.Write, i)), driver.buffer(pattern(512, i)), driver.buffer(1)]);
        driver.offer([driver.buffer(header(Type.Read, i + 2)), driver.buffer(1024), driver.buffer(1)]);
      }
      driver.offer([driver.buffer(header(Type.Flush)), driver.buffer(1)]);
      driver.notify();
      board.advance(ns);
      const bytes = encodeState(device.schema, device.save());
      const copy = new SyncDisk(SECTORS * 512);
      copy.contents.set(disk.contents);
      const { twin, device: loaded } = twinOf(copy, board);
      loaded.load(decodeState(loaded.schema, bytes));
      expect(encodeState(loaded.schema, loaded.save())).toEqual(bytes);
      for (const each of [board, twin]) each.advance(LONG_NS);
      expect(Buffer.from(twin.ram).equals(board.ram), `saved after ${ns} ns`).toBe(true);
      expect(Buffer.from(copy.contents).equals(disk.contents)).toBe(true);
      expect(encodeState(loaded.schema, loaded.save())).toEqual(encodeState(device.schema, device.save()));
    }
  });

  it("a write that had failed still fails after loading", () => {
    const { driver, board, disk, device } = fitted();
    disk.failure = new DiskFailed("work", "full", "no room.", "");
    const status = driver.buffer(1);
    driver.offer([driver.buffer(header(Type.Write)), driver.buffer(pattern(512)), status]);
    driver.notify();
    board.advance(1000);
    const { twin, device: loaded } = twinOf(new SyncDisk(SECTORS * 512), board);
    loaded.load(device.save());
    twin.advance(LONG_NS);
    expect(twin.ram[status.address]).toBe(1);
  });

  it("refuses the state of a disk of another size, and requests that are not possible", () => {
    const { driver, board, device } = fitted();
    driver.offer([driver.buffer(header(Type.Read)), driver.buffer(512), driver.buffer(1)]);
    driver.notify();
    board.advance(1000);
    const state = device.save();
    const { device: other } = twinOf(new SyncDisk(512), board);
    expect(() => other.load(state)).toThrow(SnapshotIncompatible);
    const random = new Random(1);
    let refused = 0;
    for (let i = 0; i < 500; i++) {
      const requests = state.requests.slice();
      requests[random.below(requests.length)] = random.below(256);
      try {
        device.load({ ...state, requests });
        board.advance(1000);
      } catch (error) {
        expect(error).toBeInstanceOf(SnapshotIncompatible);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});

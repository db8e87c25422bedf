/**
 * Disk images that are not whole: truncated, misaligned, over-long, unreadable half-way. Each ends in one clear error or in a disk;
 * a drive says which sectors it could not read, is ready for the next command, and keeps what was written before.
 */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DiskFailed } from "../../web/lib/errors";
import { resolveConfig } from "../../web/machine/config";
import { FloppyController } from "../../web/machine/devices/floppy";
import { Ide } from "../../web/machine/devices/ide";
import { AtaDisk, CdRom } from "../../web/machine/devices/ide-commands";
import { openImage } from "../../web/node/disk-image";
import type { BlockDevice } from "../../web/storage/block-device";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { Random } from "../devices/random";
import { SyncDisk, settled } from "../devices/sync-disk";
import { TestBoard } from "../devices/test-board";

const SECTOR = 512;
/** Images of random sizes beside the known ones. */
const RANDOM_SIZES = Number(process.env.VITRINE_DISK_IMAGES ?? 40);
const folder = mkdtempSync(join(tmpdir(), "vitrine-images-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Works up to `good` bytes; everything beyond fails, or whatever touches it. */
class HalfDisk extends SyncDisk {
  constructor(
    bytes: number,
    private readonly good: number,
    readOnly = false,
  ) {
    super(bytes, readOnly);
    for (let i = 0; i < bytes; i++) this.contents[i] = (i >> 9) + 3 * i;
  }
  #refuse<T>(): Promise<T> {
    return settled((): T => {
      throw new DiskFailed(this.name, "unreadable", "the medium has a scratch.", "");
    });
  }
  override read(offset: number, length: number): Promise<Uint8Array> {
    return offset + length > this.good ? this.#refuse() : super.read(offset, length);
  }
  override write(offset: number, data: Uint8Array): Promise<void> {
    return offset + data.length > this.good ? this.#refuse() : super.write(offset, data);
  }
}

/** A drive on its cable; `ready` waits, in guest time, until BSY is clear: a drive that hangs fails. */
function ide(places: ConstructorParameters<typeof Ide>[0], base: number) {
  const board = new TestBoard();
  board.ram = new Uint8Array(0x10000);
  board.fit(new Ide(places));
  const ready = (): number => {
    for (let waited = 0; waited < 100; waited++) {
      board.advance(1_000_000);
      const status = board.in(base + 7);
      if ((status & 0x80) === 0) return status;
    }
    throw new Error("the drive stays busy");
  };
  const command = (code: number, registers: readonly number[], device: number): number => {
    board.out(base + 6, device);
    registers.forEach((value, n) => {
      board.out(base + 1 + n, value);
    });
    board.out(base + 7, code);
    return ready();
  };
  const words = (bytes: number): Uint8Array => {
    const data = new DataView(new ArrayBuffer(bytes));
    for (let i = 0; i < bytes; i += 2) data.setUint16(i, board.in(base, 2), true);
    return new Uint8Array(data.buffer);
  };
  return { board, ready, command, words };
}

describe("image files", () => {
  const sizes = [1, 511, 512, 513, 1023, 163_840, 368_640, 1_474_559, 1_474_560, 1_474_561, 2_949_121];
  const random = new Random(7);
  const all = [...sizes, ...Array.from({ length: RANDOM_SIZES }, () => 1 + random.below(4 << 20))];

  it("of any size open as a disk whose every sector can be read, or are refused with the reason", async () => {
    for (const size of [0, ...all]) {
      const path = join(folder, "image");
      writeFileSync(path, "");
      truncateSync(path, size);
      const disk = await openImage(path, false).catch((error: unknown) => error as DiskFailed);
      if (disk instanceof Error) {
        expect([size, disk], String(disk)).toEqual([size, expect.any(DiskFailed)]);
        expect(size % SECTOR !== 0 || size === 0, disk.message).toBe(true);
        expect(disk.message).toContain(path);
        continue;
      }
      expect([size, disk.bytes, size % SECTOR]).toEqual([size, size, 0]);
      expect(await (disk as BlockDevice).read(size - SECTOR, SECTOR)).toHaveLength(SECTOR);
      await disk.close();
    }
  });

  it("too large for a floppy drive, or no disk's, are refused before anything runs", () => {
    const boot = { kind: "sector", image: new Uint8Array(512) } as const;
    const fitted = (bytes: number) => () =>
      resolveConfig({ boot, drives: [{ slot: "fda", media: "floppy", disk: new MemoryDisk(bytes) }] }, 0);
    expect(fitted(1_474_560)).not.toThrow();
    expect(fitted(4 << 20)).toThrow(/fda|floppy/);
  });
});

describe("a disk that is unreadable half-way", () => {
  const SECTORS = 64;
  const GOOD = 32;
  const fitted = () => {
    const disk = new HalfDisk(SECTORS * SECTOR, GOOD * SECTOR);
    return { disk, ...ide([{ commands: new AtaDisk("a"), disk }, undefined, undefined, undefined], 0x1f0) };
  };

  it("reads every good sector, and says UNC of the others, each time", () => {
    const { board, command, words, disk } = fitted();
    for (let sector = 0; sector < SECTORS; sector++) {
      const status = command(0x20, [0, 1, sector, 0, 0], 0xe0);
      if (sector < GOOD) {
        expect([sector, status]).toEqual([sector, 0x58]);
        expect(words(SECTOR)).toEqual(disk.contents.slice(sector * SECTOR, (sector + 1) * SECTOR));
      } else expect([sector, status & 0x89, board.in(0x1f1) & 0x40]).toEqual([sector, 0x01, 0x40]);
    }
  });

  it("keeps what was written before a write that failed, and goes on", () => {
    const { board, command, ready, disk } = fitted();
    const write = (sector: number, value: number): number => {
      expect(command(0x30, [0, 1, sector, 0, 0], 0xe0) & 0x89).toBe(0x08);
      for (let i = 0; i < SECTOR / 2; i++) board.out(0x1f0, value * 0x101, 2);
      return ready();
    };
    for (let sector = GOOD - 4; sector < GOOD + 4; sector++)
      expect([sector, write(sector, sector) & 1]).toEqual([sector, sector < GOOD ? 0 : 1]);
    expect(write(0, 0x77) & 1).toBe(0);
    for (let sector = GOOD - 4; sector < GOOD; sector++)
      expect(disk.contents.slice(sector * SECTOR, (sector + 1) * SECTOR).every((byte) => byte === sector)).toBe(true);
    expect(disk.contents[0]).toBe(0x77);
  });

  it("a CD: MEDIUM ERROR, and the next block that is good", () => {
    const cd = new HalfDisk(8 * 2048, 4 * 2048, true);
    const { board, command, ready, words } = ide([undefined, undefined, { commands: new CdRom("c"), disk: cd }, undefined], 0x170);
    const send = (packet: readonly number[]): number => {
      command(0xa0, [0, 0, 0, 0x00, 0x08], 0xa0);
      const whole = [...packet, ...new Array(12).fill(0)].slice(0, 12);
      for (let i = 0; i < 12; i += 2) board.out(0x170, whole[i]! | (whole[i + 1]! << 8), 2);
      return ready();
    };
    for (const block of [0, 3, 4, 7, 2]) {
      const status = send([0x28, 0, 0, 0, 0, block, 0, 0, 1]);
      if (block < 4) {
        expect([block, status & 0x89]).toEqual([block, 0x08]);
        expect(words(2048)).toEqual(cd.contents.slice(block * 2048, (block + 1) * 2048));
        ready();
        continue;
      }
      expect([block, status & 0x81]).toEqual([block, 0x01]);
      expect(send([3, 0, 0, 0, 18]) & 0x89).toBe(0x08);
      expect(words(18)[2]! & 0x0f).toBe(3);
      ready();
    }
  });

  it("a floppy disk: a data error, then the next sector", () => {
    const board = new TestBoard();
    const disk = new HalfDisk(1440 * 1024, 36 * SECTOR);
    let data = new Uint8Array();
    const dma = {
      ready: () => SECTOR,
      toMemory: (bytes: Uint8Array) => {
        data = Uint8Array.from(bytes.subarray(0, SECTOR));
      },
      fromMemory: (length: number) => new Uint8Array(length).fill(0x5a),
    };
    board.fit(new FloppyController([disk, undefined], dma));
    board.out(0x3f2, 0x1c);
    const send = (...bytes: number[]): number[] => {
      for (const byte of bytes) board.out(0x3f5, byte);
      board.advance(10_000_000);
      const result: number[] = [];
      while ((board.in(0x3f4) & 0xc0) === 0xc0) result.push(board.in(0x3f5));
      return result;
    };
    send(0x0f, 0, 1);
    send(8);
    expect(send(0x46, 0, 1, 0, 1, 2, 18, 27, 255).slice(0, 2)).toEqual([0x40, 0x20 | 0x04]);
    send(0x0f, 0, 0);
    send(8);
    expect(send(0x46, 4, 0, 1, 18, 2, 18, 27, 255)[0]).toBe(4);
    expect(data).toEqual(disk.contents.slice(35 * SECTOR, 36 * SECTOR));
  });
});

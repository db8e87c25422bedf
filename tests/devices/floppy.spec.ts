/** The floppy controller. */
import { describe, expect, it } from "vitest";
import { FloppyController } from "../../web/machine/devices/floppy";
import { floppyGeometry } from "../../web/machine/devices/floppy-geometry";
import { deviceLaws } from "./laws";
import { PatternDisk, SyncDisk } from "./sync-disk";
import { TestBoard } from "./test-board";

const BYTES = 1440 * 1024;
const memoryChannel = () => {
  const channel = { count: 512, data: new Uint8Array(0), given: new Uint8Array(0) };
  return {
    channel,
    dma: {
      ready: () => channel.count,
      toMemory: (data: Uint8Array) => {
        channel.data = data.slice(0, channel.count);
      },
      fromMemory: (length: number) => channel.given.slice(0, length),
    },
  };
};

deviceLaws("floppy controller", {
  fit: (board) => board.fit(new FloppyController([new PatternDisk(BYTES), new PatternDisk(720 * 1024)], memoryChannel().dma)),
  touch: (board) => board.out(0x3f2, 0x0c),
  inputs: (_device, random, board) => {
    const commands = [
      [0x46, 0, 0, 0, 1, 2, 18, 27, 255],
      [0xc5, 1, 0, 0, 2, 2, 9, 27, 255],
      [7, 0],
      [8],
      [0x0f, 0, 3],
      [0x4a, 0],
      [0x4d, 0, 2, 18, 27, 0xf6],
    ];
    board.out(0x3f2, 0x1c);
    for (const byte of random.pick(commands)) board.out(0x3f5, byte);
  },
});

function fitted(readOnly = false) {
  const board = new TestBoard();
  const disk = new SyncDisk(BYTES, readOnly);
  for (let i = 0; i < disk.contents.length; i++) disk.contents[i] = (i >> 9) + i;
  const { channel, dma } = memoryChannel();
  const controller = board.fit(new FloppyController([disk, undefined], dma));
  const send = (...bytes: number[]) => {
    for (const byte of bytes) board.out(0x3f5, byte);
    board.advance(10_000_000);
    const result: number[] = [];
    while ((board.in(0x3f4) & 0xc0) === 0xc0) result.push(board.in(0x3f5));
    return result;
  };
  board.out(0x3f2, 0x1c);
  return { board, disk, channel, controller, send };
}

describe("floppy controller", () => {
  it("after its reset four drives have something to say, then nobody", () => {
    const { board, send } = fitted();
    expect(board.levels[6]).toBe(true);
    expect([send(8), send(8), send(8), send(8), send(8)]).toEqual([[0xc0, 0], [0xc1, 0], [0xc2, 0], [0xc3, 0], [0x80]]);
  });

  it("seeks, reads and writes through the DMA channel, to the end of both sides", () => {
    const { board, disk, channel, send } = fitted();
    expect(send(0x0f, 0, 2)).toEqual([]);
    expect(send(8)).toEqual([0x20, 2]);
    channel.count = 1024;
    expect(send(0xe6, 0, 2, 0, 18, 2, 18, 27, 255)).toEqual([0, 0, 0, 2, 1, 2, 2]);
    const offset = (2 * 36 + 17) * 512;
    expect(channel.data).toEqual(disk.contents.slice(offset, offset + 1024));
    channel.given = new Uint8Array(512).fill(0x5a);
    channel.count = 512;
    expect(send(0xc5, 4, 2, 1, 3, 2, 18, 27, 255)).toEqual([4, 0, 0, 2, 1, 4, 2]);
    expect(disk.contents[(2 * 36 + 18 + 2) * 512]).toBe(0x5a);
    expect(board.levels[6]).toBe(false);
  });

  it("no disk, a wrong track, a protected disk, a failing one: each its own status", () => {
    const { disk, controller, send } = fitted(true);
    expect(send(0x46, 0, 5, 0, 1, 2, 18, 27, 255).slice(0, 2)).toEqual([0x40, 0x04]);
    expect(send(0x45, 0, 0, 0, 1, 2, 18, 27, 255).slice(0, 2)).toEqual([0x40, 0x02]);
    disk.failure = new Error("broken");
    expect(send(0x46, 0, 0, 0, 1, 2, 18, 27, 255).slice(0, 2)).toEqual([0x40, 0x24]);
    controller.change(0, undefined);
    expect(send(0x46, 0, 0, 0, 1, 2, 18, 27, 255).slice(0, 2)).toEqual([0x40, 0x05]);
  });

  it("the change line is up until the head steps over a disk", () => {
    const { board, controller, send } = fitted();
    expect(board.in(0x3f7) & 0x80).toBe(0x80);
    send(7, 0);
    expect(board.in(0x3f7) & 0x80).toBe(0);
    controller.change(0, undefined);
    send(7, 0);
    expect(board.in(0x3f7) & 0x80).toBe(0x80);
  });

  it("formats are told from the size", () => {
    const of = (kb: number) => floppyGeometry(kb * 1024);
    expect([
      of(160)!.sectors,
      of(360)!.sectors,
      of(720)!.sectors,
      of(1200)!.sectors,
      of(1440)!.sectors,
      of(2880)!.sectors,
      of(1266)!.sectors,
    ]).toEqual([8, 9, 9, 15, 18, 36, 18]);
    expect(of(3000)).toBeUndefined();
  });
});

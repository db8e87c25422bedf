/** IDE: disks and CD-ROMs on two cables, PIO and bus master. */
import { describe, expect, it } from "vitest";
import { Ide } from "../../web/machine/devices/ide";
import { AtaDisk, CdRom } from "../../web/machine/devices/ide-commands";
import { deviceLaws } from "./laws";
import { PatternDisk, SyncDisk } from "./sync-disk";
import { TestBoard } from "./test-board";

const SECTORS = 2048;
const DISK_COMMANDS: readonly (readonly [number, number])[] = [
  [0x20, 3],
  [0xc8, 2],
  [0xca, 4],
  [0x30, 2],
  [0xec, 1],
  [0xe7, 0],
  [0xc6, 8],
  [0xc4, 8],
];
const CD_COMMANDS: readonly (readonly [number, number])[] = [
  [0xa0, 0],
  [0xa1, 0],
  [0xa0, 1],
];

for (const kind of ["disk", "CD-ROM"] as const) {
  const base = kind === "disk" ? 0x1f0 : 0x170;
  deviceLaws(`IDE with a ${kind}`, {
    fit: (board) => {
      board.ram = new Uint8Array(0x10000);
      const disk = new PatternDisk(SECTORS * 512);
      return board.fit(
        new Ide(
          kind === "disk"
            ? [{ commands: new AtaDisk("a"), disk }, undefined, undefined, undefined]
            : [undefined, undefined, { commands: new CdRom("c"), disk }, undefined],
        ),
      );
    },
    touch: (board) => board.out(base + 2, 7),
    inputs: (device, random, board) => {
      const register = random.below(8);
      // Whole commands, which single accesses would hardly come to.
      if (register < 5) {
        const [code, count] = random.pick(kind === "disk" ? DISK_COMMANDS : CD_COMMANDS);
        for (const [at, value] of [
          [6, random.pick([0xe0, 0xf0])],
          [1, random.below(2)],
          [2, count],
          [3, random.below(256)],
          [4, random.below(4)],
          [5, 0],
          [7, code],
        ] as const)
          board.out(base + at, value);
        const packet = [random.pick([0x28, 0x43, 0x12, 0x25, 0x5a]), 0, 0, random.pick([0, 0x100]), 0x100, 0];
        if (code === 0xa0) for (const word of packet) board.out(base, word, 2);
      } else if (register === 5) for (let i = 0; i < 300; i++) board.in(base, 4);
      else if (register === 6) for (let i = 0; i < 300; i++) board.out(base, random.bits(), 4);
      else {
        device.endpoint.writeConfig(4, 5);
        device.endpoint.writeConfig(0x21, 0xc0);
        new DataView(board.ram.buffer).setUint32(0, 0x1000, true);
        new DataView(board.ram.buffer).setUint32(4, 0x80004000, true);
        board.out(random.pick([0xc000, 0xc008]), random.pick([0, 1, 8, 9]));
      }
    },
  });
}

function fitted() {
  const board = new TestBoard();
  board.ram = new Uint8Array(0x40000);
  const disk = new SyncDisk(SECTORS * 512);
  for (let i = 0; i < disk.contents.length; i++) disk.contents[i] = (i >> 9) ^ i;
  const cd = new SyncDisk(100 * 2048, true);
  for (let i = 0; i < cd.contents.length; i++) cd.contents[i] = (i >> 11) + 3 * i;
  const ide = board.fit(
    new Ide([{ commands: new AtaDisk("serial"), disk }, undefined, { commands: new CdRom("cd"), disk: cd }, undefined]),
  );
  ide.endpoint.writeConfig(4, 5);
  ide.endpoint.writeConfig(0x21, 0xc0);
  const command = (base: number, code: number, registers: readonly number[] = [], device = 0xe0) => {
    board.out(base + 6, device);
    for (const [n, value] of registers.entries()) board.out(base + 1 + n, value);
    board.out(base + 7, code);
  };
  const status = (base: number) => (board.advance(1_000_000), board.in(base + 7));
  const words = (base: number, bytes: number) => {
    const data = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 2) {
      const word = board.in(base, 2);
      data[i] = word & 0xff;
      data[i + 1] = word >> 8;
    }
    return data;
  };
  return { board, disk, cd, ide, command, status, words };
}
const packet = (board: TestBoard, bytes: readonly number[]) => {
  const whole = [...bytes, ...new Array(12).fill(0)].slice(0, 12);
  for (let i = 0; i < 12; i += 2) board.out(0x170, whole[i]! | (whole[i + 1]! << 8), 2);
};

describe("a disk on IDE", () => {
  it("tells disk and CD-ROM apart by signature, and says what they are", () => {
    const { board, command, status, words } = fitted();
    expect([board.in(0x1f4), board.in(0x1f5), board.in(0x174), board.in(0x175)]).toEqual([0, 0, 0x14, 0xeb]);
    command(0x1f0, 0xec);
    expect(status(0x1f0)).toBe(0x58);
    const identity = new DataView(words(0x1f0, 512).buffer);
    expect([identity.getUint16(0, true), identity.getUint32(120, true), identity.getUint16(98, true) & 0x300]).toEqual([
      0x40,
      SECTORS,
      0x300,
    ]);
    expect(status(0x1f0)).toBe(0x50);
    command(0x170, 0xec, [], 0xa0);
    expect(status(0x170) & 1).toBe(1);
    expect([board.in(0x174), board.in(0x175)]).toEqual([0x14, 0xeb]);
    // Of a slave that is not there nobody answers.
    board.out(0x1f6, 0xf0);
    expect(board.in(0x1f7)).toBe(0);
  });

  it("reads and writes sectors, each announced by INTRQ", () => {
    const { board, disk, command, status, words } = fitted();
    command(0x1f0, 0x20, [0, 2, 5, 0, 0]);
    expect(board.in(0x3f6)).toBe(0x80);
    board.advance(1_000_000);
    expect(board.levels[14]).toBe(true);
    expect(status(0x1f0)).toBe(0x58);
    expect(board.levels[14]).toBe(false);
    expect(words(0x1f0, 512)).toEqual(disk.contents.slice(5 * 512, 6 * 512));
    expect(board.levels[14]).toBe(true);
    expect(words(0x1f0, 512)).toEqual(disk.contents.slice(6 * 512, 7 * 512));
    expect(status(0x1f0)).toBe(0x50);
    command(0x1f0, 0x30, [0, 1, 9, 0, 0]);
    expect([board.in(0x3f6), board.levels[14]]).toEqual([0x58, false]);
    for (let i = 0; i < 256; i++) board.out(0x1f0, 0xbeef, 2);
    expect(board.in(0x3f6)).toBe(0x80);
    board.advance(1_000_000);
    expect(board.levels[14]).toBe(true);
    expect([...disk.contents.slice(9 * 512, 9 * 512 + 2), disk.contents[10 * 512]]).toEqual([0xef, 0xbe, 10]);
  });

  it("48-bit addresses take two writes; beyond the end is IDNF, a failing disk UNC", () => {
    const { board, disk, command, status, words } = fitted();
    for (const [register, values] of [
      [2, [0, 1]],
      [3, [0, 7]],
      [4, [0, 1]],
      [5, [0, 0]],
    ] as const)
      for (const value of values) board.out(0x1f0 + register, value);
    command(0x1f0, 0x24);
    expect(status(0x1f0)).toBe(0x58);
    expect(words(0x1f0, 512)).toEqual(disk.contents.slice(0x107 * 512, 0x108 * 512));
    command(0x1f0, 0x20, [0, 2, 0xff, 0x07, 0]);
    expect([status(0x1f0) & 1, board.in(0x1f1)]).toEqual([1, 0x10]);
    disk.failure = new Error("broken");
    command(0x1f0, 0x20, [0, 1, 0, 0, 0]);
    expect([status(0x1f0) & 1, board.in(0x1f1) & 0x40]).toEqual([1, 0x40]);
  });

  it("moves by bus master, through a table of regions, both ways", () => {
    const { board, disk, command, status } = fitted();
    const view = new DataView(board.ram.buffer);
    const table = (...regions: readonly (readonly [number, number])[]) =>
      regions.forEach(([address, count], n) => {
        view.setUint32(0x100 + 8 * n, address, true);
        view.setUint32(0x104 + 8 * n, count | (n === regions.length - 1 ? 0x80000000 : 0), true);
      });
    table([0x1000, 512], [0x3000, 1024]);
    board.out(0xc004, 0x100, 4);
    command(0x1f0, 0xc8, [0, 3, 11, 0, 0]);
    board.out(0xc000, 0x09);
    expect(board.in(0xc002) & 7).toBe(1);
    board.advance(1_000_000);
    expect([board.in(0xc002) & 7, board.levels[14]]).toEqual([4, true]);
    expect(board.ram.slice(0x1000, 0x1200)).toEqual(disk.contents.slice(11 * 512, 12 * 512));
    expect(board.ram.slice(0x3000, 0x3400)).toEqual(disk.contents.slice(12 * 512, 14 * 512));
    board.out(0xc000, 0);
    board.out(0xc002, 4);
    board.ram.fill(0x77, 0x3000, 0x3200);
    table([0x3000, 512]);
    command(0x1f0, 0xca, [0, 1, 40, 0, 0]);
    board.out(0xc000, 0x01);
    expect(status(0x1f0)).toBe(0x50);
    expect(disk.contents[40 * 512 + 511]).toBe(0x77);
    // A table that is too short is an error of the bus master.
    board.out(0xc000, 0);
    command(0x1f0, 0xc8, [0, 2, 0, 0, 0]);
    board.out(0xc000, 0x09);
    board.advance(1_000_000);
    expect(board.in(0xc002) & 2).toBe(2);
  });

  it("SRST ends what is under way, and the drive is there again", () => {
    const { board, command, status } = fitted();
    command(0x1f0, 0x20, [0, 1, 5, 0, 0]);
    board.out(0x3f6, 0x04);
    expect(board.in(0x3f6)).toBe(0x80);
    board.out(0x3f6, 0x00);
    board.advance(1_000_000);
    expect([board.in(0x3f6), board.in(0x1f1), board.levels[14]]).toEqual([0x50, 1, false]);
    command(0x1f0, 0x20, [0, 1, 5, 0, 0]);
    expect(status(0x1f0)).toBe(0x58);
  });
});

describe("a CD-ROM drive", () => {
  it("reads blocks in pieces of the byte count that the host chose", () => {
    const { board, cd, command, status, words } = fitted();
    command(0x170, 0xa0, [0, 0, 0, 0x00, 0x04], 0xa0);
    expect(status(0x170)).toBe(0x58);
    packet(board, [0x28, 0, 0, 0, 0, 3, 0, 0, 1]);
    expect(status(0x170)).toBe(0x58);
    expect([board.in(0x174) | (board.in(0x175) << 8), board.in(0x172)]).toEqual([1024, 2]);
    expect(words(0x170, 1024)).toEqual(cd.contents.slice(3 * 2048, 3 * 2048 + 1024));
    expect(words(0x170, 1024)).toEqual(cd.contents.slice(3 * 2048 + 1024, 4 * 2048));
    expect([status(0x170), board.in(0x172) & 3]).toEqual([0x50, 3]);
  });

  it("tells capacity and table of contents", () => {
    const { board, command, status, words } = fitted();
    const ask = (bytes: readonly number[]) => {
      command(0x170, 0xa0, [0, 0, 0, 0xfe, 0xff], 0xa0);
      packet(board, bytes);
      return status(0x170) === 0x58 ? [...words(0x170, board.in(0x174) | (board.in(0x175) << 8))] : [];
    };
    expect(ask([0x25])).toEqual([0, 0, 0, 99, 0, 0, 8, 0]);
    expect(ask([0x43, 0, 0, 0, 0, 0, 0, 0, 20])).toEqual([0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0, 100]);
  });

  it("a new disc is UNIT ATTENTION once, none is NOT READY", () => {
    const { board, ide, command, status, words } = fitted();
    const drive = ide.drive(2)!;
    const test = () => {
      command(0x170, 0xa0, [], 0xa0);
      packet(board, [0]);
      if ((status(0x170) & 1) === 0) return [0, 0];
      command(0x170, 0xa0, [0, 0, 0, 0xfe, 0xff], 0xa0);
      packet(board, [3, 0, 0, 0, 18]);
      status(0x170);
      const sense = words(0x170, 18);
      return [sense[2], sense[12]];
    };
    expect(test()).toEqual([0, 0]);
    drive.change(undefined);
    expect(test()).toEqual([2, 0x3a]);
    drive.change(new SyncDisk(2048 * 10, true));
    expect(test()).toEqual([6, 0x28]);
    expect(test()).toEqual([0, 0]);
  });
});

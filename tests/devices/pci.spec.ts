/** PCI configuration mechanism 1, the host bridge and the PIIX3 with its reset control. */
import { describe, expect, it } from "vitest";
import { PciHostBridge } from "../../web/machine/devices/pci";
import { Piix3 } from "../../web/machine/devices/piix3";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

function fitted() {
  const board = new TestBoard();
  const wires = { resets: 0 };
  const piix3 = board.fit(new Piix3(() => wires.resets++));
  const bridge = board.fit(new PciHostBridge([piix3]));
  const select = (device: number, fn: number, register: number, bus = 0) =>
    board.out(0xcf8, (0x80000000 | (bus << 16) | (device << 11) | (fn << 8) | register) >>> 0, 4);
  const read = (device: number, fn: number, register: number, bus = 0) => {
    select(device, fn, register, bus);
    return board.in(0xcfc, 4);
  };
  return { board, piix3, bridge, wires, select, read };
}

deviceLaws("PCI host bridge", {
  fit: (board) => board.fit(new PciHostBridge([new Piix3(() => {})])),
  touch: (board) => board.out(0xcf8, 0x80000000, 4),
});
deviceLaws("PIIX3", { fit: (board) => board.fit(new Piix3(() => {})), touch: (board) => board.out(0xcf9, 0x02) });

describe("PCI configuration mechanism 1", () => {
  it("Linux's pci_check_type1: CF8 reads back as a dword, and CFB as a byte is something else", () => {
    const { board } = fitted();
    board.out(0xcfb, 0x01);
    const before = board.in(0xcf8, 4);
    board.out(0xcf8, 0x80000000, 4);
    expect(board.in(0xcf8, 4)).toBe(0x80000000);
    board.out(0xcf8, before, 4);
    expect(board.in(0xcf8, 4)).toBe(before);
  });

  it("finds the host bridge with QEMU's subsystem, and the PIIX3", () => {
    const { read } = fitted();
    expect(read(0, 0, 0x00)).toBe(0x12378086);
    expect(read(0, 0, 0x08)).toBe(0x06000002);
    expect(read(0, 0, 0x2c)).toBe(0x11001af4);
    expect(read(1, 0, 0x00)).toBe(0x70008086);
    expect(read(1, 0, 0x08)).toBe(0x06010000);
  });

  it("only the PIIX3 says that it has several functions", () => {
    const { read } = fitted();
    expect((read(0, 0, 0x0c) >> 16) & 0xff).toBe(0x00);
    expect((read(1, 0, 0x0c) >> 16) & 0xff).toBe(0x80);
  });

  it("whatever is not there reads as ones, in every size", () => {
    const { board, read, select } = fitted();
    for (let device = 0; device < 32; device++) {
      for (let fn = 0; fn < 8; fn++) {
        if (device <= 1 && fn === 0) continue;
        expect(read(device, fn, 0)).toBe(0xffffffff);
      }
    }
    expect(read(0, 0, 0, 1)).toBe(0xffffffff);
    select(5, 0, 0);
    expect(board.in(0xcfc, 2)).toBe(0xffff);
    expect(board.in(0xcfe)).toBe(0xff);
    board.out(0xcf8, 0x00000000, 4);
    expect(board.in(0xcfc, 4), "not enabled").toBe(0xffffffff);
  });

  it("bytes and words of the data window", () => {
    const { board, select } = fitted();
    select(0, 0, 0);
    expect([0, 1, 2, 3].map((i) => board.in(0xcfc + i))).toEqual([0x86, 0x80, 0x37, 0x12]);
    expect(board.in(0xcfe, 2)).toBe(0x1237);
    expect(board.in(0xcfd, 2)).toBe(0x3780);
    select(0, 0, 0x58);
    board.out(0xcfd, 0xff);
    expect(board.in(0xcfd), "PAM0 has two bits for F0000 only").toBe(0x30);
    board.out(0xcfe, 0x3311, 2);
    expect(board.in(0xcfc, 4)).toBe(0x33113000);
  });

  it("identification cannot be written, unimplemented BARs read 0", () => {
    const { board, read, select } = fitted();
    select(0, 0, 0);
    board.out(0xcfc, 0, 4);
    expect(read(0, 0, 0)).toBe(0x12378086);
    for (let bar = 0x10; bar <= 0x24; bar += 4) {
      select(1, 0, bar);
      board.out(0xcfc, 0xffffffff, 4);
      expect(board.in(0xcfc, 4)).toBe(0);
    }
  });

  it("PIRQ routing keeps what is written", () => {
    const { board, read, select } = fitted();
    expect(read(1, 0, 0x60)).toBe(0x80808080);
    select(1, 0, 0x60);
    board.out(0xcfc, 0x0b0b0a0a, 4);
    expect(read(1, 0, 0x60)).toBe(0x0b0b0a0a);
  });
});

describe("PIIX3 reset control", () => {
  it("shares CF9 with the dword register at CF8, and resets on the rise of bit 2", () => {
    const { board, wires, piix3 } = fitted();
    board.out(0xcf8, 0x8000ffff, 4);
    expect(wires.resets).toBe(0);
    expect(board.in(0xcf8, 4)).toBe(0x8000fffc);
    board.out(0xcf9, 0x02);
    expect(wires.resets).toBe(0);
    board.out(0xcf9, 0x06);
    expect(wires.resets).toBe(1);
    expect(board.in(0xcf9)).toBe(0x06);
    board.out(0xcf9, 0x06);
    expect(wires.resets).toBe(1);
    piix3.reset();
    expect(board.in(0xcf9)).toBe(0x00);
  });
});

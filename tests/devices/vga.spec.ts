/** The VGA: registers, the window's maps and write modes, the display interface. */
import { describe, expect, it } from "vitest";
import { Vga } from "../../web/machine/devices/vga";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

const MEMORY = 0x10000;

deviceLaws("VGA", {
  fit: (board) => board.fit(new Vga(MEMORY)),
  touch: (board) => board.out(0x3c2, 0x67),
  inputs: (_device, random, board) => {
    const address = 0xa0000 + random.below(0x20000);
    if (random.below(2)) board.bus.writeMmio(address, random.bits() & 0xff, 1);
    else board.bus.readMmio(address, 1);
  },
});

function fitted() {
  const board = new TestBoard();
  const vga = board.fit(new Vga(MEMORY));
  const set = (port: number, index: number, value: number) => {
    board.out(port, index);
    board.out(port + 1, value);
  };
  board.out(0x3c2, 0x67);
  return {
    board,
    vga,
    set,
    read: (at: number) => board.bus.readMmio(0xa0000 + at, 1),
    write: (at: number, value: number) => board.bus.writeMmio(0xa0000 + at, value, 1),
  };
}

describe("VGA", () => {
  it("colour registers answer at 3Dxh, monochrome ones do not", () => {
    const { board } = fitted();
    board.out(0x3d4, 0x0e);
    board.out(0x3d5, 0x55);
    expect([board.in(0x3d5), board.in(0x3b5)]).toEqual([0x55, 0xff]);
    board.out(0x3c2, 0x66);
    expect([board.in(0x3d5), board.in(0x3b5)]).toEqual([0xff, 0x55]);
  });

  it("CRTC registers 0-7 can be protected, but for line compare's bit 8", () => {
    const { board, set } = fitted();
    set(0x3d4, 0x07, 0x00);
    set(0x3d4, 0x11, 0x80);
    set(0x3d4, 0x07, 0xff);
    expect(board.in(0x3d5)).toBe(0x10);
  });

  it("a colour changes with its third byte, and reading counts on by itself", () => {
    const { board } = fitted();
    for (const value of [5, 1, 2, 3, 4, 5]) board.out(value === 5 && board.in(0x3c8) === 0 ? 0x3c8 : 0x3c9, value);
    board.out(0x3c7, 5);
    expect([board.in(0x3c9), board.in(0x3c9), board.in(0x3c9)]).toEqual([1, 2, 3]);
    expect(board.in(0x3c7)).toBe(3);
  });

  it("retrace comes 70 times a second of guest time", () => {
    const { board } = fitted();
    let frames = 0;
    let was = false;
    for (let us = 0; us < 100_000; us += 20) {
      const now = (board.in(0x3da) & 8) !== 0;
      if (now && !was) frames++;
      was = now;
      board.advance(20_000);
    }
    expect(frames).toBe(7);
  });

  it("write modes 0 to 3, set/reset, logic and bit mask, and both read modes", () => {
    const { set, read, write } = fitted();
    set(0x3c4, 2, 0x0f);
    set(0x3ce, 6, 0x05);
    set(0x3ce, 8, 0xff);
    const planes = (at: number) => [0, 1, 2, 3].map((plane) => (set(0x3ce, 4, plane), read(at)));
    write(0, 0xa5);
    expect(planes(0)).toEqual([0xa5, 0xa5, 0xa5, 0xa5]);
    set(0x3c4, 2, 0x05);
    write(0, 0x0f);
    expect(planes(0)).toEqual([0x0f, 0xa5, 0x0f, 0xa5]);
    // The latches hold what was read last.
    set(0x3c4, 2, 0x0f);
    read(0);
    set(0x3ce, 5, 1);
    write(1, 0);
    expect(planes(1)).toEqual([0x0f, 0xa5, 0x0f, 0xa5]);
    set(0x3ce, 5, 2);
    set(0x3ce, 8, 0xf0);
    read(1);
    write(1, 0x0a);
    expect(planes(1)).toEqual([0x0f, 0xf5, 0x0f, 0xf5]);
    set(0x3ce, 5, 3);
    set(0x3ce, 8, 0xff);
    set(0x3ce, 0, 0x01);
    read(1);
    write(1, 0x80);
    expect(planes(1)).toEqual([0x8f, 0x75, 0x0f, 0x75]);
    set(0x3ce, 5, 0);
    set(0x3ce, 0, 0x04);
    set(0x3ce, 1, 0x04);
    set(0x3ce, 3, 0x18);
    read(1);
    write(1, 0xff);
    expect(planes(1)).toEqual([0x70, 0x8a, 0xf0, 0x8a]);
    set(0x3ce, 5, 8);
    set(0x3ce, 2, 0x05);
    set(0x3ce, 7, 0x0f);
    // Where plane 0 and 2 are set, 1 and 3 are not.
    expect(read(1)).toBe(0x70 & ~0x8a & 0xf0);
  });

  it("text is plane 0 and 1 in turn, 256 colours are all four", () => {
    const { set, read, write, vga } = fitted();
    set(0x3c4, 2, 0x03);
    set(0x3ce, 5, 0x10);
    set(0x3ce, 6, 0x0e);
    write(0x18000, 0x41);
    write(0x18001, 0x07);
    expect([...vga.view.memory.read(0, 4)]).toEqual([0x41, 0x07, 0, 0]);
    write(0x10000, 1);
    expect(read(0x10000)).toBe(0xff);
    set(0x3c4, 4, 0x0e);
    set(0x3c4, 2, 0x0f);
    set(0x3ce, 6, 0x05);
    write(0x123, 0x99);
    expect([...vga.view.memory.read(0x123, 1)]).toEqual([0x99]);
  });

  it("the display interface gives what its memory can hold, and clears it", () => {
    const { board, vga, write } = fitted();
    const vbe = (index: number, value: number) => (board.out(0x1ce, index, 2), board.out(0x1cf, value, 2));
    const get = (index: number) => (board.out(0x1ce, index, 2), board.in(0x1cf, 2));
    expect(get(0)).toBe(0xb0c5);
    expect(get(10)).toBe(1);
    write(0, 0xff);
    for (const [index, value] of [
      [1, 320],
      [2, 100],
      [3, 8],
      [4, 0x41],
    ] as const)
      vbe(index, value);
    expect([get(1), get(2), get(6), get(7)]).toEqual([320, 100, 320, 204]);
    expect(vga.view.memory.get(0)).toBe(0);
    vbe(9, 1000);
    expect(get(9)).toBe(104);
    vbe(4, 3);
    expect([get(1), get(2), get(3)]).toEqual([16000, 12000, 32]);
  });
});

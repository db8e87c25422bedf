/** The pair of 8237As: programming as the ISA drivers do it, transfers, terminal count, wrapping. */
import { describe, expect, it } from "vitest";
import { BYTE_DMA, Dma8237, WORD_DMA } from "../../web/machine/devices/dma";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

class MemoryBoard extends TestBoard {
  override ram = new Uint8Array(0x100000);
}

function fitted() {
  const board = new MemoryBoard();
  const bytes = board.fit(new Dma8237(BYTE_DMA));
  const words = board.fit(new Dma8237(WORD_DMA));
  /** As a floppy driver sets channel 2 up. */
  const program = (mode: number, address: number, length: number) => {
    board.out(0x0a, 0x06);
    board.out(0x0c, 0);
    board.out(0x0b, mode);
    board.out(0x04, address & 0xff);
    board.out(0x04, (address >> 8) & 0xff);
    board.out(0x81, address >> 16);
    board.out(0x05, (length - 1) & 0xff);
    board.out(0x05, (length - 1) >> 8);
    board.out(0x0a, 0x02);
  };
  return { board, bytes, words, program };
}
const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => i + 1);

deviceLaws("8237A", {
  fit: (board) => board.fit(new Dma8237(BYTE_DMA)),
  touch: (board) => board.out(0x02, 0x11),
  inputs: (dma, random) => {
    const channel = random.below(4);
    if (random.below(2) === 0) dma.writeMemory(channel, ramp(random.below(300)));
    else dma.readMemory(channel, random.below(300));
  },
});

describe("8237A", () => {
  it("a device's bytes arrive in memory; the terminal count masks the channel and shows once in the status", () => {
    const { board, bytes, program } = fitted();
    program(0x46, 0x12300, 512);
    expect(bytes.ready(2, true)).toBe(512);
    expect(bytes.ready(2, false)).toBe(0);
    const data = ramp(600);
    expect(bytes.writeMemory(2, data.subarray(0, 100))).toBe(100);
    expect(board.in(0x08)).toBe(0x00);
    expect(bytes.writeMemory(2, data.subarray(100))).toBe(412);
    expect(board.ram.slice(0x12300, 0x12500)).toEqual(data.slice(0, 512));
    expect(board.ram[0x12500]).toBe(0);
    expect(board.in(0x08)).toBe(0x04);
    expect(board.in(0x08)).toBe(0x00);
    expect(bytes.writeMemory(2, data)).toBe(0);
    expect(board.in(0x0f) & 0x0f).toBe(0x0f);
    board.out(0x0c, 0);
    expect([board.in(0x05), board.in(0x05)]).toEqual([0xff, 0xff]);
  });

  it("memory goes to a device, with autoinitialize over and over", () => {
    const { board, bytes, program } = fitted();
    board.ram.set(ramp(8), 0x4000);
    program(0x5a, 0x4000, 8);
    expect(bytes.readMemory(2, 5)).toEqual(ramp(5));
    expect(bytes.readMemory(2, 100)).toEqual(Uint8Array.of(6, 7, 8));
    expect(board.in(0x08)).toBe(0x04);
    expect(bytes.readMemory(2, 100)).toEqual(ramp(8));
  });

  it("the address wraps within its 64 KB page, and can run downwards", () => {
    const { board, bytes, program } = fitted();
    program(0x46, 0x1fffe, 4);
    bytes.writeMemory(2, ramp(4));
    expect([0x1fffe, 0x1ffff, 0x10000, 0x10001].map((at) => board.ram[at])).toEqual([1, 2, 3, 4]);
    program(0x66, 0x20002, 4);
    bytes.writeMemory(2, ramp(4));
    expect([0x20002, 0x20001, 0x20000, 0x2ffff].map((at) => board.ram[at])).toEqual([1, 2, 3, 4]);
  });

  it("the second chip moves words: address and count are doubled, page bit 0 is not connected", () => {
    const { board, words } = fitted();
    board.out(0xd8, 0);
    board.out(0xd6, 0x45);
    board.out(0xc4, 0x00);
    board.out(0xc4, 0x10);
    board.out(0x8b, 0x03);
    board.out(0xc6, 0x01);
    board.out(0xc6, 0x00);
    board.out(0xd4, 0x01);
    expect(words.writeMemory(1, ramp(10))).toBe(4);
    expect(board.ram.slice(0x22000, 0x22006)).toEqual(Uint8Array.of(1, 2, 3, 4, 0, 0));
    expect(board.in(0x8b)).toBe(0x03);
  });

  it("low and high bytes alternate until the byte pointer is cleared; the master clear masks all", () => {
    const { board } = fitted();
    board.out(0x00, 0x34);
    board.out(0x00, 0x12);
    expect(board.in(0x00)).toBe(0x34);
    board.out(0x0c, 0);
    expect([board.in(0x00), board.in(0x00)]).toEqual([0x34, 0x12]);
    board.out(0x0e, 0);
    expect(board.in(0x0f) & 0x0f).toBe(0x00);
    board.out(0x0d, 0);
    expect(board.in(0x0f) & 0x0f).toBe(0x0f);
  });

  it("a controller that is switched off, a masked channel and a wrong direction move nothing", () => {
    const { board, bytes, program } = fitted();
    program(0x46, 0x1000, 16);
    board.out(0x08, 0x04);
    expect(bytes.writeMemory(2, ramp(16))).toBe(0);
    board.out(0x08, 0x00);
    expect(bytes.readMemory(2, 16)).toHaveLength(0);
    board.out(0x0a, 0x06);
    expect(bytes.writeMemory(2, ramp(16))).toBe(0);
    board.out(0x0a, 0x02);
    expect(bytes.writeMemory(2, ramp(16))).toBe(16);
  });
});

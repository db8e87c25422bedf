/** The HPET: counter, one-shot and periodic comparators, legacy replacement, levels; on the board it takes the 8254's place. */
import { describe, expect, it } from "vitest";
import { HPET_BASE, Hpet } from "../../web/machine/devices/hpet";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

function fitted() {
  const board = new TestBoard();
  const replaced: boolean[] = [];
  const hpet = board.fit(new Hpet((is) => replaced.push(is)));
  const write = (offset: number, value: number): void => board.bus.writeMmio(HPET_BASE + offset, value, 4);
  const read = (offset: number): number => board.bus.readMmio(HPET_BASE + offset, 4) >>> 0;
  return { board, hpet, write, read, replaced };
}
const COUNT_NS = 10;
const ONE_SHOT = 0x04;
const PERIODIC = 0x4c;
const LEVEL = 0x06;
const ROUTE_2 = 2 << 9;

deviceLaws("HPET", {
  fit: (board) => board.fit(new Hpet(() => {})),
  touch: (board) => board.bus.writeMmio(HPET_BASE + 0x10, 1, 4),
  inputs: (_hpet, random, board) => {
    const register = random.pick([
      0x00, 0x04, 0x10, 0x20, 0xf0, 0xf4, 0x100, 0x108, 0x10c, 0x120, 0x128, 0x140, 0x148, 0x14c, 0x160, 0xffc,
    ]);
    if (random.below(4) === 0) board.bus.readMmio(HPET_BASE + register, random.pick([1, 2, 4] as const));
    else board.bus.writeMmio(HPET_BASE + register, random.below(2) ? random.bits() : random.below(200_000), 4);
    board.advance(random.below(5000));
  },
});

describe("the counter", () => {
  it("has 100 MHz and 64 bits, and counts while it is enabled", () => {
    const { board, read, write } = fitted();
    expect([read(0), read(4)]).toEqual([0x8086a201, 10_000_000]);
    board.advance(1000);
    expect(read(0xf0)).toBe(0);
    write(0xf0, 0xfffffff0);
    write(0x10, 1);
    board.advance(20 * COUNT_NS);
    expect([read(0xf0), read(0xf4)]).toEqual([4, 1]);
    write(0x10, 0);
    board.advance(1e6);
    expect([read(0xf0), read(0xf4)]).toEqual([4, 1]);
  });
});

describe("comparators", () => {
  it("one shot: an edge at the count, on IRQ 0 by legacy replacement, and again when 32 bits have wrapped", () => {
    const { board, write, replaced } = fitted();
    write(0x108, 500);
    write(0x100, ONE_SHOT | 0x100);
    write(0x10, 3);
    expect(replaced.at(-1)).toBe(true);
    board.advance(499 * COUNT_NS);
    expect(board.rises[0]).toBe(0);
    board.advance(COUNT_NS);
    expect(board.rises[0]).toBe(1);
    board.advance(2 ** 32 * COUNT_NS);
    expect(board.rises[0]).toBe(2);
  });

  it("periodic: the first by VAL_SET, then every period, none lost", () => {
    const { board, write, read } = fitted();
    write(0x120, PERIODIC | 0x100);
    write(0x128, 1000);
    write(0x128, 300);
    expect(read(0x120) & 0x40).toBe(0);
    write(0x10, 3);
    board.advance(1000 * COUNT_NS);
    expect(board.rises[8]).toBe(1);
    board.advance(3000 * COUNT_NS);
    expect(board.rises[8]).toBe(11);
    expect(read(0x128)).toBe(1000 + 11 * 300);
  });

  it("level: stays up, and says so, until its status bit is cleared", () => {
    const { board, write, read } = fitted();
    write(0x140, LEVEL | ROUTE_2);
    write(0x148, 100);
    write(0x14c, 0);
    write(0x10, 1);
    board.advance(100 * COUNT_NS);
    expect([board.levels[0], read(0x20)]).toEqual([true, 4]);
    write(0x20, 4);
    expect([board.levels[0], read(0x20)]).toEqual([false, 0]);
  });

  it("routes that are not offered do not stick", () => {
    const { write, read } = fitted();
    write(0x140, ONE_SHOT | (11 << 9));
    expect(read(0x140) & 0x3e00).toBe(0);
    write(0x140, ONE_SHOT | ROUTE_2);
    expect(read(0x140) & 0x3e00).toBe(ROUTE_2);
  });
});

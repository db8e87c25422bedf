/** The MC146818A: date, update cycle, interrupts, and the AT's conventions in its RAM. */
import { describe, expect, it } from "vitest";
import { cmosCells } from "../../web/machine/cmos";
import { Rtc } from "../../web/machine/devices/rtc";
import { deviceLaws } from "./laws";
import { EPOCH_SECONDS, TestBoard } from "./test-board";

const SECOND = 1e9;
const IRQ = 8;

function fitted(epochSeconds = EPOCH_SECONDS) {
  const board = new TestBoard(epochSeconds);
  const rtc = board.fit(new Rtc(cmosCells(128 * 0x100000)));
  const get = (cell: number) => {
    board.out(0x70, cell);
    return board.in(0x71);
  };
  const put = (cell: number, value: number) => {
    board.out(0x70, cell);
    board.out(0x71, value);
  };
  /** Century, year, month, day, hours, minutes, seconds as hexadecimal text. */
  const date = () => [0x32, 9, 8, 7, 4, 2, 0].map((cell) => get(cell).toString(16).padStart(2, "0")).join(" ");
  return { board, rtc, get, put, date };
}

deviceLaws("MC146818", {
  fit: (board) => board.fit(new Rtc(cmosCells(64 * 0x100000))),
  touch: (board) => {
    board.out(0x70, 0x40);
    board.out(0x71, 0x12);
  },
  // Mostly the clock's own registers, and often the periodic interrupt.
  inputs: (rtc, random) => {
    rtc.write(0, random.below(16));
    if (random.below(4) > 0) return;
    rtc.write(0, 0x0b);
    rtc.write(1, 0x42);
  },
});

describe("MC146818 date", () => {
  it("shows the board's epoch in BCD, 24 hours", () => {
    const { date, get } = fitted();
    expect(date()).toBe("20 24 02 28 23 59 50");
    expect(get(0x06), "a Wednesday").toBe(4);
    expect(get(0x0a)).toBe(0x26);
    expect(get(0x0b)).toBe(0x02);
    expect(get(0x0d)).toBe(0x80);
  });

  it("catches up with the world over leap days, and keeps what the guest has set it to", () => {
    const { board, rtc, date, get, put } = fitted();
    board.advance(0.25 * SECOND);
    rtc.skip(10 + 86_400);
    expect(date()).toBe("20 24 03 01 00 00 00");
    expect(get(0x06)).toBe(6);
    board.advance(0.75 * SECOND);
    expect(date(), "the second goes on where it was").toBe("20 24 03 01 00 00 01");
    put(0x0b, 0x00);
    put(0x04, 0x91);
    rtc.skip(3600);
    expect(date(), "12 hours, PM").toBe("20 24 03 02 12 00 01");
    put(0x0b, 0x82);
    rtc.skip(3600);
    put(0x0b, 0x02);
    expect(date(), "the guest was setting it").toBe("20 24 03 02 12 00 01");
    put(0x08, 0x13);
    rtc.skip(3600);
    expect(get(0x08), "no date").toBe(0x13);
  });

  it("advances over midnight into a leap day, into March, and over years", () => {
    const { board, date, get } = fitted();
    board.advance(10 * SECOND);
    expect(date()).toBe("20 24 02 29 00 00 00");
    board.advance(86_400 * SECOND);
    expect(date()).toBe("20 24 03 01 00 00 00");
    expect(get(0x06)).toBe(6);
    const end = fitted(Date.UTC(1999, 11, 31, 23, 59, 59) / 1000);
    expect(end.date()).toBe("19 99 12 31 23 59 59");
    end.board.advance(SECOND);
    expect(end.date()).toBe("20 00 01 01 00 00 00");
  });

  it("agrees with the calendar on many days", () => {
    for (let day = 0; day < 40_000; day += 97) {
      const expected = new Date(day * 86_400_000).toISOString();
      const { get, date } = fitted(day * 86_400);
      expect(date()).toBe(`${expected.slice(0, 2)} ${expected.slice(2, 4)} ${expected.slice(5, 7)} ${expected.slice(8, 10)} 00 00 00`);
      expect(get(6)).toBe(new Date(day * 86_400_000).getUTCDay() + 1);
    }
  });

  it("needs no alarm while no interrupt waits for an update, and is right after a year", () => {
    const { board, get, put, date } = fitted();
    expect(board.clock.nextDeadlineTicks()).toBe(Number.POSITIVE_INFINITY);
    board.ticks = board.clock.ticksAt(366 * 86_400 * SECOND);
    expect(date()).toBe("20 25 02 28 23 59 50");
    put(0x0b, 0x12);
    expect(board.clock.nextDeadlineTicks()).toBeLessThan(Number.POSITIVE_INFINITY);
    put(0x0b, 0x02);
    expect(get(0)).toBe(0x50);
    expect(board.clock.nextDeadlineTicks()).toBe(Number.POSITIVE_INFINITY);
  });

  it("keeps the fraction of a second of the epoch", () => {
    const { board, get } = fitted(EPOCH_SECONDS + 0.75);
    expect(get(0)).toBe(0x50);
    board.advance(0.24 * SECOND);
    expect(get(0)).toBe(0x50);
    board.advance(0.02 * SECOND);
    expect(get(0)).toBe(0x51);
  });

  it("counts in binary and in 12-hour mode when asked", () => {
    const { board, get, put, date } = fitted();
    put(0x0b, 0x86);
    for (const [cell, value] of [
      [0, 59],
      [2, 59],
      [4, 23],
      [6, 7],
      [7, 31],
      [8, 12],
      [9, 99],
      [0x32, 20],
    ] as const)
      put(cell, value);
    put(0x0b, 0x06);
    board.advance(SECOND);
    expect([0x32, 9, 8, 7, 6, 4, 2, 0].map(get)).toEqual([21, 0, 1, 1, 1, 0, 0, 0]);
    put(0x0b, 0x80);
    for (const [cell, value] of [
      [0, 0x59],
      [2, 0x59],
      [4, 0x11],
      [7, 0x31],
      [8, 0x01],
      [9, 0x24],
      [0x32, 0x20],
    ] as const)
      put(cell, value);
    put(0x0b, 0x00);
    board.advance(SECOND);
    expect(date(), "noon is 12 PM").toBe("20 24 01 31 92 00 00");
    put(0x0b, 0x80);
    for (const [cell, value] of [
      [0, 0x59],
      [2, 0x59],
      [4, 0x91],
    ] as const)
      put(cell, value);
    put(0x0b, 0x00);
    board.advance(SECOND);
    expect(date(), "midnight is 12 AM").toBe("20 24 02 01 12 00 00");
  });
});

describe("MC146818 update cycle and interrupts", () => {
  it("UIP is up for 244 us before the change, so that a reader who waits for it sees whole dates", () => {
    const { board, get } = fitted();
    board.advance(SECOND - 245_000);
    expect(get(0x0a) & 0x80).toBe(0);
    board.advance(2_000);
    expect(get(0x0a) & 0x80).toBe(0x80);
    expect(get(0)).toBe(0x50);
    board.advance(243_000);
    expect(get(0x0a) & 0x80).toBe(0);
    expect(get(0)).toBe(0x51);
  });

  it("SET stops updates but not the divider; releasing the divider gives the first update after half a second", () => {
    const { board, get, put } = fitted();
    put(0x0b, 0x82);
    board.advance(3.5 * SECOND);
    expect(get(0)).toBe(0x50);
    put(0x0b, 0x02);
    board.advance(0.6 * SECOND);
    expect(get(0)).toBe(0x51);
    // Linux's mach_set_cmos_time.
    put(0x0b, 0x82);
    put(0x0a, 0x76);
    put(0, 0x30);
    put(0x0b, 0x02);
    put(0x0a, 0x26);
    board.advance(0.49 * SECOND);
    expect(get(0)).toBe(0x30);
    board.advance(0.02 * SECOND);
    expect(get(0)).toBe(0x31);
  });

  it("the update-ended interrupt, and its flag without the interrupt", () => {
    const { board, get, put } = fitted();
    board.advance(SECOND);
    expect(get(0x0c)).toBe(0x50);
    expect(get(0x0c)).toBe(0x00);
    put(0x0b, 0x12);
    get(0x0c);
    board.advance(SECOND);
    expect(board.levels[IRQ]).toBe(true);
    expect(get(0x0c)).toBe(0xd0);
    expect(board.levels[IRQ]).toBe(false);
  });

  it("SET takes the update-ended interrupt back; a periodic flag that is already up interrupts when enabled", () => {
    const { board, get, put } = fitted();
    put(0x0b, 0x92);
    expect(get(0x0b)).toBe(0x82);
    put(0x0b, 0x02);
    board.advance(10_000_000);
    expect(board.levels[IRQ]).toBe(false);
    put(0x0b, 0x42);
    expect(board.levels[IRQ]).toBe(true);
    expect(get(0x0c) & 0xc0).toBe(0xc0);
  });

  it("the alarm, exact and with any-match cells", () => {
    const { board, get, put } = fitted();
    for (const [cell, value] of [
      [1, 0x05],
      [3, 0x00],
      [5, 0x00],
    ] as const)
      put(cell, value);
    put(0x0b, 0x22);
    board.advance(14.5 * SECOND);
    expect(board.rises[IRQ]).toBe(0);
    board.advance(SECOND);
    expect(board.rises[IRQ]).toBe(1);
    expect(get(0x0c) & 0xa0).toBe(0xa0);
    for (const cell of [1, 3, 5]) put(cell, 0xff);
    for (let i = 0; i < 5; i++) {
      board.advance(SECOND);
      expect(get(0x0c) & 0xa0).toBe(0xa0);
    }
    expect(board.rises[IRQ]).toBe(6);
  });

  it("the periodic interrupt at 1,024 Hz and at 2 Hz", () => {
    const { board, get, put } = fitted();
    const count = (ns: number) => {
      let interrupts = 0;
      const end = board.clock.now() + ns;
      while (board.clock.now() < end) {
        board.advance(50_000);
        if (get(0x0c) & 0x40) interrupts++;
      }
      return interrupts;
    };
    put(0x0a, 0x26);
    put(0x0b, 0x42);
    get(0x0c);
    expect(Math.abs(count(SECOND) - 1024)).toBeLessThanOrEqual(1);
    put(0x0a, 0x2f);
    get(0x0c);
    expect(Math.abs(count(10 * SECOND) - 20)).toBeLessThanOrEqual(1);
    put(0x0b, 0x02);
    expect(board.levels[IRQ]).toBe(false);
    put(0x0a, 0x26);
    get(0x0c);
    expect(Math.abs(count(SECOND) - 1024), "the flag runs without the interrupt").toBeLessThanOrEqual(1);
    put(0x0a, 0x20);
    get(0x0c);
    expect(count(SECOND)).toBe(0);
  });
});

describe("MC146818 RAM and NMI mask", () => {
  it("port 70h cannot be read and its bit 7 masks NMI", () => {
    const { board, rtc } = fitted();
    expect(rtc.nmiMasked).toBe(true);
    board.out(0x70, 0x0f);
    expect(rtc.nmiMasked).toBe(false);
    expect(board.in(0x70)).toBe(0xff);
    board.out(0x71, 0x0a);
    board.out(0x70, 0x8f);
    expect(board.in(0x71)).toBe(0x0a);
    expect(rtc.nmiMasked).toBe(true);
  });

  it("a reset keeps date and RAM and takes the interrupts back", () => {
    const { board, rtc, get, put, date } = fitted();
    put(0x0f, 0x05);
    put(0x0b, 0x72);
    board.advance(1.1 * SECOND);
    expect(board.levels[IRQ]).toBe(true);
    rtc.reset();
    expect(board.levels[IRQ]).toBe(false);
    expect(get(0x0b)).toBe(0x02);
    expect(get(0x0c)).toBe(0);
    expect(get(0x0f)).toBe(0x05);
    expect(date()).toBe("20 24 02 28 23 59 51");
    board.advance(SECOND);
    expect(date()).toBe("20 24 02 28 23 59 52");
  });

  it("tells the memory size in all the ways that firmware and kernels ask", () => {
    for (const [mb, extendedKb, above16] of [
      [4, 3 * 1024, 0],
      [32, 31 * 1024, 256],
      [256, 0xffff, 3840],
    ] as const) {
      const cells = cmosCells(mb * 0x100000);
      const word = (cell: number) => cells.get(cell)! | (cells.get(cell + 1)! << 8);
      expect(word(0x15)).toBe(640);
      expect(word(0x17)).toBe(extendedKb);
      expect(word(0x30)).toBe(extendedKb);
      expect(word(0x34)).toBe(above16);
      let sum = 0;
      for (let cell = 0x10; cell <= 0x2d; cell++) sum += cells.get(cell) ?? 0;
      expect((cells.get(0x2e)! << 8) | cells.get(0x2f)!).toBe(sum);
    }
  });
});

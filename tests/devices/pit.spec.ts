/** The 8254 against its datasheet (mode definitions, latches, read-back) and against the sequences Linux times with. */
import { describe, expect, it } from "vitest";
import { Pit } from "../../web/machine/devices/pit";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

const CONTROL = 0x43;
/** One input pulse in ns. */
const PULSE_NS = 88_000 / 105;

function fitted() {
  const board = new TestBoard();
  const pit = board.fit(new Pit());
  /** To the middle of the pulse after `count` more, so that rounding does not matter. */
  let pulses = 0;
  const pass = (count: number) => {
    pulses += count;
    board.advanceTo(Math.round((pulses + 0.5) * PULSE_NS));
  };
  pass(0);
  const load = (counter: number, mode: number, count: number, bcd = 0) => {
    board.out(CONTROL, (counter << 6) | 0x30 | (mode << 1) | bcd);
    board.out(0x40 + counter, count & 0xff);
    board.out(0x40 + counter, count >> 8);
  };
  const readCount = (counter: number) => {
    board.out(CONTROL, counter << 6);
    const low = board.in(0x40 + counter);
    return low | (board.in(0x40 + counter) << 8);
  };
  const status = (counter: number) => {
    board.out(CONTROL, 0xe0 | (2 << counter));
    return board.in(0x40 + counter);
  };
  return { board, pit, pass, load, readCount, status };
}

deviceLaws("8254", {
  fit: (board) => board.fit(new Pit()),
  touch: (board) => board.out(CONTROL, 0x34),
  inputs: (pit, random) => pit.setGate2(random.below(2) === 1),
});

describe("8254 modes", () => {
  it("mode 0: OUT rises N + 1 pulses after the count was written, and the count goes on", () => {
    const { pit, pass, load, readCount } = fitted();
    pit.setGate2(true);
    load(2, 0, 4);
    expect(pit.out2).toBe(false);
    pass(1);
    expect(readCount(2)).toBe(4);
    pass(3);
    expect(readCount(2)).toBe(1);
    expect(pit.out2).toBe(false);
    pass(1);
    expect(pit.out2).toBe(true);
    expect(readCount(2)).toBe(0);
    pass(1);
    expect(pit.out2).toBe(true);
    expect(readCount(2)).toBe(0xffff);
  });

  it("mode 0: a low gate stops the count, which goes on where it was", () => {
    const { pit, pass, load, readCount } = fitted();
    pit.setGate2(true);
    load(2, 0, 1000);
    pass(11);
    expect(readCount(2)).toBe(990);
    pit.setGate2(false);
    pass(500);
    expect(readCount(2)).toBe(990);
    pit.setGate2(true);
    pass(10);
    expect(readCount(2)).toBe(980);
  });

  it("mode 0: the first byte of a new count stops the old one and sets OUT low", () => {
    const { board, pit, pass, load } = fitted();
    pit.setGate2(true);
    load(2, 0, 3);
    pass(10);
    expect(pit.out2).toBe(true);
    board.out(0x42, 5);
    expect(pit.out2).toBe(false);
    pass(100);
    expect(pit.out2).toBe(false);
    board.out(0x42, 0);
    pass(5);
    expect(pit.out2).toBe(false);
    pass(1);
    expect(pit.out2).toBe(true);
  });

  it("mode 1: a rise of the gate starts a pulse of N; a second one starts it anew", () => {
    const { pit, pass, load, status } = fitted();
    load(2, 1, 10);
    expect(pit.out2).toBe(true);
    expect(status(2) & 0x40, "null count until the trigger").toBe(0x40);
    pass(50);
    expect(pit.out2).toBe(true);
    pit.setGate2(true);
    pass(6);
    expect(pit.out2).toBe(false);
    pit.setGate2(false);
    pit.setGate2(true);
    pass(8);
    expect(pit.out2).toBe(false);
    pass(3);
    expect(pit.out2).toBe(true);
  });

  it("mode 2: OUT is low for the last pulse of N", () => {
    const { pit, pass, load, readCount } = fitted();
    pit.setGate2(true);
    load(2, 2, 5);
    pass(1);
    const seen: [number, boolean][] = [];
    for (let i = 0; i < 11; i++) {
      seen.push([readCount(2), pit.out2]);
      pass(1);
    }
    expect(seen.map(([count]) => count)).toEqual([5, 4, 3, 2, 1, 5, 4, 3, 2, 1, 5]);
    expect(seen.map(([, out]) => out)).toEqual([true, true, true, true, false, true, true, true, true, false, true]);
  });

  it("mode 2: a new count is taken at the end of the period", () => {
    const { board, pit, pass, load, readCount, status } = fitted();
    pit.setGate2(true);
    load(2, 2, 100);
    pass(41);
    board.out(0x42, 10);
    board.out(0x42, 0);
    expect(status(2) & 0x40).toBe(0x40);
    pass(10);
    expect(readCount(2)).toBe(50);
    pass(50);
    expect(status(2) & 0x40).toBe(0);
    expect(readCount(2)).toBe(10);
    pass(12);
    expect(readCount(2)).toBe(8);
  });

  it("mode 2: the gate stops and restarts it", () => {
    const { pit, pass, load, readCount } = fitted();
    pit.setGate2(true);
    load(2, 2, 100);
    pass(31);
    pit.setGate2(false);
    expect(readCount(2)).toBe(70);
    pass(1000);
    expect(readCount(2)).toBe(70);
    pit.setGate2(true);
    pass(1);
    expect(readCount(2)).toBe(100);
  });

  it("mode 3: OUT is high for the longer half of an odd count, which goes down by two", () => {
    const { pit, pass, load, readCount } = fitted();
    pit.setGate2(true);
    load(2, 3, 5);
    pass(1);
    const seen: [number, boolean][] = [];
    for (let i = 0; i < 10; i++) {
      seen.push([readCount(2), pit.out2]);
      pass(1);
    }
    expect(seen.map(([count]) => count)).toEqual([4, 2, 0, 4, 2, 4, 2, 0, 4, 2]);
    expect(seen.map(([, out]) => out)).toEqual([true, true, true, false, false, true, true, true, false, false]);
  });

  it("mode 3: a new count is taken at the end of the half period", () => {
    const { board, pit, pass, load } = fitted();
    pit.setGate2(true);
    load(2, 3, 100);
    pass(11);
    board.out(0x42, 20);
    board.out(0x42, 0);
    pass(39);
    expect(pit.out2).toBe(true);
    pass(1);
    expect(pit.out2, "the old half has ended").toBe(false);
    pass(9);
    expect(pit.out2).toBe(false);
    pass(1);
    expect(pit.out2, "the new half has ended").toBe(true);
    pass(10);
    expect(pit.out2).toBe(false);
  });

  it("mode 4: a strobe of one pulse N + 1 pulses after the count", () => {
    const { pit, pass, load } = fitted();
    pit.setGate2(true);
    load(2, 4, 3);
    const outs: boolean[] = [];
    for (let i = 0; i < 7; i++) {
      outs.push(pit.out2);
      pass(1);
    }
    expect(outs).toEqual([true, true, true, true, false, true, true]);
  });

  it("mode 5: the same strobe, started by the gate", () => {
    const { pit, pass, load } = fitted();
    load(2, 5, 3);
    pass(20);
    expect(pit.out2).toBe(true);
    pit.setGate2(true);
    const outs: boolean[] = [];
    for (let i = 0; i < 7; i++) {
      outs.push(pit.out2);
      pass(1);
    }
    expect(outs).toEqual([true, true, true, true, false, true, true]);
  });

  it("counts in BCD", () => {
    const { pit, pass, load, readCount } = fitted();
    pit.setGate2(true);
    load(2, 0, 0x1000, 1);
    pass(2);
    expect(readCount(2)).toBe(0x0999);
    pass(999);
    expect(readCount(2)).toBe(0);
    pass(1);
    expect(readCount(2)).toBe(0x9999);
    load(2, 2, 0, 1);
    pass(2);
    expect(readCount(2), "0 stands for 10,000").toBe(0x9999);
  });
});

describe("8254 latches and read-back", () => {
  it("a latched count stands still until both bytes are read, and a second latch does not move it", () => {
    const { board, pit, pass, load } = fitted();
    pit.setGate2(true);
    load(2, 0, 0x1234);
    pass(1);
    board.out(CONTROL, 0x80);
    pass(0x500);
    board.out(CONTROL, 0x80);
    expect(board.in(0x42)).toBe(0x34);
    pass(3);
    expect(board.in(0x42)).toBe(0x12);
    expect(board.in(0x42)).toBe((0x1234 - 0x503) & 0xff);
  });

  it("LSB-only and MSB-only access", () => {
    const { board, pit, pass } = fitted();
    pit.setGate2(true);
    board.out(CONTROL, 0x90);
    board.out(0x42, 0x40);
    pass(2);
    expect(board.in(0x42)).toBe(0x3f);
    expect(board.in(0x42)).toBe(0x3f);
    board.out(CONTROL, 0xa0);
    board.out(0x42, 0x40);
    pass(2);
    expect(board.in(0x42)).toBe(0x3f);
  });

  it("read-back gives the status first, then the count of the same moment", () => {
    const { board, pit, pass, load } = fitted();
    pit.setGate2(true);
    load(2, 3, 0x100);
    pass(1 + 0x90);
    board.out(CONTROL, 0xc0 | 0x08);
    pass(5);
    // OUT low, not null, RW 3, mode 3.
    expect(board.in(0x42)).toBe(0x36);
    expect(board.in(0x42)).toBe(0x100 - 2 * 0x10);
    expect(board.in(0x42)).toBe(0);
  });

  it("read-back status says null count until the count is loaded, for several counters at once", () => {
    const { board, pass } = fitted();
    board.out(CONTROL, 0x30);
    board.out(CONTROL, 0xb4);
    board.out(0x42, 0x10);
    board.out(0x42, 0x00);
    board.out(CONTROL, 0xe0 | 0x0a);
    expect(board.in(0x40)).toBe(0x70);
    expect(board.in(0x42)).toBe(0x80 | 0x40 | 0x34);
    pass(2);
    board.out(CONTROL, 0xe8);
    expect(board.in(0x42)).toBe(0x80 | 0x34);
  });
});

describe("8254 on a PC", () => {
  it("counter 0 in mode 2 raises IRQ 0 once a period, at the right moments", () => {
    const { board, load } = fitted();
    load(0, 2, 11_932);
    const before = board.rises[0]!;
    board.advanceTo(1e9);
    // 1193181.8 Hz / 11932 = 99.998 Hz.
    expect(board.rises[0]! - before).toBe(99);
    expect(board.levels[0]).toBe(true);
  });

  it("counter 0 in mode 3 raises IRQ 0 at 18.2 Hz with the count of the IBM BIOS", () => {
    const { board, load } = fitted();
    load(0, 3, 0);
    const before = board.rises[0]!;
    board.advanceTo(10e9);
    expect(board.rises[0]! - before).toBe(182);
  });

  it("Linux's one-shot clock event: mode 4 raises IRQ 0 once, mode 0 by terminal count", () => {
    const { board, pass, load } = fitted();
    load(0, 4, 1000);
    const before = board.rises[0]!;
    pass(1001);
    expect(board.rises[0]! - before).toBe(0);
    pass(1);
    expect(board.rises[0]! - before).toBe(1);
    pass(100_000);
    expect(board.rises[0]! - before).toBe(1);
    load(0, 0, 1000);
    expect(board.levels[0]).toBe(false);
    pass(1001);
    expect(board.rises[0]! - before).toBe(2);
  });

  it("a jump of time gives one interrupt, not all that were missed, and the phase stays", () => {
    const { board, load } = fitted();
    load(0, 2, 1000);
    const before = board.rises[0]!;
    board.ticks += 1_000_000_00;
    board.clock.fireDue();
    expect(board.rises[0]! - before).toBe(1);
    const next = board.clock.ticksAt(Math.ceil((Math.ceil((board.clock.now() / PULSE_NS - 1) / 1000) * 1000 + 1) * PULSE_NS));
    expect(Math.abs(board.clock.nextDeadlineTicks() - next)).toBeLessThanOrEqual(1);
  });

  it("Linux's quick TSC calibration: the MSB of counter 2 steps every 256 pulses", () => {
    const { board, pit } = fitted();
    pit.setGate2(true);
    board.out(CONTROL, 0xb0);
    board.out(0x42, 0xff);
    board.out(0x42, 0xff);
    const verifyMsb = (value: number) => {
      board.in(0x42);
      return board.in(0x42) === value;
    };
    board.advance(2000);
    expect(verifyMsb(0xff)).toBe(true);
    // pit_expect_msb: spins while the MSB is the expected one.
    let msb = 0xff;
    const edges: number[] = [];
    for (let reads = 0; reads < 100_000 && edges.length < 20; reads++) {
      if (!verifyMsb(msb)) {
        edges.push(board.clock.now());
        msb--;
      }
      board.advance(1500);
    }
    const steps = edges.slice(1).map((ns, i) => ns - edges[i]!);
    for (const step of steps) expect(Math.abs(step - 256 * PULSE_NS)).toBeLessThanOrEqual(1500);
  });

  it("Linux's slow TSC calibration: port 61h bit 5 after 50 ms", () => {
    const { board, pit } = fitted();
    pit.setGate2(true);
    const latch = Math.floor(1_193_182 / (1000 / 50));
    board.out(CONTROL, 0xb0);
    board.out(0x42, latch & 0xff);
    board.out(0x42, latch >> 8);
    const start = board.clock.now();
    while (!pit.out2) board.advance(1000);
    expect((board.clock.now() - start) / 1e6).toBeCloseTo(50, 2);
  });

  it("the refresh toggle changes every 15.085 us from power-on", () => {
    const { board, pit } = fitted();
    let changes = 0;
    let last = pit.refreshToggle;
    for (let i = 0; i < 10_000; i++) {
      board.advance(1000);
      if (pit.refreshToggle !== last) changes++;
      last = pit.refreshToggle;
    }
    expect(changes).toBeGreaterThanOrEqual(Math.floor(10e6 / 15_086) - 1);
    expect(changes).toBeLessThanOrEqual(Math.ceil(10e6 / 15_085));
  });
});

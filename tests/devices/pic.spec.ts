/** The pair of 8259As against the datasheet and against what Linux, DOS-style handlers and pollers do with it. */
import { describe, expect, it } from "vitest";
import { Pic } from "../../web/machine/devices/pic";
import { InterruptController } from "../../web/machine/irq";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

const MASTER = 0x20;
const SLAVE = 0xa0;
const NON_SPECIFIC_EOI = 0x20;

function pair() {
  const board = new TestBoard();
  const master = board.fit(new Pic(MASTER, 0x4d0, 0x07, true));
  const slave = board.fit(new Pic(SLAVE, 0x4d1, 0x21, false));
  const intr = { level: false, changes: 0 };
  const controller = new InterruptController(master, slave, (level) => {
    intr.level = level;
    intr.changes++;
  });
  const lines = Array.from({ length: 16 }, (_, irq) => (irq === 2 ? undefined! : controller.driver(irq)));
  /** Linux's init_8259A. */
  const initialize = (autoEoi = false) => {
    board.out(MASTER + 1, 0xff);
    board.out(SLAVE + 1, 0xff);
    board.out(MASTER, 0x11);
    board.out(MASTER + 1, 0x30);
    board.out(MASTER + 1, 0x04);
    board.out(MASTER + 1, autoEoi ? 0x03 : 0x01);
    board.out(SLAVE, 0x11);
    board.out(SLAVE + 1, 0x38);
    board.out(SLAVE + 1, 0x02);
    board.out(SLAVE + 1, 0x01);
    board.out(MASTER + 1, 0x00);
    board.out(SLAVE + 1, 0x00);
  };
  const isr = (chip: number) => {
    board.out(chip, 0x0b);
    return board.in(chip);
  };
  const irr = (chip: number) => {
    board.out(chip, 0x0a);
    return board.in(chip);
  };
  return { board, master, controller, lines, intr, initialize, isr, irr };
}

deviceLaws("8259A", {
  fit: (board) => board.fit(new Pic(MASTER, 0x4d0, 0x07, true)),
  touch: (board) => board.out(MASTER + 1, 0xfb),
  inputs: (pic, random) => {
    pic.setInput(random.below(8), random.below(2) === 1);
    if (random.below(2) === 1) pic.acknowledge();
  },
});

describe("8259A pair", () => {
  it("Linux's probe: the mask register reads back", () => {
    const { board } = pair();
    board.out(SLAVE + 1, 0xff);
    board.out(MASTER + 1, 0xfb);
    expect(board.in(MASTER + 1)).toBe(0xfb);
  });

  it("delivers a request, holds lower ones until EOI, and lets higher ones through", () => {
    const { board, controller, lines, intr, initialize, isr } = pair();
    initialize();
    lines[4]!.set(true);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x34);
    expect(intr.level).toBe(false);
    expect(isr(MASTER)).toBe(0x10);
    lines[5]!.set(true);
    expect(intr.level).toBe(false);
    lines[1]!.set(true);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x31);
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(isr(MASTER)).toBe(0x10);
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x35);
  });

  it("the slave comes through the master's IR2, and both need an EOI", () => {
    const { board, controller, lines, intr, initialize, isr } = pair();
    initialize();
    lines[8]!.set(true);
    expect(controller.acknowledge()).toBe(0x38);
    expect(isr(MASTER)).toBe(0x04);
    expect(isr(SLAVE)).toBe(0x01);
    lines[12]!.set(true);
    expect(intr.level).toBe(false);
    board.out(SLAVE, NON_SPECIFIC_EOI);
    expect(intr.level).toBe(false);
    board.out(MASTER, 0x62);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x3c);
  });

  it("two slave requests at once: the second is not lost", () => {
    const { board, controller, lines, initialize, intr } = pair();
    initialize();
    lines[14]!.set(true);
    lines[15]!.set(true);
    expect(controller.acknowledge()).toBe(0x3e);
    board.out(SLAVE, NON_SPECIFIC_EOI);
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x3f);
    expect(intr.level).toBe(false);
  });

  it("an edge counts once, however long the line stays high", () => {
    const { board, controller, lines, intr, initialize } = pair();
    initialize();
    lines[3]!.set(true);
    controller.acknowledge();
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(intr.level).toBe(false);
    lines[3]!.set(false);
    lines[3]!.set(true);
    expect(intr.level).toBe(true);
  });

  it("a level-triggered input (ELCR) asks again after EOI until it falls", () => {
    const { board, controller, lines, intr, initialize } = pair();
    initialize();
    board.out(0x4d1, 0x0c);
    expect(board.in(0x4d1)).toBe(0x0c);
    lines[10]!.set(true);
    expect(controller.acknowledge()).toBe(0x3a);
    board.out(SLAVE, NON_SPECIFIC_EOI);
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(intr.level).toBe(true);
    lines[10]!.set(false);
    expect(intr.level).toBe(false);
  });

  it("the ELCR keeps timer, keyboard, cascade, clock and coprocessor edge-triggered", () => {
    const { board } = pair();
    board.out(0x4d0, 0xffff, 2);
    expect(board.in(0x4d0, 2)).toBe(0xdef8);
  });

  it("a request that falls before its INTA gives the spurious vector, with nothing in service", () => {
    const { controller, lines, intr, initialize, isr } = pair();
    initialize();
    lines[5]!.set(true);
    lines[5]!.set(false);
    expect(intr.level).toBe(false);
    expect(controller.acknowledge()).toBe(0x37);
    expect(isr(MASTER)).toBe(0);
  });

  it("a slave's request that is masked before its INTA ends as the master's spurious interrupt, and is not forgotten", () => {
    const { board, controller, lines, intr, initialize, isr } = pair();
    initialize();
    lines[9]!.set(true);
    board.out(SLAVE + 1, 0xff);
    expect(intr.level).toBe(false);
    expect(controller.acknowledge()).toBe(0x37);
    board.out(SLAVE + 1, 0x00);
    expect(controller.acknowledge()).toBe(0x39);
    expect(isr(SLAVE)).toBe(0x02);
    expect(isr(MASTER)).toBe(0x04);
  });

  it("the mask holds a request back but does not forget it", () => {
    const { board, controller, lines, intr, initialize, irr } = pair();
    initialize();
    board.out(MASTER + 1, 0x10);
    lines[4]!.set(true);
    expect(intr.level).toBe(false);
    expect(irr(MASTER)).toBe(0x10);
    board.out(MASTER + 1, 0x00);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x34);
  });

  it("ICW1 forgets edges, masks and services; the line must rise anew", () => {
    const { board, lines, intr, initialize, isr, controller } = pair();
    initialize();
    lines[1]!.set(true);
    controller.acknowledge();
    lines[4]!.set(true);
    initialize();
    expect(isr(MASTER)).toBe(0);
    expect(intr.level).toBe(false);
    expect(board.in(MASTER + 1)).toBe(0);
    lines[4]!.set(false);
    lines[4]!.set(true);
    expect(intr.level).toBe(true);
  });

  it("specific EOI, rotation and set priority", () => {
    const { board, controller, lines, initialize, isr } = pair();
    initialize();
    board.out(MASTER, 0xc0 | 3);
    // IR3 lowest: IR4 highest.
    lines[3]!.set(true);
    lines[0]!.set(true);
    lines[4]!.set(true);
    expect(controller.acknowledge()).toBe(0x34);
    expect(isr(MASTER)).toBe(0x10);
    board.out(MASTER, 0x60 | 4);
    expect(isr(MASTER)).toBe(0);
    expect(controller.acknowledge()).toBe(0x30);
    // Rotate on non-specific EOI: IR0 becomes lowest.
    board.out(MASTER, 0xa0);
    lines[1]!.set(true);
    expect(controller.acknowledge()).toBe(0x31);
    board.out(MASTER, 0xe0 | 1);
    expect(isr(MASTER)).toBe(0);
    expect(controller.acknowledge()).toBe(0x33);
  });

  it("automatic EOI leaves nothing in service, with rotation if asked", () => {
    const { board, controller, lines, initialize, isr } = pair();
    initialize(true);
    lines[6]!.set(true);
    expect(controller.acknowledge()).toBe(0x36);
    expect(isr(MASTER)).toBe(0);
    board.out(MASTER, 0x80);
    lines[1]!.set(true);
    expect(controller.acknowledge()).toBe(0x31);
    lines[1]!.set(false);
    lines[1]!.set(true);
    lines[5]!.set(true);
    expect(controller.acknowledge(), "IR1 is lowest now").toBe(0x35);
    board.out(MASTER, 0x00);
    expect(controller.acknowledge()).toBe(0x31);
  });

  it("a slave with automatic EOI gives the master an edge for each of its requests", () => {
    const { board, controller, lines, intr, initialize } = pair();
    initialize();
    for (const [port, value] of [
      [SLAVE, 0x11],
      [SLAVE + 1, 0x38],
      [SLAVE + 1, 0x02],
      [SLAVE + 1, 0x03],
    ] as const)
      board.out(port, value);
    lines[14]!.set(true);
    lines[15]!.set(true);
    expect(controller.acknowledge()).toBe(0x3e);
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x3f);
  });

  it("after ICW1 the command port reads requests again; a reset does not lower a line", () => {
    const { board, master, lines, intr, initialize } = pair();
    lines[5]!.set(true);
    board.out(MASTER, 0x0b);
    initialize();
    board.out(0x4d0, 0x20);
    expect(board.in(MASTER)).toBe(0x20);
    master.reset();
    expect(intr.level).toBe(false);
    board.out(0x4d0, 0x20);
    expect(intr.level).toBe(true);
  });

  it("special mask mode: a masked service does not hold lower requests back, nor does a non-specific EOI end it", () => {
    const { board, controller, lines, intr, initialize, isr } = pair();
    initialize();
    lines[1]!.set(true);
    controller.acknowledge();
    lines[6]!.set(true);
    expect(intr.level).toBe(false);
    board.out(MASTER + 1, 0x02);
    expect(intr.level).toBe(false);
    board.out(MASTER, 0x68);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x36);
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(isr(MASTER)).toBe(0x02);
    board.out(MASTER, 0x48);
    board.out(MASTER + 1, 0x00);
    board.out(MASTER, NON_SPECIFIC_EOI);
    expect(isr(MASTER)).toBe(0);
  });

  it("special fully nested mode: the slave's higher request interrupts its lower service", () => {
    const { board, controller, lines, intr, initialize } = pair();
    initialize();
    board.out(MASTER, 0x11);
    board.out(MASTER + 1, 0x30);
    board.out(MASTER + 1, 0x04);
    board.out(MASTER + 1, 0x11);
    lines[15]!.set(true);
    expect(controller.acknowledge()).toBe(0x3f);
    lines[8]!.set(true);
    expect(intr.level).toBe(true);
    expect(controller.acknowledge()).toBe(0x38);
  });

  it("the poll command acknowledges by a read", () => {
    const { board, lines, intr, initialize, isr } = pair();
    initialize();
    board.out(MASTER, 0x0c);
    expect(board.in(MASTER)).toBe(0);
    lines[5]!.set(true);
    board.out(MASTER, 0x0c);
    expect(board.in(MASTER)).toBe(0x85);
    expect(intr.level).toBe(false);
    expect(isr(MASTER)).toBe(0x20);
  });

  it("a single chip skips ICW3", () => {
    const { board, controller, lines } = pair();
    board.out(MASTER, 0x13);
    board.out(MASTER + 1, 0x08);
    board.out(MASTER + 1, 0x01);
    board.out(MASTER + 1, 0xfe);
    expect(board.in(MASTER + 1)).toBe(0xfe);
    lines[0]!.set(true);
    expect(controller.acknowledge()).toBe(0x08);
  });

  it("a wire that two cards share is high while either drives it", () => {
    const { controller, intr, initialize } = pair();
    initialize();
    const [one, two] = [controller.driver(4), controller.driver(4)];
    one.set(true);
    two.set(true);
    one.set(false);
    expect(controller.requestLevel(4)).toBe(true);
    expect(intr.level).toBe(true);
    two.set(false);
    expect(intr.level).toBe(false);
    expect(() => controller.driver(2)).toThrow(RangeError);
  });
});

/** The i8042 with keyboard and mouse: Linux's and SeaBIOS's sequences, translation, A20, reset. */
import { describe, expect, it } from "vitest";
import { I8042 } from "../../web/machine/devices/i8042";
import { Keyboard } from "../../web/machine/devices/keyboard";
import { Mouse } from "../../web/machine/devices/mouse";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

const DATA = 0x60;
const COMMAND = 0x64;

function fit(board: TestBoard) {
  const keyboard = board.fit(new Keyboard());
  const mouse = board.fit(new Mouse());
  const wires = { a20: true, resets: 0 };
  const a20 = {
    get isOpen() {
      return wires.a20;
    },
    set(open: boolean) {
      wires.a20 = open;
    },
  };
  const controller = board.fit(new I8042(keyboard, mouse, a20, () => wires.resets++));
  return { keyboard, mouse, wires, controller };
}

function fitted() {
  const board = new TestBoard();
  const parts = fit(board);
  const command = (...bytes: number[]) => {
    board.out(COMMAND, bytes[0]!);
    for (const byte of bytes.slice(1)) board.out(DATA, byte);
  };
  const status = () => board.in(COMMAND);
  /** Everything in the output buffer, by source. */
  const drain = () => {
    const got: number[] = [];
    while (status() & 0x01) got.push(board.in(DATA));
    return got;
  };
  const toKeyboard = (...bytes: number[]) => {
    for (const byte of bytes) board.out(DATA, byte);
  };
  const toMouse = (byte: number) => command(0xd4, byte);
  return { board, ...parts, command, status, drain, toKeyboard, toMouse };
}

/** Without its devices and with a gate that stays open: those have states of their own. board.spec.ts has them together. */
deviceLaws("i8042", {
  fit: (board) => {
    const silent = { receive: () => {}, take: () => -1, onReady: () => {} };
    return board.fit(new I8042(silent, { ...silent }, { isOpen: true, set: () => {} }, () => {}));
  },
  touch: (board) => board.out(COMMAND, 0xaa),
});

/** Keyboard and mouse have no ports; these laws reach them through the wire. */
deviceLaws("PS/2 keyboard", {
  fit: (board) => board.fit(new Keyboard()),
  touch: (_board, keyboard) => keyboard.receive(0xf5),
  inputs: (keyboard, random) =>
    random.below(2) === 0
      ? keyboard.receive(random.bits() & 0xff)
      : random.below(2) === 0
        ? keyboard.take()
        : keyboard.press([0x1c, 0xf0, 0x1c]),
});
deviceLaws("PS/2 mouse", {
  fit: (board) => board.fit(new Mouse()),
  touch: (_board, mouse) => mouse.receive(0xf4),
  inputs: (mouse, random) =>
    random.below(2) === 0 ? mouse.receive(random.bits() & 0xff) : random.below(2) === 0 ? mouse.take() : mouse.move(5, -7, 1),
});

describe("i8042 controller", () => {
  it("Linux's checks: flush, self test, command byte, AUX loop", () => {
    const { command, status, drain, board } = fitted();
    expect(status() & 0x01).toBe(0);
    command(0xaa);
    expect(drain()).toEqual([0x55]);
    expect(status() & 0x04).toBe(0x04);
    command(0x20);
    const config = board.in(DATA);
    expect(config & 0x40, "translating").toBe(0x40);
    command(0x60, config | 0x30);
    command(0x20);
    expect(drain()).toEqual([config | 0x30]);
    // i8042_check_aux: the loop, then the enable bit seen through the command byte.
    command(0xd3, 0x5a);
    expect(status() & 0x21).toBe(0x21);
    expect(drain()).toEqual([0x5a]);
    command(0xa9);
    expect(drain()).toEqual([0x00]);
    command(0xa7);
    command(0x20);
    expect(board.in(DATA) & 0x20).toBe(0x20);
    command(0xa8);
    command(0x20);
    expect(board.in(DATA) & 0x20).toBe(0);
  });

  it("SeaBIOS's sequence: AA, AB, keyboard FF, F5, F0 02, F4", () => {
    const { command, drain, toKeyboard } = fitted();
    command(0xaa);
    expect(drain()).toEqual([0x55]);
    command(0xab);
    expect(drain()).toEqual([0x00]);
    command(0x60, 0x30);
    toKeyboard(0xff);
    expect(drain()).toEqual([0xfa, 0xaa]);
    toKeyboard(0xf5);
    expect(drain()).toEqual([0xfa]);
    toKeyboard(0xf0);
    expect(drain()).toEqual([0xfa]);
    toKeyboard(0x02);
    expect(drain()).toEqual([0xfa]);
    toKeyboard(0xf4);
    expect(drain()).toEqual([0xfa]);
  });

  it("gives each byte an edge of IRQ 1 or IRQ 12, if the command byte allows", () => {
    const { board, keyboard, mouse, command, toMouse, drain } = fitted();
    command(0x60, 0x43);
    toMouse(0xf4);
    drain();
    const [irq1, irq12] = [board.rises[1]!, board.rises[12]!];
    keyboard.press([0x1c, 0xf0, 0x1c]);
    expect(board.levels[1]).toBe(true);
    expect(board.in(DATA)).toBe(0x1e);
    expect(board.levels[1]).toBe(true);
    expect(board.in(DATA)).toBe(0x9e);
    expect(board.levels[1]).toBe(false);
    expect(board.rises[1]! - irq1).toBe(2);
    mouse.move(3, -2, 1);
    expect(drain()).toEqual([0x29, 3, 0xfe]);
    expect(board.rises[12]! - irq12).toBe(3);
    command(0x60, 0x40);
    keyboard.press([0x1c]);
    expect(board.levels[1]).toBe(false);
    command(0x60, 0x41);
    expect(board.levels[1]).toBe(true);
  });

  it("a device that is switched off keeps its bytes until it is switched on", () => {
    const { keyboard, command, drain, status } = fitted();
    command(0xad);
    keyboard.press([0x1c]);
    expect(status() & 0x01).toBe(0);
    command(0xae);
    expect(drain()).toEqual([0x1e]);
  });

  it("controller replies go before keys that wait", () => {
    const { keyboard, command, drain } = fitted();
    keyboard.press([0x1c, 0x32]);
    command(0xab);
    expect(drain()).toEqual([0x1e, 0x00, 0x30]);
  });

  it("translates set 2 into set 1, or not", () => {
    const { keyboard, command, drain } = fitted();
    // Escape, right Control press and release, F7 and the keypad's minus.
    keyboard.press([0x76, 0xe0, 0x14, 0xe0, 0xf0, 0x14, 0x83, 0x7b]);
    expect(drain()).toEqual([0x01, 0xe0, 0x1d, 0xe0, 0x9d, 0x41, 0x4a]);
    command(0x60, 0x01);
    keyboard.press([0xf0, 0x76]);
    expect(drain()).toEqual([0xf0, 0x76]);
  });

  it("its whole translation is one-to-one on the keys of a PC", () => {
    const { keyboard, drain } = fitted();
    const seen = new Set<number>();
    // Codes 01-7F that keyboards send; 00 and 80-FF are errors, prefixes and replies. 83 and 84 double 02 and 7F.
    for (let code = 1; code < 0x80; code++) {
      keyboard.press([code]);
      const [translated] = drain();
      expect(translated).toBeLessThan(0x80);
      seen.add(translated!);
    }
    expect(seen.size).toBe(127);
  });

  it("the A20 gate by output port and by DD and DF", () => {
    const { command, wires, drain } = fitted();
    command(0xd1, 0xdd);
    expect(wires.a20).toBe(false);
    command(0xd0);
    expect(drain()[0]! & 0x03).toBe(0x01);
    command(0xd1, 0xdf);
    expect(wires.a20).toBe(true);
    command(0xdd);
    expect(wires.a20).toBe(false);
    command(0xdf);
    expect(wires.a20).toBe(true);
    expect(wires.resets).toBe(0);
  });

  it("reset by pulse (FE) and by output port bit 0", () => {
    const { command, wires } = fitted();
    command(0xff);
    expect(wires.resets).toBe(0);
    command(0xfe);
    expect(wires.resets).toBe(1);
    command(0xd1, 0xfe);
    expect(wires.resets).toBe(2);
  });
});

describe("PS/2 keyboard", () => {
  it("identifies as MF2, through translation as Linux expects", () => {
    const { command, toKeyboard, drain } = fitted();
    toKeyboard(0xf2);
    expect(drain()).toEqual([0xfa, 0xab, 0x41]);
    command(0x60, 0x00);
    toKeyboard(0xf2);
    expect(drain()).toEqual([0xfa, 0xab, 0x83]);
  });

  it("Linux's atkbd set-up: ED 00, F3 00, F4", () => {
    const { keyboard, toKeyboard, drain } = fitted();
    for (const byte of [0xed, 0x07, 0xf3, 0x00, 0xf4]) {
      toKeyboard(byte);
      expect(drain()).toEqual([0xfa]);
    }
    expect(keyboard.indicators).toBe(7);
  });

  it("echo, resend, unknown commands, the current scan code set", () => {
    const { command, toKeyboard, drain } = fitted();
    command(0x60, 0x00);
    toKeyboard(0xee);
    expect(drain()).toEqual([0xee]);
    toKeyboard(0xfe);
    expect(drain()).toEqual([0xee]);
    toKeyboard(0xf1);
    expect(drain()).toEqual([0xfe]);
    toKeyboard(0xf0);
    drain();
    toKeyboard(0x00);
    expect(drain()).toEqual([0xfa, 0x02]);
  });

  it("drops keys while disabled, and whole codes when its queue is full", () => {
    const { command, keyboard, toKeyboard, drain } = fitted();
    toKeyboard(0xf5);
    drain();
    expect(keyboard.press([0x1c])).toBe(false);
    toKeyboard(0xf4);
    drain();
    command(0xad);
    let taken = 0;
    while (keyboard.press([0xf0, 0x1c, 0x1c])) taken++;
    expect(taken).toBe(21);
    command(0xae);
    expect(drain()).toHaveLength(42);
  });
});

describe("PS/2 mouse", () => {
  it("resets, identifies and reports its status", () => {
    const { toMouse, drain } = fitted();
    toMouse(0xff);
    expect(drain()).toEqual([0xfa, 0xaa, 0x00]);
    toMouse(0xf2);
    expect(drain()).toEqual([0xfa, 0x00]);
    for (const byte of [0xe8, 0x03, 0xf3, 0x28, 0xe7, 0xf4]) toMouse(byte);
    drain();
    toMouse(0xe9);
    expect(drain()).toEqual([0xfa, 0x30, 0x03, 0x28]);
  });

  it("reports movement only when enabled, and by request in remote mode", () => {
    const { mouse, toMouse, drain } = fitted();
    expect(mouse.move(1, 1, 0)).toBe(false);
    expect(drain()).toEqual([]);
    toMouse(0xf4);
    drain();
    expect(mouse.move(-1, 200, 4)).toBe(true);
    expect(drain()).toEqual([0x1c, 0xff, 200]);
    toMouse(0xf0);
    drain();
    expect(mouse.move(1, 1, 2)).toBe(false);
    toMouse(0xeb);
    expect(drain()).toEqual([0xfa, 0x0a, 0, 0]);
  });

  it("drops whole packets when its queue is full", () => {
    const { command, mouse, toMouse, drain } = fitted();
    toMouse(0xf4);
    drain();
    command(0xa7);
    let taken = 0;
    while (taken < 100 && mouse.move(taken, 0, 0)) taken++;
    expect(taken).toBe(21);
    command(0xa8);
    expect(drain()).toEqual(Array.from({ length: 21 }, (_, i) => [0x08, i, 0]).flat());
  });

  it("wrap mode echoes all but its end and reset", () => {
    const { toMouse, drain } = fitted();
    toMouse(0xee);
    drain();
    toMouse(0xf2);
    expect(drain()).toEqual([0xf2]);
    toMouse(0xec);
    expect(drain()).toEqual([0xfa]);
    toMouse(0xf2);
    expect(drain()).toEqual([0xfa, 0x00]);
  });
});

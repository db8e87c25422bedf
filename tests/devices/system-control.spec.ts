/** Ports 61h and 92h, and the small ports for developers: debug exit, debug console, POST. */
import { describe, expect, it } from "vitest";
import { DebugConsole, DebugExit, PostPort } from "../../web/machine/devices/debug-ports";
import { SystemControl } from "../../web/machine/devices/system-control";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

function fit(board: TestBoard) {
  const wires = { gate: false, output: false, refresh: false, a20: false, resets: 0 };
  const device = board.fit(
    new SystemControl({
      setTimer2Gate: (level) => {
        wires.gate = level;
      },
      timer2Output: () => wires.output,
      refreshToggle: () => wires.refresh,
      a20: {
        set: (level) => {
          wires.a20 = level;
        },
      },
      requestReset: () => wires.resets++,
    }),
  );
  return { device, wires };
}

deviceLaws("system control", { fit: (board) => fit(board).device, touch: (board) => board.out(0x61, 0x03) });
deviceLaws("isa-debug-exit", { fit: (board) => board.fit(new DebugExit(0xf4, () => {})) });
deviceLaws("debug console", { fit: (board) => board.fit(new DebugConsole()) });
deviceLaws("POST port", { fit: (board) => board.fit(new PostPort()), touch: (board) => board.out(0x80, 0x77) });

describe("port 61h", () => {
  it("gates timer 2 and shows its output and the refresh toggle", () => {
    const board = new TestBoard();
    const { device, wires } = fit(board);
    board.out(0x61, 0xff);
    expect(wires.gate).toBe(true);
    expect(device.speakerEnabled).toBe(true);
    expect(board.in(0x61)).toBe(0x0f);
    wires.output = true;
    wires.refresh = true;
    expect(board.in(0x61)).toBe(0x3f);
    board.out(0x61, (board.in(0x61) & ~0x02) | 0x01);
    expect(device.speakerEnabled).toBe(false);
    expect(wires.gate).toBe(true);
    board.out(0x61, 0);
    expect(wires.gate).toBe(false);
  });
});

describe("port 92h", () => {
  it("opens and closes A20, which is open at power-on and after reset", () => {
    const board = new TestBoard();
    const { device, wires } = fit(board);
    expect(wires.a20).toBe(true);
    expect(board.in(0x92)).toBe(0x02);
    board.out(0x92, 0x00);
    expect(wires.a20).toBe(false);
    expect(board.in(0x92)).toBe(0x00);
    device.reset();
    expect(wires.a20).toBe(true);
  });

  it("shares the gate with the keyboard controller: the last one decides", () => {
    const board = new TestBoard();
    const { device, wires } = fit(board);
    device.a20Gate.set(false);
    expect(wires.a20).toBe(false);
    expect(board.in(0x92)).toBe(0x00);
    board.out(0x92, 0x02);
    expect(device.a20Gate.isOpen).toBe(true);
  });

  it("resets the processor on the rise of bit 0 only", () => {
    const board = new TestBoard();
    const { wires } = fit(board);
    board.out(0x92, 0x03);
    expect(wires.resets).toBe(1);
    board.out(0x92, 0x03);
    expect(wires.resets).toBe(1);
    board.out(0x92, 0x02);
    board.out(0x92, 0x03);
    expect(wires.resets).toBe(2);
  });
});

describe("ports for developers", () => {
  it("the debug exit takes writes of any size", () => {
    const board = new TestBoard();
    const values: number[] = [];
    board.fit(new DebugExit(0xf4, (value) => values.push(value)));
    board.out(0xf4, 0x10);
    board.out(0xf4, 0x12345678, 4);
    expect(values).toEqual([0x10, 0x12345678]);
    expect(board.in(0xf4, 4)).toBe(0);
  });

  it("the debug console says E9 at both of its ports and hands bytes on", () => {
    const board = new TestBoard();
    const device = board.fit(new DebugConsole());
    const bytes: number[] = [];
    device.onByte = (byte) => bytes.push(byte);
    expect(board.in(0xe9)).toBe(0xe9);
    expect(board.in(0x402)).toBe(0xe9);
    board.out(0xe9, 0x41);
    board.out(0x402, 0x42);
    expect(bytes).toEqual([0x41, 0x42]);
  });

  it("the POST port keeps the last code", () => {
    const board = new TestBoard();
    const device = board.fit(new PostPort());
    const codes: number[] = [];
    device.onCode = (code) => codes.push(code);
    board.out(0x80, 0xaa);
    expect(board.in(0x80)).toBe(0xaa);
    expect(codes).toEqual([0xaa]);
  });
});

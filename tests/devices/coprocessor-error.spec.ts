/** FERR#, IRQ 13 and IGNNE# around port F0h. */
import { describe, expect, it } from "vitest";
import { CoprocessorError } from "../../web/machine/devices/coprocessor-error";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

function fit(board: TestBoard) {
  const pins = { ignne: false };
  const device = board.fit(
    new CoprocessorError({
      set: (level) => {
        pins.ignne = level;
      },
    }),
  );
  return { device, pins };
}

deviceLaws("coprocessor error", {
  fit: (board) => fit(board).device,
  touch: (_board, device) => device.setFerr(true),
  inputs: (device, random) => device.setFerr(random.below(2) === 0),
});

describe("port F0h", () => {
  it("takes IRQ 13 back and lets the processor go on until FERR# falls", () => {
    const board = new TestBoard();
    const { device, pins } = fit(board);
    device.setFerr(true);
    expect(board.levels[13]).toBe(true);
    expect(pins.ignne).toBe(false);
    board.out(0xf0, 0);
    expect(board.levels[13]).toBe(false);
    expect(pins.ignne).toBe(true);
    device.setFerr(false);
    expect(pins.ignne).toBe(false);
  });

  it("does nothing while no error waits", () => {
    const board = new TestBoard();
    const { pins } = fit(board);
    board.out(0xf0, 0);
    expect(pins.ignne).toBe(false);
    expect(board.levels[13]).toBe(false);
  });
});

/** A movement given to the machine reaches the guest as the packet of a PS/2 mouse, is a recorded input, and can be repeated. */
import { expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { type InputRecord, Machine } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";

/** Turns the mouse on and sends all that comes from it to COM1. */
const PROGRAM = `
    bits 16
    org 0x7c00
        mov al, 0xa8
        out 0x64, al
        mov al, 0xd4
        out 0x64, al
        mov al, 0xf4
        out 0x60, al
    next:
        in al, 0x64
        test al, 1
        jz next
        in al, 0x60
        mov dx, 0x3f8
        out dx, al
        jmp next`;

it("moves", async () => {
  const { bytes, errors } = assemble(PROGRAM);
  expect(errors).toEqual([]);
  const image = new Uint8Array(512);
  image.set(bytes);
  image.set([0x55, 0xaa], 510);
  const machine = await Machine.create(
    { boot: { kind: "sector", image }, memoryMb: 1, clock: { kind: "deterministic" } },
    { wasm: coreWasm() },
  );
  const sent: number[] = [];
  const inputs: InputRecord[] = [];
  machine.serial(0).onData((data) => sent.push(...data));
  machine.onInput((input) => inputs.push(input));
  const run = () => machine.run({ instructions: machine.instructions + 200_000 });
  await run();
  expect(sent).toEqual([0xfa]);
  machine.moveMouse(5, -3, 1);
  await run();
  machine.moveMouse(0, 0, 0);
  await run();
  // Bit 3 is always set, bit 5 is the sign of the vertical movement.
  expect(sent.slice(1)).toEqual([0x29, 5, 0xfd, 0x08, 0, 0]);
  expect(inputs.filter(({ kind }) => kind === "mouse")).toHaveLength(2);
});

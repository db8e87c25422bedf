/** memtest86+ on 32 MB: no error where there is none, and errors where RAM changes under it. */
import { describe, expect, it } from "vitest";
import { beginningOf, bootMemtest, readMemtest } from "./memtest";
import { FAR, needGuest } from "./prepared-guests";

const CR4_PSE = 0x10;
const CR4_PAE = 0x20;

describe("memtest86+", () => {
  it("runs tests 0 and 2 without errors, with PAE and without PSE", { timeout: 1_800_000 }, async (context) => {
    const guest = await needGuest(context, "memtest");
    const { tests, errors, screen, cr4 } = await bootMemtest(guest, 3);
    expect(tests).toEqual([0, 2, 3]);
    expect(errors).toBe(0);
    expect(screen.join("\n")).toMatch(/\[PAE\]/);
    expect(cr4 & (CR4_PAE | CR4_PSE)).toBe(CR4_PAE);
  });

  it("finds bytes that change in the middle of test 3", { timeout: 1_800_000 }, async (context) => {
    const guest = await needGuest(context, "memtest");
    const { errors } = await bootMemtest(guest, 4, async ({ machine, core }) => {
      await machine.run({ text: beginningOf(3), instructions: FAR });
      await machine.run({ instructions: machine.instructions + 150_000_000 });
      for (let address = 0x500000; address < 0x1e00000; address += 0x40000) {
        const [byte] = core.memory.read(address, 1) as unknown as [number];
        core.memory.write(address, Uint8Array.of(byte ^ 0x10));
      }
    });
    expect(errors).toBeGreaterThan(0);
  });

  it("is read by its numbers", () => {
    const output =
      "\x1b[2J\x1b[4;35H#0  [Address test]\x1b[9;64HErrors: 0   \x1b[4;35H#1  [Own address]     \x1b[9;64HErrors: 12  \x1b[4;35H#1  [Own";
    const { tests, errors, screen } = readMemtest(output);
    expect([tests, errors]).toEqual([[0, 1], 12]);
    expect(screen[3]).toBe(`${" ".repeat(34)}#1  [Own address]`);
    expect(readMemtest("nothing").errors).toBeUndefined();
  });
});

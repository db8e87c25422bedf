/** The built-in guests assemble, fit, and are the same to nasm. */
import { describe, expect, it } from "vitest";
import { assembleGuest, BUILT_IN_GUESTS, findBuiltInGuest } from "../../bios/index";
import { isMultiboot } from "../../web/machine/boot/multiboot";
import { planSector } from "../../web/machine/boot/sector";
import { nasmMissing, nasmProgram } from "../assembler/nasm";

describe.each(BUILT_IN_GUESTS)("$id", (guest) => {
  const image = assembleGuest(guest);

  it("is an image that the machine's loader takes", () => {
    if (guest.boot === "sector") expect(planSector(image).writes.at(-1)!.address).toBe(0x7c00);
    else expect(isMultiboot(image)).toBe(true);
  });

  it.skipIf(nasmMissing() !== undefined)("is byte for byte what nasm makes of its source", () => {
    expect(Buffer.from(image).equals(Buffer.from(nasmProgram(guest.source)))).toBe(true);
  });
});

it("hello fits a boot sector", () => {
  expect(assembleGuest(findBuiltInGuest("hello")!).length).toBe(512);
});

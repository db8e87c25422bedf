/** Debian boots that must end in the same state, to the bit: again, in slices, moved from machine to machine. */
import { describe, expect, it } from "vitest";
import { needGuest } from "../boot/prepared-guests";
import { bootTo } from "./boots";

describe("a Debian boot", () => {
  it("is the same again, in slices of 12,347 and of 1,000,000 instructions, and saved and loaded on the way", {
    timeout: 1_800_000,
  }, async (context) => {
    const guest = await needGuest(context, "debian");
    const first = await bootTo(guest);
    expect(first.reachedPrompt).toBe(true);
    for (const options of [{}, { slice: 12_347 }, { slice: 1_000_000 }, { moveAt: [5_000_000, 123_456_789] }])
      expect(await bootTo(guest, options), JSON.stringify(options)).toEqual(first);
  });

  it("with PAE is the same when it is saved and loaded on the way", { timeout: 1_800_000 }, async (context) => {
    const guest = await needGuest(context, "debian-pae");
    const last = 120_000_000;
    expect(await bootTo(guest, { last, moveAt: [33_333_333, 77_777_777] })).toEqual(await bootTo(guest, { last }));
  });
});

/** Debian's i386 gdb in the guest: steps, breakpoints and watchpoints where the program says, and as in a native run. */
import { describe, expect, it } from "vitest";
import { GuestsError } from "../../web/guests/guests-error";
import { needGuest } from "../boot/prepared-guests";
import { type DebianGdbResult, runDebianGdb } from "./debian-gdb";

describe("gdb of Debian", () => {
  it("steps, breaks and watches in the guest as natively", async (context) => {
    const guest = await needGuest(context, "debian");
    let result: DebianGdbResult;
    try {
      result = await runDebianGdb(guest);
    } catch (error) {
      if (error instanceof GuestsError && process.env.REQUIRE_TOOLS !== "1") return context.skip(error.message);
      throw error;
    }
    expect(result.missing, result.guest).toEqual([]);
    expect(result.differences ?? []).toEqual([]);
  }, 900_000);
});

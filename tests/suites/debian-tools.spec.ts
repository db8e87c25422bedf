/** Debian's i386 openssl and bc in the guest against native runs: a few algorithms here, all of them in `npm run accept -- 4.6`. */
import { describe, expect, it } from "vitest";
import { GuestsError } from "../../web/guests/guests-error";
import { needGuest } from "../boot/prepared-guests";
import { type DebianToolsResult, nativeMissing, runDebianTools } from "./debian-tools";

describe("openssl and bc of Debian", () => {
  it.skipIf(nativeMissing !== undefined)(
    `answer in the guest as natively${nativeMissing === undefined ? "" : ` (skipped: ${nativeMissing})`}`,
    async (context) => {
      const guest = await needGuest(context, "debian");
      const only = { digests: ["MD5", "SHA3-256"], ciphers: ["AES-256-CBC", "ChaCha20", "AES-128-XTS"] };
      let result: DebianToolsResult;
      try {
        result = await runDebianTools(guest, { only, piDigits: 100 });
      } catch (error) {
        if (error instanceof GuestsError && process.env.REQUIRE_TOOLS !== "1") return context.skip(error.message);
        throw error;
      }
      expect(result.differences).toEqual([]);
      // The mode for disks is refused by the program itself.
      expect(result.refused).toEqual(["AES-128-XTS"]);
      expect(result.confirmed).toBe(4);
      expect(result.piDigits).toBe(100);
    },
    900_000,
  );
});

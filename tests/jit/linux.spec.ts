/**
 * The Debian boot, interpreted and translated: the same state along the way. JIT_BOOT_INSTRUCTIONS and JIT_BOOT_STEP
 * lengthen it (the whole boot is 2.7 billion instructions).
 */
import { describe, expect, it } from "vitest";
import { linuxBoot, needGuest } from "../boot/prepared-guests";
import { trace } from "./interp-against-jit";

const MOST = Number(process.env.JIT_BOOT_INSTRUCTIONS ?? 240_000_000);
const STEP = Number(process.env.JIT_BOOT_STEP ?? 80_000_000);

describe("Debian, interpreted and translated", () => {
  it(`has equal states every ${STEP} instructions up to ${MOST}`, { timeout: 3_600_000 }, async (context) => {
    const guest = await needGuest(context, "debian");
    const config = { memoryMb: guest.files.memoryMb, boot: linuxBoot(guest) };
    const interpreted = await trace(config, undefined, { step: STEP, most: MOST });
    const translated = await trace(config, {}, { step: STEP, most: MOST });
    expect(translated.points).toEqual(interpreted.points);
    expect(translated.inJit).toBeGreaterThan(MOST / 2);
  });
});

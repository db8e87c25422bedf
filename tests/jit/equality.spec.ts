/** Built-in guests and small programs: interpreter and translator are interchangeable at every instruction. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { LIMITS, trace } from "./interp-against-jit";
import { multibootImage, PROGRAMS } from "./programs";

const built = existsSync(new URL("../../dist/core/core.wasm", import.meta.url));

describe.skipIf(!built)(`interpreter and translator${built ? "" : " (skipped: run npm run build:core)"}`, () => {
  const teaching = findBuiltInGuest("teaching")!;
  const teachingConfig = {
    memoryMb: 16,
    boot: { kind: "sector" as const, image: assembleGuest(teaching) },
  };
  it.each(Object.entries(LIMITS))("run the teaching kernel alike: %s", async (_, limits) => {
    const how = { step: 500_000, most: 3_000_000 };
    const interpreted = await trace(teachingConfig, undefined, how);
    const translated = await trace(teachingConfig, { limits }, how);
    expect(translated.points).toEqual(interpreted.points);
    expect(translated.output).toBe(interpreted.output);
    expect(translated.inJit).toBeGreaterThan(1000);
  });

  describe.each(Object.entries(PROGRAMS))("%s", (_, { source, invalidates }) => {
    const config = { memoryMb: 4, boot: { kind: "multiboot" as const, kernel: multibootImage(source), commandLine: "" } };
    it.each(Object.entries(LIMITS))("%s", async (_limitsName, limits) => {
      const how = { step: 7001, most: 63_009 };
      const interpreted = await trace(config, undefined, how);
      const translated = await trace(config, { limits }, how);
      expect(translated.points).toEqual(interpreted.points);
      expect(interpreted.points.length, "it did not end early").toBe(9);
      expect(translated.inJit).toBeGreaterThan(0);
      if (invalidates) expect(translated.invalidations).toBeGreaterThan(0);
    });
    it("however the run is cut", async () => {
      const whole = await trace(config, undefined, { step: 20_011, most: 20_011 });
      for (const slice of [1, 7, 64, 1000]) {
        const cut = await trace(config, { limits: LIMITS["a few runs"]! }, { step: 20_011, most: 20_011, slice });
        expect(cut.points, `slices of ${slice}`).toEqual(whole.points);
      }
    });
  });
});

/** Instructions retired, against what the program itself knows and against QEMU's -icount. */
import { describe, expect, it } from "vitest";
import { countHere, countInQemu, qemuMissing } from "./instruction-count";

/** Before and after the measured loops: the command line, the calibration, printing. */
const AROUND = 2000;
const LOOPS = 300;

describe("instructions retired", () => {
  it("counts a REP once, and ticks its iterations one by one", async () => {
    const { retired, ticks, iterations, instructions, machineTicks } = await countHere(LOOPS);
    expect(iterations).toBe(LOOPS * (64 + 37 + 21 + 30));
    expect(ticks - retired).toBe(iterations - 4 * LOOPS);
    expect(instructions).toBeGreaterThan(retired);
    expect(instructions).toBeLessThan(retired + AROUND);
    // The calibration's REP MOVSB of 1000 bytes is outside the loops.
    expect(machineTicks - instructions).toBe(ticks - retired + 999);
  });

  const missing = qemuMissing();
  it.skipIf(missing !== undefined)(`is the number that QEMU counts${missing ? ` (skipped: ${missing})` : ""}`, async () => {
    const [here, qemu] = [await countHere(LOOPS), await countInQemu(LOOPS)];
    expect(here).toMatchObject(qemu);
  });
});

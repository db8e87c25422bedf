/**
 * 64-bit mode as logs of bare-metal images: held to committed golden files, and compared with QEMU where QEMU is right (a case says
 * why it is not). Of the golden files, lines that QEMU does not show are our reading of the SDM, not yet checked a second time.
 */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { LONG_SETS } from "./cases/long";
import { LONG_WALKS, longTrials, longWalkCases } from "./cases/long-walk";
import { splitLog } from "./image";
import { buildLongImage } from "./long-image";
import { runInQemu, runOnCore } from "./run-image";

const MAX_MODEL = 4;
const WALK_TICKS = 3_000_000_000;
const TIMEOUT = 600_000;
/** Of the 4 KB pages' combinations every so many; whole with VITRINE_LONG=2. */
const isLong = Number(process.env.VITRINE_LONG ?? 1) > 1;
const SHORT_STEP = 37;

const qemuMissing = spawnSync("qemu-system-x86_64", ["--version"]).status === 0 ? undefined : "qemu-system-x86_64 is not installed";
if (qemuMissing !== undefined && process.env.REQUIRE_TOOLS === "1") throw new Error(qemuMissing);
const inQemu = `in QEMU${qemuMissing === undefined ? "" : ` (skipped: ${qemuMissing})`}`;

describe.each(Object.entries(LONG_SETS))("%s", (name, cases) => {
  it("as in the golden file", async () => {
    const log = splitLog((await runOnCore(buildLongImage(cases), { cpuModel: MAX_MODEL })).log);
    expect(log.size).toBe(cases.length);
    const text = cases.map((one) => `# ${one.name}\n${log.get(one.name)}\n`).join("");
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it("the same when every frame comes late, again and again", async () => {
    const image = buildLongImage(cases);
    const whole = await runOnCore(image, { cpuModel: MAX_MODEL });
    const late = await runOnCore(image, { cpuModel: MAX_MODEL, absent: true, slice: 50 });
    expect(late.log).toBe(whole.log);
    expect(late.state).toEqual(whole.state);
  });

  it.skipIf(qemuMissing !== undefined)(inQemu, async () => {
    const comparable = cases.filter((one) => one.qemuDiffers === undefined);
    const image = buildLongImage(comparable);
    const theirs = splitLog(runInQemu(image.bytes, { cpu: "max", long: true, seconds: 120 }));
    const ours = splitLog((await runOnCore(image, { cpuModel: MAX_MODEL })).log);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
    expect(theirs.size).toBe(comparable.length);
  });
});

describe("page-walk permissions of 4-level paging", () => {
  const cases = LONG_WALKS.flatMap((walk) => longWalkCases(walk, walk.tables === 3 && !isLong ? SHORT_STEP : 1));
  const image = buildLongImage(cases);

  it("are more than 1,300,000 trials, of which at least 190,000 are made each time", () => {
    const sum = (step: number): number => LONG_WALKS.reduce((all, walk) => all + longTrials(walk, walk.tables === 3 ? step : 1), 0);
    expect(sum(1)).toBeGreaterThan(1_300_000);
    expect(sum(SHORT_STEP)).toBeGreaterThan(190_000);
  });

  it(
    "cross product",
    async () => {
      const { log } = await runOnCore(image, { cpuModel: MAX_MODEL, ticks: WALK_TICKS });
      const ours = splitLog(log);
      const text = cases.map((one) => `# ${one.name}\n${ours.get(one.name)}\n`).join("");
      await expect(text).toMatchFileSnapshot(`golden/long-walk${isLong ? "" : "-thinned"}.txt`);
      if (qemuMissing !== undefined) return;
      expect(Object.fromEntries(ours)).toEqual(
        Object.fromEntries(splitLog(runInQemu(image.bytes, { cpu: "max", long: true, seconds: 500 }))),
      );
    },
    TIMEOUT,
  );
});

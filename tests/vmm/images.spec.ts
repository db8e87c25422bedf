/**
 * Privileged architecture as logs of bare-metal images: held to committed golden files, and compared with QEMU where QEMU
 * is right (a case says why it is not). Every line of the golden files was either equal to QEMU's or read against the SDM.
 */
import { describe, expect, it } from "vitest";
import { qemuMissing } from "../tools/bare-qemu";
import { CASE_SETS } from "./cases/index";
import { buildImage, splitLog } from "./image";
import { runInQemu, runOnCore } from "./run-image";

describe.each(Object.entries(CASE_SETS))("%s", (name, cases) => {
  it("as in the golden file", async () => {
    const { log: whole } = await runOnCore(buildImage(cases));
    const log = splitLog(whole);
    expect(log.size).toBe(cases.length);
    const text = cases.map((one) => `# ${one.name}\n${log.get(one.name)}\n`).join("");
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it("the same when every frame comes late, again and again", async () => {
    const image = buildImage(cases);
    const whole = await runOnCore(image);
    const late = await runOnCore(image, { absent: true, slice: 5 });
    expect(late.log).toBe(whole.log);
    expect(late.state).toEqual(whole.state);
    expect(late.frames).toBeGreaterThan(1000);
  });

  it("the same in slices of one tick", async () => {
    const image = buildImage(cases);
    const whole = await runOnCore(image);
    const sliced = await runOnCore(image, { slice: 1 });
    expect(sliced.log).toBe(whole.log);
    expect(sliced.state).toEqual(whole.state);
    expect(sliced.exits).toEqual(whole.exits);
  });

  if (qemuMissing !== undefined && process.env.REQUIRE_TOOLS === "1") throw new Error(qemuMissing);
  it.skipIf(qemuMissing !== undefined)(`as in QEMU${qemuMissing === undefined ? "" : ` (skipped: ${qemuMissing})`}`, async () => {
    const comparable = cases.filter((one) => one.qemuDiffers === undefined);
    const image = buildImage(comparable);
    const theirs = splitLog(runInQemu(image.bytes));
    const ours = splitLog((await runOnCore(image)).log);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
    expect(theirs.size).toBe(comparable.length);
  });
});

/** Page-walk permissions, all of them: bare-metal images held to committed checksums, which are QEMU's too. */
import { beforeAll, describe, expect, it } from "vitest";
import { qemuMissing } from "../tools/bare-qemu";
import { crossProduct, MODES, RESERVED, trials, type WalkMode } from "./cases/page-walk";
import { buildImage, type Case, splitLog } from "./image";
import { runInQemu, runOnCore } from "./run-image";

const MAX_MODEL = 4;
const TICKS = 150_000_000;
const TIMEOUT = 600_000;
/** The largest product is tried at every fifth setting, which meets both values of every bit; whole with VITRINE_LONG=2. */
const SHORT_STEP = 5;
const isLong = Number(process.env.VITRINE_LONG ?? 1) > 1;
const stepOf = (mode: WalkMode): number => (mode.pae && !mode.large && !isLong ? SHORT_STEP : 1);
const PRODUCT = MODES.map((mode) => crossProduct(mode, stepOf(mode)));
const golden = (name: string): string => `golden/page-walk-${name}.txt`;
const ALL = [...PRODUCT, ...RESERVED];
const comparable = (one: Case): boolean => one.qemuDiffers === undefined;

describe("page-walk permissions", () => {
  let ours = new Map<string, string>();
  beforeAll(async () => {
    ours = splitLog((await runOnCore(buildImage(ALL), { cpuModel: MAX_MODEL, ticks: TICKS })).log);
  }, TIMEOUT);

  it("are more than 450,000 trials", () => {
    expect(MODES.reduce((sum, mode) => sum + trials(mode), 0)).toBeGreaterThan(450_000);
  });

  it("cross product", async () => {
    const text = PRODUCT.map((one) => `# ${one.name}\n${ours.get(one.name)}\n`).join("");
    // Every sum goes on from the one before it, so a thinned product has sums of its own.
    await expect(text).toMatchFileSnapshot(golden(isLong ? "cross-product" : "cross-product-thinned"));
  });

  it("reserved bits", async () => {
    await expect(RESERVED.map((one) => `# ${one.name}\n${ours.get(one.name)}\n`).join("")).toMatchFileSnapshot(golden("reserved-bits"));
  });

  if (qemuMissing !== undefined && process.env.REQUIRE_TOOLS === "1") throw new Error(qemuMissing);
  it.skipIf(qemuMissing !== undefined)(
    `are QEMU's${qemuMissing === undefined ? "" : ` (skipped: ${qemuMissing})`}`,
    () => {
      const cases = ALL.filter(comparable);
      const theirs = splitLog(runInQemu(buildImage(cases).bytes, { cpu: "max", seconds: 500 }));
      const mine = cases.map((one): [string, string | undefined] => [one.name, ours.get(one.name)]);
      expect(Object.fromEntries(mine)).toEqual(Object.fromEntries(theirs));
      expect(theirs.size).toBe(cases.length);
    },
    TIMEOUT,
  );
});

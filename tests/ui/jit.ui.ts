/** The JIT panel: counters and regions against the core's own records, read by their layout alone; one region in both languages. */
import AxeBuilder from "@axe-core/playwright";
import type { Page, Worker } from "@playwright/test";
import { expect, needsChromium, test } from "./support/fixtures";
import { machineWorker } from "./support/inside";

needsChromium();

const attributes = (page: Page, selector: string): Promise<Record<string, string>[]> =>
  page.locator(selector).evaluateAll((all) => all.map((one) => ({ ...(one as HTMLElement).dataset }) as never));

interface Inside {
  readonly vitrine: {
    readonly machine: {
      readonly inspect: {
        readonly core: { readonly exports: Record<string, (...values: number[]) => number>; readonly buffer: ArrayBuffer };
      };
    };
  };
}

/** Counters by number, and all records of asm/jit/region-log.ts as 32-bit words. */
const inside = (worker: Worker): Promise<{ counters: number[]; records: number[][] }> =>
  worker.evaluate(() => {
    const { exports, buffer } = (globalThis as unknown as Inside).vitrine.machine.inspect.core;
    const counters = Array.from({ length: 7 }, (_, n) => exports.jitCounter!(n));
    const records = Array.from({ length: counters[0]! }, (_, n) => [...new Uint32Array(buffer, exports.jitRecords!() + n * 192, 48)]);
    return { counters, records };
  });

test("every number of the JIT panel is the translator's own", async ({ vitrine, page }) => {
  await vitrine.button("Settings of Teaching kernel").click();
  await page.getByRole("form", { name: "Settings of Teaching kernel" }).getByLabel("Translate hot code").check();
  await page.getByRole("button", { name: "Boot with these" }).click();
  await vitrine.sees("checks passed", { timeout: 120_000 });
  await expect(vitrine.figure("state")).toHaveText("Ended");
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await page.getByRole("tab", { name: "JIT" }).click();
  await expect(page.locator("[data-panel=jit]")).toHaveAttribute("data-jit-on", "true");
  const worker = await machineWorker(page);
  const { counters, records } = await inside(worker);
  const shown = await attributes(page, "[data-jit-counter]");
  const NAMES = ["regions", "modules", "bytes", "links", "invalidations", "evictions", "instructionsInJit"];
  expect(shown.length).toBe(NAMES.length);
  for (const { jitCounter, value } of shown) expect([jitCounter, value]).toEqual([jitCounter, `${counters[NAMES.indexOf(jitCounter!)]}`]);
  expect(counters[6]).toBeGreaterThan(1000);
  const regions = await attributes(page, "[data-region]");
  expect(regions.length).toBe(Math.min(50, records.length));
  for (const { region, entries, retired, links, wasmBytes } of regions) {
    const words = records[Number(region)]!;
    const own = { entries: words[5], retired: words[12]! + words[13]! * 2 ** 32, links: words[6], wasmBytes: words[3] };
    expect({ entries, retired, links, wasmBytes }).toEqual(
      Object.fromEntries(Object.entries(own).map(([name, value]) => [name, `${value}`])),
    );
  }
  const [hottest] = regions;
  await page.locator(`[data-region="${hottest!.region}"] button`).click();
  await expect(page.locator("[data-chosen-region]")).toHaveAttribute("data-chosen-region", hottest!.region!);
  const words = records[Number(hottest!.region)]!;
  const order = ["pending", "instruction", "target", "budget"];
  for (const { return: why, value } of await attributes(page, "[data-return]"))
    expect(value, why).toBe(`${words[7 + order.indexOf(why!)]}`);
  const blocks = await attributes(page, "[data-block]");
  expect(blocks.map(({ block }) => Number(block))).toEqual(
    Array.from({ length: words[2]! & 0xffff }, (_, n) => words[0]! * 4096 + (words[16 + n]! & 0xffff)),
  );
  await expect(page.locator("[data-wasm-lines]")).toContainText("(local ");
  await expect(page.locator("[data-wasm-lines]")).not.toContainText("opcode");
  const { violations } = await new AxeBuilder({ page }).include("#inspect-pane").analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`)).toEqual([]);
});

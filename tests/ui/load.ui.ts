/** What a booting machine costs its user: how late the page answers meanwhile, and the tab's memory. */
import type { Locator, Page } from "@playwright/test";
import { bootDebian, DEBIAN, PROMPT } from "./support/debian";
import { BOOT_MS, expect, needsChromium, needsGuest, test, type Vitrine } from "./support/fixtures";
import { tabMemory, tabMemoryMissing } from "./support/tab-memory";

needsChromium();
test.describe.configure({ timeout: 2 * BOOT_MS });

/** Inputs that must have been measured, if the guest boots faster than they come. */
const LEAST_INPUTS = 40;
/** Ten inputs a second: faster than a user types, and than anybody goes from one button to another. */
const BETWEEN_MS = 100;
/** How long a quick finger rests on the mouse's button. */
const PRESSED_MS = 50;

/**
 * Presses keys into the terminal and clicks in the page until the shell is there. Delays in ms: of clicks the browser's own (W3C
 * Event Timing), from the moment the input reached the browser to the frame that shows its effect. A key that the guest does not
 * answer shows nothing, and the browser would reckon it to whatever is shown next: for keys it is the page's next frame, shown or not.
 */
async function inputDelays(page: Page, vitrine: Vitrine): Promise<number[]> {
  await page.evaluate(() => {
    const measured: number[] = [];
    Object.assign(window, { measured });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "click") measured.push(entry.duration);
    }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
    const { port1, port2 } = new MessageChannel();
    const drawn: number[] = [];
    port1.onmessage = () => measured.push(...drawn.splice(0).map((start) => performance.now() - start));
    const key = ({ timeStamp }: KeyboardEvent): number =>
      requestAnimationFrame(() => {
        drawn.push(timeStamp);
        port2.postMessage(undefined);
      });
    addEventListener("keydown", key, { capture: true });
  });
  const counted = (): Promise<number> =>
    page.evaluate(() => {
      const { eventCounts } = performance as unknown as { eventCounts: Map<string, number> };
      return eventCounts.get("keydown")! + eventCounts.get("click")!;
    });
  // Bare mouse events: Playwright's own clicks run scripts in the page before and after, at the page's expense.
  const centre = async (button: Locator): Promise<readonly [number, number]> => {
    const { x, y, width, height } = (await button.boundingBox())!;
    return [x + width / 2, y + height / 2];
  };
  const search = await centre(vitrine.button("Search"));
  await page.mouse.click(...search, { delay: PRESSED_MS });
  const close = await centre(vitrine.button("Close search"));
  await page.mouse.click(...close, { delay: PRESSED_MS });
  await page.waitForTimeout(BETWEEN_MS);
  await page.evaluate(() => void (window as unknown as { measured: number[] }).measured.splice(0));
  const before = await counted();
  let isAtPrompt = false;
  for (let n = 0; n < LEAST_INPUTS || !isAtPrompt; n++) {
    // Backspace to the guest, whose console reads nothing yet; every fifth time something that changes the page.
    if (n % 5 === 4) {
      await page.mouse.click(...search, { delay: PRESSED_MS });
      await page.waitForTimeout(BETWEEN_MS);
      await page.mouse.click(...close, { delay: PRESSED_MS });
    } else await page.keyboard.press("Backspace");
    await page.waitForTimeout(BETWEEN_MS);
    // Reading all of the terminal is work for the page, too.
    if (n % 10 === 9) isAtPrompt = PROMPT.test(await vitrine.terminalText());
  }
  // The last input's frame, and its report.
  await page.waitForTimeout(500);
  const delays = await page.evaluate(() => (window as unknown as { measured: number[] }).measured);
  const total = (await counted()) - before;
  // Clicks under the threshold are counted but not reported one by one.
  return [...new Array<number>(Math.max(0, total - delays.length)).fill(16), ...delays.map(Math.round)].sort((a, b) => a - b);
}

test("the page answers within 100 ms while Debian boots on a processor four times slower", async ({ vitrine, page }) => {
  needsGuest("debian");
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await vitrine.boot(DEBIAN);
  await vitrine.sees(/Linux version \d/, { timeout: 60_000 });
  const delays = await inputDelays(page, vitrine);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  const [median, late, longest] = [delays[delays.length >> 1]!, delays[Math.floor(delays.length * 0.95)]!, delays.at(-1)!];
  console.log(`input: ${delays.length} inputs, median ${median} ms, 95 % within ${late} ms, longest ${longest} ms`);
  expect(delays.length).toBeGreaterThanOrEqual(LEAST_INPUTS);
  // Other work on the same processors shows in the tail first: the acceptance run, alone on its machine, looks there.
  const measured = process.env.ACCEPTANCE === "1" ? late : median;
  expect(measured, `delays in ms: ${delays.join(" ")}`).toBeLessThanOrEqual(process.env.ACCEPTANCE === "1" ? 100 : 200);
});

test("the tab stays under 500 MB with a guest of 128 MB", async ({ vitrine, page, browser }) => {
  needsGuest("debian");
  const missing = tabMemoryMissing();
  test.skip(missing !== undefined, missing);
  await vitrine.button(`Settings of ${DEBIAN}`).click();
  await page.locator("#edit-debian-memory").fill("128");
  await page.keyboard.press("Escape");
  await bootDebian(vitrine);
  await expect(vitrine.figure("memory")).toHaveText("128 MB");
  const booted = await tabMemory(browser);
  // Then nearly all of the guest's memory, written.
  await vitrine.command(
    "mount -t tmpfs -o size=80m none /mnt; dd if=/dev/zero of=/mnt/x bs=1M count=60; ls -l /mnt",
    / 62914560 .* x\s/,
    BOOT_MS,
  );
  const full = await tabMemory(browser);
  const mb = (n: number): string => n.toFixed(0);
  console.log(
    `memory of the tab: ${mb(booted.residentMb)} MB at the shell, ${mb(full.residentMb)} MB with the guest's memory full, ` +
      `${mb(full.peakMb)} MB at most (${mb(full.ownMb)} MB without Chromium's program)`,
  );
  expect(full.peakMb).toBeLessThan(500);
});

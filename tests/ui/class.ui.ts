/** A class: thirty browsers open the page at once and each fetches Debian, from one server on this computer. */
import { countingProxy } from "./support/counting-proxy";
import { BOOT_MS, expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";

needsChromium();

const STUDENTS = 30;
const MOST_BYTES = 15_000_000;

test("thirty cold loads at once with Debian, at most 15 MB each", async ({ browser, site }) => {
  needsGuest("debian");
  test.setTimeout(BOOT_MS);
  const load = async (): Promise<number> => {
    const proxy = await countingProxy(site.port);
    const context = await browser.newContext();
    const { page, errors } = await Vitrine.inContext(context, proxy.url);
    // Debian is fetched while the page idles, checked, and kept.
    await expect
      .poll(() => page.evaluate(async () => (await (await caches.open("vitrine-images-1")).keys()).length), { timeout: BOOT_MS })
      .toBe(2);
    await context.close();
    await proxy.close();
    expect(errors).toEqual([]);
    return proxy.receivedBytes();
  };
  const loads = await Promise.all(Array.from({ length: STUDENTS }, load));
  const most = Math.max(...loads);
  test.info().annotations.push({ type: "bytes", description: `at most ${most} bytes a load` });
  console.log(`class: ${STUDENTS} loads, ${Math.min(...loads)} to ${most} bytes each`);
  expect(Math.min(...loads)).toBeGreaterThan(8_000_000);
  expect(most).toBeLessThanOrEqual(MOST_BYTES);
});

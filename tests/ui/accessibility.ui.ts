/** axe-core finds nothing, in light and dark, wide and narrow, on every view. */
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, needsChromium, test, Vitrine } from "./support/fixtures";

needsChromium();

async function expectClean(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`,
  );
  expect(told).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const)
  for (const [name, viewport] of Object.entries({ wide: { width: 1280, height: 800 }, narrow: { width: 320, height: 640 } }))
    test(`${colorScheme}, ${name}`, async ({ browser, site }) => {
      const context = await browser.newContext({ colorScheme, viewport, reducedMotion: "reduce" });
      const vitrine = await Vitrine.inContext(context, site.url);
      const { page } = vitrine;
      await expectClean(page);

      await vitrine.button("Settings of Hello").click();
      await page.locator("#edit-hello-memory").fill("0");
      await page
        .getByLabel("Kernel or boot image")
        .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not a kernel") });
      await expect(page.locator("#own-message")).toBeVisible();
      await expectClean(page);

      for (const opener of ["Keys and hints", "Cross-origin isolated"]) {
        await vitrine.button(opener).click();
        await expectClean(page);
        await page.keyboard.press("Escape");
      }

      await vitrine.boot("Hello");
      await vitrine.sees("q halts the machine.");
      await expectClean(page);
      // Where the page is narrow, Inspect takes the place of the machine.
      const inspect = page.getByRole("button", { name: "Inspect", exact: true });
      await inspect.click();
      for (const tab of await page.getByRole("tab").all()) {
        await tab.click();
        await expect(page.locator("#inspect-body > :not(h2)").first()).toBeVisible();
        await expectClean(page);
      }
      await inspect.click();
      await vitrine.button("Screen reader mode").click();
      await vitrine.button("Search").click();
      await expectClean(page);
      await vitrine.button("Close search").click();
      await vitrine.type("q");
      await expect(vitrine.notice).toContainText("Halted");
      await expectClean(page);
      await context.close();
    });

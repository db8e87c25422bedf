/** The screen in the page: GRUB's rescue CD through SeaBIOS, drawn, read as text, and used by keyboard. */
import { expect } from "@playwright/test";
import { BOOT_MS, needsChromium, needsGuest, test } from "./support/fixtures";

needsChromium();
test.describe.configure({ timeout: BOOT_MS });

test("one click boots a CD to GRUB's menu; keys by their place go to it, and the serial console is a tab away", async ({ vitrine }) => {
  needsGuest("grub");
  const { page } = vitrine;
  await vitrine.boot("GRUB rescue CD");
  const text = page.locator(".screen-text");
  await expect(text).toContainText("GNU GRUB", { timeout: BOOT_MS });
  await page.getByRole("application", { name: /The guest's screen/ }).focus();
  await page.keyboard.press("c");
  await expect(text).toContainText("grub>", { timeout: 60_000 });
  await page.keyboard.type("echo vitrine", { delay: 60 });
  await page.keyboard.press("Enter");
  await expect(text).toContainText(/grub> echo vitrine\s+vitrine\s+grub>/, { timeout: 60_000 });
  // Pixels, not only text: the canvas holds more than one colour.
  const colors = await page.locator(".screen-sheet canvas").evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  expect(colors).toBeGreaterThan(1);
  await page.keyboard.press("Control+Shift+F12");
  await expect(page.getByRole("application", { name: /The guest's screen/ })).not.toBeFocused();
  await page.getByRole("button", { name: "Serial 1" }).click();
  await expect(page.getByRole("region", { name: "Serial console" })).toBeVisible();
  await expect(text).toBeHidden();
});

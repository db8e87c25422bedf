/** Everything without a mouse: from the page's first Tab to the guest's last key, and out of the terminal again. */
import type { Page } from "@playwright/test";
import { expect, needsChromium, test } from "./support/fixtures";

needsChromium();

/** What has the focus: its accessible name as far as it stands in the element. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "";
  });

async function tabTo(page: Page, name: string | RegExp, key = "Tab"): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press(key);
    const now = await focused(page);
    if (typeof name === "string" ? now === name : name.test(now)) return;
  }
  throw new Error(`${name} cannot be reached by ${key}`);
}

test("boot, type, leave, pause, run and switch off by keyboard alone", async ({ vitrine, page }) => {
  await page.keyboard.press("Tab");
  expect(await focused(page)).toBe("Skip to the content");
  await tabTo(page, "Boot Hello");
  await page.keyboard.press("Enter");
  await vitrine.sees("q halts the machine.");
  // The terminal has the keyboard at once; Tab is the guest's there.
  expect(await focused(page)).toMatch(/Serial console/);
  await page.keyboard.press("Tab");
  expect(await focused(page)).toMatch(/Serial console/);
  await page.keyboard.type("hi");
  await vitrine.sees("hi");

  await page.keyboard.press("Control+Shift+F12");
  expect(await focused(page)).toBe("Pause");
  await page.keyboard.press("F8");
  await expect(vitrine.figure("state")).toHaveText("Paused");
  await expect(vitrine.announcement).toHaveText("Hello: paused.");
  await page.keyboard.press("F8");
  await expect(vitrine.figure("state")).toHaveText("Running");
  await tabTo(page, "Power off");
  await page.keyboard.press("Space");
  await expect(vitrine.figure("state")).toHaveText("Off");
  await expect(vitrine.announcement).toContainText("Switched off");
});

test("what has the focus does not lie under the page's bars", async ({ vitrine, page }) => {
  await page.setViewportSize({ width: 900, height: 420 });
  await tabTo(page, "Boot Hello");
  await vitrine.page.evaluate(() => window.scrollTo(0, 0));
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press(presses < 20 ? "Tab" : "Shift+Tab");
    const covered = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return "";
      const { left, top, width, height } = element.getBoundingClientRect();
      // What is taller than the page is shown from one of its ends.
      if (height > innerHeight / 2) return "";
      const over = document.elementFromPoint(left + width / 2, top + height / 2);
      return over && (element.contains(over) || over.contains(element))
        ? ""
        : `${element.textContent} under ${over?.className ?? "the edge"}`;
    });
    expect(covered, `after ${presses + 1} presses`).toBe("");
  }
});

test("the focus is always to be seen", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await page.keyboard.press("Control+Shift+F12");
  for (let presses = 0; presses < 12; presses++) {
    const ring = await page.evaluate(() => {
      const element = document.activeElement!;
      const own = getComputedStyle(element);
      // The terminal's ring is on its frame: the element itself is invisible.
      const frame = element.closest(".terminal-frame");
      return (
        (own.outlineStyle !== "none" && Number.parseFloat(own.outlineWidth) >= 2) ||
        (frame !== null && getComputedStyle(frame).boxShadow !== "none")
      );
    });
    expect(ring, await focused(page)).toBe(true);
    await page.keyboard.press("Tab");
    if (/Serial console/.test(await focused(page))) await page.keyboard.press("Control+Shift+F12");
  }
});

test("dialogs take the focus, keep it, and give it back", async ({ vitrine, page }) => {
  await expect(vitrine.button("Keys and hints")).toBeVisible();
  await tabTo(page, "Keys and hints");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Keys and hints" });
  await expect(dialog).toBeVisible();
  for (let presses = 0; presses < 4; presses++) {
    await page.keyboard.press("Tab");
    // A modal dialog lets the focus go on to the browser's own bars, but to nothing behind it.
    expect(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null)).toBe(
      true,
    );
  }
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  expect(await focused(page)).toBe("Keys and hints");
});

test("search finds text in the scrollback and counts it", async ({ vitrine, page }) => {
  await vitrine.boot("Teaching kernel");
  await vitrine.sees("checks passed", { timeout: 60_000 });
  await page.locator(".terminal-host textarea").focus();
  await page.keyboard.press("Control+Shift+F");
  const field = page.getByLabel("Search the output");
  await expect(field).toBeFocused();
  await field.fill("checks passed");
  await expect(page.locator(".find-count")).toHaveText(/^1 of \d+$/);
  await field.fill("no such text in there");
  await expect(page.locator(".find-count")).toHaveText("Nothing found");
  await page.keyboard.press("Escape");
  await expect(field).toHaveCount(0);
  expect(await focused(page)).toMatch(/Serial console/);
});

test("copies all output, and pastes by the browser's own event", async ({ vitrine, page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await vitrine.button("Copy selection or all output").click();
  await expect(vitrine.announcement).toHaveText("All output copied.");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("q halts the machine.");
  await page.evaluate(() => navigator.clipboard.writeText("pasted text"));
  await page.locator(".terminal-host textarea").focus();
  await page.keyboard.press("Control+Shift+V");
  await vitrine.sees("pasted text");
  await page.evaluate(() => navigator.clipboard.writeText(" and again"));
  await vitrine.button("Paste").click();
  await vitrine.sees("pasted text and again");
});

test("what the mouse selects in the terminal is drawn, and goes with a click", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  const drawn = (): Promise<number> => page.evaluate(() => document.querySelectorAll(".xterm-selection > div").length);
  expect(await drawn()).toBe(0);
  const { x, y } = (await page.locator(".xterm-rows").boundingBox())!;
  await page.mouse.move(x + 4, y + 8);
  await page.mouse.down();
  await page.mouse.move(x + 80, y + 8, { steps: 4 });
  await page.mouse.up();
  await expect.poll(drawn).toBeGreaterThan(0);
  await vitrine.type("hello\n");
  await vitrine.sees("hello");
  await page.mouse.click(x + 200, y + 8);
  await expect.poll(drawn).toBe(0);
});

test("the terminal fits the window, at 320 pixels too", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  const size = page.locator(".pane-bar .dim");
  const wide = await size.textContent();
  await page.setViewportSize({ width: 320, height: 640 });
  await expect(size).not.toHaveText(wide!);
  const overflow = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await overflow()).toBe(0);
  await page.getByRole("button", { name: "Machines" }).click();
  await expect(page.getByRole("heading", { name: "Machines", level: 1 })).toBeVisible();
  expect(await overflow()).toBe(0);
});

test("screen reader mode is remembered", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await vitrine.button("Screen reader mode").click();
  await expect(vitrine.button("Screen reader mode")).toHaveAttribute("aria-pressed", "true");
  await expect(page.locator(".xterm-accessibility")).toContainText("Hello from a boot sector");
  await page.reload();
  await vitrine.boot("Hello");
  await expect(page.locator(".xterm-accessibility")).toContainText("Hello from a boot sector");
});

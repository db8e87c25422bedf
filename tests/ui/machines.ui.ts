/** The list of machines, their settings, and a built-in guest from the click to its end. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";
import { startSite } from "./support/site";

needsChromium();

test("opens on a list of machines", async ({ vitrine, page }) => {
  needsGuest("debian");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText(["Ready to boot", "Built in", "Disks", "Your own"]);
  await expect(vitrine.button("Boot Debian 12, i386")).toBeVisible();
  await expect(vitrine.button("Boot Hello")).toBeVisible();
  await expect(vitrine.button("Boot Teaching kernel")).toBeVisible();
  await expect(page.getByLabel("Kernel or boot image")).toBeVisible();
});

test("names its licence and those of its parts, as text", async ({ vitrine, page, context }) => {
  await vitrine.button("Keys and hints").click();
  const opened = context.waitForEvent("page");
  await page.getByRole("link", { name: "Its licence, and those of its parts" }).click();
  const text = (await opened).locator("body");
  await expect(text).toContainText("MIT License");
  await expect(text).toContainText("@xterm/xterm");
});

test("says what is missing when nothing is prepared, and still offers the built-in machines", async ({ page }) => {
  const site = await startSite({ args: ["--offline"], guests: mkdtempSync(join(tmpdir(), "vitrine-")) });
  try {
    expect(site.output()).toContain("the built-in machines and your own files can be booted");
    const vitrine = new Vitrine(page);
    await vitrine.open(site.url);
    await expect(page.locator("[data-prepare]")).toContainText(/No guest is prepared yet/);
    await expect(page.getByLabel("Debian mirror")).toBeVisible();
    await page.getByLabel("Debian mirror").fill("http://127.0.0.1:9/");
    await vitrine.button("Prepare guests").click();
    // The server was told to stay offline: the page shows its reason.
    await expect(page.locator("[data-prepare] .own-message")).toContainText(/not all packages are in the cache/);
    await vitrine.boot("Hello");
    await vitrine.sees("q halts the machine.");
  } finally {
    await site.stop();
  }
});

test("boots a built-in guest with one click; it answers, halts, and starts again", async ({ vitrine }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await expect(vitrine.figure("state")).toHaveText("Running");
  await expect(vitrine.figure("memory")).toHaveText("16 MB");
  await vitrine.type("abc");
  await vitrine.sees("abc");
  await vitrine.type("q");
  await expect(vitrine.notice).toContainText("Halted");
  await expect(vitrine.figure("state")).toHaveText("Ended");
  await expect(vitrine.announcement).toContainText("Hello: Halted.");
  const before = (await vitrine.terminalText()).length;
  await vitrine.button("Restart").click();
  await vitrine.sees("q halts the machine.", { after: before });
  await expect(vitrine.notice).toHaveCount(0);
});

test("the teaching kernel's own checks pass", async ({ vitrine }) => {
  await vitrine.boot("Teaching kernel");
  await vitrine.sees("checks passed", { timeout: 60_000 });
});

test("pauses, runs, resets and switches off", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await vitrine.button("Pause").click();
  await expect(vitrine.figure("state")).toHaveText("Paused");
  const counted = await vitrine.figure("instructions").textContent();
  await page.waitForTimeout(600);
  await expect(vitrine.figure("instructions")).toHaveText(counted!);
  await vitrine.button("Run").click();
  await expect(vitrine.figure("state")).toHaveText("Running");
  const before = (await vitrine.terminalText()).length;
  await vitrine.button("Reset").click();
  await vitrine.sees("q halts the machine.", { after: before });
  await vitrine.button("Power off").click();
  await expect(vitrine.figure("state")).toHaveText("Off");
  await expect(vitrine.notice).toContainText("Switched off");
  expect(page.workers().length).toBeLessThanOrEqual(1);
  await vitrine.button("Restart").click();
  await expect(vitrine.figure("state")).toHaveText("Running");
});

test("asks before one machine replaces another", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  const side = page.getByRole("navigation", { name: "Machines" });
  await side.getByRole("button", { name: /Teaching kernel/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Switch Hello off?");
  await dialog.getByRole("button", { name: "Keep it running" }).click();
  await expect(vitrine.figure("state")).toHaveText("Running");
  await side.getByRole("button", { name: /Teaching kernel/ }).click();
  await dialog.getByRole("button", { name: "Boot Teaching kernel" }).click();
  await vitrine.sees("checks passed", { timeout: 60_000 });
});

test("settings are checked, used, kept, and given up", async ({ vitrine, page }) => {
  await vitrine.button("Settings of Hello").click();
  const memory = page.locator("#edit-hello-memory");
  await expect(memory).toBeFocused();
  await memory.fill("0");
  await expect(memory).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("button", { name: "Boot with these" }).click();
  await expect(memory).toBeFocused();
  await memory.fill("24");
  await page.getByRole("button", { name: "Boot with these" }).click();
  await vitrine.sees("q halts the machine.");
  await expect(vitrine.figure("memory")).toHaveText("24 MB");
  await page.reload();
  await expect(page.locator("[data-machine=hello]")).toContainText("24 MB memory");
  await vitrine.button("Settings of Hello").click();
  await page.getByRole("button", { name: "As it comes" }).click();
  await expect(page.locator("[data-machine=hello]")).toContainText("16 MB memory");
});

test("hot code is translated where the settings say so", async ({ vitrine, page }) => {
  await vitrine.button("Settings of Teaching kernel").click();
  await page.getByRole("form", { name: "Settings of Teaching kernel" }).getByLabel("Translate hot code").check();
  await page.getByRole("button", { name: "Boot with these" }).click();
  await vitrine.sees("checks passed", { timeout: 60_000 });
  await expect(vitrine.figure("translated")).toHaveText(/^[1-9][0-9]? %$|^100 %$/);
  await page.reload();
  await expect(page.locator("[data-machine=teaching]")).toContainText("settings changed");
});

test("a machine goes on while its user looks at the list", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await page.locator(".bar-end").getByRole("button", { name: "Machines" }).click();
  await expect(page.locator("[data-machine=hello] .badge")).toHaveText("running");
  await page.getByRole("button", { name: "Back to Hello" }).click();
  await vitrine.type("still here");
  await vitrine.sees("still here");
});

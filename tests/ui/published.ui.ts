/** A published machine: a folder on a static server over a slow line, run before it is all there; the server dies and comes back. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEBIAN } from "./support/debian";
import { BOOT_MS, expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";
import { ROOT } from "./support/site";
import { SlowSite } from "./support/slow-site";
import { preview } from "./support/snapshots";

needsChromium();
test.describe.configure({ timeout: 3 * BOOT_MS });

/** 5 Mbit/s, and 50 ms until an answer begins (npm run accept -- 8.3); ten times as fast otherwise. */
const LINE = process.env.ACCEPTANCE ? { bytesPerSecond: 625_000, latencyMs: 50 } : { bytesPerSecond: 6_250_000, latencyMs: 5 };

function vitrine(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, ["bin/vitrine.mjs", ...args], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  expect(status, stderr).toBe(0);
}

test("a published Debian is usable before most of it is there, waits for a server that is gone, and goes on", async ({ browser }) => {
  needsGuest("debian");
  const folder = mkdtempSync(join(tmpdir(), "vitrine-published-"));
  const site = new SlowSite(join(folder, "site"), LINE);
  try {
    const file = join(folder, "debian.vitrine");
    vitrine("run", "--guest", "debian", "--until", ":~# ", "--timeout", String(BOOT_MS / 1000), "--save-snapshot", file);
    vitrine("publish", file, join(folder, "site"), "--source-offer", "ask whoever made this test");
    for (const part of ["LICENSES", "SOURCES.txt", "index.html", "machine/head.json"])
      expect(readdirSync(join(folder, "site", part.includes("/") ? "machine" : "."))).toContain(part.split("/").at(-1));
    await site.start();
    const context = await browser.newContext();
    const page = await context.newPage();
    const user = new Vitrine(page);
    const opened = Date.now();
    await page.goto(site.url);
    const dialog = preview(page, DEBIAN);
    await expect(dialog).toContainText("the rest comes while it runs", { timeout: 60_000 });
    await expect(dialog).toContainText("GPL-2");
    const shown = Date.now();
    await dialog.getByRole("button", { name: "Run" }).click();
    await user.type("echo usable:$((40+2))\n");
    await user.sees("usable:42", { timeout: BOOT_MS });
    const usable = Date.now();
    await expect(page.locator('[data-figure="here"]')).toHaveCount(1);
    const size = statSync(file).size;
    const share = site.sent.machine / size;
    console.log(
      `published machine: ${(share * 100).toFixed(1)} % of ${(size / 1e6).toFixed(1)} MB fetched when the prompt answers, ${((usable - opened) / 1000).toFixed(1)} s after the page was opened, ${((usable - shown) / 1000).toFixed(1)} s after Run (player ${(site.sent.player / 1e6).toFixed(2)} MB)`,
    );
    expect(share).toBeLessThan(process.env.ACCEPTANCE ? 0.15 : 0.9);
    if (process.env.ACCEPTANCE) expect(usable - shown).toBeLessThan(5000);

    await site.stop();
    // What nobody has touched: it must wait, not fail.
    await user.type("find / -xdev | wc -l; echo looked:$?\n");
    await expect(user.notice).toContainText("waits for its server", { timeout: 60_000 });
    await site.start();
    await user.sees(/looked:0/, { timeout: BOOT_MS });
    await expect(user.notice).toHaveCount(0);
    // Some hundred requests, which take their time on a busy computer.
    if (process.env.ACCEPTANCE) {
      await expect(page.locator('[data-figure="here"]')).toHaveCount(0, { timeout: BOOT_MS });
      expect(site.sent.machine).toBeGreaterThan(size * 0.95);
      // All of it is here: the server is not needed any more.
      await site.stop();
      await user.command("dmesg | head -n 3; find / -xdev | wc -l; echo alone:$?", /alone:0/, BOOT_MS);
    }
    expect(user.errors).toEqual([]);
    await context.close();
  } finally {
    await site.stop();
    rmSync(folder, { recursive: true });
  }
});

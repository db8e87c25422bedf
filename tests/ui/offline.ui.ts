/** What a second visit needs no server for, and that a new build is never hidden by what was kept of an older one. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { BOOT_MS, expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";
import { ROOT, startSite } from "./support/site";

needsChromium();

/** The service worker has everything of this build and looks after the page. */
async function kept(page: Page): Promise<void> {
  await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
}

test("with the server gone, the page opens and boots a built-in guest", async ({ context }) => {
  const site = await startSite();
  const first = await Vitrine.inContext(context, site.url);
  await kept(first.page);
  await first.page.close();
  await site.stop();

  const second = await Vitrine.inContext(context, site.url);
  await second.boot("Teaching kernel");
  await second.sees("checks passed", { timeout: 60_000 });
  expect(await second.page.evaluate(() => crossOriginIsolated)).toBe(true);
  expect(await second.page.evaluate(async () => (await fetch("licences.txt")).text())).toContain("MIT License");
  expect(second.errors).toEqual([]);
});

test("with the server gone, a guest that was fetched before boots", async ({ context }) => {
  needsGuest("debian");
  test.setTimeout(BOOT_MS);
  const site = await startSite();
  const first = await Vitrine.inContext(context, site.url);
  await kept(first.page);
  // The first guest is fetched while the page idles.
  await expect
    .poll(() => first.page.evaluate(async () => (await (await caches.open("vitrine-images-1")).keys()).length), { timeout: 60_000 })
    .toBe(2);
  await first.page.close();
  await site.stop();

  const second = await Vitrine.inContext(context, site.url);
  await second.boot("Debian 12, i386");
  await second.sees(/Linux version \d/, { timeout: 120_000 });
  expect(second.errors).toEqual([]);
});

test("a guest that was not fetched says that there is no network", async ({ context }) => {
  needsGuest("memtest");
  const site = await startSite();
  const first = await Vitrine.inContext(context, site.url);
  await kept(first.page);
  await first.page.close();
  await site.stop();
  const second = await Vitrine.inContext(context, site.url);
  await second.boot("Memtest86+");
  await expect(second.notice).toContainText("No answer from the network");
});

test("a new build is what the next visit shows, even right after the old one was kept", async ({ context }) => {
  // A small server over a copy of the build, because the real one must not be rebuilt in the middle of the tests.
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  cpSync(join(ROOT, "dist"), folder, { recursive: true });
  const { createPageServer } = await import(new URL("../../scripts/lib/server.mjs", import.meta.url).href);
  const preparation = {
    state: {},
    manifestText: async () => '{"format":1,"suite":"","components":[],"guests":[]}',
    servedFiles: async () => new Map(),
  };
  const server = createPageServer({ dist: folder, isolation: true, preparation });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${server.address().port}/`;
  try {
    const first = await Vitrine.inContext(context, url);
    await kept(first.page);

    // The next build: another title, and so another version of the service worker.
    const page = join(folder, "index.html");
    writeFileSync(page, readFileSync(page, "utf8").replace("<title>Vitrine</title>", "<title>Vitrine, rebuilt</title>"));
    const { version } = JSON.parse(readFileSync(join(folder, "build.json"), "utf8")) as { version: string };
    const worker = join(folder, "service-worker.js");
    writeFileSync(worker, readFileSync(worker, "utf8").replaceAll(version, "0123456789abcdef"));
    rmSync(`${worker}.gz`);

    await first.page.reload();
    await expect(first.page).toHaveTitle("Vitrine, rebuilt");
    // And what is kept is the new build, as soon as the browser has taken it over.
    await expect
      .poll(() => first.page.evaluate(async () => (await (await caches.open("vitrine-app-0123456789abcdef")).match("./")) !== undefined))
      .toBe(true);
    await first.page.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const second = await Vitrine.inContext(context, url);
    await expect(second.page).toHaveTitle("Vitrine, rebuilt");
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
});

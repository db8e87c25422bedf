/**
 * The three ways in which the page may reach a browser: cross-origin isolated; not isolated; plain http from another
 * computer, where browsers withhold secure-context interfaces. Machines boot in each, and the page says which it is.
 */
import { launchInClassroom } from "./support/browsers";
import { expect, needsChromium, test, Vitrine } from "./support/fixtures";
import { startSite } from "./support/site";

needsChromium();

async function bootsAndIs(vitrine: Vitrine, path: string): Promise<void> {
  await expect(vitrine.page.locator(".status-path")).toHaveText(path);
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await vitrine.type("ok");
  await vitrine.sees("ok");
}

const absent = (vitrine: Vitrine): Promise<string[]> =>
  vitrine.page.locator("tr.absent").evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.feature!));

test("cross-origin isolated", async ({ vitrine, page }) => {
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await bootsAndIs(vitrine, "Cross-origin isolated");
  await vitrine.button("Cross-origin isolated").click();
  expect(await absent(vitrine)).toEqual([]);
});

test("not isolated", async ({ page }) => {
  const site = await startSite({ args: ["--no-isolation"] });
  try {
    const vitrine = new Vitrine(page);
    await vitrine.open(site.url);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    await bootsAndIs(vitrine, "Not isolated");
    await vitrine.button("Not isolated").click();
    expect(await absent(vitrine)).toEqual(["shared-memory"]);
  } finally {
    await site.stop();
  }
});

test("plain http under another name than localhost", async ({ site }) => {
  const browser = await launchInClassroom();
  try {
    const context = await browser.newContext();
    const vitrine = await Vitrine.inContext(context, `http://classroom.test:${site.port}/`);
    expect(await vitrine.page.evaluate(() => isSecureContext)).toBe(false);
    await bootsAndIs(vitrine, "Plain http");
    await vitrine.button("Plain http").click();
    expect(await absent(vitrine)).toEqual([
      "subtle-crypto",
      "shared-memory",
      "private-files",
      "cache-storage",
      "service-worker",
      "web-locks",
    ]);
    await vitrine.page.keyboard.press("Escape");
    // Preparing guests is for the computer that the server runs on.
    const { allowed } = await vitrine.page.evaluate(async () => (await fetch("api/preparation")).json());
    expect(allowed).toBe(false);
    expect(vitrine.errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

test("--host prints an address for the class", async () => {
  const site = await startSite({ args: ["--host"] });
  await site.stop();
  expect(site.output()).toMatch(/for the class\s+http:\/\/\d+\.\d+\.\d+\.\d+:\d+\/|No network address was found/);
});

test("below a path of a simple web host", async ({ page }) => {
  const { createServer } = await import("node:http");
  const { readFileSync } = await import("node:fs");
  const { join } = await import("node:path");
  const { ROOT } = await import("./support/site");
  const types: Record<string, string> = {
    html: "text/html",
    js: "text/javascript",
    css: "text/css",
    wasm: "application/wasm",
    json: "application/json",
  };
  const host = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0]!.replace(/\/$/, "/index.html");
    try {
      if (!path.startsWith("/~ada/vitrine/")) throw new Error("elsewhere");
      const body = readFileSync(join(ROOT, "dist", path.slice("/~ada/vitrine/".length)));
      response.writeHead(200, { "Content-Type": types[path.split(".").at(-1)!] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  const address = host.address() as { port: number };
  try {
    const vitrine = new Vitrine(page);
    await vitrine.open(`http://localhost:${address.port}/~ada/vitrine/`);
    await bootsAndIs(vitrine, "Not isolated");
    expect(vitrine.errors).toEqual([]);
  } finally {
    host.close();
    host.closeAllConnections();
  }
});

/** Snapshots in Debian's Firefox, which has no file dialog for pages: opened from Chromium's or Node's file, saved, continued. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { firefoxPath, isRequired } from "./support/browsers";
import { expect, test } from "./support/fixtures";
import { Firefox } from "./support/marionette";

test.skip(!firefoxPath && !isRequired, "Firefox is not installed (REQUIRE_TOOLS=1 makes this a failure)");
test.describe.configure({ timeout: 240_000 });

const TEXT = 'document.querySelector(".terminal-host")?.terminalText ?? ""';
const KEYS = ".terminal-host textarea";
const RUN = "dialog .button.solid";

let firefox: Firefox;
test.beforeEach(async () => {
  firefox = await Firefox.start(firefoxPath ?? "firefox-esr");
});
test.afterEach(() => firefox.stop());

test("opens a file that Node wrote, from another origin", async ({ site }) => {
  const file = readFileSync(new URL("../snapshot/fixtures/v1-hello-typed.vitrine", import.meta.url));
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "application/octet-stream", "Access-Control-Allow-Origin": "*" });
    response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = `http://localhost:${(server.address() as AddressInfo).port}/machine.vitrine`;
  await firefox.open(`${site.url}?snapshot=${encodeURIComponent(address)}`);
  await firefox.until('return document.querySelector("#preview-title")', "the preview", 60_000);
  expect(await firefox.evaluate('return document.querySelector("dialog").textContent')).toContain("1 MB memory");
  await firefox.click(RUN);
  await firefox.until(`return (${TEXT}).includes("Halting.")`, "the typed input", 60_000);
  server.close();
});

test("saves, and continues after a reload", async ({ site }) => {
  await firefox.open(site.url);
  await firefox.until('return document.querySelector("[data-machine=hello]")', "the list of machines", 60_000);
  await firefox.click("[data-machine=hello] .machine-actions .button:last-child");
  await firefox.until(`return (${TEXT}).includes("q halts the machine.")`, "the guest's greeting", 60_000);
  await firefox.type(KEYS, "abc");
  await firefox.until(`return (${TEXT}).includes("abc")`, "the echo", 30_000);
  await firefox.evaluate('[...document.querySelectorAll("#toolbar button")].find((b) => b.textContent === "Snapshot").click()');
  await firefox.until('return document.querySelector("#save-snapshot-title")', "the dialog", 30_000);
  await firefox.click(RUN);
  await firefox.until(
    'return document.querySelector(".app > output").textContent.includes("Hello.vitrine saved")',
    "the saved file",
    60_000,
  );
  await firefox.evaluate('[...document.querySelectorAll("#toolbar button")].find((b) => b.textContent === "Pause").click()');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  await firefox.open("about:blank");
  await firefox.open(site.url);
  await firefox.until('return document.querySelector("[data-kept] .button.solid")', "the offer to continue", 60_000);
  await firefox.click("[data-kept] .button.solid");
  await firefox.until(`return (${TEXT}).includes("abc")`, "the console as it was", 60_000);
});

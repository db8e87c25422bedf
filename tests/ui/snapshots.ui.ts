/** Snapshots and links in the page: saved, opened elsewhere, refused with a reason, shared, continued after a crash. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { Machine } from "../../web/machine/machine";
import { MemorySource } from "../../web/snapshot/byte-store";
import { coreWasm } from "../tools/core";
import { launchInClassroom } from "./support/browsers";
import { bootDebian, createDisk, DEBIAN, PROMPT } from "./support/debian";
import { BOOT_MS, expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";
import { ROOT } from "./support/site";
import { openFile, otherSite, preview, save, withoutPicker } from "./support/snapshots";

needsChromium();
test.describe.configure({ timeout: 120_000 });

test.beforeEach(async ({ page }) => withoutPicker(page));

test("a machine that was saved goes on in a fresh profile and in Node; its console is as it was", async ({ vitrine, browser, site }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await vitrine.type("first line\n");
  await vitrine.sees("first line");
  const path = await save(vitrine);
  // The machine goes on after it was saved.
  await vitrine.type("second line\n");
  await vitrine.sees("second line");

  const context = await browser.newContext();
  const fresh = await Vitrine.inContext(context, site.url);
  await openFile(fresh, path);
  const dialog = preview(fresh.page, "Hello");
  await expect(dialog).toContainText("16 MB memory");
  await expect(dialog).toContainText("hello: MIT");
  await expect(dialog.locator("pre")).toContainText("first line");
  await expect(fresh.page.locator(".terminal-host")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Run" }).click();
  await fresh.sees("first line");
  expect(await fresh.terminalText()).not.toContain("second line");
  await fresh.type("third line\n");
  await fresh.sees("third line");
  await context.close();

  const machine = await Machine.fromSnapshot(new MemorySource(Uint8Array.from(readFileSync(path))), { wasm: coreWasm() });
  machine.serial(0).write("q");
  const { exit } = await machine.run({ wallSeconds: 30 });
  expect([exit?.reason, new TextDecoder().decode(machine.terminal)]).toEqual(["halted", expect.stringMatching(/first line[\s\S]*Halting/)]);
});

test("Debian with a disk: variable and file survive in a fresh profile, by a link and in Node; time goes on", async ({
  vitrine,
  browser,
  site,
}) => {
  test.setTimeout(3 * BOOT_MS);
  needsGuest("debian");
  await createDisk(vitrine, "work", 16);
  await bootDebian(vitrine);
  await vitrine.command("mkfs.ext4 -q /dev/vda && mount /mnt && echo made:$?", /^made:0/m, BOOT_MS);
  await vitrine.command("kept=forty-two; echo on the disk > /mnt/note && sync && echo written:$?", /^written:0/m);
  // Saved in the middle of its writing.
  await vitrine.command(
    '(i=0; until [ -e /tmp/stop ]; do i=$((i+1)); head -c 40000 /dev/urandom > /mnt/busy; sync; echo $i > /tmp/count; done) & saved=$(date +%s); until [ -s /tmp/count ]; do sleep 1; done; echo "writing: $(cat /tmp/count)"',
    /^writing: \d+/m,
  );
  const path = await save(vitrine);

  const context = await browser.newContext();
  const fresh = await Vitrine.inContext(context, site.url);
  await openFile(fresh, path);
  const dialog = preview(fresh.page, DEBIAN);
  for (const text of ["work, 16.8 MB", "linux-image-", "busybox-static", "e2fsprogs", "GPL-2"]) await expect(dialog).toContainText(text);
  await dialog.getByRole("button", { name: "Run" }).click();
  await goesOn(fresh);
  await context.close();

  const { url, server } = await otherSite(readFileSync(path), { "Access-Control-Allow-Origin": "*" });
  const other = await browser.newContext();
  const linked = new Vitrine(await other.newPage());
  await linked.page.goto(`${site.url}?snapshot=${encodeURIComponent(url)}`);
  await preview(linked.page, DEBIAN).getByRole("button", { name: "Run" }).click();
  await goesOn(linked);
  await other.close();
  server.close();

  const resume = (...args: string[]) =>
    spawnSync(process.execPath, ["bin/vitrine.mjs", "run", "--load-snapshot", path, "--timeout", String(BOOT_MS / 1000), ...args], {
      cwd: ROOT,
      encoding: "utf8",
      input: LOOK.map((line) => `${line}\n`).join(""),
    });
  const { status, stdout, stderr } = resume("--until", "clean:0");
  expect(stderr).toBe("");
  for (const answer of ANSWERS) expect(stdout).toMatch(answer);
  expect(status).toBe(0);
  // With the images that a reset needs: of a machine with disks, their tools are among them.
  expect(resume("--guest", "debian", "--max-insns", "1000")).toMatchObject({ status: 0, stderr: "" });
  console.log(`snapshot with disk: ${(statSync(path).size / 1e6).toFixed(1)} MB`);
});

/** What is asked of the machine that goes on: the file comes from the disk itself, which is then looked through. */
const LOOK = [
  'echo 3 > /proc/sys/vm/drop_caches; echo "it is $kept, $(cat /mnt/note)"',
  "sleep 1; [ $(date +%s) -gt $saved ] && echo time goes on",
  "touch /tmp/stop; wait; echo more > /mnt/more && umount /mnt && fsck.ext4 -fn /dev/vda > /tmp/fsck; echo clean:$?",
];
const ANSWERS = [/^it is forty-two, on the disk/m, /^time goes on/m, /^clean:0/m];

async function goesOn(vitrine: Vitrine): Promise<void> {
  await vitrine.sees(PROMPT);
  for (const [n, line] of LOOK.entries()) await vitrine.command(line, ANSWERS[n]!, BOOT_MS);
  expect(vitrine.errors).toEqual([]);
}

test("opens an address of another origin that allows it, shows it first, and runs on a click", async ({ vitrine, site }) => {
  const file = readFileSync(new URL("../snapshot/fixtures/v1-hello-typed.vitrine", import.meta.url));
  const { url, server } = await otherSite(file, { "Access-Control-Allow-Origin": "*" });
  const { page } = vitrine;
  await page.goto(`${site.url}?snapshot=${encodeURIComponent(url)}`);
  const dialog = preview(page, "Hello, with typed input");
  await expect(dialog).toContainText("1 MB memory");
  await dialog.getByRole("button", { name: "Run" }).click();
  await vitrine.sees("Halting.");
  server.close();
});

test("names the header that is missing, and what is wrong with other addresses", async ({ vitrine, site }) => {
  const file = readFileSync(new URL("../snapshot/fixtures/v1-hello-typed.vitrine", import.meta.url));
  const { page } = vitrine;
  const refusal = page.getByRole("dialog", { name: "The snapshot could not be fetched" });
  const forbidding = await otherSite(file, {});
  await page.goto(`${site.url}?snapshot=${encodeURIComponent(forbidding.url)}`);
  await expect(refusal).toContainText("Access-Control-Allow-Origin");
  forbidding.server.close();
  const wrong = await otherSite(Buffer.from("<!doctype html>"), { "Access-Control-Allow-Origin": "*" });
  await page.goto(`${site.url}?snapshot=${encodeURIComponent(wrong.url)}`);
  await expect(refusal).toContainText("no snapshot of Vitrine");
  wrong.server.close();
  await page.goto(`${site.url}?snapshot=ftp%3A%2F%2Fexample`);
  await expect(refusal).toContainText("no http or https address");
});

test("a damaged file is refused with its reason, and a dropped one is recognised", async ({ vitrine }) => {
  const { page } = vitrine;
  const file = readFileSync(new URL("../snapshot/fixtures/v1-hello-typed.vitrine", import.meta.url));
  const refusal = page.getByRole("dialog", { name: "This snapshot cannot be opened" });
  const give = (bytes: Buffer): Promise<void> =>
    page.getByLabel("Snapshot", { exact: true }).setInputFiles({ name: "x.vitrine", mimeType: "application/octet-stream", buffer: bytes });
  await give(file.subarray(0, 9000));
  await expect(refusal).toContainText("cut short");
  await refusal.getByRole("button", { name: "Close" }).click();
  await give(Buffer.alloc(0));
  await expect(refusal).toContainText("empty");
  await refusal.getByRole("button", { name: "Close" }).click();
  const transfer = await page.evaluateHandle(
    (bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], "dropped"));
      return data;
    },
    [...file],
  );
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
  await expect(preview(page, "Hello, with typed input")).toBeVisible();
});

test("a link makes the same machine elsewhere and types for its user; another guest is refused with the reason", async ({
  vitrine,
  browser,
  site,
}) => {
  const { page } = vitrine;
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  await vitrine.button("Share").click();
  const dialog = page.getByRole("dialog", { name: "Share a link" });
  await dialog.getByLabel("Type for the user").fill("typed by the link");
  await dialog.getByLabel("when the guest has printed").fill("> ");
  await dialog.getByRole("button", { name: "Make the link" }).click();
  const link = await dialog.getByLabel(/^Link/).inputValue();
  expect(link).toMatch(/#m=[A-Za-z0-9_-]+$/);
  expect(link.length).toBeLessThan(2000);

  const context = await browser.newContext();
  const fresh = new Vitrine(await context.newPage());
  await fresh.page.goto(link);
  const question = fresh.page.getByRole("dialog", { name: "Boot Hello from a link?" });
  await expect(question).toContainText("typed by the link");
  await expect(question).toContainText("16 MB");
  await question.getByRole("button", { name: "Boot" }).click();
  await fresh.sees("> typed by the link");

  const { encodeLink } = await import("../../web/ui/recipe-link");
  const other = await encodeLink({
    title: "Hello",
    memoryMb: 16,
    commandLine: "",
    files: [{ role: "image", name: "Hello", sha256: "ab".repeat(32) }],
    typed: [],
  });
  for (const [fragment, reason] of [
    [other, /SHA-256 abababababababab… in the link, and [0-9a-f]{16}… here/],
    ["m=AAAA", /damaged/],
  ] as const) {
    await fresh.page.goto("about:blank");
    await fresh.page.goto(`${site.url}#${fragment}`);
    await expect(fresh.page.getByRole("dialog", { name: "This link cannot be used here" })).toContainText(reason);
  }
  await context.close();
});

test("after a crash or a reload the page offers to continue, in one tab only; power off forgets", async ({ browser, site }) => {
  const context = await browser.newContext();
  const first = await Vitrine.inContext(context, site.url);
  await first.boot("Hello");
  await first.sees("q halts the machine.");
  await first.type("remember me\n");
  await first.sees("remember me");
  // Pausing keeps the machine at once; running ones are kept every 30 s.
  await first.button("Pause").click();
  const second = await Vitrine.inContext(context, site.url);
  const kept = second.page.getByRole("heading", { name: "Continue where you left off" });
  await expect(second.page.getByRole("button", { name: "Boot Hello" })).toBeVisible();
  // It lives in the first tab.
  await expect(kept).toHaveCount(0);
  await first.page.waitForTimeout(3000);
  await first.page.close({ runBeforeUnload: false });

  await second.page.reload();
  await expect(kept).toBeVisible();
  await second.page.getByRole("button", { name: "Continue Hello" }).click();
  await second.sees("remember me");
  await second.type("here again\n");
  await second.sees("here again");
  await second.button("Power off").click();
  await second.page.reload();
  await expect(second.page.getByRole("heading", { name: "Machines", level: 1 })).toBeVisible();
  await second.page.waitForTimeout(1000);
  await expect(kept).toHaveCount(0);
  await context.close();
});

test("the dialogs are clean for axe, and close by Escape", async ({ vitrine }) => {
  const { page } = vitrine;
  const clean = async (): Promise<void> => {
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  };
  await page.getByLabel("Snapshot", { exact: true }).setInputFiles({
    name: "x.vitrine",
    mimeType: "application/octet-stream",
    buffer: readFileSync(new URL("../snapshot/fixtures/v1-hello-typed.vitrine", import.meta.url)),
  });
  await expect(preview(page, "Hello, with typed input")).toBeVisible();
  await clean();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await vitrine.boot("Hello");
  await vitrine.sees("q halts the machine.");
  for (const [button, name] of [
    ["Snapshot", "Save a snapshot"],
    ["Share", "Share a link"],
  ] as const) {
    await vitrine.button(button).click();
    await expect(page.getByRole("dialog", { name })).toBeVisible();
    await clean();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
});

test("a running machine is kept by itself: after its tab has crashed it goes on, with all that was typed before", async ({
  browser,
  site,
}) => {
  const context = await browser.newContext();
  const first = await Vitrine.inContext(context, site.url);
  await first.boot("Hello");
  await first.sees("q halts the machine.");
  await first.type("typed before the crash\n");
  await first.sees("typed before the crash");
  const second = new Vitrine(await context.newPage());
  // The first time after ten seconds, then every thirty.
  await first.page.waitForTimeout(13_000);
  const crashed = first.page.waitForEvent("crash");
  await first.page.goto("chrome://crash").catch(() => {});
  await crashed;
  // The service worker died with the page, in whose process it ran. Chromium leaves a navigation hanging
  // that it has handed to a service worker in the very moment of its death; nobody opens a tab within that time.
  await second.page.waitForTimeout(1_000);
  await second.open(site.url);
  await second.page.getByRole("button", { name: "Continue Hello" }).click({ timeout: 20_000 });
  await second.sees("typed before the crash");
  await second.type("typed after it\n");
  await second.sees("typed after it");
  await context.close();
});

test("plain http: saved, opened and kept without crypto.subtle, locks and service worker", async ({ site }) => {
  const browser = await launchInClassroom();
  try {
    const context = await browser.newContext();
    const url = `http://classroom.test:${site.port}/`;
    const vitrine = await Vitrine.inContext(context, url);
    expect(await vitrine.page.evaluate(() => isSecureContext || "locks" in navigator)).toBe(false);
    await vitrine.boot("Hello");
    await vitrine.sees("q halts the machine.");
    await vitrine.type("in the classroom\n");
    await vitrine.sees("in the classroom");
    const path = await save(vitrine);
    await vitrine.button("Pause").click();
    await vitrine.page.waitForTimeout(2000);
    const other = await Vitrine.inContext(context, url);
    await openFile(other, path);
    await preview(other.page, "Hello").getByRole("button", { name: "Run" }).click();
    await other.sees("in the classroom");
    await other.button("Power off").click();
    await vitrine.page.close();
    // Without locks, a tab counts as gone when it has been silent for 15 seconds.
    await other.page.reload();
    await other.page.getByRole("button", { name: "Continue Hello" }).click({ timeout: 30_000 });
    await other.sees("in the classroom");
  } finally {
    await browser.close();
  }
});

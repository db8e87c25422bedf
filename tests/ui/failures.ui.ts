/** Whatever fails, the page says what it is and what to do next, and goes on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { ISOLATION, SILENT_WORKER, serveWorker, THROWING_WORKER, workerSaying } from "./support/fake-worker";
import { expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";
import { GUESTS } from "./support/site";

needsChromium();
test.use({ serviceWorkers: "block" });

const choose = (page: Page, name: string, bytes: Buffer): Promise<void> =>
  page.getByLabel("Kernel or boot image").setInputFiles({ name, mimeType: "application/octet-stream", buffer: bytes });

/** 512 bytes of a boot sector: the program, padding, the signature. */
function bootSector(...program: number[]): Buffer {
  const sector = Buffer.alloc(512);
  sector.set(program);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** A setup header that says "Linux", and nothing behind it. */
function emptyKernel(): Buffer {
  const kernel = Buffer.alloc(4096);
  kernel.write("HdrS", 0x202, "latin1");
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  return kernel;
}

test.describe("files", () => {
  test("one of unknown kind is refused at once", async ({ vitrine, page }) => {
    await choose(page, "holiday.jpg", Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]));
    await expect(page.locator("#own-message")).toContainText("holiday.jpg is a file of unknown kind. Choose a Linux kernel");
    await choose(page, "empty.bin", Buffer.alloc(0));
    await expect(page.locator("#own-message")).toContainText("empty.bin is an empty file");
    await vitrine.button("Boot your own files").click();
    await expect(page.locator("#own-message")).toContainText("Choose a kernel or boot image first");
  });

  test("a kernel that ends too early names the file and the way on", async ({ vitrine, page }) => {
    await choose(page, "vmlinuz-cut", emptyKernel());
    await expect(page.locator(".file-slot.chosen")).toContainText("Linux kernel (bzImage)");
    await vitrine.button("Boot your own files").click();
    await expect(vitrine.notice).toContainText("Kernel cannot be used");
    await expect(vitrine.figure("state")).toHaveText("Failed");
    await vitrine.button("Choose other files").click();
    await expect(page.getByRole("heading", { name: "Machines", level: 1 })).toBeVisible();
  });

  test("an initrd alone asks for a kernel, and is put in its place", async ({ vitrine, page }) => {
    await choose(page, "initrd.cpio", Buffer.from("070701000000"));
    await expect(page.locator(".file-slot.chosen")).toContainText("initrd (cpio)");
    await vitrine.button("Boot your own files").click();
    await expect(page.locator("#own-message")).toContainText("An initrd alone cannot boot");
    await vitrine.button("Remove initrd.cpio").click();
    await expect(page.locator(".file-slot.chosen")).toHaveCount(0);
  });

  test("a dropped boot sector boots; one that calls for a BIOS is told that there is none", async ({ vitrine, page }) => {
    // mov ah, 0Eh; int 10h
    const bytes = [...bootSector(0xb4, 0x0e, 0xcd, 0x10)];
    const transfer = await page.evaluateHandle((content) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(content)], "bios.img"));
      return data;
    }, bytes);
    await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
    await expect(page.locator(".drop-veil")).toBeVisible();
    await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    await expect(page.locator(".drop-veil")).toHaveCount(0);
    await expect(page.locator(".file-slot.chosen")).toContainText("Boot sector");
    await vitrine.button("Boot your own files").click();
    await expect(vitrine.notice).toContainText("The guest called for a BIOS");
    await expect(vitrine.notice).toContainText("10h");
  });

  test("a guest that cannot handle its faults is told as a triple fault", async ({ vitrine, page }) => {
    // lidt [empty]; int3: no gate for the exception, none for the double fault.
    await choose(page, "fault.img", bootSector(0x0f, 0x01, 0x1e, 0x10, 0x7c, 0xcc));
    await vitrine.button("Boot your own files").click();
    await expect(vitrine.notice).toContainText("The guest crashed");
    await expect(vitrine.notice).toContainText("triple fault");
    await expect(vitrine.button("Restart")).toBeVisible();
  });
});

test("too little memory for a kernel leads to its settings", async ({ vitrine, page }) => {
  needsGuest("debian");
  await vitrine.button("Settings of Debian 12, i386").click();
  await page.locator("#edit-debian-memory").fill("8");
  await page.getByRole("button", { name: "Boot with these" }).click();
  await expect(vitrine.notice).toContainText(/needs at least \d+ MB of RAM/);
  await vitrine.button("Change settings").click();
  await expect(page.locator("#edit-debian-memory")).toBeFocused();
});

test("more memory than the browser gives is told as such", async ({ page, site }) => {
  await page.addInitScript(() => {
    // The worker's own memory cannot be limited from here, so its refusal is made up.
    Object.defineProperty(navigator, "deviceMemory", { value: 1 });
  });
  await serveWorker(
    page,
    `onmessage = ({ data }) => postMessage({ type: "refused", id: data.id, error: { kind: "OutOfMemory", message: "2048 MB of memory could not be had. Give the machine less memory.", fields: { requestedMb: 2048, hint: "" } } });`,
  );
  const vitrine = new Vitrine(page);
  await vitrine.open(site.url);
  await vitrine.button("Settings of Hello").click();
  await page.locator("#edit-hello-memory").fill("2048");
  await expect(page.locator("#edit-hello-memory-hint")).toContainText("A lot for this device");
  await page.getByRole("button", { name: "Boot with these" }).click();
  await expect(vitrine.notice).toContainText("Too little memory");
  await expect(vitrine.button("Change settings")).toBeVisible();
});

test("a download without network says so, and works when the network is back", async ({ vitrine, context }) => {
  needsGuest("memtest");
  await context.setOffline(true);
  await vitrine.boot("Memtest86+");
  await expect(vitrine.notice).toContainText("No answer from the network");
  await expect(vitrine.notice).toContainText("The built-in machines need no network");
  await context.setOffline(false);
  await vitrine.button("Restart").click();
  await expect(vitrine.figure("state")).toHaveText("Running", { timeout: 30_000 });
});

test("a damaged download is refused", async ({ page, site }) => {
  needsGuest("memtest");
  const manifest = JSON.parse(readFileSync(join(GUESTS, "manifest.json"), "utf8")) as {
    components: { id: string; files: { size: number }[] }[];
  };
  const [file] = manifest.components.find(({ id }) => id === "memtest86+")!.files;
  await page.route(/\/guests\/memtest.*\.bin$/, (route) => route.fulfill({ headers: ISOLATION, body: Buffer.alloc(file!.size) }));
  const vitrine = new Vitrine(page);
  await vitrine.open(site.url);
  await vitrine.boot("Memtest86+");
  await expect(vitrine.notice).toContainText("A download arrived damaged");
  await expect(vitrine.notice).toContainText("SHA-256");
});

test.describe("the emulator itself", () => {
  async function bootWith(page: Page, url: string, script: string | undefined): Promise<Vitrine> {
    await serveWorker(page, script);
    const vitrine = new Vitrine(page);
    await vitrine.open(url);
    await vitrine.boot("Hello");
    return vitrine;
  }

  test("a core crash offers a report and a restart; the output stays", async ({ page, site }) => {
    const error = {
      kind: "CoreCrash",
      message: "The emulator core stopped at 0x7c00",
      fields: { reason: "made up.", rip: "0x7c00", registers: { rip: "0x7c00" }, recentBlocks: [] },
    } as const;
    const vitrine = await bootWith(
      page,
      site.url,
      workerSaying({ type: "ended", exit: { reason: "core-crash", status: 4, message: error.message, error } }),
    );
    await expect(vitrine.notice).toContainText("Vitrine itself has failed");
    await expect(vitrine.figure("state")).toHaveText("Failed");
    await vitrine.sees("last words");
    const download = page.waitForEvent("download");
    await vitrine.button("Save report").click();
    const report = readFileSync(await (await download).path(), "utf8");
    expect(JSON.parse(report)).toMatchObject({ kind: "CoreCrash", rip: "0x7c00" });
    await page.unrouteAll();
    await vitrine.button("Restart").click();
    await vitrine.sees("q halts the machine.");
  });

  test("a worker that dies ends in a message, not in silence", async ({ page, site }) => {
    const vitrine = await bootWith(page, site.url, THROWING_WORKER);
    await expect(vitrine.notice).toContainText("Vitrine itself has failed");
    await vitrine.sees("last words");
    await page.unrouteAll();
    await vitrine.button("Restart").click();
    await vitrine.sees("q halts the machine.");
  });

  test("a worker that cannot be loaded is told", async ({ page, site }) => {
    const vitrine = await bootWith(page, site.url, undefined);
    await expect(vitrine.notice).toContainText("Vitrine itself has failed");
    await page.unrouteAll();
    await vitrine.button("Restart").click();
    await vitrine.sees("q halts the machine.");
  });

  test("a machine that does not answer is told after ten seconds", async ({ page, site }) => {
    const vitrine = await bootWith(page, site.url, SILENT_WORKER);
    await expect(vitrine.notice).toContainText("The machine does not answer", { timeout: 20_000 });
    await page.unrouteAll();
    await vitrine.button("Restart").click();
    await vitrine.sees("q halts the machine.");
  });
});

test("a browser that lacks something needed is told what", async ({ page, site }) => {
  await page.addInitScript(() => {
    Object.defineProperty(WebAssembly, "validate", { value: () => false });
  });
  await page.goto(site.url);
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("This browser cannot run Vitrine");
  await expect(alert).toContainText("WebAssembly SIMD");
  await expect(page.getByRole("button", { name: /^Boot/ })).toHaveCount(0);
});

test("unknown instructions are counted in the status line and listed", async ({ page, site }) => {
  await serveWorker(
    page,
    workerSaying({
      type: "status",
      status: {
        state: "running",
        mips: 40,
        idle: 0,
        instructions: 1e6,
        guestSeconds: 1,
        memoryMb: 16,
        unimplemented: [{ bytes: "0f ae 10", address: "0xc0102f30", count: 3 }],
      },
    }),
  );
  const vitrine = new Vitrine(page);
  await vitrine.open(site.url);
  await vitrine.boot("Hello");
  await vitrine.button("1 unknown instruction").click();
  await expect(page.getByRole("dialog")).toContainText("0f ae 10");
  await expect(page.getByRole("dialog")).toContainText("0xc0102f30");
});

/**
 * Disks of the page: made, attached, written by Debian, there again after the page's process was killed in the middle of
 * writing, in step with a machine that is continued, read-only in a second tab. Kills: DISK_KILLS (npm run accept --
 * 3.4 takes 20, 8.1 takes 100).
 */
import type { BrowserContext, Page } from "@playwright/test";
import { bootDebian, createDisk, DEBIAN, makeFileSystem, PROMPT } from "./support/debian";
import { BOOT_MS, expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";

const KILLS = Number(process.env.DISK_KILLS ?? 1);
needsChromium();
test.describe.configure({ timeout: BOOT_MS * (KILLS + 2) });

/** Writes files without end, and says which are synced, with their sums on the disk. */
const WRITER =
  "i=0; while :; do i=$((i+1)); head -c 40000 /dev/urandom > /mnt/f$i; sha256sum /mnt/f$i >> /mnt/sums; sync; echo synced:$i; done\n";

const lastSynced = (text: string): number => Math.max(0, ...[...text.matchAll(/synced:(\d+)/g)].map(([, n]) => Number(n)));

/** Ends the processes of the browser's pages at once, as a power cut would: no handler runs, nothing is flushed. */
async function kill(page: Page): Promise<void> {
  const session = await page.context().browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const dead = page.waitForEvent("crash");
  for (const { type, id } of processInfo) if (type === "renderer") process.kill(id, "SIGKILL");
  await dead;
  await page.close();
  await session.detach();
}

/** Chromium leaves a navigation hanging that it has handed to a service worker in the very moment of its death: then once more. */
async function reopened(context: BrowserContext, url: string): Promise<Vitrine> {
  const page = await context.newPage();
  await expect(async () => {
    await page.goto(url, { timeout: 10_000 });
  }).toPass({ timeout: 60_000 });
  const vitrine = new Vitrine(page);
  await vitrine.open(url);
  return vitrine;
}

test(`files that were synced are intact when the page's process is killed while it writes (${KILLS})`, async ({
  vitrine,
  page,
  context,
  site,
}) => {
  needsGuest("debian");
  await createDisk(vitrine, "work", 64);
  await bootDebian(vitrine);
  await makeFileSystem(vitrine);
  let current = vitrine;
  let tab = page;
  for (let kills = 1; kills <= KILLS; kills++) {
    await current.type(WRITER);
    const { terminalText } = current;
    await expect.poll(async () => lastSynced(await terminalText.call(current)), { timeout: BOOT_MS }).toBeGreaterThanOrEqual(4);
    // A moment that differs each time.
    await tab.waitForTimeout((kills * 377) % 1900);
    const synced = lastSynced(await current.terminalText());
    await kill(tab);
    current = await reopened(context, site.url);
    tab = current.page;
    await expect(tab.getByRole("checkbox", { name: /work.*\/dev\/vda/ })).toBeChecked();
    await bootDebian(current);
    // Replays the journal, as a boot does; then nothing may be left to repair.
    await current.command("fsck.ext4 -p /dev/vda; fsck.ext4 -fn /dev/vda > /tmp/fsck; echo clean:$?", /clean:0/, BOOT_MS);
    await current.command("mount /mnt && echo mounted:$?", /mounted:0/, BOOT_MS);
    await current.command(
      `head -n ${synced} /mnt/sums | sha256sum -c > /tmp/check; echo intact:$?:$(grep -c OK /tmp/check)`,
      new RegExp(`intact:0:${synced}\\b`),
      BOOT_MS,
    );
    await current.sees(PROMPT);
    // Room for the next round.
    await current.command("rm /mnt/f* /mnt/sums; sync; echo empty:$?", /empty:0/, BOOT_MS);
  }
  expect(current.errors).toEqual([]);
});

test("a machine with a disk is continued where it was kept, and its disk with it, although both had gone on", async ({
  vitrine,
  page,
  context,
  site,
}) => {
  needsGuest("debian");
  await createDisk(vitrine, "work", 16);
  await bootDebian(vitrine);
  await makeFileSystem(vitrine);
  // In the guest's memory only: it is written when the guest comes to it.
  await vitrine.command("head -c 300000 /dev/urandom > /mnt/note; sum=$(md5sum < /mnt/note); echo sum:$sum", /sum:[0-9a-f]{32}/);
  await vitrine.button("Pause").click();
  const slot = (): Promise<unknown> =>
    page.evaluate(
      () =>
        new Promise((resolve) => {
          const request = indexedDB.open("vitrine-continue");
          request.onsuccess = () => {
            const all = request.result.transaction("snapshots").objectStore("snapshots").getAllKeys();
            all.onsuccess = () => {
              request.result.close();
              resolve(all.result.find((key) => String(key).endsWith("/head")));
            };
          };
        }),
    );
  await expect.poll(slot, { timeout: 60_000 }).toBeTruthy();
  await vitrine.button("Run").click();
  await vitrine.command("rm /mnt/note; head -c 3000000 /dev/urandom > /mnt/other; sync; echo later:$?", /later:0/, BOOT_MS);
  await kill(page);
  const again = await reopened(context, site.url);
  await again.button(`Continue ${DEBIAN}`).click({ timeout: 60_000 });
  await again.sees(/sum:[0-9a-f]{32}/);
  await again.command('ls /mnt; [ "$sum" = "$(md5sum < /mnt/note)" ] && echo same:$?', /same:0/, BOOT_MS);
  await again.command("umount /mnt && fsck.ext4 -fn /dev/vda > /tmp/fsck; echo clean:$?", /clean:0/, BOOT_MS);
  await again.command('mount /mnt && [ "$sum" = "$(md5sum < /mnt/note)" ] && ! ls /mnt/other && echo both:$?', /both:0/, BOOT_MS);
  expect(again.errors).toEqual([]);
});

test("storage that is full makes the machine stand still; with room again it goes on, and its file system is clean", async ({
  vitrine,
  page,
  context,
  site,
}) => {
  needsGuest("debian");
  await createDisk(vitrine, "work", 32);
  await bootDebian(vitrine);
  await makeFileSystem(vitrine);
  const session = await context.newCDPSession(page);
  const origin = new URL(site.url).origin;
  const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage!);
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 2_000_000 });
  await vitrine.type("head -c 12000000 /dev/urandom > /mnt/big; sum=$(sha256sum < /mnt/big); sync; echo wrote:$?\n");
  await expect(vitrine.notice).toContainText("Storage is full", { timeout: BOOT_MS });
  const instructions = (): Promise<string> => vitrine.figure("instructions").innerText();
  const before = await instructions();
  await page.waitForTimeout(1500);
  expect(await instructions()).toBe(before);
  await session.send("Storage.overrideQuotaForOrigin", { origin });
  await vitrine.sees(/wrote:0/, { timeout: BOOT_MS });
  await expect(vitrine.notice).toHaveCount(0);
  await vitrine.command(
    'echo 3 > /proc/sys/vm/drop_caches; [ "$sum" = "$(sha256sum < /mnt/big)" ] && umount /mnt && fsck.ext4 -fn /dev/vda > /tmp/fsck; echo clean:$?',
    /clean:0/,
    BOOT_MS,
  );
});

test("a second tab may only read a disk that a machine writes to, and says so", async ({ vitrine, context, site }) => {
  needsGuest("debian");
  await createDisk(vitrine, "work", 32);
  await vitrine.boot("Debian 12, i386");
  await vitrine.sees(/Linux version \d/);
  const second = await Vitrine.inContext(context, site.url);
  await second.boot("Debian 12, i386");
  await expect(second.notice).toContainText("read-only", { timeout: 60_000 });
  await expect(second.notice).toContainText("another tab");
  await second.page.close();
});

test("import, export and delete", async ({ vitrine, page }) => {
  const image = Buffer.alloc(300_000);
  image.fill("vitrine", 65_536, 131_072);
  await page
    .getByLabel("or import a raw or qcow2 image")
    .setInputFiles({ name: "old.img", mimeType: "application/octet-stream", buffer: image });
  await expect(page.getByRole("checkbox", { name: /old\.img/ })).toBeChecked();
  const download = page.waitForEvent("download");
  await vitrine.button("Export old.img").click();
  const chunks: Buffer[] = [];
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer);
  const exported = Buffer.concat(chunks);
  expect(exported.length).toBe(Math.ceil(image.length / 512) * 512);
  expect(exported.subarray(0, image.length).equals(image)).toBe(true);
  await page.reload();
  await vitrine.button("Delete old.img").click();
  await page.getByRole("button", { name: /Really delete old\.img/ }).click();
  await expect(page.getByRole("checkbox", { name: /old\.img/ })).toHaveCount(0);
});

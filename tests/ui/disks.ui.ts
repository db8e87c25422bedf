/**
 * Disks of the page: made, attached, written by Debian, there again after the tab was killed in the middle of writing,
 * read-only in a second tab. Kills: DISK_KILLS (npm run accept -- 3.4 takes 20).
 */
import { bootDebian, createDisk, PROMPT } from "./support/debian";
import { BOOT_MS, expect, needsChromium, needsGuest, test, Vitrine } from "./support/fixtures";

const KILLS = Number(process.env.DISK_KILLS ?? 1);
needsChromium();
test.describe.configure({ timeout: BOOT_MS * (KILLS + 2) });

/** Writes files without end, and says which are synced, with their sums on the disk. */
const WRITER =
  'i=$(ls /mnt | grep -c "^f"); while :; do i=$((i+1)); head -c 40000 /dev/urandom > /mnt/f$i; sha256sum /mnt/f$i >> /mnt/sums; sync; echo synced:$i; done\n';

const lastSynced = (text: string): number => Math.max(0, ...[...text.matchAll(/synced:(\d+)/g)].map(([, n]) => Number(n)));

test(`files that were synced are intact when the tab is killed while it writes (${KILLS})`, async ({ vitrine, page, context, site }) => {
  needsGuest("debian");
  await createDisk(vitrine, "work", 32);
  await bootDebian(vitrine);
  await vitrine.command("mkfs.ext4 -q /dev/vda && mount /mnt && echo made:$?", /made:0/, BOOT_MS);
  let current = vitrine;
  let tab = page;
  for (let kill = 1; kill <= KILLS; kill++) {
    const before = lastSynced(await current.terminalText());
    await current.type(WRITER);
    await current.sees(new RegExp(`synced:${before + 4}\\b`), { timeout: BOOT_MS });
    // A moment that differs each time.
    await tab.waitForTimeout((kill * 377) % 1900);
    const synced = lastSynced(await current.terminalText());
    await tab.close({ runBeforeUnload: false });
    current = await Vitrine.inContext(context, site.url);
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
  }
  expect(current.errors).toEqual([]);
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
  await page.getByLabel("or import a raw image").setInputFiles({ name: "old.img", mimeType: "application/octet-stream", buffer: image });
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

/** Debian in the page, as far as its shell, and disks for it. */
import { BOOT_MS, expect, type Vitrine } from "./fixtures";

export const DEBIAN = "Debian 12, i386";
/** The shell of the prepared initrd. */
export const PROMPT = /:~# ?$/;

export async function bootDebian(vitrine: Vitrine): Promise<void> {
  await vitrine.boot(DEBIAN);
  await vitrine.sees(/Linux version \d/, { timeout: 60_000 });
  await vitrine.sees(PROMPT, { timeout: BOOT_MS });
}

/** A blank disk, attached to the next machine as its first. */
export async function createDisk({ page }: Vitrine, name: string, megabytes: number): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Size in MB").fill(String(megabytes));
  await page.getByRole("button", { name: "Create blank disk" }).click();
  await expect(page.getByRole("checkbox", { name: new RegExp(`${name}.*/dev/vda`) })).toBeChecked();
}

/** An empty file system on the first disk, mounted at /mnt. */
export const makeFileSystem = (vitrine: Vitrine): Promise<void> =>
  vitrine.command("mkfs.ext4 -q /dev/vda && mount /mnt && echo made:$?", /made:0/, BOOT_MS);

/** Debian in the page, as far as its shell. */
import { BOOT_MS, type Vitrine } from "./fixtures";

export const DEBIAN = "Debian 12, i386";
/** The shell of the prepared initrd. */
export const PROMPT = /:~# ?$/;

export async function bootDebian(vitrine: Vitrine): Promise<void> {
  await vitrine.boot(DEBIAN);
  await vitrine.sees(/Linux version \d/, { timeout: 60_000 });
  await vitrine.sees(PROMPT, { timeout: BOOT_MS });
}

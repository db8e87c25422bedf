/** Debian's unmodified 64-bit kernel to a 64-bit shell in the page. */
import { BOOT_MS, needsChromium, needsGuest, test } from "./support/fixtures";

/** It probes for much more hardware than the kernel for clouds. */
const GENERIC_MS = 900_000;

needsChromium();
test.describe.configure({ timeout: BOOT_MS });

test("one click boots the 64-bit guest to a 64-bit shell", async ({ vitrine }) => {
  needsGuest("debian-amd64");
  await vitrine.boot("Debian 12, amd64");
  await vitrine.sees(/Linux version \d.*cloud-amd64/, { timeout: 60_000 });
  await vitrine.sees(/:~# ?$/, { timeout: BOOT_MS });
  await vitrine.command("uname -m", /^x86_64$/m);
});

test("the generic 64-bit kernel boots to a 64-bit shell", async ({ vitrine }) => {
  test.skip(process.env.VITRINE_LONG !== "2", "takes minutes: VITRINE_LONG=2 runs it");
  test.setTimeout(GENERIC_MS);
  needsGuest("debian-amd64-generic");
  await vitrine.boot("Debian 12, generic amd64");
  await vitrine.sees(/Linux version \d\S*-amd64 /, { timeout: 120_000 });
  await vitrine.sees(/:~# ?$/, { timeout: GENERIC_MS });
  await vitrine.command("uname -m", /^x86_64$/m);
});

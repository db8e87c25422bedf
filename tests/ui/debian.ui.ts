/** Debian's unmodified kernel to a shell in the page, and what people do there. */
import { bootDebian } from "./support/debian";
import { BOOT_MS, expect, needsChromium, needsGuest, test } from "./support/fixtures";

needsChromium();
test.describe.configure({ timeout: BOOT_MS });

test("one click boots to a shell; commands, a pipeline, Ctrl-C and poweroff work", async ({ vitrine, page }) => {
  needsGuest("debian");
  await bootDebian(vitrine);
  await vitrine.command("uname -a", /Linux \S+ 6\.1\.\S+-686 .* i686 GNU\/Linux/);
  await vitrine.command("cat /proc/cpuinfo", /model name\s*:/);
  await vitrine.command("ls -la /", /drwxr-xr-x .* proc|dr-xr-xr-x .* proc/);
  await vitrine.command("seq 1 20 | grep 7 | wc -l", /^2$/m);
  const before = (await vitrine.terminalText()).length;
  await vitrine.type("sleep 1000\n");
  await page.waitForTimeout(500);
  await page.keyboard.press("Control+C");
  await vitrine.sees(/\^C[\s\S]*:~# ?$/, { after: before });
  await vitrine.command("echo still $((20 + 22))", /still 42/);
  await vitrine.type("poweroff\n");
  await expect(vitrine.notice).toContainText("Halted", { timeout: 60_000 });
  await expect(vitrine.figure("state")).toHaveText("Ended");
});

test("resets to a fresh boot, and pauses in between", async ({ vitrine, page }) => {
  needsGuest("debian");
  await vitrine.boot("Debian 12, i386");
  await vitrine.sees(/Linux version \d/, { timeout: 60_000 });
  await vitrine.button("Pause").click();
  await expect(vitrine.figure("state")).toHaveText("Paused");
  const time = await vitrine.figure("time").textContent();
  await page.waitForTimeout(1000);
  await expect(vitrine.figure("time")).toHaveText(time!);
  const before = (await vitrine.terminalText()).length;
  await vitrine.button("Reset").click();
  await vitrine.sees(/Linux version \d/, { after: before, timeout: 60_000 });
});

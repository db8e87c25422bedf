/** Debian's unmodified kernel to a shell in the page, and what people do there. */
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { BOOT_MS, expect, needsChromium, needsGuest, test, type Vitrine } from "./support/fixtures";

needsChromium();
test.describe.configure({ timeout: BOOT_MS });

/** The shell of the prepared initrd. */
const PROMPT = /:~# ?$/;

async function bootDebian(vitrine: Vitrine): Promise<void> {
  await vitrine.boot("Debian 12, i386");
  await vitrine.sees(/Linux version \d/, { timeout: 60_000 });
  await vitrine.sees(PROMPT, { timeout: BOOT_MS });
}

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

test("the tab stays under 500 MB with a 128 MB guest", async ({ vitrine, browser }) => {
  needsGuest("debian");
  test.skip(process.platform !== "linux", "reads a process's memory from /proc");
  await bootDebian(vitrine);
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const residentMb = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))![1]) / 1024);
  const largest = Math.round(Math.max(...residentMb));
  console.log(`memory: the tab's process had at most ${largest} MB resident`);
  expect(largest).toBeLessThan(500);
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

const ROUNDS = 3;

/**
 * How long twenty inputs wait, in ms, shortest first: from the event, queued behind whatever the page is doing, to the
 * next frame after its handlers. What a user feels.
 */
const inputDelays = (page: Page): Promise<number[]> =>
  page.evaluate(async () => {
    const measured: number[] = [];
    const button = document.querySelector<HTMLButtonElement>(".bar-end button:last-child")!;
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      const asked = performance.now();
      await new Promise<void>((resolve) => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
          button.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
          requestAnimationFrame(() => setTimeout(resolve));
        };
        channel.port2.postMessage(null);
      });
      measured.push(performance.now() - asked);
    }
    return measured.sort((a, b) => a - b);
  });

test("the page answers within 100 ms while Debian boots on a processor four times slower", async ({ vitrine, page }) => {
  needsGuest("debian");
  await vitrine.boot("Debian 12, i386");
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  const rounds: number[][] = [];
  // A round in which other programs took the processors says nothing about the page; one that is blocked by itself
  // is slow in all of them.
  while (rounds.length < ROUNDS && !rounds.some((delays) => delays.at(-1)! < 100)) {
    const before = rounds.length === 0 ? 0 : (await vitrine.terminalText()).length;
    if (rounds.length > 0) await vitrine.button("Reset").click();
    await vitrine.sees(/Linux version \d/, { after: before, timeout: 60_000 });
    rounds.push(await inputDelays(page));
  }
  const best = rounds.at(-1)!;
  console.log(`input: median ${Math.round(best[10]!)} ms, longest ${Math.round(best.at(-1)!)} ms, in round ${rounds.length}`);
  expect(best.at(-1)!, rounds.map((delays) => delays.map(Math.round).join(" ")).join("\n")).toBeLessThan(100);
});

/** Debian's unmodified kernel to a shell in the page, and what people do there. */
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

test("the page answers within 100 ms while Debian boots on a processor four times slower", async ({ vitrine, page }) => {
  needsGuest("debian");
  await vitrine.boot("Debian 12, i386");
  await vitrine.sees(/Linux version \d/, { timeout: 60_000 });
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  // From the event to the next frame after its handlers: what a user feels.
  const delays = await page.evaluate(async () => {
    const measured: number[] = [];
    const button = document.querySelector<HTMLButtonElement>(".bar-end button:last-child")!;
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      const asked = performance.now();
      // Queued behind whatever the page is doing, as an input event is.
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
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  // One of the twenty may fall to whatever else this computer does.
  const [median, late] = [delays[10]!, delays[18]!];
  console.log(`input: median ${Math.round(median)} ms, 95 % within ${Math.round(late)} ms, longest ${Math.round(delays.at(-1)!)} ms`);
  // Other work on the same processors shows in the tail first: the acceptance run, alone on its machine, looks there.
  const measured = process.env.ACCEPTANCE === "1" ? late : median;
  expect(measured, `delays in ms: ${delays.map(Math.round).join(" ")}`).toBeLessThan(100);
});

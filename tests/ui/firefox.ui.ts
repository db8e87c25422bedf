/** The page in Debian's Firefox: opens, boots a built-in guest and Debian, takes keys. */
import { firefoxPath, isRequired } from "./support/browsers";
import { BOOT_MS, expect, needsGuest, test } from "./support/fixtures";
import { Firefox } from "./support/marionette";

test.skip(!firefoxPath && !isRequired, "Firefox is not installed (REQUIRE_TOOLS=1 makes this a failure)");
test.describe.configure({ timeout: BOOT_MS });

const TEXT = 'document.querySelector(".terminal-host")?.terminalText ?? ""';
const KEYS = ".terminal-host textarea";

let firefox: Firefox;
test.beforeEach(async () => {
  firefox = await Firefox.start(firefoxPath ?? "firefox-esr");
});
test.afterEach(() => firefox.stop());

test("boots a built-in guest, takes keys, and says what this browser offers", async ({ site }) => {
  await firefox.open(site.url);
  await firefox.until('return document.querySelector("[data-machine=hello]")', "the list of machines", 30_000);
  expect(await firefox.evaluate('return document.querySelector(".status-path").dataset.path')).toBe("isolated");
  await firefox.click("[data-machine=hello] .machine-actions .button:last-child");
  await firefox.until(`return (${TEXT}).includes("q halts the machine.")`, "the guest's greeting", 60_000);
  await firefox.type(KEYS, "abc");
  await firefox.until(`return (${TEXT}).includes("abc")`, "the echo", 30_000);
  await firefox.type(KEYS, "q");
  await firefox.until('return document.querySelector(".notice")?.textContent.includes("Halted")', "the end", 30_000);
});

test("boots Debian to a shell", async ({ site }) => {
  needsGuest("debian");
  await firefox.open(site.url);
  await firefox.until('return document.querySelector("[data-machine=debian]")', "the list of machines", 30_000);
  await firefox.click("[data-machine=debian] .machine-actions .button:last-child");
  await firefox.until(`return /:~# ?$/.test(${TEXT})`, "the shell", BOOT_MS - 30_000);
  await firefox.type(KEYS, "uname -m\uE007");
  await firefox.until(`return /^i686$/m.test(${TEXT})`, "the answer", 30_000);
});

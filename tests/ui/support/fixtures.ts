/** What every test of the page starts from: a server, and the words for what a user does and sees. */
import { type BrowserContext, test as base, expect, type Locator, type Page } from "@playwright/test";
import { chromiumPath, isRequired } from "./browsers";
import { isPrepared, noGuestsReason, type Site, startSite } from "./site";

export { expect } from "@playwright/test";

/** The whole of a booting guest on a busy machine. */
export const BOOT_MS = 240_000;

export const test = base.extend<{ vitrine: Vitrine }, { site: Site }>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of a fixture's needs from here.
    async ({}, use) => {
      const site = await startSite();
      await use(site);
      await site.stop();
    },
    { scope: "worker" },
  ],
  vitrine: async ({ page, site }, use) => {
    const vitrine = new Vitrine(page);
    await vitrine.open(site.url);
    await use(vitrine);
    expect(vitrine.errors, "errors on the page").toEqual([]);
  },
});

/** At the top of each file: its tests are skipped, with the reason, where there is no Chromium. */
export function needsChromium(): void {
  test.skip(!chromiumPath && !isRequired, "Chromium is not installed (REQUIRE_TOOLS=1 makes this a failure)");
}

export function needsGuest(id: string): void {
  test.skip(!isPrepared(id) && !isRequired, `${id} is ${noGuestsReason()}`);
}

/** The page as its user sees it. */
export class Vitrine {
  /** Exceptions that nobody caught. */
  readonly errors: string[] = [];

  constructor(readonly page: Page) {
    page.on("pageerror", (error) => this.errors.push(error.stack ?? error.message));
  }

  static async inContext(context: BrowserContext, url: string): Promise<Vitrine> {
    const vitrine = new Vitrine(await context.newPage());
    await vitrine.open(url);
    return vitrine;
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await expect(this.page.getByRole("heading", { name: "Machines", level: 1 })).toBeVisible();
    await expect(this.page.getByText("Looking for prepared guests")).toHaveCount(0);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  async boot(title: string): Promise<void> {
    await this.button(`Boot ${title}`).click();
  }

  /** The status line's figure: state, speed, instructions, time or memory. */
  figure(name: "state" | "speed" | "instructions" | "time" | "memory" | "translated"): Locator {
    return this.page.locator(`[data-figure=${name}] dd`);
  }

  /** What screen readers are told. */
  get announcement(): Locator {
    return this.page.locator(".app > output[aria-live=polite]");
  }

  get notice(): Locator {
    return this.page.locator(".notice");
  }

  /** Everything on the terminal, scrollback included. */
  terminalText(): Promise<string> {
    return this.page.locator(".terminal-host").evaluate((element) => (element as HTMLElement & { terminalText: string }).terminalText);
  }

  /** Waits until the terminal shows it; `after`: only beyond so many characters. */
  async sees(text: string | RegExp, options: { readonly timeout?: number; readonly after?: number } = {}): Promise<void> {
    const wanted = typeof text === "string" ? text : { source: text.source, flags: text.flags };
    try {
      await this.page.waitForFunction(
        ([pattern, from]) => {
          const host = document.querySelector<HTMLElement & { terminalText?: string }>(".terminal-host");
          const shown = (host?.terminalText ?? "").slice(from);
          return typeof pattern === "string" ? shown.includes(pattern) : new RegExp(pattern.source, pattern.flags).test(shown);
        },
        [wanted, options.after ?? 0] as const,
        { timeout: options.timeout ?? 60_000, polling: 100 },
      );
    } catch (error) {
      const shown = await this.terminalText().catch(() => "(no terminal)");
      const notice = (await this.notice.allInnerTexts().catch(() => [])).join(" | ");
      throw new Error(
        `the terminal does not show ${text}; it ends with:\n${shown.slice(-1500)}\nnotices: ${notice}\n${String(error).split("\n")[0]}`,
      );
    }
  }

  /** Types into the guest, as a user does. */
  async type(text: string): Promise<void> {
    await this.page.locator(".terminal-host textarea").focus();
    await this.page.keyboard.type(text);
  }

  /** Types a line and waits for an answer that comes after it. */
  async command(line: string, answer: string | RegExp, timeout = 60_000): Promise<void> {
    const after = (await this.terminalText()).length;
    await this.type(`${line}\n`);
    await this.sees(answer, { after: after + line.length, timeout });
  }
}

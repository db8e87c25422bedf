/**
 * Drives an installed Firefox by Marionette, the protocol that it speaks itself: length-prefixed JSON over TCP. The
 * test runner's own Firefox support needs a Firefox of its own making.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_MS = 60_000;
/** W3C WebDriver, "element identifier". */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

type Answer = readonly [kind: 1, id: number, error: { readonly error: string; readonly message: string } | null, value: unknown];

export class Firefox {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #buffer = Buffer.alloc(0);
  #lastId = 0;

  /** Starts it without a window, in a profile that is thrown away. */
  static async start(path: string): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), "vitrine-firefox-"));
    // Port 0: a free one, which it writes into its profile.
    writeFileSync(join(profile, "user.js"), 'user_pref("marionette.port", 0);\nuser_pref("browser.shell.checkDefaultBrowser", false);\n');
    const child = spawn(path, ["--headless", "--marionette", "--no-remote", "--profile", profile], { stdio: "ignore" });
    try {
      const port = await activePort(profile, child);
      const socket = connect(port, "127.0.0.1");
      await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
      const firefox = new Firefox(child, profile, socket);
      await firefox.command("WebDriver:NewSession", {});
      return firefox;
    } catch (error) {
      child.kill("SIGKILL");
      rmSync(profile, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(child: ChildProcess, profile: string, socket: Socket) {
    this.#process = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.on("data", (chunk) => this.#receive(chunk));
  }

  async command(name: string, parameters: object): Promise<unknown> {
    const id = ++this.#lastId;
    const message = Buffer.from(JSON.stringify([0, id, name, parameters]));
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.write(Buffer.concat([Buffer.from(`${message.length}:`), message]));
    const [, , error, value] = await answered;
    if (error) throw new Error(`Firefox: ${error.error}: ${error.message}`);
    return value;
  }

  async open(url: string): Promise<void> {
    await this.command("WebDriver:Navigate", { url });
  }

  /** A function body, evaluated in the page; its result must be plain data. */
  async evaluate<T>(body: string): Promise<T> {
    const { value } = (await this.command("WebDriver:ExecuteScript", { script: body, args: [], sandbox: null })) as { value: T };
    return value;
  }

  /** Waits until the function body returns something true. */
  async until(body: string, what: string, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      if (await this.evaluate(body)) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`Firefox: ${what} did not come; the page shows:\n${await this.evaluate("return document.body.innerText")}`);
  }

  /** As a user does: first brought from under the bars of the page, which Firefox takes for in view. */
  async click(selector: string): Promise<void> {
    await this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.scrollIntoView({ block: "center" })`);
    await this.command("WebDriver:ElementClick", { id: await this.#find(selector) });
  }

  /** Keys as a user presses them, into what is found. */
  async type(selector: string, text: string): Promise<void> {
    await this.command("WebDriver:ElementSendKeys", { id: await this.#find(selector), text });
  }

  async #find(selector: string): Promise<string> {
    const { value } = (await this.command("WebDriver:FindElement", { using: "css selector", value: selector })) as {
      value: Record<string, string>;
    };
    return value[ELEMENT]!;
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
    await this.command("Marionette:Quit", { flags: ["eForceQuit"] }).catch(() => this.#process.kill("SIGKILL"));
    await exited;
    clearTimeout(late);
    this.#socket.destroy();
    rmSync(this.#profile, { recursive: true, force: true });
  }

  #receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const colon = this.#buffer.indexOf(":");
      if (colon < 0) return;
      const length = Number(this.#buffer.toString("latin1", 0, colon));
      const end = colon + 1 + length;
      if (this.#buffer.length < end) return;
      const message = JSON.parse(this.#buffer.toString("utf8", colon + 1, end)) as unknown;
      this.#buffer = this.#buffer.subarray(end);
      // The greeting is an object; answers are lists.
      if (!Array.isArray(message)) continue;
      const answer = message as unknown as Answer;
      this.#waiting.get(answer[1])?.(answer);
      this.#waiting.delete(answer[1]);
    }
  }
}

async function activePort(profile: string, child: ChildProcess): Promise<number> {
  const file = join(profile, "MarionetteActivePort");
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`Firefox ended with status ${child.exitCode}`);
    const port = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
    if (port > 0) return port;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Firefox is not ready after ${START_MS / 1000} s`);
}

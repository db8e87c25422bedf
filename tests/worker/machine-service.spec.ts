/** The worker's side of the page with the real core: a built-in guest from recipe to end, and every way to refuse one. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { answer } from "../../web/protocol/channel";
import type { Command } from "../../web/protocol/commands";
import type { WorkerEvent } from "../../web/protocol/events";
import type { Recipe } from "../../web/protocol/recipe";
import { ImageStore } from "../../web/worker/image-store";
import { MachineService } from "../../web/worker/machine-service";

const wasm = WebAssembly.compile(readFileSync(new URL("../../dist/core/core.wasm", import.meta.url)));
const HELLO: Recipe = { boot: "sector", image: { kind: "builtin", name: "Hello", id: "hello" }, commandLine: "", memoryMb: 16 };
const GREETING = "q halts the machine.";

class Page {
  readonly events: WorkerEvent[] = [];
  readonly #service: MachineService;
  #id = 0;
  /** Like the page, says what it has shown; false: shows nothing any more. */
  shows = true;

  constructor() {
    this.#service = new MachineService({
      send: (event) => {
        this.events.push(event);
        if (event.type === "serial" && this.shows) this.tell({ type: "serial-shown", bytes: event.bytes.length });
      },
      images: new ImageStore({ builtin: (id) => assembleGuest(findBuiltInGuest(id)!) }),
      wasm: () => wasm,
    });
  }

  tell(command: Command): void {
    void answer(command, this.#service.handlers, (event) => this.events.push(event));
  }

  /** Resolves to the reply or the refusal. */
  async ask(command: { readonly type: string; readonly [field: string]: unknown }): Promise<WorkerEvent> {
    const id = ++this.#id;
    await answer({ ...command, id } as unknown as Command, this.#service.handlers, (event) => this.events.push(event));
    return this.events.find((event) => (event.type === "reply" || event.type === "refused") && event.id === id)!;
  }

  type(text: string): void {
    this.tell({ type: "serial-input", port: 0, bytes: new TextEncoder().encode(text) });
  }

  get output(): string {
    return this.events.map((event) => (event.type === "serial" ? new TextDecoder().decode(event.bytes) : "")).join("");
  }

  get states(): string[] {
    return this.events.filter((event) => event.type === "status").map(({ status }) => status.state);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      if (condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${what} did not come; output: ${this.output}`);
  }
}

async function booted(recipe: Recipe = HELLO): Promise<Page> {
  const page = new Page();
  expect(await page.ask({ type: "create", recipe })).toMatchObject({ type: "reply", value: { memoryMb: recipe.memoryMb } });
  await page.ask({ type: "start" });
  return page;
}

describe("MachineService", () => {
  it("boots, takes keys, reports the end and starts again after a reset", async () => {
    const page = await booted();
    await page.until(() => page.output.includes(GREETING), "the greeting");
    expect(page.states.at(-1)).toBe("running");
    page.type("xyz");
    await page.until(() => page.output.includes("xyz"), "the echo");
    page.type("q");
    await page.until(() => page.events.some(({ type }) => type === "ended"), "the end");
    const end = page.events.findIndex(({ type }) => type === "ended");
    expect(page.events[end]).toMatchObject({ exit: { reason: "halted", status: 0 } });
    // Nothing that the guest said comes after the news of its end.
    expect(page.events.slice(end).some(({ type }) => type === "serial")).toBe(false);
    await page.until(() => page.states.at(-1) === "ended", "the last status");

    const before = page.output.length;
    await page.ask({ type: "reset" });
    await page.until(() => page.output.slice(before).includes(GREETING), "the second greeting");
    expect(page.events.some(({ type }) => type === "machine-reset")).toBe(true);
    page.type("q");
  });

  it("stands still while paused, and goes on", async () => {
    const page = await booted();
    await page.until(() => page.output.includes(GREETING), "the greeting");
    await page.ask({ type: "pause" });
    expect(page.states.at(-1)).toBe("paused");
    const counted = (): number => page.events.filter((event) => event.type === "status").at(-1)!.status.instructions;
    const first = counted();
    const afterGreeting = (): string => page.output.slice(page.output.indexOf(GREETING) + GREETING.length);
    page.type("z");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(afterGreeting()).not.toContain("z");
    await page.ask({ type: "pause" });
    expect(counted()).toBe(first);
    await page.ask({ type: "start" });
    await page.until(() => afterGreeting().includes("z"), "the echo");
    page.type("q");
  });

  it("holds a guest that prints without end, but says that it runs, and lets it go on when the page has caught up", async () => {
    // mov dx, 3F8h; mov al, 'y'; again: out dx, al; jmp again
    const image = new Uint8Array(512);
    image.set([0xba, 0xf8, 0x03, 0xb0, 0x79, 0xee, 0xeb, 0xfd]);
    image.set([0x55, 0xaa], 510);
    const page = new Page();
    page.shows = false;
    await page.ask({ type: "create", recipe: { ...HELLO, image: { kind: "file", name: "yes", file: new Blob([image]) } } });
    await page.ask({ type: "start" });
    const length = (): number => page.events.reduce((sum, event) => sum + (event.type === "serial" ? event.bytes.length : 0), 0);
    await page.until(() => length() > 512 * 1024, "half a megabyte");
    let held = length();
    await page.until(() => {
      const now = length();
      const isStill = now === held;
      held = now;
      return isStill;
    }, "the hold");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(length()).toBe(held);
    expect(held).toBeLessThan(4 * 1024 * 1024);
    await page.ask({ type: "start" });
    expect(page.states.at(-1)).toBe("running");
    page.tell({ type: "serial-shown", bytes: held });
    await page.until(() => length() > held, "more");
    await page.ask({ type: "pause" });
  });

  it.each([
    ["an initrd as kernel", "070701", "not a kernel"],
    ["a text", "hello, this is text", "cannot be booted"],
    ["nothing", "", "an empty file"],
  ])("refuses %s with one line that names the file", async (_, content, reason) => {
    const refused = await new Page().ask({
      type: "create",
      recipe: { ...HELLO, boot: "auto", image: { kind: "file", name: "my.img", file: new Blob([content]) } },
    });
    expect(refused).toMatchObject({ type: "refused", error: { kind: "ImageUnreadable", fields: { image: "my.img" } } });
    expect((refused as { error: { message: string } }).error.message).toContain(reason);
  });

  it("refuses a memory size that is not possible", async () => {
    expect(await new Page().ask({ type: "create", recipe: { ...HELLO, memoryMb: 0 } })).toMatchObject({ error: { kind: "BadArgument" } });
  });

  it("refuses commands to a machine that does not exist", async () => {
    expect(await new Page().ask({ type: "reset" })).toMatchObject({ type: "refused", error: { kind: "AssertionFailed" } });
  });
});

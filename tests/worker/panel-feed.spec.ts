/** Pictures for panels: only for what is to be seen, at most twenty a second, one at each stop; and run control over messages. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import type { InspectView } from "../../web/lib/inspection";
import { answer } from "../../web/protocol/channel";
import type { Command } from "../../web/protocol/commands";
import type { WorkerEvent } from "../../web/protocol/events";
import { ImageStore } from "../../web/worker/image-store";
import { MachineService } from "../../web/worker/machine-service";
import { PICTURE_MS } from "../../web/worker/panel-feed";
import { linuxBoot, needGuest } from "../boot/prepared-guests";
import { panelCost } from "./panel-cost";

const wasm = WebAssembly.compile(readFileSync(new URL("../../dist/core/core.wasm", import.meta.url)));

class Page {
  readonly events: (WorkerEvent & { readonly at: number })[] = [];
  readonly service: MachineService;
  #id = 0;

  constructor() {
    this.service = new MachineService({
      send: (event) => {
        this.events.push({ ...event, at: performance.now() });
        if (event.type === "serial") this.tell({ type: "serial-shown", bytes: event.bytes.length });
      },
      images: new ImageStore({ builtin: (id) => assembleGuest(findBuiltInGuest(id)!) }),
      wasm: () => wasm,
    });
  }
  tell(command: Command): void {
    void answer(command, this.service.handlers, () => {});
  }
  async ask(command: { readonly type: string; readonly [field: string]: unknown }): Promise<WorkerEvent> {
    const id = ++this.#id;
    let reply: WorkerEvent | undefined;
    await answer({ ...command, id } as unknown as Command, this.service.handlers, (event) => {
      reply = event;
    });
    return reply!;
  }
  of<T extends WorkerEvent["type"]>(type: T): (Extract<WorkerEvent, { readonly type: T }> & { readonly at: number })[] {
    return this.events.filter((event) => event.type === type) as never;
  }
  get isListening(): boolean {
    return this.service.machine!.inspect.isListening;
  }
}

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function hello(): Promise<Page> {
  const page = new Page();
  const recipe = { boot: "sector", image: { kind: "builtin", name: "Hello", id: "hello" }, commandLine: "", memoryMb: 16 };
  expect(await page.ask({ type: "create", recipe })).toMatchObject({ type: "reply" });
  return page;
}

describe("pictures", () => {
  it("are not made, and nobody listens, while no panel is open", async () => {
    const page = await hello();
    await page.ask({ type: "start" });
    await pass(300);
    expect([page.of("inspection").length, page.isListening]).toEqual([0, false]);
    await page.ask({ type: "inspect", view: { traps: {} } satisfies InspectView });
    expect(page.isListening).toBe(true);
    await page.ask({ type: "inspect", view: { cpu: { at: null, lines: 4 } } satisfies InspectView });
    expect(page.isListening).toBe(false);
    await page.ask({ type: "inspect", view: {} });
    const count = page.of("inspection").length;
    await pass(300);
    expect(page.of("inspection").length).toBe(count);
    await page.ask({ type: "pause" });
    expect(page.of("inspection").length).toBe(count);
  });

  it("show the board as its devices are: state by schema, counters, interrupt lines", async () => {
    const page = await hello();
    await page.ask({ type: "inspect", view: { devices: { chosen: "com1" } } satisfies InspectView });
    await page.ask({ type: "start" });
    await pass(300);
    await page.ask({ type: "pause" });
    const { devices: board } = page.of("inspection").at(-1)!.inspection;
    const machine = page.service.machine!;
    const { devices } = await machine.stats();
    expect(Object.fromEntries(board!.devices.map(({ name, ...counts }) => [name, counts]))).toEqual(
      Object.fromEntries(Object.entries(devices).filter(([name]) => name !== "bus")),
    );
    expect(devices.com1!.writes).toBeGreaterThan(10);
    expect(board!.chosen).toMatchObject({ part: "16550A", ports: [{ first: 0x3f8, last: 0x3ff }] });
    expect(board!.chosen!.fields.length).toBeGreaterThan(5);
    expect(board!.pics.map(({ name, imr, isr }) => [name, imr, isr])).toEqual([
      ["pic2", expect.any(Number), 0],
      ["pic1", expect.any(Number), 0],
    ]);
  });

  it("have names, targets and callers once symbols are known, and find by name", async () => {
    const page = await hello();
    await page.ask({ type: "inspect", view: { cpu: { at: null, lines: 12 } } satisfies InspectView });
    const cpu = () => page.of("inspection").at(-1)!.inspection.cpu!;
    expect([cpu().names, cpu().callers]).toEqual([0, [{ linear: 0x7c00 }]]);
    expect(await page.ask({ type: "symbols" })).toMatchObject({
      type: "refused",
      error: { message: expect.stringMatching(/no Linux kernel/) },
    });
    const bytes = new TextEncoder().encode("00007c00 T begin\n00007c01 t inside\n");
    expect(await page.ask({ type: "symbols", file: { name: "map", bytes } })).toMatchObject({ type: "reply", value: 2 });
    const first = cpu().listing.find(({ linear }) => linear === 0x7c00)!;
    expect([cpu().names, first.name, cpu().callers]).toEqual([2, "begin", [{ linear: 0x7c00, name: "begin" }]]);
    expect(await page.ask({ type: "find-symbol", name: "inside" })).toMatchObject({ type: "reply", value: 0x7c01 });
    expect(await page.ask({ type: "find-symbol", name: "outside" })).toMatchObject({ type: "reply", value: null });
  });

  it("come at most every 50 ms while the machine runs, hold only what is to be seen, and one at each stop", async () => {
    const page = await hello();
    await page.ask({ type: "inspect", view: { cpu: { at: null, lines: 6 }, traps: {} } });
    await page.ask({ type: "start" });
    await pass(600);
    const running = page.of("inspection").filter(({ inspection }) => inspection.running);
    expect(running.length).toBeGreaterThan(2);
    for (const [n, { at }] of running.slice(1).entries()) expect(at - running[n]!.at).toBeGreaterThan(PICTURE_MS - 5);
    for (const { inspection } of running) {
      expect(Object.keys(inspection)).not.toContain("paging");
      const { exits, total } = inspection.traps!;
      expect(exits.reduce((a, b) => a + b, 0)).toBe(total);
      expect(inspection.cpu!.listing.length).toBe(6);
    }
    await page.ask({ type: "pause" });
    const last = page.of("inspection").at(-1)!.inspection;
    expect(last.running).toBe(false);
    expect(last.cpu!.registers.rip).toBe(page.service.machine!.inspect.registers().rip);
    await pass(200);
    expect(page.of("inspection").at(-1)!.inspection).toBe(last);
  });

  it("number the events without a gap, or say how many are missing", async () => {
    const page = await hello();
    await page.ask({ type: "inspect", view: { traps: {} } });
    const before = page.service.machine!.inspect.exits().total;
    await page.ask({ type: "start" });
    await pass(400);
    await page.ask({ type: "pause" });
    const traps = page.of("inspection").map(({ inspection }) => inspection.traps!);
    let expected = 0;
    for (const { events, lost } of traps) {
      expected += lost;
      for (const { number } of events) expect(number).toBe(expected++);
    }
    expect(expected).toBe(page.service.machine!.inspect.exits().total - before);
  });
});

describe("run control", () => {
  it("steps, runs until, stops, and says why; the state that the page is told is right", async () => {
    const page = await hello();
    expect(await page.ask({ type: "step", how: "into" })).toMatchObject({ type: "reply" });
    await pass(100);
    expect(page.of("stopped").map(({ cause }) => cause)).toEqual([{ kind: "step", how: "into" }]);
    expect([page.service.machine!.instructions, page.of("status").at(-1)!.status.state]).toEqual([1, "paused"]);
    await page.ask({ type: "run-until", spec: { kind: "exit", reason: "IoWrite", port: 0x3f8 } });
    await pass(200);
    expect(page.of("stopped").at(-1)!.cause).toMatchObject({ kind: "exit", reason: "IoWrite" });
    expect(page.of("status").at(-1)!.status.state).toBe("paused");
    await page.ask({ type: "set-stops", stops: [{ kind: "exit", reason: "IoRead", port: 0x3fd }] });
    await page.ask({ type: "start" });
    await pass(200);
    expect(page.of("stopped").length).toBe(3);
    await page.ask({ type: "set-stops", stops: [] });
    await page.ask({ type: "start" });
    await pass(200);
    expect(page.of("status").at(-1)!.status.state).toBe("running");
    expect(page.service.machine!.debug.stops).toEqual([]);
  });

  it("refuses stops as a whole, and keeps those that were there", async () => {
    const page = await hello();
    const good = { kind: "execute", address: 0x8000 };
    await page.ask({ type: "set-stops", stops: [good] });
    const refused = await page.ask({
      type: "set-stops",
      stops: [
        { kind: "execute", address: 0x9000 },
        { kind: "exit", reason: "Tea" },
      ],
    });
    expect(refused).toMatchObject({ type: "refused", error: { kind: "BadArgument" } });
    expect(page.service.machine!.debug.stops.map(({ spec }) => spec)).toEqual([good]);
  });

  it("takes views and stops before there is a machine, and gives up a step when the user pauses", async () => {
    const page = new Page();
    await page.ask({ type: "set-stops", stops: [{ kind: "execute", address: 0x7c00 + 3 }] });
    await page.ask({ type: "inspect", view: { cpu: { at: null, lines: 2 } } });
    const recipe = { boot: "sector", image: { kind: "builtin", name: "Hello", id: "hello" }, commandLine: "", memoryMb: 16 };
    await page.ask({ type: "create", recipe });
    expect(page.of("inspection").length).toBe(1);
    expect(page.service.machine!.debug.stops.length).toBe(1);
    await page.ask({ type: "set-stops", stops: [] });
    await page.ask({ type: "run-until", spec: { kind: "exit", reason: "Wbinvd" } });
    await pass(100);
    await page.ask({ type: "pause" });
    expect(page.service.machine!.debug.stops).toEqual([]);
  });
});

describe("panels beside Debian's boot", () => {
  it.for(["open", "closed"] as const)("%s, leave the same state to the bit", { timeout: 240_000 }, async (panels, context) => {
    const guest = await needGuest(context, "debian");
    // What they cost is measured by `npm run accept -- 9.5`.
    const { finalHashes } = await panelCost(linuxBoot(guest), panels, 2, 500_000, 1_000_000);
    expect(finalHashes[0]).toBe(finalHashes[1]);
  });
});

/**
 * The Inspect pane: every number that the CPU, Traps and Paging panels show against the core's own memory, which the test
 * reads by itself; run control by keys and dialog; the assembler; the pane as a pane.
 */
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import type { Page, Worker } from "@playwright/test";
import { SHADOW_COUNTERS } from "../../asm/isa/shadow-counters";
import { createDecoder } from "../../web/disasm/decoder";
import { format } from "../../web/disasm/format";
import { CR0_BITS, CR3_BITS, CR4_BITS, EFER_BITS, EFLAGS_BITS } from "../../web/lib/cpu-bits";
import { EXITS } from "../../web/lib/events.generated";
import { qualificationWords } from "../../web/lib/exit-words";
import { loadDecodingCore } from "../../web/node/decoding-core";
import { BOOT_MS, expect, needsChromium, needsGuest, test, type Vitrine } from "./support/fixtures";
import {
  type Dump,
  dump,
  exitCount,
  exitTotal,
  guestBytes,
  isListening,
  machineWorker,
  register,
  ringEvents,
  shadowCounter,
  walkRecord,
} from "./support/inside";
import { ROOT } from "./support/site";

needsChromium();

const FIELDS = { eflags: EFLAGS_BITS, cr0: CR0_BITS, cr3: CR3_BITS, cr4: CR4_BITS, efer: EFER_BITS };

/** All attributes `data-…` of all elements that match, and their text. */
const attributes = (page: Page, selector: string): Promise<(Record<string, string> & { text: string })[]> =>
  page
    .locator(selector)
    .evaluateAll((all) => all.map((one) => ({ ...(one as HTMLElement).dataset, text: one.textContent ?? "" }) as never));

async function open(page: Page, tab: string): Promise<void> {
  const button = page.getByRole("button", { name: "Inspect", exact: true });
  if ((await button.getAttribute("aria-pressed")) !== "true") await button.click();
  await page.getByRole("tab", { name: tab }).click();
  await expect(page.locator(`[data-panel="${tab.toLowerCase()}"]`)).toBeVisible();
}

async function paused(vitrine: Vitrine): Promise<void> {
  await expect(vitrine.figure("state")).toHaveText(/Paused|Ended/);
  // The last picture follows the stop at once.
  await vitrine.page.waitForTimeout(200);
}

let decode: ReturnType<typeof createDecoder> | undefined;
async function instructionText(bytes: readonly number[], bits: 16 | 32, offset: bigint): Promise<string> {
  decode ??= createDecoder(await loadDecodingCore(new Uint8Array(readFileSync(`${ROOT}/dist/core/core.wasm`))));
  const found = decode(Uint8Array.from(bytes), bits);
  return found && found.row >= 0 ? format(found, offset) : `db 0x${bytes[0]!.toString(16).padStart(2, "0")}`;
}

/** How many numbers were compared. */
async function compareCpu(page: Page, worker: Worker): Promise<number> {
  await open(page, "CPU");
  await page.waitForTimeout(200);
  const inside = await dump(worker);
  const shown = await attributes(page, "[data-panel=cpu] [data-register]");
  for (const { register: name, value, text } of shown) {
    expect(value, name).toBe(register(inside, name!).toString(16));
    if (!name!.endsWith("_attributes")) expect(text.replace("changed: ", ""), name).toMatch(new RegExp(`^0*${value}$`));
  }
  expect(shown.length).toBeGreaterThan(45);
  const bits = await attributes(page, "[data-panel=cpu] [data-bit]");
  const expected = Object.entries(FIELDS).flatMap(([name, fields]) =>
    fields.map(({ name: bit, bit: at, width }) => [
      `${name}.${bit}`,
      String((register(inside, name) >> BigInt(at)) & ((1n << BigInt(width ?? 1)) - 1n)),
    ]),
  );
  expect(bits.map(({ bit, value }) => [bit, value])).toEqual(expected);
  const lines = await page
    .locator(".listing tr[data-linear]")
    .evaluateAll((rows) =>
      rows.map((row) => [(row as HTMLElement).dataset.linear, ...[...row.querySelectorAll("td")].map((cell) => cell.textContent)]),
    );
  const base = register(inside, "cs_base");
  const wide = (register(inside, "cs_attributes") & 0x400n) !== 0n && (register(inside, "eflags") & 0x20000n) === 0n;
  const codes = lines.map(([, , , code]) => (code === "" ? [] : code!.split(" ").map((byte) => Number.parseInt(byte, 16))));
  const memory = await guestBytes(
    worker,
    lines.map(([linear], n) => [Number(linear), Math.max(1, codes[n]!.length)] as const),
  );
  for (const [n, [linear, , address, , text]] of lines.entries()) {
    const at = Number(linear);
    expect(address).toContain(at.toString(16).padStart(8, "0"));
    const [bytes, real] = [codes[n]!, memory[n]!];
    if (bytes.length === 0) expect(real).toEqual([null]);
    else {
      expect(real).toEqual(bytes);
      expect(text).toBe(await instructionText(bytes, wide ? 32 : 16, (BigInt(at) - base) & 0xffffffffn));
    }
  }
  const next = Number((base + register(inside, "rip")) & 0xffffffffn);
  expect(await page.locator(".listing tr.next").evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.linear))).toEqual([
    String(next),
  ]);
  return shown.length + bits.length + lines.length * 2;
}

async function compareTraps(page: Page, worker: Worker): Promise<number> {
  await open(page, "Traps");
  await page.getByLabel("also those without exits").check();
  await page.waitForTimeout(200);
  const inside = await dump(worker);
  const [total] = await attributes(page, "[data-exits-total]");
  expect([total!.exitsTotal, total!.exitsSum]).toEqual([String(exitTotal(inside)), String(exitTotal(inside))]);
  const rows = await page
    .locator(".histogram [data-exit]")
    .evaluateAll((all) =>
      all.map((row) => [
        (row as HTMLElement).dataset.exit!,
        (row as HTMLElement).dataset.count!,
        row.querySelector(".count")!.textContent!,
      ]),
    );
  expect(rows.map(([name]) => name)).toEqual(EXITS.map(({ name }) => name));
  for (const [name, count, text] of rows) {
    expect([name, count]).toEqual([name, String(exitCount(inside, name!))]);
    expect(text!.replaceAll(",", "")).toBe(count);
  }
  const events = await attributes(page, ".virtual [data-event]");
  const recorded = await ringEvents(
    worker,
    events.map(({ event }) => Number(event)),
  );
  events.forEach((event, n) => {
    const record = recorded[n]!;
    const reason = EXITS[record.getUint32(0, true)]!.name;
    expect(event).toMatchObject({
      reason,
      cpl: String(record.getUint32(4, true) & 3),
      rip: record.getBigUint64(8, true).toString(16),
      qualification: record.getBigUint64(16, true).toString(16),
      tick: String(record.getBigUint64(24, true)),
    });
    expect(event.text).toContain(qualificationWords(reason, record.getBigUint64(16, true)));
  });
  // The ring's newest is the log's first.
  if (events.length > 0) expect(Number(events[0]!.event)).toBe(Number(inside.counters.getBigUint64(8, true)) - 1);
  return rows.length * 2 + 2 + events.length * 5;
}

async function comparePaging(page: Page, worker: Worker, addresses: readonly string[]): Promise<number> {
  await open(page, "Paging");
  let compared = 0;
  for (const typed of addresses) {
    await page.getByLabel("Linear address").fill(typed);
    await page.getByRole("button", { name: "Walk", exact: true }).click();
    await page.waitForTimeout(250);
    const inside = await dump(worker);
    const [strip] = await attributes(page, ".walk-strip");
    const linear = Number(strip!.linear);
    if (/^[0-9a-f]+$/.test(typed)) expect(linear).toBe(Number.parseInt(typed, 16));
    else expect(linear).toBe(Number(register(inside, typed)));
    const record = await walkRecord(worker, linear);
    const u32 = (at: number): number => record.getUint32(at, true);
    expect([strip!.physical, strip!.root]).toEqual([u32(0) === 1 ? "none" : String(record.getBigUint64(16, true)), String(u32(28))]);
    const guest = await attributes(page, ".levels [data-guest-value]");
    const shadow = await attributes(page, ".levels [data-shadow-word]");
    const levels = u32(8) === 0 ? [] : [3, 2, 1].filter((level) => u32(32 + (3 - level) * 32) === 1);
    expect(guest.length).toBe(levels.length);
    levels.forEach((level, n) => {
      const at = 32 + (3 - level) * 32;
      expect(guest[n]).toMatchObject({
        guestIndex: String(u32(at + 4)),
        guestPhysical: String(record.getBigUint64(at + 8, true)),
        guestValue: record.getBigUint64(at + 16, true).toString(16),
      });
      const entry = 128 + (3 - level) * 16;
      expect(shadow[n]).toMatchObject(
        u32(entry) === 0
          ? { shadowWord: "none" }
          : { shadowWord: u32(entry + 4).toString(16), shadowFrame: String(u32(entry + 8)), shadowLive: String(u32(entry + 12)) },
      );
    });
    const caches = await attributes(page, ".caches [data-cache]");
    [176, 192].forEach((at, n) => {
      expect(caches[n]).toMatchObject({
        read: u32(at).toString(16),
        write: u32(at + 4).toString(16),
        execute: u32(at + 8).toString(16),
        addend: u32(at + 12).toString(16),
      });
    });
    for (const access of await attributes(page, ".accesses [data-access]")) {
      const want = { read: 1, write: 2, execute: 4 }[access.access as "read"];
      const one = await walkRecord(worker, linear, want, access.user === "true" ? 1 : 0);
      expect([access.outcome, access.error]).toEqual([
        ["translated", "fault", "absent"][one.getUint32(0, true)],
        String(one.getUint32(4, true)),
      ]);
      expect(access.text).toContain(linear.toString(16).padStart(8, "0"));
    }
    const counters = await attributes(page, "[data-counter]");
    expect(counters.length).toBe(SHADOW_COUNTERS.length);
    for (const { counter, value, text } of counters) {
      expect([counter, value]).toEqual([
        counter,
        String(
          shadowCounter(
            inside,
            SHADOW_COUNTERS.findIndex(([name]) => name === counter),
          ),
        ),
      ]);
      expect(text.replaceAll(",", "")).toBe(value);
    }
    compared += 2 + levels.length * 6 + 8 + 12 + counters.length;
  }
  await page.getByRole("button", { name: "Check all entries" }).click();
  await expect(page.locator("[data-finding]")).toHaveAttribute("data-finding", "0");
  return compared;
}

/** What the panel marks as changed is what differs between two dumps. */
async function compareChanges(page: Page, before: Dump, after: Dump): Promise<void> {
  const marked = await page
    .locator("[data-panel=cpu] td.changed[data-register]")
    .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.register!));
  const all = await page
    .locator("[data-panel=cpu] td.number[data-register]")
    .evaluateAll((cells) => cells.map((one) => (one as HTMLElement).dataset.register!));
  expect(marked.toSorted()).toEqual(all.filter((name) => register(before, name) !== register(after, name)).toSorted());
}

test("every number of the panels is the core's own: Debian", async ({ vitrine, page }) => {
  needsGuest("debian");
  test.setTimeout(BOOT_MS);
  await vitrine.boot("Debian 12, i386");
  await vitrine.sees("Memory:", { timeout: 120_000 });
  await open(page, "Traps");
  // While it runs, each picture is of one instant: the sum is the total.
  for (let n = 0; n < 10; n++) {
    const [total] = await attributes(page, "[data-exits-total]");
    expect(total!.exitsSum).toBe(total!.exitsTotal);
    await page.waitForTimeout(60);
  }
  const worker = await machineWorker(page);
  expect(await isListening(worker)).toBe(true);
  let compared = 0;
  for (let round = 0; round < 3; round++) {
    await vitrine.button("Pause").click();
    await paused(vitrine);
    compared += await compareTraps(page, worker);
    compared += await compareCpu(page, worker);
    for (let n = 0; n < 3; n++) {
      const before = await dump(worker);
      await page.keyboard.press("F10");
      await page.waitForTimeout(400);
      await paused(vitrine);
      await compareChanges(page, before, await dump(worker));
      compared += await compareCpu(page, worker);
    }
    compared += await comparePaging(page, worker, ["rip", "rsp", "c1000000", "c2345678", "0", "8048000", "fffff000"]);
    await open(page, "Traps");
    await vitrine.button("Run").click();
    await page.waitForTimeout(700);
  }
  console.log(`numbers compared on debian: ${compared}`);
});

test("every number of the panels is the core's own: the teaching kernel", async ({ vitrine, page }) => {
  test.setTimeout(BOOT_MS);
  await vitrine.boot("Teaching kernel");
  await vitrine.sees("checks passed", { timeout: 60_000 });
  await expect(vitrine.figure("state")).toHaveText("Ended");
  const worker = await machineWorker(page);
  // From its start again, to stop at every write of a control register: real mode, protected mode, paging, user tasks.
  await open(page, "Traps");
  await page.getByLabel("Pause on CrWrite").check();
  await page.getByLabel("Pause on SoftwareInterrupt").check();
  let compared = await compareTraps(page, worker);
  await vitrine.button("Reset").click();
  const modes = new Set<string>();
  for (let stop = 0; stop < 8; stop++) {
    await paused(vitrine);
    if ((await vitrine.figure("state").textContent()) === "Ended") break;
    await expect(page.locator("[data-cause=exit]")).toBeVisible();
    compared += await compareCpu(page, worker);
    const [mode] = await attributes(page, "[data-mode]");
    modes.add(`${mode!.mode} ${mode!.paging} ${mode!.cpl}`);
    compared += await comparePaging(page, worker, ["rip", "rsp", "400000"]);
    compared += await compareTraps(page, worker);
    await page.keyboard.press("F8");
    await page.waitForTimeout(150);
  }
  expect(modes.size).toBeGreaterThan(1);
  expect([...modes].some((mode) => mode.includes("32-bit paging"))).toBe(true);
  console.log(`numbers compared on the teaching kernel: ${compared}`);
});

test("breakpoints by click and F9, steps over and out, run until an address and a port, with what is said about it", async ({
  vitrine,
  page,
}) => {
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await page.getByRole("tab", { name: "Assembler" }).click();
  await page.getByRole("button", { name: "Run, paused at the start" }).click();
  await paused(vitrine);
  await open(page, "CPU");
  const line = (text: RegExp) => page.locator(".listing tr[data-linear]", { hasText: text }).first();
  await expect(page.locator(".listing tr.next")).toHaveAttribute("data-linear", String(0x7c00));
  const call = await line(/call/).getAttribute("data-linear");
  await line(/call/).getByRole("button").click();
  await expect(line(/call/).getByRole("button")).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.press("F8");
  await expect(page.locator(".inspect-cause")).toContainText(`Stopped at ${Number(call).toString(16).padStart(8, "0")}`);
  await expect(vitrine.announcement).toContainText("Stopped at");
  await expect(page.locator(".listing tr.next")).toHaveAttribute("data-linear", call!);
  await vitrine.button("Step over").click();
  await expect(page.locator(".inspect-cause")).toHaveText("Stepped over.");
  await expect(page.locator(".listing tr.next")).toHaveAttribute("data-linear", String(Number(call) + 3));
  // F9 in the listing takes the breakpoint of that line away.
  await line(/call/).getByRole("button").focus();
  await page.keyboard.press("F9");
  await expect(line(/call/).getByRole("button")).toHaveAttribute("aria-pressed", "false");
  await vitrine.button("Until…").click();
  await page.getByLabel("Until", { exact: true }).selectOption("port");
  await page.getByLabel("Port").fill("3f8");
  await vitrine.button("Run until then").click();
  await expect(page.locator(".inspect-cause")).toHaveText("Stopped after exit IoWrite: port 3f8, 1 byte.");
  await page.locator(".cpu-panel .registers").click();
  await page.locator("#inspect-body").focus();
  await page.keyboard.press("f");
  await expect(page.locator(".inspect-cause")).toHaveText("Stepped out.");
  await vitrine.button("Until…").click();
  await page.getByLabel("Linear address").fill("nonsense");
  await vitrine.button("Run until then").click();
  await expect(page.getByRole("alert").filter({ hasText: "Give the address" })).toBeVisible();
  await vitrine.button("Cancel").click();
  await vitrine.button("Run").click();
  await vitrine.sees("Assembled in the page.");
  await expect(vitrine.figure("state")).toHaveText("Ended");
});

test("the assembler names what is wrong by line, keeps the program, and runs it", async ({ vitrine, page }) => {
  await open(page, "Assembler");
  const editor = page.getByLabel("Program", { exact: true });
  await editor.fill("bits 16\norg 0x7c00\nmov ax, bx\nmov eax, cl\njmp nowhere\n");
  await expect(page.locator(".assembler-errors li")).toHaveCount(2);
  await expect(page.locator(".assembler-errors li").first()).toContainText("line 4");
  await expect(page.locator(".editor-gutter .wrong")).toHaveText(["✗4", "✗5"]);
  await expect(vitrine.button("Run, paused at the start")).toBeDisabled();
  await page.locator(".assembler-errors").getByRole("button", { name: "line 5" }).click();
  expect(await editor.evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart, area.selectionEnd))).toBe(
    "jmp nowhere",
  );
  await editor.fill("bits 16\norg 0x7c00\nmov dx, 0x3f8\nmov al, 'Q'\nout dx, al\ncli\nhlt\n");
  await page.reload();
  await expect(page.getByLabel("Program", { exact: true })).toHaveValue(/mov al, 'Q'/);
  await page.locator(".assembler-panel").getByRole("button", { name: "Run", exact: true }).click();
  await vitrine.sees("Q");
  await expect(vitrine.figure("state")).toHaveText("Ended");
});

test("a program is shared as a link; what was in the editor before is not lost; a damaged link says so", async ({
  vitrine,
  page,
  site,
}) => {
  await open(page, "Assembler");
  const editor = page.getByLabel("Program", { exact: true });
  const source = "bits 16\norg 0x7c00\n; Zeichen: äöü €\ncli\nhlt\n";
  await editor.fill(source);
  await vitrine.button("Share").click();
  const link = await page.getByLabel(/Whoever opens this link/).inputValue();
  expect(link.startsWith(`${site.url}#program=sector.`)).toBe(true);
  await editor.fill("mine");
  await page.goto("about:blank");
  await page.goto(link);
  await expect(editor).toHaveValue(source);
  await vitrine.button("My earlier program").click();
  await expect(editor).toHaveValue("mine");
  await page.goto("about:blank");
  await page.goto(`${link.slice(0, -9)}`);
  await expect(page.getByRole("alert").filter({ hasText: "damaged" })).toBeVisible();
  await expect(editor).toHaveValue("mine");
});

test("the pane is moved by mouse and keys, remembered, hidden, and one column on a phone", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts");
  await open(page, "CPU");
  const splitter = page.getByRole("separator", { name: "Width of the Inspect pane" });
  const width = async (): Promise<number> => (await page.locator(".inspect").boundingBox())!.width;
  const first = await width();
  await splitter.focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBe(first + 24);
  const box = (await splitter.boundingBox())!;
  await page.mouse.move(box.x + 3, box.y + 200);
  await page.mouse.down();
  await page.mouse.move(box.x - 37, box.y + 200);
  await page.mouse.up();
  await expect.poll(width).toBe(first + 64);
  await page.getByRole("tab", { name: "CPU" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Traps" })).toBeFocused();
  await expect(page.locator("[data-panel=traps]")).toBeVisible();
  await page.reload();
  await expect.poll(width).toBe(first + 64);
  await expect(page.getByRole("tab", { name: "Traps" })).toHaveAttribute("aria-selected", "true");
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(page.locator(".centre")).toBeHidden();
  expect((await page.locator(".inspect").boundingBox())!.width).toBeLessThanOrEqual(390);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await expect(page.locator(".centre")).toBeVisible();
});

test("with no panel open nobody listens and nothing is sent", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts");
  const worker = await machineWorker(page);
  expect(await isListening(worker)).toBe(false);
  await open(page, "Traps");
  expect(await isListening(worker)).toBe(true);
  await page.getByRole("tab", { name: "CPU" }).click();
  await expect.poll(() => isListening(worker)).toBe(false);
  await page.getByRole("tab", { name: "Traps" }).click();
  await expect.poll(() => isListening(worker)).toBe(true);
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await expect.poll(() => isListening(worker)).toBe(false);
});

for (const scheme of ["light", "dark"] as const)
  test(`no panel has a violation that axe can find, ${scheme}`, async ({ vitrine, page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await vitrine.boot("Teaching kernel");
    await vitrine.sees("checks passed", { timeout: 60_000 });
    for (const tab of ["CPU", "Traps", "Paging", "Assembler"]) {
      await open(page, tab);
      await page.waitForTimeout(300);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${tab}: ${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
  });

test("back in time by key and button: steps, the last breakpoint, the last OUT, and from a guest's end", async ({ vitrine, page }) => {
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await page.getByRole("tab", { name: "Assembler" }).click();
  await page.getByRole("button", { name: "Run, paused at the start" }).click();
  await paused(vitrine);
  await open(page, "CPU");
  const next = page.locator(".listing tr.next");
  const at = page.locator("[data-instructions]");
  await expect(at).toHaveAttribute("data-instructions", "0");
  const way: (string | null)[] = [];
  for (let n = 1; n <= 6; n++) {
    way.push(await next.getAttribute("data-linear"));
    await page.keyboard.press("F10");
    await expect(at).toHaveAttribute("data-instructions", String(n));
  }
  for (let n = 5; n >= 0; n--) {
    if (n % 2) await page.keyboard.press("Shift+F8");
    else await page.getByRole("button", { name: "Step back" }).click();
    await expect(at).toHaveAttribute("data-instructions", String(n));
    await expect(next).toHaveAttribute("data-linear", way[n]!);
  }
  await expect(page.locator(".inspect-cause")).toHaveText("Stepped back.");
  // Before what is recorded there is nothing.
  await page.getByRole("button", { name: "Step back" }).click();
  await expect(page.locator(".inspect-refusal")).toContainText("lies outside what is recorded");
  // To the end, and back to the last OUT before it.
  await page.keyboard.press("F8");
  await expect(vitrine.figure("state")).toHaveText("Ended");
  const end = Number(await at.getAttribute("data-instructions"));
  const terminal = (): Promise<string> =>
    page.evaluate(() => (document.querySelector<HTMLElement & { terminalText?: string }>(".terminal-host")?.terminalText ?? "").trim());
  await vitrine.sees("Assembled in the page.");
  const shown = await terminal();
  await vitrine.button("Until…").click();
  await page.getByLabel("Until", { exact: true }).selectOption("port");
  await page.getByLabel("Port").fill("3f8");
  await page.getByRole("button", { name: "Back to the last time" }).click();
  await expect(page.locator(".inspect-cause")).toHaveText("Stopped after exit IoWrite: port 3f8, 1 byte.");
  await expect(vitrine.figure("state")).toHaveText("Paused");
  expect(Number(await at.getAttribute("data-instructions"))).toBeLessThan(end);
  await page.keyboard.press("F8");
  await expect(vitrine.figure("state")).toHaveText("Ended");
  await expect(at).toHaveAttribute("data-instructions", String(end));
  await expect.poll(terminal).toBe(shown);
});

test("memory by linear address: every byte is the core's own, a pointer is followed", async ({ vitrine, page }) => {
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await page.getByRole("tab", { name: "Assembler" }).click();
  const editor = page.getByLabel("Program", { exact: true });
  await editor.fill("bits 16\norg 0x7c00\ndd 0x7d00\ntimes 0xfc db 0x90\ndb 'found it'\n");
  await page.getByRole("button", { name: "Run, paused at the start" }).click();
  await paused(vitrine);
  await open(page, "Memory");
  const rows = page.locator(".memory-table [data-row]");
  const show = async (text: string, linear: number): Promise<void> => {
    await page.getByLabel("Linear address").fill(text);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await expect(page.locator("[data-panel=memory]")).toHaveAttribute("data-linear", String(linear));
  };
  const worker = await machineWorker(page);
  for (const [text, linear] of [
    ["7c05", 0x7c00],
    ["f0", 0xf0],
    ["1000", 0x1000],
  ] as const) {
    await show(text, linear);
    const inside = await worker.evaluate(
      (from) => [...(globalThis as unknown as { vitrine: Inside }).vitrine.machine.inspect.core.memory.read(from, 512)],
      linear,
    );
    const shown = await rows.evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset.bytes).join(" "));
    expect(shown).toBe(inside.map((byte) => byte.toString(16).padStart(2, "0")).join(" "));
  }
  await show("7c00", 0x7c00);
  await page.getByRole("button", { name: "Follow the pointer to 00007d00" }).click();
  await expect(rows.first()).toContainText("found it");
  await show("a0000", 0xa0000);
  await expect(rows.first()).toHaveAttribute("data-kind", /device|ram|rom/);
  // Found behind where one is, over and over; written, and read back from the core.
  await show("7c00", 0x7c00);
  await page.getByLabel("Bytes", { exact: true }).fill('"found"');
  await page.getByRole("button", { name: "Find next" }).click();
  await expect(page.locator("[data-panel=memory]")).toHaveAttribute("data-linear", String(0x7d00));
  await page.getByLabel("Bytes", { exact: true }).fill("4C 4f");
  await page.getByRole("button", { name: "Write at 00007d00" }).click();
  await expect(rows.first()).toContainText("LOund it");
  await page.getByLabel("Bytes", { exact: true }).fill("abc");
  await page.getByRole("button", { name: "Find next" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Give bytes" })).toBeVisible();
  await page.getByLabel("Bytes", { exact: true }).fill("deadbeefdeadbeef00112233");
  await page.getByRole("button", { name: "Find next" }).click();
  await expect(page.getByText("Not found from there on.").first()).toBeVisible();
  await show("1000", 0x1000);
  await expect(rows.first().locator("[data-page-state=zero]")).toBeVisible();
  await page.getByLabel("Linear address").fill("nonsense");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Give the address" })).toBeVisible();
});

interface Inside {
  readonly machine: { readonly inspect: { readonly core: { readonly memory: { read(from: number, length: number): Uint8Array } } } };
}

test("exits are saved as files, words are looked up, and the projector's type is remembered", async ({ vitrine, page }) => {
  await vitrine.boot("Hello");
  await vitrine.sees("q halts");
  await open(page, "Traps");
  await vitrine.button("Pause").click();
  await paused(vitrine);
  const [total] = await attributes(page, "[data-exits-total]");
  const saved = async (name: string): Promise<string> => {
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name }).click();
    return readFileSync((await (await downloading).path())!, "utf8");
  };
  const json = JSON.parse(await saved("Counts and log as JSON"));
  expect([`${json.total}`, json.reasons.length]).toEqual([total!.exitsTotal, EXITS.length]);
  expect((await saved("Log as CSV")).split("\n").length).toBe(json.log.events.length + 2);
  expect(await saved("Chart as SVG")).toContain(`Hello: ${Number(total!.exitsTotal).toLocaleString("en-US")} exits by reason`);

  await open(page, "Glossary");
  await page.getByLabel("Look up").fill("in-service");
  await expect(page.locator("[data-term]")).toHaveCount(1);
  await expect(page.locator("[data-term=ISR]")).toContainText("EOI");

  const size = (): Promise<string> => page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
  const before = Number.parseFloat(await size());
  await vitrine.button("Keys and hints").click();
  await page.getByLabel("Projector: larger type").check();
  expect(Number.parseFloat(await size())).toBeGreaterThan(1.2 * before);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`)).toEqual([]);
  await page.reload();
  expect(Number.parseFloat(await size())).toBeGreaterThan(1.2 * before);
});

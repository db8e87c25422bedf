/** The Devices panel: every number against the machine's own board, and the log against the event ring; on the teaching kernel, which a timer interrupts. */
import type { Page, Worker } from "@playwright/test";
import { EXITS } from "../../web/lib/events.generated";
import type { BoardPicture } from "../../web/lib/inspection";
import { expect, needsChromium, test } from "./support/fixtures";
import { isListening, machineWorker, ringEvents } from "./support/inside";

needsChromium();

const attributes = (page: Page, selector: string): Promise<Record<string, string>[]> =>
  page.locator(selector).evaluateAll((all) => all.map((one) => ({ ...(one as HTMLElement).dataset }) as never));

/** What the machine itself says. */
const board = (worker: Worker, chosen: string): Promise<BoardPicture> =>
  worker.evaluate((name) => {
    const scope = globalThis as unknown as { vitrine: { machine: { inspect: { board(name: string): BoardPicture } } } };
    return scope.vitrine.machine.inspect.board(name);
  }, chosen);

test("every number of the Devices panel is the machine's own", async ({ vitrine }) => {
  const { page } = vitrine;
  await page.getByRole("button", { name: "Inspect", exact: true }).click();
  await page.getByRole("tab", { name: "Devices" }).click();
  await vitrine.boot("Teaching kernel");
  await vitrine.sees("checks passed");
  await expect(vitrine.figure("state")).toHaveText("Ended");
  await expect(page.locator("[data-interrupt-step]").first()).toBeVisible();
  const worker = await machineWorker(page);
  let numbers = 0;
  for (const name of ["pit", "com1", "pic1", "rtc"]) {
    await page.getByLabel("Show").selectOption(name);
    await expect(page.locator(`[data-chosen-device="${name}"]`)).toBeVisible();
    const own = await board(worker, name);
    expect(await attributes(page, "[data-field]")).toEqual(own.chosen!.fields.map(({ name: field, value }) => ({ field, value })));
    expect(await attributes(page, "[data-device]")).toEqual(
      own.devices.map(({ name: device, reads, writes, guestErrors }) => ({
        ...{ device, reads: `${reads}`, writes: `${writes}`, guestErrors: `${guestErrors}` },
      })),
    );
    const pins = own.pics
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .flatMap((pic, n) =>
        Array.from({ length: 8 }, (_, pin) => {
          const bit = (value: number): string => `${(value >> pin) & 1}`;
          const vector = `${pic.vectorBase + pin}`;
          return { irq: `${8 * n + pin}`, pin: bit(pic.inputs), irr: bit(pic.irr), imr: bit(pic.imr), isr: bit(pic.isr), vector };
        }),
      );
    expect(await attributes(page, "[data-irq]")).toEqual(pins);
    const handlers = pins.map(({ vector }) => own.gates.find((gate) => `${gate.vector}` === vector)!);
    expect(await attributes(page, "[data-irq] [data-gate]")).toEqual(
      handlers.map(({ present, handler }) => ({ gate: present ? `${handler}` : "none" })),
    );
    expect(handlers.some(({ present }) => present)).toBe(true);
    const shown = own.apic!.pins.filter(({ masked }) => !masked).map(({ vector }) => `${vector}`);
    expect((await attributes(page, "[data-apic]")).slice(0, shown.length).map(({ vector }) => vector)).toEqual(shown);
    numbers += own.chosen!.fields.length + 3 * own.devices.length + 5 * pins.length;
  }
  expect(numbers).toBeGreaterThan(300);
  // The path of interrupts is told by events that the core wrote.
  const steps = await attributes(page, "[data-interrupt-step]");
  const events = await ringEvents(
    worker,
    steps.map(({ interruptStep }) => Number(interruptStep)),
  );
  for (const [n, event] of events.entries()) {
    expect(["Interrupt", "Iret", "IoWrite"]).toContain(EXITS[event.getUint32(0, true)]!.name);
    expect(Number(event.getBigUint64(24, true))).toBe(Number(steps[n]!.tick));
  }
  // A closed panel costs nothing: nobody listens.
  await page.getByRole("tab", { name: "Lab" }).click();
  await expect.poll(() => isListening(worker)).toBe(false);
});

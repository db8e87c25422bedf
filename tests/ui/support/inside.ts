/** The machine's inside from below: raw bytes of the core's memory, read in the page's worker, decoded here by the layout alone. */
import type { Page, Worker } from "@playwright/test";
import { CPU_STATE, type CpuStateField } from "../../../web/lib/cpu-state.generated";
import { EXITS } from "../../../web/lib/events.generated";

/** What of the worker's `vitrine` this file uses. */
interface WorkerScope {
  readonly vitrine?: {
    readonly machine?: {
      readonly inspect: {
        readonly core: { readonly exports: Record<string, (...values: number[]) => number>; readonly buffer: ArrayBuffer };
        readonly isListening: boolean;
      };
    };
  };
}

/** The worker that has a machine. */
export async function machineWorker(page: Page): Promise<Worker> {
  for (const worker of page.workers()) {
    const has = await worker.evaluate(() => (globalThis as unknown as WorkerScope).vitrine?.machine !== undefined).catch(() => false);
    if (has) return worker;
  }
  throw new Error("no worker of the page has a machine");
}

export interface Dump {
  readonly state: DataView;
  readonly counters: DataView;
}

const view = (bytes: readonly number[]): DataView => new DataView(Uint8Array.from(bytes).buffer);

/** State and counters at one instant. */
export async function dump(worker: Worker): Promise<Dump> {
  const raw = await worker.evaluate(() => {
    const { core } = (globalThis as unknown as WorkerScope).vitrine!.machine!.inspect;
    const { exports, buffer } = core;
    exports.materializeState!();
    const bytes = (at: number, length: number): number[] => [...new Uint8Array(buffer, at, length)];
    return { state: bytes(exports.stateAddress!(), 0xc00), counters: bytes(exports.countersAddress!(), 0x800) };
  });
  return { state: view(raw.state), counters: view(raw.counters) };
}

/** Events of the ring by number, 32 bytes each. */
export async function ringEvents(worker: Worker, numbers: readonly number[]): Promise<DataView[]> {
  const events = await worker.evaluate((wanted) => {
    const { exports, buffer } = (globalThis as unknown as WorkerScope).vitrine!.machine!.inspect.core;
    return wanted.map((number) => [...new Uint8Array(buffer, exports.ringAddress!() + (number % exports.ringCapacity!()) * 32, 32)]);
  }, numbers);
  return events.map(view);
}

export const isListening = (worker: Worker): Promise<boolean> =>
  worker.evaluate(() => (globalThis as unknown as WorkerScope).vitrine!.machine!.inspect.isListening);

/** A field of the state by the name that panels use: `dr7` is element 7 of `dr`. */
export function register({ state }: Dump, name: string): bigint {
  const [, base, element] = /^(.*?)(\d*)$/.exec(name) as unknown as [string, string, string];
  const isElement = !(name in CPU_STATE);
  const place = CPU_STATE[(isElement ? base : name) as CpuStateField];
  const bytes = { u16: 2, u32: 4, u64: 8 }[place.type as "u16" | "u32" | "u64"];
  const at = place.offset + (isElement ? Number(element) * bytes : 0);
  return bytes === 8 ? state.getBigUint64(at, true) : BigInt(bytes === 4 ? state.getUint32(at, true) : state.getUint16(at, true));
}

export const exitCount = ({ counters }: Dump, name: string): number =>
  Number(counters.getBigUint64(32 + EXITS.findIndex((row) => row.name === name) * 8, true));
export const exitTotal = ({ counters }: Dump): number => Number(counters.getBigUint64(0, true));
export const shadowCounter = ({ counters }: Dump, n: number): number => Number(counters.getBigUint64(0x400 + n * 8, true));

/** The record of asm/mmu/describe.ts for an address, with the wanted access. */
export async function walkRecord(worker: Worker, linear: number, want = 0, user = 0): Promise<DataView> {
  return view(
    await worker.evaluate(
      ([address, access, kind]) => {
        const { exports, buffer } = (globalThis as unknown as WorkerScope).vitrine!.machine!.inspect.core;
        exports.describeWalk!(address!, access!, kind!, 0);
        return [...new Uint8Array(buffer, exports.walkRecordAddress!(), 320)];
      },
      [linear, want, user] as const,
    ),
  );
}

/** Guest memory by linear address, byte by byte through the core's own probe; null where there are none. */
export async function guestBytes(
  worker: Worker,
  pieces: readonly (readonly [linear: number, length: number])[],
): Promise<(number | null)[][]> {
  return worker.evaluate((wanted) => {
    const { exports, buffer } = (globalThis as unknown as WorkerScope).vitrine!.machine!.inspect.core;
    const memory = new Uint8Array(buffer);
    return wanted.map(([linear, length]) =>
      Array.from({ length }, (_, n) => {
        const at = exports.translate!(linear + n, 1);
        const host = at < 0 ? 0 : exports.guestFrameHost!(Math.floor(at / 4096));
        return host === 0 ? null : memory[host + (at % 4096)]!;
      }),
    );
  }, pieces);
}

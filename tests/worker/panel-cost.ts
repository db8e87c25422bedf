/**
 * What panels cost: two machines run the same stretches of the same boot in turns, one with panels and one without, and
 * change roles each time. CPU time, and the ratio of a pair: the computer may be busy with something else.
 */
import { cpuUsage } from "node:process";
import type { InspectView } from "../../web/lib/inspection";
import type { BootConfig } from "../../web/machine/config";
import { Machine } from "../../web/machine/machine";
import { PanelFeed } from "../../web/worker/panel-feed";
import { coreWasm } from "../tools/core";

const START = 20_000_000;
const CLOSED: InspectView = {};
const OPEN: InspectView = { cpu: { at: null, lines: 24 }, traps: {}, paging: { linear: null } };

interface Seat {
  readonly machine: Machine;
  readonly feed: PanelFeed;
  readonly pictures: { count: number };
}

async function seat(boot: BootConfig, wasm: WebAssembly.Module, start: number): Promise<Seat> {
  const machine = await Machine.create({ boot, memoryMb: 128, clock: { kind: "deterministic" } }, { wasm });
  await machine.run({ instructions: start });
  const pictures = { count: 0 };
  const feed = new PanelFeed(machine, {
    post: () => {
      pictures.count++;
    },
    setTimer: (callback, ms) => void setTimeout(callback, ms),
  });
  machine.onStateChange(() => feed.follow());
  return { machine, feed, pictures };
}

export interface PanelCost {
  /** CPU time with panels over CPU time without: each of two pairs with the roles exchanged, so that a seat's own speed cancels. */
  readonly ratios: readonly number[];
  readonly picturesPerSecond: number;
  readonly finalHashes: readonly string[];
}

interface Taken {
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function stretch({ machine }: Seat, to: number): Promise<Taken> {
  const [cpu, wall] = [cpuUsage(), performance.now()];
  await machine.run({ instructions: to });
  const { user, system } = cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - wall };
}

/** `panels`: "open" at their full rate; "closed": opened and closed again before each stretch. Both against none. `pairs`: even. */
export async function panelCost(
  boot: BootConfig,
  panels: "open" | "closed",
  pairs: number,
  instructions: number,
  start = START,
): Promise<PanelCost> {
  const wasm = await WebAssembly.compile(coreWasm());
  const seats = [await seat(boot, wasm, start), await seat(boot, wasm, start)] as const;
  const ratios: number[] = [];
  let watchedMs = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const to = start + (pair + 1) * instructions;
    const [watched, plain] = pair % 2 === 0 ? seats : [seats[1], seats[0]];
    plain.feed.show(CLOSED);
    watched.feed.show(OPEN);
    if (panels === "closed") watched.feed.show(CLOSED);
    // Which one comes first changes, too: the second finds warmer caches.
    const order = pair % 4 < 2 ? [watched, plain] : [plain, watched];
    const times = new Map<Seat, Taken>();
    for (const one of order) times.set(one, await stretch(one, to));
    ratios.push(times.get(watched)!.cpuMs / times.get(plain)!.cpuMs);
    watchedMs += times.get(watched)!.wallMs;
  }
  const pictures = seats[0].pictures.count + seats[1].pictures.count - 2 * pairs;
  return {
    ratios: ratios.flatMap((ratio, n) => (n % 2 === 1 ? [Math.sqrt(ratio * ratios[n - 1]!)] : [])),
    picturesPerSecond: panels === "open" ? (pictures / watchedMs) * 1000 : 0,
    finalHashes: await Promise.all(seats.map(({ machine }) => machine.stateHash())),
  };
}

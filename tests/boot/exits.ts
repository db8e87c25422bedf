/**
 * Exits counted three ways in the guest `exits` (bios/README.md): what its command line asks for, the counters of --stats,
 * and the events of the ring, read while it runs.
 */
import { EXITS } from "../../web/lib/events.generated";
import { builtIn, createMachine } from "./machines";

/** What the guest is told to execute. */
export interface ExitCounts {
  readonly cpuid: number;
  readonly in: number;
  readonly out: number;
  readonly movcr3: number;
  readonly invlpg: number;
  readonly hlt: number;
  readonly rdmsr: number;
  readonly pf: number;
}

export const exitsCommandLine = (counts: ExitCounts): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name}=${count}`)
    .join(" ");

/** The table of bios/README.md: exactly these, whatever the speed of the machine. `movcr3` is CrWrite with qualification 3. */
export function expectedExits(counts: ExitCounts): Readonly<Record<string, number>> {
  const waking = counts.hlt > 1 ? 1 : 0;
  const paging = counts.pf > 0 ? 1 : 0;
  return {
    Cpuid: counts.cpuid,
    IoRead: counts.in,
    IoWrite: counts.out + 7 + 5 * waking,
    CrWrite: counts.movcr3 + paging,
    Invlpg: counts.invlpg,
    Hlt: counts.hlt,
    Rdmsr: counts.rdmsr,
    TruePageFault: counts.pf,
    InterruptFlag: 1 + waking,
    DescriptorTableWrite: waking | paging,
    Iret: 0,
    Unimplemented: 0,
    Shutdown: 0,
  };
}

export interface RingCount {
  readonly output: string;
  /** Events by reason, every reason named. */
  readonly ring: Readonly<Record<string, number>>;
  /** MOV to CR3 among the events. */
  readonly movCr3: number;
  /** Counters of the same run. */
  readonly exits: Readonly<Record<string, number>>;
  readonly exitsTotal: number;
}

/** Few enough that the ring cannot overflow between two looks. */
const INSTRUCTIONS_A_LOOK = 1000;
const CR3 = 3n;

/** Runs the guest with a listener at the event ring, under the deterministic clock. */
export async function countByRing(counts: ExitCounts): Promise<RingCount> {
  const { machine, core, output } = await createMachine({ boot: builtIn("exits", exitsCommandLine(counts)) });
  core.listen(true);
  const ring: Record<string, number> = Object.fromEntries(EXITS.map(({ name }) => [name, 0]));
  let movCr3 = 0;
  let seen = 0;
  let instructions = 0;
  while (machine.exit === null) {
    instructions += INSTRUCTIONS_A_LOOK;
    await machine.run({ instructions });
    const { events, next } = core.events(seen);
    if (events.length !== next - seen) throw new Error(`the event ring has overflowed: ${next - seen} events in one look`);
    seen = next;
    for (const { reason, qualification } of events) {
      ring[reason]!++;
      if (reason === "CrWrite" && qualification === CR3) movCr3++;
    }
  }
  const { exits, exitsTotal } = await machine.stats();
  return { output: output(), ring, movCr3, exits, exitsTotal };
}

export const sumOf = (exits: Readonly<Record<string, number>>): number => Object.values(exits).reduce((sum, count) => sum + count, 0);

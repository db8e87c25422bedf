/**
 * One run in a fresh, deterministic machine with limits: what the core counted, the events it wrote, and the machine as
 * it stood at the end. The same in Node and in a page's worker.
 */
import { bootGdt, GDT, protectedModeEntry, realModeEntry } from "../../machine/boot/boot-plan";
import type { CoreStats } from "../../machine/core";
import { type CoreEvent, CoreHost, CPU_MODELS } from "../../machine/core-host";
import { Machine } from "../../machine/machine";
import { type Built, LabBroken } from "../build";
import type { Run, RunEnd } from "../format";
import { NOTHING, Rollback, type RolledBack } from "./rollback";

export interface Ran {
  readonly end: RunEnd;
  /** How it ended, for people: where, and what to do. Empty where it halted. */
  readonly ending: string;
  readonly built: Built;
  readonly core: CoreHost;
  /** Counters at the end. */
  readonly stats: CoreStats;
  readonly instructions: number;
  readonly serial: string;
  readonly events: readonly CoreEvent[];
  /** The event log is not complete: there were more than are kept. */
  readonly eventsLost: boolean;
  readonly rolledBack: RolledBack;
}

/** Exits are read from the ring so often that it cannot overflow: an instruction makes few. */
const TICKS_A_SLICE = 1000;
export const MOST_EVENTS = 100_000;
const MOST_SERIAL_CHARACTERS = 64 * 1024;
/** Further REP iterations and time in HLT: more than instructions, but not without end. 20 million are 0.4 s of guest time. */
const TICKS_PER_INSTRUCTION = 8;
const FEWEST_TICKS = 20_000_000;
/** Only a host that is far too slow, or a fault of ours, comes here: instructions are the limit that counts. */
const MOST_MS = 60_000;
const HLT = 0xf4;

export interface Engine {
  readonly wasm: WebAssembly.Module;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** Rejects only with what is a fault of Vitrine (CoreCrash) or of the host (OutOfMemory). */
export async function execute(engine: Engine, run: Run, built: Built): Promise<Ran> {
  let core!: CoreHost;
  const machine = await Machine.create(
    {
      // Vectors and their HLT stubs; the real images come after it.
      boot: { kind: "sector", image: Uint8Array.of(HLT), signature: false },
      memoryMb: run.memoryMb,
      clock: { kind: "deterministic" },
      cpu: run.cpu,
      shadow: run.shadow,
    },
    {
      core: async (callbacks, config) => {
        core = await CoreHost.create(engine.wasm, callbacks, {
          ramBytes: config.memoryMb * 0x100000,
          cpuModel: CPU_MODELS.indexOf(config.cpu),
          shadowFlush: config.shadow === "flush",
          accel: run.accel,
          jitLimits: { threshold: run.threshold, blocks: 20, instructions: 240, batch: 1 },
        });
        if (run.accel === "jit" && !core.jit.isOn)
          throw new LabBroken(
            "this browser's WebAssembly has no tail calls, which translation needs: use another one, or npx vitrine grade",
          );
        return core;
      },
    },
  );
  for (const { address, bytes } of built.images) core.memory.write(address, bytes);
  if (run.mode === "protected") {
    core.memory.write(GDT, bootGdt());
    core.setRegisters(protectedModeEntry(built.entry, {}));
  } else core.setRegisters({ ...realModeEntry(built.entry, 0x80), rsp: BigInt(0x7c00) });
  core.listen(true);

  let serial = "";
  machine.serial(0).onData((bytes) => {
    if (serial.length < MOST_SERIAL_CHARACTERS) serial += String.fromCharCode(...bytes);
  });
  let wasReset = false;
  machine.onReset(() => {
    wasReset = true;
  });
  const events: CoreEvent[] = [];
  let next = 0;
  let eventsLost = false;
  const readEvents = (): void => {
    const fresh = core.events(next);
    eventsLost ||= fresh.events.length !== fresh.next - next || events.length + fresh.events.length > MOST_EVENTS;
    if (events.length < MOST_EVENTS) events.push(...fresh.events);
    next = fresh.next;
  };

  const rollback = run.snapshot === "" ? undefined : new Rollback(machine, core, run, built);
  if (rollback?.isHere) await rollback.take();
  const now = engine.now ?? (() => performance.now());
  const deadline = now() + MOST_MS;
  const lastTick = Math.max(FEWEST_TICKS, run.instructions * TICKS_PER_INSTRUCTION);
  let isAsleep = false;
  while (
    machine.exit === null &&
    !wasReset &&
    !isAsleep &&
    core.instructions < run.instructions &&
    core.ticks < lastTick &&
    now() < deadline
  ) {
    const slice = machine.runSlice(Math.min(TICKS_A_SLICE, run.instructions - core.instructions));
    isAsleep = slice === "idle";
    readEvents();
    if (slice === "breakpoint") await rollback?.take();
  }
  if (machine.exit?.error) throw machine.exit.error;
  // HLT until a timer that never comes: chips tick on for ever.
  isAsleep ||= core.instructions < run.instructions && core.getRegister("halted") !== 0n;
  const end = endOf(machine.exit?.reason, wasReset, isAsleep);
  const ending = wording(end, machine, core, run, built) + lastException(end, events, built);
  const [stats, instructions, sent] = [core.stats(), core.instructions, serial];
  // What is gone back from has ended well: another end is told, and needs no second run.
  const rolledBack = end === "halted" ? ((await rollback?.finish()) ?? NOTHING) : NOTHING;
  return { end, ending, built, core, stats, instructions, serial: sent, events, eventsLost, rolledBack };
}

function endOf(reason: string | undefined, wasReset: boolean, isAsleep: boolean): RunEnd {
  if (wasReset) return "reset";
  switch (reason) {
    case "halted":
    case "triple-fault":
      return reason;
    case "unhandled-interrupt":
      return "no-handler";
    default:
      return isAsleep ? "asleep" : "instructions";
  }
}

/** What came before a bad end: most often an exception says more than the end itself. */
function lastException(end: RunEnd, events: readonly CoreEvent[], built: Built): string {
  const raised = events.filter(({ reason }) => reason === "Exception");
  const last = raised.at(-1);
  if (end === "halted" || !last) return "";
  const vector = Number(last.qualification & 0xffn);
  const same = raised.filter(({ rip, qualification }) => rip === last.rip && qualification === last.qualification).length;
  const place = built.describe(Number(last.rip));
  return same > 2
    ? ` Exception ${vector} was raised ${same} times at ${place}: a fault goes back to the instruction that raised it, unless the handler moves the saved EIP on.`
    : ` The last exception was number ${vector}, at ${place}.`;
}

function wording(end: RunEnd, machine: Machine, core: CoreHost, run: Run, built: Built): string {
  const at = built.describe(Number((core.getRegister("cs_base") + core.getRegister("rip")) & 0xffffffffn));
  switch (end) {
    case "halted":
      return "";
    case "triple-fault":
      return `The guest crashed with a triple fault at ${at}: an exception came whose handler could not be reached, twice.`;
    case "no-handler":
      return machine.exit?.message ?? "";
    case "asleep":
      return `The guest sleeps for ever: HLT with interrupts on at ${at}, and nothing will interrupt it. End with CLI and HLT.`;
    case "reset":
      return "The guest reset the machine.";
    case "instructions":
      return `The guest did not end within ${run.instructions} instructions; it was stopped at ${at}. Does a loop never end?`;
  }
}

/**
 * Going back in time. While it records, it keeps moments of the machine (checkpoints: what RAM, disks, chips and CPU were)
 * and every input. To go back is to take up the last moment before, and to run on with the recorded inputs: the same run
 * to the bit. From there the machine runs as it did until it comes to where it was; whoever gives it another input
 * meanwhile makes another future, and the recorded one is forgotten.
 *
 * Moments are dense near the present and thin out with age. A reset ends what can be gone back to.
 */
import { BadArgument, OutOfMemory } from "../lib/errors";
import type { StopCause } from "../lib/inspection";
import type { GuestClock } from "./clock";
import type { Core } from "./core";
import { DiskJournal } from "./disk-journal";
import type { HostWorks, WorkMarks, WorkRecord } from "./host-work";
import type { Ram } from "./ram";
import { type FrameChanges, RamJournal } from "./ram-journal";
import type { Limits, Scheduler, SliceEnd } from "./scheduler";
import type { PendingInput, Serial } from "./serial";

export interface HistoryOptions {
  /** What moments may take, in MB. Default 256. */
  readonly memoryMb?: number;
}

/** What a history needs of its machine. */
export interface HistoryMachine {
  readonly core: Core;
  readonly ram: Ram;
  readonly clock: GuestClock;
  readonly works: HostWorks;
  readonly scheduler: Scheduler;
  readonly serial: readonly Serial[];
  sections(): Map<string, Uint8Array>;
  /** Resets the CPU and loads it and the board. */
  takeOver(sections: ReadonlyMap<string, Uint8Array>): void;
  /** A slice of a recorded run and what follows from it, without anybody hearing of it. */
  repeat(limits: Limits): SliceEnd;
  deliver(): Promise<void>;
  yield(): Promise<void>;
  demandStill(): void;
  demandBetween(): void;
  /** Nobody hears of what happens until `arrived`. */
  departing(): void;
  /** The machine stands somewhere else. */
  arrived(): void;
  readonly stops: {
    suspend(): void;
    resume(): void;
    peek(): StopCause | undefined;
    land(cause: StopCause | null): void;
  };
  /** The end of COM1's output. */
  readonly terminal: { bytes(): Uint8Array; restore(bytes: Uint8Array): void; add(bytes: Uint8Array): void };
  /** Exits counted so far. */
  readonly counters: { save(): Uint8Array; restore(saved: Uint8Array): void };
}

interface Moment {
  readonly instructions: number;
  readonly ticks: number;
  /** GuestClock.fired. */
  readonly fired: number;
  readonly sections: ReadonlyMap<string, Uint8Array>;
  readonly works: WorkMarks;
  readonly disks: number;
  /** Inputs given before it. */
  inputs: number;
  readonly terminal: Uint8Array;
  readonly counters: Uint8Array;
  /** Of RAM until the next moment; empty for the last one. */
  changes: FrameChanges;
  readonly bytes: number;
}

interface Input {
  readonly tick: number;
  readonly fired: number;
  readonly again: () => void;
  readonly isReady: () => boolean;
}

/** Where the machine was when it was taken back. */
interface Present {
  readonly instructions: number;
  readonly ticks: number;
  readonly pending: readonly PendingInput[];
}

const DEFAULT_MB = 256;
/** Host time spent running guest code from one moment to the next; more where making them costs much. */
const EVERY_MS = 40;
const COST_FACTOR = 20;
/** On the way to an instruction, moments are made so many instructions before it: the next step back is short. */
const NEAR = [2_000_000, 250_000, 32_000, 4000, 500];
/** A moment may go if its neighbours are nearer to each other than this share of their age. */
const THINNING = 0.25;

export class History {
  readonly disks = new DiskJournal();
  #machine!: HistoryMachine;
  #journal: RamJournal | undefined;
  #moments: Moment[] = [];
  #inputs: Input[] = [];
  /** Of them, those that the machine has been given where it stands. */
  #given = 0;
  #present: Present | undefined;
  #mostBytes = 0;
  #isTravelling = false;
  #lastMs = 0;
  #costMs = 0;

  connect(machine: HistoryMachine): void {
    this.#machine = machine;
  }

  get isRecording(): boolean {
    return this.#journal !== undefined;
  }

  /** The machine is being taken to another moment; nothing else may be asked of it. */
  get isTravelling(): boolean {
    return this.#isTravelling;
  }

  /** The machine stands before a moment that it has come to already. */
  get isPast(): boolean {
    return this.#present !== undefined;
  }

  /** Instructions at the earliest moment that can be gone back to; undefined while nothing is recorded. */
  get oldest(): number | undefined {
    return this.#moments[0]?.instructions;
  }

  /** Instructions at the moment from which on nothing is recorded: where the machine is, or was before it was taken back. */
  get newest(): number {
    return this.#present?.instructions ?? this.#machine.core.instructions;
  }

  /** What moments take, in bytes. */
  get bytes(): number {
    return (this.#journal?.bytes ?? 0) + this.disks.bytes + this.#moments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get moments(): number {
    return this.#moments.length;
  }

  /** Records from here on; between two slices, also of a running machine. Throws OutOfMemory where one moment alone takes more than `memoryMb`. */
  start(options: HistoryOptions = {}): void {
    this.#machine.demandBetween();
    this.stop();
    this.#mostBytes = (options.memoryMb ?? DEFAULT_MB) * 0x100000;
    this.#begin();
    if (this.bytes <= this.#mostBytes) return;
    const needed = Math.ceil(this.bytes / 0x100000);
    this.stop();
    throw new OutOfMemory(needed, `To record this machine takes ${needed} MB for its memory alone: allow more, or record it earlier.`);
  }

  #begin(): void {
    this.#journal = new RamJournal(this.#machine.core, this.#machine.ram);
    this.disks.isOn = true;
    this.#moments = [this.#moment()];
    this.#lastMs = this.#machine.scheduler.busyMs;
  }

  /** Forgets everything; the machine stays where it is. */
  stop(): void {
    this.branch();
    this.#journal = undefined;
    this.disks.isOn = false;
    this.disks.forget(this.disks.mark);
    this.#moments = [];
    this.#inputs = [];
    this.#given = 0;
  }

  /** What was before cannot be gone back to: a reset, another state, registers that were changed by hand. */
  restart(): void {
    if (!this.#journal) return;
    this.stop();
    this.#begin();
  }

  /** The machine goes on from here into another future. */
  branch(): void {
    if (!this.#present) return;
    this.#present = undefined;
    this.#inputs.length = this.#given;
    this.#machine.scheduler.clearInputs();
    this.#machine.works.repeat(false);
    this.#machine.scheduler.rebase();
  }

  /** An input was given now; `again` gives it once more. Without: what cannot be repeated. */
  heard(again?: () => void, isReady: () => boolean = () => true): void {
    if (!this.#journal || this.#isTravelling) return;
    if (!again) {
      this.restart();
      return;
    }
    const { core, clock } = this.#machine;
    this.#inputs.push({ tick: core.ticks, fired: clock.fired, again, isReady });
    this.#given = this.#inputs.length;
  }

  /** An end of host work was given to its device. */
  heardWork(record: WorkRecord): void {
    const { works } = this.#machine;
    this.heard(
      () => works.end(record),
      () => works.isDone(record),
    );
  }

  /** Limits of a slice that does not run past the recorded end. */
  clip(limits: Limits): Limits {
    if (!this.#present) return limits;
    const { tick = Number.POSITIVE_INFINITY } = limits;
    return { ...limits, tick: Math.min(tick, this.#present.ticks) };
  }

  /** After every slice: is it time for a moment, has the recorded end come? */
  passed(): void {
    if (!this.#journal || this.#isTravelling) return;
    if (this.#present) this.#maybeArrive();
    const { busyMs } = this.#machine.scheduler;
    if (busyMs - this.#lastMs >= Math.max(EVERY_MS, this.#costMs * COST_FACTOR)) this.#mark();
  }

  #maybeArrive(): void {
    const { core, serial, works, scheduler } = this.#machine;
    const { ticks, instructions, pending } = this.#present!;
    if (core.ticks < ticks || core.instructions < instructions || this.#given < this.#inputs.length) return;
    this.#present = undefined;
    works.repeat(false);
    pending.forEach((input, port) => {
      serial[port]!.restorePending(input);
    });
    scheduler.rebase();
  }

  #moment(): Moment {
    const { core, clock, works, terminal, counters } = this.#machine;
    const fresh = this.#machine.sections();
    // Chips that did nothing share what they were.
    const before = this.#moments.at(-1)?.sections;
    const sections = new Map<string, Uint8Array>();
    let bytes = 0;
    for (const [name, contents] of fresh) {
      const old = before?.get(name);
      const same = old && equal(old, contents);
      sections.set(name, same ? old : contents);
      if (!same) bytes += contents.length;
    }
    const tail = terminal.bytes();
    const last = this.#moments.at(-1)?.terminal;
    const shown = last && equal(last, tail) ? last : tail;
    if (shown === tail) bytes += tail.length;
    const { instructions, ticks } = core;
    return {
      ...{ instructions, ticks, sections, bytes, fired: clock.fired, works: works.marks, disks: this.disks.mark },
      ...{ inputs: this.#given, terminal: shown, counters: counters.save(), changes: new Map() },
    };
  }

  #mark(): void {
    const started = performance.now();
    if (this.#moments.at(-1)!.instructions < this.#machine.core.instructions) {
      this.#moments.at(-1)!.changes = this.#journal!.mark();
      this.#moments.push(this.#moment());
      this.#thin();
    }
    this.#costMs = performance.now() - started;
    this.#lastMs = this.#machine.scheduler.busyMs;
  }

  #thin(): void {
    const { instructions } = this.#machine.core;
    const all = this.#moments;
    for (let n = all.length - 2; n > 0; n--) {
      if (all[n + 1]!.instructions - all[n - 1]!.instructions >= (instructions - all[n + 1]!.instructions) * THINNING) continue;
      this.#journal!.join(all[n - 1]!.changes, all[n]!.changes);
      all.splice(n, 1);
    }
    while (this.bytes > this.#mostBytes && all.length > 1) this.#dropOldest();
    // What changed all at once does not fit: begin anew, or give up where even that is too much.
    if (this.bytes > this.#mostBytes) this.stop();
  }

  #dropOldest(): void {
    const gone = this.#moments.shift()!;
    this.#journal!.forget(gone.changes);
    const first = this.#moments[0]!;
    this.disks.forget(first.disks);
    const inputs = first.inputs;
    this.#inputs.splice(0, inputs);
    this.#given -= inputs;
    for (const moment of this.#moments) moment.inputs -= inputs;
  }

  /** Takes up the last moment that is not after `instructions`. */
  async #takeUp(instructions: number): Promise<void> {
    const { core, clock, works, scheduler, serial, terminal, counters } = this.#machine;
    let n = this.#moments.length - 1;
    while (n > 0 && this.#moments[n]!.instructions > instructions) n--;
    const moment = this.#moments[n]!;
    this.#present ??= { instructions: core.instructions, ticks: core.ticks, pending: serial.map(({ pending }) => pending) };
    await works.quiet();
    for (const port of serial) port.clear();
    scheduler.clearInputs();
    works.repeat(true);
    await this.disks.rollBack(moment.disks);
    await this.#journal!.restore(this.#moments.slice(n).map(({ changes }) => changes));
    this.#moments.length = n + 1;
    moment.changes = new Map();
    this.#machine.takeOver(moment.sections);
    works.recount(moment.works);
    clock.fired = moment.fired;
    terminal.restore(moment.terminal);
    counters.restore(moment.counters);
    this.#given = moment.inputs;
    for (const { tick, fired, again, isReady } of this.#inputs.slice(moment.inputs))
      scheduler.input(
        () => {
          this.#given++;
          again();
        },
        tick,
        { fired, isReady },
      );
  }

  /** Runs on as recorded to exactly this instruction, or to the recorded end. Breakpoints end it where `onHit` says so. */
  async #replay(instructions: number, onHit: () => boolean = () => false): Promise<void> {
    const { core, works } = this.#machine;
    const end = this.#present!;
    while (core.instructions < instructions && (core.ticks < end.ticks || core.instructions < end.instructions)) {
      const slice = this.#machine.repeat(this.clip({ instructions }));
      if (slice.kind === "frame-missing") await this.#machine.deliver();
      else if (slice.kind === "waiting") await works.settled();
      else if (slice.kind === "breakpoint" && onHit()) return;
      else if (slice.kind === "exit" || slice.kind === "idle") return;
      else if (this.#machine.scheduler.isTurnOver()) await this.#machine.yield();
    }
  }

  /** Back by so many instructions. Resolves to where the machine then is. Rejects with BadArgument beyond what is recorded. */
  back(count = 1): Promise<number> {
    return this.to(this.#machine.core.instructions - count);
  }

  /** To the moment at which so many instructions had retired since power-on. Rejects with BadArgument beyond what is recorded. */
  async to(instructions: number): Promise<number> {
    this.#demandStill();
    const first = this.#demandRecorded();
    if (!Number.isInteger(instructions) || instructions < first || instructions > this.newest)
      throw new BadArgument("history", `${instructions} lies outside what is recorded: ${first} to ${this.newest} instructions.`);
    return this.#travel(async () => {
      await this.#approach(instructions);
      return null;
    });
  }

  async #approach(instructions: number): Promise<void> {
    const { core } = this.#machine;
    await this.#takeUp(instructions);
    for (const near of NEAR) {
      if (instructions - core.instructions < 2 * near) continue;
      await this.#replay(instructions - near);
      this.#mark();
    }
    await this.#replay(instructions);
  }

  /**
   * Back to where a stop of run control (Machine.debug) would last have stopped the machine, before the present
   * instruction. Resolves to the cause; null: nowhere in what is recorded, and the machine stays. `only`: which causes count.
   */
  async backToLast(only: (cause: StopCause) => boolean = () => true): Promise<StopCause | null> {
    this.#demandStill();
    this.#demandRecorded();
    const { core, stops } = this.#machine;
    const origin = core.instructions;
    const wanted = (): StopCause | undefined => {
      const cause = stops.peek();
      return cause && only(cause) ? cause : undefined;
    };
    let found: StopCause | null = null;
    await this.#travel(async () => {
      for (let end = origin; end > this.#moments[0]!.instructions; ) {
        await this.#takeUp(end - 1);
        const start = core.instructions;
        stops.resume();
        let hits = 0;
        await this.#replay(end, () => {
          // Standing at a stop, one goes back to the one before.
          if (core.instructions < origin && wanted()) hits++;
          return false;
        });
        if (hits > 0) {
          stops.suspend();
          await this.#takeUp(start);
          stops.resume();
          await this.#replay(end, () => {
            found = wanted() ?? null;
            return found !== null && --hits === 0;
          });
          return found;
        }
        stops.suspend();
        end = start;
      }
      await this.#approach(origin);
      return null;
    });
    return found;
  }

  async #travel(go: () => Promise<StopCause | null>): Promise<number> {
    this.#isTravelling = true;
    this.#machine.departing();
    this.#machine.stops.suspend();
    let cause: StopCause | null = null;
    try {
      cause = await go();
    } finally {
      this.#isTravelling = false;
      this.#machine.stops.resume();
      this.#machine.stops.land(cause);
      this.#maybeArrive();
      this.#machine.arrived();
    }
    return this.#machine.core.instructions;
  }

  #demandRecorded(): number {
    const first = this.#moments[0];
    if (!first) throw new BadArgument("history", "nothing is recorded; call history.start() first.");
    return first.instructions;
  }

  #demandStill(): void {
    this.#machine.demandStill();
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

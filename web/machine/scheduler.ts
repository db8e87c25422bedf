/**
 * The run loop. It cuts guest time into slices at the next deadline, input or limit, moves time while the guest is
 * in HLT, and lets the host's events through every few milliseconds. Inputs reach devices only between two `run()`
 * calls of the core, with their tick, so that a log of them repeats the run.
 *
 *   deterministic   guest time = ticks / rate. HLT jumps to the next deadline.
 *   realtime        guest time follows the host's clock: before each slice the rate is set so that the slice ends
 *                   where the host's clock will be. HLT sleeps. After a host sleep the guest catches up by at most
 *                   CATCH_UP_MS; the rest of the time is lost to it.
 */
import { assert } from "../lib/assert";
import { ExitReason } from "../lib/events.generated";
import type { GuestClock } from "./clock";
import type { Core } from "./core";
import type { Host } from "./host";

/** Longest time without letting the host's events through. */
export const SLICE_MS = 8;
/** How far the guest may lie behind the host's clock and still catch up. */
export const CATCH_UP_MS = 250;
/** The TSC counts guest nanoseconds: a constant rate, whatever the rate of ticks. */
export const TSC_PER_NS = 1;

const NS_PER_MS = 1e6;
/** Rate corrections stay within this factor of the measured speed, so that delays keep their scale. */
const MOST_CORRECTION = 1.5;
/**
 * The guest's processor never seems slower than this (25 million ticks a second). On a host that is slower still, guest
 * time falls behind the host's instead: a kernel whose timer interrupts cost more instructions than lie between them would
 * get nothing done, and its delay calibrations would fail.
 */
export const MOST_NS_PER_TICK = 40;
/** A correction smaller than this is not worth a logged input. */
const LEAST_CHANGE = 0.1;
const LEAST_SLICE_TICKS = 2000;
/** Browsers round their clock to a tenth of a millisecond: slices are measured together until they are longer than this. */
const LEAST_ELAPSED_MS = 1;
/** Ticks are exact up to here: half a year at 500 million a second. */
const LAST_TICK = Number.MAX_SAFE_INTEGER;
/** Weights of the newest measurement of speed: a slow-down makes slices too long at once, a speed-up can be believed later. */
const SLOWER_WEIGHT = 0.75;
const FASTER_WEIGHT = 0.25;

export interface Limits {
  /** Stop when ticks reach this. */
  readonly tick?: number;
  /** Stop when exactly so many instructions have retired. */
  readonly instructions?: number;
  /** Real time: HLT jumps to the next deadline as in deterministic mode (single steps: the host's clock stands still). */
  readonly jump?: boolean;
}

/**
 * Why a slice ended. `stopped`: a device or an input made the core stop, or `stop()` was called. `waiting`: guest time
 * may not go on before the host's work is done. `idle`: in HLT until `untilTick` (Infinity: until input). `breakpoint`:
 * something that run control looks for. `exit`: the core ended by itself.
 */
export type SliceEnd =
  | { readonly kind: "limit" | "stopped" | "frame-missing" | "breakpoint" | "waiting" }
  | { readonly kind: "idle"; readonly untilTick: number }
  | { readonly kind: "exit"; readonly reason: ExitReason };

/** An input to be given to a device at a tick; null: at the next opportunity. */
interface PendingInput {
  readonly tick: number | null;
  readonly apply: (tick: number) => void;
  readonly repeated?: Repeated | undefined;
}

/** An input of a recorded run: it comes when as many alarms have fired as then, and what it needs is there. */
export interface Repeated {
  readonly fired: number;
  readonly isReady: () => boolean;
}

export class Scheduler {
  readonly #core: Core;
  readonly #clock: GuestClock;
  readonly #host: Host;
  readonly #realtime: boolean;
  readonly #mostNsPerTick: number;
  #inputs: PendingInput[] = [];
  #asked = false;
  #slicing = false;
  /** The last slice ended in HLT, and time may have to be moved before the next. */
  #halted = false;
  #turnStartedMs = 0;
  /** Limits.jump of the slice in progress. */
  #jump = false;
  #sleeper: { wake(): void } | undefined;
  /** Real time: guest ns `guestOriginNs` belongs to host ms `hostOriginMs`. */
  #hostOriginMs = 0;
  #guestOriginNs = 0;
  /** Measured speed while guest code runs. */
  #ticksPerMs: number;
  /** Slices since the last measurement. */
  #unmeasuredMs = 0;
  #unmeasuredInstructions = 0;
  /** Host time spent in slices since creation. */
  busyMs = 0;
  /** Instructions retired in that time. */
  ranInstructions = 0;

  constructor(core: Core, clock: GuestClock, host: Host, realtime: boolean, mostNsPerTick = MOST_NS_PER_TICK) {
    this.#mostNsPerTick = mostNsPerTick;
    this.#core = core;
    this.#clock = clock;
    this.#host = host;
    this.#realtime = realtime;
    this.#ticksPerMs = NS_PER_MS / clock.nsPerTick;
    this.setTsc();
  }

  /** Ties the TSC to guest time as the clock's line now runs. To be called whenever that line changes. */
  setTsc(): void {
    const tick = this.#core.ticks;
    this.#core.setTsc(BigInt(Math.floor(this.#clock.nsAt(tick) * TSC_PER_NS)), tick, this.#clock.nsPerTick * TSC_PER_NS);
  }

  /** Real time: guest time goes on from here, whatever the host's clock did meanwhile. Call when a pause ends. */
  rebase(): void {
    this.#hostOriginMs = this.#host.now();
    this.#guestOriginNs = this.#clock.now();
  }

  /** Queues an input. With a tick (not in the past) it is given at exactly that tick, else before the next slice. */
  input(apply: (tick: number) => void, tick: number | null = null, repeated?: Repeated): void {
    assert(tick === null || tick >= this.#core.ticks, "an input is not given in the past");
    // Stable: inputs for one tick keep their order; those without a tick come first.
    const at = tick === null ? 0 : tick;
    const index = this.#inputs.findIndex((other) => (other.tick ?? 0) > at);
    this.#inputs.splice(index < 0 ? this.#inputs.length : index, 0, { tick, apply, repeated });
    if (this.#slicing) {
      if (tick === null) this.#core.stop();
      else this.#core.limit(tick);
    }
    this.wake();
  }

  /** Ends the present slice after the instruction in execution; from callbacks and listeners. */
  stop(): void {
    this.#asked = true;
    if (this.#slicing) this.#core.stop();
    this.wake();
  }

  /** Whether guest code is in execution: a callback or a listener asks. */
  get isSlicing(): boolean {
    return this.#slicing;
  }

  /** Forgets inputs that were not given yet. */
  clearInputs(): void {
    this.#inputs = [];
  }

  /** Whether the host's events have waited for SLICE_MS. Resets itself when true. */
  isTurnOver(): boolean {
    const now = this.#host.now();
    if (now - this.#turnStartedMs < SLICE_MS) return false;
    this.#turnStartedMs = now;
    return true;
  }

  /** Ends a sleep early. */
  wake(): void {
    this.#sleeper?.wake();
  }

  /**
   * Runs guest code, synchronously, up to the limits or another end. Deadlines and inputs take effect at their ticks.
   * `budgetTick` also ends it, but HLT may jump over it.
   */
  slice(limits: Limits, budgetTick = LAST_TICK): SliceEnd {
    assert(!this.#slicing, "a slice does not start another");
    this.#slicing = true;
    this.#asked = false;
    this.#halted = false;
    this.#jump = limits.jump === true;
    const started = this.#host.now();
    const instructions = this.#core.instructions;
    try {
      return this.#slice(limits, budgetTick);
    } finally {
      this.#slicing = false;
      this.busyMs += this.#host.now() - started;
      this.ranInstructions += this.#core.instructions - instructions;
    }
  }

  #slice(limits: Limits, budgetTick: number): SliceEnd {
    const core = this.#core;
    const limitTick = limits.tick ?? Number.POSITIVE_INFINITY;
    const endTick = Math.min(limitTick, budgetTick);
    const limitInstructions = limits.instructions ?? Number.POSITIVE_INFINITY;
    for (;;) {
      if (!this.#giveInputs() || !this.#clock.fireDue()) return { kind: "waiting" };
      if (this.#asked) return { kind: "stopped" };
      const tick = core.ticks;
      const left = limitInstructions - core.instructions;
      if (tick >= endTick || left <= 0) return { kind: "limit" };
      const reason = core.run(Math.min(endTick, this.#wakeTick(), tick + left));
      switch (reason) {
        case ExitReason.Budget:
          break;
        case ExitReason.Stop:
          // A device may have asked the machine for something, which only the machine knows.
          return { kind: "stopped" };
        case ExitReason.FrameMissing:
          return { kind: "frame-missing" };
        case ExitReason.Breakpoint:
          return { kind: "breakpoint" };
        case ExitReason.Halt: {
          if (this.#asked) return { kind: "stopped" };
          const idle = this.#idle(limitTick);
          if (idle) return idle;
          break;
        }
        default:
          return { kind: "exit", reason };
      }
    }
  }

  /** In HLT: moves time as far as it may go now. Undefined: go on; else wait. */
  #idle(limitTick: number): SliceEnd | undefined {
    if (this.#inputs[0]?.tick === null) return undefined;
    const wakeTick = this.#wakeTick();
    const reached = this.#passTime(wakeTick, limitTick);
    if (reached === wakeTick || reached === limitTick) return undefined;
    this.#halted = true;
    return { kind: "idle", untilTick: wakeTick };
  }

  /** The tick of the next alarm or input; Infinity for none. Inputs without a tick have been given. */
  #wakeTick(): number {
    return Math.min(this.#clock.nextDeadlineTicks(), this.#inputs[0]?.tick ?? Number.POSITIVE_INFINITY);
  }

  /** Sets ticks forward to the earliest of these and what the host's clock allows. Undefined: there is no such end. */
  #passTime(wakeTick: number, limitTick: number): number | undefined {
    const reachable = this.#realtime && !this.#jump ? this.#clock.ticksAt(this.#hostNs()) : Number.POSITIVE_INFINITY;
    const to = Math.min(wakeTick, limitTick, reachable);
    if (!Number.isFinite(to)) return undefined;
    if (to > this.#core.ticks) this.#core.ticks = to;
    return to;
  }

  /** False: the next one, of a recorded run, has to wait for the host. */
  #giveInputs(): boolean {
    while (this.#inputs.length > 0) {
      const { tick, apply, repeated } = this.#inputs[0]!;
      if (tick !== null && tick > this.#core.ticks) return true;
      if (repeated && this.#clock.fired < repeated.fired && this.#clock.nextDeadlineTicks() <= this.#core.ticks) {
        if (!this.#clock.fireDue(1)) return false;
        continue;
      }
      if (repeated && !repeated.isReady()) return false;
      this.#inputs.shift();
      apply(this.#core.ticks);
    }
    return true;
  }

  /** Guest time that the host's clock asks for now. */
  #hostNs(): number {
    return this.#guestOriginNs + (this.#host.now() - this.#hostOriginMs) * NS_PER_MS;
  }

  /** How far the guest is behind the host's clock, in ns; what exceeds the cap is lost to the guest. */
  #behindNs(): number {
    const behind = this.#hostNs() - this.#clock.now();
    const most = CATCH_UP_MS * NS_PER_MS;
    if (behind > most) this.#guestOriginNs -= behind - most;
    return Math.min(behind, most);
  }

  /**
   * One slice of at most SLICE_MS of host time, at the right rate in real-time mode. For the asynchronous loop, which
   * lets events through afterwards.
   */
  timedSlice(limits: Limits): SliceEnd {
    const budget = Math.max(LEAST_SLICE_TICKS, Math.floor(this.#ticksPerMs * SLICE_MS));
    if (this.#realtime) {
      // Time spent in HLT passes first: it is no reason to run faster.
      if (this.#halted) this.#passTime(this.#clock.nextDeadlineTicks(), limits.tick ?? Number.POSITIVE_INFINITY);
      this.#setRate(budget);
    }
    const tick = this.#core.ticks;
    const instructions = this.#core.instructions;
    const started = this.#host.now();
    const end = this.slice(limits, tick + budget);
    // A slice that ended early, in HLT say, is judged alone.
    if (end.kind !== "limit") this.#forgetSlices();
    this.#measure(this.#host.now() - started, this.#core.instructions - instructions);
    if (end.kind !== "limit") this.#forgetSlices();
    return end;
  }

  /** One slice of at most SLICE_MS or so of a recorded run: HLT jumps, the rate is as recorded. */
  repeatedSlice(limits: Limits): SliceEnd {
    return this.slice({ ...limits, jump: true }, this.#core.ticks + Math.max(LEAST_SLICE_TICKS, Math.floor(this.#ticksPerMs * SLICE_MS)));
  }

  /** Only instructions say how fast the core is; ticks also pass in HLT. */
  #measure(elapsedMs: number, ran: number): void {
    this.#unmeasuredMs += elapsedMs;
    this.#unmeasuredInstructions += ran;
    if (this.#unmeasuredMs <= LEAST_ELAPSED_MS || this.#unmeasuredInstructions <= LEAST_SLICE_TICKS) return;
    const change = this.#unmeasuredInstructions / this.#unmeasuredMs - this.#ticksPerMs;
    this.#ticksPerMs += change * (change < 0 ? SLOWER_WEIGHT : FASTER_WEIGHT);
    this.#forgetSlices();
  }
  #forgetSlices(): void {
    this.#unmeasuredMs = 0;
    this.#unmeasuredInstructions = 0;
  }

  /** So that `budget` ticks end where the host's clock will be in SLICE_MS. */
  #setRate(budget: number): void {
    const behindNs = this.#behindNs();
    const natural = NS_PER_MS / this.#ticksPerMs;
    const wanted = (behindNs + SLICE_MS * NS_PER_MS) / budget;
    const rate = Math.min(this.#mostNsPerTick, natural * MOST_CORRECTION, Math.max(natural / MOST_CORRECTION, wanted));
    if (Math.abs(rate / this.#clock.nsPerTick - 1) < LEAST_CHANGE) return;
    this.#clock.adjust(this.#core.ticks, this.#clock.now(), rate);
    this.setTsc();
  }

  /**
   * In HLT: sleeps until the host's clock reaches the tick or `latestMs` (host time), or until `wake()`. Infinity: no
   * such end.
   */
  async sleepUntil(tick: number, latestMs: number): Promise<void> {
    const ns = Number.isFinite(tick) ? this.#clock.nsAt(tick) : Number.POSITIVE_INFINITY;
    const ms = Math.min((ns - this.#hostNs()) / NS_PER_MS, latestMs - this.#host.now());
    if (ms <= 0) return this.#host.yield();
    // Timers are coarse: a millisecond too late is caught up with, busy waiting is not wanted.
    const sleeper = this.#host.sleep(Math.max(1, ms));
    this.#sleeper = sleeper;
    try {
      await sleeper.done;
    } finally {
      this.#sleeper = undefined;
    }
  }
}

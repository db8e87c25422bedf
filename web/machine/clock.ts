/**
 * Guest time and its alarms. Guest ns are a pure function of the core's ticks and a log of adjustments:
 *
 *   ns = baseNs + floor((ticks - baseTick) * nsPerTick)
 *
 * Deterministic mode never adjusts. In real-time mode the host may call `adjust` between two `run()` calls; each
 * adjustment is an input of the run and goes to the input log, so that a replay sees the same time. Alarms belong
 * to devices, which save their deadlines and arm again on load; the clock saves only its own line.
 */
import { assert } from "../lib/assert";
import { SnapshotIncompatible } from "../lib/errors";
import { copyState, f64, type StateOf, state } from "../snapshot/schema";
import type { Clock, Timer } from "./device";

/** One logged change of the clock: from `tick` on, time is `ns + (ticks - tick) * nsPerTick`. */
export interface ClockAdjustment {
  readonly tick: number;
  readonly ns: number;
  readonly nsPerTick: number;
}

export interface ClockOptions {
  /** Ticks in a microsecond of guest time: the fixed rate, or the first rate in real-time mode. */
  readonly ticksPerUs: number;
  /** Whether `adjust` may be called. */
  readonly realtime: boolean;
  /** Seconds since 1970 (UTC) at guest time 0. */
  readonly epochSeconds: number;
  /** The core's tick counter, exact at the instruction that asks. */
  readonly ticks: () => number;
  /** Hears every adjustment, for the input log. */
  readonly onAdjust?: ((adjustment: ClockAdjustment) => void) | undefined;
}

const schema = state("clock", 1, { baseTick: f64, baseNs: f64, nsPerTick: f64, epochSeconds: f64 });

class Alarm implements Timer {
  deadlineNs = Number.POSITIVE_INFINITY;
  constructor(
    readonly name: string,
    readonly fire: () => void,
    readonly isReady: () => boolean,
    private readonly moved: (alarm: Alarm) => void,
  ) {}

  arm(deadlineNs: number): void {
    assert(!Number.isNaN(deadlineNs), `the deadline of ${this.name} is a number`);
    if (deadlineNs === this.deadlineNs) return;
    this.deadlineNs = deadlineNs;
    this.moved(this);
  }

  disarm(): void {
    this.arm(Number.POSITIVE_INFINITY);
  }
}

export class GuestClock implements Clock {
  readonly schema = schema;
  #s: StateOf<typeof schema>;
  readonly #ticks: () => number;
  readonly #realtime: boolean;
  readonly #onAdjust: ((adjustment: ClockAdjustment) => void) | undefined;
  readonly #alarms: Alarm[] = [];
  /** The earliest alarm, or none. Among equal deadlines the first registered wins. */
  #earliest: Alarm | undefined;
  #earliestTick = Number.POSITIVE_INFINITY;
  #firing = false;
  /** Alarms fired so far; together with ticks it names a moment between two instructions. Not part of the state. */
  fired = 0;
  /**
   * Called with a tick when a device arms an alarm that is now the earliest and earlier than what
   * `nextDeadlineTicks()` said before: the board passes it to `core.limit()`. Not called from within `fireDue()`.
   */
  onEarlier: (deadlineTicks: number) => void = () => {};

  constructor(options: ClockOptions) {
    assert(options.ticksPerUs > 0 && Number.isFinite(options.ticksPerUs), "a microsecond has a positive number of ticks");
    this.#ticks = options.ticks;
    this.#realtime = options.realtime;
    this.#onAdjust = options.onAdjust;
    this.#s = { baseTick: 0, baseNs: 0, nsPerTick: 1000 / options.ticksPerUs, epochSeconds: options.epochSeconds };
  }

  get epochSeconds(): number {
    return this.#s.epochSeconds;
  }

  /** Seconds since 1970 (UTC) that guest time says it is now. */
  get utcSeconds(): number {
    return this.#s.epochSeconds + this.now() / 1e9;
  }

  /** The world was ahead of guest time by so much, because the machine stood still or lay in a file: only dates learn of it. */
  skipDate(seconds: number): void {
    this.#s.epochSeconds += seconds;
  }

  /** Guest ns per tick at present. */
  get nsPerTick(): number {
    return this.#s.nsPerTick;
  }

  now(): number {
    return this.nsAt(this.#ticks());
  }

  /** Guest time in ns at a tick of the present line; whole ns. */
  nsAt(tick: number): number {
    const s = this.#s;
    return s.baseNs + Math.floor((tick - s.baseTick) * s.nsPerTick);
  }

  /** The first tick whose time is not before `ns`, rounding up; Infinity for Infinity. Never below the line's base. */
  ticksAt(ns: number): number {
    const s = this.#s;
    let tick = Math.max(s.baseTick, s.baseTick + Math.ceil((ns - s.baseNs) / s.nsPerTick));
    if (tick > Number.MAX_SAFE_INTEGER) return Number.POSITIVE_INFINITY;
    // The division rounds; the definition decides.
    while (this.nsAt(tick) < ns) tick++;
    while (tick > s.baseTick && this.nsAt(tick - 1) >= ns) tick--;
    return tick;
  }

  timer(name: string, fire: () => void, isReady: () => boolean = () => true): Timer {
    const alarm = new Alarm(name, fire, isReady, (moved) => this.#moved(moved));
    this.#alarms.push(alarm);
    return alarm;
  }

  #moved(alarm: Alarm): void {
    const before = this.#earliestTick;
    if (alarm === this.#earliest || this.#earliest === undefined || alarm.deadlineNs <= this.#earliest.deadlineNs) this.#findEarliest();
    if (this.#earliestTick < before && !this.#firing) this.onEarlier(this.#earliestTick);
  }

  #findEarliest(): void {
    let earliest: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.deadlineNs < (earliest === undefined ? Number.POSITIVE_INFINITY : earliest.deadlineNs)) earliest = alarm;
    }
    this.#earliest = earliest;
    this.#earliestTick = earliest === undefined ? Number.POSITIVE_INFINITY : this.ticksAt(earliest.deadlineNs);
  }

  /** The tick at which the next alarm is due, or Infinity. May lie in the past: then `fireDue()` has work. */
  nextDeadlineTicks(): number {
    return this.#earliestTick;
  }

  /**
   * Fires every alarm that is due, earliest first, and those that they arm for now. Called between `run()` calls. False:
   * one is not ready, and time may not go on before it is; call again. At most `most` are fired.
   */
  fireDue(most = Number.POSITIVE_INFINITY): boolean {
    const tick = this.#ticks();
    this.#firing = true;
    try {
      for (let count = 0; count < most && this.#earliestTick <= tick; count++) {
        const alarm = this.#earliest!;
        if (!alarm.isReady()) return false;
        alarm.disarm();
        this.fired++;
        alarm.fire();
      }
      return true;
    } finally {
      this.#firing = false;
    }
  }

  /**
   * Real-time mode, between two `run()` calls only: from `tick` (now) on, time goes on from `ns` at `nsPerTick`.
   * Time never goes back: an `ns` before the present is taken as the present.
   */
  adjust(tick: number, ns: number, nsPerTick: number): void {
    assert(this.#realtime, "a deterministic clock is not adjusted");
    assert(nsPerTick > 0 && Number.isFinite(nsPerTick), "time goes forward");
    const adjustment = { tick, ns: Math.max(Math.floor(ns), this.nsAt(tick)), nsPerTick };
    this.#s.baseTick = adjustment.tick;
    this.#s.baseNs = adjustment.ns;
    this.#s.nsPerTick = adjustment.nsPerTick;
    this.#findEarliest();
    this.#onAdjust?.(adjustment);
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  /** Takes over a saved line. The owner of the clock sets the core's ticks; devices then arm their alarms again. */
  load(state: StateOf<typeof schema>): void {
    const isLine =
      state.nsPerTick > 0 && Number.isFinite(state.nsPerTick) && Number.isSafeInteger(state.baseTick) && Number.isSafeInteger(state.baseNs);
    if (!isLine || !Number.isFinite(state.epochSeconds)) throw new SnapshotIncompatible("clock", "its rate or base is not a time.");
    this.#s = copyState(schema, state);
    this.#findEarliest();
  }
}

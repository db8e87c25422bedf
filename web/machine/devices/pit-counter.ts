/**
 * One counter of an Intel 8254 (datasheet 231164-005, "Mode Definitions"), as a function of its input clock: nothing
 * runs between accesses; the counting element is computed from the pulse at which it was loaded. All times are in
 * input pulses since guest time 0.
 */

import { bool, f64, initially, type Schema, type StateOf, u8, u16, u32 } from "../../snapshot/schema";

export const counterFields = {
  /** As written, 0-7; 6 and 7 work as 2 and 3. */
  mode: u8,
  bcd: bool,
  /** Control word RW field: 1 least significant byte, 2 most significant byte, 3 both in turn. */
  access: initially(u8, 3),
  gate: bool,
  /** Count register as written, BCD digits included. */
  countRegister: u16,
  /** A count has been written since the control word (both bytes, with access 3). */
  written: bool,
  /** The counting element has taken a count, at `origin`. */
  loaded: bool,
  /** Pulse at which the counting element took `period`: one after the write or trigger. */
  origin: f64,
  /** The count it took, 1-65536. */
  period: initially(u32, 1),
  /** A new count waits: for `reloadAt` in the periodic modes, for a trigger in modes 1 and 5. */
  reload: bool,
  reloadAt: f64,
  /** Pulses counted when the gate fell (modes 0, 2, 3, 4). */
  held: f64,
  /** First byte of a two-byte write, kept until the second comes. */
  firstByte: u8,
  writeSecond: bool,
  readSecond: bool,
  /** Bytes of the output latch still to be read: 0, 1 or 2. */
  latchedBytes: u8,
  latchedCount: u16,
  statusLatched: bool,
  latchedStatus: u8,
};
export type CounterState = StateOf<Schema<typeof counterFields>>;

const NEVER = Number.POSITIVE_INFINITY;

/** Period in pulses for a count register: 0 stands for the largest count. Digits above 9 count as their value. */
function periodOf(countRegister: number, bcd: boolean): number {
  if (!bcd) return countRegister === 0 ? 0x10000 : countRegister;
  const digits = (countRegister >> 12) * 1000 + ((countRegister >> 8) & 15) * 100 + ((countRegister >> 4) & 15) * 10 + (countRegister & 15);
  return digits === 0 ? 10_000 : digits;
}

function toBcd(value: number): number {
  return (
    ((Math.floor(value / 1000) % 10) << 12) | ((Math.floor(value / 100) % 10) << 8) | ((Math.floor(value / 10) % 10) << 4) | (value % 10)
  );
}

/** The mode it works in, 0-5. */
const modeOf = (s: CounterState): number => (s.mode > 5 ? s.mode - 4 : s.mode);
/** Mode 2. */
export const isRateGenerator = (s: CounterState): boolean => modeOf(s) === 2;
/** Modes that begin anew at the end of each period. */
const isPeriodic = (s: CounterState): boolean => (s.mode & 2) !== 0;
/** Modes that only a rise of the gate starts. */
const isTriggered = (s: CounterState): boolean => s.mode === 1 || s.mode === 5;
/** Counts below two are illegal in the periodic modes (datasheet); the smallest legal one is taken, so that time always advances. */
const periodIn = (s: CounterState): number => Math.max(isPeriodic(s) ? 2 : 1, periodOf(s.countRegister & 0xffff, s.bcd));
/** Pulses of a mode 3 period with OUT high: the longer half of an odd count. */
const highHalf = (s: CounterState): number => Math.ceil(s.period / 2);

/** Pulses counted since the load; -1 in the pulse between write and load. */
function elapsed(s: CounterState, pulse: number): number {
  return s.gate || isTriggered(s) ? pulse - s.origin : s.held;
}

/** Periodic modes: takes a waiting count if the end of the period (mode 3: half period) has passed. */
function settle(s: CounterState, pulse: number): void {
  if (!s.reload || !isPeriodic(s) || !s.gate || pulse < s.reloadAt) return;
  const isMidPeriod = modeOf(s) === 3 && (s.reloadAt - s.origin) % s.period !== 0;
  s.period = periodIn(s);
  s.origin = s.reloadAt - (isMidPeriod ? highHalf(s) : 0);
  s.reload = false;
  s.reloadAt = 0;
}

/** Next end of a period (mode 3: of a half period) strictly after `pulse`. */
function nextBoundary(s: CounterState, pulse: number): number {
  const phase = Math.max(0, pulse - s.origin);
  const start = s.origin + Math.floor(phase / s.period) * s.period;
  const half = modeOf(s) === 3 ? start + highHalf(s) : start + s.period;
  return pulse < half ? half : start + s.period;
}

/** The counting element takes the count register on the pulse after this one. */
function load(s: CounterState, pulse: number): void {
  s.loaded = true;
  s.period = periodIn(s);
  s.origin = pulse + 1;
  s.reload = false;
  s.reloadAt = 0;
  s.held = 0;
}

export const counter = {
  /** A control word with a RW field: everything but the gate starts afresh and waits for a count. */
  control(s: CounterState, access: number, mode: number, bcd: boolean): void {
    s.access = access;
    s.mode = mode;
    s.bcd = bcd;
    s.countRegister = 0;
    s.written = false;
    s.loaded = false;
    s.origin = 0;
    s.period = 1;
    s.reload = false;
    s.reloadAt = 0;
    s.held = 0;
    s.firstByte = 0;
    s.writeSecond = false;
    s.readSecond = false;
    s.latchedBytes = 0;
    s.latchedCount = 0;
    s.statusLatched = false;
    s.latchedStatus = 0;
  },

  /** A byte written to the counter's port. */
  write(s: CounterState, pulse: number, value: number): void {
    settle(s, pulse);
    if (s.access === 3 && !s.writeSecond) {
      s.firstByte = value;
      s.writeSecond = true;
      // Datasheet mode 0: writing the first byte disables counting and sets OUT low.
      if (s.mode === 0) {
        s.loaded = false;
        s.written = false;
      }
      return;
    }
    s.countRegister = s.access === 1 ? value : s.access === 2 ? value << 8 : s.firstByte | (value << 8);
    s.writeSecond = false;
    s.firstByte = 0;
    s.written = true;
    if (isTriggered(s)) s.reload = true;
    else if (isPeriodic(s) && s.loaded) {
      s.reload = true;
      s.reloadAt = s.gate ? nextBoundary(s, pulse) : 0;
    } else load(s, pulse);
  },

  /** The gate pin. A rise is the trigger of modes 1, 2, 3 and 5. */
  setGate(s: CounterState, pulse: number, level: boolean): void {
    if (level === s.gate) return;
    settle(s, pulse);
    s.gate = level;
    if (!level) {
      if (!isTriggered(s)) s.held = Math.max(0, pulse - s.origin);
    } else if (s.mode === 0 || s.mode === 4) {
      s.origin = pulse - s.held;
      s.held = 0;
    } else if (s.written) load(s, pulse);
  },

  /** The OUT pin. */
  out(s: CounterState, pulse: number): boolean {
    settle(s, pulse);
    if (!s.loaded) return s.mode !== 0;
    const e = elapsed(s, pulse);
    switch (modeOf(s)) {
      case 0:
      case 1:
        // Mode 1: the fall belongs to the pulse after the trigger and is shown with it, so that a retrigger leaves no spike.
        return e >= s.period;
      case 2:
        return !s.gate || e < 0 || e % s.period !== s.period - 1;
      case 3:
        return !s.gate || e < 0 || e % s.period < highHalf(s);
      default:
        return e !== s.period;
    }
  },

  /**
   * The first pulse after `pulse` at which OUT changes by itself, or Infinity. Mode 2's low pulse (one input pulse
   * long) counts as its end only.
   */
  nextChange(s: CounterState, pulse: number): number {
    settle(s, pulse);
    if (!s.loaded || (!s.gate && !isTriggered(s))) return NEVER;
    if (isPeriodic(s)) return nextBoundary(s, pulse);
    const end = s.origin + s.period;
    if (pulse < end) return end;
    return modeOf(s) >= 4 && pulse < end + 1 ? end + 1 : NEVER;
  },

  /** Whole periods (and with that, rises of OUT) completed since the load: the parity drives the refresh toggle. */
  periods(s: CounterState, pulse: number): number {
    settle(s, pulse);
    return s.loaded && isPeriodic(s) && s.gate ? Math.floor(Math.max(0, elapsed(s, pulse)) / s.period) : 0;
  },

  /** The counting element as the bus sees it, 16 bits, BCD digits in BCD mode. */
  count(s: CounterState, pulse: number): number {
    settle(s, pulse);
    if (!s.loaded) return s.countRegister & 0xffff;
    const e = Math.max(0, elapsed(s, pulse));
    let value: number;
    if (modeOf(s) === 3) {
      const inPeriod = e % s.period;
      const inHalf = inPeriod < highHalf(s) ? inPeriod : inPeriod - highHalf(s);
      value = s.period - (s.period & 1) - 2 * inHalf;
    } else if (modeOf(s) === 2) value = s.period - (e % s.period);
    else value = s.period - e;
    const largest = s.bcd ? 10_000 : 0x10000;
    value = ((value % largest) + largest) % largest;
    return s.bcd ? toBcd(value) : value;
  },

  /** Counter latch command: a second one before the first is read is ignored. */
  latchCount(s: CounterState, pulse: number): void {
    if (s.latchedBytes !== 0) return;
    s.latchedCount = counter.count(s, pulse);
    s.latchedBytes = s.access === 3 ? 2 : 1;
  },

  /** Read-back of the status byte: OUT, null count, RW, mode, BCD. */
  latchStatus(s: CounterState, pulse: number): void {
    if (s.statusLatched) return;
    const out = counter.out(s, pulse);
    const nullCount = !s.loaded || s.reload || s.writeSecond || pulse < s.origin;
    s.statusLatched = true;
    s.latchedStatus = (out ? 0x80 : 0) | (nullCount ? 0x40 : 0) | (s.access << 4) | (s.mode << 1) | (s.bcd ? 1 : 0);
  },

  /** A byte read from the counter's port: latched status, then latched count, else the count as it runs. */
  read(s: CounterState, pulse: number): number {
    if (s.statusLatched) {
      s.statusLatched = false;
      const status = s.latchedStatus;
      s.latchedStatus = 0;
      return status;
    }
    const latched = s.latchedBytes > 0;
    const count = latched ? s.latchedCount : counter.count(s, pulse);
    let high = s.access === 2;
    if (s.access === 3) {
      high = s.readSecond;
      s.readSecond = !s.readSecond;
    }
    if (latched && --s.latchedBytes <= 0) s.latchedCount = 0;
    return high ? count >> 8 : count & 0xff;
  },
};

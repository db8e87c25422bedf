/**
 * High-precision event timers (IA-PC HPET Specification 1.0a) at FED00000h: a 64-bit counter of 100 MHz and three comparators,
 * as QEMU's `pc` has them. With legacy replacement comparator 0 takes the place of the 8254 on IRQ 0, and comparator 1 that of
 * the RTC on IRQ 8; otherwise each may be routed to pin 2 of the I/O APIC, which is IRQ 0 as well. No messages (FSB).
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bytes, copyState, f64, initially, initialState, type StateOf, state, u8, u32 } from "../../snapshot/schema";
import type { Board, Clock, Device, DeviceLog, Line, RegisterHandler, Timer } from "../device";

export const HPET_BASE = 0xfed00000;
const PAGE = 0x1000;
const TIMERS = 3;
const NS_PER_COUNT = 10;
const PERIOD_FS = 10_000_000;
/** Revision 1, three comparators, 64 bits, legacy replacement, vendor 8086h. */
const CAPABILITIES = 0x8086a201;
const enum Reg {
  Capabilities = 0x000,
  Period = 0x004,
  Config = 0x010,
  Status = 0x020,
  Counter = 0x0f0,
  CounterHigh = 0x0f4,
  FirstTimer = 0x100,
}
const Config = { Enable: 1, Legacy: 2 } as const;
/** A comparator's configuration register, low half. */
const Timed = {
  Level: 0x0002,
  Enabled: 0x0004,
  Periodic: 0x0008,
  CanPeriodic: 0x0010,
  Is64: 0x0020,
  SetValue: 0x0040,
  Only32: 0x0100,
  Route: 0x3e00,
  Writable: 0x3f4e,
} as const;
const ROUTE_SHIFT = 9;
/** Route capabilities: pin 2 of the I/O APIC. */
const ROUTES = 1 << 2;
/** A comparator in `comparators`: value and period, 8 bytes each. */
const COMPARATOR_BYTES = 16;
const MASK32 = 0xffffffffn;
const MASK64 = (1n << 64n) - 1n;
/** What is further away than this many counts (130 days) is looked at again then. */
const MOST_COUNTS = 1n << 50n;

const schema = state("HPET", 1, {
  config: u8,
  /** Level-triggered comparators that have matched. */
  status: u8,
  /** Value while halted, or when it was started. */
  counterLow: u32,
  counterHigh: u32,
  /** Counts of guest time when it was started. */
  started: f64,
  config0: u32,
  config1: u32,
  config2: u32,
  comparators: { ...bytes(TIMERS * COMPARATOR_BYTES), initial: initialComparators() },
  /** Guest time of the next match. */
  due0: initially(f64, Number.POSITIVE_INFINITY),
  due1: initially(f64, Number.POSITIVE_INFINITY),
  due2: initially(f64, Number.POSITIVE_INFINITY),
  /** Outputs that are high, a bit each: an edge stays up until the next. */
  outputs: u8,
});
type Index = 0 | 1 | 2;

function initialComparators(): Uint8Array {
  const all = new Uint8Array(TIMERS * COMPARATOR_BYTES);
  for (let i = 0; i < TIMERS; i++) all.fill(0xff, i * COMPARATOR_BYTES, i * COMPARATOR_BYTES + 8);
  return all;
}

export class Hpet implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  readonly sizes = 4;
  #s = initialState(schema);
  #clock!: Clock;
  #log!: DeviceLog;
  #alarms: Timer[] = [];
  #routed: Line[] = [];
  #irq8!: Line;

  /** `onLegacy` cuts the 8254 and the RTC off their requests. */
  constructor(private readonly onLegacy: (isReplaced: boolean) => void) {}

  attach(board: Board): void {
    this.#clock = board.clock;
    this.#log = board.log;
    board.mmio(HPET_BASE, PAGE, this);
    for (const i of [0, 1, 2] as const) {
      this.#alarms.push(board.clock.timer(`HPET comparator ${i}`, () => this.#match(i)));
      this.#routed.push(board.irq(0));
    }
    this.#irq8 = board.irq(8);
  }

  reset(): void {
    this.#s = initialState(schema);
    for (const alarm of this.#alarms) alarm.disarm();
    this.#drive();
  }

  #counts(): number {
    return Math.floor(this.#clock.now() / NS_PER_COUNT);
  }

  #counter(): bigint {
    const s = this.#s;
    const value = (BigInt(s.counterHigh) << 32n) | BigInt(s.counterLow);
    return s.config & Config.Enable ? (value + BigInt(this.#counts() - s.started)) & MASK64 : value;
  }

  #setCounter(value: bigint): void {
    this.#s.counterLow = Number(value & MASK32);
    this.#s.counterHigh = Number(value >> 32n);
    this.#s.started = this.#counts();
  }

  #configOf(i: Index): number {
    return this.#s[`config${i}`];
  }
  #maskOf(i: Index): bigint {
    return this.#configOf(i) & Timed.Only32 ? MASK32 : MASK64;
  }
  #view(): DataView {
    const { comparators } = this.#s;
    return new DataView(comparators.buffer, comparators.byteOffset, comparators.length);
  }
  #comparator(i: Index): bigint {
    return this.#view().getBigUint64(i * COMPARATOR_BYTES, true);
  }
  #period(i: Index): bigint {
    return this.#view().getBigUint64(i * COMPARATOR_BYTES + 8, true) & this.#maskOf(i);
  }

  /** Arms the alarm of comparator i for its next match after now. A value that has just passed matches when the counter has wrapped. */
  #arm(i: Index): void {
    const s = this.#s;
    let due = Number.POSITIVE_INFINITY;
    if (s.config & Config.Enable) {
      const mask = this.#maskOf(i);
      const left = (this.#comparator(i) - this.#counter()) & mask;
      const counts = left === 0n ? mask + 1n : left;
      if (counts <= MOST_COUNTS) due = (this.#counts() + Number(counts)) * NS_PER_COUNT;
    }
    s[`due${i}`] = due;
    this.#alarms[i]!.arm(due);
  }

  #match(i: Index): void {
    const config = this.#configOf(i);
    const period = this.#period(i);
    if (config & Timed.Periodic && period !== 0n) {
      const mask = this.#maskOf(i);
      const late = (this.#counter() - this.#comparator(i)) & mask;
      const next = (this.#comparator(i) + (late / period + 1n) * period) & mask;
      this.#view().setBigUint64(i * COMPARATOR_BYTES, next, true);
    }
    this.#arm(i);
    if (config & Timed.Level) this.#s.status |= 1 << i;
    if ((config & Timed.Enabled) === 0) return;
    // An edge: what is still up from the last one falls first.
    this.#s.outputs &= ~(1 << i);
    this.#drive();
    this.#s.outputs |= 1 << i;
    this.#drive();
  }

  /** Comparator i's output goes to IRQ 8, to IRQ 0, or nowhere. */
  #drive(): void {
    const s = this.#s;
    const legacy = (s.config & Config.Legacy) !== 0;
    this.onLegacy(legacy);
    let eight = false;
    for (const i of [0, 1, 2] as const) {
      const isUp = ((s.outputs >>> i) & 1) !== 0;
      const isReplacement = legacy && i < 2;
      const isRouted = !isReplacement && (this.#configOf(i) & Timed.Route) >> ROUTE_SHIFT === 2;
      if (isReplacement && i === 1) eight = isUp;
      this.#routed[i]!.set(isUp && (isRouted || (isReplacement && i === 0)));
    }
    this.#irq8.set(eight);
  }

  read(offset: number): number {
    if (offset >= Reg.FirstTimer && offset < Reg.FirstTimer + TIMERS * 0x20)
      return this.#readTimer(((offset - Reg.FirstTimer) >> 5) as Index, offset & 0x1f);
    switch (offset) {
      case Reg.Capabilities:
        return CAPABILITIES;
      case Reg.Period:
        return PERIOD_FS;
      case Reg.Config:
        return this.#s.config;
      case Reg.Status:
        return this.#s.status;
      case Reg.Counter:
        return Number(this.#counter() & MASK32);
      case Reg.CounterHigh:
        return Number(this.#counter() >> 32n);
      default:
        return 0;
    }
  }

  #readTimer(i: Index, register: number): number {
    switch (register) {
      case 0x00:
        return this.#configOf(i) | Timed.CanPeriodic | Timed.Is64;
      case 0x04:
        return ROUTES;
      case 0x08:
        return Number(this.#comparator(i) & MASK32);
      case 0x0c:
        return this.#configOf(i) & Timed.Only32 ? 0 : Number(this.#comparator(i) >> 32n);
      default:
        return 0;
    }
  }

  write(offset: number, value: number): void {
    const s = this.#s;
    if (offset >= Reg.FirstTimer && offset < Reg.FirstTimer + TIMERS * 0x20) {
      this.#writeTimer(((offset - Reg.FirstTimer) >> 5) as Index, offset & 0x1f, value);
      return;
    }
    switch (offset) {
      case Reg.Config: {
        const counter = this.#counter();
        s.config = value & (Config.Enable | Config.Legacy);
        this.#setCounter(counter);
        break;
      }
      case Reg.Status:
        s.outputs &= ~(s.status & value);
        s.status &= ~value;
        break;
      case Reg.Counter:
      case Reg.CounterHigh: {
        if (s.config & Config.Enable) this.#log.guest("the main counter is written while it counts");
        const half = BigInt(value);
        const counter = this.#counter();
        this.#setCounter(offset === Reg.Counter ? (counter & ~MASK32) | half : (counter & MASK32) | (half << 32n));
        break;
      }
      default:
        return;
    }
    for (const i of [0, 1, 2] as const) this.#arm(i);
    this.#drive();
  }

  #writeTimer(i: Index, register: number, value: number): void {
    const s = this.#s;
    if (register === 0x00) {
      const before = this.#configOf(i);
      // Bit 8 cannot be taken back by writing: only what is written counts. Routes that are not offered do not stick.
      let config = value & Timed.Writable;
      if (((ROUTES >>> ((config & Timed.Route) >> ROUTE_SHIFT)) & 1) === 0) config = (config & ~Timed.Route) | (before & Timed.Route);
      s[`config${i}`] = config;
      if ((config & Timed.Enabled) === 0) s.outputs &= ~(1 << i);
      if ((config & Timed.Level) === 0) s.status &= ~(1 << i);
    } else if (register === 0x08 || register === 0x0c) this.#writeComparator(i, register === 0x0c, BigInt(value));
    else return;
    this.#arm(i);
    this.#drive();
  }

  /** Specification 2.3.9.2: a periodic comparator's writes set its period, and with VAL_SET its value, once. */
  #writeComparator(i: Index, isHigh: boolean, half: bigint): void {
    const config = this.#configOf(i);
    const view = this.#view();
    const put = (at: number): void => {
      const before = view.getBigUint64(at, true);
      view.setBigUint64(at, isHigh ? (before & MASK32) | (half << 32n) : (before & ~MASK32) | half, true);
    };
    const at = i * COMPARATOR_BYTES;
    const isPeriodic = (config & Timed.Periodic) !== 0;
    if (isPeriodic) put(at + 8);
    if (!isPeriodic || config & Timed.SetValue) put(at);
    this.#s[`config${i}`] = config & ~Timed.SetValue;
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(from: StateOf<typeof schema>): void {
    const times = [from.due0, from.due1, from.due2];
    const isTime = (ns: number): boolean => ns === Number.POSITIVE_INFINITY || (Number.isSafeInteger(ns) && ns >= 0);
    const isRunning = Number.isSafeInteger(from.started) && from.started >= 0 && from.started <= this.#counts();
    if (!times.every(isTime) || !isRunning) throw new SnapshotIncompatible("HPET", "a comparator's next match is not a time.");
    const isPossible = [from.config0, from.config1, from.config2].every((config) => (config & ~Timed.Writable) === 0);
    if (!isPossible || from.config > 3 || from.status > 7 || from.outputs > 7)
      throw new SnapshotIncompatible("HPET", "a register has bits that do not exist.");
    this.#s = copyState(schema, from);
    times.forEach((ns, i) => {
      this.#alarms[i]!.arm(ns);
    });
    this.#drive();
  }
}

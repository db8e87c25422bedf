/**
 * Motorola MC146818A real-time clock with 128 bytes of battery-backed RAM (datasheet ADI1026), and the chip set's
 * index port 70h with the NMI mask in bit 7. The date is kept in the registers themselves, in the format that the
 * guest has chosen, and advances by one update cycle a second, as in the chip; the cycles that have passed are made up
 * for when somebody looks, so that an idle machine has no deadline because of them. Time comes from the board's clock.
 * The RAM's PC meaning (memory sizes, drive types, century) is filled in by pc.ts; only the century advances here.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bool, bytes, copyState, f64, initially, initialState, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Clock, Device, Line, RegisterHandler, Timer } from "../device";
import { rtcOscillator } from "./oscillator";

const FIRST_PORT = 0x70;
const IRQ = 8;
const CELL_COUNT = 128;
const SECOND_NS = 1_000_000_000;
/** Datasheet "Update cycle": UIP rises 244 us before the registers change. */
const UPDATE_IN_PROGRESS_NS = 244_000;

/** Cells in datasheet order; Century is an AT convention. */
const enum Cell {
  Seconds = 0x00,
  SecondsAlarm = 0x01,
  Minutes = 0x02,
  MinutesAlarm = 0x03,
  Hours = 0x04,
  HoursAlarm = 0x05,
  DayOfWeek = 0x06,
  DayOfMonth = 0x07,
  Month = 0x08,
  Year = 0x09,
  StatusA = 0x0a,
  StatusB = 0x0b,
  StatusC = 0x0c,
  StatusD = 0x0d,
  Century = 0x32,
}
const StatusA = { UpdateInProgress: 0x80, DividerMask: 0x70, DividerRun: 0x20, RateMask: 0x0f } as const;
const StatusB = { Hours24: 0x02, Binary: 0x04, SquareWave: 0x08, UpdateEnded: 0x10, Alarm: 0x20, Periodic: 0x40, Set: 0x80 } as const;
const StatusC = { UpdateEnded: 0x10, Alarm: 0x20, Periodic: 0x40, Request: 0x80 } as const;
const STATUS_D_VALID_RAM = 0x80;
/** 32,768 Hz divider running, periodic rate 976.5625 us: what an AT BIOS sets. */
const STATUS_A_DEFAULT = 0x26;
const HOUR_PM = 0x80;
/** An alarm cell with both top bits set matches every value. */
const ALARM_ANY = 0xc0;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

const schema = state("MC146818", 1, {
  index: u8,
  nmiMasked: initially(bool, true),
  cells: bytes(CELL_COUNT),
  /** Guest time of the next update cycle; Infinity while the divider is held. */
  updateNs: f64,
  /** Alarm of the periodic interrupt, while it is enabled. */
  periodicNs: initially(f64, Number.POSITIVE_INFINITY),
  /** While it is not: crystal pulses up to which the periodic flag has been accounted for. */
  periodicPulse: f64,
});

export class Rtc implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  #s = initialState(schema);
  #clock!: Clock;
  #irq8!: Line;
  #update!: Timer;
  #periodic!: Timer;

  /** `battery` gives the RAM cells that a board's maker has set, by index from 0Eh on. */
  constructor(private readonly battery: ReadonlyMap<number, number>) {}

  attach(board: Board): void {
    this.#clock = board.clock;
    board.ports(FIRST_PORT, 2, this);
    this.#irq8 = board.irq(IRQ);
    this.#update = board.clock.timer("RTC update", () => this.#onUpdate());
    this.#periodic = board.clock.timer("RTC periodic", () => this.#onPeriodic());
    this.#powerOn();
  }

  /** The battery is connected: the cells of the maker and the date at guest time 0. */
  #powerOn(): void {
    const cells = this.#s.cells;
    cells[Cell.StatusA] = STATUS_A_DEFAULT;
    cells[Cell.StatusB] = StatusB.Hours24;
    for (const [index, value] of this.battery) cells[index] = value;
    const seconds = Math.floor(this.#clock.epochSeconds);
    this.#setDate(seconds);
    const fractionNs = Math.floor((this.#clock.epochSeconds - seconds) * SECOND_NS);
    this.#s.updateNs = SECOND_NS - fractionNs;
  }

  /**
   * The date goes on by so many whole seconds at once, which the battery has counted while the machine stood still: no
   * alarm rings for them. What the guest has set (another time zone, another year) stays as far from the true date as
   * it was. Without effect while the guest sets the date (SET), holds the divider, or has written what is no date.
   */
  skip(seconds: number): void {
    this.#catchUp();
    const s = this.#s;
    if ((s.cells[Cell.StatusB]! & StatusB.Set) !== 0 || !this.#isRunning()) return;
    const date = this.#date();
    if (date !== undefined) this.#setDate(date + seconds);
  }

  /** Datasheet "RESET": the interrupt enables, flags and square wave; date, RAM and divider live on the battery. */
  reset(): void {
    const s = this.#s;
    this.#catchUp();
    s.index = 0;
    s.nmiMasked = true;
    s.cells[Cell.StatusB]! &= ~(StatusB.Periodic | StatusB.Alarm | StatusB.UpdateEnded | StatusB.SquareWave);
    s.cells[Cell.StatusC] = 0;
    this.#followRate();
    this.#armUpdate();
    this.#updateRequest();
  }

  /** Port 70h bit 7: the chip set keeps NMI from the processor. */
  get nmiMasked(): boolean {
    return this.#s.nmiMasked;
  }

  read(offset: number): number {
    // Port 70h is write-only; the bus floats.
    if (offset === 0) return 0xff;
    const s = this.#s;
    this.#catchUp();
    switch (s.index & 0x7f) {
      case Cell.StatusA:
        return (s.cells[Cell.StatusA]! & ~StatusA.UpdateInProgress) | (this.#isUpdating() ? StatusA.UpdateInProgress : 0);
      case Cell.StatusC:
        return this.#readStatusC();
      case Cell.StatusD:
        return STATUS_D_VALID_RAM;
      default:
        return s.cells[s.index & 0x7f]!;
    }
  }

  write(offset: number, value: number): void {
    const s = this.#s;
    if (offset === 0) {
      s.index = value & 0x7f;
      s.nmiMasked = (value & 0x80) !== 0;
      return;
    }
    this.#catchUp();
    switch (s.index & 0x7f) {
      case Cell.StatusA:
        this.#writeStatusA(value);
        break;
      case Cell.StatusB:
        this.#accountPeriods();
        // Datasheet "SET": setting it also clears the update-ended enable.
        s.cells[Cell.StatusB] = value & StatusB.Set ? value & ~StatusB.UpdateEnded : value;
        this.#followRate();
        this.#armUpdate();
        this.#updateRequest();
        break;
      case Cell.StatusC:
      case Cell.StatusD:
        // Read-only.
        break;
      default:
        s.cells[s.index & 0x7f] = value;
    }
  }

  #readStatusC(): number {
    const s = this.#s;
    this.#accountPeriods();
    const value = s.cells[Cell.StatusC]!;
    s.cells[Cell.StatusC] = 0;
    this.#irq8.set(false);
    return value;
  }

  #writeStatusA(value: number): void {
    const s = this.#s;
    const ran = this.#isRunning();
    this.#accountPeriods();
    s.cells[Cell.StatusA] = value & ~StatusA.UpdateInProgress;
    if (this.#isRunning() !== ran) {
      // Datasheet "Divider control": the first update comes half a second after the divider is released.
      s.updateNs = ran ? Number.POSITIVE_INFINITY : this.#clock.now() + SECOND_NS / 2;
      this.#armUpdate();
    }
    this.#followRate();
  }

  #isRunning(): boolean {
    return (this.#s.cells[Cell.StatusA]! & StatusA.DividerMask) === StatusA.DividerRun;
  }

  #isUpdating(): boolean {
    return (this.#s.cells[Cell.StatusB]! & StatusB.Set) === 0 && this.#s.updateNs - this.#clock.now() <= UPDATE_IN_PROGRESS_NS;
  }

  /** Crystal pulses between periodic interrupts, or 0 (datasheet table 3: rates 1 and 2 repeat 8 and 9). */
  get #periodPulses(): number {
    const rate = this.#s.cells[Cell.StatusA]! & StatusA.RateMask;
    if (rate === 0 || !this.#isRunning()) return 0;
    return 1 << (rate <= 2 ? rate + 6 : rate - 1);
  }

  /** Without the periodic interrupt no alarm runs; the flag is found when somebody looks. */
  #accountPeriods(): void {
    const s = this.#s;
    if (s.periodicNs !== Number.POSITIVE_INFINITY) return;
    const pulse = rtcOscillator.pulsesAt(this.#clock.now());
    const period = this.#periodPulses;
    if (period !== 0 && Math.floor(pulse / period) !== Math.floor(s.periodicPulse / period)) s.cells[Cell.StatusC]! |= StatusC.Periodic;
    s.periodicPulse = pulse;
  }

  /** Arms or disarms the periodic alarm after a change of rate, divider or enable. */
  #followRate(): void {
    const s = this.#s;
    const period = this.#periodPulses;
    const pulse = rtcOscillator.pulsesAt(this.#clock.now());
    if (period !== 0 && s.cells[Cell.StatusB]! & StatusB.Periodic) {
      s.periodicNs = rtcOscillator.nsAt((Math.floor(pulse / period) + 1) * period);
      s.periodicPulse = 0;
    } else {
      if (s.periodicNs !== Number.POSITIVE_INFINITY) s.periodicPulse = pulse;
      s.periodicNs = Number.POSITIVE_INFINITY;
    }
    this.#periodic.arm(s.periodicNs);
  }

  #onPeriodic(): void {
    this.#s.cells[Cell.StatusC]! |= StatusC.Periodic;
    this.#followRate();
    this.#updateRequest();
  }

  #onUpdate(): void {
    this.#catchUp();
    this.#armUpdate();
  }

  /** Carries out the update cycles that have come due. */
  #catchUp(): void {
    const s = this.#s;
    const now = this.#clock.now();
    if (s.updateNs > now) return;
    for (; s.updateNs <= now; s.updateNs += SECOND_NS) {
      if ((s.cells[Cell.StatusB]! & StatusB.Set) === 0) this.#updateCycle();
    }
    this.#updateRequest();
  }

  /** Only an interrupt that may come with an update needs it to happen on time. */
  #armUpdate(): void {
    const isAwaited = (this.#s.cells[Cell.StatusB]! & (StatusB.UpdateEnded | StatusB.Alarm)) !== 0;
    this.#update.arm(isAwaited ? this.#s.updateNs : Number.POSITIVE_INFINITY);
  }

  /** Datasheet "Update cycle": one second further, then the alarm is compared. */
  #updateCycle(): void {
    const cells = this.#s.cells;
    this.#advance();
    cells[Cell.StatusC]! |= StatusC.UpdateEnded;
    const matches = (alarm: number, time: number) => (cells[alarm]! & ALARM_ANY) === ALARM_ANY || cells[alarm] === cells[time];
    if (matches(Cell.SecondsAlarm, Cell.Seconds) && matches(Cell.MinutesAlarm, Cell.Minutes) && matches(Cell.HoursAlarm, Cell.Hours)) {
      cells[Cell.StatusC]! |= StatusC.Alarm;
    }
  }

  #advance(): void {
    if (!this.#count(Cell.Seconds, 0, 59) || !this.#count(Cell.Minutes, 0, 59) || !this.#countHour()) return;
    this.#count(Cell.DayOfWeek, 1, 7);
    const month = this.#decode(this.#s.cells[Cell.Month]!);
    const isLeapYear = this.#decode(this.#s.cells[Cell.Year]!) % 4 === 0;
    const days = (DAYS[month - 1] ?? 31) + (month === 2 && isLeapYear ? 1 : 0);
    if (!this.#count(Cell.DayOfMonth, 1, days) || !this.#count(Cell.Month, 1, 12) || !this.#count(Cell.Year, 0, 99)) return;
    this.#count(Cell.Century, 0, 99);
  }

  /** Counts a cell up within its range; true when it wrapped. Values out of range wrap too. */
  #count(cell: number, first: number, last: number): boolean {
    const value = this.#decode(this.#s.cells[cell]!);
    const wraps = value >= last;
    this.#s.cells[cell] = this.#encode(wraps ? first : value + 1);
    return wraps;
  }

  /** True when the day ended. In 12-hour mode the hours run 12, 1 … 11 with PM in bit 7. */
  #countHour(): boolean {
    const cells = this.#s.cells;
    if (cells[Cell.StatusB]! & StatusB.Hours24) return this.#count(Cell.Hours, 0, 23);
    const hour = this.#decode(cells[Cell.Hours]! & ~HOUR_PM) % 12;
    const isPm = (cells[Cell.Hours]! & HOUR_PM) !== 0;
    const next = (isPm ? 12 : 0) + hour + 1;
    cells[Cell.Hours] = this.#encodeHour(next % 24);
    return next >= 24;
  }

  /** 0-23 in the hour format of status B. */
  #encodeHour(hour: number): number {
    if (this.#s.cells[Cell.StatusB]! & StatusB.Hours24) return this.#encode(hour);
    return this.#encode(hour % 12 === 0 ? 12 : hour % 12) | (hour >= 12 ? HOUR_PM : 0);
  }

  #decode(value: number): number {
    return this.#s.cells[Cell.StatusB]! & StatusB.Binary ? value : (value >> 4) * 10 + (value & 15);
  }

  #encode(value: number): number {
    return this.#s.cells[Cell.StatusB]! & StatusB.Binary ? value : (Math.floor(value / 10) << 4) | (value % 10);
  }

  /** Sets the date cells to seconds since 1970 (UTC), by the civil calendar. */
  #setDate(epochSeconds: number): void {
    const cells = this.#s.cells;
    const days = Math.floor(epochSeconds / 86_400);
    const inDay = epochSeconds - days * 86_400;
    cells[Cell.Seconds] = this.#encode(inDay % 60);
    cells[Cell.Minutes] = this.#encode(Math.floor(inDay / 60) % 60);
    cells[Cell.Hours] = this.#encodeHour(Math.floor(inDay / 3_600));
    // 1970-01-01 was a Thursday; the chip counts Sunday as 1.
    cells[Cell.DayOfWeek] = this.#encode(((((days + 4) % 7) + 7) % 7) + 1);
    const { year, month, day } = civilDate(days);
    cells[Cell.DayOfMonth] = this.#encode(day);
    cells[Cell.Month] = this.#encode(month);
    cells[Cell.Year] = this.#encode(year % 100);
    cells[Cell.Century] = this.#encode(Math.floor(year / 100) % 100);
  }

  /** The date cells as seconds since 1970; undefined: they are no date. */
  #date(): number | undefined {
    const cells = this.#s.cells;
    const number = (cell: number, first: number, last: number): number => {
      const value = this.#decode(cells[cell]!);
      return value >= first && value <= last ? value : Number.NaN;
    };
    const year = number(Cell.Century, 0, 99) * 100 + number(Cell.Year, 0, 99);
    const month = number(Cell.Month, 1, 12);
    const hours24 = (cells[Cell.StatusB]! & StatusB.Hours24) !== 0;
    const hour = hours24 ? number(Cell.Hours, 0, 23) : this.#decode(cells[Cell.Hours]! & ~HOUR_PM);
    if (!hours24 && !(hour >= 1 && hour <= 12)) return undefined;
    const hourOfDay = hours24 ? hour : (hour % 12) + ((cells[Cell.Hours]! & HOUR_PM) !== 0 ? 12 : 0);
    const isLeapYear = daysBefore(year + 1) - daysBefore(year) === 366;
    let days = daysBefore(year) + number(Cell.DayOfMonth, 1, 31) - 1;
    for (let m = 1; m < month; m++) days += DAYS[m - 1]! + (m === 2 && isLeapYear ? 1 : 0);
    const seconds = days * 86_400 + hourOfDay * 3_600 + number(Cell.Minutes, 0, 59) * 60 + number(Cell.Seconds, 0, 59);
    return Number.isNaN(seconds + month) ? undefined : seconds;
  }

  /** IRQF and IRQ 8 are the enabled flags together. */
  #updateRequest(): void {
    const cells = this.#s.cells;
    const isRequested = (cells[Cell.StatusB]! & cells[Cell.StatusC]! & (StatusC.UpdateEnded | StatusC.Alarm | StatusC.Periodic)) !== 0;
    cells[Cell.StatusC] = (cells[Cell.StatusC]! & ~StatusC.Request) | (isRequested ? StatusC.Request : 0);
    this.#irq8.set(isRequested);
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(state: StateOf<typeof schema>): void {
    const isTime = (ns: number) => ns === Number.POSITIVE_INFINITY || (Number.isSafeInteger(ns) && ns >= 0);
    if (!isTime(state.updateNs) || !isTime(state.periodicNs) || !Number.isSafeInteger(state.periodicPulse)) {
      throw new SnapshotIncompatible("MC146818", "an alarm's deadline is not a time.");
    }
    this.#s = copyState(schema, state);
    this.#armUpdate();
    this.#periodic.arm(this.#s.periodicNs);
    this.#irq8.set((this.#s.cells[Cell.StatusC]! & StatusC.Request) !== 0);
  }
}

/** Year, month (1-12) and day (1-31) of a day counted from 1970-01-01, Gregorian. */
function civilDate(days: number): { year: number; month: number; day: number } {
  let year = 1970 + Math.floor(days / 365.2425);
  while (daysBefore(year) > days) year--;
  while (daysBefore(year + 1) <= days) year++;
  let left = days - daysBefore(year);
  let month = 1;
  const isLeapYear = daysBefore(year + 1) - daysBefore(year) === 366;
  for (; ; month++) {
    const length = DAYS[month - 1]! + (month === 2 && isLeapYear ? 1 : 0);
    if (left < length) return { year, month, day: left + 1 };
    left -= length;
  }
}

/** Days from 1970-01-01 to January 1st of a year. */
function daysBefore(year: number): number {
  const y = year - 1;
  return 365 * (year - 1970) + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) - 477;
}

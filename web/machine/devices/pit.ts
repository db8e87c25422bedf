/**
 * Intel 8254 programmable interval timer (datasheet 231164-005) as a PC wires it: counter 0 drives IRQ 0, counter 1
 * paced the memory refresh, counter 2 feeds the speaker and is gated by port 61h. The counters are in pit-counter.ts;
 * here are the ports, the commands and the one alarm, which follows counter 0's output.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bool, f64, initially, initialState, prefixed, type StateOf, state, unprefixed } from "../../snapshot/schema";
import type { Board, Clock, Device, DeviceLog, Line, RegisterHandler, Timer } from "../device";
import { pitOscillator } from "./oscillator";
import { type CounterState, counter, counterFields, isRateGenerator } from "./pit-counter";

const FIRST_PORT = 0x40;
const COUNTER_COUNT = 3;
const enum Reg {
  Counter0 = 0,
  Counter1 = 1,
  Counter2 = 2,
  Control = 3,
}
/** Control word: bits 7-6 select a counter, 3 = read-back; bits 5-4 RW, 0 = counter latch. */
const READ_BACK = 3;
/** Read-back command bits: low = do it. */
const ReadBack = { NoCount: 0x20, NoStatus: 0x10, Counter0: 0x02 } as const;
/** The refresh count that every AT BIOS programs: 18 pulses are 15.085 us. */
const REFRESH_PULSES = 18;

const schema = state("8254", 1, {
  ...prefixed("counter0", counterFields),
  ...prefixed("counter1", counterFields),
  ...prefixed("counter2", counterFields),
  /** Level that counter 0 drives IRQ 0 to, and the alarm at which that changes. */
  irq0: bool,
  edgeNs: initially(f64, Number.POSITIVE_INFINITY),
});
type Counters = [CounterState, CounterState, CounterState];
const counterSchema = state("8254 counter", 1, counterFields);

export class Pit implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  #counters: Counters = powerOn();
  #clock!: Clock;
  #log!: DeviceLog;
  #irq0!: Line;
  #irq0Level = false;
  #edge!: Timer;

  attach(board: Board): void {
    this.#clock = board.clock;
    this.#log = board.log;
    board.ports(FIRST_PORT, 4, this);
    this.#irq0 = board.irq(0);
    this.#edge = board.clock.timer("PIT counter 0", () => this.#onEdge());
  }

  /** The datasheet leaves power-on undefined: here counters 0 and 2 are stopped, and counter 1 refreshes as a BIOS sets it. */
  reset(): void {
    this.#counters = powerOn();
    this.#follow();
  }

  /** Counter 2's gate, from port 61h bit 0. */
  setGate2(level: boolean): void {
    counter.setGate(this.#counters[2], this.#pulse(), level);
  }

  /** Counter 2's output, for port 61h bit 5 and the speaker. */
  get out2(): boolean {
    return counter.out(this.#counters[2], this.#pulse());
  }

  /** The AT's refresh toggle, port 61h bit 4: changes with every refresh request of counter 1. */
  get refreshToggle(): boolean {
    return (counter.periods(this.#counters[1], this.#pulse()) & 1) !== 0;
  }

  #pulse(): number {
    return pitOscillator.pulsesAt(this.#clock.now());
  }

  read(offset: number): number {
    if (offset === Reg.Control) {
      this.#log.guest("read of the PIT's control word, which can only be written");
      return 0xff;
    }
    return counter.read(this.#counters[offset]!, this.#pulse());
  }

  write(offset: number, value: number): void {
    const pulse = this.#pulse();
    if (offset === Reg.Control) this.#control(pulse, value);
    else counter.write(this.#counters[offset]!, pulse, value);
    if (offset === Reg.Counter0 || offset === Reg.Control) this.#follow();
  }

  #control(pulse: number, value: number): void {
    const select = value >> 6;
    if (select === READ_BACK) {
      for (let i = 0; i < COUNTER_COUNT; i++) {
        if ((value & (ReadBack.Counter0 << i)) === 0) continue;
        if ((value & ReadBack.NoCount) === 0) counter.latchCount(this.#counters[i]!, pulse);
        if ((value & ReadBack.NoStatus) === 0) counter.latchStatus(this.#counters[i]!, pulse);
      }
      return;
    }
    const access = (value >> 4) & 3;
    const selected = this.#counters[select]!;
    if (access === 0) counter.latchCount(selected, pulse);
    else counter.control(selected, access, (value >> 1) & 7, (value & 1) !== 0);
  }

  /** Counter 0's output has risen or fallen by itself. */
  #onEdge(): void {
    // Mode 2's low pulse lasts one input pulse and ends at this alarm; the 8259A must see it as an edge.
    if (isRateGenerator(this.#counters[0])) this.#drive(false);
    this.#follow();
  }

  /** Brings IRQ 0 and the alarm in line with counter 0. Edges missed by a jump of time are not made up for. */
  #follow(): void {
    const pulse = this.#pulse();
    const zero = this.#counters[0];
    this.#drive(isRateGenerator(zero) || counter.out(zero, pulse));
    const next = counter.nextChange(zero, pulse);
    if (next === Number.POSITIVE_INFINITY) this.#edge.disarm();
    else this.#edge.arm(pitOscillator.nsAt(next));
  }

  #drive(level: boolean): void {
    this.#irq0Level = level;
    this.#irq0.set(level);
  }

  save(): StateOf<typeof schema> {
    const [zero, one, two] = this.#counters;
    return {
      ...prefixed("counter0", zero),
      ...prefixed("counter1", one),
      ...prefixed("counter2", two),
      irq0: this.#irq0Level,
      edgeNs: this.#edge.deadlineNs,
    };
  }

  load(state: StateOf<typeof schema>): void {
    const counters: Counters = [unprefixed("counter0", state), unprefixed("counter1", state), unprefixed("counter2", state)];
    for (const each of counters) {
      const isPossible =
        each.mode <= 7 && each.access >= 1 && each.access <= 3 && each.period >= 1 && each.period <= 0x10000 && each.latchedBytes <= 2;
      const areTimes = [each.origin, each.reloadAt, each.held].every((pulse) => Number.isSafeInteger(pulse));
      if (!isPossible || !areTimes) throw new SnapshotIncompatible("8254", "a counter has an impossible mode or count.");
    }
    this.#counters = counters;
    this.#drive(state.irq0);
    this.#edge.arm(state.edgeNs);
  }
}

function powerOn(): Counters {
  const [zero, one, two] = [initialState(counterSchema), initialState(counterSchema), initialState(counterSchema)];
  zero.gate = true;
  one.gate = true;
  counter.control(one, 1, 2, false);
  counter.write(one, 0, REFRESH_PULSES);
  return [zero, one, two];
}

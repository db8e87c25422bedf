/** Guest time: pure in ticks and adjustments; alarms in order, at the first tick that has reached them. */
import { describe, expect, it } from "vitest";
import { AssertionFailed, SnapshotIncompatible } from "../../web/lib/errors";
import { type ClockAdjustment, GuestClock } from "../../web/machine/clock";
import { Oscillator, pitOscillator, rtcOscillator } from "../../web/machine/devices/oscillator";
import { Random } from "./random";

function fitted(ticksPerUs: number, realtime = false) {
  const state = { ticks: 0 };
  const adjustments: ClockAdjustment[] = [];
  const clock = new GuestClock({ ticksPerUs, realtime, epochSeconds: 0, ticks: () => state.ticks, onAdjust: (a) => adjustments.push(a) });
  return { state, clock, adjustments };
}

describe("guest time", () => {
  it("is ticks at a fixed rate, whole ns", () => {
    const { state, clock } = fitted(300);
    state.ticks = 1;
    expect(clock.now()).toBe(3);
    state.ticks = 300_000_000;
    expect(clock.now()).toBe(1e9);
  });

  it("a deadline's tick is the first one that has reached it, at any rate", () => {
    const random = new Random(1);
    for (const rate of [1, 3, 7, 50, 299.7, 1000, 3333, 0.01]) {
      const { clock } = fitted(rate);
      for (let i = 0; i < 2000; i++) {
        const ns = random.below(2) ? random.bits() : random.bits() * 4096;
        const tick = clock.ticksAt(ns);
        expect(clock.nsAt(tick)).toBeGreaterThanOrEqual(ns);
        if (tick > 0) expect(clock.nsAt(tick - 1)).toBeLessThan(ns);
      }
      expect(clock.ticksAt(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
      expect(clock.ticksAt(-5)).toBe(0);
    }
  });

  it("an adjustment changes rate and offset from its tick on, is logged, and never sets time back", () => {
    const { state, clock, adjustments } = fitted(100, true);
    state.ticks = 1000;
    clock.adjust(1000, 50_000, 20);
    expect(clock.now()).toBe(50_000);
    state.ticks = 1010;
    expect(clock.now()).toBe(50_200);
    clock.adjust(1010, 10, 1);
    expect(clock.now()).toBe(50_200);
    state.ticks = 1011;
    expect(clock.now()).toBe(50_201);
    expect(adjustments).toEqual([
      { tick: 1000, ns: 50_000, nsPerTick: 20 },
      { tick: 1010, ns: 50_200, nsPerTick: 1 },
    ]);
    // The log gives the same time again.
    const replay = fitted(100, true);
    for (const { tick, ns, nsPerTick } of adjustments) {
      replay.state.ticks = tick;
      replay.clock.adjust(tick, ns, nsPerTick);
    }
    for (const tick of [1011, 5000, 1e12]) expect(replay.clock.nsAt(tick)).toBe(clock.nsAt(tick));
  });

  it("a deterministic clock cannot be adjusted", () => {
    const { clock } = fitted(100);
    expect(() => clock.adjust(0, 10, 1)).toThrow(AssertionFailed);
  });

  it("is saved and loaded, and refuses a line that is none", () => {
    const { state, clock } = fitted(100, true);
    clock.adjust(0, 500, 3.5);
    const other = fitted(7, true);
    other.clock.load(clock.save());
    state.ticks = other.state.ticks = 99;
    expect(other.clock.now()).toBe(clock.now());
    expect(other.clock.save()).toEqual(clock.save());
    for (const bad of [{ nsPerTick: 0 }, { nsPerTick: -1 }, { baseTick: Number.POSITIVE_INFINITY }, { baseNs: 0.5 }]) {
      expect(() => other.clock.load({ ...clock.save(), ...bad })).toThrow(SnapshotIncompatible);
    }
  });
});

describe("alarms", () => {
  it("fire in the order of their deadlines, equal ones in the order of registration, each once", () => {
    const { state, clock } = fitted(100);
    const fired: string[] = [];
    const timers = ["a", "b", "c", "d"].map((name) => clock.timer(name, () => fired.push(name)));
    timers[3]!.arm(100);
    timers[2]!.arm(200);
    timers[1]!.arm(200);
    timers[0]!.arm(300);
    expect(clock.nextDeadlineTicks()).toBe(10);
    state.ticks = 25;
    clock.fireDue();
    expect(fired).toEqual(["d", "b", "c"]);
    expect(timers[3]!.deadlineNs).toBe(Number.POSITIVE_INFINITY);
    expect(clock.nextDeadlineTicks()).toBe(30);
    clock.fireDue();
    expect(fired).toHaveLength(3);
    timers[0]!.disarm();
    expect(clock.nextDeadlineTicks()).toBe(Number.POSITIVE_INFINITY);
  });

  it("arming an armed alarm moves it, in both directions", () => {
    const { clock } = fitted(100);
    const [one, two] = [clock.timer("one", () => {}), clock.timer("two", () => {})];
    one.arm(1000);
    two.arm(2000);
    one.arm(3000);
    expect(clock.nextDeadlineTicks()).toBe(200);
    one.arm(1500);
    expect(clock.nextDeadlineTicks()).toBe(150);
  });

  it("what an alarm arms for now fires in the same check; in the past fires too", () => {
    const { state, clock } = fitted(100);
    const fired: number[] = [];
    const second = clock.timer("second", () => fired.push(2));
    const first = clock.timer("first", () => {
      fired.push(1);
      second.arm(50);
    });
    first.arm(100);
    state.ticks = 20;
    clock.fireDue();
    expect(fired).toEqual([1, 2]);
  });

  it("an alarm that becomes the earliest is announced, but not while others fire", () => {
    const { state, clock } = fitted(100);
    const announced: number[] = [];
    clock.onEarlier = (tick) => announced.push(tick);
    const periodic = clock.timer("periodic", () => periodic.arm(clock.now() + 1000));
    const other = clock.timer("other", () => {});
    periodic.arm(1000);
    other.arm(2000);
    other.arm(500);
    other.arm(700);
    expect(announced).toEqual([100, 50]);
    state.ticks = 100;
    clock.fireDue();
    expect(announced).toEqual([100, 50]);
    expect(clock.nextDeadlineTicks()).toBe(200);
  });

  it("a change of rate moves the ticks of the deadlines", () => {
    const { state, clock } = fitted(100, true);
    clock.timer("t", () => {}).arm(10_000);
    expect(clock.nextDeadlineTicks()).toBe(1000);
    state.ticks = 500;
    clock.adjust(500, 5000, 50);
    expect(clock.nextDeadlineTicks()).toBe(600);
  });
});

describe("oscillators", () => {
  it("agree with themselves in both directions, and with exact arithmetic after years", () => {
    const random = new Random(5);
    for (const [oscillator, pulses, ns] of [
      [pitOscillator, 105n, 88_000n],
      [rtcOscillator, 64n, 1_953_125n],
    ] as const) {
      for (let i = 0; i < 2000; i++) {
        const at = random.bits() * (1 + random.below(1_000_000));
        const count = oscillator.pulsesAt(at);
        expect(BigInt(count)).toBe((BigInt(at) * pulses) / ns);
        expect(oscillator.nsAt(count)).toBeLessThanOrEqual(at);
        expect(oscillator.pulsesAt(oscillator.nsAt(count))).toBe(count);
        expect(oscillator.pulsesAt(oscillator.nsAt(count + 1) - 1)).toBe(count);
      }
    }
    expect(new Oscillator(1, 10).pulsesAt(99)).toBe(9);
  });
});

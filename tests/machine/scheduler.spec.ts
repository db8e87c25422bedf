/** The run loop over a fake core and the real clock: exact ticks of deadlines and inputs, HLT, real-time pacing. */
import { describe, expect, it } from "vitest";
import { ExitReason } from "../../web/lib/events.generated";
import { GuestClock } from "../../web/machine/clock";
import { CATCH_UP_MS, MOST_NS_PER_TICK, Scheduler } from "../../web/machine/scheduler";
import { FakeCore, FakeHost, type Op } from "./fake-core";

const LOOP: Op[] = [{ op: "nop" }, { op: "nop" }, { op: "nop" }, { op: "jmp", to: 0 }];
/** sti; again: hlt; jmp again; handler: nop; iret */
const IDLE: Op[] = [{ op: "sti" }, { op: "hlt" }, { op: "jmp", to: 1 }, { op: "nop" }, { op: "iret" }];

function setUp(program: Op[], realtime = false, mostNsPerTick = Number.POSITIVE_INFINITY, ticksPerUs = 1) {
  const host = new FakeHost();
  const board = { intr: false, out: [] as [number, number, number][] };
  const core: FakeCore = new FakeCore(
    {
      portRead: () => 0,
      portWrite: (port, value) => void board.out.push([core.ticks, port, value]),
      mmioRead: () => 0,
      mmioWrite: () => {},
      acknowledgeInterrupt: () => {
        core.setIntr(false);
        return 8;
      },
      ferr: () => {},
      frameMissing: () => {},
    },
    { program, handler: 3 },
  );
  const adjustments: number[] = [];
  const clock: GuestClock = new GuestClock({
    ticksPerUs,
    realtime,
    epochSeconds: 0,
    ticks: () => core.ticks,
    onAdjust: (a) => adjustments.push(a.nsPerTick),
  });
  clock.onEarlier = (tick) => core.limit(tick);
  const scheduler = new Scheduler(core, clock, host, realtime, mostNsPerTick);
  scheduler.rebase();
  return { core, clock, host, scheduler, board, adjustments };
}

describe("a slice", () => {
  it("ends at exactly the tick asked for", () => {
    const { core, scheduler } = setUp(LOOP);
    expect(scheduler.slice({ tick: 1234 })).toEqual({ kind: "limit" });
    expect(core.ticks).toBe(1234);
  });

  it("ends at exactly the instruction asked for, also behind a REP", () => {
    const { core, scheduler } = setUp([{ op: "nop" }, { op: "rep", count: 1000 }, { op: "jmp", to: 0 }]);
    expect(scheduler.slice({ instructions: 8 })).toEqual({ kind: "limit" });
    expect([core.instructions, core.ticks]).toEqual([8, 2 * 1002 + 1001]);
  });

  it("fires alarms at their tick, whatever the cuts", () => {
    const ticksWith = (cut: number): number[] => {
      const { core, clock, scheduler } = setUp(LOOP);
      const fired: number[] = [];
      const timer = clock.timer("t", () => {
        fired.push(core.ticks);
        timer.arm(clock.now() + 777_000);
      });
      timer.arm(500_000);
      while (core.ticks < 10_000) scheduler.slice({ tick: Math.min(10_000, core.ticks + cut) });
      return fired;
    };
    expect(ticksWith(10_000)).toEqual(Array.from({ length: 13 }, (_, i) => 500 + i * 777));
    for (const cut of [1, 7, 1000]) expect(ticksWith(cut)).toEqual(ticksWith(10_000));
  });

  it("obeys an alarm that a callback arms before the planned end", () => {
    const { core, clock, scheduler, board } = setUp([{ op: "nop" }, { op: "out", port: 1, value: 2 }, { op: "nop" }, { op: "jmp", to: 2 }]);
    let firedAt = 0;
    const timer = clock.timer("t", () => {
      firedAt = core.ticks;
    });
    core.callbacks.portWrite = () => timer.arm(clock.now() + 10_000);
    scheduler.slice({ tick: 5000 });
    expect(board.out).toEqual([]);
    expect(firedAt).toBe(11);
  });

  it("ends for the core's own reasons", () => {
    expect(setUp([{ op: "triple" }]).scheduler.slice({})).toEqual({ kind: "exit", reason: ExitReason.Shutdown });
    expect(setUp([{ op: "hlt" }]).scheduler.slice({})).toEqual({ kind: "exit", reason: ExitReason.Halted });
  });

  it("ends when asked from a callback, after that instruction", () => {
    const { core, scheduler } = setUp([{ op: "nop" }, { op: "out", port: 1, value: 2 }, { op: "jmp", to: 0 }]);
    core.callbacks.portWrite = () => scheduler.stop();
    expect(scheduler.slice({ tick: 1000 })).toEqual({ kind: "stopped" });
    expect(core.instructions).toBe(2);
  });
});

describe("an input", () => {
  it("with a tick is given at exactly that tick, in order", () => {
    const { core, scheduler } = setUp(LOOP);
    const given: [string, number][] = [];
    scheduler.input((tick) => given.push(["late", tick]), 300);
    scheduler.input((tick) => given.push(["a", tick]), 100);
    scheduler.input((tick) => given.push(["b", tick]), 100);
    scheduler.slice({ tick: 1000 });
    expect(given).toEqual([
      ["a", 100],
      ["b", 100],
      ["late", 300],
    ]);
    expect(core.ticks).toBe(1000);
  });

  it("without one is given before the next instruction, also from a callback", () => {
    const { core, scheduler } = setUp([{ op: "nop" }, { op: "out", port: 1, value: 2 }, { op: "nop" }, { op: "jmp", to: 2 }]);
    const given: number[] = [];
    core.callbacks.portWrite = () => scheduler.input((tick) => given.push(tick));
    expect(scheduler.slice({ tick: 1000 })).toEqual({ kind: "stopped" });
    scheduler.slice({ tick: 1000 });
    expect(given).toEqual([2]);
  });
});

describe("HLT, deterministic", () => {
  it("jumps to the next alarm", () => {
    const { core, clock, scheduler } = setUp(IDLE);
    const timer = clock.timer("t", () => core.setIntr(true));
    timer.arm(1_000_000);
    expect(scheduler.slice({})).toEqual({ kind: "idle", untilTick: Number.POSITIVE_INFINITY });
    expect(core.vectors).toEqual([8]);
    // sti, hlt, jump to 1000, nop, iret, jmp, hlt
    expect([core.instructions, core.ticks]).toEqual([6, 1004]);
  });

  it("stops at the limit when that comes first, and goes on from there", () => {
    const { core, clock, scheduler } = setUp(IDLE);
    clock.timer("t", () => core.setIntr(true)).arm(1_000_000);
    expect(scheduler.slice({ tick: 400 })).toEqual({ kind: "limit" });
    expect(core.ticks).toBe(400);
    scheduler.slice({});
    expect(core.ticks).toBe(1004);
  });

  it("waits for input when no alarm is armed", () => {
    const { core, scheduler } = setUp(IDLE);
    expect(scheduler.slice({})).toEqual({ kind: "idle", untilTick: Number.POSITIVE_INFINITY });
    scheduler.input(() => core.setIntr(true));
    scheduler.slice({});
    expect(core.vectors).toEqual([8]);
  });
});

describe("real time", () => {
  it("lets the host's clock pass in HLT, and no more", async () => {
    const { core, clock, host, scheduler } = setUp(IDLE, true);
    clock.timer("t", () => core.setIntr(true)).arm(50e6);
    const end = scheduler.timedSlice({});
    expect(end).toEqual({ kind: "idle", untilTick: clock.ticksAt(50e6) });
    await scheduler.sleepUntil(clock.ticksAt(50e6), Number.POSITIVE_INFINITY);
    expect(host.sleeps).toHaveLength(1);
    expect(host.sleeps[0]).toBeGreaterThan(49);
    expect(host.sleeps[0]).toBeLessThanOrEqual(50);
    scheduler.timedSlice({});
    expect(core.vectors).toEqual([8]);
    expect(clock.now()).toBeGreaterThanOrEqual(50e6);
    expect(clock.now()).toBeLessThan(51e6);
  });

  it("does not take time in HLT for a slow core", async () => {
    const { core, clock, host, scheduler, adjustments } = setUp(IDLE, true);
    scheduler.timedSlice({});
    host.ms += 10_000;
    scheduler.input(() => core.setIntr(true));
    scheduler.timedSlice({});
    expect(core.vectors).toEqual([8]);
    expect(clock.now() / 1e6).toBeCloseTo(10_000, 0);
    expect(adjustments.every((rate) => rate < 1500)).toBe(true);
  });

  it("keeps guest time at the host's while busy, by adjusting the rate", () => {
    const { core, clock, host, scheduler, adjustments } = setUp(LOOP, true);
    const started = host.now();
    // The clock starts at 1000 ticks a ms; this core does 5000, later 300.
    let speed = 5000;
    let ranBefore = 0;
    let spentBefore = 0;
    host.guestCostMs = () => spentBefore + (core.instructions - ranBefore) / speed;
    for (let i = 0; i < 200; i++) {
      scheduler.timedSlice({});
      if (i !== 99) continue;
      spentBefore = host.guestCostMs();
      ranBefore = core.instructions;
      speed = 300;
    }
    const hostMs = host.now() - started;
    expect(Math.abs(clock.now() / 1e6 - hostMs)).toBeLessThan(10);
    expect(clock.nsPerTick).toBeGreaterThan(0.8 * (1e6 / 300));
    expect(clock.nsPerTick).toBeLessThan(1.2 * (1e6 / 300));
    expect(adjustments.length).toBeLessThan(80);
    expect(hostMs).toBeGreaterThan(1000);
  });

  it("does not run ahead when a core that was held up is fast again", () => {
    const { core, clock, host, scheduler } = setUp(LOOP, true, MOST_NS_PER_TICK);
    let speed = 100;
    let ranBefore = 0;
    let spentBefore = 0;
    host.guestCostMs = () => spentBefore + (core.instructions - ranBefore) / speed;
    for (let i = 0; i < 20; i++) scheduler.timedSlice({});
    spentBefore = host.guestCostMs();
    ranBefore = core.instructions;
    speed = 200_000;
    const hostMs = host.now();
    const guestMs = clock.now() / 1e6;
    while (host.now() - hostMs < 1000) scheduler.timedSlice({});
    expect(clock.now() / 1e6 - guestMs).toBeLessThan(1000 + CATCH_UP_MS + 20);
  });

  it("catches up only so far after the host slept", () => {
    const { core, clock, host, scheduler } = setUp(LOOP, true);
    host.guestCostMs = () => core.instructions / 1000;
    scheduler.timedSlice({});
    const before = clock.now() / 1e6;
    host.ms += 3_600_000;
    const awake = host.now();
    for (let i = 0; i < 200; i++) scheduler.timedSlice({});
    const passed = clock.now() / 1e6 - before - (host.now() - awake);
    expect(passed).toBeGreaterThan(CATCH_UP_MS - 10);
    expect(passed).toBeLessThan(CATCH_UP_MS + 10);
  });

  it("keeps the TSC on guest time across rate changes", () => {
    const { core, clock, host, scheduler } = setUp(LOOP, true);
    host.guestCostMs = () => core.instructions / 3000;
    const started = core.tsc.length;
    for (let i = 0; i < 50; i++) {
      scheduler.timedSlice({});
      host.ms += i % 7;
      const [base, baseTicks, perTick] = core.tsc.at(-1)!;
      const tsc = Number(base) + (core.ticks - baseTicks) * perTick;
      expect(Math.abs(tsc - clock.now())).toBeLessThan(2);
    }
    expect(core.tsc.length - started).toBeGreaterThan(3);
  });

  it("lets guest time fall behind on a host that is too slow for it", () => {
    const { core, clock, host, scheduler } = setUp(LOOP, true, MOST_NS_PER_TICK);
    host.guestCostMs = () => core.instructions / 300;
    for (let i = 0; i < 100; i++) scheduler.timedSlice({});
    expect(clock.nsPerTick).toBeLessThanOrEqual(MOST_NS_PER_TICK * 1.1);
  });

  it("single steps do not wait for the host's clock", () => {
    const { core, clock, scheduler } = setUp(IDLE, true);
    clock.timer("t", () => core.setIntr(true)).arm(5e9);
    scheduler.slice({ instructions: 4, jump: true });
    expect(core.instructions).toBe(4);
  });
});

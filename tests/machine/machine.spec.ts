/** The public Machine over the real board and a fake core: what its users rely on (docs/api.md). */
import { describe, expect, it } from "vitest";
import { BadArgument, CoreCrash, ImageUnreadable, SnapshotIncompatible } from "../../web/lib/errors";
import type { MachineConfig } from "../../web/machine/config";
import { createHost } from "../../web/machine/host";
import { type InputRecord, Machine, type MachineExit, type RunState } from "../../web/machine/machine";
import { FakeCore, FakeHost, type Op } from "./fake-core";

const sector = new Uint8Array(512);
sector.set([0x55, 0xaa], 510);
sector[0] = 0xcc;

const out = (port: number, ...values: number[]): Op[] => values.map((value) => ({ op: "out", port, value }));
const print = (text: string): Op[] => out(0x3f8, ...[...text].map((c) => c.charCodeAt(0)));
const LOOP: Op[] = [{ op: "nop" }, { op: "nop" }, { op: "jmp", to: 0 }];
/** Reads COM1 by polling and sends back what comes. */
const ECHO: Op[] = [
  { op: "in", port: 0x3fd },
  { op: "skip-unless", mask: 1 },
  { op: "jmp", to: 4 },
  { op: "jmp", to: 0 },
  { op: "in", port: 0x3f8 },
  { op: "send", port: 0x3f8 },
  { op: "jmp", to: 0 },
];
/** PIT at 1 kHz on IRQ 0; each interrupt increments a byte of RAM, then HLT again. */
const TIMER_SET_UP: Op[] = [
  ...[...out(0x20, 0x11), ...out(0x21, 0x20, 0x04, 0x01, 0xfe)],
  ...[...out(0x43, 0x34), ...out(0x40, 1193 & 255, 1193 >> 8), { op: "sti" } as Op],
];
const TIMER: Op[] = [
  ...TIMER_SET_UP,
  { op: "hlt" },
  { op: "jmp", to: TIMER_SET_UP.length },
  { op: "inc", address: 0x2000 },
  ...out(0x20, 0x20),
  { op: "iret" },
];
const TIMER_HANDLER = TIMER_SET_UP.length + 2;

interface SetUp {
  readonly program?: readonly Op[];
  readonly handler?: number;
  readonly config?: Partial<MachineConfig>;
  readonly host?: FakeHost;
}

async function setUp({ program = LOOP, handler, config, host = new FakeHost() }: SetUp = {}) {
  // A thousand instructions a millisecond: on a core that took no time a slice would never be long enough.
  host.guestCostMs = () => (core?.instructions ?? 0) / 1000;
  let core: FakeCore | undefined;
  const machine = await Machine.create(
    {
      boot: { kind: "sector", image: sector },
      memoryMb: 1,
      clock: { kind: "deterministic", ticksPerUs: 1 },
      debugExitPort: 0xf4,
      ...config,
    },
    { host, core: async (callbacks) => (core = new FakeCore(callbacks, { program, handler })) },
  );
  const states: RunState[] = [];
  const exits: MachineExit[] = [];
  let output = "";
  machine.onStateChange((state) => states.push(state));
  machine.onExit((exit) => exits.push(exit));
  machine.serial(0).onData((bytes) => {
    output += new TextDecoder().decode(bytes);
  });
  return { machine, core: core!, host, states, exits, output: () => output };
}

describe("create", () => {
  it("loads the image, sets the entry state and waits", async () => {
    const { machine, core } = await setUp();
    expect(core.ram[0x7c00]).toBe(0xcc);
    expect(core.registers.get("rip")).toBe(0x7c00n);
    expect([machine.state, machine.exit, core.instructions]).toEqual(["paused", null, 0]);
    expect(machine.bootSummary).toContain("0000:7C00");
  });

  it("refuses wrong configurations with one line and unreadable images by their own error", async () => {
    const refused = (config: Partial<MachineConfig>): Promise<unknown> =>
      setUp({ config }).then(
        () => "accepted",
        (error) => error,
      );
    for (const config of [
      { memoryMb: 0 },
      { memoryMb: 2049 },
      { memoryMb: 1.5 },
      { clock: { kind: "deterministic", ticksPerUs: 0 } },
      { clock: { kind: "sundial" } },
      { cpu: "z80" },
      { shadow: "none" },
      { debugExitPort: 65536 },
      { epochSeconds: -1 },
      { boot: { kind: "tape" } },
      { boot: { kind: "linux", kernel: "vmlinuz", commandLine: "" } },
      { boot: { kind: "linux", kernel: sector } },
    ]) {
      const error = await refused(config as Partial<MachineConfig>);
      expect(error, JSON.stringify(config)).toBeInstanceOf(BadArgument);
      expect((error as Error).message).toMatch(/^[\w.]+: .*; give .*\.$/);
    }
    expect(await refused({ boot: { kind: "sector", image: new Uint8Array(3) } })).toBeInstanceOf(ImageUnreadable);
  });

  it("gives the RTC the host's time, and in deterministic mode always the same", async () => {
    expect((await setUp()).machine.config.epochSeconds).toBe(1_735_689_600);
    expect((await setUp({ config: { clock: { kind: "realtime" } } })).machine.config.epochSeconds).toBe(1_700_000_000);
  });
});

describe("run", () => {
  it("stops at the instruction that completes a text", async () => {
    const { machine, core, output, states } = await setUp({ program: [...print("aab aaabc"), ...print("more"), ...LOOP] });
    expect(await machine.run({ text: "aabc" })).toEqual({ reason: "text", exit: null });
    expect([core.instructions, output(), machine.state]).toEqual([9, "aab aaabc", "paused"]);
    expect(states).toEqual(["running", "paused"]);
    expect((await machine.run({ text: "e" })).reason).toBe("text");
    expect(output()).toBe("aab aaabcmore");
  });

  it("stops at an exact instruction, tick, and after host time", async () => {
    const { machine, core, host } = await setUp();
    expect((await machine.run({ instructions: 12345 })).reason).toBe("instructions");
    expect(core.instructions).toBe(12345);
    expect((await machine.run({ tick: 20000 })).reason).toBe("tick");
    expect(core.ticks).toBe(20000);
    host.guestCostMs = () => core.instructions / 1000;
    const started = host.now();
    expect((await machine.run({ wallSeconds: 0.5 })).reason).toBe("timeout");
    expect(host.now() - started).toBeGreaterThanOrEqual(500);
    expect(host.now() - started).toBeLessThan(600);
  });

  it("times out while the guest sleeps", async () => {
    const { machine } = await setUp({ program: [{ op: "sti" }, { op: "hlt" }] });
    expect((await machine.run({ wallSeconds: 0.02 })).reason).toBe("timeout");
    const realtime = await setUp({ program: [{ op: "sti" }, { op: "hlt" }], config: { clock: { kind: "realtime" } } });
    expect((await realtime.machine.run({ wallSeconds: 5 })).reason).toBe("timeout");
    expect(realtime.host.sleeps.length).toBeGreaterThan(0);
    expect(realtime.host.sleeps.length).toBeLessThan(10);
  });

  it("lets the host's events through every few milliseconds", async () => {
    const { machine, core, host } = await setUp();
    host.guestCostMs = () => core.instructions / 1000;
    await machine.run({ wallSeconds: 1 });
    expect(host.yields).toBeGreaterThan(60);
  });

  it("can be paused from a listener, and started again", async () => {
    const { machine, core, output } = await setUp({
      program: [...print("x"), ...LOOP.map((op) => (op.op === "jmp" ? { ...op, to: 0 } : op))],
    });
    let heard = 0;
    machine.serial(0).onData(() => {
      if (++heard === 3) machine.pause();
    });
    expect((await machine.run({})).reason).toBe("paused");
    const ran = core.instructions;
    expect(ran).toBeGreaterThan(0);
    expect(output().length).toBeGreaterThan(2);
    await machine.run({ instructions: ran + 10 });
    expect(core.instructions).toBe(ran + 10);
  });

  it("goes on as one loop when paused and started during a sleep", async () => {
    const { machine, core, host } = await setUp({
      program: [{ op: "sti" }, { op: "hlt" }, { op: "jmp", to: 1 }],
      config: { clock: { kind: "realtime" } },
    });
    let sleeps = 0;
    await new Promise<void>((resolve) => {
      host.onSleep = () => {
        if (++sleeps === 1) {
          machine.pause();
          machine.start();
        } else resolve();
        return true;
      };
      machine.start();
    });
    const runs = core.runCount;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([sleeps, core.runCount, machine.state]).toEqual([2, runs, "running"]);
    machine.powerOff();
  });

  it("is refused while running and after the end", async () => {
    const { machine } = await setUp({ program: [{ op: "cli" }, { op: "hlt" }] });
    await machine.run({});
    expect(machine.state).toBe("ended");
    expect(() => machine.start()).toThrow(/start: the machine has ended; reset it first/);
    await expect(machine.run({})).rejects.toThrow(BadArgument);
  });

  it("keeps others out while it runs", async () => {
    const { machine } = await setUp();
    const running = machine.run({});
    await expect(machine.step(1)).rejects.toThrow(/is running; pause it first/);
    await expect(machine.stateHash()).rejects.toThrow(/is running/);
    machine.pause();
    expect((await running).reason).toBe("paused");
  });
});

describe("the end", () => {
  const endOf = async (program: Op[], prepare?: (core: FakeCore) => void): Promise<MachineExit> => {
    const { machine, core, exits } = await setUp({ program });
    prepare?.(core);
    const result = await machine.run({});
    expect(result.reason).toBe("exit");
    expect(exits).toEqual([result.exit]);
    expect(machine.state).toBe("ended");
    return result.exit!;
  };

  it("is 0 for HLT with interrupts off", async () => {
    expect(await endOf([{ op: "cli" }, { op: "hlt" }])).toMatchObject({
      reason: "halted",
      status: 0,
      message: expect.stringMatching(/^Halted/),
    });
  });

  it("is (v << 1) | 1 for the debug-exit port, at that instruction", async () => {
    const { machine, core } = await setUp({ program: [...out(0xf4, 0x10), ...LOOP] });
    expect((await machine.run({})).exit).toMatchObject({ reason: "debug-exit", status: 33 });
    expect(core.instructions).toBe(1);
  });

  it("is 3 for a triple fault, and for an interrupt that a boot sector cannot have", async () => {
    expect(await endOf([{ op: "triple" }])).toMatchObject({ reason: "triple-fault", status: 3 });
    expect(await endOf([{ op: "hlt" }], (core) => core.setRegister("rip", 0x511n))).toMatchObject({
      reason: "unhandled-interrupt",
      status: 3,
      message: expect.stringMatching(/INT 10h.*no BIOS/),
    });
  });

  it("is 4 for a bug of the emulator, with the registers", async () => {
    const exit = await endOf([{ op: "crash" }]);
    expect(exit).toMatchObject({ reason: "core-crash", status: 4 });
    expect(exit.error).toBeInstanceOf(CoreCrash);
    expect((exit.error as CoreCrash).registers.rip).toBe("0x7C00");
  });

  it("is 0 when switched off, once", async () => {
    const { machine, exits } = await setUp();
    machine.powerOff();
    machine.powerOff();
    expect(exits).toMatchObject([{ reason: "powered-off", status: 0 }]);
  });
});

describe("reset", () => {
  it("by the guest (ports 92h, CF9h, 64h) boots anew and goes on", async () => {
    for (const program of [out(0x92, 1), out(0xcf9, 2, 6), out(0x64, 0xfe)]) {
      const { machine, core } = await setUp({ program: [...print("boot "), ...program, ...LOOP] });
      let resets = 0;
      machine.onReset(() => {
        core.ram[0x7c00] === 0xcc && resets++;
      });
      core.ram[0x7c00] = 0;
      await machine.run({ text: "boot boot boot " });
      expect([resets, core.resets]).toEqual([2, 3]);
    }
  });

  it("of an ended machine makes it ready to run again", async () => {
    const { machine, output } = await setUp({ program: [...print("hi"), { op: "cli" }, { op: "hlt" }] });
    await machine.run({});
    machine.reset();
    expect([machine.state, machine.exit]).toEqual(["paused", null]);
    await machine.run({});
    expect(output()).toBe("hihi");
  });
});

describe("a listener that resets", () => {
  it("at the guest's last words keeps the machine going", async () => {
    const { machine, output, exits } = await setUp({ program: [...print("bye"), { op: "cli" }, { op: "hlt" }] });
    let left = 2;
    machine.serial(0).onData(() => {
      if (left-- > 0) machine.reset();
    });
    expect((await machine.run({})).exit?.reason).toBe("halted");
    expect([output(), exits.length]).toEqual(["byebyebye", 1]);
  });
});

describe("serial", () => {
  it("takes any amount, in order, and logs it as inputs", async () => {
    const { machine, output } = await setUp({ program: ECHO });
    const sent = Array.from({ length: 20_000 }, (_, i) => `${i} `).join("");
    const inputs: InputRecord[] = [];
    machine.onInput((input) => inputs.push(input));
    machine.serial(0).write(sent.slice(0, 70_000));
    machine.serial(0).write(sent.slice(70_000));
    machine.serial(0).write("END");
    await machine.run({ text: "END" });
    expect(output()).toBe(`${sent}END`);
    const logged = inputs.map((input) => (input.kind === "serial" ? new TextDecoder().decode(input.bytes) : "")).join("");
    expect(logged).toBe(`${sent}END`);
    expect(inputs.length).toBeGreaterThan(1);
  });

  it("wakes a guest in HLT", async () => {
    const wake: Op[] = [...out(0x20, 0x11), ...out(0x21, 0x20, 4, 1, 0xef), ...out(0x3f9, 1), { op: "sti" }];
    const program: Op[] = [
      ...wake,
      { op: "hlt" },
      { op: "jmp", to: wake.length },
      { op: "in", port: 0x3f8 },
      { op: "send", port: 0x3f8 },
      ...out(0x20, 0x20),
      { op: "iret" },
    ];
    const { machine, host, output } = await setUp({ program, handler: wake.length + 2, config: { clock: { kind: "realtime" } } });
    host.onSleep = () => {
      machine.serial(0).write("k");
      return true;
    };
    await machine.run({ text: "k" });
    expect(output()).toBe("k");
  });

  it("exists once, twice with com2", async () => {
    await expect(setUp().then(({ machine }) => machine.serial(1))).rejects.toThrow(/serial: port 1 does not exist/);
    const { machine } = await setUp({ config: { com2: true } });
    expect(machine.serial(1)).toBeDefined();
  });
});

describe("step and runSlice", () => {
  it("step runs exactly so many instructions, through HLT and interrupts", async () => {
    const { machine, core } = await setUp({ program: TIMER, handler: TIMER_HANDLER });
    for (const count of [1, 5, 100]) {
      const before = core.instructions;
      expect(await machine.step(count)).toBe(count);
      expect(core.instructions - before).toBe(count);
    }
    expect(core.ram[0x2000]).toBeGreaterThan(10);
    await expect(machine.step(0)).rejects.toThrow(BadArgument);
  });

  it("step ends with the guest", async () => {
    const { machine } = await setUp({ program: [{ op: "nop" }, { op: "cli" }, { op: "hlt" }] });
    expect(await machine.step(100)).toBe(3);
    expect(machine.state).toBe("ended");
  });

  it("runSlice runs synchronously, and says why it ended", async () => {
    const { machine, core } = await setUp();
    expect(machine.runSlice(1000)).toBe("limit");
    expect(core.ticks).toBe(1000);
    const halted = await setUp({ program: [{ op: "cli" }, { op: "hlt" }] });
    expect(halted.machine.runSlice(1000)).toBe("ended");
  });
});

describe("state", () => {
  const timer: SetUp = { program: TIMER, handler: TIMER_HANDLER };

  it("is the same for the same run, however it is cut, and differs for another", async () => {
    const hashAfter = async (sliceInstructions?: number, instructions = 3000): Promise<string> => {
      const { machine } = await setUp(timer);
      await machine.run({ instructions, sliceInstructions });
      return machine.stateHash();
    };
    const whole = await hashAfter();
    expect(whole).toMatch(/^[0-9a-f]{64}$/);
    for (const cut of [1, 7, 1000]) expect(await hashAfter(cut), `cut every ${cut}`).toBe(whole);
    expect(await hashAfter(undefined, 3001)).not.toBe(whole);
  });

  it("hash changes with any one RAM byte, register or device field", async () => {
    const { machine, core } = await setUp(timer);
    await machine.run({ instructions: 500 });
    const before = await machine.stateHash();
    for (const address of [0, 0x12345, 0xfffff]) {
      core.ram[address]! ^= 1;
      expect(await machine.stateHash()).not.toBe(before);
      core.ram[address]! ^= 1;
    }
    core.registers.set("rbx", 1n);
    expect(await machine.stateHash()).not.toBe(before);
    core.registers.set("rbx", 0n);
    const scratch = core.callbacks.portRead(0x3ff, 1);
    core.callbacks.portWrite(0x3ff, scratch ^ 1, 1);
    expect(await machine.stateHash()).not.toBe(before);
    core.callbacks.portWrite(0x3ff, scratch, 1);
    expect(await machine.stateHash()).toBe(before);
  });

  it("loads into another machine, which then runs as the first would have", async () => {
    const first = await setUp(timer);
    await first.machine.run({ instructions: 1234 });
    const saved = await first.machine.save();
    const second = await setUp(timer);
    await second.machine.run({ instructions: 77 });
    second.core.ram[0x9000] = 9;
    second.machine.load(saved);
    expect(await second.machine.stateHash()).toBe(await first.machine.stateHash());
    await first.machine.run({ instructions: 4000 });
    await second.machine.run({ instructions: 4000 });
    expect(await second.machine.stateHash()).toBe(await first.machine.stateHash());
    expect(second.core.ram[0x2000]).toBe(first.core.ram[0x2000]);
  });

  it("of another machine is refused", async () => {
    const { machine } = await setUp(timer);
    const saved = await machine.save();
    expect(() => machine.load({ ...saved, ram: { ...saved.ram, bytes: 0x200000 } })).toThrow(SnapshotIncompatible);
    expect(() => machine.load({ ...saved, sections: new Map() })).toThrow(/cpu/);
    const sections = new Map(saved.sections);
    sections.set("toaster", new Uint8Array(4));
    expect(() => machine.load({ ...saved, sections })).toThrow(/toaster/);
  });
});

describe("absent frames", () => {
  const touching: Op[] = Array.from({ length: 40 }, (_, i) => ({ op: "inc", address: 0x40000 + i * 4096 + i }) as Op);
  const contents = (frame: number): Uint8Array => new Uint8Array(4096).fill(frame === 0x42 ? 7 : 0);
  const program: Op[] = [...TIMER_SET_UP, ...touching, ...print("done"), { op: "cli" }, { op: "hlt" }];

  it("come asynchronously at first touch and give the same state as frames that were there", async () => {
    const asked: number[] = [];
    const lazily = await setUp({
      program,
      config: {
        ramProvider: async (frame) => {
          asked.push(frame);
          await new Promise((resolve) => setTimeout(resolve, frame % 3));
          return contents(frame);
        },
      },
    });
    const atOnce = await setUp({ program, config: { ramProvider: contents } });
    expect(asked).toEqual([0, 7]);
    for (const { machine } of [lazily, atOnce]) await machine.run({ text: "done" });
    expect(asked).toEqual([0, 7, ...Array.from({ length: 40 }, (_, i) => 0x40 + i)]);
    expect(lazily.core.ram[0x42002]).toBe(8);
    expect(lazily.core.instructions).toBe(atOnce.core.instructions);
    expect(await lazily.machine.stateHash()).toBe(await atOnce.machine.stateHash());
    const reference = await setUp({ program });
    reference.core.ram.fill(7, 0x42000, 0x43000);
    await reference.machine.run({ text: "done" });
    expect(await reference.machine.stateHash()).toBe(await lazily.machine.stateHash());
  });

  it("end the machine clearly when they cannot be had", async () => {
    for (const ramProvider of [
      (frame: number) => (frame < 0x40 ? contents(frame) : Promise.reject(new Error("no network"))),
      (frame: number) => (frame < 0x40 ? contents(frame) : new Uint8Array(5)),
    ]) {
      const { machine } = await setUp({ program, config: { ramProvider } });
      const { exit } = await machine.run({});
      expect(exit).toMatchObject({ reason: "memory-unavailable", status: 4, message: expect.stringMatching(/no network|4096 bytes/) });
    }
  });
});

describe("stats", () => {
  it("have exactly the documented names", async () => {
    const { machine } = await setUp({ program: [...print("x"), ...LOOP] });
    await machine.run({ instructions: 100 });
    const stats = await machine.stats({ hash: true });
    expect(Object.keys(stats).sort()).toEqual(
      [
        ...["instructions", "ticks", "wallSeconds", "cpuSeconds", "mips", "guestSeconds", "exits", "exitsTotal", "shadow", "jit"],
        ...["devices", "unimplemented", "peakRssMb", "stateHash", "exitReason", "postCode"],
      ].sort(),
    );
    expect(Object.keys(stats.jit).sort()).toEqual([
      "bytes",
      "compileMs",
      "entries",
      "evictions",
      "instructionsInJit",
      "invalidations",
      "links",
      "modules",
      "regions",
    ]);
    expect(stats).toMatchObject({ instructions: 100, ticks: 100, exitReason: null, stateHash: await machine.stateHash() });
    expect(stats.devices.com1).toEqual({ reads: 0, writes: 25, guestErrors: 0 });
    expect(stats.guestSeconds).toBeCloseTo(100e-6, 9);
  });
});

describe("real time", () => {
  const config = { clock: { kind: "realtime" } } as const;

  it("keeps a 1 kHz timer at 1 kHz of the host's clock, asleep in between", async () => {
    const { machine, core, host } = await setUp({ program: TIMER, handler: TIMER_HANDLER, config });
    const start = host.ms;
    await machine.run({ wallSeconds: 0.2 });
    const elapsed = host.ms - start;
    // One interrupt at each rate's period, the last of them perhaps not yet due: 1193182 Hz / 1193 is 1000.15 Hz.
    expect(Math.abs(core.ram[0x2000]! - elapsed)).toBeLessThanOrEqual(2);
    expect(host.sleeps.length).toBeGreaterThan(190);
  });

  it("on this computer's own clock never runs ahead of it, nor interrupts more often", async () => {
    let core: FakeCore | undefined;
    const host = createHost();
    const machine = await Machine.create(
      { boot: { kind: "sector", image: sector }, memoryMb: 1, ...config },
      { host, core: async (callbacks) => (core = new FakeCore(callbacks, { program: TIMER, handler: TIMER_HANDLER })) },
    );
    const start = host.now();
    await machine.run({ wallSeconds: 0.1 });
    const elapsed = host.now() - start;
    expect(machine.guestSeconds * 1000).toBeLessThanOrEqual(elapsed + 1);
    // The byte counts modulo 256; a host that is held up for longer cannot tell.
    if (elapsed < 250) expect(core!.ram[0x2000]).toBeLessThanOrEqual(elapsed + 2);
    expect(core!.ram[0x2000]).toBeGreaterThan(0);
  });
});

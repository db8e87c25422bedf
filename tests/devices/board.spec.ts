/** The whole board: wiring from chip to chip and to the processor, requests, snapshots, noise, the hot path. */
import { describe, expect, it } from "vitest";
import { SnapshotIncompatible } from "../../web/lib/errors";
import type { AccessSize } from "../../web/machine/device";
import type { Dma8237 } from "../../web/machine/devices/dma";
import { type CpuPins, createPc, type LogEntry, type Pc, type PcOptions } from "../../web/machine/pc";
import { ACCESSES } from "./laws";
import { Random } from "./random";

class FakeCpu implements CpuPins {
  ticks = 0;
  intr = false;
  a20 = false;
  stops = 0;
  nmis = 0;
  readonly limits: number[] = [];
  readonly ram: Uint8Array;
  readonly memory;
  constructor(ramBytes: number) {
    this.ram = new Uint8Array(ramBytes);
    this.memory = this.#memory();
  }
  readonly #memory = () => ({
    ramBytes: this.ram.length,
    read: (address: number, length: number) => this.ram.slice(address, address + length),
    write: (address: number, data: Uint8Array) => void this.ram.set(data, address),
  });
  limit(tick: number): void {
    this.limits.push(tick);
  }
  stop(): void {
    this.stops++;
  }
  setIntr(level: boolean): void {
    this.intr = level;
  }
  setA20(open: boolean): void {
    this.a20 = open;
  }
  setIgnne(): void {}
  pulseNmi(): void {
    this.nmis++;
  }
}

function fitted(options: Partial<PcOptions> = {}, ramBytes = 0x10000) {
  const cpu = new FakeCpu(ramBytes);
  const log: LogEntry[] = [];
  const pc = createPc(cpu, {
    memoryMb: 64,
    clock: { kind: "deterministic", ticksPerUs: 100 },
    epochSeconds: 1_700_000_000,
    com2: true,
    debugExitPort: 0xf4,
    log: (entry) => log.push(entry),
    ...options,
  });
  const out = (port: number, value: number, size: AccessSize = 1) => pc.portWrite(port, value, size);
  const inp = (port: number, size: AccessSize = 1) => pc.portRead(port, size);
  const advance = (ns: number, slice = Number.POSITIVE_INFINITY) => {
    const end = pc.clock.ticksAt(pc.clock.now() + ns);
    while (cpu.ticks < end) {
      pc.clock.fireDue();
      cpu.ticks = Math.min(end, cpu.ticks + slice, Math.max(cpu.ticks + 1, pc.clock.nextDeadlineTicks()));
    }
    pc.clock.fireDue();
  };
  return { cpu, pc, log, out, inp, advance };
}

/** Linux's init_8259A with everything unmasked. */
function initializePics(out: (port: number, value: number) => void): void {
  for (const [port, value] of [
    [0x20, 0x11],
    [0x21, 0x30],
    [0x21, 4],
    [0x21, 1],
    [0xa0, 0x11],
    [0xa1, 0x38],
    [0xa1, 2],
    [0xa1, 1],
    [0x21, 0],
    [0xa1, 0],
  ] as const) {
    out(port, value);
  }
}

const sections = (pc: Pc) => pc.save().map(([name, bytes]) => [name, [...bytes]]);

describe("wiring", () => {
  it("the timer interrupts through the master, the clock through both", () => {
    const { cpu, pc, out, inp, advance } = fitted();
    initializePics(out);
    for (const value of [0x34, 0xa9, 0x04]) out(value === 0x34 ? 0x43 : 0x40, value);
    advance(1_100_000);
    expect(cpu.intr).toBe(true);
    expect(pc.acknowledgeInterrupt()).toBe(0x30);
    expect(cpu.intr).toBe(false);
    out(0x20, 0x20);
    out(0x21, 0x01);
    out(0x70, 0x0b);
    out(0x71, 0x42);
    advance(1_000_000);
    expect(cpu.intr).toBe(true);
    expect(pc.acknowledgeInterrupt()).toBe(0x38);
    out(0x70, 0x0c);
    expect(inp(0x71) & 0xc0).toBe(0xc0);
  });

  it("serial ports on IRQ 4 and 3, keyboard on IRQ 1, mouse on IRQ 12", () => {
    const { cpu, pc, out, inp } = fitted();
    initializePics(out);
    const expectVector = (vector: number) => {
      expect(cpu.intr).toBe(true);
      expect(pc.acknowledgeInterrupt()).toBe(vector);
      out(0xa0, 0x20);
      out(0x20, 0x20);
    };
    out(0x3f9, 1);
    pc.serial[0]!.receive([0x41]);
    expectVector(0x34);
    expect(inp(0x3f8)).toBe(0x41);
    out(0x2f9, 1);
    pc.serial[1]!.receive([0x42]);
    expectVector(0x33);
    expect(inp(0x2f8)).toBe(0x42);
    pc.keyboard.press([0x1c]);
    expectVector(0x31);
    expect(inp(0x60)).toBe(0x1e);
    out(0x64, 0x60);
    out(0x60, 0x43);
    out(0x64, 0xd4);
    out(0x60, 0xf4);
    expectVector(0x3c);
    expect(inp(0x60)).toBe(0xfa);
    expect(cpu.intr).toBe(false);
  });

  it("port 61h gates counter 2 and shows its output; the refresh bit toggles", () => {
    const { out, inp, advance } = fitted();
    out(0x61, (inp(0x61) & ~0x02) | 0x01);
    out(0x43, 0xb0);
    out(0x42, 0x9c);
    out(0x42, 0x2e);
    expect(inp(0x61) & 0x20).toBe(0);
    advance(9_990_000);
    expect(inp(0x61) & 0x20).toBe(0);
    advance(20_000);
    expect(inp(0x61) & 0x20).toBe(0x20);
    const seen = new Set<number>();
    for (let i = 0; i < 10; i++) {
      seen.add(inp(0x61) & 0x10);
      advance(10_000);
    }
    expect(seen.size).toBe(2);
  });

  it("A20 reaches the processor from port 92h and from the keyboard controller", () => {
    const { cpu, pc, out } = fitted();
    expect(cpu.a20).toBe(true);
    out(0x92, 0x00);
    expect(cpu.a20).toBe(false);
    out(0x64, 0xdf);
    expect(cpu.a20).toBe(true);
    out(0x64, 0xdd);
    expect(cpu.a20).toBe(false);
    pc.reset();
    expect(cpu.a20).toBe(true);
  });

  it("every reset line stops the processor and leaves one request", () => {
    const causes: [string, (out: (port: number, value: number) => void) => void][] = [
      ["port 92h", (out) => out(0x92, 0x01)],
      ["keyboard controller", (out) => out(0x64, 0xfe)],
      ["port CF9h", (out) => [0x02, 0x06].map((value) => out(0xcf9, value))],
    ];
    for (const [source, cause] of causes) {
      const { cpu, pc, out } = fitted();
      expect(pc.takeRequest()).toBeUndefined();
      cause(out);
      expect(cpu.stops).toBe(1);
      out(0xf4, 1);
      expect(pc.takeRequest()).toEqual({ kind: "reset", source });
      expect(pc.takeRequest()).toBeUndefined();
    }
  });

  it("the debug exit gives its value; without it the port is empty", () => {
    const { cpu, pc, out } = fitted();
    out(0xf4, 0x10);
    expect(cpu.stops).toBe(1);
    expect(pc.takeRequest()).toEqual({ kind: "debug-exit", value: 0x10 });
    const without = fitted({ debugExitPort: undefined, com2: false });
    without.out(0xf4, 0x10);
    expect(without.pc.takeRequest()).toBeUndefined();
    expect(without.inp(0x2f9)).toBe(0xff);
    expect(without.pc.serial).toHaveLength(1);
  });

  it("the NMI button passes the mask of port 70h", () => {
    const { cpu, pc, out } = fitted();
    expect(pc.nmi()).toBe(false);
    out(0x70, 0x00);
    expect(pc.nmi()).toBe(true);
    expect(cpu.nmis).toBe(1);
  });

  it("an alarm that a device arms during a run shortens that run", () => {
    const { cpu, out } = fitted();
    cpu.limits.length = 0;
    cpu.ticks = 1000;
    for (const value of [0x30, 0x10, 0x00]) out(value === 0x30 ? 0x43 : 0x40, value);
    expect(cpu.limits).toHaveLength(1);
    // The 17th pulse from now: 16 to 17 periods of 838 ns, 10 ns a tick.
    expect(cpu.limits[0]! - 1000).toBeGreaterThanOrEqual(1340);
    expect(cpu.limits[0]! - 1000).toBeLessThanOrEqual(1425);
  });
});

describe("an idle board", () => {
  it("has no deadlines from power-on, nor after a reset", () => {
    const { pc, out } = fitted();
    expect(pc.clock.nextDeadlineTicks()).toBe(Number.POSITIVE_INFINITY);
    for (const value of [0x34, 0xa9, 0x04]) out(value === 0x34 ? 0x43 : 0x40, value);
    expect(pc.clock.nextDeadlineTicks()).toBeLessThan(1e6);
    pc.reset();
    expect(pc.clock.nextDeadlineTicks()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("what Linux does at boot", () => {
  it("logs nothing about the ports it probes, and counts what it did", () => {
    const { pc, log, inp, out } = fitted({ com2: false });
    const probed = [
      0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x42, 0x61, 0x60, 0x64, 0x70, 0x71, 0x80, 0x92, 0xed, 0xf0, 0x22, 0x23, 0x2f9, 0x3e9,
      0x2e9, 0x3f9, 0x279, 0xa79, 0x3f2, 0x1f7, 0x177, 0x376, 0x3f6, 0x37a, 0x27a, 0x3d4, 0x3d5, 0x3c4, 0x3cc, 0x3da, 0x3b4, 0x510, 0x511,
      0x0d, 0xda, 0x81, 0xcfb,
    ];
    for (const port of probed) inp(port);
    out(0x80, 0);
    inp(0xcf8, 4);
    inp(0xcfc, 4);
    expect(log).toEqual([]);
    expect(inp(0x999)).toBe(0xff);
    expect(log.map(({ device, level, message }) => [device, level, message])).toEqual([
      ["bus", "guest", "read of port 0x999, which nothing claims"],
    ]);
    const counters = pc.counters();
    expect(counters.com1).toEqual({ reads: 1, writes: 0, guestErrors: 0 });
    expect(counters.post).toEqual({ reads: 1, writes: 1, guestErrors: 0 });
    expect(counters.bus!.reads).toBeGreaterThan(20);
    expect(counters.bus!.guestErrors).toBe(1);
  });

  it("a guest that errs without end fills no log", () => {
    const { pc, log, out } = fitted();
    for (let i = 0; i < 1000; i++) out(0x64, 0xb7);
    expect(log).toHaveLength(101);
    expect(log[100]).toMatchObject({ device: "i8042", level: "info" });
    expect(pc.counters().i8042!.guestErrors).toBe(1000);
  });
});

describe("snapshots of the board", () => {
  /** Random accesses to the chips, time, and inputs. */
  const play = ({ pc, advance, inp, out }: ReturnType<typeof fitted>, random: Random, steps: number, slice?: number): number[] => {
    const ports = pc.bus.portClaims().flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    const seen: number[] = [];
    for (let i = 0; i < steps; i++) {
      const port = random.pick(ports);
      const size = random.pick([1, 1, 1, 2, 4] as const);
      const kind = random.below(20);
      if (kind < 9) seen.push(inp(port, size));
      else if (kind < 16) out(port, random.bits() % 2 ** (8 * size), size);
      else if (kind === 16) advance(2 ** random.below(18), slice);
      else if (kind === 17) pc.serial[random.below(2)]!.receive([random.below(256), 7, 9]);
      else if (kind === 18) pc.keyboard.press([random.below(128)]);
      else seen.push(pc.acknowledgeInterrupt());
    }
    return seen;
  };

  it(`survives ${ACCESSES} random accesses; the result does not depend on how the run is sliced`, () => {
    const [one, two] = [fitted(), fitted()];
    const seen = play(one, new Random(3), ACCESSES);
    expect(play(two, new Random(3), ACCESSES, 997)).toEqual(seen);
    expect(sections(two.pc)).toEqual(sections(one.pc));
    expect(two.cpu.intr).toBe(one.cpu.intr);
    expect(two.cpu.a20).toBe(one.cpu.a20);
  });

  it("a restored board goes on as the original, whatever it was before", () => {
    for (let seed = 1; seed <= 15; seed++) {
      const original = fitted();
      play(original, new Random(seed), 300);
      const saved = original.pc.save();
      const before = sections(original.pc);
      const twin = fitted();
      play(twin, new Random(seed + 100), 200);
      twin.cpu.ticks = original.cpu.ticks;
      twin.pc.load(new Map(saved));
      expect(sections(twin.pc)).toEqual(before);
      expect(twin.cpu.intr).toBe(original.cpu.intr);
      expect(twin.cpu.a20).toBe(original.cpu.a20);
      expect(play(twin, new Random(seed), 300)).toEqual(play(original, new Random(seed), 300));
      expect(sections(twin.pc)).toEqual(sections(original.pc));
    }
  });

  it("refuses sections of another machine and damaged ones, and stays as it was", () => {
    const { pc } = fitted();
    const saved = pc.save();
    const other = fitted({ com2: false, debugExitPort: undefined });
    expect(() => other.pc.load(new Map(saved))).toThrow(SnapshotIncompatible);
    expect(() => pc.load(new Map(other.pc.save()))).toThrow("com2");
    const before = sections(pc);
    const damaged = new Map(saved);
    damaged.set("rtc", damaged.get("rtc")!.slice(0, -1));
    expect(() => pc.load(damaged)).toThrow(SnapshotIncompatible);
    expect(sections(pc)).toEqual(before);
  });

  it("a reset is the same after any past, but for battery, divisor and host input", () => {
    const used = fitted();
    play(used, new Random(9), 2000);
    const fresh = fitted();
    used.pc.reset();
    fresh.pc.reset();
    const survivors = new Set(["clock", "rtc", "com1", "com2"]);
    const without = (pc: Pc) => sections(pc).filter(([name]) => !survivors.has(name as string));
    expect(without(used.pc)).toEqual(without(fresh.pc));
    expect(used.cpu.intr).toBe(false);
  });
});

describe("DMA", () => {
  it("reaches RAM; beyond it reads ones and loses writes, with a complaint", () => {
    const { cpu, log, pc, out } = fitted();
    const dma = pc.devices.find(({ name }) => name === "dma1")!.device as Dma8237;
    const program = (mode: number, page: number) => {
      for (const [port, value] of [
        [0x0c, 0],
        [0x0b, mode],
        [0x04, 0],
        [0x04, 0x10],
        [0x81, page],
        [0x05, 3],
        [0x05, 0],
        [0x0a, 2],
      ] as const)
        out(port, value);
    };
    program(0x46, 0);
    expect(dma.writeMemory(2, Uint8Array.of(1, 2, 3, 4))).toBe(4);
    expect(cpu.ram.slice(0x1000, 0x1004)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(log).toEqual([]);
    program(0x4a, 1);
    expect(dma.readMemory(2, 4)).toEqual(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    program(0x46, 1);
    expect(dma.writeMemory(2, Uint8Array.of(1, 2, 3, 4))).toBe(4);
    expect(log.map(({ message }) => message)).toEqual(["DMA read outside RAM at 0x11000", "DMA write outside RAM at 0x11000"]);
  });
});

describe("a board with firmware", () => {
  const rom = new Uint8Array(0x10000);

  it("the HPET takes the 8254's place on IRQ 0, and gives it back", () => {
    const { cpu, pc, out, advance } = fitted({ firmware: { rom } });
    initializePics(out);
    for (const value of [0x34, 0xa9, 0x04]) out(value === 0x34 ? 0x43 : 0x40, value);
    out(0x21, 0xfe);
    const interrupts = (ns: number): number => {
      let count = 0;
      for (let passed = 0; passed < ns; passed += 100_000) {
        advance(100_000);
        while (cpu.intr) {
          expect(pc.acknowledgeInterrupt()).toBe(0x30);
          out(0x20, 0x20);
          count++;
        }
      }
      return count;
    };
    expect(interrupts(10e6)).toBeGreaterThanOrEqual(9);
    pc.mmioWrite(0xfed00010, 3, 4);
    expect(interrupts(10e6)).toBeLessThanOrEqual(1);
    pc.mmioWrite(0xfed00100, 0x14c, 4);
    pc.mmioWrite(0xfed00108, 1_100_000, 4);
    pc.mmioWrite(0xfed00108, 200_000, 4);
    expect(interrupts(20e6)).toBeGreaterThanOrEqual(9);
    pc.mmioWrite(0xfed00100, 0, 4);
    pc.mmioWrite(0xfed00010, 0, 4);
    expect(interrupts(10e6)).toBeGreaterThanOrEqual(9);
  });

  it("has four serial ports, two on each request", () => {
    const { cpu, pc, out, inp } = fitted({ firmware: { rom } });
    initializePics(out);
    expect(pc.serial).toHaveLength(4);
    for (const [n, port, vector] of [
      [0, 0x3f8, 0x34],
      [1, 0x2f8, 0x33],
      [2, 0x3e8, 0x34],
      [3, 0x2e8, 0x33],
    ] as const) {
      out(port + 1, 1);
      pc.serial[n]!.receive([0x41 + n]);
      expect([n, cpu.intr, pc.acknowledgeInterrupt()]).toEqual([n, true, vector]);
      expect(inp(port)).toBe(0x41 + n);
      out(0x20, 0x20);
      expect([n, cpu.intr]).toEqual([n, false]);
    }
  });

  it("bus masters write RAM behind PAM only where the processor may", () => {
    const { cpu, pc, out } = fitted({ firmware: { rom } }, 0x100000);
    // Through fw_cfg's DMA, which writes its answer where it is told.
    const structure = (at: number): void => {
      // Read 4 bytes of the signature to E8000h: control, length, address, big-endian.
      const view = new DataView(cpu.ram.buffer);
      view.setUint32(at, 0x0000000a);
      view.setUint32(at + 4, 4);
      view.setUint32(at + 8, 0);
      view.setUint32(at + 12, 0xe8000);
    };
    const start = (): string => {
      structure(0x1000);
      out(0x518, 0x00100000, 4);
      return String.fromCharCode(...cpu.ram.subarray(0xe8000, 0xe8004));
    };
    pc.reset();
    expect(start()).toBe("\0\0\0\0");
    out(0xcf8, 0x8000005c, 4);
    out(0xcff, 0x03);
    expect(start()).toBe("QEMU");
  });
});

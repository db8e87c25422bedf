/**
 * A core for machine tests: a processor of a dozen instructions with the real one's contract (ticks, HLT, INTR, limit,
 * stop, absent frames), whose program is data. One instruction takes one tick; REP takes one per iteration.
 */
import { ExitReason } from "../../web/lib/events.generated";
import type { Core, CoreCallbacks, CoreStats, GuestMemory } from "../../web/machine/core";

export type Op =
  | { readonly op: "nop" | "hlt" | "sti" | "cli" | "iret" | "triple" | "crash" }
  | { readonly op: "jmp"; readonly to: number }
  | { readonly op: "rep"; readonly count: number }
  | { readonly op: "out"; readonly port: number; readonly value: number }
  /** Reads a port into the accumulator. */
  | { readonly op: "in"; readonly port: number }
  /** Writes the accumulator to a port. */
  | { readonly op: "send"; readonly port: number }
  | { readonly op: "skip-unless"; readonly mask: number }
  /** Increments a byte of memory. */
  | { readonly op: "inc"; readonly address: number };

export interface FakeOptions {
  readonly ramBytes?: number;
  readonly program: readonly Op[];
  /** Index of the first instruction of every interrupt handler. */
  readonly handler?: number;
}

const FRAME = 4096;

export class FakeCore implements Core {
  ticks = 0;
  instructions = 0;
  missingFrame = 0;
  readonly ram: Uint8Array;
  readonly memory: GuestMemory;
  /** Arguments of every setTsc. */
  readonly tsc: [bigint, number, number][] = [];
  runCount = 0;
  readonly vectors: number[] = [];
  resets = 0;
  /** Address and length of every ROM. */
  readonly roms: [number, number][] = [];
  #at = 0;
  #accumulator = 0;
  #interruptsOn = false;
  #halted = false;
  #returns: number[] = [];
  #repLeft = 0;
  #intr = false;
  #limit = 0;
  #stop = false;
  readonly #absent = new Set<number>();
  readonly registers = new Map<string, bigint>();

  constructor(
    readonly callbacks: CoreCallbacks,
    readonly options: FakeOptions,
  ) {
    this.ram = new Uint8Array(options.ramBytes ?? 0x100000);
    this.memory = {
      ramBytes: this.ram.length,
      read: (address, length) => this.ram.slice(address, address + length),
      write: (address, data) => this.ram.set(data, address),
    };
  }

  mapRom(address: number, data: Uint8Array): void {
    this.roms.push([address, data.length]);
  }

  run(untilTick: number): ExitReason {
    this.runCount++;
    this.#limit = untilTick;
    this.#stop = false;
    for (;;) {
      if (this.#intr && this.#interruptsOn) this.#interrupt();
      if (this.#halted) return this.#interruptsOn ? ExitReason.Halt : ExitReason.Halted;
      if (this.ticks >= this.#limit) return ExitReason.Budget;
      if (this.#stop) return ExitReason.Stop;
      const end = this.#execute();
      if (end !== undefined) return end;
    }
  }

  #interrupt(): void {
    this.vectors.push(this.callbacks.acknowledgeInterrupt());
    this.#returns.push(this.#at);
    this.#at = this.options.handler ?? 0;
    this.#interruptsOn = false;
    this.#halted = false;
  }

  #execute(): ExitReason | undefined {
    const op = this.options.program[this.#at];
    if (!op) throw new Error("the fake program has no such instruction");
    if (op.op === "rep") {
      if (this.#repLeft === 0) this.#repLeft = op.count;
      this.ticks++;
      if (--this.#repLeft > 0) return undefined;
      this.instructions++;
      this.#at++;
      return undefined;
    }
    if (op.op === "inc" && this.#absent.has(Math.floor(op.address / FRAME))) {
      this.missingFrame = Math.floor(op.address / FRAME);
      return ExitReason.FrameMissing;
    }
    this.#at++;
    const end = this.#perform(op);
    this.ticks++;
    this.instructions++;
    return end;
  }

  #perform(op: Op): ExitReason | undefined {
    switch (op.op) {
      case "hlt":
        this.#halted = true;
        return undefined;
      case "sti":
      case "cli":
        this.#interruptsOn = op.op === "sti";
        return undefined;
      case "iret":
        this.#at = this.#returns.pop()!;
        this.#interruptsOn = true;
        return undefined;
      case "triple":
        return ExitReason.Shutdown;
      case "crash":
        throw new Error("unreachable executed");
      case "jmp":
        this.#at = op.to;
        return undefined;
      case "out":
        this.callbacks.portWrite(op.port, op.value, 1);
        return undefined;
      case "in":
        this.#accumulator = this.callbacks.portRead(op.port, 1);
        return undefined;
      case "send":
        this.callbacks.portWrite(op.port, this.#accumulator, 1);
        return undefined;
      case "skip-unless":
        if ((this.#accumulator & op.mask) === 0) this.#at++;
        return undefined;
      case "inc":
        this.ram[op.address]!++;
        return undefined;
      default:
        return undefined;
    }
  }

  limit(untilTick: number): void {
    this.#limit = Math.min(this.#limit, untilTick);
  }
  stop(): void {
    this.#stop = true;
  }
  setTsc(base: bigint, baseTicks: number, perTick: number): void {
    this.tsc.push([base, baseTicks, perTick]);
  }
  setIntr(level: boolean): void {
    this.#intr = level;
  }
  pulseNmi(): void {}
  setIgnne(): void {}
  setA20(): void {}
  markAbsent(first: number, count: number): void {
    for (let frame = first; frame < first + count; frame++) this.#absent.add(frame);
  }
  deliverFrame(frame: number, contents: Uint8Array): void {
    if (!this.#absent.delete(frame)) return;
    this.ram.set(contents, frame * FRAME);
  }
  /** Every frame may have been written. */
  beginWriteEpoch(): number {
    return 1;
  }
  frameEpoch(): number {
    return 1;
  }
  reset(): void {
    this.resets++;
    this.#at = 0;
    this.#accumulator = 0;
    this.#interruptsOn = false;
    this.#halted = false;
    this.#returns = [];
    this.#repLeft = 0;
    this.registers.clear();
  }
  getRegister(name: string): bigint {
    return this.registers.get(name) ?? 0n;
  }
  setRegister(name: string, value: bigint): void {
    this.registers.set(name, value);
  }
  saveCpu(): Uint8Array {
    const state = {
      at: this.#at,
      accumulator: this.#accumulator,
      interruptsOn: this.#interruptsOn,
      halted: this.#halted,
      returns: this.#returns,
      repLeft: this.#repLeft,
      intr: this.#intr,
      ticks: this.ticks,
      instructions: this.instructions,
      registers: [...this.registers].map(([name, value]) => [name, String(value)]).sort(),
    };
    return new TextEncoder().encode(JSON.stringify(state));
  }
  loadCpu(bytes: Uint8Array): void {
    const state = JSON.parse(new TextDecoder().decode(bytes));
    this.#at = state.at;
    this.#accumulator = state.accumulator;
    this.#interruptsOn = state.interruptsOn;
    this.#halted = state.halted;
    this.#returns = state.returns;
    this.#repLeft = state.repLeft;
    this.#intr = state.intr;
    this.ticks = state.ticks;
    this.instructions = state.instructions;
    this.registers.clear();
    for (const [name, value] of state.registers) this.registers.set(name, BigInt(value));
  }
  stats(): CoreStats {
    return { instructions: this.instructions, ticks: this.ticks, exits: {}, exitsTotal: 0, shadow: {}, jit: NO_JIT, unimplemented: [] };
  }
}

const NO_JIT = {
  regions: 0,
  modules: 0,
  bytes: 0,
  compileMs: 0,
  links: 0,
  invalidations: 0,
  evictions: 0,
  instructionsInJit: 0,
  entries: 0,
};

/** A host whose time moves when told, by sleeping, and a little with each look at the clock. */
export class FakeHost {
  ms = 1000;
  /** Host time that guest code has taken, in ms. */
  guestCostMs: () => number = () => 0;
  readonly sleeps: number[] = [];
  yields = 0;
  /** Called when a sleep begins; true: it lasts until it is woken. */
  onSleep: (ms: number) => boolean = () => false;
  now(): number {
    this.ms += 0.001;
    return this.ms + this.guestCostMs();
  }
  epochSeconds(): number {
    return 1_700_000_000.5;
  }
  async yield(): Promise<void> {
    this.yields++;
  }
  sleep(ms: number): { done: Promise<void>; wake(): void } {
    this.sleeps.push(ms);
    let wake!: () => void;
    const done = new Promise<void>((resolve) => {
      wake = resolve;
    });
    queueMicrotask(() => {
      if (this.onSleep(ms)) return;
      if (!Number.isFinite(ms)) throw new Error("the fake host would sleep for ever");
      this.ms += ms;
      wake();
    });
    return { done, wake };
  }
}

/**
 * Runs real-mode captures of an 80286 (docs/vectors.md) on the core: one instruction from CS:IP and on to the HLT that ends
 * each test. SDM 3A chapter "8086 Emulation"; what later processors do otherwise is listed in moo-rules.ts.
 */
import type { CoreCallbacks } from "../machine/core";
import { CoreHost } from "../machine/core-host";
import { MOO_REGISTERS, type MooRegister, type MooTest } from "./moo-file";
import { type MooRule, memoryName, pushedFlags, ruleFor, undefinedFlags } from "./moo-rules";

const RAM_BYTES = 2 << 20;
/** FFFF:FFFF is the last byte that real mode reaches. */
const REACHED_BYTES = 0x110000;
/** Instructions after which a test counts as lost: captures have one, and a HLT that may be a handler's. */
const PATIENCE = 64;
/** Bits 12 to 15: IOPL and NT, which a 386 keeps in real mode and an 80286 has as 0. */
const SYSTEM_FLAGS = 0xf000;
const FRAME = 4096;
const VECTORS = 256;
/** Where vectors lead that a capture has no handler for: a HLT each. */
const HANDLERS = 0xf000;

/** A bus on which nothing answers, as when the captures were made. */
const emptyBus: CoreCallbacks = {
  portRead: (_port, size) => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff),
  portWrite: () => {},
  mmioRead: () => 0xffffffff,
  mmioWrite: () => {},
  acknowledgeInterrupt: () => 0,
  ferr: () => {},
  frameMissing: () => {
    throw new Error("memory of a test is missing");
  },
};

const show = (value: number, digits = 4): string => value.toString(16).padStart(digits, "0");

/** Contents of memory wherever a test does not say: a vector table, its handlers, and zeros. */
function backgroundMemory(): Uint8Array {
  const memory = new Uint8Array(REACHED_BYTES);
  const view = new DataView(memory.buffer);
  for (let vector = 0; vector < VECTORS; vector++) view.setUint32(vector * 4, HANDLERS * 0x10000 + vector, true);
  memory.fill(0xf4, HANDLERS << 4, (HANDLERS << 4) + VECTORS);
  return memory;
}

export interface MooOutcome {
  /** What is different, as sentences: first what the core did; none when the test passes. */
  readonly differences: readonly string[];
  /** A failing test of which the difference is by rule. */
  readonly rule?: MooRule;
}

/** A core in real mode with 2 MB of RAM and A20 open. */
export class MooMachine {
  readonly #core: CoreHost;
  readonly #background = backgroundMemory();
  /** Where the core keeps guest-physical address 0. */
  readonly #ram: number;

  private constructor(core: CoreHost) {
    this.#core = core;
    core.memory.write(0, this.#background);
    const hostOf = (frame: number): number => core.exports.guestFrameHost?.(frame) ?? 0;
    this.#ram = hostOf(0);
    for (let frame = 0; frame < REACHED_BYTES / FRAME; frame++)
      if (hostOf(frame) !== this.#ram + frame * FRAME) throw new Error("the core's RAM is not in one piece");
  }

  static async create(wasm: BufferSource | WebAssembly.Module): Promise<MooMachine> {
    return new MooMachine(await CoreHost.create(wasm, emptyBus, { ramBytes: RAM_BYTES, cpuModel: 4 }));
  }

  run(test: MooTest): MooOutcome {
    const memory = new Map<number, number>(test.initial.ram);
    for (const [address, byte] of memory) this.#core.memory.write(address, Uint8Array.of(byte));
    for (const [address, byte] of test.final.ram) memory.set(address, byte);
    this.#enter(test);
    this.#core.step(PATIENCE);
    const registers = Object.fromEntries(MOO_REGISTERS.map((name) => [name, this.#register(name)])) as Record<MooRegister, number>;
    const exception = unhandledVector(test, registers);
    const found = new Map([...this.#compareMemory(test, memory), ...compareRegisters(test, registers)]);
    if (found.size === 0) return { differences: [] };
    const rule = ruleFor(test, { registers, differing: new Set(found.keys()), ...(exception !== undefined && { exception }) });
    const expected = test.exception?.vector;
    const differences =
      this.#core.getRegister("halted") === 0n
        ? [`no HLT was reached: at ${show(registers.cs)}:${show(registers.ip)} after ${PATIENCE} instructions`]
        : exception !== undefined
          ? [`exception ${exception}, expected ${expected === undefined ? "none" : expected}`]
          : [...found.values()].reverse();
    return rule ? { differences, rule } : { differences };
  }

  #enter({ initial: { registers: r } }: MooTest): void {
    const values: Record<string, bigint> = {
      eip: BigInt(r.ip),
      eflags: BigInt((r.flags & ~SYSTEM_FLAGS) | 2),
      cr0: 0x10n,
      cr3: 0n,
      cr4: 0n,
      efer: 0n,
      cpl: 0n,
      halted: 0n,
      interruptShadow: 0n,
      pendingDebug: 0n,
      idtr_base: 0n,
      idtr_limit: BigInt(VECTORS * 4 - 1),
    };
    for (const name of ["ax", "bx", "cx", "dx", "sp", "bp", "si", "di"] as const) values[`e${name}`] = BigInt(r[name]);
    for (const name of ["cs", "ss", "ds", "es"] as const) {
      values[`${name}_selector`] = BigInt(r[name]);
      values[`${name}_base`] = BigInt(r[name] << 4);
      values[`${name}_limit`] = 0xffffn;
      values[`${name}_attributes`] = 0x93n;
    }
    // No 80287 was there to notice an exception: all are masked.
    this.#core.setFields({ fpuControl: 0x37fn, fpuStatus: 0n, fpuTag: 0xffffn });
    this.#core.setRegisters(values);
  }

  #register(name: MooRegister): number {
    const field = /^[cdes]s$/.test(name) ? `${name}_selector` : name === "flags" ? "eflags" : `e${name}`;
    return Number(this.#core.getRegister(field) & 0xffffn);
  }

  /** Compares what the test names, then all other memory, which must be untouched; puts the background back. */
  #compareMemory(test: MooTest, expected: ReadonlyMap<number, number>): Map<string, string> {
    const differences = new Map<string, string>();
    const pushed = pushedFlags(test);
    const undefinedBits = undefinedFlags(test);
    const memory = new Uint8Array(this.#core.buffer, this.#ram, REACHED_BYTES);
    for (const [address, byte] of expected) {
      const forgiven = address === pushed ? undefinedBits & 0xff : address === pushed + 1 ? undefinedBits >> 8 : 0;
      const got = memory[address] as number;
      if ((got ^ byte) & ~forgiven)
        differences.set(memoryName(address), `${memoryName(address)}: ${show(got, 2)}, expected ${show(byte, 2)}`);
      this.#restore(address, 1);
    }
    if (Buffer.compare(memory, this.#background) !== 0) {
      const at = memory.findIndex((byte, n) => byte !== this.#background[n]);
      differences.set(memoryName(at), `${memoryName(at)}: ${show(memory[at] as number, 2)}, expected no write`);
      this.#restore(0, REACHED_BYTES);
    }
    return differences;
  }

  #restore(address: number, length: number): void {
    this.#core.memory.write(address, this.#background.subarray(address, address + length));
  }
}

/** The vector that led to a handler of ours. */
function unhandledVector(test: MooTest, { cs, ip }: Readonly<Record<MooRegister, number>>): number | undefined {
  return cs === HANDLERS && ip > 0 && ip <= VECTORS && test.final.registers.cs !== HANDLERS ? ip - 1 : undefined;
}

function compareRegisters(test: MooTest, got: Readonly<Record<MooRegister, number>>): Map<string, string> {
  const differences = new Map<string, string>();
  for (const name of MOO_REGISTERS) {
    const mask = name === "flags" ? 0xffff & ~SYSTEM_FLAGS & ~undefinedFlags(test) : 0xffff;
    const want = (test.final.registers[name] ?? test.initial.registers[name]) & mask;
    if ((got[name] & mask) !== want) differences.set(name, `${name} ${show(got[name] & mask)}, expected ${show(want)}`);
  }
  return differences;
}

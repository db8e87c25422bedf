/**
 * Is everything in the state hash? Changes one thing at a time in a machine that is in the middle of something (the
 * teaching kernel, with tasks running), looks whether the hash has changed, and puts the thing back.
 */
import { CPU_STATE, type CpuStateField, type StateFieldPlace } from "../../web/lib/cpu-state.generated";
import type { MachineState } from "../../web/machine/machine";
import { createPc } from "../../web/machine/pc";
import { decodeState, encodeState } from "../../web/snapshot/codec";
import type { Field, Schema } from "../../web/snapshot/schema";
import { type Booted, builtIn, createMachine } from "../boot/machines";

const MEMORY_MB = 2;
const FRAME = 4096;
/** Both tasks run, the timer ticks. */
const UNDER_WAY = 300_000;
const CONFIG = { memoryMb: MEMORY_MB, com2: true, debugExitPort: 0xf4 } as const;

export interface FlipReport {
  /** How many changes were made. */
  readonly flips: number;
  /** Changes that the hash did not show. */
  readonly unseen: readonly string[];
}

/** A machine in the middle of the teaching kernel. */
export async function teachingUnderWay(): Promise<Booted> {
  const booted = await createMachine({ boot: builtIn("teaching"), ...CONFIG });
  const { reason } = await booted.machine.run({ instructions: UNDER_WAY });
  if (reason !== "instructions") throw new Error(`the teaching kernel has ended before ${UNDER_WAY} instructions`);
  return booted;
}

class Flips {
  flips = 0;
  readonly unseen: string[] = [];
  readonly #machine: Booted["machine"];
  readonly #original: string;

  private constructor(machine: Booted["machine"], original: string) {
    this.#machine = machine;
    this.#original = original;
  }

  static async of({ machine }: Booted): Promise<Flips> {
    return new Flips(machine, await machine.stateHash());
  }

  /** The state is changed now: is it seen? */
  async look(what: string): Promise<void> {
    this.flips++;
    if ((await this.#machine.stateHash()) === this.#original) this.unseen.push(what);
  }

  /** Everything was put back: then the hash is the old one, or the changes were not what they seemed. */
  async end(): Promise<FlipReport> {
    if ((await this.#machine.stateHash()) !== this.#original) this.unseen.push("the state was not put back");
    return { flips: this.flips, unseen: this.unseen };
  }
}

/** One bit in each of these bytes of RAM. */
export async function flipRam(booted: Booted, addresses: Iterable<number>): Promise<FlipReport> {
  const flips = await Flips.of(booted);
  const { memory } = booted.core;
  for (const address of addresses) {
    const [byte] = memory.read(address, 1) as unknown as [number];
    memory.write(address, Uint8Array.of(byte ^ (1 << (address % 8))));
    await flips.look(`RAM ${address.toString(16)}`);
    memory.write(address, Uint8Array.of(byte));
  }
  return flips.end();
}

/** The first and the last byte of RAM, and one somewhere in each of every `step`-th frame. */
export function* ramAddresses(step: number): Generator<number> {
  const bytes = MEMORY_MB * 0x100000;
  yield 0;
  for (let frame = 1; frame < bytes / FRAME; frame += step) yield frame * FRAME + (Math.imul(frame, 2654435761) >>> 20);
  yield bytes - 1;
}

const SIZES: Readonly<Record<StateFieldPlace["type"], number>> = { u8: 1, u16: 2, u32: 4, u64: 8, f80: 16, v128: 16 };
/** CF, PF, AF, ZF, SF, OF: held in the lazy flags, not in EFLAGS. */
const ARITHMETIC_FLAGS = 0x8d5;
/** An 80-bit register lies in 16 bytes. */
const F80_BYTES = 10;

/** Bits of every saved register, where they lie in the core: all of them, or only the lowest of each (`sparse`). */
export async function flipRegisters(booted: Booted, sparse: boolean): Promise<FlipReport> {
  const flips = await Flips.of(booted);
  const { core } = booted;
  for (const [name, place] of Object.entries(CPU_STATE) as [CpuStateField, StateFieldPlace][]) {
    if (!place.saved) continue;
    for (let n = 0; n < place.count; n++) {
      const bytes = place.type === "f80" ? F80_BYTES : SIZES[place.type];
      for (let bit = 0; bit < bytes * 8; bit += sparse ? bytes * 8 : 1) {
        // Of EFLAGS, only what lies there: bit 21, ID, in a sparse run.
        const at = name === "eflags" && sparse ? 21 : bit;
        // Bit 1 is no state: it is always 1 (SDM 1 "EFLAGS Register").
        if (name === "eflags" && (ARITHMETIC_FLAGS | 2) & (1 << at)) continue;
        const memory = new Uint8Array(core.buffer);
        const address = core.stateOffset(name) + n * SIZES[place.type] + (at >>> 3);
        memory[address]! ^= 1 << (at & 7);
        await flips.look(`${name}${place.count > 1 ? `[${n}]` : ""} bit ${at}`);
        memory[address]! ^= 1 << (at & 7);
      }
    }
  }
  return flips.end();
}

/** The arithmetic flags, one at a time, through the front door. */
export async function flipFlags(booted: Booted): Promise<FlipReport> {
  const flips = await Flips.of(booted);
  const eflags = booted.core.getRegister("eflags");
  for (let bit = 0n; bit < 12n; bit++) {
    if (!(BigInt(ARITHMETIC_FLAGS) & (1n << bit))) continue;
    booted.core.setRegister("eflags", eflags ^ (1n << bit));
    await flips.look(`EFLAGS bit ${bit}`);
    booted.core.setRegister("eflags", eflags);
  }
  return flips.end();
}

/** Every field of the clock and of every device, through save and load; of fields with many bytes each byte, or two (`sparse`). */
export async function flipDevices(booted: Booted, sparse: boolean): Promise<FlipReport> {
  const flips = await Flips.of(booted);
  const { machine } = booted;
  const state = await machine.save();
  for (const [section, schema] of schemas(booted)) {
    const original = decodeState(schema, state.sections.get(section)!) as Record<string, unknown>;
    for (const [name, field] of Object.entries(schema.fields))
      for (const part of partsOf(field, original[name], sparse)) {
        const changes = otherStates(schema, original, name, part).map((other) => encodeState(schema, other as never));
        const what = `${section}.${name}${part === undefined ? "" : `[${part}]`}`;
        if (changes.some((bytes) => loads(booted, state, section, bytes))) await flips.look(what);
        else flips.unseen.push(`${what}: no other value can be loaded`);
      }
  }
  machine.load(state);
  return flips.end();
}

/** A board of its own tells the schemas; the machine's keeps its devices to itself. */
function schemas({ core }: Booted): Map<string, Schema> {
  const clock = { kind: "deterministic", ticksPerUs: 50 } as const;
  const nothing = new Proxy(core, { get: () => () => 0 });
  const pc = createPc(nothing, { ...CONFIG, clock, epochSeconds: 0 });
  return new Map([["clock", pc.clock.schema as Schema], ...pc.devices.map(({ name, device }): [string, Schema] => [name, device.schema])]);
}

function loads({ machine }: Booted, state: MachineState, section: string, bytes: Uint8Array): boolean {
  try {
    machine.load({ ...state, sections: new Map([...state.sections, [section, bytes]]) });
    return true;
  } catch {
    // A value that the chip cannot have.
    machine.load(state);
    return false;
  }
}

/** Indexes of what can be changed by itself; undefined: the field as a whole. */
function partsOf(field: Field<unknown>, value: unknown, sparse: boolean): readonly (number | undefined)[] {
  if (field.kind.startsWith("bytes:")) {
    const all = Array.from(value as Uint8Array, (_, n) => n);
    return sparse ? [...new Set([all.at(0), all.at(-1)])] : all;
  }
  // A queue: its length, and each entry.
  if (field.kind.startsWith("list:")) return [undefined, ...(value as readonly number[]).keys()];
  return [undefined];
}

/** States that differ in this field, or in this part of it, the likeliest to be possible first. */
function otherStates(schema: Schema, original: Record<string, unknown>, name: string, part: number | undefined): Record<string, unknown>[] {
  const field = schema.fields[name]!;
  const alone = otherValues(field, original[name], part).map((value) => ({ ...original, [name]: value }));
  if (!field.kind.startsWith("list:") || part !== undefined) return alone;
  // Two queues may go in step: then one more, or one less, in both.
  const length = (original[name] as readonly number[]).length;
  const companions = Object.keys(schema.fields).filter((other) => {
    const value = original[other];
    return other !== name && Array.isArray(value) && value.length === length;
  });
  const longer = (value: unknown): number[] => [...(value as readonly number[]), 0];
  const shorter = (value: unknown): number[] => (value as readonly number[]).slice(0, -1);
  return alone.concat(
    companions.flatMap((other) =>
      [longer, ...(length > 0 ? [shorter] : [])].map((change) => ({
        ...original,
        [name]: change(original[name]),
        [other]: change(original[other]),
      })),
    ),
  );
}

/** Values that differ there from the given one, the likeliest to be possible first. */
function otherValues(field: Field<unknown>, value: unknown, part: number | undefined): unknown[] {
  if (field.kind === "bool") return [!value];
  if (field.kind === "f64") return [(value as number) + 1, 0, 1].filter((other) => other !== value && Number.isFinite(other));
  if (field.kind.startsWith("list:") && part === undefined) {
    const list = value as readonly number[];
    return [[...list, 0x41], list.slice(0, -1)].filter(
      (other) => other.length !== list.length && other.length <= Number(field.kind.slice(5)),
    );
  }
  if (part !== undefined) {
    return [1, 2, 4, 8, 16, 32, 64, 128].map((bit) => {
      const copy = (value as Uint8Array | number[]).slice();
      copy[part]! ^= bit;
      return copy;
    });
  }
  const bits = { u8: 8, u16: 16, u32: 32 }[field.kind as "u8" | "u16" | "u32"];
  return Array.from({ length: bits }, (_, bit) => ((value as number) ^ (1 << bit)) >>> 0)
    .concat(0, 1, 2, 3, 4)
    .filter((other) => other !== value);
}

/**
 * The CPU's saved state as bytes: a section of snapshots, in which every field has its name, so that a state is never
 * read with another build's layout.
 *
 *   u8 3, "cpu" | u16 version | u16 fields | for each: u8 length, name | u16 length, value (little-endian)
 *
 * Fields come in the order of asm/isa/cpu-state.ts; those that are arrays have their elements in order.
 */
import { CPU_STATE, CPU_STATE_BYTES, type CpuStateField, type StateFieldPlace } from "../lib/cpu-state.generated";
import { SnapshotIncompatible } from "../lib/errors";
import { decodeHeader } from "../snapshot/codec";

const NAME = "cpu";
export const CPU_SECTION_VERSION = 1;

const BYTES = { u8: 1, u16: 2, u32: 4, u64: 8, f80: 16, v128: 16 } as const;

interface SavedField {
  readonly name: CpuStateField;
  readonly place: StateFieldPlace;
  /** In bytes, in the state area and here. */
  readonly length: number;
  /** Of its value, from the beginning of the section. */
  readonly at: number;
}

interface Layout {
  /** The section with all values 0. */
  readonly blank: Uint8Array;
  readonly fields: readonly SavedField[];
}

const LAYOUT: Layout = layOut();

function layOut(): Layout {
  const saved = (Object.entries(CPU_STATE) as [CpuStateField, StateFieldPlace][]).filter(
    ([, place]) => place.saved && place.offset < CPU_STATE_BYTES,
  );
  const bytes: number[] = [...ascii(NAME), ...u16(CPU_SECTION_VERSION), ...u16(saved.length)];
  const fields = saved.map(([name, place]): SavedField => {
    const length = BYTES[place.type] * place.count;
    bytes.push(...ascii(name), ...u16(length));
    const at = bytes.length;
    bytes.push(...new Array<number>(length).fill(0));
    return { name, place, length, at };
  });
  return { blank: Uint8Array.from(bytes), fields };
}

function ascii(text: string): number[] {
  return [text.length, ...Array.from(text, (character) => character.charCodeAt(0))];
}

function u16(value: number): number[] {
  return [value & 0xff, value >>> 8];
}

/** The saved fields of the state area `state`, as a section. */
export function encodeCpu(state: Uint8Array): Uint8Array {
  const result = LAYOUT.blank.slice();
  for (const { place, length, at } of LAYOUT.fields) result.set(state.subarray(place.offset, place.offset + length), at);
  return result;
}

/**
 * Puts a section's values into the state area of a CPU of the model with this index. Throws SnapshotIncompatible, and has
 * then changed nothing.
 */
export function decodeCpu(section: Uint8Array, state: Uint8Array, cpuModel: number): void {
  checkCpu(section);
  if (fieldOf(section, "cpuModel") !== BigInt(cpuModel)) throw new SnapshotIncompatible(NAME, "it is of another CPU model.");
  for (const { place, length, at } of LAYOUT.fields) state.set(section.subarray(at, at + length), place.offset);
}

/** Values by name, arrays as one number an element; for people. Throws SnapshotIncompatible. */
export function cpuFields(section: Uint8Array): Map<string, string> {
  checkCpu(section);
  const result = new Map<string, string>();
  for (const { name, place, length, at } of LAYOUT.fields) {
    const size = length / place.count;
    for (let n = 0; n < place.count; n++) {
      const element = section.subarray(at + n * size, at + (n + 1) * size);
      const digits = Array.from(element, (byte) => byte.toString(16).padStart(2, "0")).reverse();
      result.set(place.count === 1 ? name : `${name}[${n}]`, digits.join(""));
    }
  }
  return result;
}

/** Throws SnapshotIncompatible. */
function checkCpu(section: Uint8Array): void {
  const refuse = (reason: string): never => {
    throw new SnapshotIncompatible(NAME, reason);
  };
  const header = decodeHeader(section);
  if (header.name !== NAME) refuse("the state of another device was given for it.");
  if (header.version > CPU_SECTION_VERSION)
    refuse(`version ${header.version} is newer than this build's ${CPU_SECTION_VERSION}. Use a newer Vitrine.`);
  if (header.version === 0) refuse("version 0 does not exist.");
  if (section.length !== LAYOUT.blank.length || !sameNames(section)) refuse("its fields are not those of this build's CPU.");
  for (const [name, most] of LARGEST) if (fieldOf(section, name) > most) refuse(`${name} has a value that the CPU never has.`);
  if (fieldOf(section, "instructions") + fieldOf(section, "tickOffset") > LAST_TICK)
    refuse("its tick counter has a value that the CPU never has.");
}

/** Everything but the values is as in `blank`. */
function sameNames(section: Uint8Array): boolean {
  let from = 0;
  for (const { at, length } of [...LAYOUT.fields, { at: section.length, length: 0 }]) {
    for (let i = from; i < at; i++) if (section[i] !== LAYOUT.blank[i]) return false;
    from = at + length;
  }
  return true;
}

/** Ticks are exact up to here. */
const LAST_TICK = BigInt(Number.MAX_SAFE_INTEGER);
/** Fields that only hold few values; the core relies on it. */
const LARGEST: readonly (readonly [CpuStateField, bigint])[] = [
  ["a20", 1n],
  ["cpl", 3n],
  ["interruptShadow", 2n],
  ["halted", 1n],
  ["intr", 1n],
  ["nmiPending", 1n],
  ["nmiBlocked", 1n],
  ["ferr", 1n],
  ["ignne", 1n],
  ["instructions", LAST_TICK],
  ["tickOffset", LAST_TICK],
];

/** One value of a section that `decodeCpu` would take; elements of arrays follow each other upwards. */
export function fieldOf(section: Uint8Array, name: CpuStateField): bigint {
  const { at, length } = LAYOUT.fields.find((field) => field.name === name)!;
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(section[at + i]!);
  return value;
}

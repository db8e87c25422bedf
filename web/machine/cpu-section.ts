/**
 * The CPU's saved state as bytes: a section of snapshots, in which every field has its name, so that a state is never
 * read with another build's layout.
 *
 *   u8 3, "cpu" | u16 version | u16 fields | for each: u8 length, name | u16 length, value (little-endian)
 *
 * Fields come in the order of asm/isa/cpu-state.ts; those that are arrays have their elements in order. A section of an
 * earlier build may lack fields that were added since: they keep their values after RESET#. A field that this build does
 * not know is refused, for it means something that would be lost.
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
 * Puts a section's values into the state area of a CPU of the model with this index, which has just been reset. Throws
 * SnapshotIncompatible, and has then changed nothing.
 */
export function decodeCpu(section: Uint8Array, state: Uint8Array, cpuModel: number): void {
  const values = checkCpu(section);
  if (numberOf(values.get("cpuModel")) !== BigInt(cpuModel)) refuse("it is of another CPU model.");
  for (const { name, place, length } of LAYOUT.fields) {
    const value = values.get(name);
    if (!value) continue;
    state.fill(0, place.offset, place.offset + length);
    state.set(value, place.offset);
  }
}

/** Values by name, arrays as one number an element; for people. Throws SnapshotIncompatible. */
export function cpuFields(section: Uint8Array): Map<string, string> {
  const result = new Map<string, string>();
  for (const [name, value] of checkCpu(section)) {
    const { place } = FIELDS.get(name)!;
    const size = value.length / place.count;
    for (let n = 0; n < place.count; n++) {
      const element = value.subarray(n * size, (n + 1) * size);
      const digits = Array.from(element, (byte) => byte.toString(16).padStart(2, "0")).reverse();
      result.set(place.count === 1 ? name : `${name}[${n}]`, digits.join(""));
    }
  }
  return result;
}

/** One value of a section that `decodeCpu` would take; elements of arrays follow each other upwards. */
export const fieldOf = (section: Uint8Array, name: CpuStateField): bigint => numberOf(checkCpu(section).get(name));

const FIELDS: ReadonlyMap<string, SavedField> = new Map(LAYOUT.fields.map((field) => [field.name, field]));

const refuse = (reason: string): never => {
  throw new SnapshotIncompatible(NAME, reason);
};

/** The values by field. Throws SnapshotIncompatible. */
function checkCpu(section: Uint8Array): Map<CpuStateField, Uint8Array> {
  const header = decodeHeader(section);
  if (header.name !== NAME) refuse("the state of another device was given for it.");
  if (header.version > CPU_SECTION_VERSION)
    refuse(`version ${header.version} is newer than this build's ${CPU_SECTION_VERSION}. Use a newer Vitrine.`);
  if (header.version === 0) refuse("version 0 does not exist.");
  const values = readFields(section, header.bodyAt);
  for (const name of NEEDED) if (!values.has(name)) refuse(`${name} is missing.`);
  for (const [name, most] of LARGEST) if (numberOf(values.get(name)) > most) refuse(`${name} has a value that the CPU never has.`);
  if (numberOf(values.get("instructions")) + numberOf(values.get("tickOffset")) > LAST_TICK)
    refuse("its tick counter has a value that the CPU never has.");
  return values;
}

function readFields(section: Uint8Array, start: number): Map<CpuStateField, Uint8Array> {
  const values = new Map<CpuStateField, Uint8Array>();
  let at = start;
  const take = (length: number): Uint8Array => {
    if (at + length > section.length) refuse("it is cut short.");
    at += length;
    return section.subarray(at - length, at);
  };
  const takeNumber = (length: number): number => Number(numberOf(take(length)));
  const count = takeNumber(2);
  for (let n = 0; n < count; n++) {
    const name = String.fromCharCode(...take(takeNumber(1)));
    const field = FIELDS.get(name) ?? refuse("it has a register that this build does not know. Use a newer Vitrine.");
    const length = takeNumber(2);
    // A register that became wider since keeps its value.
    const fits = length === field.length || (field.place.count === 1 && length > 0 && length < field.length);
    if (!fits || values.has(field.name)) refuse(`${field.name} is not as this build has it.`);
    values.set(field.name, take(length));
  }
  if (at !== section.length) refuse(`${section.length - at} bytes follow its last register.`);
  return values;
}

/** Little-endian; 0 for a value that is not there. */
function numberOf(bytes: Uint8Array | undefined): bigint {
  let value = 0n;
  for (let i = (bytes?.length ?? 0) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes![i]!);
  return value;
}

/** What every build has had. */
const NEEDED: readonly CpuStateField[] = ["cpuModel", "rip", "eflags", "cr0", "cr3", "instructions"];
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

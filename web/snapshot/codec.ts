/**
 * State as bytes and back, by schema. The encoding is canonical: the same state always gives the same bytes, so
 * hashes of machines can be compared, and every byte matters. Decoding is strict: what this build would not have
 * written is refused with SnapshotIncompatible, except fields that a later version added (`since`).
 *
 *   u8 length, name (ASCII) | u16 version | the fields of that version in schema order
 *   u8 u16 u32 f64: little-endian   bool: 0 or 1   bytes:N: N bytes   list:N, blob:N: u32 count (at most N), bytes
 */
import { assert } from "../lib/assert";
import { SnapshotIncompatible } from "../lib/errors";
import { type Field, type Fields, initialState, type Schema, type StateOf } from "./schema";

const UNSIGNED_BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4 };

/** The number after the colon of `bytes:N` and its like. */
function capacityOf(field: Field<unknown>): number {
  return Number(field.kind.slice(field.kind.indexOf(":") + 1));
}

const isCounted = (field: Field<unknown>): boolean => field.kind.startsWith("list:") || field.kind.startsWith("blob:");

/** Bytes that the field's value takes. */
function encodedBytes(field: Field<unknown>, value: unknown): number {
  if (field.kind === "bool") return 1;
  if (field.kind === "f64") return 8;
  if (field.kind.startsWith("bytes:")) return capacityOf(field);
  if (isCounted(field)) return 4 + (value as readonly number[] | Uint8Array).length;
  return UNSIGNED_BYTES[field.kind]!;
}

/** One value has its field's type and range; NaN and -0 have twins that compare equal or unequal to them, so neither is canonical. */
function inRange(field: Field<unknown>, value: unknown): boolean {
  if (field.kind === "bool") return typeof value === "boolean";
  if (field.kind === "f64") return typeof value === "number" && !Number.isNaN(value) && !Object.is(value, -0);
  if (field.kind.startsWith("bytes:")) return value instanceof Uint8Array && value.length === capacityOf(field);
  if (field.kind.startsWith("blob:")) return value instanceof Uint8Array && value.length <= capacityOf(field);
  if (field.kind.startsWith("list:"))
    return Array.isArray(value) && value.length <= capacityOf(field) && value.every((item) => isUnsigned(item, 1));
  return isUnsigned(value, UNSIGNED_BYTES[field.kind]!);
}

function isUnsigned(value: unknown, bytes: number): boolean {
  return Number.isInteger(value) && !Object.is(value, -0) && (value as number) >= 0 && (value as number) < 2 ** (8 * bytes);
}

/** A device that hands out a value outside its own schema is a bug of Vitrine: AssertionFailed. */
export function encodeState<S extends Schema>(schema: S, state: StateOf<S>): Uint8Array {
  const values = state as Record<string, unknown>;
  let length = 1 + schema.name.length + 2;
  for (const [name, field] of Object.entries(schema.fields)) {
    assert(inRange(field, values[name]), `${schema.name}.${name} is a ${field.kind} (it is ${String(values[name])})`);
    length += encodedBytes(field, values[name]);
  }
  const result = new Uint8Array(length);
  const view = new DataView(result.buffer);
  let at = writeHeader(result, view, schema);
  for (const [name, field] of Object.entries(schema.fields)) {
    writeValue(result, view, at, field, values[name]);
    at += encodedBytes(field, values[name]);
  }
  return result;
}

function writeHeader(result: Uint8Array, view: DataView, schema: Schema): number {
  assert(schema.name.length < 256 && /^[\x20-\x7e]+$/.test(schema.name), `the schema name "${schema.name}" is short ASCII`);
  result[0] = schema.name.length;
  for (let i = 0; i < schema.name.length; i++) result[1 + i] = schema.name.charCodeAt(i);
  view.setUint16(1 + schema.name.length, schema.version, true);
  return 3 + schema.name.length;
}

function writeValue(result: Uint8Array, view: DataView, at: number, field: Field<unknown>, value: unknown): void {
  if (field.kind === "bool") result[at] = value ? 1 : 0;
  else if (field.kind === "f64") view.setFloat64(at, value as number, true);
  else if (field.kind === "u8") result[at] = value as number;
  else if (field.kind === "u16") view.setUint16(at, value as number, true);
  else if (field.kind === "u32") view.setUint32(at, value as number, true);
  else if (field.kind.startsWith("bytes:")) result.set(value as Uint8Array, at);
  else {
    const items = value as readonly number[] | Uint8Array;
    view.setUint32(at, items.length, true);
    result.set(items, at + 4);
  }
}

export interface StateHeader {
  readonly name: string;
  readonly version: number;
  /** Offset of the first field. */
  readonly bodyAt: number;
}

/** Name and version without decoding the fields, for listings. Throws SnapshotIncompatible. */
export function decodeHeader(bytes: Uint8Array): StateHeader {
  const nameLength = bytes.length > 0 ? bytes[0]! : 0;
  if (nameLength === 0 || bytes.length < nameLength + 3) throw new SnapshotIncompatible("state", "it ends inside its header.");
  const name = String.fromCharCode(...bytes.subarray(1, 1 + nameLength));
  const version = bytes[1 + nameLength]! | (bytes[2 + nameLength]! << 8);
  return { name, version, bodyAt: nameLength + 3 };
}

/** The state in these bytes. Throws SnapshotIncompatible for another name, a newer version, or anything malformed. */
export function decodeState<S extends Schema>(schema: S, bytes: Uint8Array): StateOf<S> {
  const header = decodeHeader(bytes);
  if (header.name !== schema.name)
    throw new SnapshotIncompatible(schema.name, `the state of "${header.name.replace(/[^\x20-\x7e]/g, "?")}" was given for it.`);
  if (header.version > schema.version) {
    throw new SnapshotIncompatible(
      schema.name,
      `version ${header.version} is newer than this build's ${schema.version}. Use a newer Vitrine.`,
    );
  }
  if (header.version === 0) throw new SnapshotIncompatible(schema.name, "version 0 does not exist.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const state = initialState(schema) as Record<string, unknown>;
  let at = header.bodyAt;
  for (const [name, field] of Object.entries(schema.fields as Fields)) {
    if ((field.since ?? 1) > header.version) continue;
    const refuse = (reason: string): never => {
      throw new SnapshotIncompatible(`${schema.name}.${name}`, reason);
    };
    const value = readValue(bytes, view, at, field, refuse);
    if (!inRange(field, value)) refuse(`its value is not a ${field.kind}.`);
    state[name] = value;
    at += encodedBytes(field, value);
  }
  if (at !== bytes.length) throw new SnapshotIncompatible(schema.name, `${bytes.length - at} bytes follow its last field.`);
  return state as StateOf<S>;
}

function readValue(bytes: Uint8Array, view: DataView, at: number, field: Field<unknown>, refuse: (reason: string) => never): unknown {
  const left = bytes.length - at;
  const isList = isCounted(field);
  if (left < (isList ? 4 : encodedBytes(field, undefined))) return refuse("it is cut short.");
  if (field.kind === "bool") return bytes[at] === 0 ? false : bytes[at] === 1 ? true : refuse("its value is neither 0 nor 1.");
  if (field.kind === "f64") return view.getFloat64(at, true);
  if (field.kind === "u8") return bytes[at];
  if (field.kind === "u16") return view.getUint16(at, true);
  if (field.kind === "u32") return view.getUint32(at, true);
  if (!isList) return bytes.slice(at, at + capacityOf(field));
  const count = view.getUint32(at, true);
  if (count > capacityOf(field) || count > left - 4) return refuse(`its count ${count} is too large.`);
  const items = bytes.subarray(at + 4, at + 4 + count);
  return field.kind.startsWith("blob:") ? items.slice() : Array.from(items);
}

/** Files of vectors (docs/vectors.md): one JSON object a line, plain or compressed with gzip. */
import { gunzipSync } from "node:zlib";
import type { Vector } from "./vectors";
import type { LongVector } from "./vectors-long";

/** Why a file is none, as one line; `message` begins with its name. */
export class BadVectorFile extends Error {}

export interface NumberedVector<V = Vector> {
  /** Its line in the uncompressed file, from 1. */
  readonly line: number;
  readonly vector: V;
}

const GZIP = [0x1f, 0x8b];
const LINE_FEED = 10;

/** Do the expanded bytes hold vectors of 64-bit code? The first line says so. */
export function isLongFile(bytes: Uint8Array): boolean {
  const feed = bytes.indexOf(LINE_FEED);
  return /"l":\s*1\b/.test(new TextDecoder().decode(bytes.subarray(0, feed < 0 ? bytes.length : feed)));
}

/** Yields the vectors of a file's bytes. Throws BadVectorFile at the first line that is none. */
export const readVectors = (name: string, file: Uint8Array): Generator<NumberedVector> => readLines<Vector>(name, file, FIELDS);
/** The same for 64-bit code. */
export const readLongVectors = (name: string, file: Uint8Array): Generator<NumberedVector<LongVector>> =>
  readLines<LongVector>(name, file, LONG_FIELDS);

function* readLines<V>(name: string, file: Uint8Array, fields: Fields): Generator<NumberedVector<V>> {
  const bytes = expand(name, file);
  const decoder = new TextDecoder();
  let found = false;
  let line = 0;
  for (let at = 0; at < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, at);
    const end = feed < 0 ? bytes.length : feed;
    const text = decoder.decode(bytes.subarray(at, end)).trim();
    at = end + 1;
    line++;
    if (text === "") continue;
    found = true;
    yield { line, vector: parseVector<V>(`${name}, line ${line}`, text, fields) };
  }
  if (!found) throw new BadVectorFile(`${name}: holds no vectors`);
}

/** The bytes, decompressed if they are compressed. Throws BadVectorFile if that fails. */
export function expand(name: string, file: Uint8Array): Uint8Array {
  if (!GZIP.every((byte, at) => file[at] === byte)) return file;
  try {
    return gunzipSync(file);
  } catch (error) {
    throw new BadVectorFile(`${name}: cannot be decompressed (${error instanceof Error ? error.message : String(error)}); get it again`);
  }
}

const isNumber = (value: unknown): boolean => Number.isInteger(value);
const isHex = (value: unknown): boolean => typeof value === "string" && /^([0-9a-f]{2})*$/.test(value);
const isPatch = (value: unknown): boolean => Array.isArray(value) && value.length === 2 && isNumber(value[0]) && isHex(value[1]);
const isOptional = (check: (value: unknown) => boolean) => (value: unknown) => value === undefined || check(value);
/** Bytes of a vector's FPU image, in hexadecimal digits. */
const IMAGE_DIGITS = 2 * (28 + 8 * 16 + 8 * 16);
const isImage = (value: unknown): boolean => isHex(value) && (value as string).length === IMAGE_DIGITS;

type Fields = Readonly<Record<string, (value: unknown) => boolean>>;

const FIELDS: Readonly<Record<keyof Vector, (value: unknown) => boolean>> = {
  c: (value) => isHex(value) && value !== "",
  m: isNumber,
  k: isNumber,
  r: (value) => Array.isArray(value) && value.length === 8 && value.every(isNumber),
  f: isNumber,
  x: isOptional(isImage),
  p: isPatch,
  u: isNumber,
  R: (value) => typeof value === "object" && value !== null && Object.values(value).every(isNumber),
  F: isNumber,
  e: isNumber,
  X: isOptional(isImage),
  M: isOptional((value) => Array.isArray(value) && value.every(isPatch)),
  sig: isOptional(isNumber),
  trap: isOptional(isNumber),
  err: isOptional(isNumber),
  cr2: isOptional(isNumber),
};

/** Up to 64 bits as hexadecimal digits. */
const isWide = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{1,16}$/.test(value);
const isWidePatch = (value: unknown): boolean => Array.isArray(value) && value.length === 2 && isWide(value[0]) && isHex(value[1]);
const LONG_IMAGE_DIGITS = 2 * (28 + 8 * 16 + 16 * 16);
const isLongImage = (value: unknown): boolean => isHex(value) && (value as string).length === LONG_IMAGE_DIGITS;

const LONG_FIELDS: Readonly<Record<keyof LongVector, (value: unknown) => boolean>> = {
  ...FIELDS,
  l: (value) => value === 1,
  r: (value) => Array.isArray(value) && value.length === 16 && value.every(isWide),
  x: isOptional(isLongImage),
  p: isWidePatch,
  R: (value) => typeof value === "object" && value !== null && Object.values(value).every(isWide),
  e: isWide,
  X: isOptional(isLongImage),
  M: isOptional((value) => Array.isArray(value) && value.every(isWidePatch)),
  cr2: isOptional(isWide),
};

function parseVector<V>(where: string, text: string, fields: Fields): V {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadVectorFile(`${where}: is not JSON; a vector file has one object a line (docs/vectors.md)`);
  }
  if (typeof value !== "object" || value === null) throw new BadVectorFile(`${where}: is not an object (docs/vectors.md)`);
  for (const [key, isRight] of Object.entries(fields))
    if (!isRight(value[key])) throw new BadVectorFile(`${where}: "${key}" is ${key in value ? "wrong" : "missing"} (docs/vectors.md)`);
  return value as V;
}

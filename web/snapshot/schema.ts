/**
 * State schemas: what a device saves, as data. A schema is a name, a version and typed fields; the codec, the
 * snapshot file and the device panel all read the same schema, and TypeScript derives the state's type from it,
 * so that a field which is forgotten in `save()` does not compile.
 */

/** One field: how it is encoded (`kind`), its value after power-on, and the schema version that introduced it. */
export interface Field<T> {
  readonly kind: FieldKind;
  readonly initial: T;
  readonly since?: number;
}

/** `u8 u16 u32`: unsigned integers. `f64`: time in ns or ticks (exact to 2^53). `bool`. `bytes:N`: N raw bytes. `list:N`: up to N u8 values in order (FIFOs). `blob:N`: up to N raw bytes (buffers, video memory). */
export type FieldKind = "u8" | "u16" | "u32" | "f64" | "bool" | `bytes:${number}` | `list:${number}` | `blob:${number}`;

export const u8: Field<number> = { kind: "u8", initial: 0 };
export const u16: Field<number> = { kind: "u16", initial: 0 };
export const u32: Field<number> = { kind: "u32", initial: 0 };
export const f64: Field<number> = { kind: "f64", initial: 0 };
export const bool: Field<boolean> = { kind: "bool", initial: false };
export const bytes = (length: number): Field<Uint8Array> => ({ kind: `bytes:${length}`, initial: new Uint8Array(length) });
export const list = (capacity: number): Field<readonly number[]> => ({ kind: `list:${capacity}`, initial: [] });
export const blob = (capacity: number): Field<Uint8Array> => ({ kind: `blob:${capacity}`, initial: new Uint8Array() });
/** The same field with another power-on value. */
export const initially = <T>(field: Field<T>, initial: T): Field<T> => ({ ...field, initial });
/** A field added in `version`; older snapshots load with its initial value. */
export const since = <T>(version: number, field: Field<T>, initial: T = field.initial): Field<T> => ({ ...field, initial, since: version });

// biome-ignore lint/suspicious/noExplicitAny: a schema is heterogeneous by nature; StateOf gives the types back.
export type Fields = Record<string, Field<any>>;
export interface Schema<F extends Fields = Fields> {
  readonly name: string;
  readonly version: number;
  readonly fields: F;
}
export const state = <F extends Fields>(name: string, version: number, fields: F): Schema<F> => ({ name, version, fields });
export type StateOf<S> = S extends Schema<infer F> ? { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never } : never;

/** The same fields under names that begin with `prefix`: one chip's parts that are alike (`counter0.mode`, `counter1.mode`). */
export type Prefixed<P extends string, F> = { [K in keyof F & string as `${P}.${K}`]: F[K] };
export function prefixed<P extends string, F>(prefix: P, part: F): Prefixed<P, F> {
  return Object.fromEntries(Object.entries(part as object).map(([name, value]) => [`${prefix}.${name}`, value])) as Prefixed<P, F>;
}
/** The part of a state that `prefixed` put under `prefix`, with the plain names. */
export function unprefixed<P extends string, F>(prefix: P, whole: Prefixed<P, F>): F {
  const start = `${prefix}.`;
  const entries = Object.entries(whole as object).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(start.length), value])) as F;
}

/** A fresh power-on state: every call returns its own arrays. */
export function initialState<S extends Schema>(schema: S): StateOf<S> {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema.fields)) result[name] = ownValue(field.initial);
  return result as StateOf<S>;
}

/** The same state with its own arrays: what `save()` hands out and `load()` keeps. */
export function copyState<S extends Schema>(schema: S, from: StateOf<S>): StateOf<S> {
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(schema.fields)) result[name] = ownValue((from as Record<string, unknown>)[name]);
  return result as StateOf<S>;
}

const ownValue = (value: unknown): unknown => (value instanceof Uint8Array || Array.isArray(value) ? value.slice() : value);

/**
 * Constants that differ between students: a pure function of the lab, the constant's name and the student's ID, the
 * same in the page and on the command line, today and next year.
 */

import { ExpressionError, numberOf } from "../lib/expression";
import { Sha256, toHex } from "../lib/sha256";

export type Constant =
  /** `from`, `from + step`, … up to `to`; never the value of a constant named in `unlike`. */
  | { readonly from: number; readonly to: number; readonly step?: number; readonly unlike?: readonly string[] }
  | { readonly oneOf: readonly number[]; readonly unlike?: readonly string[] }
  /** An expression over the constants before it. */
  | { readonly is: string };

export type Constants = Readonly<Record<string, number>>;

/** IDs that differ in case and outer spaces only are one ID. */
export const normalId = (student: string): string => student.trim().toLowerCase();

/** The constants of one student. Throws ExpressionError for a definition that has no value. */
export function constantsFor(lab: string, definitions: Readonly<Record<string, Constant>>, student: string): Constants {
  const values: Record<string, number> = {};
  for (const [name, definition] of Object.entries(definitions))
    values[name] =
      "is" in definition ? numberOf(definition.is, values) : draw(name, definition, values, `${lab}\n${name}\n${normalId(student)}`);
  return values;
}

function draw(name: string, definition: Exclude<Constant, { readonly is: string }>, values: Constants, seed: string): number {
  const choices = "oneOf" in definition ? definition.oneOf : range(definition);
  const taken = new Set((definition.unlike ?? []).map((other) => values[other]));
  const free = choices.filter((choice) => !taken.has(choice));
  if (free.length === 0) throw new ExpressionError(`constant ${name}: all its values are those of ${definition.unlike?.join(", ")}`);
  const digest = toHex(new Sha256().update(new TextEncoder().encode(seed)).digest());
  return free[Number.parseInt(digest.slice(0, 12), 16) % free.length]!;
}

function range({ from, to, step = 1 }: { readonly from: number; readonly to: number; readonly step?: number }): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, n) => from + n * step);
}

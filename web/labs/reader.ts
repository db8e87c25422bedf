/** Reads a JSON object field by field, noting everything that is wrong with its place, and unknown fields too. */
import { ExpressionError, parse } from "../lib/expression";

/** Both ends are possible. */
export interface Demand {
  readonly from: number;
  readonly to: number;
}

export class Reader {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    readonly path: string,
    readonly problems: string[],
  ) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) problems.push(`${path}: an object { … } is wanted`);
    this.#fields = isObject ? (value as Record<string, unknown>) : {};
  }

  problem(what: string): void {
    this.problems.push(`${this.path}: ${what}`);
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  text(name: string, otherwise?: string): string {
    const value = this.#fields[name];
    if (value === undefined && otherwise !== undefined) return otherwise;
    if (typeof value === "string" && value.trim() !== "") return value;
    this.problem(`${name}: a text is wanted`);
    return "";
  }

  /** Numbers may be written as texts, "0x1000". */
  number(name: string, { from, to }: Demand, otherwise?: number): number {
    const value = this.#fields[name];
    if (value === undefined && otherwise !== undefined) return otherwise;
    const number = toNumber(value);
    if (number !== undefined && number >= from && number <= to) return number;
    this.problem(`${name}: a whole number from ${from} to ${to} is wanted`);
    return from;
  }

  numbers(name: string): number[] {
    return this.#array(name).map((value) => {
      const number = toNumber(value);
      if (number === undefined) this.problem(`${name}: ${JSON.stringify(value)} is not a whole number`);
      return number ?? 0;
    });
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#fields[name];
    if (value !== undefined && typeof value !== "boolean") this.problem(`${name}: true or false is wanted`);
    return typeof value === "boolean" ? value : otherwise;
  }

  oneOf<T extends string>(name: string, options: readonly T[], otherwise?: T): T {
    const value = this.#fields[name];
    if (value === undefined && otherwise !== undefined) return otherwise;
    return this.member(value, options, name);
  }

  member<T extends string>(value: unknown, options: readonly T[], name: string): T {
    const found = options.find((option) => option === value);
    if (found === undefined) this.problem(`${name}: ${JSON.stringify(value)} is none of ${options.join(", ")}`);
    return found ?? options[0]!;
  }

  texts(name: string): string[] {
    return this.#array(name).map((value) => {
      if (typeof value !== "string") this.problem(`${name}: ${JSON.stringify(value)} is not a text`);
      return String(value);
    });
  }

  expression(name: string): string {
    const text = this.text(name);
    this.#parse(name, text);
    return text;
  }

  /** A text with `{{expressions}}`. */
  filled(name: string): string {
    const text = this.text(name);
    for (const [, inside] of text.matchAll(/\{\{(.+?)\}\}/g)) this.#parse(name, inside!.replace(/\|\s*hex\d*\s*$/, ""));
    return text;
  }

  list(name: string): Reader[] {
    return this.#array(name).map((value, n) => new Reader(value, `${this.path}.${name}[${n}]`, this.problems));
  }

  part(name: string): Reader {
    return new Reader(this.#fields[name] ?? {}, `${this.path}.${name}`, this.problems);
  }

  entries(): [string, Reader][] {
    return Object.entries(this.#fields).map(([name, value]) => [
      name,
      typeof value === "number" || typeof value === "string"
        ? new Reader({}, `${this.path}.${name}`, this.problems)
        : new Reader(value, `${this.path}.${name}`, this.problems),
    ]);
  }

  /** All fields that there are; others are mistakes of spelling. */
  done(known: readonly string[]): void {
    for (const name of Object.keys(this.#fields)) if (!known.includes(name)) this.problem(`${name} is not known here`);
  }

  #array(name: string): readonly unknown[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) this.problem(`${name}: a list [ … ] is wanted`);
    return Array.isArray(value) ? value : [];
  }

  #parse(name: string, text: string): void {
    if (text === "") return;
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.problem(`${name}: ${error.message}`);
    }
  }
}

function toNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && /^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

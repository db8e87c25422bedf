/**
 * Expressions: numbers, characters, labels, `$` (this line) and `$$` (the origin) with NASM's operators, and registers
 * with factors inside an address. Parsed once, evaluated in every pass.
 */
import type { Cursor } from "./cursor";
import { REGISTERS, type Register } from "./registers";
import { SourceError } from "./source-error";

export type Expression =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "here" }
  | { readonly kind: "start" }
  | { readonly kind: "register"; readonly register: Register }
  | { readonly kind: "unary"; readonly operator: string; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression };

/** What names mean while evaluating. */
export interface Scope {
  /** Value of a label or constant; undefined if it has none (yet). */
  lookup(name: string): bigint | undefined;
  readonly here: bigint;
  readonly start: bigint;
}

export interface Value {
  readonly constant: bigint;
  /** Registers in the order written, with their factors. */
  readonly terms: readonly { readonly register: Register; readonly factor: bigint }[];
  /** Names without a value (0 stands in). */
  readonly unknown: readonly string[];
}

/** Binary operators from the loosest to the tightest. */
const LEVELS = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%", "%%"]] as const;

export function parseExpression(cursor: Cursor, level = 0): Expression {
  if (level === LEVELS.length) return parseUnary(cursor);
  let left = parseExpression(cursor, level + 1);
  for (;;) {
    const operator = LEVELS[level]!.find((symbol) => cursor.peek()?.kind === "symbol" && cursor.at(symbol));
    if (operator === undefined) return left;
    cursor.next();
    left = { kind: "binary", operator, left, right: parseExpression(cursor, level + 1) };
  }
}

function parseUnary(cursor: Cursor): Expression {
  const token = cursor.next();
  if (token.kind === "number" || token.kind === "string") return { kind: "number", value: token.value };
  if (token.kind === "float") throw new SourceError(`the fraction ${token.text} can only stand in dd, dq or dt`);
  if (token.kind === "name") {
    const register = REGISTERS.get(token.text.toLowerCase());
    return register ? { kind: "register", register } : { kind: "name", name: token.text };
  }
  switch (token.text) {
    case "$":
      return { kind: "here" };
    case "$$":
      return { kind: "start" };
    case "(": {
      const inner = parseExpression(cursor);
      cursor.expect(")");
      return inner;
    }
    case "-":
    case "+":
    case "~":
    case "!":
      return { kind: "unary", operator: token.text, of: parseUnary(cursor) };
    default:
      throw new SourceError(`expected a value before "${token.text}"`);
  }
}

const constantOf = (value: bigint): Value => ({ constant: value, terms: [], unknown: [] });

export function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case "number":
      return constantOf(expression.value);
    case "here":
      return constantOf(scope.here);
    case "start":
      return constantOf(scope.start);
    case "register":
      return { constant: 0n, terms: [{ register: expression.register, factor: 1n }], unknown: [] };
    case "name": {
      const value = scope.lookup(expression.name);
      return value === undefined ? { constant: 0n, terms: [], unknown: [expression.name] } : constantOf(value);
    }
    case "unary": {
      const of = evaluate(expression.of, scope);
      if (expression.operator === "+") return of;
      if (expression.operator === "-") return scale(of, -1n);
      const value = pure(of, expression.operator);
      return { ...of, constant: expression.operator === "~" ? ~value : value === 0n ? 1n : 0n };
    }
    case "binary":
      return binary(expression.operator, evaluate(expression.left, scope), evaluate(expression.right, scope));
  }
}

function binary(operator: string, left: Value, right: Value): Value {
  const unknown = [...left.unknown, ...right.unknown];
  if (operator === "+" || operator === "-") {
    const other = operator === "-" ? scale(right, -1n) : right;
    return { constant: left.constant + other.constant, terms: merge([...left.terms, ...other.terms]), unknown };
  }
  if (operator === "*" && (left.terms.length > 0 || right.terms.length > 0)) {
    const [value, factor] = left.terms.length > 0 ? [left, right] : [right, left];
    return { ...scale(value, pure(factor, "*")), unknown };
  }
  const x = pure(left, operator);
  const y = pure(right, operator);
  return { constant: compute(operator, x, y, unknown.length > 0), terms: [], unknown };
}

function compute(operator: string, x: bigint, y: bigint, unknown: boolean): bigint {
  const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
  const divides = ["/", "//", "%", "%%"].includes(operator);
  if (divides && y === 0n) {
    if (unknown) return 0n;
    throw new SourceError("division by zero");
  }
  if ((operator === "<<" || operator === ">>") && (y < 0n || y > 63n)) throw new SourceError(`a shift by ${y} is out of range (0 to 63)`);
  switch (operator) {
    case "*":
      return x * y;
    case "/":
      return unsigned(x) / unsigned(y);
    case "//":
      return x / y;
    case "%":
      return unsigned(x) % unsigned(y);
    case "%%":
      return x % y;
    case "<<":
      return x << y;
    case ">>":
      return unsigned(x) >> y;
    case "&":
      return x & y;
    case "^":
      return x ^ y;
    default:
      return x | y;
  }
}

const scale = (value: Value, by: bigint): Value => ({
  ...value,
  constant: value.constant * by,
  terms: value.terms.map((term) => ({ ...term, factor: term.factor * by })),
});

/** Adds up the factors of each register; terms that cancel out vanish. */
function merge(terms: Value["terms"]): Value["terms"] {
  const merged: { register: Register; factor: bigint }[] = [];
  for (const term of terms) {
    const same = merged.find((other) => other.register.name === term.register.name);
    if (same) same.factor += term.factor;
    else merged.push({ ...term });
  }
  return merged.filter((term) => term.factor !== 0n);
}

function pure(value: Value, operator: string): bigint {
  if (value.terms.length > 0) throw new SourceError(`a register cannot be an operand of "${operator}" in an expression`);
  return value.constant;
}

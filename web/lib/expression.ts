/**
 * The language of checks: one expression over what the core counted (docs/labs.md). Numbers, texts, true and false; facts
 * by name; `or and not`, comparisons, C's arithmetic and bit operators, `a ? b : c`. No assignment, no loops: an
 * expression ends, whatever it says.
 */

export type Value = number | string | boolean | Facts | Call | Lazy;
/** A fact with parts: `exits.Cpuid`. */
export interface Facts {
  readonly [name: string]: Value;
}
/** A fact that needs arguments: `byte(0x1000)`. */
export type Call = (...values: readonly Value[]) => Value;
/** One that is given its arguments unevaluated: `count(reason == "IoWrite")` evaluates them once for each event. */
export interface Lazy {
  readonly lazy: (parts: readonly Expression[], scope: Facts) => Value;
}

export type Expression =
  | { readonly kind: "value"; readonly value: number | string | boolean }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "part"; readonly of: Expression; readonly name: string }
  | { readonly kind: "call"; readonly of: Expression; readonly parts: readonly Expression[] }
  | { readonly kind: "unary"; readonly operator: string; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "choice"; readonly test: Expression; readonly yes: Expression; readonly no: Expression };

/** What is wrong with an expression: the lab's mistake, never the student's. */
export class ExpressionError extends Error {}

const TOKEN = /\s*(?:(0x[0-9a-f_]+|0b[01_]+|\d[\d_]*)|([A-Za-z_]\w*)|"([^"]*)"|'([^']*)'|(==|!=|<=|>=|<<|>>|[-+*/%&|^~()<>.,?:]))/iy;
/** From the loosest to the tightest. */
const LEVELS = [
  ["or"],
  ["and"],
  ["==", "!=", "<", "<=", ">", ">="],
  ["|"],
  ["^"],
  ["&"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
] as const;
const WORDS: ReadonlySet<string> = new Set(["or", "and", "not", "true", "false"]);
const DEEPEST = 60;

interface Token {
  readonly kind: "number" | "name" | "text" | "symbol";
  readonly text: string;
}

const parsed = new Map<string, Expression>();

/** Throws ExpressionError. */
export function parse(text: string): Expression {
  const known = parsed.get(text);
  if (known) return known;
  const parser = new Parser(tokenize(text), text);
  const expression = parser.whole();
  parsed.set(text, expression);
  return expression;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== "") {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new ExpressionError(`"${text}": unexpected "${text.slice(at).trim()[0]}"`);
    const [, number, name, double, single, symbol] = match;
    if (number !== undefined) tokens.push({ kind: "number", text: number.replaceAll("_", "") });
    else if (name !== undefined) tokens.push({ kind: WORDS.has(name) ? "symbol" : "name", text: name });
    else if (symbol !== undefined) tokens.push({ kind: "symbol", text: symbol });
    else tokens.push({ kind: "text", text: double ?? single ?? "" });
  }
  return tokens;
}

class Parser {
  #at = 0;
  #depth = 0;
  constructor(
    readonly tokens: readonly Token[],
    readonly text: string,
  ) {}

  whole(): Expression {
    const expression = this.#choice();
    if (this.#at < this.tokens.length) throw this.#error(`unexpected "${this.tokens[this.#at]!.text}"`);
    return expression;
  }

  #choice(): Expression {
    if (++this.#depth > DEEPEST) throw this.#error("too deeply nested");
    const test = this.#level(0);
    this.#depth--;
    if (!this.#accept("?")) return test;
    const yes = this.#choice();
    this.#expect(":");
    return { kind: "choice", test, yes, no: this.#choice() };
  }

  #level(level: number): Expression {
    if (level === LEVELS.length) return this.#unary();
    let left = this.#level(level + 1);
    for (;;) {
      const operator = LEVELS[level]!.find((symbol) => this.#accept(symbol));
      if (operator === undefined) return left;
      left = { kind: "binary", operator, left, right: this.#level(level + 1) };
    }
  }

  #unary(): Expression {
    const operator = ["not", "-", "~"].find((symbol) => this.#accept(symbol));
    if (operator === undefined) return this.#postfix(this.#primary());
    if (++this.#depth > DEEPEST) throw this.#error("too deeply nested");
    // `not` binds looser than a comparison: not a == b is not (a == b).
    const of = operator === "not" ? this.#level(2) : this.#unary();
    this.#depth--;
    return { kind: "unary", operator, of };
  }

  #postfix(of: Expression): Expression {
    for (;;) {
      if (this.#accept(".")) of = { kind: "part", of, name: this.#name() };
      else if (this.#accept("(")) of = { kind: "call", of, parts: this.#arguments() };
      else return of;
    }
  }

  #arguments(): Expression[] {
    const parts: Expression[] = [];
    if (this.#accept(")")) return parts;
    do parts.push(this.#choice());
    while (this.#accept(","));
    this.#expect(")");
    return parts;
  }

  #primary(): Expression {
    const token = this.tokens[this.#at++];
    if (token === undefined) throw this.#error("it ends too early");
    if (token.kind === "number") return { kind: "value", value: Number(token.text) };
    if (token.kind === "text") return { kind: "value", value: token.text };
    if (token.kind === "name") return { kind: "name", name: token.text };
    if (token.text === "true" || token.text === "false") return { kind: "value", value: token.text === "true" };
    if (token.text !== "(") throw this.#error(`expected a value before "${token.text}"`);
    const inner = this.#choice();
    this.#expect(")");
    return inner;
  }

  #name(): string {
    const token = this.tokens[this.#at++];
    if (token?.kind !== "name") throw this.#error("a name must follow the dot");
    return token.text;
  }

  #accept(symbol: string): boolean {
    const token = this.tokens[this.#at];
    if (token?.kind !== "symbol" || token.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#accept(symbol)) throw this.#error(`"${symbol}" is missing`);
  }

  #error(what: string): ExpressionError {
    return new ExpressionError(`"${this.text}": ${what}`);
  }
}

/** Throws ExpressionError: a name that is no fact, a comparison of a number with a text. */
export function evaluate(expression: Expression, scope: Facts): Value {
  switch (expression.kind) {
    case "value":
      return expression.value;
    case "name":
      return part(scope, expression.name, "fact");
    case "part": {
      const of = evaluate(expression.of, scope);
      if (typeof of !== "object" || "lazy" in of) throw new ExpressionError(`${print(expression.of)} has no parts`);
      return part(of, expression.name, `part of ${print(expression.of)}`);
    }
    case "call": {
      const of = evaluate(expression.of, scope);
      if (typeof of === "object" && isLazy(of)) return of.lazy(expression.parts, scope);
      if (typeof of !== "function") throw new ExpressionError(`${print(expression.of)} takes no arguments`);
      return of(...expression.parts.map((each) => evaluate(each, scope)));
    }
    case "unary": {
      const of = evaluate(expression.of, scope);
      if (expression.operator === "not") return !truth(of, expression.of);
      const value = number(of, expression.of);
      return expression.operator === "-" ? -value : ~value >>> 0;
    }
    case "binary":
      return binary(expression, scope);
    case "choice":
      return evaluate(truth(evaluate(expression.test, scope), expression.test) ? expression.yes : expression.no, scope);
  }
}

const isLazy = (value: Facts | Lazy): value is Lazy => typeof (value as Lazy).lazy === "function";

function part(of: Facts, name: string, what: string): Value {
  if (!Object.hasOwn(of, name)) throw new ExpressionError(`there is no ${what} named ${name}`);
  return of[name]!;
}

function binary(expression: Extract<Expression, { readonly kind: "binary" }>, scope: Facts): Value {
  const { operator } = expression;
  const left = evaluate(expression.left, scope);
  if (operator === "or") return truth(left, expression.left) || truth(evaluate(expression.right, scope), expression.right);
  if (operator === "and") return truth(left, expression.left) && truth(evaluate(expression.right, scope), expression.right);
  const right = evaluate(expression.right, scope);
  if (operator === "==" || operator === "!=") {
    if (typeof left !== typeof right || typeof left === "object" || typeof left === "function")
      throw new ExpressionError(`${print(expression)}: a ${kindOf(left)} is compared with a ${kindOf(right)}`);
    return (left === right) === (operator === "==");
  }
  const x = number(left, expression.left);
  const y = number(right, expression.right);
  switch (operator) {
    case "<":
      return x < y;
    case "<=":
      return x <= y;
    case ">":
      return x > y;
    case ">=":
      return x >= y;
    default:
      return arithmetic(operator, x, y);
  }
}

function arithmetic(operator: string, x: number, y: number): number {
  switch (operator) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
    case "%":
      if (y === 0) throw new ExpressionError("division by zero");
      return operator === "/" ? Math.trunc(x / y) : x % y;
    case "<<":
    case ">>":
      if (y < 0 || y > 52) throw new ExpressionError(`a shift by ${y} is not possible`);
      return operator === "<<" ? x * 2 ** y : Math.floor(x / 2 ** y);
    case "&":
      return Number(BigInt(x) & BigInt(y));
    case "|":
      return Number(BigInt(x) | BigInt(y));
    default:
      return Number(BigInt(x) ^ BigInt(y));
  }
}

const kindOf = (value: Value): string => (typeof value === "string" ? "text" : typeof value === "object" ? "group of facts" : typeof value);

function number(value: Value, from: Expression): number {
  if (typeof value !== "number") throw new ExpressionError(`${print(from)} is a ${kindOf(value)}, not a number`);
  return value;
}

/** A condition is true or false; 0 and 1 are numbers. */
export function truth(value: Value, from: Expression): boolean {
  if (typeof value !== "boolean") throw new ExpressionError(`${print(from)} is a ${kindOf(value)}, not true or false`);
  return value;
}

function print(expression: Expression): string {
  switch (expression.kind) {
    case "value":
      return JSON.stringify(expression.value);
    case "name":
      return expression.name;
    case "part":
      return `${print(expression.of)}.${expression.name}`;
    case "call":
      return `${print(expression.of)}(${expression.parts.map(print).join(", ")})`;
    case "unary":
      return `${expression.operator} ${print(expression.of)}`;
    case "binary":
      return `${print(expression.left)} ${expression.operator} ${print(expression.right)}`;
    case "choice":
      return `${print(expression.test)} ? ${print(expression.yes)} : ${print(expression.no)}`;
  }
}

/** A condition, parsed and evaluated. Throws ExpressionError. */
export function isTrue(text: string, scope: Facts): boolean {
  const expression = parse(text);
  return truth(evaluate(expression, scope), expression);
}

/** A number. Throws ExpressionError. */
export function numberOf(text: string, scope: Facts): number {
  const expression = parse(text);
  return number(evaluate(expression, scope), expression);
}

const FORMATS: Readonly<Record<string, (value: number) => string>> = {
  hex: (value) => `0x${value.toString(16)}`,
  hex8: (value) => `0x${value.toString(16).padStart(2, "0")}`,
  hex16: (value) => `0x${value.toString(16).padStart(4, "0")}`,
  hex32: (value) => `0x${value.toString(16).padStart(8, "0")}`,
};

/** `{{expression}}` and `{{expression | hex32}}` in a text, source or reason become their values. Throws ExpressionError. */
export function fill(text: string, scope: Facts): string {
  return text.replace(/\{\{(.+?)\}\}/g, (_whole, inside: string) => {
    const format = /\|\s*(hex\d*)\s*$/.exec(inside);
    const value = evaluate(parse(format ? inside.slice(0, format.index) : inside), scope);
    if (format) {
      const print = FORMATS[format[1]!];
      if (!print || typeof value !== "number") throw new ExpressionError(`{{${inside}}}: not a number in a known format`);
      return print(value);
    }
    if (typeof value === "object" || typeof value === "function") throw new ExpressionError(`{{${inside}}} is not a value`);
    return String(value);
  });
}

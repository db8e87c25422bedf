/** One line of source as a statement: label, repetition, and what it emits. */
import { Cursor } from "./cursor";
import { type Expression, parseExpression } from "./expression";
import { type Token, tokenize } from "./lexer";
import { MNEMONICS } from "./mnemonics";
import { parseOperands, SIZES, type SourceOperand } from "./operand";
import { SourceError } from "./source-error";

export type Datum = { readonly bytes: readonly number[] } | { readonly expression: Expression } | { readonly float: number };

export type Body =
  | { readonly kind: "nothing" }
  | {
      readonly kind: "instruction";
      readonly prefixes: readonly string[];
      readonly mnemonic: string;
      readonly operands: readonly SourceOperand[];
    }
  | { readonly kind: "data"; readonly size: number; readonly items: readonly Datum[] }
  | { readonly kind: "reserve"; readonly size: number; readonly count: Expression }
  | { readonly kind: "align"; readonly to: Expression; readonly fill: Expression | undefined }
  | { readonly kind: "equ"; readonly value: Expression }
  | { readonly kind: "org"; readonly value: Expression }
  | { readonly kind: "bits"; readonly bits: 16 | 32 | 64 };

export interface Statement {
  readonly line: number;
  /** Full name: local labels (`.name`) carry the label before them. */
  readonly label: string | undefined;
  /** The last non-local label before or on this line, for `.name` in expressions. */
  readonly parent: string;
  readonly times: Expression | undefined;
  readonly body: Body;
}

export const PREFIXES: Readonly<Record<string, number>> = {
  lock: 0xf0,
  rep: 0xf3,
  repe: 0xf3,
  repz: 0xf3,
  repne: 0xf2,
  repnz: 0xf2,
  es: 0x26,
  cs: 0x2e,
  ss: 0x36,
  ds: 0x3e,
  fs: 0x64,
  gs: 0x65,
  o16: 2,
  o32: 4,
  o64: 8,
  a16: 2,
  a32: 4,
  a64: 8,
};
const DATA: Readonly<Record<string, number>> = { db: 1, dw: 2, dd: 4, dq: 8, dt: 10 };
const RESERVE: Readonly<Record<string, number>> = { resb: 1, resw: 2, resd: 4, resq: 8, rest: 10 };
const DIRECTIVES: ReadonlySet<string> = new Set([
  ...Object.keys(DATA),
  ...Object.keys(RESERVE),
  "org",
  "bits",
  "align",
  "alignb",
  "equ",
  "times",
  "use16",
  "use32",
]);
const FOREIGN: ReadonlySet<string> = new Set([
  "section",
  "segment",
  "global",
  "extern",
  "common",
  "default",
  "incbin",
  "struc",
  "endstruc",
  "istruc",
]);

const isWord = (token: Token | undefined): boolean => {
  const text = token?.kind === "name" ? token.text.toLowerCase() : "";
  return text in PREFIXES || DIRECTIVES.has(text) || MNEMONICS.has(text);
};

/** Parses line number `line`; `parent` is the last non-local label so far. */
export function parseStatement(text: string, line: number, parent: string): Statement {
  if (text.trimStart().startsWith("%"))
    throw new SourceError("lines that start with % are for a preprocessor, which this assembler does not have: use equ");
  let tokens = tokenize(text);
  // [org 0x7c00], [bits 16]
  if (tokens[0]?.text === "[" && tokens.at(-1)?.text === "]" && isWord(tokens[1])) tokens = tokens.slice(1, -1);
  const cursor = new Cursor(tokens);
  const isLocal = tokens[0]?.text.startsWith(".") === true;
  const label = parseLabel(cursor, parent);
  const newParent = label !== undefined && !isLocal ? label : parent;
  const times = cursor.accept("times") ? parseExpression(cursor) : undefined;
  const body = parseBody(cursor);
  cursor.expectEnd();
  if (body.kind === "equ" && label === undefined) throw new SourceError("equ needs a name before it");
  if (times && !["instruction", "data"].includes(body.kind)) throw new SourceError("times repeats instructions and data only");
  return { line, label, parent: newParent, times, body };
}

/** `.name` after label `parent` is `parent.name`. */
export const fullName = (name: string, parent: string): string => (name.startsWith(".") ? parent + name : name);

function parseLabel(cursor: Cursor, parent: string): string | undefined {
  const first = cursor.peek();
  if (first?.kind !== "name") return undefined;
  const second = cursor.peek(1);
  const colon = second?.kind === "symbol" && second.text === ":";
  // Without a colon only before something (`msg db …`): alone it would hide a mistyped instruction.
  if (!colon && (isWord(first) || !isWord(second))) return undefined;
  if (colon && first.text.toLowerCase() in PREFIXES && cursor.peek(2) !== undefined)
    throw new SourceError(
      `"${first.text}" is a register or prefix, not a label: a segment override stands inside the brackets, [${first.text}:…]`,
    );
  cursor.next();
  if (colon) cursor.next();
  if (first.text.startsWith(".") && parent === "") throw new SourceError(`the local label ${first.text} has no label before it`);
  return fullName(first.text, parent);
}

function parseBody(cursor: Cursor): Body {
  if (cursor.done) return { kind: "nothing" };
  const prefixes: string[] = [];
  for (;;) {
    const token = cursor.next();
    const word = token.text.toLowerCase();
    if (token.kind !== "name") throw new SourceError(`expected an instruction before "${token.text}"`);
    if (word in PREFIXES && !MNEMONICS.has(word)) {
      prefixes.push(word);
      if (cursor.done) return { kind: "instruction", prefixes, mnemonic: "", operands: [] };
      continue;
    }
    if (prefixes.length === 0 && DIRECTIVES.has(word)) return parseDirective(word, cursor);
    if (MNEMONICS.has(word)) return { kind: "instruction", prefixes, mnemonic: word, operands: parseOperands(cursor) };
    if (FOREIGN.has(word)) throw new SourceError(`"${word}" belongs to object files; this assembler writes one flat image`);
    throw new SourceError(`unknown instruction "${token.text}"${cursor.done ? " (a label ends with a colon)" : ""}`);
  }
}

function parseDirective(word: string, cursor: Cursor): Body {
  if (word in DATA) return { kind: "data", size: DATA[word]!, items: parseData(cursor, DATA[word]!) };
  if (word in RESERVE) return { kind: "reserve", size: RESERVE[word]!, count: parseExpression(cursor) };
  switch (word) {
    case "equ":
      return { kind: "equ", value: parseExpression(cursor) };
    case "org":
      return { kind: "org", value: parseExpression(cursor) };
    case "align":
    case "alignb": {
      const to = parseExpression(cursor);
      if (!cursor.accept(",")) return { kind: "align", to, fill: undefined };
      cursor.accept("db");
      return { kind: "align", to, fill: parseExpression(cursor) };
    }
    case "use16":
      return { kind: "bits", bits: 16 };
    case "use32":
      return { kind: "bits", bits: 32 };
    case "times":
      throw new SourceError("times cannot be repeated");
    default: {
      const bits = Number(cursor.next().value);
      if (bits !== 16 && bits !== 32 && bits !== 64) throw new SourceError("bits must be 16, 32 or 64");
      return { kind: "bits", bits };
    }
  }
}

function parseData(cursor: Cursor, size: number): Datum[] {
  const items: Datum[] = [];
  do {
    const token = cursor.peek();
    const after = cursor.peek(1);
    const alone = after === undefined || after.text === ",";
    const minus = token?.text === "-" && after?.kind === "float";
    if (token?.kind === "string" && alone) {
      cursor.next();
      const padding = (size - (token.bytes.length % size)) % size;
      items.push({ bytes: [...token.bytes, ...new Array<number>(padding).fill(0)] });
    } else if (token?.kind === "float" || minus) {
      if (size < 4) throw new SourceError("fractions need dd, dq or dt");
      if (minus) cursor.next();
      const value = Number(cursor.next().text);
      items.push({ float: minus ? -value : value });
    } else {
      if (token && SIZES[token.text.toLowerCase()] !== undefined) throw new SourceError(`data items take no size word ("${token.text}")`);
      items.push({ expression: parseExpression(cursor) });
    }
  } while (cursor.accept(","));
  return items;
}

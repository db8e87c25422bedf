/** Source line → tokens. Number and string forms are NASM's. */
import { SourceError } from "./source-error";

export interface Token {
  readonly kind: "name" | "number" | "float" | "string" | "symbol";
  /** Lower case for names that may be keywords; `text` keeps the case for labels. */
  readonly text: string;
  readonly value: bigint;
  /** Bytes of a string. */
  readonly bytes: readonly number[];
}

const NAME = /^[A-Za-z_.?@][\w.?@#~$]*/;
const NUMBER = /^[0-9][\w]*/;
const FLOAT = /^[0-9][0-9_]*\.[0-9_]*(?:[eE][+-]?[0-9]+)?|^[0-9]+[eE][+-]?[0-9]+(?![\w])/;
const SYMBOLS = ["<<", ">>", "//", "%%", "$$", "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "(", ")", "[", "]", ",", ":", "$"];
const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  0: 0,
  "\\": 92,
  "'": 39,
  '"': 34,
  "`": 96,
  a: 7,
  b: 8,
  e: 27,
  f: 12,
  v: 11,
};

/** Tokens of one line; a comment (`;` to the end) is dropped. */
export function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  let rest = line;
  const push = (kind: Token["kind"], text: string, value = 0n, bytes: readonly number[] = []): void => {
    tokens.push({ kind, text, value, bytes });
  };
  for (;;) {
    rest = rest.trimStart();
    if (rest === "" || rest[0] === ";") return tokens;
    const quote = rest[0]!;
    if (quote === "'" || quote === '"' || quote === "`") {
      const { bytes, length } = readString(rest, quote);
      push("string", rest.slice(0, length), littleEndian(bytes), bytes);
      rest = rest.slice(length);
      continue;
    }
    const float = FLOAT.exec(rest)?.[0];
    const number = NUMBER.exec(rest)?.[0];
    const name = NAME.exec(rest)?.[0];
    const text = float ?? number ?? name ?? SYMBOLS.find((symbol) => rest.startsWith(symbol));
    if (text === undefined) throw new SourceError(`unexpected character "${quote}"`);
    if (float !== undefined) push("float", float.replaceAll("_", ""));
    else if (number !== undefined) push("number", number, parseNumber(number));
    else push(name === undefined ? "symbol" : "name", text);
    rest = rest.slice(text.length);
  }
}

function readString(text: string, quote: string): { bytes: number[]; length: number } {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (let at = 1; at < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(at)!);
    if (character === quote) return { bytes, length: at + 1 };
    at += character.length;
    if (quote !== "`" || character !== "\\") bytes.push(...encoder.encode(character));
    else if (text[at] === "x") {
      const digits = /^[0-9a-fA-F]{1,2}/.exec(text.slice(at + 1))?.[0];
      if (digits === undefined) throw new SourceError("\\x needs one or two hexadecimal digits");
      bytes.push(Number.parseInt(digits, 16));
      at += 1 + digits.length;
    } else {
      const code = ESCAPES[text[at] ?? ""];
      if (code === undefined) throw new SourceError(`unknown escape \\${text[at] ?? ""} in a string`);
      bytes.push(code);
      at++;
    }
  }
  throw new SourceError(`the string that starts with ${quote} has no end`);
}

/** A string as a number: first character in the lowest byte. */
const littleEndian = (bytes: readonly number[]): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** 0x1F 1Fh 0b101 101b 0o17 17o 17q 0d10 10d 10, with underscores. */
function parseNumber(text: string): bigint {
  const digits = text.replaceAll("_", "").toLowerCase();
  const forms: readonly [RegExp, string][] = [
    [/^0x([0-9a-f]+)$/, "0x"],
    [/^0b([01]+)$/, "0b"],
    [/^0[oq]([0-7]+)$/, "0o"],
    [/^0d([0-9]+)$/, ""],
    [/^([0-9]+)d?$/, ""],
    [/^([01]+)b$/, "0b"],
    [/^([0-7]+)[oq]$/, "0o"],
    [/^([0-9][0-9a-f]*)h$/, "0x"],
  ];
  for (const [form, base] of forms) {
    const match = form.exec(digits);
    if (match) return BigInt(base + match[1]!);
  }
  throw new SourceError(`"${text}" is not a number`);
}

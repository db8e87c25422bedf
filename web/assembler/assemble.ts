/**
 * The assembler: source → flat image. Two passes in principle; because jumps and displacements are encoded as short as
 * they fit, the second is repeated until no label moves. Encodings start short and only grow, so it ends.
 */
import { fits } from "./address";
import { encodeInstruction } from "./encode";
import { evaluate, type Value } from "./expression";
import { float80 } from "./float80";
import { type Context, constantOf, doesNotFit } from "./match-operands";
import { type LineError, SourceError } from "./source-error";
import { type Datum, fullName, parseStatement, type Statement } from "./statement";

export interface AssembleOptions {
  /** Code size until the first `bits` directive; 16 by default, like NASM's flat output. */
  readonly bits?: 16 | 32 | 64;
  /** Address of the first byte, where the source has no `org`; 0 by default. */
  readonly org?: number;
  /** A larger image is an error; 16 MB by default. */
  readonly maxBytes?: number;
}

export interface AssembledLine {
  /** Line number in the source, from 1. */
  readonly line: number;
  readonly address: number;
  /** Bytes that the line put into the image. */
  readonly length: number;
}

export interface Assembled {
  readonly bytes: Uint8Array;
  /** Address of the first byte. */
  readonly org: number;
  /** Labels by full name (`outer.inner` for local ones) and their addresses; `equ` constants are not labels. */
  readonly labels: ReadonlyMap<string, number>;
  /** Lines that emit bytes, in order. */
  readonly lines: readonly AssembledLine[];
  /** Empty if the source is right; else the image is incomplete. */
  readonly errors: readonly LineError[];
}

const MOST_BYTES = 16 * 1024 * 1024;
const MAX_PASSES = 60;

/** Assembles a whole source text. Bad source never throws: look at `errors`. */
export function assemble(source: string, options: AssembleOptions = {}): Assembled {
  const errors: LineError[] = [];
  const statements = parse(source, errors);
  const assembly = new Assembly(statements, options);
  const passErrors = assembly.run();
  return { ...assembly.result(), errors: [...errors, ...passErrors].sort((a, b) => a.line - b.line) };
}

function parse(source: string, errors: LineError[]): Statement[] {
  const statements: Statement[] = [];
  let parent = "";
  for (const [index, text] of source.split(/\r?\n/).entries()) {
    try {
      const statement = parseStatement(text, index + 1, parent);
      parent = statement.parent;
      if (statement.label !== undefined || statement.body.kind !== "nothing") statements.push(statement);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      errors.push({ line: index + 1, message: error.message });
    }
  }
  return statements;
}

/** Names with their values; what a pass found becomes what the next pass knows. */
interface Names {
  readonly values: Map<string, bigint>;
  readonly labels: Map<string, bigint>;
}

class Assembly {
  #known: Names = { values: new Map(), labels: new Map() };
  #bytes: number[] = [];
  #lines: AssembledLine[] = [];
  #errors: LineError[] = [];
  #org = 0n;
  /** Per statement, the size of its encoding in the pass before: a lower bound for the next. */
  readonly #sizes: number[];
  readonly #maxBytes: number;
  /** All names that have a line of their own, whether or not they have a value yet. */
  readonly #defined: ReadonlySet<string>;

  constructor(
    readonly statements: readonly Statement[],
    readonly options: AssembleOptions,
  ) {
    this.#sizes = statements.map(() => 0);
    this.#maxBytes = options.maxBytes ?? MOST_BYTES;
    this.#defined = new Set(statements.flatMap((statement) => statement.label ?? []));
  }

  run(): LineError[] {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const before = this.#known;
      const sizes = this.#sizes.join();
      this.#known = this.#pass(before);
      if (pass > 0 && sizes === this.#sizes.join() && same(before.values, this.#known.values)) return [...this.#errors, ...this.#circles()];
    }
    return [
      ...this.#errors,
      { line: this.statements[0]?.line ?? 1, message: "labels and equ constants do not settle: they depend on each other in a circle" },
    ];
  }

  /** Names whose value would be needed to find their value. */
  #circles(): LineError[] {
    return this.statements.flatMap(({ label, line, body }) =>
      label !== undefined && body.kind === "equ" && !this.#known.values.has(label) && !this.#errors.some((error) => error.line === line)
        ? [{ line, message: `"${label}" depends on itself` }]
        : [],
    );
  }

  result(): Omit<Assembled, "errors"> {
    const labels = new Map([...this.#known.labels].map(([name, address]) => [name, Number(address)]));
    return { bytes: Uint8Array.from(this.#bytes), org: Number(this.#org), labels, lines: this.#lines };
  }

  #pass(known: Names): Names {
    const found: Names = { values: new Map(), labels: new Map() };
    this.#bytes = [];
    this.#lines = [];
    this.#errors = [];
    const state = { bits: this.options.bits ?? 16, org: BigInt(this.options.org ?? 0), orgLine: 0 };
    for (const [index, statement] of this.statements.entries()) {
      const start = this.#bytes.length;
      try {
        this.#statement(statement, index, known, found, state);
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        this.#errors.push({ line: statement.line, message: error.message });
        // Keeps the place of an instruction that had a size before, so that what follows stays where it was.
        if (this.#bytes.length === start) this.#repeat([0], BigInt(this.#sizes[index]!));
      }
      if (this.#bytes.length > this.#maxBytes) {
        this.#errors.push({ line: statement.line, message: `the image is larger than ${this.#mostText}` });
        break;
      }
    }
    this.#org = state.org;
    return found;
  }

  #statement(
    statement: Statement,
    index: number,
    known: Names,
    found: Names,
    state: { bits: 16 | 32 | 64; org: bigint; orgLine: number },
  ): void {
    const { body, label, line } = statement;
    const here = state.org + BigInt(this.#bytes.length);
    const missing = new Set<string>();
    const context: Context = {
      bits: state.bits,
      here,
      evaluate: (expression) => {
        const value = evaluate(expression, {
          here,
          start: state.org,
          // A name already defined in this pass is exact; one further down has its value of the pass before.
          lookup: (name) => found.values.get(fullName(name, statement.parent)) ?? known.values.get(fullName(name, statement.parent)),
        });
        for (const name of value.unknown) missing.add(fullName(name, statement.parent));
        return value;
      },
    };
    try {
      if (label !== undefined) {
        if (found.values.has(label)) throw new SourceError(`"${label}" is defined twice`);
        const value = body.kind === "equ" ? constantOf(body.value, context) : undefined;
        if (value === undefined || value.unknown.length === 0) found.values.set(label, value?.constant ?? here);
        if (value === undefined) found.labels.set(label, here);
      }
      this.#emit(statement, index, context, state);
    } finally {
      const names = [...missing].filter((name) => !this.#defined.has(name));
      if (names.length > 0) this.#errors.push({ line, message: `"${names[0]}" is not defined` });
    }
  }

  #emit(statement: Statement, index: number, context: Context, state: { bits: 16 | 32 | 64; org: bigint; orgLine: number }): void {
    const { body, line } = statement;
    const start = this.#bytes.length;
    switch (body.kind) {
      case "org":
        if (state.orgLine !== 0) throw new SourceError(`org was already given on line ${state.orgLine}`);
        if (start > 0) throw new SourceError("org must stand before the first byte");
        state.org = this.#count(constantOf(body.value, context), "org");
        state.orgLine = line;
        return;
      case "bits":
        state.bits = body.bits;
        return;
      case "instruction": {
        const times = statement.times ? this.#times(statement, context) : 1n;
        if (times === 0n) return;
        const size = this.#sizes[index]!;
        const bytes = encodeInstruction(body, context, size);
        this.#sizes[index] = Math.max(size, bytes.length);
        this.#repeat(bytes, 1n);
        // Each repetition stands elsewhere: a relative jump differs.
        for (let n = 1n; n < times && this.#bytes.length <= this.#maxBytes; n++) {
          this.#repeat(encodeInstruction(body, { ...context, here: context.here + BigInt(this.#bytes.length - start) }, bytes.length), 1n);
        }
        break;
      }
      case "data": {
        const times = statement.times ? this.#times(statement, context) : 1n;
        this.#repeat(
          body.items.flatMap((item) => dataBytes(item, body.size, context)),
          times,
        );
        break;
      }
      case "reserve":
        this.#repeat([0], this.#count(constantOf(body.count, context), "the number of items") * BigInt(body.size));
        break;
      case "align":
        this.#align(body, context);
        break;
      default:
        return;
    }
    const length = this.#bytes.length - start;
    if (length > 0) this.#lines.push({ line, address: Number(context.here), length });
  }

  #align(body: Extract<Statement["body"], { kind: "align" }>, context: Context): void {
    const to = this.#count(constantOf(body.to, context), "the alignment");
    if (to === 0n || (to & (to - 1n)) !== 0n) throw new SourceError(`the alignment ${to} is not a power of two`);
    const fill = body.fill ? constantOf(body.fill, context).constant : 0x90n;
    if (!fits(fill, 1)) throw new SourceError(doesNotFit(fill, 1));
    this.#repeat([Number(fill & 0xffn)], (to - (context.here % to)) % to);
  }

  #times(statement: Statement, context: Context): bigint {
    const value = constantOf(statement.times!, context);
    if (value.constant < 0n) throw new SourceError(`times ${value.constant}: the code before it is ${-value.constant} bytes too long`);
    return this.#count(value, "times");
  }

  get #mostText(): string {
    const kilobytes = this.#maxBytes / 1024;
    return kilobytes % 1024 === 0 ? `${kilobytes / 1024} MB` : `${kilobytes} KB`;
  }

  #count(value: Value, what: string): bigint {
    if (value.constant < 0n) throw new SourceError(`${what} cannot be negative (${value.constant})`);
    return value.constant;
  }

  #repeat(bytes: readonly number[], times: bigint): void {
    if (bytes.length === 0) return;
    if (BigInt(this.#bytes.length) + BigInt(bytes.length) * times > BigInt(this.#maxBytes))
      throw new SourceError(`the image would be larger than ${this.#mostText}`);
    for (let n = 0n; n < times; n++) for (const byte of bytes) this.#bytes.push(byte);
  }
}

const same = (a: ReadonlyMap<string, bigint>, b: ReadonlyMap<string, bigint>): boolean =>
  a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);

function dataBytes(item: Datum, size: number, context: Context): readonly number[] {
  if ("bytes" in item) return item.bytes;
  if ("float" in item) {
    if (size === 10) return float80(item.float);
    const bytes = new DataView(new ArrayBuffer(8));
    if (size === 4) bytes.setFloat32(0, item.float, true);
    else bytes.setFloat64(0, item.float, true);
    return Array.from(new Uint8Array(bytes.buffer, 0, size));
  }
  const { constant } = constantOf(item.expression, context);
  if (size === 10) throw new SourceError("dt takes fractions: write 1.0");
  if (!fits(constant, size)) throw new SourceError(doesNotFit(constant, size));
  return Array.from({ length: size }, (_, index) => Number((constant >> BigInt(8 * index)) & 0xffn));
}

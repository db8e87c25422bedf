/** `vitrine vectors`: runs files of recorded single-instruction tests and tells the first differences. */
import { ROWS } from "../../asm/isa/index";
import { createDecoder, type DecodingCore } from "../disasm/decoder";
import { list } from "../disasm/listing";
import type { Accel } from "../machine/core-host";
import { loadDecodingCore } from "./decoding-core";
import type { Environment } from "./environment";
import { isMoo, readMoo } from "./moo-file";
import { MooMachine } from "./moo-vectors";
import { expand, isLongFile, type NumberedVector, readLongVectors, readVectors } from "./vector-file";
import type { AnyVector, RecordedMachine } from "./vector-machine";
import { type Vector, VectorMachine } from "./vectors";
import { type LongVector, LongVectorMachine } from "./vectors-long";

export const VECTORS_HELP = `usage: vitrine vectors FILE… [--accel interp|jit] [--show N]

Runs single instructions as they were recorded on a real CPU (docs/vectors.md) and compares registers, flags, memory,
x87 and SSE state and exceptions. Files are lines of JSON, or captures of an 80286 in the MOO format, plain or compressed
with gzip.
  --accel MODE    interp, the interpreter (default); or jit: each instruction is translated to a WebAssembly function,
                  hundreds to a module (80286 captures are 16-bit code, which is always interpreted)
  --show N        tell the differences of the first N vectors that fail (default 10)

A vector is skipped when it needs a CPUID feature that the CPU model "max" does not have, or by a rule of where an 80286
differs from its successors.
Exit status: 0 none failed, 1 some failed, 2 bad arguments or an unreadable file.
`;

const Status = { Passed: 0, Failed: 1, BadArguments: 2 } as const;
const SHOWN = 10;
const CODE_OFFSET = 0x10008000n;
/** The Insn record lies so many bytes before the code bytes. */
const RECORD = 0x100;

interface Options {
  readonly files: readonly string[];
  readonly show: number;
  readonly accel: Accel;
}

interface Totals {
  passed: number;
  failed: number;
  /** Why vectors were skipped → how many. */
  readonly skipped: Map<string, number>;
}

class BadOption extends Error {}

/** Runs the verb; the result is the exit status. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (argv.includes("--help")) {
    environment.stdout(VECTORS_HELP);
    return Status.Passed;
  }
  try {
    return await run(parse(argv), environment);
  } catch (error) {
    environment.stderr(`vitrine vectors: ${error instanceof Error ? error.message : String(error)}\n`);
    return Status.BadArguments;
  }
}

function parse(argv: readonly string[]): Options {
  const files: string[] = [];
  let show = SHOWN;
  let accel: Accel = "interp";
  for (let at = 0; at < argv.length; at++) {
    const [flag, inline] = argv[at]!.split(/=(.*)/s) as [string, string?];
    if (!flag.startsWith("--")) {
      files.push(argv[at]!);
      continue;
    }
    if (flag !== "--accel" && flag !== "--show") throw new BadOption(`unknown option ${flag}; vitrine vectors --help lists them`);
    const value = inline ?? argv[++at];
    if (value === undefined) throw new BadOption(`${flag} needs a value`);
    if (flag === "--accel") {
      if (value !== "interp" && value !== "jit") throw new BadOption(`--accel ${value}: give interp or jit`);
      accel = value;
    } else {
      if (!/^\d{1,9}$/.test(value)) throw new BadOption(`--show ${value}: give a whole number`);
      show = Number(value);
    }
  }
  if (files.length === 0) throw new BadOption("give at least one file; vitrine vectors --help explains");
  return { files, show, accel };
}

async function run({ files, show, accel }: Options, environment: Environment): Promise<number> {
  const module = await WebAssembly.compile(await environment.loadWasm());
  const totals: Totals = { passed: 0, failed: 0, skipped: new Map() };
  const recorded = new RecordedRunner(USER_32, module, accel);
  const long = new RecordedRunner(USER_64, module, accel);
  const captured = new CapturedRunner(module);
  for (const file of files) {
    const bytes = expand(file, await environment.readFile(file));
    const runner = isMoo(bytes) ? captured : isLongFile(bytes) ? long : recorded;
    for await (const { name, differences, skipped } of runner.run(file, bytes)) {
      if (differences.length === 0) totals.passed++;
      else if (skipped !== undefined) totals.skipped.set(skipped, (totals.skipped.get(skipped) ?? 0) + 1);
      else if (totals.failed++ < show) environment.stdout(`${name()}: ${differences.join("; ")}\n`);
    }
  }
  return report(totals, show, environment);
}

interface Result {
  /** File, place in it, instruction. */
  readonly name: () => string;
  readonly differences: readonly string[];
  /** Why a failure does not count. */
  readonly skipped?: string;
}

const stopped = (error: unknown): string => `the core stopped: ${(error instanceof Error ? error.message : String(error)).split("\n")[0]}`;

/** Functions of one module with --accel jit. */
const MODULE = 256;

/** A machine that runs one form of vectors, and how its files are read. */
interface RecordedForm<V extends AnyVector> {
  readonly bits: 32 | 64;
  readonly read: (name: string, file: Uint8Array) => Generator<NumberedVector<V>>;
  readonly create: (wasm: WebAssembly.Module, accel: Accel) => Promise<RecordedMachine<V>>;
}
const USER_32: RecordedForm<Vector> = { bits: 32, read: readVectors, create: VectorMachine.create };
const USER_64: RecordedForm<LongVector> = { bits: 64, read: readLongVectors, create: LongVectorMachine.create };

/** Lines of JSON. */
class RecordedRunner<V extends AnyVector> {
  readonly #form: RecordedForm<V>;
  readonly #module: WebAssembly.Module;
  readonly #accel: Accel;
  #everything: DecodingCore | undefined;
  #machine: RecordedMachine<V> | undefined;

  constructor(form: RecordedForm<V>, module: WebAssembly.Module, accel: Accel) {
    this.#form = form;
    this.#module = module;
    this.#accel = accel;
  }

  async *run(file: string, bytes: Uint8Array): AsyncGenerator<Result> {
    let batch: NumberedVector<V>[] = [];
    for (const line of this.#form.read(file, bytes)) {
      batch.push(line);
      if (batch.length < MODULE) continue;
      yield* this.#runBatch(file, batch);
      batch = [];
    }
    yield* this.#runBatch(file, batch);
  }

  async *#runBatch(file: string, batch: readonly NumberedVector<V>[]): AsyncGenerator<Result> {
    const { bits, create } = this.#form;
    this.#everything ??= await loadDecodingCore(this.#module);
    const decode = createDecoder(this.#everything);
    let translated: number[] | undefined;
    for (const [n, { line, vector }] of batch.entries()) {
      if (!this.#machine) {
        this.#machine = await create(this.#module, this.#accel);
        translated = undefined;
      }
      if (this.#accel === "jit") translated ??= this.#machine.translate(batch.map((entry) => entry.vector));
      const code = Uint8Array.from(vector.c.match(/../g)!, (byte) => Number.parseInt(byte, 16));
      const name = (): string => `${file}, line ${line}: ${list(code, decode, bits, CODE_OFFSET, 1)[0]?.text ?? ""} (${vector.c})`;
      try {
        const differences = this.#machine.run(vector, translated?.[n]);
        const decoded = decode(code, bits);
        const absent =
          differences.length > 0 && decoded && handlerOf(this.#machine.decoder, code, bits) !== handlerOf(this.#everything, code, bits);
        yield absent
          ? { name, differences, skipped: `the CPU model has no ${ROWS[decoded.row]?.feature ?? "such instruction"}` }
          : { name, differences };
      } catch (error) {
        // What is left of that machine cannot be trusted.
        this.#machine = undefined;
        yield { name, differences: [stopped(error)] };
      }
    }
  }
}

/** MOO files. */
class CapturedRunner {
  readonly #module: WebAssembly.Module;
  #machine: MooMachine | undefined;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  async *run(file: string, bytes: Uint8Array): AsyncGenerator<Result> {
    for (const test of readMoo(file, bytes)) {
      this.#machine ??= await MooMachine.create(this.#module);
      const name = (): string => `${file}, test ${test.index}: ${test.name} (${Buffer.from(test.bytes).toString("hex")})`;
      try {
        const { differences, rule } = this.#machine.run(test);
        yield rule ? { name, differences, skipped: `${rule.name}: ${rule.reason}` } : { name, differences };
      } catch (error) {
        this.#machine = undefined;
        yield { name, differences: [stopped(error)] };
      }
    }
  }
}

/** What the decoder of `core` would have run: the first field of the Insn record (asm/decode/insn.ts). Models differ only where a feature is absent. */
function handlerOf(core: DecodingCore, code: Uint8Array, bits: 32 | 64): number {
  const address = core.toolBytesAddress();
  new Uint8Array(core.memory.buffer).set(code, address);
  core.decodeBytes(code.length, bits);
  return new DataView(core.memory.buffer).getUint16(address - RECORD, true);
}

function report({ passed, failed, skipped }: Totals, show: number, environment: Environment): number {
  if (failed > show && show > 0) environment.stdout(`… and ${failed - show} more\n`);
  for (const [reason, count] of [...skipped].sort()) environment.stdout(`skipped ${count}: ${reason}\n`);
  const total = [...skipped.values()].reduce((sum, count) => sum + count, 0);
  environment.stdout(`${passed} passed, ${failed} failed, ${total} skipped\n`);
  return failed > 0 ? Status.Failed : Status.Passed;
}

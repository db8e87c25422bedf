/** What machines that run recorded vectors (docs/vectors.md) have in common: areas of memory, one instruction, the comparison. */
import type { DecodingCore } from "../disasm/decoder";
import { type Accel, CoreHost } from "../machine/core-host";
import { fpuDifferences, hex, loadFpu, text } from "./vector-fpu";

/** A number, or up to 64 bits as hexadecimal digits. */
type Wide = number | string;

/** One recorded vector of any form; keys as in the files. */
export interface AnyVector {
  readonly c: string;
  readonly m: number;
  readonly k: number;
  readonly r: readonly Wide[];
  readonly f: number;
  readonly x?: string;
  readonly p: readonly [Wide, string];
  readonly u: number;
  readonly R: Readonly<Record<string, Wide>>;
  readonly F: number;
  readonly e: Wide;
  readonly X?: string;
  readonly M?: readonly (readonly [Wide, string])[];
  readonly sig?: number;
  readonly trap?: number;
  readonly err?: number;
  readonly cr2?: Wide;
}

/** A linear area of the recording machine, and where it lies in our guest-physical memory. */
export interface Area {
  readonly linear: bigint;
  readonly physical: number;
  readonly bytes: number;
  /** The recorder's byte sequence instead of CC. */
  readonly pattern: boolean;
  readonly executable: boolean;
}

/** Where an exception has led: one HLT a vector, 16 bytes apart, at `handlers`. */
export interface Form {
  readonly bits: 32 | 64;
  readonly registers: readonly string[];
  readonly areas: readonly Area[];
  readonly start: bigint;
  readonly handlers: bigint;
  /** Guest-physical address of a linear one of the ring-0 stack. */
  readonly stackAt: (linear: bigint) => number;
}

const ARITHMETIC = 0xcd5;
const MOST_BYTES = 15;
const WITH_ERROR_CODE = [8, 10, 11, 12, 13, 14, 17];
/** The blocks that vectors are run in are not to be translated besides. */
const SINGLE = { threshold: 0xffffffff, blocks: 1, instructions: 1, batch: 1 };
/** Stop.Leave (asm/core/stop.ts): translated code left the instruction to the interpreter. */
const STOP_LEAVE = 0x100;

/** SDM 3A "Exception and Interrupt Reference". */
const EXCEPTIONS = "DE DB NMI BP OF BR UD NM DF 9 TS NP SS GP PF 15 MF AC MC XM".split(" ");
const exceptionName = (vector: number): string => `#${EXCEPTIONS[vector] ?? vector}`;

/** Numbers of the files: those of 32 bits may be signed. */
export const wide = (value: Wide): bigint => (typeof value === "string" ? BigInt(`0x${value}`) : BigInt(value >>> 0));

/** Initial contents: CC, or the recorder's byte sequence. */
function areaContents(bytes: number, pattern: boolean): Uint8Array {
  const data = new Uint8Array(bytes).fill(0xcc);
  let x = 12345;
  if (pattern)
    for (let n = 0; n < bytes; n++) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      data[n] = x >>> 24;
    }
  return data;
}

function flagNames(flags: number): string {
  const names: [number, string][] = [
    [0x800, "OF"],
    [0x400, "DF"],
    [0x80, "SF"],
    [0x40, "ZF"],
    [0x10, "AF"],
    [4, "PF"],
    [1, "CF"],
  ];
  return (
    names
      .filter(([bit]) => flags & bit)
      .map(([, name]) => name)
      .join(" ") || "none"
  );
}

/** A core for vectors; `cpuModel`: index into CPU_MODELS. Ports and missing frames are host errors. */
export function vectorCore(wasm: BufferSource | WebAssembly.Module, cpuModel: number, accel: Accel): Promise<CoreHost> {
  const refuse = (): never => {
    throw new Error("a vector touched a port or a device");
  };
  const callbacks = {
    portRead: refuse,
    portWrite: refuse,
    mmioRead: () => 0xffffffff,
    mmioWrite: () => {},
    acknowledgeInterrupt: () => 0,
    ferr: () => {},
    frameMissing: refuse,
  };
  return CoreHost.create(wasm, callbacks, { ramBytes: 4 << 20, cpuModel, accel, jitLimits: SINGLE });
}

/** A core set up as a recording process was. */
export abstract class RecordedMachine<V extends AnyVector> {
  protected readonly core: CoreHost;
  readonly #form: Form;
  readonly #initial: readonly Uint8Array[];

  protected constructor(core: CoreHost, form: Form) {
    this.core = core;
    this.#form = form;
    this.#initial = form.areas.map((area) => areaContents(area.bytes, area.pattern));
  }

  /** Gives the core the system and general registers before the instruction. */
  protected abstract enter(v: V): void;
  /** RIP after, as a linear address. */
  protected abstract end(v: V): bigint;

  /** The decoder of this machine's CPU model. */
  get decoder(): DecodingCore {
    const { toolBytesAddress, decodeBytes } = this.core.exports;
    return { memory: this.core.wasmMemory, toolBytesAddress: toolBytesAddress!, decodeBytes: decodeBytes! };
  }

  /**
   * Translates the instruction of each vector into a function of one module. The result, which `run` takes: table indexes;
   * it holds until the next call. Throws when one cannot be translated, which is a bug.
   */
  translate(vectors: readonly V[]): number[] {
    const x = this.core.exports;
    x.emitBegin!();
    for (const v of vectors) {
      const code = hex(v.c);
      this.enter(v);
      const bytes = new Uint8Array(this.core.buffer, x.toolBytesAddress!(), 64).fill(0xcc);
      bytes.set(code);
      // Whole, as from memory: what lies behind an instruction is INT3.
      if (!x.decodeHere!(Math.max(code.length, MOST_BYTES)) || !x.emitAdd!()) throw new Error(`${v.c} was not translated`);
    }
    const first = x.emitInstall!();
    return vectors.map((_, n) => first + n);
  }

  /** One instruction, by the translated function at table index `translated`. */
  #runTranslated(translated: number): void {
    this.core.exports.emitRun!(translated);
    const stop = new DataView(this.core.buffer).getUint32(this.core.stateOffset("stop"), true);
    if (stop & STOP_LEAVE) {
      this.core.step(1);
      return;
    }
    // Delivers what is pending and comes back.
    this.core.stop();
    this.core.run(Number.MAX_SAFE_INTEGER);
  }

  /** Runs one vector, interpreted or by its translated function; the differences as sentences, none when it passes. */
  run(v: V, translated?: number): string[] {
    const { areas, start } = this.#form;
    const expected = this.#initial.map((bytes) => bytes.slice());
    const put = (address: bigint, bytes: Uint8Array): void => {
      bytes.forEach((byte, k) => {
        const at = address + BigInt(k);
        const n = areas.findIndex((area) => at >= area.linear && at < area.linear + BigInt(area.bytes));
        if (n >= 0) expected[n]![Number(at - areas[n]!.linear)] = byte;
      });
    };
    put(start, hex(v.c));
    put(wide(v.p[0]), hex(v.p[1]));
    areas.forEach((area, n) => {
      this.core.memory.write(area.physical, expected[n]!);
    });
    this.enter(v);
    if (v.x) loadFpu(this.core, hex(v.x));
    if (translated === undefined) this.core.step(1);
    else this.#runTranslated(translated);
    // The recording machine went on to the breakpoint bytes that fill its code; a target outside faults there.
    const rip = this.#rip();
    const user = (this.core.getRegister("cs_selector") & 3n) === 3n;
    if (user && !areas.some((area) => area.executable && rip >= area.linear && rip < area.linear + BigInt(area.bytes))) this.core.step(1);
    for (const [address, bytes] of v.M ?? []) put(wide(address), hex(bytes));
    return this.#compare(v, expected);
  }

  #show(value: bigint): string {
    return this.#form.bits === 64 ? BigInt.asUintN(64, value).toString(16) : BigInt.asUintN(32, value).toString(16).padStart(8, "0");
  }
  #get(name: string): bigint {
    return BigInt.asUintN(this.#form.bits, this.core.getRegister(name));
  }
  #rip(): bigint {
    return this.#get(this.#form.bits === 64 ? "rip" : "eip");
  }

  #compare(v: V, expected: readonly Uint8Array[]): string[] {
    const { bits, registers, areas, start, handlers, stackAt } = this.#form;
    const stackPointer = registers[4]!;
    const differences: string[] = [];
    const unequal = (name: string, got: bigint, want: bigint): void => {
      if (got !== want) differences.push(`${name} ${this.#show(got)}, expected ${this.#show(want)}`);
    };
    let rip = this.#rip();
    let rsp = this.#get(stackPointer);
    let flags = this.#get("eflags");
    let trap: number | undefined;
    let error = 0n;
    if ((this.#get("cs_selector") & 3n) === 0n) {
      trap = Number(rip - handlers) >>> 4;
      const frame = new DataView(this.core.memory.read(stackAt(rsp), (bits / 8) * 6).buffer);
      const word = (n: number): bigint => (bits === 64 ? frame.getBigUint64(n * 8, true) : BigInt(frame.getUint32(n * 4, true)));
      const withError = WITH_ERROR_CODE.includes(trap) ? 1 : 0;
      error = withError ? word(0) : 0n;
      rip = word(withError);
      flags = word(withError + 2);
      rsp = word(withError + 3);
    }
    const wanted = v.sig === undefined ? undefined : v.trap;
    if (trap !== wanted)
      return [
        `${trap === undefined ? "no exception" : `${exceptionName(trap)} (error code ${this.#show(error)})`}, expected ${wanted === undefined ? "none" : exceptionName(wanted)}`,
      ];
    if (trap !== undefined) unequal("error code", error, BigInt(v.err ?? 0));
    if (trap === 14) unequal("CR2", this.#get("cr2"), wide(v.cr2 ?? 0));
    registers.forEach((name, n) => {
      unequal(name, name === stackPointer ? rsp : this.#get(name), wide(v.R[n] ?? v.r[n]!));
    });
    const mask = ARITHMETIC & ~v.u;
    const got = Number(flags) & mask;
    if (got !== (v.F & mask)) differences.push(`flags ${flagNames(got)}, expected ${flagNames(v.F & mask)}`);
    const end = this.end(v);
    if (rip !== end) differences.push(`${bits === 64 ? "RIP" : "EIP"} +${this.#show(rip - start)}, expected +${this.#show(end - start)}`);
    if (v.x) differences.push(...fpuDifferences(this.core, v.c, hex(v.X ?? v.x)));
    // The recorder compared its data areas only; what an instruction wrote beside its own code was not noted.
    areas.forEach((area, n) => {
      if (!area.pattern) return;
      const bytes = this.core.memory.read(area.physical, area.bytes);
      const want = expected[n]!;
      const at = bytes.findIndex((byte, k) => byte !== want[k]);
      if (at >= 0)
        differences.push(
          `memory ${this.#show(area.linear + BigInt(at))}: ${text(bytes.subarray(at, at + 16))}, expected ${text(want.subarray(at, at + 16))}`,
        );
    });
    return differences;
  }
}

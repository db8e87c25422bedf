/**
 * Runs single-instruction vectors recorded from real CPUs (docs/vectors.md) on the core: 32-bit user mode, flat
 * segments, three data areas behind page tables, every exception through an IDT to ring 0. One vector a line of JSON.
 */
import type { DecodingCore } from "../disasm/decoder";
import { type Accel, CoreHost } from "../machine/core-host";

/** One recorded vector; keys as in the files. */
export interface Vector {
  readonly c: string;
  readonly m: number;
  readonly k: number;
  readonly r: readonly number[];
  readonly f: number;
  readonly x?: string;
  readonly p: readonly [number, string];
  readonly u: number;
  readonly R: Readonly<Record<string, number>>;
  readonly F: number;
  readonly e: number;
  readonly X?: string;
  readonly M?: readonly (readonly [number, string])[];
  readonly sig?: number;
  readonly trap?: number;
  readonly err?: number;
  readonly cr2?: number;
}

const REGISTERS = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"] as const;
const CODE = 0x10008000;
/** Linear areas of the recording machine, and where they lie in our guest-physical memory. */
const AREAS = [
  { linear: 0x10000000, physical: 0x100000, bytes: 0x10000, pattern: false, executable: true },
  { linear: 0x20000000, physical: 0x120000, bytes: 0x2000, pattern: true, executable: false },
  { linear: 0x00002000, physical: 0x122000, bytes: 0x2000, pattern: true, executable: false },
] as const;
const SYSTEM = 0xf7a00000; // GDT, IDT, TSS, stack and handlers: supervisor pages
const SYSTEM_PHYSICAL = 0x8000;
const PAGE_TABLES = 0x1000; // up to SYSTEM_PHYSICAL
const NO_EXECUTE = 0x80000000; // bit 63 of a page-table entry
const HANDLERS = 0x3000; // offset in SYSTEM: one HLT per vector, 16 bytes apart
const KERNEL_STACK = 0x5000;
const TSS = 0x2000;
const IDT = 0x1000;
const ARITHMETIC = 0xcd5;
const MOST_BYTES = 15;
/** asm/core/stop.ts: a translated function left its instruction to the interpreter. */
const STOP_LEAVE = 0x100;

/** Initial contents: CC, or the recorder's byte sequence. */
export function areaContents(bytes: number, pattern: boolean): Uint8Array {
  const data = new Uint8Array(bytes).fill(0xcc);
  let x = 12345;
  if (pattern) {
    for (let n = 0; n < bytes; n++) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      data[n] = x >>> 24;
    }
  }
  return data;
}

export const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const show = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
export const text = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** SDM 3A "Exception and Interrupt Reference". */
const EXCEPTIONS = "DE DB NMI BP OF BR UD NM DF 9 TS NP SS GP PF 15 MF AC MC XM".split(" ");
export const exceptionName = (vector: number): string => `#${EXCEPTIONS[vector] ?? vector}`;

/** A core set up as the recording process was. */
export class VectorMachine {
  readonly #core: CoreHost;
  /** The four PDPTEs. */
  readonly #directories = [0, 0, 0, 0];
  readonly #initial = AREAS.map((area) => areaContents(area.bytes, area.pattern));

  private constructor(core: CoreHost) {
    this.#core = core;
  }

  static async create(wasm: BufferSource | WebAssembly.Module, accel: Accel = "interp"): Promise<VectorMachine> {
    const refuse = (): never => {
      throw new Error("a vector touched a port or a device");
    };
    const core = await CoreHost.create(
      wasm,
      {
        portRead: refuse,
        portWrite: refuse,
        mmioRead: () => 0xffffffff,
        mmioWrite: () => {},
        acknowledgeInterrupt: () => 0,
        ferr: () => {},
        frameMissing: refuse,
      },
      // The blocks that vectors are run in are not to be translated besides.
      { ramBytes: 4 << 20, cpuModel: 4, accel, jitLimits: { threshold: 0xffffffff, blocks: 1, instructions: 1, batch: 1 } },
    );
    const machine = new VectorMachine(core);
    machine.#prepare();
    return machine;
  }

  /** The decoder of this machine's CPU model. */
  get decoder(): DecodingCore {
    const { toolBytesAddress, decodeBytes } = this.#core.exports;
    return { memory: this.#core.wasmMemory, toolBytesAddress: toolBytesAddress!, decodeBytes: decodeBytes! };
  }

  #u32(address: number, ...values: number[]): void {
    this.#core.memory.write(address, new Uint8Array(Uint32Array.from(values).buffer));
  }

  #prepare(): void {
    let next = PAGE_TABLES;
    const tables = new Map<string, number>();
    /** The table that `linear` selects by its bits above `shift`; 0 at first, then `made` has been told of the new one. */
    const tableOf = (linear: number, shift: number, made: (table: number) => void): number => {
      const key = `${shift} ${linear >>> shift}`;
      let table = tables.get(key);
      if (table === undefined) {
        table = next;
        next += 0x1000;
        tables.set(key, table);
        made(table);
      }
      return table;
    };
    const map = (linear: number, physical: number, rights: number, executable: boolean): void => {
      const directory = tableOf(linear, 30, (made) => {
        this.#directories[linear >>> 30] = made | 1;
      });
      const table = tableOf(linear, 21, (made) => this.#u32(directory + ((linear >>> 21) & 0x1ff) * 8, made | 7, 0));
      this.#u32(table + ((linear >>> 12) & 0x1ff) * 8, physical | rights, executable ? 0 : NO_EXECUTE);
    };
    for (const area of AREAS)
      for (let at = 0; at < area.bytes; at += 0x1000) map(area.linear + at, area.physical + at, 0x67, area.executable);
    for (let at = 0; at < 0x6000; at += 0x1000) map(SYSTEM + at, SYSTEM_PHYSICAL + at, 0x63, true);
    // GDT: 08 ring-0 code, 10 ring-0 data, 23 user code, 2B user data, 30 TSS, 3B user data for GS.
    const tss = SYSTEM + TSS;
    this.#u32(SYSTEM_PHYSICAL, 0, 0, 0xffff, 0x00cf9b00, 0xffff, 0x00cf9300, 0, 0, 0xffff, 0x00cffb00, 0xffff, 0x00cff300);
    this.#u32(
      SYSTEM_PHYSICAL + 0x30,
      ((tss & 0xffff) << 16) | 0x67,
      (tss & 0xff000000) | 0x8b00 | ((tss >>> 16) & 0xff),
      0xffff,
      0x00cff300,
    );
    for (let vector = 0; vector < 32; vector++) {
      const handler = SYSTEM + HANDLERS + vector * 16;
      const dpl = vector === 3 || vector === 4 ? 3 : 0;
      this.#u32(SYSTEM_PHYSICAL + IDT + vector * 8, 0x00080000 | (handler & 0xffff), (handler & 0xffff0000) | 0x8e00 | (dpl << 13));
      this.#core.memory.write(SYSTEM_PHYSICAL + HANDLERS + vector * 16, Uint8Array.of(0xf4));
    }
    this.#u32(SYSTEM_PHYSICAL + TSS + 4, SYSTEM + KERNEL_STACK + 0xff0, 0x10);
    // No I/O permission map: it would begin at the limit.
    this.#u32(SYSTEM_PHYSICAL + TSS + 0x64, 0x680000);
  }

  /**
   * Translates the instruction of each vector into a function of one module. The result, which `run` takes: table indexes;
   * it holds until the next call. Throws when one cannot be translated, which is a bug.
   */
  translate(vectors: readonly Vector[]): number[] {
    const x = this.#core.exports;
    x.emitBegin!();
    for (const v of vectors) {
      const code = hex(v.c);
      this.#enter(v);
      const bytes = new Uint8Array(this.#core.buffer, x.toolBytesAddress!(), 64).fill(0xcc);
      bytes.set(code);
      if (!x.decodeHere!(Math.max(code.length, MOST_BYTES)) || !x.emitAdd!()) throw new Error(`${v.c} was not translated`);
    }
    const first = x.emitInstall!();
    return vectors.map((_, n) => first + n);
  }

  /** One instruction, by the translated function at table index `translated`. */
  #runTranslated(translated: number): void {
    const x = this.#core.exports;
    x.emitRun!(translated);
    const stop = new DataView(this.#core.buffer).getUint32(this.#core.stateOffset("stop"), true);
    if (stop & STOP_LEAVE) {
      this.#core.step(1);
      return;
    }
    // Delivers what is pending and comes back.
    this.#core.stop();
    this.#core.run(Number.MAX_SAFE_INTEGER);
  }

  /** Runs one vector; the differences as sentences, none when it passes. */
  run(v: Vector, translated?: number): string[] {
    const code = hex(v.c);
    AREAS.forEach((area, n) => {
      this.#core.memory.write(area.physical, this.#initial[n] as Uint8Array);
    });
    const expected = AREAS.map((_, n) => (this.#initial[n] as Uint8Array).slice());
    const put = (address: number, bytes: Uint8Array, into?: Uint8Array[]): void => {
      bytes.forEach((byte, k) => {
        const n = AREAS.findIndex((area) => address + k >= area.linear && address + k < area.linear + area.bytes);
        const area = AREAS[n];
        if (!area) return;
        if (into) (into[n] as Uint8Array)[address + k - area.linear] = byte;
        else this.#core.memory.write(area.physical + address + k - area.linear, Uint8Array.of(byte));
      });
    };
    for (const into of [undefined, expected]) {
      put(CODE, code, into);
      put(v.p[0], hex(v.p[1]), into);
    }
    this.#enter(v);
    if (translated === undefined) this.#core.step(1);
    else this.#runTranslated(translated);
    // The recording machine went on to the breakpoint bytes that fill its code; a target outside faults there.
    const eip = Number(this.#core.getRegister("eip") & 0xffffffffn);
    const user = (this.#core.getRegister("cs_selector") & 3n) === 3n;
    if (user && !AREAS.some((area) => area.executable && eip >= area.linear && eip < area.linear + area.bytes)) this.#core.step(1);
    return this.#compare(v, expected, put);
  }

  #enter(v: Vector): void {
    const registers: Record<string, bigint> = {
      eip: BigInt(CODE),
      eflags: BigInt((v.f & ~0x100) | 0x202),
      cr0: 0x80040031n, // AM, as on the recording host
      cr2: 0n,
      cr3: 0n, // the PDPTEs are given below
      cr4: 0x100630n, // PAE, as on the recording host, for pages that are not executable
      efer: 0x800n,
      cpl: 3n,
      halted: 0n,
      interruptShadow: 0n,
      gdtr_base: BigInt(SYSTEM),
      gdtr_limit: 0x3fn,
      idtr_base: BigInt(SYSTEM + IDT),
      idtr_limit: 0xffn,
      tr_base: BigInt(SYSTEM + TSS),
      tr_limit: 0x67n,
      tr_selector: 0x30n,
      tr_attributes: 0x8bn,
      ldtr_attributes: 0x1000n,
    };
    REGISTERS.forEach((name, n) => {
      registers[name] = BigInt((v.r[n] as number) >>> 0);
    });
    const segment = (name: string, selector: number, attributes: number): void => {
      registers[`${name}_selector`] = BigInt(selector);
      registers[`${name}_base`] = 0n;
      registers[`${name}_limit`] = attributes & 0x1000 ? 0n : 0xffffffffn;
      registers[`${name}_attributes`] = BigInt(attributes);
    };
    segment("cs", 0x23, 0xcfb);
    for (const name of ["ds", "es", "ss"]) segment(name, 0x2b, 0xcf3);
    segment("fs", 0, 0x1000);
    segment("gs", 0x3b, 0xcf3);
    if (v.x) this.#loadFpu(v.x);
    const state = this.#stateView();
    const pdpte = this.#core.stateOffset("pdpte");
    this.#directories.forEach((entry, n) => {
      state.setBigUint64(pdpte + 8 * n, BigInt(entry), true);
    });
    this.#core.setRegisters(registers);
  }

  /** FXSAVE image (bytes 0-27, ST0-7, XMM0-7) → the core's x87 and SSE state. */
  #loadFpu(image: string): void {
    const bytes = hex(image);
    const view = new DataView(bytes.buffer);
    const state = this.#stateView();
    const status = view.getUint16(2, true);
    const top = (status >> 11) & 7;
    const abridged = view.getUint8(4);
    let tag = 0;
    const at = this.#core.stateOffset("st");
    for (let n = 0; n < 8; n++) {
      const physical = (top + n) & 7;
      const register = bytes.subarray(28 + n * 16, 28 + n * 16 + 10);
      for (let k = 0; k < 16; k++) state.setUint8(at + physical * 16 + k, k < 10 ? (register[k] as number) : 0);
      tag |= (abridged & (1 << physical) ? classify(register) : 3) << (physical * 2);
    }
    for (let n = 0; n < 128; n++) state.setUint8(this.#core.stateOffset("xmm") + n, bytes[156 + n] ?? 0);
    this.#core.setFields({
      fpuControl: BigInt(view.getUint16(0, true)),
      fpuStatus: BigInt(status),
      fpuTag: BigInt(tag),
      mxcsr: BigInt(view.getUint32(24, true)),
      // The recordings begin with cleared last-instruction pointers.
      fpuIp: 0n,
      fpuDp: 0n,
      fpuCs: 0n,
      fpuDs: 0n,
      fpuOpcode: 0n,
    });
  }
  #saveFpu(): Uint8Array {
    const bytes = new Uint8Array(156 + 128);
    const view = new DataView(bytes.buffer);
    const state = this.#stateView();
    const field = (name: string): number => Number(this.#core.getRegister(name));
    view.setUint16(0, field("fpuControl"), true);
    view.setUint16(2, field("fpuStatus"), true);
    const tag = field("fpuTag");
    let abridged = 0;
    for (let n = 0; n < 8; n++) if (((tag >> (n * 2)) & 3) !== 3) abridged |= 1 << n;
    view.setUint8(4, abridged);
    view.setUint32(24, field("mxcsr"), true);
    const top = (field("fpuStatus") >> 11) & 7;
    for (let n = 0; n < 8; n++)
      for (let k = 0; k < 10; k++) bytes[28 + n * 16 + k] = state.getUint8(this.#core.stateOffset("st") + ((top + n) & 7) * 16 + k);
    for (let n = 0; n < 128; n++) bytes[156 + n] = state.getUint8(this.#core.stateOffset("xmm") + n);
    return bytes;
  }
  #stateView(): DataView {
    return new DataView(this.#core.buffer);
  }

  #compare(v: Vector, expected: Uint8Array[], put: (address: number, bytes: Uint8Array, into?: Uint8Array[]) => void): string[] {
    const differences: string[] = [];
    const core = this.#core;
    const get = (name: string): number => Number(core.getRegister(name) & 0xffffffffn);
    const faulted = (get("cs_selector") & 3) === 0;
    let eip = get("eip");
    let esp = get("esp");
    let flags = get("eflags");
    let trap: number | undefined;
    let error = 0;
    if (faulted) {
      trap = (eip - (SYSTEM + HANDLERS)) >>> 4;
      const frame = new DataView(core.memory.read(SYSTEM_PHYSICAL + KERNEL_STACK + esp - (SYSTEM + KERNEL_STACK), 24).buffer);
      const withError = [8, 10, 11, 12, 13, 14, 17].includes(trap) ? 4 : 0;
      error = withError ? frame.getUint32(0, true) : 0;
      eip = frame.getUint32(withError, true);
      flags = frame.getUint32(withError + 8, true);
      esp = frame.getUint32(withError + 12, true);
    }
    const wantTrap = v.sig === undefined ? undefined : v.trap;
    if (trap !== wantTrap)
      return [
        `${trap === undefined ? "no exception" : `${exceptionName(trap)} (error code ${show(error)})`}, expected ${wantTrap === undefined ? "none" : exceptionName(wantTrap)}`,
      ];
    if (trap !== undefined) {
      if (error !== (v.err ?? 0)) differences.push(`error code ${show(error)}, expected ${show(v.err ?? 0)}`);
      if (trap === 14 && get("cr2") !== (v.cr2 ?? 0) >>> 0) differences.push(`CR2 ${show(get("cr2"))}, expected ${show(v.cr2 ?? 0)}`);
    }
    REGISTERS.forEach((name, n) => {
      const want = (v.R[n] ?? (v.r[n] as number)) >>> 0;
      const got = name === "esp" ? esp >>> 0 : get(name);
      if (got !== want) differences.push(`${name} ${show(got)}, expected ${show(want)}`);
    });
    const mask = ARITHMETIC & ~v.u;
    if ((flags & mask) !== (v.F & mask)) differences.push(`flags ${flagNames(flags & mask)}, expected ${flagNames(v.F & mask)}`);
    if ((eip - CODE) >>> 0 !== v.e >>> 0) differences.push(`EIP +${show(eip - CODE)}, expected +${show(v.e)}`);
    if (v.x) {
      const got = this.#saveFpu();
      const want = hex(v.X ?? v.x);
      for (const image of [got, want]) image.fill(0, 6, 24);
      if (isTranscendental(v.c)) forgiveLastPlace(got, want);
      forgiveApproximation(v.c, got, want);
      if (text(got) !== text(want)) differences.push(...fpuDifferences(got, want));
    }
    for (const [address, bytes] of v.M ?? []) put(address, hex(bytes), expected);
    // The recorder compared its data areas only; what an instruction wrote beside its own code was not noted.
    AREAS.forEach((area, n) => {
      if (!area.pattern) return;
      const got = core.memory.read(area.physical, area.bytes);
      const want = expected[n] as Uint8Array;
      const at = got.findIndex((byte, k) => byte !== want[k]);
      if (at >= 0)
        differences.push(
          `memory ${show(area.linear + at)}: ${text(got.subarray(at, at + 16))}, expected ${text(want.subarray(at, at + 16))}`,
        );
    });
    return differences;
  }
}

/** F2XM1 FYL2X FPTAN FPATAN FYL2XP1 FSINCOS FSIN FCOS: makers differ in the last place. */
function isTranscendental(code: string): boolean {
  return /^(66|67|2e|36|3e|26|64|65)*d9f[01239bef]$/.test(code);
}

/** Rule for transcendentals: within one unit in the last place, all flags but C1 and PE equal. What it allows is copied into `got`. */
function forgiveLastPlace(got: Uint8Array, want: Uint8Array): void {
  const ROUNDED = 0x220; // C1, PE
  const status = (image: Uint8Array): number => (image[2] as number) | ((image[3] as number) << 8);
  const allowed = (status(got) & ~ROUNDED) | (status(want) & ROUNDED);
  got[2] = allowed & 0xff;
  got[3] = allowed >> 8;
  for (let at = 28; at < 156; at += 16) {
    const distance = orderOf(got, at) - orderOf(want, at);
    if (distance === 1n || distance === -1n) got.set(want.subarray(at, at + 10), at);
  }
}

/** Position of an 80-bit value among all values of its sign, so that neighbours differ by 1. */
function orderOf(image: Uint8Array, at: number): bigint {
  const view = new DataView(image.buffer, image.byteOffset);
  const head = view.getUint16(at + 8, true);
  const exponent = BigInt(head & 0x7fff);
  const significand = view.getBigUint64(at, true);
  const order = exponent <= 1n ? significand : (exponent - 1n) * (1n << 63n) + significand;
  return head & 0x8000 ? -order : order;
}

/**
 * Rule for RCPPS RCPSS RSQRTPS RSQRTSS, tables of the maker: a finite lane of the destination within 1.5 × 2^-12 of the recorded
 * value. What it allows is copied into `got`.
 */
export function forgiveApproximation(code: string, got: Uint8Array, want: Uint8Array): void {
  const match = /^((?:66|67|2e|36|3e|26|64|65|f2|f3)*)(4[0-9a-f])?0f5[23](..)/.exec(code);
  if (!match) return;
  // REX.R is bit 3 of the register's number.
  const extension = Number.parseInt(match[2] ?? "0", 16) & 4 ? 8 : 0;
  const start = 156 + (((Number.parseInt(match[3] as string, 16) >> 3) & 7) + extension) * 16;
  const single = (image: Uint8Array, at: number): number => new DataView(image.buffer, image.byteOffset).getFloat32(at, true);
  for (let at = start; at < start + (match[1]?.includes("f3") ? 4 : 16); at += 4) {
    const a = single(got, at);
    const b = single(want, at);
    if (Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= 1.5 * 2 ** -12 * Math.abs(b)) got.set(want.subarray(at, at + 4), at);
  }
}

/** Full tag of a register in use: 0 valid, 1 zero, 2 special. */
function classify(register: Uint8Array): number {
  const exponent = ((register[8] as number) | ((register[9] as number) << 8)) & 0x7fff;
  const zero = register.subarray(0, 8).every((b) => b === 0);
  if (exponent === 0) return zero ? 1 : 2;
  return exponent === 0x7fff || !((register[7] as number) & 0x80) ? 2 : 0;
}

export function flagNames(flags: number): string {
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

function fpuDifferences(got: Uint8Array, want: Uint8Array): string[] {
  const parts: [string, number, number][] = [
    ["FCW", 0, 2],
    ["FSW", 2, 2],
    ["FTW", 4, 1],
    ["MXCSR", 24, 4],
  ];
  for (let n = 0; n < 8; n++) parts.push([`ST${n}`, 28 + n * 16, 10]);
  for (let n = 0; n < 8; n++) parts.push([`XMM${n}`, 156 + n * 16, 16]);
  return parts.flatMap(([name, at, length]) => {
    const a = text(
      got
        .subarray(at, at + length)
        .slice()
        .reverse(),
    );
    const b = text(
      want
        .subarray(at, at + length)
        .slice()
        .reverse(),
    );
    return a === b ? [] : [`${name} ${a}, expected ${b}`];
  });
}

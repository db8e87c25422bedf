/**
 * Runs vectors of 64-bit code (docs/vectors.md, "64-bit vectors"; recorded by tests/cpu/recorder/record64.c): 64-bit user mode
 * under 4-level paging, a code area and two data areas, every exception through a 64-bit IDT to ring 0.
 */
import { type Accel, CoreHost } from "../machine/core-host";
import { areaContents, exceptionName, flagNames, forgiveApproximation, hex, text } from "./vectors";

/** One recorded vector; numbers of 64 bits are hexadecimal text. */
export interface LongVector {
  readonly c: string;
  readonly m: number;
  readonly k: number;
  readonly l: 1;
  readonly r: readonly string[];
  readonly f: number;
  readonly x?: string;
  readonly p: readonly [string, string];
  readonly u: number;
  readonly R: Readonly<Record<string, string>>;
  readonly F: number;
  readonly e: string;
  readonly X?: string;
  readonly M?: readonly (readonly [string, string])[];
  readonly sig?: number;
  readonly trap?: number;
  readonly err?: number;
  readonly cr2?: string;
}

const REGISTERS = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
const START = 0x10008000n;
const GS_BASE = 0x1ffff000n;
const AREAS = [
  { linear: 0x10000000n, physical: 0x100000, bytes: 0x10000, pattern: false, executable: true },
  { linear: 0x20000000n, physical: 0x120000, bytes: 0x2000, pattern: true, executable: false },
  { linear: 0x7e0012340000n, physical: 0x122000, bytes: 0x2000, pattern: true, executable: false },
] as const;
/** GDT, IDT, TSS, handlers and stack: supervisor pages in the upper half. */
const SYSTEM = 0xffff_8000_0000_0000n;
const SYSTEM_PHYSICAL = 0x20000;
const TABLES = 0x1000;
const IDT = 0x1000;
const TSS = 0x2000;
/** One HLT a vector, 16 bytes apart. */
const HANDLERS = 0x3000;
const STACK = 0x5000;
const ARITHMETIC = 0xcd5;
/** Bytes of an FPU image: 28 of the header, 8 × 16, 16 × 16. */
const XMM_AT = 28 + 128;
const IMAGE_BYTES = XMM_AT + 256;
const USER_CODE = 0x33n;
/** The blocks that vectors are run in are not to be translated besides. */
const SINGLE = { threshold: 0xffffffff, blocks: 1, instructions: 1, batch: 1 };
const MOST_BYTES = 15;
/** Stop.Leave (asm/core/stop.ts): translated code left the instruction to the interpreter. */
const STOP_LEAVE = 0x100;

const show = (value: bigint): string => (value & 0xffff_ffff_ffff_ffffn).toString(16);
const parse = (digits: string): bigint => BigInt(`0x${digits}`);

/** A core set up as the recording process was. */
export class LongVectorMachine {
  readonly #core: CoreHost;
  readonly #initial = AREAS.map((area) => areaContents(area.bytes, area.pattern));

  private constructor(core: CoreHost) {
    this.#core = core;
  }

  /** `cpuModel`: index into CPU_MODELS of a model with 64-bit mode. */
  static async create(wasm: BufferSource | WebAssembly.Module, cpuModel: number, accel: Accel = "interp"): Promise<LongVectorMachine> {
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
    const machine = new LongVectorMachine(
      await CoreHost.create(wasm, callbacks, { ramBytes: 4 << 20, cpuModel, accel, jitLimits: SINGLE }),
    );
    machine.#prepare();
    return machine;
  }

  #u64(address: number, ...values: bigint[]): void {
    this.#core.memory.write(address, new Uint8Array(BigUint64Array.from(values).buffer));
  }

  #prepare(): void {
    let next = TABLES + 0x1000;
    const tables = new Map<string, number>();
    const map = (linear: bigint, physical: number, rights: bigint): void => {
      let table = TABLES;
      for (const shift of [39n, 30n, 21n]) {
        const key = `${shift} ${linear >> shift}`;
        let child = tables.get(key);
        if (child === undefined) {
          child = next;
          next += 0x1000;
          tables.set(key, child);
          this.#u64(table + Number((linear >> shift) & 0x1ffn) * 8, BigInt(child) | 7n);
        }
        table = child;
      }
      this.#u64(table + Number((linear >> 12n) & 0x1ffn) * 8, BigInt(physical) | rights);
    };
    for (const area of AREAS)
      for (let at = 0; at < area.bytes; at += 0x1000)
        map(area.linear + BigInt(at), area.physical + at, 0x67n | (area.executable ? 0n : 1n << 63n));
    for (let at = 0; at < 0x6000; at += 0x1000) map(SYSTEM + BigInt(at), SYSTEM_PHYSICAL + at, 0x63n);
    // 08 ring-0 code, 10 ring-0 data, 23 compatibility code, 2B user data, 33 user code, 40 TSS.
    const tss = SYSTEM + BigInt(TSS);
    this.#u64(
      SYSTEM_PHYSICAL,
      ...[0n, 0x00af9b000000ffffn, 0x00cf93000000ffffn, 0n, 0x00cffb000000ffffn, 0x00cff3000000ffffn, 0x00affb000000ffffn, 0n],
      0x67n | ((tss & 0xffffffn) << 16n) | (0x8bn << 40n) | (((tss >> 24n) & 0xffn) << 56n),
      tss >> 32n,
    );
    for (let vector = 0; vector < 32; vector++) {
      const handler = SYSTEM + BigInt(HANDLERS + vector * 16);
      const dpl = vector === 3 || vector === 4 ? 3n : 0n;
      const low = (handler & 0xffffn) | (8n << 16n) | ((0x8en | (dpl << 5n)) << 40n) | (((handler >> 16n) & 0xffffn) << 48n);
      this.#u64(SYSTEM_PHYSICAL + IDT + vector * 16, low, handler >> 32n);
      this.#core.memory.write(SYSTEM_PHYSICAL + HANDLERS + vector * 16, Uint8Array.of(0xf4));
    }
    this.#core.memory.write(SYSTEM_PHYSICAL + TSS + 4, new Uint8Array(BigUint64Array.of(SYSTEM + BigInt(STACK + 0xff0)).buffer));
  }

  /** As `VectorMachine.translate`: each vector's instruction as a function of one module. Throws when one cannot be translated. */
  translate(vectors: readonly LongVector[]): number[] {
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
    this.#core.exports.emitRun!(translated);
    const stop = new DataView(this.#core.buffer).getUint32(this.#core.stateOffset("stop"), true);
    if (stop & STOP_LEAVE) {
      this.#core.step(1);
      return;
    }
    // Delivers what is pending and comes back.
    this.#core.stop();
    this.#core.run(Number.MAX_SAFE_INTEGER);
  }

  /** Runs one vector, interpreted or by its translated function; the differences as sentences, none when it passes. */
  run(v: LongVector, translated?: number): string[] {
    const expected = AREAS.map((_, n) => (this.#initial[n] as Uint8Array).slice());
    const put = (address: bigint, bytes: Uint8Array): void => {
      bytes.forEach((byte, k) => {
        const at = address + BigInt(k);
        const n = AREAS.findIndex((area) => at >= area.linear && at < area.linear + BigInt(area.bytes));
        if (n >= 0) (expected[n] as Uint8Array)[Number(at - AREAS[n]!.linear)] = byte;
      });
    };
    put(START, hex(v.c));
    put(parse(v.p[0]), hex(v.p[1]));
    AREAS.forEach((area, n) => {
      this.#core.memory.write(area.physical, expected[n] as Uint8Array);
    });
    this.#enter(v);
    if (translated === undefined) this.#core.step(1);
    else this.#runTranslated(translated);
    // The recording machine went on to the breakpoint bytes that fill its code; a target outside faults there.
    const rip = this.#core.getRegister("rip");
    const user = (this.#core.getRegister("cs_selector") & 3n) === 3n;
    if (user && !AREAS.some((area) => area.executable && rip >= area.linear && rip < area.linear + BigInt(area.bytes))) this.#core.step(1);
    for (const [address, bytes] of v.M ?? []) put(parse(address), hex(bytes));
    return this.#compare(v, expected);
  }

  #enter(v: LongVector): void {
    const registers: Record<string, bigint> = {
      rip: START,
      eflags: BigInt((v.f & ~0x100) | 0x202),
      cr0: 0x80040033n,
      cr2: 0n,
      cr3: BigInt(TABLES),
      cr4: 0x100630n,
      efer: 0xd01n,
      cpl: 3n,
      halted: 0n,
      interruptShadow: 0n,
      gdtr_base: SYSTEM,
      gdtr_limit: 0x4fn,
      idtr_base: SYSTEM + BigInt(IDT),
      idtr_limit: 0x1ffn,
      tr_base: SYSTEM + BigInt(TSS),
      tr_limit: 0x67n,
      tr_selector: 0x40n,
      tr_attributes: 0x8bn,
      ldtr_attributes: 0x1000n,
    };
    REGISTERS.forEach((name, n) => {
      registers[name] = parse(v.r[n] as string);
    });
    const segment = (name: string, selector: bigint, base: bigint, limit: bigint, attributes: bigint): void => {
      registers[`${name}_selector`] = selector;
      registers[`${name}_base`] = base;
      registers[`${name}_limit`] = limit;
      registers[`${name}_attributes`] = attributes;
    };
    segment("cs", USER_CODE, 0n, 0xffffffffn, 0xafbn);
    segment("ss", 0x2bn, 0n, 0xffffffffn, 0xcf3n);
    for (const name of ["ds", "es", "fs"]) segment(name, 0n, 0n, 0n, 0x1000n);
    segment("gs", 0n, GS_BASE, 0n, 0x1000n);
    if (v.x) this.#loadFpu(hex(v.x));
    this.#core.setRegisters(registers);
  }

  /** TOP is 0 in these recordings: ST(i) is physical register i. */
  #loadFpu(image: Uint8Array): void {
    const view = new DataView(image.buffer, image.byteOffset);
    const state = new Uint8Array(this.#core.buffer);
    const at = this.#core.stateOffset("st");
    let tag = 0;
    for (let n = 0; n < 8; n++) {
      state.fill(0, at + n * 16, at + n * 16 + 16);
      state.set(image.subarray(28 + n * 16, 38 + n * 16), at + n * 16);
      if (!(view.getUint8(4) & (1 << n))) tag |= 3 << (n * 2);
    }
    state.set(image.subarray(XMM_AT, IMAGE_BYTES), this.#core.stateOffset("xmm"));
    this.#core.setFields({
      fpuControl: BigInt(view.getUint16(0, true)),
      fpuStatus: BigInt(view.getUint16(2, true)),
      fpuTag: BigInt(tag),
      mxcsr: BigInt(view.getUint32(24, true)),
      fpuIp: 0n,
      fpuDp: 0n,
      fpuCs: 0n,
      fpuDs: 0n,
      fpuOpcode: 0n,
    });
  }
  #saveFpu(): Uint8Array {
    const image = new Uint8Array(IMAGE_BYTES);
    const view = new DataView(image.buffer);
    const field = (name: string): number => Number(this.#core.getRegister(name));
    const state = new Uint8Array(this.#core.buffer);
    const at = this.#core.stateOffset("st");
    view.setUint16(0, field("fpuControl"), true);
    view.setUint16(2, field("fpuStatus"), true);
    for (let n = 0; n < 8; n++) {
      if (((field("fpuTag") >> (n * 2)) & 3) !== 3) image[4]! |= 1 << n;
      image.set(state.subarray(at + n * 16, at + n * 16 + 10), 28 + n * 16);
    }
    view.setUint32(24, field("mxcsr"), true);
    image.set(state.subarray(this.#core.stateOffset("xmm"), this.#core.stateOffset("xmm") + 256), XMM_AT);
    return image;
  }

  #compare(v: LongVector, expected: Uint8Array[]): string[] {
    const differences: string[] = [];
    const get = (name: string): bigint => this.#core.getRegister(name);
    let rip = get("rip");
    let rsp = get("rsp");
    let flags = Number(get("eflags"));
    let trap: number | undefined;
    if ((get("cs_selector") & 3n) === 0n) {
      trap = Number(rip - (SYSTEM + BigInt(HANDLERS))) >>> 4;
      const withError = [8, 10, 11, 12, 13, 14, 17].includes(trap) ? 8 : 0;
      const frame = new DataView(this.#core.memory.read(SYSTEM_PHYSICAL + Number(rsp - SYSTEM), 56).buffer);
      const error = withError ? Number(frame.getBigUint64(0, true)) : 0;
      rip = frame.getBigUint64(withError, true);
      flags = Number(frame.getBigUint64(withError + 16, true));
      rsp = frame.getBigUint64(withError + 24, true);
      if (v.sig !== undefined && trap === v.trap && error !== (v.err ?? 0))
        differences.push(`error code ${error.toString(16)}, expected ${(v.err ?? 0).toString(16)}`);
      if (trap === 14 && v.trap === 14 && get("cr2") !== parse(v.cr2 ?? "0"))
        differences.push(`CR2 ${show(get("cr2"))}, expected ${v.cr2}`);
    }
    const wanted = v.sig === undefined ? undefined : v.trap;
    if (trap !== wanted)
      return [
        `${trap === undefined ? "no exception" : exceptionName(trap)}, expected ${wanted === undefined ? "none" : exceptionName(wanted)}`,
      ];
    REGISTERS.forEach((name, n) => {
      const want = parse(v.R[n] ?? (v.r[n] as string));
      const got = name === "rsp" ? rsp : get(name);
      if (got !== want) differences.push(`${name} ${show(got)}, expected ${show(want)}`);
    });
    const mask = ARITHMETIC & ~v.u;
    if ((flags & mask) !== (v.F & mask)) differences.push(`flags ${flagNames(flags & mask)}, expected ${flagNames(v.F & mask)}`);
    if (rip !== parse(v.e)) differences.push(`RIP ${show(rip)}, expected ${v.e}`);
    if (v.x) {
      const got = this.#saveFpu();
      const want = hex(v.X ?? v.x);
      for (const image of [got, want]) image.fill(0, 6, 24);
      forgiveApproximation(v.c, got, want);
      for (let n = 0; n < IMAGE_BYTES; n++)
        if (got[n] !== want[n]) {
          const at = n < 28 ? 0 : 28 + ((n - 28) & ~15);
          const name = n < 28 ? "FPU header" : n < XMM_AT ? `ST${(n - 28) >> 4}` : `XMM${(n - XMM_AT) >> 4}`;
          const end = n < 28 ? 28 : at + 16;
          differences.push(`${name} ${text(got.subarray(at, end))}, expected ${text(want.subarray(at, end))}`);
          n = end - 1;
        }
    }
    AREAS.forEach((area, n) => {
      if (!area.pattern) return;
      const got = this.#core.memory.read(area.physical, area.bytes);
      const want = expected[n] as Uint8Array;
      const at = got.findIndex((byte, k) => byte !== want[k]);
      if (at >= 0)
        differences.push(
          `memory ${show(area.linear + BigInt(at))}: ${text(got.subarray(at, at + 16))}, expected ${text(want.subarray(at, at + 16))}`,
        );
    });
    return differences;
  }
}

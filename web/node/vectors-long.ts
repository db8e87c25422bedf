/**
 * Runs vectors of 64-bit code (docs/vectors.md, "64-bit vectors"; recorded by tests/cpu/recorder/record64.c): 64-bit user mode
 * under 4-level paging, a code area and two data areas, every exception through a 64-bit IDT to ring 0.
 */
import { type Accel, type CoreHost, CPU_MODELS } from "../machine/core-host";
import { type AnyVector, type Area, RecordedMachine, vectorCore, wide } from "./vector-machine";

/** One recorded vector; numbers of 64 bits are hexadecimal text. */
export interface LongVector extends AnyVector {
  readonly l: 1;
  readonly r: readonly string[];
  readonly p: readonly [string, string];
  readonly R: Readonly<Record<string, string>>;
  readonly e: string;
  readonly M?: readonly (readonly [string, string])[];
  readonly cr2?: string;
}

const REGISTERS = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
const START = 0x10008000n;
const FS_BASE = 0x1fffe000n;
const GS_BASE = 0x1ffff000n;
const AREAS: readonly Area[] = [
  { linear: 0x10000000n, physical: 0x100000, bytes: 0x10000, pattern: false, executable: true },
  { linear: 0x20000000n, physical: 0x120000, bytes: 0x2000, pattern: true, executable: false },
  { linear: 0x7e0012340000n, physical: 0x122000, bytes: 0x2000, pattern: true, executable: false },
];
/** GDT, IDT, TSS, handlers and stack: supervisor pages in the upper half. */
const SYSTEM = 0xffff_8000_0000_0000n;
const SYSTEM_PHYSICAL = 0x20000;
const TABLES = 0x1000;
const IDT = 0x1000;
const TSS = 0x2000;
/** One HLT a vector, 16 bytes apart. */
const HANDLERS = 0x3000;
const STACK = 0x5000;
const USER_CODE = 0x33n;

/** A core set up as the recording process was. */
export class LongVectorMachine extends RecordedMachine<LongVector> {
  private constructor(core: CoreHost) {
    super(core, {
      bits: 64,
      registers: REGISTERS,
      areas: AREAS,
      start: START,
      handlers: SYSTEM + BigInt(HANDLERS),
      stackAt: (linear) => SYSTEM_PHYSICAL + Number(linear - BigInt.asUintN(64, SYSTEM)),
    });
    this.#prepare();
  }

  static async create(wasm: BufferSource | WebAssembly.Module, accel: Accel = "interp"): Promise<LongVectorMachine> {
    return new LongVectorMachine(await vectorCore(wasm, CPU_MODELS.indexOf("max"), accel));
  }

  protected end(v: LongVector): bigint {
    return wide(v.e);
  }

  #u64(address: number, ...values: bigint[]): void {
    this.core.memory.write(address, new Uint8Array(BigUint64Array.from(values).buffer));
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
      this.core.memory.write(SYSTEM_PHYSICAL + HANDLERS + vector * 16, Uint8Array.of(0xf4));
    }
    this.core.memory.write(SYSTEM_PHYSICAL + TSS + 4, new Uint8Array(BigUint64Array.of(SYSTEM + BigInt(STACK + 0xff0)).buffer));
    // No I/O permission map: it would begin at the limit.
    this.core.memory.write(SYSTEM_PHYSICAL + TSS + 0x66, Uint8Array.of(0x68, 0));
  }

  protected enter(v: LongVector): void {
    const registers: Record<string, bigint> = {
      rip: START,
      eflags: BigInt((v.f & ~0x100) | 0x202),
      cr0: 0x80040033n,
      cr2: 0n,
      cr3: BigInt(TABLES),
      cr4: 0x110630n,
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
      registers[name] = wide(v.r[n]!);
    });
    const segment = (name: string, selector: bigint, base: bigint, limit: bigint, attributes: bigint): void => {
      registers[`${name}_selector`] = selector;
      registers[`${name}_base`] = base;
      registers[`${name}_limit`] = limit;
      registers[`${name}_attributes`] = attributes;
    };
    segment("cs", USER_CODE, 0n, 0xffffffffn, 0xafbn);
    segment("ss", 0x2bn, 0n, 0xffffffffn, 0xcf3n);
    for (const name of ["ds", "es"]) segment(name, 0n, 0n, 0n, 0x1000n);
    segment("fs", 0n, FS_BASE, 0n, 0x1000n);
    segment("gs", 0n, GS_BASE, 0n, 0x1000n);
    this.core.setRegisters(registers);
  }
}

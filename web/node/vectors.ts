/**
 * Runs single-instruction vectors recorded from real CPUs (docs/vectors.md) on the core: 32-bit user mode, flat
 * segments, three data areas behind page tables, every exception through an IDT to ring 0. One vector a line of JSON.
 */
import type { Accel, CoreHost } from "../machine/core-host";
import { CPU_MODELS } from "../machine/core-host";
import { type AnyVector, type Area, RecordedMachine, vectorCore } from "./vector-machine";

/** One recorded vector; keys as in the files. */
export interface Vector extends AnyVector {
  readonly r: readonly number[];
  readonly p: readonly [number, string];
  readonly R: Readonly<Record<string, number>>;
  readonly e: number;
  readonly M?: readonly (readonly [number, string])[];
  readonly cr2?: number;
}

const REGISTERS = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"] as const;
const CODE = 0x10008000;
/** Linear areas of the recording machine, and where they lie in our guest-physical memory. */
const AREAS: readonly Area[] = [
  { linear: 0x10000000n, physical: 0x100000, bytes: 0x10000, pattern: false, executable: true },
  { linear: 0x20000000n, physical: 0x120000, bytes: 0x2000, pattern: true, executable: false },
  { linear: 0x00002000n, physical: 0x122000, bytes: 0x2000, pattern: true, executable: false },
];
const SYSTEM = 0xf7a00000; // GDT, IDT, TSS, stack and handlers: supervisor pages
const SYSTEM_PHYSICAL = 0x8000;
const PAGE_TABLES = 0x1000; // up to SYSTEM_PHYSICAL
const NO_EXECUTE = 0x80000000; // bit 63 of a page-table entry
const HANDLERS = 0x3000; // offset in SYSTEM: one HLT per vector, 16 bytes apart
const KERNEL_STACK = 0x5000;
const TSS = 0x2000;
const IDT = 0x1000;

/** A core set up as the recording process was. */
export class VectorMachine extends RecordedMachine<Vector> {
  /** The four PDPTEs. */
  readonly #directories = [0, 0, 0, 0];

  private constructor(core: CoreHost) {
    super(core, {
      bits: 32,
      registers: REGISTERS,
      areas: AREAS,
      start: BigInt(CODE),
      handlers: BigInt(SYSTEM + HANDLERS),
      stackAt: (linear) => SYSTEM_PHYSICAL + Number(linear) - SYSTEM,
    });
    this.#prepare();
  }

  static async create(wasm: BufferSource | WebAssembly.Module, accel: Accel = "interp"): Promise<VectorMachine> {
    return new VectorMachine(await vectorCore(wasm, CPU_MODELS.indexOf("max"), accel));
  }

  protected end(v: Vector): bigint {
    return BigInt((CODE + v.e) >>> 0);
  }

  #u32(address: number, ...values: number[]): void {
    this.core.memory.write(address, new Uint8Array(Uint32Array.from(values).buffer));
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
      for (let at = 0; at < area.bytes; at += 0x1000) map(Number(area.linear) + at, area.physical + at, 0x67, area.executable);
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
      this.core.memory.write(SYSTEM_PHYSICAL + HANDLERS + vector * 16, Uint8Array.of(0xf4));
    }
    this.#u32(SYSTEM_PHYSICAL + TSS + 4, SYSTEM + KERNEL_STACK + 0xff0, 0x10);
    // No I/O permission map: it would begin at the limit.
    this.#u32(SYSTEM_PHYSICAL + TSS + 0x64, 0x680000);
  }

  protected enter(v: Vector): void {
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
    const state = new DataView(this.core.buffer);
    const pdpte = this.core.stateOffset("pdpte");
    this.#directories.forEach((entry, n) => {
      state.setBigUint64(pdpte + 8 * n, BigInt(entry), true);
    });
    this.core.setRegisters(registers);
  }
}

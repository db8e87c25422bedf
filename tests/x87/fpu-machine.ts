/** The core in flat 32-bit protected mode at CPL 0 without paging, one x87 instruction at a time. */
import type { CoreHost } from "../../web/machine/core-host";
import { createCore } from "../tools/core";

/** An 80-bit value: sign and exponent, significand. */
export interface Extended {
  readonly head: number;
  readonly significand: bigint;
}

const CODE = 0x10000;
const IDT = 0x1000;
const GDT = 0x2000;
const HANDLERS = 0x3000;
const STACK = 0x8000;
export const DATA = 0x20000;

export class FpuMachine {
  readonly core: CoreHost;

  private constructor(core: CoreHost) {
    this.core = core;
  }
  /** `cpuModel`: index into CPU_MODELS. */
  static async create(cpuModel = 3): Promise<FpuMachine> {
    const machine = new FpuMachine(await createCore({ cpuModel }));
    machine.reset();
    return machine;
  }

  /** CR0.NE = 1, FNINIT's state, every exception halting in its handler. */
  reset(): void {
    const { core } = this;
    const words = (address: number, ...values: number[]): void =>
      core.memory.write(address, new Uint8Array(Uint32Array.from(values).buffer));
    words(GDT, 0, 0, 0xffff, 0x00cf9b00, 0xffff, 0x00cf9300);
    for (let vector = 0; vector < 256; vector++) {
      words(IDT + vector * 8, 0x00080000 | (HANDLERS + vector * 4), 0x8e00);
      core.memory.write(HANDLERS + vector * 4, Uint8Array.of(0xf4));
    }
    const state: Record<string, bigint> = {
      cr0: 0x31n,
      cr4: 0x600n,
      eflags: 2n,
      cpl: 0n,
      halted: 0n,
      rsp: BigInt(STACK),
      gdtr_base: BigInt(GDT),
      gdtr_limit: 0x17n,
      idtr_base: BigInt(IDT),
      idtr_limit: 0x7ffn,
      fpuControl: 0x37fn,
      fpuStatus: 0n,
      fpuTag: 0xffffn,
      fpuIp: 0n,
      fpuDp: 0n,
      fpuCs: 0n,
      fpuDs: 0n,
      fpuOpcode: 0n,
      ferr: 0n,
      ignne: 0n,
    };
    for (const [name, selector, attributes] of [
      ["cs", 8, 0xc9b],
      ["ds", 16, 0xc93],
      ["es", 16, 0xc93],
      ["ss", 16, 0xc93],
    ] as const) {
      state[`${name}_selector`] = BigInt(selector);
      state[`${name}_base`] = 0n;
      state[`${name}_limit`] = 0xffffffffn;
      state[`${name}_attributes`] = BigInt(attributes);
    }
    core.setRegisters(state);
  }

  /** Runs code from CODE for `count` instructions; the vector it trapped to, or undefined. */
  run(code: string, count = 1): number | undefined {
    const bytes = Uint8Array.from(code.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));
    this.core.memory.write(CODE, bytes);
    this.core.setRegisters({ rip: BigInt(CODE) });
    this.core.step(count);
    const rip = Number(this.core.getRegister("rip"));
    return rip >= HANDLERS && rip < HANDLERS + 0x400 ? (rip - HANDLERS) >> 2 : undefined;
  }

  get(name: string): number {
    return Number(this.core.getRegister(name));
  }
  set(values: Record<string, number>): void {
    this.core.setRegisters(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, BigInt(value)])));
  }
  #register(n: number): DataView {
    const physical = (((this.get("fpuStatus") >> 11) & 7) + n) & 7;
    return new DataView(this.core.buffer, this.core.stateOffset("st") + physical * 16, 16);
  }
  /** ST(n). */
  read(n: number): Extended {
    const view = this.#register(n);
    return { head: view.getUint16(8, true), significand: view.getBigUint64(0, true) };
  }
  /** Makes the given values ST(0), ST(1), … and all other registers empty. */
  load(control: number, ...values: Extended[]): void {
    let tag = 0xffff;
    this.set({ fpuControl: control, fpuStatus: 0 });
    values.forEach((value, n) => {
      const view = this.#register(n);
      view.setBigUint64(0, value.significand, true);
      view.setUint16(8, value.head, true);
      tag &= ~(3 << (n * 2));
    });
    this.set({ fpuTag: tag });
  }
  readBytes(address: number, length: number): Uint8Array {
    return this.core.memory.read(address, length);
  }

  hasSse3(): boolean {
    this.set({ rax: 1, rcx: 0 });
    this.run("0f a2");
    return (this.get("rcx") & 1) !== 0;
  }
}

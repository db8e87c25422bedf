/** The core in flat protected mode at CPL 0 with OSFXSR and OSXMMEXCPT, XMM registers at hand. */
import { FpuMachine } from "../x87/fpu-machine";

/** Every exception masked, rounding to nearest. */
export const MXCSR_DEFAULT = 0x1f80;

export class SimdMachine {
  readonly fpu: FpuMachine;

  private constructor(fpu: FpuMachine) {
    this.fpu = fpu;
  }
  static async create(): Promise<SimdMachine> {
    const machine = new SimdMachine(await FpuMachine.create(4));
    machine.mxcsr = MXCSR_DEFAULT;
    return machine;
  }

  get mxcsr(): number {
    return this.fpu.get("mxcsr");
  }
  set mxcsr(value: number) {
    this.fpu.set({ mxcsr: value });
  }
  /** A view of XMM register n; valid until the core's memory grows, so not to be kept. */
  xmm(n: number): DataView {
    return new DataView(this.fpu.core.buffer, this.fpu.core.stateOffset("xmm") + n * 16, 16);
  }
  setXmm(n: number, bytes: Uint8Array): void {
    const view = this.xmm(n);
    bytes.forEach((byte, k) => {
      view.setUint8(k, byte);
    });
  }
  getXmm(n: number): Uint8Array {
    const view = this.xmm(n);
    return new Uint8Array(view.buffer, view.byteOffset, 16).slice();
  }
  /** Hex bytes of code, run for `count` instructions; the vector it trapped to, or undefined. */
  run(code: string, count = 1): number | undefined {
    return this.fpu.run(code, count);
  }
}

/** Both backends on a case: each of its instructions by `Run` and, where it is staged, by `Emit`, from the same state and memory. */
import { CPU_STATE, CPU_STATE_BYTES } from "../../web/lib/cpu-state.generated";
import { type CoreHost, CPU_MODELS } from "../../web/machine/core-host";
import { createCore } from "../tools/core";
import { type FuzzCase, isVirtual8086, NO_EXECUTE, Place, type Regime, SELECTORS } from "./case";
import { pristineData } from "./image";

const DIRECTORY = 0x100000;
const TABLE = 0x101000;
const PAGES = 0x200000;
/** Bits of `cpu.stop` (asm/core/stop.ts). */
const FAULT = 1;
const LEAVE = 0x100;
const NAMES = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"] as const;

/** Bytes of every architectural field, the lazy flags as EFLAGS, and the pending trap; by name. */
function outcome(core: CoreHost): Map<string, string> {
  core.exports.materializeState!();
  const fields = new Map<string, string>();
  const state = core.exports.stateAddress!();
  for (const [name, place] of Object.entries(CPU_STATE)) {
    if (!place.saved && !name.startsWith("trap") && name !== "stop") continue;
    const bytes = { u8: 1, u16: 2, u32: 4, u64: 8, f80: 16, v128: 16 }[place.type] * place.count;
    if (place.offset + bytes <= CPU_STATE_BYTES) fields.set(name, Buffer.from(core.buffer, state + place.offset, bytes).toString("hex"));
  }
  return fields;
}

export class Backends {
  readonly #core: CoreHost;
  readonly #pristine = pristineData();
  /** Instructions that both backends have done. */
  compared = 0;

  private constructor(core: CoreHost) {
    this.#core = core;
  }

  static async create(): Promise<Backends> {
    return new Backends(await createCore({ cpuModel: CPU_MODELS.indexOf("max"), accel: "jit" }));
  }

  get #stop(): number {
    const core = this.#core;
    return new DataView(core.buffer).getUint32(core.exports.stateAddress!() + CPU_STATE.stop.offset, true);
  }

  /** The first difference as a sentence, or undefined. */
  run(regime: Regime, one: FuzzCase): string | undefined {
    const core = this.#core;
    const x = core.exports;
    this.#prepare(regime, one);
    for (const { bytes, text } of one.instructions) {
      const start = core.saveCpu();
      const memory = core.memory.read(PAGES, 0x10000);
      const code = Uint8Array.from(bytes.match(/../g)!, (byte) => Number.parseInt(byte, 16));
      new Uint8Array(core.buffer, x.toolBytesAddress!(), code.length).set(code);
      if (!x.decodeHere!(code.length)) return undefined;
      const staged = x.emitIsStaged!() !== 0;
      const insn = new Uint8Array(core.buffer, x.scratchAddress!(), 32).slice();
      x.emitBegin!();
      // 0: this mode is left to the interpreter.
      const index = staged && x.emitAdd!() !== 0 ? x.emitInstall!() : 0;
      new Uint8Array(core.buffer, x.scratchAddress!(), 32).set(insn);
      x.runOne!();
      const byRun = outcome(core);
      const memoryByRun = core.memory.read(PAGES, 0x10000);
      const faulted = (this.#stop & FAULT) !== 0;
      if (index !== 0) {
        const after = core.saveCpu();
        core.memory.write(PAGES, memory);
        core.loadCpu(start);
        x.emitRun!(index);
        if (this.#stop & LEAVE) {
          // Left to the interpreter, having done nothing.
          new Uint8Array(core.buffer, x.scratchAddress!(), 32).set(insn);
          x.runOne!();
        } else this.compared++;
        const byEmit = outcome(core);
        for (const [name, value] of byRun)
          if (byEmit.get(name) !== value) return `${text} (${bytes}): ${name} ${byEmit.get(name)} by Emit, ${value} by Run`;
        if (Buffer.compare(memoryByRun, core.memory.read(PAGES, 0x10000)) !== 0) return `${text} (${bytes}): memory differs`;
        core.loadCpu(after);
      }
      if (faulted) return undefined;
    }
    return undefined;
  }

  #prepare(regime: Regime, one: FuzzCase): void {
    const core = this.#core;
    const u32 = (address: number, ...values: number[]): void => core.memory.write(address, new Uint8Array(Uint32Array.from(values).buffer));
    core.memory.write(PAGES, new Uint8Array(0x10000));
    core.memory.write(PAGES + Place.data, this.#pristine);
    u32(DIRECTORY, TABLE | 7, 0);
    one.pages.forEach((value, n) => {
      const low = value & 1 ? (PAGES + n * 0x1000) | (value & 0xfff) : 0;
      if (regime.pae) u32(TABLE + n * 8, low, value & NO_EXECUTE ? 0x80000000 : 0);
      else u32(TABLE + n * 4, low);
    });
    const registers: Record<string, bigint> = {
      cr0: regime.wp ? 0x80010011n : 0x80000011n,
      cr3: BigInt(DIRECTORY),
      cr4: BigInt(0x10 | (regime.pae ? 0x20 : 0) | (regime.smep ? 0x100000 : 0) | (regime.smap ? 0x200000 : 0)),
      efer: regime.nxe ? 0x800n : 0n,
      cpl: BigInt(one.cpl),
      eip: BigInt(Place.code + one.offset),
      eflags: BigInt(one.eflags & ~0x100),
    };
    if (regime.pae) registers.pdpte = BigInt(DIRECTORY) | 1n;
    NAMES.forEach((name, n) => {
      registers[name] = BigInt(one.registers[n]! >>> 0);
    });
    const virtual = isVirtual8086(one);
    const user = one.cpl === 3;
    const segments = { es: one.segments[1]!, ds: one.segments[0]!, fs: one.segments[2]!, gs: one.segments[3]!, cs: -1, ss: -2 };
    for (const [name, selector] of Object.entries(segments)) {
      const code = selector === -1;
      const based = selector === SELECTORS.userBased ? 0x1f3n : selector === SELECTORS.kernelBased ? 0x40n : 0n;
      if (virtual) {
        registers[`${name}_selector`] = BigInt(Math.max(selector, 0));
        registers[`${name}_base`] = BigInt(Math.max(selector, 0) << 4);
        registers[`${name}_limit`] = 0xffffn;
        registers[`${name}_attributes`] = 0xf3n;
        continue;
      }
      registers[`${name}_selector`] = BigInt(
        code
          ? user
            ? SELECTORS.userCode
            : SELECTORS.kernelCode
          : selector === -2
            ? user
              ? SELECTORS.userData
              : SELECTORS.kernelData
            : selector,
      );
      registers[`${name}_base`] = based;
      registers[`${name}_limit`] = 0xffffffffn;
      registers[`${name}_attributes`] = BigInt((user ? 0x60 : 0) | (code ? (one.bits === 32 ? 0xc9b : 0x89b) : 0xc93));
    }
    core.setRegisters(registers);
  }
}

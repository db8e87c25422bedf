/**
 * #UD, in every CPU model and for every row: an encoding is undefined exactly where CPUID, asked by the guest, lacks its bit.
 * Where each feature has its bit is typed here once more, from SDM 2A "CPUID" and, for features without a bit, by family.
 */
import { describe, expect, it } from "vitest";
import { ROWS, type Row } from "../../asm/isa/index";
import { hasModrm, ignoresMod, parseOperand } from "../../asm/isa/operand";
import type { Feature } from "../../asm/isa/row";
import { type CoreHost, CPU_MODELS } from "../../web/machine/core-host";
import { createCore } from "../tools/core";
import { flatState } from "./run-image";

const CODE = 0x10000;
const DATA = 0x8000;
const GDT = 0x1000;
const IDT = 0x2000;
const HANDLERS = 0x3000;
const JUMP_TO_ITSELF = 0xfeeb;

type Leaf = "1.edx" | "1.ecx" | "7.ebx" | "x1.edx" | "x1.ecx";
/** A CPUID bit, or the first family (SDM "signature", extended family added) that has it. */
const CLAIMED: Readonly<Record<Feature, readonly [Leaf, number] | { readonly family: number }>> = {
  "486": { family: 4 },
  "586": { family: 5 },
  nopl: { family: 6 },
  cx8: ["1.edx", 8],
  cmov: ["1.edx", 15],
  fpu: ["1.edx", 0],
  fcmov: ["1.edx", 15],
  mmx: ["1.edx", 23],
  sse: ["1.edx", 25],
  mmxext: ["1.edx", 25],
  sse2: ["1.edx", 26],
  sse3: ["1.ecx", 0],
  ssse3: ["1.ecx", 9],
  sse4_1: ["1.ecx", 19],
  sse4_2: ["1.ecx", 20],
  aes: ["1.ecx", 25],
  pclmul: ["1.ecx", 1],
  popcnt: ["1.ecx", 23],
  movbe: ["1.ecx", 22],
  fxsr: ["1.edx", 24],
  clfsh: ["1.edx", 19],
  sep: ["1.edx", 11],
  tsc: ["1.edx", 4],
  msr: ["1.edx", 5],
  pse: ["1.edx", 3],
  monitor: ["1.ecx", 3],
  cx16: ["1.ecx", 13],
  xsave: ["1.ecx", 26],
  rdrand: ["1.ecx", 30],
  rdtscp: ["x1.edx", 27],
  syscall: ["x1.edx", 11],
  lm: ["x1.edx", 29],
  lahf64: ["x1.ecx", 0],
  prefetchw: ["x1.ecx", 8],
  fsgsbase: ["7.ebx", 0],
  invpcid: ["7.ebx", 10],
  smap: ["7.ebx", 20],
};
/** Undefined by name, or outside system-management mode. */
const ALWAYS_UNDEFINED: ReadonlySet<string> = new Set(["UD0", "UD1", "UD2", "RSM"]);

class Probe {
  readonly core: CoreHost;
  /** State before any instruction: not halted, nothing pending. */
  readonly #fresh: Uint8Array;

  private constructor(core: CoreHost) {
    this.core = core;
    this.#fresh = core.saveCpu();
  }
  static async create(model: (typeof CPU_MODELS)[number]): Promise<Probe> {
    const core = await createCore({ ramBytes: 1 << 20, cpuModel: CPU_MODELS.indexOf(model) });
    const put = (address: number, ...values: number[]): void => core.memory.write(address, new Uint8Array(Uint32Array.from(values).buffer));
    put(GDT, 0, 0, 0xffff, 0x00cf9b00, 0xffff, 0x00cf9300);
    for (let vector = 0; vector < 64; vector++) put(IDT + vector * 8, (8 << 16) | (HANDLERS + vector * 16), 0x8e00);
    for (let vector = 0; vector < 64; vector++) put(HANDLERS + vector * 16, JUMP_TO_ITSELF);
    return new Probe(core);
  }
  #start(bytes: readonly number[], more: Readonly<Record<string, bigint>>): void {
    this.core.memory.write(CODE, Uint8Array.from([...bytes, ...new Array<number>(16).fill(0)]));
    this.core.loadCpu(this.#fresh);
    this.core.setRegisters({
      ...flatState(CODE),
      rsp: 0x20000n,
      gdtr_base: BigInt(GDT),
      gdtr_limit: 0x17n,
      idtr_base: BigInt(IDT),
      idtr_limit: 0x1ffn,
      ...more,
    });
  }
  cpuid(leaf: number): readonly number[] {
    this.#start([0x0f, 0xa2], { rax: BigInt(leaf) });
    this.core.run(this.core.ticks + 1);
    return ["rax", "rbx", "rcx", "rdx"].map((name) => Number(this.core.getRegister(name)));
  }
  /** Does it raise #UD? CR4.OSFXSR, CR4.OSXSAVE and EFER.SCE are set by `state` as the operating system of such a processor would. */
  undefined(bytes: readonly number[], state: Readonly<Record<string, bigint>>): boolean {
    this.#start(bytes, state);
    this.core.run(this.core.ticks + 2);
    return this.core.getRegister("rip") === BigInt(HANDLERS + 6 * 16);
  }
}

/** The row's encodings: with a memory operand at DATA, with a register. */
function encodings(row: Row): number[][] {
  const prefix = row.prefix === undefined || row.prefix === "none" ? [] : [Number.parseInt(row.prefix, 16)];
  const head = [...prefix, ...[[], [], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]][row.map]!, row.opcode];
  if (!hasModrm(row)) return [head];
  const reg = (row.reg ?? 0) << 3;
  const memory = [...head, 0x05 | reg, DATA & 0xff, DATA >> 8, 0, 0];
  const register = [...head, 0xc0 | reg | (row.rm ?? 1)];
  if (row.rm !== undefined || ignoresMod(row)) return [register];
  const methods = row.operands.map((operand) => parseOperand(operand).method);
  const noMemory = row.mod === "reg" || methods.some((method) => ["N", "R", "U", "stack"].includes(method));
  const noRegister = row.mod === "mem" || methods.includes("M");
  return [...(noMemory ? [] : [memory]), ...(noRegister ? [] : [register])];
}

describe.each(CPU_MODELS)("model %s", (model) => {
  it("has #UD exactly where its CPUID lacks the feature", async () => {
    const probe = await Probe.create(model);
    const [signature, , ecx, edx] = probe.cpuid(1) as [number, number, number, number];
    const extended = probe.cpuid(0x80000000)[0]! >= 0x80000001 ? probe.cpuid(0x80000001) : [0, 0, 0, 0];
    const words: Readonly<Record<Leaf, number>> = {
      "1.edx": edx,
      "1.ecx": ecx,
      "7.ebx": probe.cpuid(0)[0]! >= 7 ? probe.cpuid(7)[1]! : 0,
      "x1.edx": extended[3]!,
      "x1.ecx": extended[2]!,
    };
    const family = ((signature >> 8) & 15) + ((signature >> 20) & 255);
    const has = (feature: Feature): boolean => {
      const claim = CLAIMED[feature];
      return "family" in claim ? family >= claim.family : ((words[claim[0]] >>> claim[1]) & 1) === 1;
    };
    const cr4 = (has("fxsr") ? 0x600n : 0n) | (has("xsave") ? 0x40000n : 0n);
    const efer = has("lm") ? 1n : 0n;
    const wrong: string[] = [];
    let tried = 0;
    for (const row of ROWS) {
      if (row.o64) continue;
      const absent = ALWAYS_UNDEFINED.has(row.mnemonic) || (row.feature !== undefined && !has(row.feature));
      for (const bytes of encodings(row)) {
        tried++;
        if (probe.undefined(bytes, { cr4, efer }) !== absent)
          wrong.push(`${row.mnemonic} ${Buffer.from(bytes).toString("hex")}: ${absent ? "no " : ""}#UD, feature ${row.feature ?? "none"}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(1200);
  });
});

/** CPUID and what it promises: every model's features decode and its control bits can be set, and no others. */
import { describe, expect, it } from "vitest";
import { FEATURES } from "../../asm/toolchain/features";
import { processorIdentity } from "../../web/machine/apic";
import { CPU_MODELS } from "../../web/machine/core-host";
import { createCore } from "../tools/core";
import { program } from "./flat-program";

type Model = (typeof CPU_MODELS)[number];

async function cpuid(model: Model, leaf: number, subleaf = 0): Promise<[number, number, number, number]> {
  const { core, register } = await program(`mov eax, ${leaf}\nmov ecx, ${subleaf}\ncpuid\nhlt`, {}, model);
  core.run(100);
  return [register("eax"), register("ebx"), register("ecx"), register("edx")];
}

/** Instruction, the feature name in the decoder's list, and its CPUID bit: register (0 leaf 1 EDX, 1 leaf 1 ECX, 2 80000001 EDX, 3 leaf 7 EBX) and number. */
const PROBES: readonly [code: string, feature: string, register: 0 | 1 | 2 | 3, bit: number][] = [
  ["rdtsc", "tsc", 0, 4],
  ["mov ecx, 0x10\nrdmsr", "msr", 0, 5],
  ["cmpxchg8b [0x8000]", "cx8", 0, 8],
  ["cmovz eax, ecx", "cmov", 0, 15],
  ["fldz\nfcmovb st0, st1", "fcmov", 0, 15],
  ["clflush [0x8000]", "clfsh", 0, 19],
  ["paddb mm0, mm1", "mmx", 0, 23],
  ["fxsave [0x8000]", "fxsr", 0, 24],
  ["xorps xmm0, xmm1", "sse", 0, 25],
  ["pxor xmm0, xmm1", "sse2", 0, 26],
  ["popcnt eax, ecx", "popcnt", 1, 23],
  ["movbe eax, [0x8000]", "movbe", 1, 22],
  ["rdtscp", "rdtscp", 2, 27],
  ["clac", "smap", 3, 20],
  ["fninit", "fpu", 0, 0],
];

describe.each(CPU_MODELS)("model %s", (model) => {
  it("executes exactly what CPUID claims", async () => {
    const [lastLeaf] = await cpuid(model, 0);
    const one = await cpuid(model, 1);
    const extended = await cpuid(model, 0x80000001);
    const hasExtended = (await cpuid(model, 0x80000000))[0] >= 0x80000001;
    const seven = lastLeaf >= 7 ? await cpuid(model, 7) : [0, 0, 0, 0];
    const words = [one[3], one[2], hasExtended ? extended[3] : 0, seven[1] as number];
    const cr4 = model === "486" ? 0 : words[0]! & (1 << 24) ? 0x200 : 0;
    for (const [code, feature, register, bit] of PROBES) {
      const { core } = await program(`mov eax, ${cr4}\nmov cr4, eax\nxor eax, eax\n${code}\nhlt\nvector6: mov ebx, 0x6666\nhlt`, {}, model);
      core.run(100);
      const undefinedHere = core.getRegister("ebx") === 0x6666n;
      expect(undefinedHere, `${feature}: ${code}`).toBe(((words[register]! >>> bit) & 1) === 0);
      expect(core.stats().unimplemented, feature).toEqual([]);
    }
  });

  it("has its signature in EDX after reset", async () => {
    const core = await createCore({ cpuModel: CPU_MODELS.indexOf(model) });
    core.reset();
    expect(Number(core.getRegister("edx"))).toBe((await cpuid(model, 1))[0]);
  });

  it("lets exactly the CR4 bits be set that go with its features", async () => {
    const [, , , edx] = await cpuid(model, 1);
    const claimed: readonly (readonly [cr4: number, cpuidBit: number])[] = [
      [0, 1],
      [1, 1],
      [2, 4],
      [3, 2],
      [4, 3],
      [5, 6],
      [6, 7],
      [7, 13],
      [9, 24],
      [10, 25],
    ];
    for (const [bit, feature] of claimed) {
      const { core } = await program(`mov eax, ${2 ** bit}\nmov cr4, eax\nhlt\nvector13: mov ebx, 0xdddd\nhlt`, {}, model);
      core.run(100);
      expect(core.getRegister("ebx") === 0xddddn, `CR4 bit ${bit}`).toBe(((edx >>> feature) & 1) === 0);
    }
  });

  it("has a local APIC from the P6 on, while IA32_APIC_BASE enables it", async () => {
    const claimed = model !== "486" && model !== "pentium";
    expect(((await cpuid(model, 1))[3] >>> 9) & 1).toBe(claimed ? 1 : 0);
    const { core, register } = await program(
      "mov ecx, 0x1b\nrdmsr\nhlt\nvector13: mov ebx, 0xdddd\nhlt\nvector6: mov ebx, 0xdddd\nhlt",
      {},
      model,
    );
    core.run(100);
    expect(register("ebx") === 0xdddd).toBe(!claimed);
    if (!claimed) return;
    expect(register("eax")).toBe(0xfee00900);
    const off = await program("mov ecx, 0x1b\nmov eax, 0xfee00100\nxor edx, edx\nwrmsr\nmov eax, 1\ncpuid\nhlt", {}, model);
    off.core.run(100);
    expect((off.register("edx") >>> 9) & 1).toBe(0);
    expect(processorIdentity(model)?.signature).toBe((await cpuid(model, 1))[0]);
  });

  it("has machine-check registers without banks", async () => {
    const edx = (await cpuid(model, 1))[3];
    if (!(edx & (1 << 14))) return;
    const { core, register } = await program("mov ecx, 0x179\nrdmsr\nhlt\nvector13: mov ebx, 0xdddd\nhlt", {}, model);
    core.run(100);
    expect([register("eax"), register("edx"), register("ebx")]).toEqual([0, 0, 0]);
  });
});

describe("CPUID", () => {
  it("names the vendor, and the brand where it has one", async () => {
    const text = (...values: number[]): string => Buffer.from(Uint32Array.from(values).buffer).toString("latin1");
    const [, ebx, ecx, edx] = await cpuid("pentium4", 0);
    expect(text(ebx, edx, ecx)).toBe("GenuineIntel");
    const brand = [
      ...(await cpuid("pentium4", 0x80000002)),
      ...(await cpuid("pentium4", 0x80000003)),
      ...(await cpuid("pentium4", 0x80000004)),
    ];
    expect(text(...brand).replace(/\0+$/, "")).toBe("Vitrine virtual CPU, Pentium 4 class");
  });

  it("answers an unknown leaf as the last basic one", async () => {
    expect(await cpuid("pentium3", 0x80000000)).toEqual(await cpuid("pentium3", 2));
    expect(await cpuid("pentium4", 0x1234)).toEqual(await cpuid("pentium4", 2));
  });

  it("claims NX only where EFER.NXE can be set", async () => {
    for (const model of ["pentium3", "pentium4", "max"] as const) {
      const { core } = await program(
        "mov ecx, 0xc0000080\nmov eax, 0x800\nxor edx, edx\nwrmsr\nhlt\nvector13: mov ebx, 0xdddd\nhlt",
        {},
        model,
      );
      core.run(100);
      const nx = model === "pentium3" ? 0 : ((await cpuid(model, 0x80000001))[3] >>> 20) & 1;
      expect(core.getRegister("efer")).toBe(nx ? 0x800n : 0n);
    }
  });

  it("hides NX when IA32_MISC_ENABLE disables it", async () => {
    const { core, register } = await program("mov ecx, 0x1a0\nrdmsr\nor edx, 4\nwrmsr\nmov eax, 0x80000001\ncpuid\nhlt");
    core.run(100);
    expect((register("edx") >>> 20) & 1).toBe(0);
  });
});

it("the decoder's feature numbers are those of the model table", async () => {
  const source = await import("node:fs").then((fs) => fs.readFileSync(new URL("../../asm/vmm/cpu-model.ts", import.meta.url), "utf8"));
  const block = /export namespace FeatureBit \{([^}]*)\}/.exec(source)![1]!;
  for (const [, name, value] of block.matchAll(/export const (\w+): u64 = (\d+);/g)) {
    expect(FEATURES[Number(value)], name).toBe(name!.toLowerCase().replace(/^i(\d86)$/, "$1"));
  }
});

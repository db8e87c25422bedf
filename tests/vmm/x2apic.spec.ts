/** x2APIC mode: the transitions of IA32_APIC_BASE, and which MSRs from 800h on exist, with which bits. SDM 3A "Extended XAPIC (x2APIC)". */
import { expect, it } from "vitest";
import type { CPU_MODELS } from "../../web/machine/core-host";
import { program } from "./flat-program";

const ANSWERS = 0x3000;
const BASE = 0xfee00000;
const [DISABLED, XAPIC, EXTENDED_ALONE, X2APIC] = [BASE, BASE | 0x800, BASE | 0x400, BASE | 0xc00];

type Step = { readonly msr: number; readonly value?: bigint };
const read = (msr: number): Step => ({ msr });
const write = (msr: number, value: number | bigint): Step => ({ msr, value: BigInt.asUintN(64, BigInt(value)) });
const mode = (value: number): Step => write(0x1b, value >>> 0);

/** Which steps are #GP(0), and what reached the APIC. */
async function run(steps: readonly Step[], model: (typeof CPU_MODELS)[number] = "max") {
  const writes: [number, bigint][] = [];
  const code = steps.map(({ msr, value }, n) => {
    const operands = value === undefined ? "rdmsr" : `mov eax, ${value & 0xffffffffn}\nmov edx, ${value >> 32n}\nwrmsr`;
    return `xor ebx, ebx\nmov ecx, ${msr}\n${operands}\nmov [${ANSWERS + 4 * n}], ebx`;
  });
  const { core, u32 } = await program(
    `${code.join("\n")}\nhlt\nvector13: pop ebx\nadd dword [esp], 2\nmov ebx, 1\niret`,
    { readLocalApic: (register) => BigInt(register), writeLocalApic: (register, value) => writes.push([register, value]) },
    model,
  );
  core.run(10_000);
  expect(core.getRegister("halted")).toBe(1n);
  return { faults: steps.map((_, n) => u32(ANSWERS + 4 * n) === 1), writes, core };
}

it.each<[string, number[], boolean]>([
  ["from xAPIC", [X2APIC], false],
  ["back by way of disabled", [X2APIC, DISABLED, XAPIC], false],
  ["and again", [X2APIC, DISABLED, XAPIC, X2APIC], false],
  ["the same once more", [X2APIC, X2APIC], false],
  ["back directly", [X2APIC, XAPIC], true],
  ["from disabled", [DISABLED, X2APIC], true],
  ["extended without enabled", [EXTENDED_ALONE], true],
  ["extended alone from x2APIC", [X2APIC, EXTENDED_ALONE], true],
])("x2APIC mode: %s", async (_, steps, fault) => {
  const { faults } = await run(steps.map(mode));
  expect(faults).toEqual(steps.map((__, n) => fault && n === steps.length - 1));
});

it("its registers are MSRs in that mode alone, and only on models that have it", async () => {
  expect((await run([read(0x802), mode(X2APIC), read(0x802), mode(DISABLED), read(0x802)])).faults).toEqual([
    true,
    false,
    false,
    false,
    true,
  ]);
  expect((await run([mode(X2APIC), read(0x802)], "pentium4")).faults).toEqual([true, true]);
});

it("reads what can be read and nothing else", async () => {
  const readable = [0x02, 0x03, 0x08, 0x0a, 0x0d, 0x0f, 0x28, 0x30, 0x38, 0x39, 0x3e];
  for (let n = 0; n < 24; n++) readable.push(0x10 + n);
  for (let n = 0x32; n <= 0x37; n++) readable.push(n);
  const all = Array.from({ length: 256 }, (_, n) => n);
  const { faults } = await run([mode(X2APIC), ...all.map((register) => read(0x800 + register))]);
  expect(all.filter((n) => !faults[n + 1])).toEqual(readable.sort((a, b) => a - b));
});

it("writes what can be written, in their own bits; the command register is 64 bits wide", async () => {
  const writable = [0x08, 0x0b, 0x0f, 0x28, 0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3e, 0x3f];
  const all = Array.from({ length: 256 }, (_, n) => n);
  const zeros = await run([mode(X2APIC), ...all.map((register) => write(0x800 + register, 0))]);
  expect(all.filter((n) => !zeros.faults[n + 1])).toEqual(writable);
  expect(zeros.writes.map(([register]) => register)).toEqual(writable);
  const reserved = writable.map((register) => write(0x800 + register, register === 0x30 ? 0x1000 : 1n << 32n));
  expect((await run([mode(X2APIC), ...reserved])).faults.slice(1)).toEqual(writable.map(() => true));
  const some = [
    write(0x80b, 1),
    write(0x828, 1),
    write(0x808, 0x100),
    write(0x83e, 4),
    write(0x83f, 0x100),
    write(0x830, 0xffffffff_000400f0n),
  ];
  const { faults, writes } = await run([mode(X2APIC), ...some]);
  expect(faults).toEqual([false, true, true, true, true, true, false]);
  expect(writes).toEqual([[0x30, 0xffffffff_000400f0n]]);
});

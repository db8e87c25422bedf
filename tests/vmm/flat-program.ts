/** A few instructions in flat 32-bit protected mode at CPL 0, with an IDT whose handlers stand where a test puts them. */
import { assemble } from "../../web/assembler/assemble";
import { describeError } from "../../web/assembler/source-error";
import type { CoreCallbacks } from "../../web/machine/core";
import { type CoreHost, CPU_MODELS } from "../../web/machine/core-host";
import type { JitLimits } from "../../web/machine/jit-host";
import { createCore } from "../tools/core";
import { flatState } from "./run-image";

export const START = 0x10000;
export const STACK = 0x20000;
const GDT = 0x1000;
const IDT = 0x2000;

export interface Program {
  readonly core: CoreHost;
  readonly label: (name: string) => number;
  readonly register: (name: string) => number;
  /** EIP as a label's name, where one is there. */
  readonly at: () => string;
  readonly u32: (address: number) => number;
}

/**
 * Assembles `code` at START; labels `vectorN` become interrupt gates. Extra labels are free. The stack is at STACK.
 * With `jitLimits` hot code is translated.
 */
export async function program(
  code: string,
  callbacks: Partial<CoreCallbacks> = {},
  model: (typeof CPU_MODELS)[number] = "pentium4",
  jitLimits?: JitLimits,
): Promise<Program> {
  const { bytes, errors, labels } = assemble(`bits 32\norg ${START}\n${code}`, { bits: 32, org: START });
  if (errors.length > 0) throw new Error(errors.map(describeError).join("\n"));
  const translated = jitLimits ? { accel: "jit" as const, jitLimits } : {};
  const core = await createCore({ ramBytes: 1 << 20, cpuModel: CPU_MODELS.indexOf(model), ...translated }, callbacks);
  core.memory.write(START, bytes);
  const put = (address: number, ...values: number[]): void => core.memory.write(address, new Uint8Array(Uint32Array.from(values).buffer));
  put(GDT, 0, 0, 0xffff, 0x00cf9b00, 0xffff, 0x00cf9300, 0xffff, 0x00cffb00, 0xffff, 0x00cff300);
  for (const [name, address] of labels) {
    const vector = /^vector(\d+)$/.exec(name);
    if (vector) put(IDT + Number(vector[1]) * 8, (8 << 16) | (address & 0xffff), (address & 0xffff0000) | 0x8e00);
  }
  core.setRegisters({
    ...flatState(START),
    rsp: BigInt(STACK),
    gdtr_base: BigInt(GDT),
    gdtr_limit: 0x27n,
    idtr_base: BigInt(IDT),
    idtr_limit: 0x7ffn,
  });
  const label = (name: string): number => {
    const address = labels.get(name);
    if (address === undefined) throw new Error(`no label ${name}`);
    return address;
  };
  const register = (name: string): number => Number(core.getRegister(name) & 0xffffffffn);
  const at = (): string => [...labels].find(([, address]) => address === register("eip"))?.[0] ?? register("eip").toString(16);
  const u32 = (address: number): number => new DataView(core.memory.read(address, 4).buffer).getUint32(0, true);
  return { core, label, register, at, u32 };
}

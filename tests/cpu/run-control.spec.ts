/** Breakpoints, watchpoints and stops on exits end `run()` at exactly the right instruction (asm/core/debug.ts). */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { ExitReason } from "../../web/lib/events.generated";
import type { CoreHost } from "../../web/machine/core-host";
import { createCore, random } from "../tools/core";

const ORIGIN = 0x1000;
const FOREVER = 1e12;

/** A flat 32-bit protected-mode program at 1000h; its labels. */
async function start(source: string): Promise<{ core: CoreHost; labels: ReadonlyMap<string, number> }> {
  const program = assemble(`bits 32\norg ${ORIGIN}\n${source}`);
  expect(program.errors).toEqual([]);
  const core = await createCore();
  core.memory.write(ORIGIN, program.bytes);
  const registers: Record<string, bigint> = { eip: BigInt(ORIGIN), esp: 0x9000n, cr0: 0x11n, eflags: 2n };
  for (const name of ["cs", "ds", "es", "ss", "fs", "gs"]) {
    registers[`${name}_base`] = 0n;
    registers[`${name}_limit`] = 0xffffffffn;
    registers[`${name}_attributes`] = name === "cs" ? 0xc9bn : 0xc93n;
  }
  core.setRegisters(registers);
  return { core, labels: new Map([...program.labels].map(([name, value]) => [name, Number(value)])) };
}
const eip = (core: CoreHost): number => Number(core.getRegister("eip"));

const LOOP = `
  mov ecx, 10
  mov esi, 0x4000
again:
  mov [esi], ecx
middle:
  add esi, 4
  in al, 0x80
  dec ecx
  jnz again
done:
  mov eax, [0x4010]
  hlt
`;

describe("code breakpoints", () => {
  it("stop before the instruction, each time it comes, and go on", async () => {
    const { core, labels } = await start(LOOP);
    core.breakAt(labels.get("middle")!);
    for (let round = 10; round > 0; round--) {
      expect(core.run(FOREVER)).toBe(ExitReason.Breakpoint);
      expect(core.debugHit).toEqual({ kind: "code", linear: labels.get("middle") });
      expect(eip(core)).toBe(labels.get("middle"));
      expect(Number(core.getRegister("ecx"))).toBe(round);
      expect(Number(core.getRegister("esi"))).toBe(0x4000 + (10 - round) * 4);
    }
    expect(core.run(FOREVER)).toBe(ExitReason.Halted);
  });

  it("stop at the same instruction count as single steps reach, at 100 random placements", async () => {
    const next = random(7);
    const straight = Array.from(
      { length: 40 },
      (_, n) => `i${n}: ${["add eax, 3", "xor ebx, eax", "push eax", "pop edx", "inc edi"][next() % 5]}`,
    ).join("\n");
    const source = `mov ecx, 5\nloop_start:\n${straight}\ndec ecx\njnz loop_start\nhlt`;
    for (let placement = 0; placement < 100; placement++) {
      const { core, labels } = await start(source);
      const target = labels.get(`i${next() % 40}`)!;
      const skip = next() % 5;
      core.breakAt(target);
      for (let n = 0; n <= skip; n++) expect(core.run(FOREVER)).toBe(ExitReason.Breakpoint);
      const other = await start(source);
      let seen = 0;
      for (;;) {
        if (eip(other.core) === target && seen++ === skip) break;
        other.core.step(1);
      }
      expect(core.instructions).toBe(other.core.instructions);
      expect(Buffer.compare(core.saveCpu(), other.core.saveCpu())).toBe(0);
    }
  });
});

describe("watchpoints", () => {
  it("stop after the instruction that wrote or read there, and not for neighbours", async () => {
    const { core, labels } = await start(LOOP);
    core.watch(0x4010, 4, { read: false, write: true });
    expect(core.run(FOREVER)).toBe(ExitReason.Breakpoint);
    expect(core.debugHit).toEqual({ kind: "write", linear: 0x4010 });
    expect(eip(core)).toBe(labels.get("middle"));
    expect(Number(core.getRegister("ecx"))).toBe(6);
    core.clearDebug();
    core.watch(0x4010, 1, { read: true, write: false });
    expect(core.run(FOREVER)).toBe(ExitReason.Breakpoint);
    expect(core.debugHit).toEqual({ kind: "read", linear: 0x4010 });
    expect(Number(core.getRegister("eax"))).toBe(6);
  });
});

describe("stops on exits", () => {
  it("stop after the instruction whose exit it was", async () => {
    const { core, labels } = await start(LOOP);
    core.stopOnExits(["IoRead"], { port: 0x80 });
    expect(core.run(FOREVER)).toBe(ExitReason.Breakpoint);
    expect(core.debugHit).toMatchObject({ kind: "exit", reason: "IoRead" });
    expect(eip(core)).toBeGreaterThan(labels.get("middle")!);
    core.clearDebug();
    core.stopOnExits(["IoRead"], { port: 0x81 });
    expect(core.run(FOREVER)).toBe(ExitReason.Halted);
  });
});

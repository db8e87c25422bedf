/** What is hard about regions, each by name: their keys, their borders, what ends them, and where a budget cuts them. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Machine } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";
import { LIMITS, trace } from "./interp-against-jit";
import { multibootImage, PROGRAMS } from "./programs";

const built = existsSync(new URL("../../dist/core/core.wasm", import.meta.url));
const LIMIT = { threshold: 8, blocks: 20, instructions: 240, batch: 1 };

const machineOf = (source: string, accel: "interp" | "jit" = "jit"): Promise<Machine> =>
  Machine.create(
    {
      ...{ memoryMb: 2, accel, jitLimits: LIMIT, clock: { kind: "deterministic" } },
      boot: { kind: "multiboot", kernel: multibootImage(source), commandLine: "" },
    },
    { wasm: coreWasm() },
  );
const wordAt = (machine: Machine, address: number): number => {
  const bytes = machine.inspect.core.memory.read(address, 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
};

/** Two address spaces at PAGES and PAGES + 2000h, equal but for pages 300h and 301h; ESI leads to `function` at 3 MB and 3 MB + 4 KB. */
const SPACES = `
PAGES   equ 0x160000
main:   mov edx, PAGES
.space: lea eax, [edx + 0x1000 + 7]
        mov [edx], eax
        xor ecx, ecx
.map:   mov eax, ecx
        shl eax, 12
        or eax, 7
        mov [edx + 0x1000 + ecx * 4], eax
        inc ecx
        cmp ecx, 1024
        jb .map
        add edx, 0x2000
        cmp edx, PAGES + 0x4000
        jb .space
        mov eax, PAGES
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
`;

describe.skipIf(!built)(`regions${built ? "" : " (skipped: run npm run build:core)"}`, () => {
  it("serve one page at two addresses in two address spaces without a second translation", async () => {
    // The first space has the function's page at 3 MB, the second one at 3 MB + 4 KB.
    const machine = await machineOf(`${SPACES}
        mov dword [PAGES + 0x1000 + 0x300 * 4], 0x102007
        mov dword [PAGES + 0x3000 + 0x301 * 4], 0x102007
        xor ebx, ebx
        mov esi, 0x300000
.loop:  call esi
        inc ebx
        cmp ebx, 1000
        jne .loop
        mov ebx, 0
        xor esi, 0x1000
        mov eax, cr3
        xor eax, PAGES ^ (PAGES + 0x2000)
        mov cr3, eax
        inc dword [0x141000]
        jmp .loop
        times 0x2000 - ($ - image) db 0x90
function:
        mov ecx, 4
.step:  add [0x142000], ecx
        dec ecx
        jnz .step
        ret`);
    const at = async (instructions: number) => {
      await machine.run({ instructions });
      return (await machine.stats()).jit;
    };
    // One round takes 17,000 instructions; after some the code that switches is translated as well.
    const first = await at(600_000);
    const rounds = wordAt(machine, 0x141000);
    expect(rounds).toBeGreaterThanOrEqual(9);
    const last = await at(1_000_000);
    expect(wordAt(machine, 0x141000)).toBeGreaterThan(rounds + 10);
    expect(last.regions).toBe(first.regions);
    expect(last.instructionsInJit - first.instructionsInJit).toBeGreaterThan(390_000);
    // Neither does a switch of spaces lead back to the loop at every call.
    expect(last.entries - first.entries).toBeLessThan(1000);
  });

  it("do not mistake a second page that differs behind a first that is the same", async () => {
    // Code runs from page 300h into page 301h, which adds 1 in the one space and 100h in the other.
    const source = `${SPACES}
        mov dword [PAGES + 0x1000 + 0x300 * 4], 0x102007
        mov dword [PAGES + 0x1000 + 0x301 * 4], 0x103007
        mov dword [PAGES + 0x3000 + 0x300 * 4], 0x102007
        mov dword [PAGES + 0x3000 + 0x301 * 4], 0x104007
        mov esi, 0x300000 + 0xffa
        xor ebx, ebx
.loop:  call esi
        inc ebx
        test bl, 15
        jnz .loop
        mov eax, cr3
        xor eax, PAGES ^ (PAGES + 0x2000)
        mov cr3, eax
        jmp .loop
        times 0x2ffa - ($ - image) db 0x90
        inc dword [0x141000]
        add dword [0x141004], 1
        ret
        times 0x4000 - ($ - image) db 0x90
        add dword [0x141004], 0x100
        ret`;
    for (const accel of ["interp", "jit"] as const) {
      const machine = await machineOf(source, accel);
      await machine.run({ instructions: 100_000 });
      const calls = wordAt(machine, 0x141000);
      const sum = wordAt(machine, 0x141004);
      expect(calls).toBeGreaterThan(5000);
      // Sixteen calls in the one space, sixteen in the other; the last call may not have added yet.
      const second = 16 * Math.floor(calls / 32) + Math.max(0, (calls % 32) - 16);
      const exact = calls - second + 0x100 * second;
      expect([exact, exact - 1, exact - 0x100]).toContain(sum);
    }
  });

  it("are not left at every round of a loop whose frame lies across a page border", async () => {
    const machine = await machineOf(`
main:   mov ebp, 0x144ffc
.loop:  mov eax, [ebp]
        add eax, [ebp + 4]
        mov [ebp + 8], eax
        mov ecx, [ebp - 4]
        xor [ebp], ecx
        inc dword [ebp - 4]
        jmp .loop`);
    await machine.run({ instructions: 50_000 });
    const first = (await machine.stats()).jit;
    await machine.run({ instructions: 1_050_000 });
    const last = (await machine.stats()).jit;
    expect(last.instructionsInJit - first.instructionsInJit).toBeGreaterThan(990_000);
    expect(last.entries - first.entries).toBeLessThan(1000);
  });

  // What these two leave is compared, at many stops, with what the interpreter leaves.
  it.each([
    ["end when they are written into, also by themselves", "code that changes itself"],
    ["stop in a REP at the very iteration that an interrupt comes at", "REP that a timer interrupts"],
  ] as const)("%s", async (_, name) => {
    const { source, invalidates } = PROGRAMS[name]!;
    const config = { memoryMb: 2, boot: { kind: "multiboot" as const, kernel: multibootImage(source), commandLine: "" } };
    const how = { step: 3_001, most: 45_015 };
    const interpreted = await trace(config, undefined, how);
    const translated = await trace(config, { limits: LIMITS["a few runs"]! }, how);
    expect(translated.points).toEqual(interpreted.points);
    expect(interpreted.points).toHaveLength(15);
    if (invalidates) expect(translated.invalidations).toBeGreaterThan(0);
  });

  it("stop in a REP at every tick that a budget ends at", async () => {
    const source = PROGRAMS.strings!.source;
    const states: string[][] = [];
    for (const accel of ["interp", "jit"] as const) {
      const machine = await machineOf(source, accel);
      await machine.run({ tick: 30_000 });
      const seen: string[] = [];
      for (let tick = 30_001; tick <= 30_040; tick++) {
        await machine.run({ tick });
        const { instructions, ticks, stateHash } = await machine.stats({ hash: true });
        seen.push(`${instructions} ${ticks} ${stateHash}`);
      }
      states.push(seen);
    }
    expect(states[1]).toEqual(states[0]);
    // Ticks are finer than instructions: some of the stops were in the middle of one.
    const counts = states[0]!.map((state) => state.split(" ")[0]);
    expect(new Set(counts).size).toBeLessThan(counts.length);
  });
});

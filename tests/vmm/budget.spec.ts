/** Ticks: a run ends at exactly the tick it was given, wherever that lies, and so an interrupt comes at exactly its tick. */
import { describe, expect, it } from "vitest";
import { ExitReason } from "../../web/lib/events.generated";
import type { JitLimits } from "../../web/machine/jit-host";
import { type Program, program, START } from "./flat-program";

/** Blocks with a REP in the middle: what follows in the same block must not run on beyond the budget. */
const code = (rounds: number): string => `
    cld
    mov ebp, ${rounds}
again:
    mov esi, 0x30000
    mov edi, 0x31000
    mov ecx, 7
    rep movsb
    mov eax, 1
    mov ebx, 2
    pop edx
    push edx
    mov ecx, 5
    rep stosd
    inc eax
    inc eax
    mov ecx, 4
    mov edi, 0x30000
    mov al, 1
    repne scasb
    nop
    nop
    mov ecx, 6
    mov edx, 0x3f8
    mov esi, 0x30000
    rep outsb
    nop
    nop
    mov ecx, 3
    mov edi, 0x33000
    rep insb
    nop
    nop
    nop
    dec ebp
    jnz again
    hlt`;

/** Translated at once: each piece between two REPs from its second time on. */
const TRANSLATED: JitLimits = { threshold: 1, blocks: 20, instructions: 240, batch: 1 };

describe.each([
  ["interpreted", 3, undefined],
  ["translated", 6, TRANSLATED],
] as const)("a run, %s", (_, rounds, limits) => {
  const started = () => program(code(rounds), { portRead: () => 0x55 }, "pentium4", limits);

  it("ends at every tick that it is told to", async () => {
    const whole = await started();
    expect(whole.core.run(100_000)).toBe(ExitReason.Halted);
    const last = whole.core.ticks;
    if (limits) expect(whole.core.jit.stats.instructionsInJit).toBeGreaterThan(40);
    // Iterations beyond the first of each REP, every time round.
    expect(last - whole.core.instructions).toBe(rounds * (6 + 4 + 3 + 5 + 2));
    for (let tick = 1; tick < last; tick += limits ? 5 : 1) {
      const { core } = await started();
      expect([core.run(tick), core.ticks]).toEqual([ExitReason.Budget, tick]);
    }
  }, 120_000);

  it("goes the same way in slices of any length", async () => {
    const whole = await started();
    whole.core.run(100_000);
    const end = ({ core, register }: Program) =>
      [core.ticks, core.instructions, ...["eax", "ecx", "edx", "esi", "edi", "eip"].map(register)] as const;
    for (let slice = 1; slice < 40; slice++) {
      const cut = await started();
      while (cut.core.run(cut.core.ticks + slice) === ExitReason.Budget);
      expect(end(cut), `slices of ${slice} ticks from ${START.toString(16)}`).toEqual(end(whole));
    }
  }, 120_000);
});

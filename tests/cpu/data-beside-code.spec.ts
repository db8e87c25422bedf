/** Stores into pages that hold decoded code: those beside it cost no decoding, those into it take effect at once. */
import { expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import type { CoreHost } from "../../web/machine/core-host";
import { createCore } from "../tools/core";

const ORIGIN = 0x1000;
const TICKS = 1e9;

async function start(source: string): Promise<CoreHost> {
  const program = assemble(`bits 16\norg ${ORIGIN}\n${source}`);
  expect(program.errors).toEqual([]);
  const core = await createCore();
  core.memory.write(ORIGIN, program.bytes);
  core.setRegisters({ cs_base: 0n, eip: BigInt(ORIGIN), esp: 0x9000n });
  return core;
}

it("a store into a gap between blocks, known or not, leaves code as it is; one into code is seen by the next instruction", async () => {
  const core = await start(`
    xor ax, ax
    mov cx, 50
beside:
    mov word [between], cx
    mov word [after], cx
    loop beside
    jmp patch
between:
    dw 0
patch:
    mov cx, 5
again:
    mov byte [immediate], cl
    jmp target
target:
    db 0x05            ; add ax, imm16
immediate:
    dw 0
    mov word [between], cx
    loop again
    ; New code in a gap that was known to have none.
    mov byte [between], 0x40   ; inc ax
    mov byte [between + 1], 0xc3
    call between
    mov byte [between], 0x48   ; dec ax
    call between
    call between
    hlt
after:
    dw 0`);
  core.run(TICKS);
  expect(Number(core.getRegister("rax")) & 0xffff).toBe(5 + 4 + 3 + 2 + 1 + 1 - 2);
});

it("how many blocks share the page does not matter to a variable in it", async () => {
  // A page full of one-instruction blocks, then a loop that writes beside them.
  const jumps = Array.from({ length: 600 }, () => "    jmp $ + 2").join("\n");
  const loop = "    mov cx, 60000\nwriting:\n    mov word [variable], cx\n    loop writing\n    hlt\nvariable:\n    dw 0";
  const timeOf = async (core: CoreHost): Promise<number> => {
    const started = performance.now();
    core.run(TICKS);
    expect(Number(core.getRegister("rcx"))).toBe(0);
    return performance.now() - started;
  };
  const shortest = { alone: Number.POSITIVE_INFINITY, crowded: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 3; round++) {
    shortest.alone = Math.min(shortest.alone, await timeOf(await start(loop)));
    shortest.crowded = Math.min(shortest.crowded, await timeOf(await start(`${jumps}\n${loop}`)));
  }
  // It was 200 times as slow when every store looked at every block.
  expect(shortest.crowded).toBeLessThan(20 * shortest.alone);
});

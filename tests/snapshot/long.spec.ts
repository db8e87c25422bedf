/** A running program of 64-bit code in a snapshot: the same bytes again, and the run that never stopped. */
import { expect, it } from "vitest";
import { Machine } from "../../web/machine/machine";
import { MemorySource } from "../../web/snapshot/byte-store";
import { longProgram } from "../tools/long-program";
import { snapshotBytes, wasm } from "./small-machine";

/** High registers, XMM8 and on, FS base and stack are in use all the time. */
const { boot } = longProgram(`
    mov eax,0x620
    mov cr4,rax
    mov ecx,0xc0000100
    mov eax,0x1100000
    xor edx,edx
    wrmsr
    mov rsp,0x1108000
    mov r12,0x9e3779b97f4a7c15
again:
    imul r12,r12,0x343fd
    add r12,0x269ec3
    add r15,r12
    movq xmm9,r15
    paddq xmm14,xmm9
    mov eax,r12d
    and eax,0xff8
    add [fs:rax],r15
    push r12
    pop r8
    jmp again`);

it("saves, loads and saves to equal bytes, and goes on as if it had not stopped", async () => {
  const machine = await Machine.create({ boot, memoryMb: 20, clock: { kind: "deterministic" } }, { wasm: await wasm() });
  for (const instructions of [1000, 54_321]) {
    await machine.run({ instructions });
    const bytes = await snapshotBytes(machine);
    const copy = await Machine.fromSnapshot(new MemorySource(bytes), { wasm: await wasm() });
    expect(Buffer.from(await snapshotBytes(copy)).equals(Buffer.from(bytes))).toBe(true);
    await copy.run({ instructions: instructions + 20_000 });
    await machine.run({ instructions: instructions + 20_000 });
    expect(await copy.stateHash()).toBe(await machine.stateHash());
    expect(copy.inspect.registers().efer).toBe(0x500n);
  }
});

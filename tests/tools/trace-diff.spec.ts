/** trace:diff: in step with QEMU over images without a difference, and where there is one, at that instruction. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { qemuMissing } from "./bare-qemu";
import { describeTrace, traceDiff, traceKind } from "./trace-diff";

function multiboot(source: string): Uint8Array {
  const text = `bits 32\norg 0x100000\ndd 0x1badb002, 0x10000, -(0x1badb002+0x10000), 0x100000, 0x100000, end, end, entry\nentry:\n${source}\nend:\n`;
  const { bytes, errors } = assemble(text);
  expect(errors).toEqual([]);
  return Uint8Array.from(bytes);
}

/** Paging is off; a page of strings, faults through an IDT, undefined flags, a loop. */
const PROGRAM = `
lgdt [gdtr]
jmp 8:.cs
.cs: mov ax, 16
mov ds, ax
mov es, ax
mov ss, ax
mov esp, 0x180000
lidt [idtr]
mov ecx, 100
.loop: imul eax, ecx, 12345
shl eax, cl
rcr edx, 5
adc ebx, eax
bsf esi, ebx
dec ecx
jnz .loop
cld
mov esi, 0x100000
mov edi, 0x150000
mov ecx, 64
rep movsd
mov edi, 0x150000
mov al, 0xcc
repne scasb
xor edx, edx
xor ecx, ecx
div ecx
in al, 0x60
rdtsc
cpuid
int 0x80
int3
hlt
handler: mov eax, [esp]
add dword [esp], 2
iretd
soft: iretd
gdt: dd 0, 0, 0xffff, 0xcf9b00, 0xffff, 0xcf9300
gdtr: dw 23
dd gdt
idtr: dw 0x81*8-1
dd 0x160000
`;
/** Gates for #DE, #BP and INT 80h, written by the program itself. */
const GATES = ["handler", "soft", "soft"]
  .map(
    (name, n) =>
      `mov dword [0x160000+${[0, 3, 0x80][n]}*8], (${name}&0xffff)|0x80000\nmov dword [0x160004+${[0, 3, 0x80][n]}*8], (${name}&0xffff0000)|0x8e00`,
  )
  .join("\n");

describe.skipIf(qemuMissing !== undefined)(`trace:diff${qemuMissing === undefined ? "" : ` (skipped: ${qemuMissing})`}`, () => {
  it("finds no difference where there is none", async () => {
    const result = await traceDiff({ image: multiboot(`${GATES}\n${PROGRAM}`), until: 5000 });
    expect(describeTrace(result)).toMatch(/^\d+ instructions to the HLT at 001[0-9a-f]{5}, no difference$/);
    expect(result.instructions).toBeGreaterThan(700);
  }, 60_000);

  it("stops at the first instruction that differs, with those before it", async () => {
    // LAR: bits 16 to 19 come along on processors, not in QEMU.
    const result = await traceDiff({
      image: multiboot("lgdt [gdtr]\nmov eax, 8\nlar ecx, ax\nmov ebx, ecx\nhlt\ngdt: dd 0, 0, 0xffff, 0xcf9b00\ngdtr: dw 15\ndd gdt"),
      until: 100,
    });
    expect([result.end, result.differs, result.instructions]).toEqual(["differs", ["ecx"], 3]);
    const text = describeTrace(result);
    expect(text).toContain("> 0010002c  0f02c8                 lar ecx,ax");
    expect(text).toMatch(/\* ecx {5}[0-9a-f]{8} {2}[0-9a-f]{8}/);
    expect(text).toContain("differs after instruction 3: ecx");
  }, 60_000);

  it("does not compare undefined flags", async () => {
    // AF after a logic instruction, OF after a shift by more than 1.
    const image = multiboot("mov eax, 0x1234ff\nmov ecx, 7\nrol eax, cl\nshr eax, 9\ntest eax, eax\nhlt");
    expect((await traceDiff({ image, until: 100 })).end).toBe("halted");
  }, 60_000);
});

it("tells images apart", () => {
  const sector = new Uint8Array(512);
  sector.set([0x55, 0xaa], 510);
  expect([traceKind(sector), traceKind(new Uint8Array(65536)), traceKind(multiboot("hlt"))]).toEqual(["sector", "rom", "multiboot"]);
});

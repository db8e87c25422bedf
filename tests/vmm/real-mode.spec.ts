/** Real-address mode: interrupts through the vector table, segment limits, the way into protected mode and back. SDM 3A "8086 Emulation". */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { describeError } from "../../web/assembler/source-error";
import { ExitReason } from "../../web/lib/events.generated";
import type { CoreHost } from "../../web/machine/core-host";
import { createCore } from "../tools/core";

const START = 0x7c00;

async function realMode(
  code: string,
): Promise<{ core: CoreHost; label: (name: string) => number; u16: (address: number) => number; reg: (name: string) => number }> {
  const { bytes, errors, labels } = assemble(`org ${START}\n${code}`, { bits: 16, org: START });
  if (errors.length > 0) throw new Error(errors.map(describeError).join("\n"));
  const core = await createCore({ ramBytes: 2 << 20 });
  core.memory.write(START, bytes);
  core.setRegisters({ cs_selector: 0n, cs_base: 0n, eip: BigInt(START), esp: 0x7000n });
  for (const [name, address] of labels) {
    const vector = /^vector(\d+)$/.exec(name);
    if (vector) core.memory.write(Number(vector[1]) * 4, Uint8Array.of(address & 0xff, address >> 8, 0, 0));
  }
  const u16 = (address: number): number => new DataView(core.memory.read(address, 2).buffer).getUint16(0, true);
  return { core, label: (name) => labels.get(name)!, u16, reg: (name) => Number(core.getRegister(name) & 0xffffffffn) };
}

describe("interrupts", () => {
  it("push FLAGS CS IP, clear IF and TF, and IRET takes them back", async () => {
    const { core, label, u16, reg } = await realMode("sti\nint 33\nafter: hlt\nvector33: nop\niret");
    core.step(2);
    expect(reg("esp")).toBe(0x6ffa);
    expect([u16(0x6ffe) & 0x3ff, u16(0x6ffc), u16(0x6ffa)]).toEqual([0x202, 0, label("after")]);
    expect(reg("eflags") & 0x300).toBe(0);
    core.step(2);
    expect([reg("eip"), reg("esp"), reg("eflags") & 0x200]).toEqual([label("after"), 0x7000, 0x200]);
  });

  it("have no error code, and a fault names its instruction", async () => {
    const { core, label, u16, reg } = await realMode("mov bx, 0xffff\nfault: mov ax, [bx]\nvector13: hlt");
    core.run(100);
    expect([u16(0x6ffa), reg("esp")]).toEqual([label("fault"), 0x6ffa]);
  });

  it("beyond the table's limit are #GP, and without room for that a shutdown", async () => {
    const small = await realMode("lidt [idtr]\nint 64\nidtr: dw 0xff\ndd 0\nvector13: hlt");
    small.core.run(100);
    expect(small.core.getRegister("halted")).toBe(1n);
    const none = await realMode("lidt [idtr]\nint 64\nidtr: dw 0\ndd 0");
    expect(none.core.run(100)).toBe(ExitReason.Shutdown);
  });

  it("keep the upper half of ESP, and wrap SP", async () => {
    const { core, reg, u16, label } = await realMode("mov esp, 0x12340002\nint 33\nafter: hlt\nvector33: hlt");
    core.step(3);
    expect(reg("esp")).toBe(0x1234fffc);
    expect(u16(0)).toBe(2);
    expect(u16(0xfffc)).toBe(label("after"));
  });
});

describe("flags", () => {
  it("POPF and IRET change IOPL and NT, POPFD not VM, VIF and VIP", async () => {
    const { core, reg } = await realMode("push word 0x7eff\npopf\npushf\npop ax\npush dword 0xfffffeff\npopfd\npushfd\npop edx\nhlt");
    core.run(100);
    expect(reg("eax") & 0xffff).toBe(0x7ed7);
    expect(reg("edx") & 0x1a0000).toBe(0);
  });
});

describe("privileged instructions that real mode lacks", () => {
  it.each(["sldt ax", "str ax", "lldt ax", "ltr ax", "verr ax", "lar ax, cx", "arpl ax, cx"])("%s is #UD", async (code) => {
    const { core } = await realMode(`${code}\nvector13: mov bx, 13\nhlt\nvector6: mov bx, 6\nhlt`);
    core.run(100);
    expect(core.getRegister("ebx")).toBe(6n);
  });
  it.each(["sysenter", "sysexit"])("%s is #GP", async (code) => {
    const { core } = await realMode(`${code}\nvector6: mov bx, 6\nhlt\nvector13: mov bx, 13\nhlt`);
    core.run(100);
    expect(core.getRegister("ebx")).toBe(13n);
  });
});

const TABLES = `gdtr: dw 0x1f
dd gdt
gdt: dd 0,0, 0xffff,0x00cf9b00, 0xffff,0x00cf9300, 0xffff,0x00009b00`;

describe("the way to protected mode", () => {
  it("sets PE first, and the far jump loads a 32-bit CS", async () => {
    const { core, reg } = await realMode(
      `lgdt [gdtr]\nmov eax, cr0\nor al, 1\nmov cr0, eax\nmov cx, 0x1234\njmp dword 8:wide\nbits 32\nwide: mov ax, 16\nmov ds, ax\nmov ecx, [dword 0x100000]\nhlt\nbits 16\n${TABLES}`,
    );
    core.memory.write(0x100000, Uint8Array.of(0x78, 0x56, 0x34, 0x12));
    core.run(100);
    expect(reg("ecx")).toBe(0x12345678);
    expect(reg("cs.selector")).toBe(8);
  });

  it("leaves data limits of 4 GB on the way back: unreal mode", async () => {
    const { core, reg } = await realMode(
      `lgdt [gdtr]\nmov eax, cr0\nor al, 1\nmov cr0, eax\nmov bx, 16\nmov ds, bx\nand al, 0xfe\nmov cr0, eax\nxor bx, bx\nmov ds, bx\nmov ebx, 0x100000\nmov ecx, [ebx]\nhlt\n${TABLES}`,
    );
    core.memory.write(0x100000, Uint8Array.of(0x78, 0x56, 0x34, 0x12));
    core.run(100);
    expect(reg("ecx")).toBe(0x12345678);
    expect(reg("ds.limit")).toBe(0xffffffff);
  });
});

describe("far transfers", () => {
  it("call and return with 16 and 32-bit operands", async () => {
    const { core, reg, label } = await realMode(
      "call 0:near_one\nback: call dword 0:wide_one\nback2: hlt\nnear_one: mov ax, sp\nretf\nwide_one: mov bx, sp\no32 retf 0",
    );
    core.run(100);
    expect([reg("eax"), reg("ebx"), reg("esp"), reg("eip")]).toEqual([0x6ffc, 0x6ff8, 0x7000, label("back2") + 1]);
  });
});

/** When interrupts are taken: IF, interrupt shadows, NMI, HLT, debug traps; SDM 3A "Priority Among Concurrent Events". */
import { describe, expect, it } from "vitest";
import { ExitReason } from "../../web/lib/events.generated";
import { program, STACK } from "./flat-program";

const pic = (vector: number) => ({ acknowledgeInterrupt: () => vector });

describe("maskable interrupts", () => {
  it("wait for IF and one instruction after STI", async () => {
    const { core, at, label, u32 } = await program("nop\nsti\nnop\nafter: nop\nhlt\nvector32: hlt", pic(32));
    core.setIntr(true);
    core.step(2);
    expect(at()).toBe((label("after") - 1).toString(16));
    core.step(1);
    expect(at()).toBe("after");
    core.step(1);
    // The handler's HLT was the fourth instruction: its frame names the instruction that was not run.
    expect(u32(STACK - 12)).toBe(label("after"));
    expect(u32(STACK - 4) & 0x200).toBe(0x200);
    expect(core.getRegister("eflags") & 0x200n).toBe(0n);
  });

  it("do not wait after STI when IF was 1 already", async () => {
    const { core, label, u32 } = await program("sti\nnop\nsti\nafter: nop\nhlt\nvector32: hlt", pic(32));
    core.step(3);
    core.setIntr(true);
    core.step(1);
    expect(u32(STACK - 12)).toBe(label("after"));
  });

  it("wait for the instruction after MOV SS, and so does an NMI", async () => {
    const { core, label, u32 } = await program(
      "sti\nmov ax, 16\nmov ss, ax\nmov esp, 0x30000\nafter: nop\nvector32: hlt\nvector2: hlt",
      pic(32),
    );
    core.step(3);
    core.setIntr(true);
    core.pulseNmi();
    core.step(2);
    expect(u32(0x30000 - 12)).toBe(label("after"));
    expect(core.getRegister("nmiBlocked")).toBe(1n);
  });

  it("are acknowledged only when they are taken", async () => {
    let asked = 0;
    const { core } = await program("nop\nnop\nnop\nhlt", { acknowledgeInterrupt: () => ++asked });
    core.setIntr(true);
    core.step(3);
    expect(asked).toBe(0);
  });

  it("come at POPF and IRET that set IF", async () => {
    const popf = await program("push dword 0x202\npopfd\nafter: nop\nvector32: hlt", pic(32));
    popf.core.setIntr(true);
    popf.core.step(3);
    expect(popf.u32(STACK - 12)).toBe(popf.label("after"));
    const iret = await program("push dword 0x202\npush dword 8\npush dword after\niretd\nafter: nop\nvector32: hlt", pic(32));
    iret.core.setIntr(true);
    iret.core.step(5);
    expect(iret.u32(STACK - 12)).toBe(iret.label("after"));
  });
});

describe("NMI", () => {
  it("comes before INTR, is blocked until IRET, and then comes again", async () => {
    const { core, at, label, u32 } = await program("sti\nnop\nnop\nnop\nvector32: hlt\nvector2: nop\niretd", pic(32));
    core.step(2);
    core.setIntr(true);
    core.pulseNmi();
    core.step(1);
    expect(at()).toBe((label("vector2") + 1).toString(16));
    core.pulseNmi();
    core.setIntr(false);
    core.step(1);
    expect(at()).toBe((label("vector2") - 3).toString(16));
    core.step(1);
    expect(at()).toBe((label("vector2") + 1).toString(16));
    expect(u32(STACK - 12)).toBe(label("vector2") - 3);
    expect(core.stats().exits).toMatchObject({ Nmi: 2, Interrupt: 0, Iret: 1 });
  });
});

describe("HLT", () => {
  it("ends the run as Halt with IF, as Halted without", async () => {
    const enabled = await program("sti\nhlt\nnop");
    expect(enabled.core.run(100)).toBe(ExitReason.Halt);
    const disabled = await program("hlt\nnop");
    expect(disabled.core.run(100)).toBe(ExitReason.Halted);
    expect(disabled.core.stats().exits.Hlt).toBe(1);
  });

  it("is left by an interrupt, whose frame names the next instruction", async () => {
    const { core, label, u32 } = await program("sti\nhlt\nafter: nop\nvector32: nop\nhere: jmp here", pic(32));
    expect(core.run(100)).toBe(ExitReason.Halt);
    core.setIntr(true);
    expect(core.run(50)).toBe(ExitReason.Budget);
    expect(u32(STACK - 12)).toBe(label("after"));
    expect(core.getRegister("halted")).toBe(0n);
  });

  it("is left by an NMI even with interrupts off", async () => {
    const { core, at } = await program("hlt\nvector2: nop\nhere: jmp here");
    expect(core.run(100)).toBe(ExitReason.Halted);
    core.pulseNmi();
    expect(core.run(50)).toBe(ExitReason.Budget);
    expect(at()).toBe("here");
  });
});

describe("EFLAGS in frames", () => {
  it("has RF for faults, not for traps and interrupts", async () => {
    const fault = await program("ud2\nvector6: hlt");
    fault.core.step(2);
    expect(fault.u32(STACK - 4)).toBe(0x10002);
    const software = await program("int 6\nvector6: hlt");
    software.core.step(2);
    expect(software.u32(STACK - 4)).toBe(2);
    const trap = await program("push dword 0x102\npopfd\nnop\nvector1: hlt");
    trap.core.step(4);
    expect(trap.u32(STACK - 4)).toBe(0x102);
  });

  it("loses RF when the instruction returned to has run", async () => {
    const { core } = await program("push dword 0x10002\npush dword 8\npush dword after\niretd\nafter: nop\nnop");
    core.step(4);
    expect(core.getRegister("eflags")).toBe(0x10002n);
    core.step(1);
    expect(core.getRegister("eflags")).toBe(2n);
  });
});

describe("debug traps", () => {
  it("step one instruction at a time and set DR6.BS", async () => {
    const { core, label, u32, register } = await program("push dword 0x102\npopfd\nfirst: nop\nsecond: nop\nvector1: hlt");
    core.step(4);
    expect(u32(STACK - 12)).toBe(label("second"));
    expect(Number(new DataView(core.buffer, core.stateOffset("dr") + 48, 8).getUint32(0, true))).toBe(0xffff4ff0);
    expect(register("esp")).toBe(STACK - 12);
  });

  it("come before an interrupt that waits, which then interrupts the handler's first instruction only if IF", async () => {
    const { core, label, u32 } = await program("push dword 0x302\npopfd\nnop\nsecond: nop\nvector1: hlt\nvector32: hlt", pic(32));
    core.step(2);
    core.step(1);
    core.setIntr(true);
    core.step(1);
    expect(u32(STACK - 12)).toBe(label("second"));
    expect(core.stats().exits).toMatchObject({ Interrupt: 0, Exception: 1 });
  });

  it("see an I/O breakpoint while CR4.DE is set", async () => {
    const { core, label, u32 } = await program(
      "mov eax, cr4\nor eax, 8\nmov cr4, eax\nmov eax, 0x60\nmov dr0, eax\nmov eax, 0x00020001\nmov dr7, eax\nin al, 0x61\nin al, 0x60\nafter: nop\nvector1: hlt",
    );
    core.step(10);
    expect(u32(STACK - 12)).toBe(label("after"));
    expect(new DataView(core.buffer, core.stateOffset("dr") + 48, 8).getUint32(0, true) & 15).toBe(1);
  });
});

describe("shutdown", () => {
  it("follows a fault while a double fault is delivered, and is counted once", async () => {
    const { core } = await program("lidt [idtr]\nud2\nidtr: dw 0\ndd 0");
    expect(core.run(100)).toBe(ExitReason.Shutdown);
    expect(core.stats().exits).toMatchObject({ Shutdown: 1, Exception: 3 });
  });
});

/** Software interrupts through every kind of gate, exceptions with error codes, double faults. */
import { type Case, intoTask, user } from "../image";

const vectors = [3, 4, 0x0d, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x81];
const int = (vector: number): string => (vector === 3 ? "int3" : `int ${vector}`);

const NO_EXT = "QEMU never sets EXT";
const NO_ICEBP = "QEMU takes F1 for undefined";
const differs = (vector: number): Partial<Case> => (vector === 0x2c ? { qemuDiffers: "QEMU checks no code limits" } : {});

export const EXCEPTIONS: readonly Case[] = [
  { name: "divide error", code: "xor ecx, ecx\ndiv ecx" },
  { name: "quotient too big", code: "mov edx, 2\nmov ecx, 2\ndiv ecx" },
  { name: "undefined", code: "ud2" },
  { name: "bound inside", code: "mov eax, 5\nmov dword [scratch], 5\nmov dword [scratch+4], 5\nbound eax, [scratch]\ncall show" },
  { name: "bound outside", code: "mov eax, -1\nmov dword [scratch], 0\nmov dword [scratch+4], 5\nbound eax, [scratch]" },
  { name: "into without overflow", code: "xor eax, eax\ninto\ncall show" },
  { name: "into", code: "mov eax, 0x7fffffff\ninc eax\ninto" },
  { name: "x87 not available", code: "mov eax, cr0\nor eax, 8\nmov cr0, eax\nfnop" },
  { name: "wait with MP and TS", code: "mov eax, cr0\nor eax, 10\nmov cr0, eax\nwait" },
  ...vectors.flatMap((vector): Case[] => [
    { name: `int ${vector.toString(16)} at level 0`, code: int(vector), ...differs(vector) },
    { name: `int ${vector.toString(16)} at level 3`, code: user(int(vector)), ...differs(vector) },
  ]),
  { name: "int1", code: "db 0xf1", qemuDiffers: NO_ICEBP },
  { name: "int1 at level 3", code: user("db 0xf1"), qemuDiffers: NO_ICEBP },
  { name: "interrupt gate clears IF, trap gate keeps it", code: "sti\nint 0x21" },
  { name: "interrupt gate in user mode with IF", code: user("int 0x80", 0x202) },
  { name: "NT is cleared on entry", code: "push dword 0x4202\npopfd\nint 0x80" },
  { name: "idt limit", code: "lidt [.idtr]\nint 0x80\n.idtr: dw 0x3ff\ndd idt" },
  { name: "privileged at level 3", code: user("hlt") },
  { name: "cli at level 3", code: user("cli") },
  { name: "cli at level 3 with IOPL 3", code: user("cli\npushfd\npop eax", 0x3202) },
  { name: "lgdt at level 3", code: user("lgdt [gdtr]") },
  { name: "mov cr0 at level 3", code: user("mov eax, cr0") },
  { name: "inner stack selector null", code: intoTask(10, `mov dword [tss+8], 0\n${user("int 0x80")}`) },
  { name: "inner stack at level 3", code: intoTask(10, `mov dword [tss+8], UDATA|3\n${user("int 0x80")}`) },
  { name: "inner stack not writable", code: intoTask(10, `mov dword [tss+8], RODATA\n${user("int 0x80")}`) },
  {
    name: "inner stack not present",
    code: intoTask(12, `mov dword [tss+8], NPDATA\n${user("int 0x80")}`),
    qemuDiffers: "QEMU raises #TS, the SDM #SS",
  },
  { name: "inner stack selector RPL", code: intoTask(10, `mov dword [tss+8], DATA|3\n${user("int 0x80")}`) },
  { name: "inner stack outside the table", code: intoTask(10, `mov dword [tss+8], 0x4000\n${user("int 0x80")}`) },
  {
    name: "inner stack too small",
    code: intoTask(12, `mov dword [tss+8], SMALL\nmov dword [tss+4], 8\n${user("int 0x80")}`),
    qemuDiffers: "QEMU checks no stack limits",
  },
  {
    name: "tss too small for the stack",
    code: intoTask(10, `mov byte [gdt+TSS], 5\nmov byte [gdt+TSS+5], 0x89\nmov ax, TSS\nltr ax\n${user("int 0x80")}`),
  },
  {
    name: "fault while delivering a fault: not present handler",
    code: "mov byte [idt+8*6+5], 0x0e\nud2\nnop",
    qemuDiffers: NO_EXT,
  },
  {
    name: "double fault: #GP whose handler is not present",
    code: "mov byte [idt+8*13+5], 0x0e\nmov ax, 0x4000\nmov ds, ax",
  },
  {
    name: "software interrupt fault is no double fault",
    code: "mov byte [idt+8*0x21+5], 0x6f\nint 0x21",
  },
  { name: "bad type of idt entry", code: "mov byte [idt+8*6+5], 0x82\nud2", qemuDiffers: NO_EXT },
];

/** Virtual-8086 mode: entry, exit, IOPL, VME with its redirection bitmap, PVI. */
import { type Case, user, virtual8086 } from "../image";

const IOPL3 = 0x23002;
const VME = "mov eax, cr4\nor eax, 1\nmov cr4, eax\nmov word [tss+0x66], 0x88";
/** 8086 handler of vector 21h at 0:7400, which says so through INT 80h of the protected-mode kernel, if that is not redirected. */
const HANDLER = "mov dword [0x84], 0x7400\nmov dword [0x7400], 0x80cd";
const redirected = (code: string, flags: number, allowed = 0): string =>
  `${VME}\n${HANDLER}\nmov byte [tss+0x68+${0x21 >> 3}], ${allowed}\nmov byte [tss+0x68+16], 1\n${virtual8086(code, flags)}`;
const sensitive = [
  "cli",
  "sti",
  "pushf",
  "popf",
  "o32 pushf",
  "o32 popf",
  "int 0x21",
  "iret",
  "o32 iret",
  "hlt",
  "in al, 0x61\nmov al, 0",
  "int3",
  "into",
  "db 0xf1",
  "lgdt [0]",
  "mov eax, cr0",
  "sldt ax",
  "lar ax, cx",
  "arpl ax, cx",
  "ud2",
];

const back = (code: string): string => {
  const size = code === "iret" ? "word" : "dword";
  return `push ${size} 0x3202\npush ${size} 0x800\npush ${size} 0x40\n${code}\ntimes 0x40-($-$$) nop\nud2`;
};
const label = (code: string): string => (code.startsWith("db") ? "int1" : code.split("\n")[0]!);
const differs = (code: string): Partial<Case> => (code.startsWith("db") ? { qemuDiffers: "QEMU takes F1 for undefined" } : {});
const NO_VME = "QEMU has no VME and no PVI";

export const VIRTUAL8086: readonly Case[] = [
  ...sensitive.flatMap((code): Case[] => [
    { name: `virtual-8086 ${label(code)} with IOPL 0`, code: virtual8086(`mov ax, 0x1234\n${code}\nud2`), ...differs(code) },
    {
      name: `virtual-8086 ${label(code)} with IOPL 3`,
      ...differs(code),
      code: virtual8086(code.includes("iret") ? back(code) : `mov ax, 0x1234\n${code}\nud2`, IOPL3),
    },
  ]),
  {
    name: "virtual-8086 segments",
    code: virtual8086("mov ax, 0x1234\nmov ds, ax\nmov [0], ax\nmov bx, [cs:0]\njmp 0x700:0x1010\nnop\nud2\nud2\nud2\nud2", IOPL3),
  },
  { name: "virtual-8086 far call", code: virtual8086("call 0x800:8\nnop\nnop\nnop\npop ax\npop bx\nud2", IOPL3) },
  { name: "virtual-8086 limit", code: virtual8086("mov bx, 0xffff\nmov ax, [bx]", IOPL3), qemuDiffers: "QEMU checks no data limits" },
  { name: "vme: cli", code: `${VME}\n${virtual8086("cli\npushf\npop ax\nud2", 0xa0002)}`, qemuDiffers: NO_VME },
  { name: "vme: sti", code: `${VME}\n${virtual8086("sti\npushf\npop ax\nud2", 0x20002)}`, qemuDiffers: NO_VME },
  { name: "vme: sti with VIP", code: `${VME}\n${virtual8086("sti\nud2", 0x120002)}`, qemuDiffers: NO_VME },
  { name: "vme: popf", code: `${VME}\n${virtual8086("push word 0x0200\npopf\npushf\npop ax\nud2", 0x20002)}`, qemuDiffers: NO_VME },
  { name: "vme: popf with TF", code: `${VME}\n${virtual8086("push word 0x0100\npopf\nud2", 0x20002)}`, qemuDiffers: NO_VME },
  { name: "vme: popf IF with VIP", code: `${VME}\n${virtual8086("push word 0x0200\npopf\nud2", 0x120002)}`, qemuDiffers: NO_VME },
  { name: "vme: pushf with VIF", code: `${VME}\n${virtual8086("pushf\npop ax\nud2", 0xa0002)}`, qemuDiffers: NO_VME },
  { name: "vme: o32 pushf", code: `${VME}\n${virtual8086("o32 pushf\nud2", 0xa0002)}`, qemuDiffers: NO_VME },
  {
    name: "vme: iret",
    code: `${VME}\n${virtual8086("push word 0x0200\npush word 0x800\npush word 0x20\niret\ntimes 0x20-($-$$) nop\npushf\npop ax\nud2", 0x20002)}`,
    qemuDiffers: NO_VME,
  },
  { name: "vme: int redirected with IOPL 0", code: redirected("int 0x21", 0xa0002), qemuDiffers: NO_VME },
  { name: "vme: int redirected with IOPL 3", code: redirected("int 0x21", IOPL3 | 0x200), qemuDiffers: NO_VME },
  { name: "vme: int not redirected with IOPL 0", code: redirected("int 0x21", 0x20002, 2), qemuDiffers: NO_VME },
  { name: "vme: int not redirected with IOPL 3", code: redirected("int 0x21", IOPL3, 2), qemuDiffers: NO_VME },
  { name: "pvi: cli", code: `mov eax, cr4\nor eax, 2\nmov cr4, eax\n${user("cli\npushfd\npop eax", 0x80202)}`, qemuDiffers: NO_VME },
  { name: "pvi: sti", code: `mov eax, cr4\nor eax, 2\nmov cr4, eax\n${user("sti\npushfd\npop eax", 2)}`, qemuDiffers: NO_VME },
  { name: "pvi: sti with VIP", code: `mov eax, cr4\nor eax, 2\nmov cr4, eax\n${user("sti", 0x100002)}`, qemuDiffers: NO_VME },
  {
    name: "iret to virtual-8086 mode from level 3 stays in protected mode",
    code: user("push dword 0x20002\npush dword UCODE|3\npush dword .back\niretd\n.back: pushfd\npop eax"),
    qemuDiffers: "QEMU enters virtual-8086 mode",
  },
  { name: "virtual-8086 interrupt into conforming code", code: virtual8086("int 0x29", IOPL3) },
  { name: "virtual-8086 interrupt into level 1", code: virtual8086("int 0x2f", IOPL3), qemuDiffers: "QEMU delivers it" },
  { name: "virtual-8086 interrupt through a 16-bit gate", code: virtual8086("int 0x28", IOPL3) },
  { name: "virtual-8086 interrupt into a task", code: virtual8086("int 0x27", IOPL3) },
];

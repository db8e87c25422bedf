/** Segment register loads and selector inspection: every descriptor kind at both ends of the privilege range. */
import { type Case, intoTask, user } from "../image";

const SELECTORS = [
  "0",
  "1",
  "3",
  "CODE",
  "CODE|3",
  "DATA",
  "DATA|1",
  "DATA|3",
  "UCODE|3",
  "UDATA",
  "UDATA|3",
  "TSS",
  "LDT",
  "CONF",
  "CONF|3",
  "CODE16",
  "DATA16",
  "RODATA",
  "XONLY",
  "NPDATA",
  "NPCODE",
  "SMALL",
  "DOWN",
  "FRESH",
  "GATE",
  "UGATE",
  "TSS2",
  "TGATE",
  "TSS16",
  "UCONF|3",
  "CODE1|1",
  "DATA1|1",
  "NPTSS",
  "0xc",
  "0x14",
  "0x17",
  "0x1f",
  "0x3c",
  "0x44",
  "0x4000",
  "0xfff8",
];

const load = (register: string, selector: string): string => `mov eax, ${selector}\nmov ${register}, ax\nmov eax, 0\nmov ax, ${register}`;

function loads(register: string): Case[] {
  return SELECTORS.flatMap((selector) => [
    {
      name: `${register} = ${selector} at level 0`,
      code: `${load(register, selector)}\n${register === "ss" ? "mov cx, DATA\nmov ss, cx\n" : ""}call show`,
    },
    { name: `${register} = ${selector} at level 3`, code: user(load(register, selector)) },
  ]);
}

const INSPECT = `mov ecx, 0x5a5a5a5a
mov edx, 0x5a5a5a5a
mov ebx, 0
lar ecx, ax
jnz .1
or bl, 1
.1: lsl edx, ax
jnz .2
or bl, 2
.2: verr ax
jnz .3
or bl, 4
.3: verw ax
jnz .4
or bl, 8
.4: mov eax, ebx`;
const inspections: Case[] = SELECTORS.flatMap((selector) => [
  {
    name: `inspect ${selector} at level 0`,
    code: `mov eax, ${selector}\n${INSPECT}\ncall show\nmov eax, ecx\nand eax, ~0x000f0000\ncall show\nmov eax, edx\ncall show`,
  },
  {
    name: `inspect ${selector} at level 3`,
    code: user(`mov eax, ${selector}\n${INSPECT}\nmov esi, ecx\nand esi, ~0x000f0000\nxor eax, esi\nrol edx, 7\nxor eax, edx`),
  },
]);

export const SEGMENTS: readonly Case[] = [
  ...loads("ds"),
  ...loads("ss"),
  ...["DATA", "0", "CODE", "XONLY", "NPDATA"].flatMap((selector): Case[] => [
    {
      name: `push and pop fs = ${selector}`,
      code: `push dword ${selector}\npop fs\npush fs\npop eax\nand eax, 0xffff\ncall show\nmov eax, esp\ncall show`,
    },
    {
      name: `lgs ${selector}`,
      code: `mov dword [scratch], 0x12345678\nmov dword [scratch+4], ${selector}\nlgs eax, [scratch]\ncall show\nmov eax, gs\ncall show`,
    },
  ]),
  ...inspections,
  { name: "accessed bit is set", code: "mov ax, FRESH\nmov fs, ax\nmov eax, [gdt+FRESH+4]\ncall show" },
  {
    name: "lss",
    code: "mov dword [scratch], 0x1234\nmov dword [scratch+4], DATA16\nlss esp, [scratch]\nmov eax, esp\nmov cx, DATA\nmov ss, cx\nmov esp, KSTACK\ncall show\njmp case_done",
  },
  {
    name: "lds with a bad selector changes nothing",
    code: "mov dword [scratch], 0x1234\nmov dword [scratch+4], NPDATA\nmov ecx, 5\nlds ecx, [scratch]",
  },
  { name: "mov cs is undefined", code: "mov eax, 8\ndb 0x8e, 0xc8" },
  { name: "mov from segment register 7", code: "db 0x8c, 0xf8" },
  { name: "limit of an expand-up segment, inside", code: "mov ax, SMALL\nmov fs, ax\nmov eax, [fs:0xffc]\nmov eax, 1\ncall show" },
  {
    name: "limit of an expand-up segment, outside",
    code: "mov ax, SMALL\nmov fs, ax\nmov eax, [fs:0xffd]",
    qemuDiffers: "QEMU checks no data limits",
  },
  { name: "expand-down segment, inside", code: "mov ax, DOWN\nmov fs, ax\nmov al, [fs:0x1000]\nmov eax, 1\ncall show" },
  {
    name: "expand-down segment, outside",
    code: "mov ax, DOWN\nmov fs, ax\nmov eax, [fs:0xffd]",
    qemuDiffers: "QEMU checks no data limits",
  },
  { name: "null segment", code: "xor eax, eax\nmov fs, ax\nmov eax, [fs:0]", qemuDiffers: "QEMU checks no data limits" },
  {
    name: "write to read-only data",
    code: "mov ax, RODATA\nmov fs, ax\nmov [fs:scratch], eax",
    qemuDiffers: "QEMU checks no segment rights",
  },
  { name: "write to code", code: "mov [cs:scratch], eax", qemuDiffers: "QEMU checks no segment rights" },
  { name: "read of execute-only code", code: "jmp XONLY:.1\n.1: mov eax, [cs:scratch]", qemuDiffers: "QEMU checks no segment rights" },
  {
    name: "stack limit",
    code: intoTask(12, "mov ax, SMALL\nmov ss, ax\nmov esp, 2\npush eax"),
    qemuDiffers: "QEMU checks no stack limits",
  },
  { name: "lldt null and a load from it", code: "xor eax, eax\nlldt ax\nmov ax, 0xc\nmov fs, ax" },
  { name: "lldt of data", code: "mov ax, DATA\nlldt ax" },
  { name: "lldt of a local selector", code: "mov ax, 0xc\nlldt ax" },
  { name: "lldt outside", code: "mov ax, 0x4000\nlldt ax" },
  { name: "ltr null", code: "xor eax, eax\nltr ax", qemuDiffers: "QEMU accepts it" },
  { name: "ltr of a busy task", code: "mov ax, TSS\nltr ax" },
  { name: "ltr not present", code: "mov ax, NPTSS\nltr ax" },
  { name: "ltr of data", code: "mov ax, DATA\nltr ax" },
  { name: "ltr marks busy", code: "mov ax, TSS2\nltr ax\nmov eax, [gdt+TSS2+4]\ncall show\nstr ecx\nmov eax, ecx\ncall show" },
  {
    name: "sldt, sgdt, sidt",
    code: "sldt eax\ncall show\nsgdt [scratch]\nmov eax, [scratch+2]\nsub eax, gdt\ncall show\nsidt [scratch]\nmov ax, [scratch]\nand eax, 0xffff\ncall show",
  },
  { name: "sgdt with a 16-bit operand", code: "o16 sgdt [scratch]\nmov eax, [scratch+2]\nsub eax, gdt\ncall show" },
  {
    name: "lgdt with a 16-bit operand",
    code: "mov dword [scratch], 0x12345678\nmov word [scratch+4], 0x9abc\no16 lgdt [scratch]\nsgdt [scratch+8]\nlgdt [gdtr]\nmov eax, [scratch+8]\ncall show\nmov ax, [scratch+12]\nand eax, 0xffff\ncall show",
  },
  ...[
    ["0x10", "0x13"],
    ["0x13", "0x10"],
    ["0x13", "0x13"],
    ["0x10", "0x10"],
  ].map(
    ([to, from]): Case => ({
      name: `arpl ${to}, ${from}`,
      code: `mov eax, ${to}\nmov ecx, ${from}\narpl ax, cx\ncall show\nmov eax, 0\nsetz al\ncall show`,
    }),
  ),
  {
    name: "arpl in memory",
    code: "mov word [scratch], 0x20\nmov ecx, 3\narpl [scratch], cx\nmov eax, [scratch]\nand eax, 0xffff\ncall show",
  },
  {
    name: "arpl in memory that cannot be written, nothing to raise",
    code: "mov ax, RODATA\nmov ds, ax\nmov ecx, 0\narpl [ss:scratch], cx\narpl [scratch], cx\nmov eax, 0\nsetz al\nmov cx, DATA\nmov ds, cx\ncall show",
  },
  {
    name: "arpl in memory that cannot be written, to be raised",
    code: "mov word [scratch], 0x20\nmov ax, RODATA\nmov ds, ax\nmov ecx, 3\narpl [scratch], cx",
    qemuDiffers: "QEMU does not check the rights of segments",
  },
  { name: "sldt at level 3", code: user("sldt eax") },
  { name: "lldt at level 3", code: user("lldt ax") },
];

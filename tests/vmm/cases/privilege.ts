/** Privileged and sensitive instructions at levels 1 and 3 and in virtual-8086 mode: SDM 3A "Privileged Instructions". */
import { type Case, user, virtual8086 } from "../image";

const PRIVILEGED: readonly string[] = [
  "hlt",
  "clts",
  "lgdt [gdtr]",
  "lidt [idtr]",
  "lldt ax",
  "ltr ax",
  "lmsw ax",
  "mov eax, cr0",
  "mov eax, cr2",
  "mov eax, cr3",
  "mov cr0, eax",
  "mov cr3, eax",
  "mov eax, cr4",
  "mov cr4, eax",
  "mov eax, dr7",
  "mov dr0, eax",
  "invd",
  "wbinvd",
  "invlpg [ebx]",
  "rdmsr",
  "wrmsr",
];
/** Allowed, or by IOPL. */
const SENSITIVE: readonly string[] = [
  "smsw eax\nand eax, 1",
  "sgdt [scratch]",
  "sldt eax",
  "str eax",
  "cli",
  "sti",
  "pushfd\npop eax\nand eax, 0x3202",
  "push dword 0x3202\npopfd\npushfd\npop eax\nand eax, 0x3202",
  "rdtsc\nmov eax, 7",
  "cpuid\nmov eax, 7",
  "int 0x80",
  "mov dx, 0x88\nin al, dx\nmov eax, 7",
];
const level1 = (code: string, flags = 2): string =>
  `mov eax, UDATA|3\nmov ds, ax\nmov es, ax\nxor eax, eax\npush dword DATA1|1\npush dword STACK1\npush dword ${flags}\npush dword CODE1|1\npush dword .user\niretd\n.user:\n${code}\nint 0x80`;
const title = (code: string): string => code.replaceAll("\n", "; ");

export const PRIVILEGE: readonly Case[] = [
  ...PRIVILEGED.flatMap((code): Case[] => [
    { name: `${code} at level 1`, code: level1(code) },
    { name: `${code} at level 3 with IOPL 3`, code: user(code, 0x3002) },
    ...(/gdtr|idtr|ebx|lldt|ltr/.test(code)
      ? []
      : [{ name: `${code} in virtual-8086 mode with IOPL 3`, code: virtual8086(`${code}\nud2`, 0x23002) }]),
  ]),
  ...SENSITIVE.flatMap((code) =>
    [0, 1].map((iopl): Case => ({ name: `${title(code)} at level 1, IOPL ${iopl}`, code: level1(code, 2 | (iopl << 12)) })),
  ),
  { name: "rdtsc at level 1 with TSD", code: `mov eax, cr4\nor eax, 4\nmov cr4, eax\n${level1("rdtsc")}` },
];

/** SYSENTER and SYSEXIT from every mode, MTRRs and the PAT as registers: SDM 2B "SYSENTER", "SYSEXIT", 3A "Memory Cache Control". */
import { type Case, outward, user, virtual8086 } from "../image";

const NO_CHECK = "QEMU does not check it";
const wrmsr = (msr: number, low: string | number, high: string | number = 0): string =>
  `mov ecx, ${msr}\nmov eax, ${low}\nmov edx, ${high}\nwrmsr`;
const rdmsr = (msr: number): string => `mov ecx, ${msr}\nrdmsr\ncall show\nmov eax, edx\ncall show`;
const msrs = (cs: string, entry = ".in"): string =>
  `${wrmsr(0x174, cs)}\n${wrmsr(0x175, "STACK1")}\n${wrmsr(0x176, entry)}\nxor ecx, ecx\nxor edx, edx`;
/** What SYSENTER arrives with. */
const ARRIVAL =
  ".in: mov eax, cs\ncall show\nmov eax, ss\ncall show\nmov eax, esp\ncall show\ncall flags\nmov ax, ds\ncall show\njmp case_done";
const level1 = (code: string): string =>
  `push dword DATA1|1\npush dword STACK1\npush dword 2\npush dword CODE1|1\npush dword .user\niretd\n.user:\n${code}`;

const calls: readonly Case[] = [
  ...["0", "1", "3"].map(
    (cs): Case => ({
      name: `sysenter with a null CS of ${cs}`,
      code: `${msrs(cs)}\nsysenter\n${ARRIVAL}`,
      ...(cs === "0" ? {} : { qemuDiffers: "QEMU takes the RPL for a selector" }),
    }),
  ),
  ...["CODE", "CODE|1", "CODE|3"].map(
    (cs): Case => ({ name: `sysenter at level 0 with CS ${cs}`, code: `${msrs(cs)}\nsysenter\n${ARRIVAL}` }),
  ),
  { name: "sysenter at level 3 with IF and NT", code: `${msrs("CODE")}\n${user("sysenter", 0x4202)}\n${ARRIVAL}` },
  { name: "sysenter at level 3 without CS", code: `${msrs("0")}\n${user("sysenter")}\n${ARRIVAL}` },
  { name: "sysenter at level 1", code: `${msrs("CODE")}\nmov eax, UDATA|3\nmov ds, ax\n${level1("sysenter")}\n${ARRIVAL}` },
  { name: "sysenter looks at no descriptor", code: `${msrs("CODE16")}\nmov dword [gdt+CODE16+4], 0\nsysenter\n${ARRIVAL}` },
  { name: "sysenter from virtual-8086 mode", code: `${msrs("CODE")}\n${virtual8086("sysenter\nud2")}\n${ARRIVAL}` },
  { name: "sysexit at level 3", code: `${msrs("CODE", "0")}\n${user("sysexit")}` },
  { name: "sysexit at level 1", code: `${msrs("CODE", "0")}\n${level1("sysexit")}` },
  { name: "sysexit with a null CS", code: `${msrs("0", "0")}\nmov edx, .out\nmov ecx, USTACK\nsysexit\n.out: int 0x80` },
  { name: "sysexit from virtual-8086 mode", code: `${msrs("CODE", "0")}\n${virtual8086("sysexit\nud2")}` },
  ...["CODE", "CODE|3"].map(
    (cs): Case => ({
      name: `sysexit with CS ${cs}`,
      code: `${msrs(cs, "0")}\nmov eax, UDATA|3\nmov ds, ax\nmov edx, .out\nmov ecx, USTACK-64\nsysexit\n.out: mov eax, esp\nmov bx, cs\nshl ebx, 16\nmov bx, ss\nxor eax, ebx\nint 0x80`,
    }),
  ),
  {
    name: "sysexit keeps IF and IOPL",
    code: `${msrs("CODE", "0")}\nmov eax, UDATA|3\nmov ds, ax\npush dword 0x3202\npopfd\nmov edx, .out\nmov ecx, USTACK-64\nsysexit\n.out: pushfd\npop eax\nint 0x80`,
  },
  {
    name: "sysexit drops no data segment",
    code: `${msrs("CODE", "0")}\nmov ax, DATA\nmov fs, ax\nmov edx, .out\nmov ecx, USTACK-64\nsysexit\n.out: mov eax, 0\nmov ax, fs\nint 0x80`,
  },
];

const registers: readonly Case[] = [
  ...[0x250, 0x258, 0x268, 0x26f].map(
    (msr): Case => ({ name: `fixed MTRR ${msr.toString(16)}`, code: `${wrmsr(msr, 0x06050401, 0x00010406)}\n${rdmsr(msr)}` }),
  ),
  { name: "fixed MTRR with a type that there is not", code: wrmsr(0x259, 0x00000200), qemuDiffers: NO_CHECK },
  { name: "variable MTRR", code: `${wrmsr(0x200, 0xe0000001)}\n${wrmsr(0x201, 0xf0000800, 0xf)}\n${rdmsr(0x200)}\n${rdmsr(0x201)}` },
  { name: "last variable MTRR", code: `${wrmsr(0x20e, 0xd0000006)}\n${wrmsr(0x20f, 0xfff00800, 0xf)}\n${rdmsr(0x20e)}\n${rdmsr(0x20f)}` },
  { name: "variable MTRR with a type that there is not", code: wrmsr(0x200, 0xe0000002), qemuDiffers: NO_CHECK },
  { name: "variable MTRR beyond the physical addresses", code: wrmsr(0x201, 0xf0000800, "0x80000000"), qemuDiffers: NO_CHECK },
  { name: "default type that there is not", code: wrmsr(0x2ff, 0x802), qemuDiffers: NO_CHECK },
  { name: "MTRR capabilities are read-only", code: wrmsr(0xfe, 0), qemuDiffers: NO_CHECK },
  { name: "PAT", code: `${wrmsr(0x277, 0x00070406, 0x00010506)}\n${rdmsr(0x277)}` },
  { name: "MTRR at level 3", code: `${outward(2)}\nmov ecx, 0x200\nrdmsr` },
];

export const FAST_CALLS: readonly Case[] = [...calls, ...registers];

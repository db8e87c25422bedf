/** Far jumps, calls and returns, call gates, IRET. */
import { type Case, intoTask, outward, user } from "../image";

const TARGETS = [
  "0",
  "3",
  "CODE",
  "CODE|1",
  "CODE|3",
  "DATA",
  "UCODE|3",
  "UCODE",
  "CONF",
  "CONF|3",
  "XONLY",
  "NPCODE",
  "NPDATA",
  "LDT",
  "GATE",
  "UGATE",
  "NPGATE",
  "CGATE",
  "UCGATE",
  "BADGATE",
  "TGATE",
  "TSS",
  "TSS2",
  "TSSBAD",
  "NPTSS",
  "UTSS",
  "TINY",
  "TINYGATE",
  "UCONF|3",
  "CALL1",
  "CODE1|1",
  "0x1f",
  "0x24",
  "0x27",
  "0x4000",
];
const CONFORMING = "QEMU clears the RPL of CS";
const LIMITS = "QEMU checks no code limits, or names the selector";
const differs: Readonly<Record<string, Partial<Case>>> = {
  TINY: { qemuDiffers: LIMITS },
  TINYGATE: { qemuDiffers: LIMITS },
  CGATE: { qemuDiffers: CONFORMING },
};
const OTHER_LEVEL = new Set(["UCGATE"]);
const arrival = "mov eax, 0\nmov ax, cs\ncall show\nmov eax, esp\ncall show";
/** Far transfers need literal selectors: through memory. */
const pointer = (selector: string): string => `mov dword [scratch], .there\nmov dword [scratch+4], ${selector}`;

const direct: Case[] = TARGETS.flatMap((selector): Case[] => [
  {
    name: `jmp ${selector} at level 0`,
    code: `${pointer(selector)}\njmp far dword [scratch]\n.there: ${arrival}\njmp case_done`,
    ...differs[selector],
  },
  {
    name: `jmp ${selector} at level 3`,
    code: user(`${pointer(selector)}\njmp far dword [scratch]\n.there: mov ax, cs`),
    ...differs[selector],
  },
  {
    name: `call ${selector} at level 0`,
    code: `${pointer(selector)}\ncall far dword [scratch]\n.there: ${arrival}\njmp case_done`,
    ...differs[selector],
  },
  ...(OTHER_LEVEL.has(selector)
    ? []
    : [
        {
          name: `call ${selector} at level 3`,
          code: user(
            `${pointer(selector)}\npush dword 0x31\npush dword 0x32\npush dword 0x33\npush dword 0x34\ncall far dword [scratch]\n.there: mov eax, esp`,
          ),
          ...differs[selector],
        },
      ]),
]);

/** RETF and IRET to each kind of code segment. */
const returns: Case[] = [
  "0",
  "CODE",
  "CODE|1",
  "CODE|3",
  "UCODE|3",
  "UCODE",
  "DATA",
  "CONF",
  "CONF|1",
  "CONF|3",
  "UCONF|3",
  "NPCODE",
  "TINY",
  "CODE1|1",
  "XONLY",
  "LDT",
  "0x1f",
  "0x4000",
].flatMap((cs): Case[] => [
  {
    name: `retf to ${cs}`,
    code: `push dword UDATA|3\npush dword USTACK\npush dword ${cs}\npush dword .there\nretf\n.there: mov ax, cs\nint 0x80`,
    ...differs[cs],
  },
  {
    name: `iret to ${cs}`,
    code: `push dword UDATA|3\npush dword USTACK\npush dword 0x202\npush dword ${cs}\npush dword .there\niretd\n.there: mov ax, cs\nint 0x80`,
    ...differs[cs],
  },
  {
    name: `retf to ${cs} at level 3`,
    code: user(`push dword UDATA|3\npush dword USTACK\npush dword ${cs}\npush dword .there\nretf\n.there: mov ax, cs`),
  },
  {
    name: `iret to ${cs} at level 3`,
    code: user(`push dword UDATA|3\npush dword USTACK\npush dword 0x202\npush dword ${cs}\npush dword .there\niretd\n.there: mov ax, cs`),
  },
]);

const outerStacks: Case[] = ["0", "3", "DATA", "UDATA", "UDATA|3", "RODATA", "UCODE|3", "NPDATA|3", "DATA1|1", "0x17", "0x4003"].flatMap(
  (ss): Case[] => [
    {
      name: `iret outward with stack ${ss}`,
      code: `push dword ${ss}\npush dword USTACK\npush dword 2\npush dword UCODE|3\npush dword .there\niretd\n.there: mov ax, ss\nint 0x80`,
    },
    {
      name: `retf 8 outward with stack ${ss}`,
      code: `push dword ${ss}\npush dword USTACK\npush dword 0x77\npush dword 0x66\npush dword UCODE|3\npush dword .there\nretf 8\n.there: mov eax, esp\nint 0x80`,
    },
  ],
);

const flagChanges: Case[] = [0, 1, 3].flatMap((level): Case[] =>
  [0, 3].flatMap((iopl): Case[] => {
    const go = (code: string): string =>
      level === 0
        ? `push dword ${(iopl << 12) | 2}\npopfd\n${code}\nint 0x80`
        : level === 1
          ? `mov eax, UDATA|3\nmov ds, ax\nxor eax, eax\npush dword DATA1|1\npush dword STACK1\npush dword ${(iopl << 12) | 2}\npush dword CODE1|1\npush dword .user\niretd\n.user:\n${code}\nint 0x80`
          : user(code, (iopl << 12) | 2);
    return [
      { name: `popfd all ones at level ${level}, IOPL ${iopl}`, code: go("push dword 0xffdcfeff\npopfd\npushfd\npop eax") },
      { name: `popfd zero at level ${level}, IOPL ${iopl}`, code: go("push dword 0\npopfd\npushfd\npop eax") },
      { name: `popf all ones at level ${level}, IOPL ${iopl}`, code: go("push dword 0xfeff\no16 popf\npush dword 0\no16 pushf\npop eax") },
      {
        name: `iretd all ones at level ${level}, IOPL ${iopl}`,
        code: go("push dword 0xffdc3eff\nmov ax, cs\npush eax\npush dword .back\niretd\n.back: pushfd\npop eax"),
        ...(level === 0 ? { qemuDiffers: "QEMU does not load VIF and VIP" } : {}),
      },
      {
        name: `o16 iret at level ${level}, IOPL ${iopl}`,
        code: go(
          "call .pc\n.pc: pop ecx\nmov byte [0x7000], 0xe9\nmov edx, .back-0x7005\nmov [0x7001], edx\nmov ax, 0x3eff\npush ax\nmov ax, cs\npush ax\nmov ax, 0x7000\npush ax\no16 iret\n.back: pushfd\npop eax",
        ),
      },
    ];
  }),
);

export const TRANSFERS: readonly Case[] = [
  ...direct,
  ...returns,
  ...outerStacks,
  ...flagChanges,
  {
    name: "16-bit gate with parameters",
    code: user("push dword 0x11112222\npush dword 0x33334444\nmov dword [scratch+4], GATE16\ncall far dword [scratch]"),
  },
  {
    name: "call gate, not enough room",
    code: intoTask(
      12,
      `mov dword [tss+8], SMALL\nmov dword [tss+4], 24\n${user("mov dword [scratch+4], PGATE\ncall far dword [scratch]")}`,
    ),
    qemuDiffers: "QEMU checks no stack limits",
  },
  {
    name: "16-bit far call and return",
    code: "mov byte [0x7300], 0x66\nmov byte [0x7301], 0xcb\nmov word [scratch], 0x7300\nmov word [scratch+2], CODE\nmov ebx, esp\nmov byte [0x7310], 0x66\nmov byte [0x7311], 0xff\nmov byte [0x7312], 0x1d\nmov dword [0x7313], scratch\nmov byte [0x7317], 0xe9\nmov dword [0x7318], .back-0x731c\njmp .go\n.go: mov eax, 0x7310\njmp eax\n.back: mov eax, esp\nsub eax, ebx\ncall show",
  },
  {
    name: "far call pushes",
    code: "call CODE:.there\n.there: mov eax, [esp]\nsub eax, .there\ncall show\nmov eax, [esp+4]\nand eax, 0xffff\ncall show\nadd esp, 8",
  },
  {
    name: "segments are dropped on return to level 3",
    code: `mov ax, DATA\nmov es, ax\nmov ax, UDATA\nmov fs, ax\nmov ax, CONF\nmov gs, ax\n${outward(2)}\nmov eax, 0\nmov ax, es\nshl eax, 8\nmov ecx, 0\nmov cx, fs\nor eax, ecx\nshl eax, 8\nmov cx, gs\nor eax, ecx\nshl eax, 8\nmov cx, ds\nor eax, ecx\nint 0x80`,
  },
  { name: "sysenter without CS", code: "mov ecx, 0x174\nxor eax, eax\nxor edx, edx\nwrmsr\nsysenter" },
  {
    name: "sysenter and sysexit",
    code: `mov ecx, 0x174\nmov eax, CODE|3\nxor edx, edx\nwrmsr\ninc ecx\nmov eax, STACK1\nwrmsr\ninc ecx\nmov eax, .in\nwrmsr\n${user("sysenter\n.out: mov eax, esp\nint 0x80\n.in: mov eax, cs\ncall show\nmov eax, ss\ncall show\nmov eax, esp\ncall show\ncall flags\nmov edx, .out\nmov ecx, USTACK-64\nsysexit", 0x202)}`,
  },
];

/** LOCK where it is and is not allowed, and the 15 bytes that an instruction may have: SDM 2A "LOCK", 2A 2.3.11, 3A "#GP". */
import { type Case, user } from "../image";

const SHOW = "mov eax, [scratch]\ncall show\nmov eax, [scratch+4]\ncall show";

/** May be locked, with a memory destination alone. */
const LOCKABLE: readonly [name: string, memory: string, register: string][] = [
  ...["add", "or", "adc", "sbb", "and", "sub", "xor"].map((op): [string, string, string] => [op, `${op} [scratch], eax`, `${op} ecx, eax`]),
  ["add immediate", "add dword [scratch], 0x12345678", "add ecx, 0x12345678"],
  ["xor byte", "xor byte [scratch], 0x55", "xor cl, 0x55"],
  ["inc", "inc dword [scratch]", "db 0xff, 0xc1"],
  ["dec", "dec word [scratch]", "db 0x66, 0xff, 0xc9"],
  ["not", "not dword [scratch]", "not ecx"],
  ["neg", "neg byte [scratch]", "neg cl"],
  ["bts", "bts dword [scratch], eax", "bts ecx, eax"],
  ["btr immediate", "btr dword [scratch], 5", "btr ecx, 5"],
  ["btc", "btc [scratch], ax", "btc cx, ax"],
  ["xchg", "xchg [scratch], eax", "xchg edx, ecx"],
  ["xadd", "xadd [scratch], eax", "xadd ecx, eax"],
  ["cmpxchg", "cmpxchg [scratch], ecx", "cmpxchg ecx, edx"],
  ["cmpxchg8b", "cmpxchg8b [scratch]", "db 0x0f, 0xc7, 0xc9"],
];
/** May not, whatever they write. */
const NEVER: readonly string[] = [
  "nop",
  "cmp [scratch], eax",
  "test [scratch], eax",
  "bt dword [scratch], 5",
  "add eax, [scratch]",
  "mov [scratch], eax",
  "mov eax, [scratch]",
  "shl dword [scratch], 1",
  "mul dword [scratch]",
  "imul ecx, eax",
  "push eax",
  "pop eax",
  "movsd",
  "stosb",
  "lea eax, [scratch]",
  "setz [scratch]",
  "shld [scratch], eax, 1",
  "bswap eax",
  "jmp .over\n.over:",
  "hlt",
  "int 0x80",
  "cli",
  "mov eax, cr3",
  "lgdt [gdtr]",
  "fld dword [scratch]",
];

const IGNORED = "QEMU 7.2 looks at LOCK in front of some instructions only";
const QEMU_REFUSES: ReadonlySet<string> = new Set(["nop", "cmp [scratch], eax", "add eax, [scratch]"]);
const lock = (code: string): string => `db 0xf0\n${code}`;
const locked: readonly Case[] = [
  ...LOCKABLE.flatMap(([name, memory, register]): Case[] => [
    {
      name: `lock ${name} in memory`,
      code: `mov dword [scratch], 0x80000001\nmov dword [scratch+4], 7\nmov eax, 3\nmov ecx, 5\n${lock(memory)}\n${SHOW}`,
    },
    {
      name: `lock ${name} of a register`,
      code: `mov eax, 3\n${lock(register)}`,
      ...(/^bt/.test(name)
        ? { qemuDiffers: "QEMU 7.2 stops with an assertion of its own" }
        : /^x(chg|add)$/.test(name)
          ? { qemuDiffers: IGNORED }
          : {}),
    },
  ]),
  ...NEVER.map(
    (code): Case => ({
      name: `lock ${code.split("\n")[0]}`,
      code: lock(code),
      ...(QEMU_REFUSES.has(code) ? {} : { qemuDiffers: IGNORED }),
    }),
  ),
  {
    name: "lock before a privileged instruction at level 3",
    code: user(lock("hlt")),
    qemuDiffers: "QEMU refuses HLT for its privilege first",
  },
  { name: "lock and an undefined opcode", code: lock("ud2") },
];

/** `count` prefix bytes before `code`. */
const padded = (prefix: number, count: number, code: string): string => `times ${count} db ${prefix}\n${code}`;
const DS = 0x3e;
const SIZE = 0x66;
const REP = 0xf3;
/** Name, instruction and its bytes without prefixes. */
const SIZED: readonly [name: string, code: string, bytes: number][] = [
  ["nop", "nop", 1],
  ["mov eax, imm32", "mov eax, 0x12345678", 5],
  ["movzx", "movzx eax, byte [scratch]", 7],
  ["add mem, imm32", "add dword [ebx+ecx*4+scratch], 0x12345678", 11],
  ["ud2", "ud2", 2],
  ["jmp short", "jmp short .to\n.to:", 2],
];
const lengths: readonly Case[] = [
  ...SIZED.flatMap(([name, code, bytes]): Case[] => [
    { name: `15 bytes: ${name}`, code: `${padded(DS, 15 - bytes, code)}\ncall show` },
    { name: `16 bytes: ${name}`, code: `${padded(DS, 16 - bytes, code)}\ncall show` },
    { name: `16 bytes at level 3: ${name}`, code: user(padded(DS, 16 - bytes, code)) },
  ]),
  { name: "14 operand sizes and a nop", code: `${padded(SIZE, 14, "nop")}\ncall show` },
  { name: "15 operand sizes and a nop", code: padded(SIZE, 15, "nop") },
  { name: "14 repeats and a nop", code: `${padded(REP, 14, "nop")}\ncall show` },
  { name: "nothing but prefixes", code: padded(REP, 40, "nop") },
  {
    name: "16 bytes whose last is in a page that is not present",
    qemuDiffers: "QEMU fetches the sixteenth byte",
    code: `mov edi, 0x1c0000\nmov eax, 0x83\nmov ecx, 1024\n.fill: mov [edi], eax\nadd edi, 4\nadd eax, 0x400000\nloop .fill
mov dword [0x1c0004], 0x1d0007\nmov dword [0x1d0000], 0x1e0003\nmov dword [0x1d0004], 0\nmov edi, 0x1e0ff1\nmov ecx, 15\nmov al, 0x2e\nrep stosb
mov eax, 0x1c0000\nmov cr3, eax\nmov eax, cr4\nor eax, 0x10\nmov cr4, eax\nmov eax, cr0\nor eax, 0x80000000\nmov cr0, eax\nmov eax, 0x400ff1\njmp eax`,
  },
];

export const PREFIXES: readonly Case[] = [...locked, ...lengths];

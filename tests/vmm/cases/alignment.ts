/** #AC: only at level 3 with CR0.AM and EFLAGS.AC, by the size of what is accessed. SDM 3A "Interrupt 17". */
import { type Case, outward, user } from "../image";

const NO_CHECK = "QEMU checks no alignment";
const AC = 0x40002;
const AM = "mov eax, cr0\nor eax, 0x40000\nmov cr0, eax";
/** Instruction with a memory operand at EBX, and the alignment that it asks for. */
const ACCESSES: readonly [code: string, alignment: number][] = [
  ["mov al, [ebx]", 1],
  ["mov ax, [ebx]", 2],
  ["mov [ebx], ax", 2],
  ["mov eax, [ebx]", 4],
  ["add [ebx], eax", 4],
  ["push dword [ebx]", 4],
  ["cmpxchg8b [ebx]", 8],
  ["fld dword [ebx]", 4],
  ["fld qword [ebx]", 8],
  ["fld tword [ebx]", 8],
  ["movsd", 4],
  ["bt dword [ebx], 3", 4],
  ["lds eax, [ebx]", 4],
  ["bound eax, [ebx]", 4],
];

const at = (code: string, offset: number): string =>
  `mov ebx, scratch+0x100+${offset}\nmov esi, ebx\nmov edi, scratch+0x200\nmov eax, 0\nfninit\n${code}\nmov eax, 7`;

export const ALIGNMENT: readonly Case[] = [
  ...ACCESSES.flatMap(([code, alignment]): Case[] => [
    { name: `${code}, aligned`, code: `${AM}\n${user(at(code, 0), AC)}` },
    ...(alignment === 1 ? [] : [{ name: `${code}, off by one`, code: `${AM}\n${user(at(code, 1), AC)}`, qemuDiffers: NO_CHECK }]),
    ...(alignment > 4 ? [{ name: `${code}, off by four`, code: `${AM}\n${user(at(code, 4), AC)}`, qemuDiffers: NO_CHECK }] : []),
  ]),
  { name: "no check without AM", code: user(at("mov eax, [ebx]", 1), AC) },
  { name: "no check without AC", code: `${AM}\n${user(at("mov eax, [ebx]", 1))}` },
  { name: "no check at level 0", code: `${AM}\npush dword ${AC}\npopfd\n${at("mov eax, [ebx]", 1)}\ncall show` },
  {
    name: "no check of what the processor reads itself",
    code: `${AM}\nmov eax, gdt\ninc eax\nmov dword [tss+4], KSTACK-0x803\n${user("mov eax, 7", AC)}`,
  },
  {
    name: "the frame of IRET is checked at level 3",
    code: `${AM}\nmov eax, UDATA|3\nmov ds, ax\nmov es, ax\nxor eax, eax\n${outward(AC)}\nmov esp, USTACK-0x101\npush eax\nint 0x80`,
    qemuDiffers: NO_CHECK,
  },
  {
    // As processors do; the SDM's table of priorities has the page fault first.
    name: "#AC comes before the page fault",
    code: `mov edi, 0x1c0000\nmov eax, 0x87\nmov ecx, 1024\n.fill: mov [edi], eax\nadd edi, 4\nadd eax, 0x400000\nloop .fill\nmov dword [0x1c0004], 0\nmov eax, 0x1c0000\nmov cr3, eax\nmov eax, cr4\nor eax, 0x10\nmov cr4, eax\nmov eax, cr0\nor eax, 0x80040000\nmov cr0, eax\n${user("mov eax, [0x400001]", AC)}`,
    qemuDiffers: NO_CHECK,
  },
];

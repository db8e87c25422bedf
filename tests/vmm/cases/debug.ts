/** Debug registers, single stepping, INT1: SDM 3B "Debug, Branch Profile, TSC". */
import { type Case, place, user } from "../image";

/**
 * `code` with a handler of #DB that logs where, TF and RF as pushed, and DR6, clears DR6, and returns with RF set. `after` is
 * said to the handler before it returns (the frame is at ESP + 4, EAX saved).
 */
const watched = (code: string, after = ""): string => `
mov dword [idt+8], (.db&0xffff)|0x80000
mov dword [idt+12], (.db&0xffff0000)|0x8e00
${code}
jmp .over
.db: push eax
mov eax, [esp+4]
call show
mov eax, [esp+12]
and eax, 0x10100
call show
mov eax, dr6
call show
mov eax, 0
mov dr6, eax
or dword [esp+12], 0x10000
${after}
pop eax
iretd
.over: mov eax, 0
mov dr7, eax
call line
jmp case_done`;

/** DR7 with breakpoint `n` enabled globally: kind 0 execute, 1 write, 2 I/O, 3 read and write; length 0 1, 1 2, 3 4 bytes. */
const enable = (kind: number, length: number, n = 0): number => (2 << (2 * n)) | (kind << (16 + 4 * n)) | (length << (18 + 4 * n));
const arm = (address: string, kind: number, length: number, n = 0): string =>
  `mov eax, ${address}\nmov dr${n}, eax\nmov eax, ${enable(kind, length, n)}\nmov dr7, eax`;
const TF = "pushfd\nor dword [esp], 0x100\npopfd";
const NO_TF = "pushfd\nand dword [esp], ~0x100\npopfd";

const ACCESSES: readonly [name: string, code: string][] = [
  ["byte below", "mov byte [scratch+0xff], 1"],
  ["byte", "mov byte [scratch+0x100], 1"],
  ["second byte", "mov byte [scratch+0x101], 1"],
  ["byte above", "mov byte [scratch+0x104], 1"],
  ["word into it", "mov word [scratch+0xff], 1"],
  ["dword into it", "mov dword [scratch+0xfd], 1"],
  ["read", "mov eax, [scratch+0x100]"],
  ["read, modify and write", "inc dword [scratch+0x100]"],
  ["xchg", "xchg eax, [scratch+0x100]"],
  ["test", "test byte [scratch+0x100], 1"],
];
const DATA: readonly Case[] = [
  ["write 1", 1, 0],
  ["write 2", 1, 1],
  ["write 4", 1, 3],
  ["read or write 1", 3, 0],
  ["read or write 2", 3, 1],
  ["read or write 4", 3, 3],
].flatMap(([name, kind, length]) =>
  ACCESSES.map(
    ([what, code]): Case => ({
      name: `${name}: ${what}`,
      code: watched(`${arm("scratch+0x100", kind as number, length as number)}\n${code}\nnop`),
    }),
  ),
);

const STEPS: readonly Case[] = [
  { name: "steps: plain", code: watched(`${TF}\nnop\nmov eax, 1\n${NO_TF}\nnop`) },
  { name: "steps: popf that clears", code: watched(`pushfd\npushfd\nor dword [esp], 0x100\npopfd\npopfd\nnop`) },
  { name: "steps: taken jump", code: watched(`${TF}\njmp .a\nnop\n.a: jecxz .b\nnop\n.b: ${NO_TF}\nnop`) },
  { name: "steps: call and ret", code: watched(`${TF}\ncall .a\n${NO_TF}\njmp .c\n.a: ret\n.c: nop`) },
  {
    name: "steps: rep movsb",
    code: watched(`mov esi, scratch\nmov edi, scratch+0x80\nmov ecx, 3\n${TF}\nrep movsb\n${NO_TF}\nnop`),
    qemuDiffers: "QEMU sets no RF between iterations",
  },
  { name: "steps: rep of nothing", code: watched(`xor ecx, ecx\n${TF}\nrep stosb\n${NO_TF}\nnop`) },
  {
    name: "steps: repne scasb",
    code: watched(
      `mov edi, scratch\nmov ecx, 9\nmov eax, 0\nmov [scratch+2], eax\nmov word [scratch], 0x101\n${TF}\nrepne scasb\n${NO_TF}\nnop`,
    ),
    qemuDiffers: "QEMU sets no RF between iterations",
  },
  {
    name: "steps: mov ss",
    code: watched(`mov ax, ss\n${TF}\nmov ss, ax\nnop\nnop\n${NO_TF}\nnop`),
    qemuDiffers: "QEMU traps after MOV SS too",
  },
  {
    name: "steps: sti",
    code: watched(`${TF}\nsti\nnop\ncli\n${NO_TF}\nnop`),
    qemuDiffers: "QEMU holds the trap back after STI, as after MOV SS",
  },
  {
    name: "steps: iret that sets TF",
    code: watched(`pushfd\nor dword [esp], 0x100\npush dword CODE\npush dword .a\niretd\n.a: nop\n${NO_TF}\nnop`),
  },
  {
    name: "steps: int n",
    code: watched(
      `mov dword [idt+8*0x21], (.i&0xffff)|0x80000\nmov dword [idt+8*0x21+4], (.i&0xffff0000)|0x8e00\n${TF}\nint 0x21\nnop\n${NO_TF}\njmp .c\n.i: nop\niretd\n.c: nop`,
    ),
  },
  {
    name: "steps: into the handler of a fault",
    code: watched(
      `mov dword [idt+8*6], (.i&0xffff)|0x80000\nmov dword [idt+8*6+4], (.i&0xffff0000)|0x8e00\n${TF}\nud2\n${NO_TF}\njmp .c\n.i: add dword [esp], 2\niretd\n.c: nop`,
    ),
  },
  {
    name: "steps: sysenter",
    code: watched(
      `mov ecx, 0x174\nmov eax, CODE\nxor edx, edx\nwrmsr\ninc ecx\nmov eax, 0x17f000\nwrmsr\ninc ecx\nmov eax, .s\nwrmsr\nmov ebp, esp\n${TF}\nsysenter\n.s: mov esp, ebp\n${NO_TF}\nnop`,
    ),
  },
  {
    name: "steps: program at level 3",
    code: `mov dword [tss+4], KSTACK-0x800\n${watched(user(`nop\ninc ecx\nint 0x80`, 0x102))}`,
  },
  {
    name: "steps: hlt",
    code: watched(`${TF}\nhlt\n${NO_TF}\nnop`),
    qemuDiffers: "QEMU halts",
  },
  {
    name: "steps: int1",
    code: watched(`${TF}\ndb 0xf1\nnop\n${NO_TF}\nnop`),
    qemuDiffers: "QEMU takes F1 for undefined",
  },
  {
    name: "steps: int3",
    code: watched(
      `mov dword [idt+8*3], (.i&0xffff)|0x80000\nmov dword [idt+8*3+4], (.i&0xffff0000)|0xee00\n${TF}\nint3\nnop\n${NO_TF}\njmp .c\n.i: iretd\n.c: nop`,
    ),
  },
  { name: "steps: cpuid and rdtsc", code: watched(`${TF}\ncpuid\nrdtsc\n${NO_TF}\nnop`) },
  { name: "steps: mov cr0", code: watched(`mov eax, cr0\n${TF}\nmov cr0, eax\n${NO_TF}\nnop`) },
  {
    name: "steps: into a task",
    code: watched(`mov dword [tss2+0x24], 0x102\nmov dword [tss2+0x20], .t\njmp TSS2:0\n.t: nop\n${NO_TF}\nnop`),
  },
  {
    name: "steps: into virtual-8086 mode",
    code: watched(
      `mov dword [tss+4], KSTACK-0x800\n${place(0x8000, "nop\nnop\nint 0x80", 16)}\npush dword 0\npush dword 0\npush dword 0\npush dword 0\npush dword 0x900\npush dword 0x1000\npush dword 0x23102\npush dword 0x800\npush dword 0\niretd`,
    ),
  },
];

const MORE: readonly Case[] = [
  { name: "instruction", code: watched(`${arm(".a", 0, 0)}\nnop\n.a: inc ecx\nmov eax, ecx\ncall show`) },
  {
    name: "instruction: four of them",
    code: watched(
      `${[0, 1, 2, 3].map((n) => `mov eax, .a${n}\nmov dr${n}, eax`).join("\n")}\nmov eax, 0xaa\nmov dr7, eax\n.a0: nop\n.a1: nop\n.a2: nop\n.a3: nop\nnop`,
    ),
  },
  { name: "instruction: disabled", code: watched(`mov eax, .a\nmov dr0, eax\nmov eax, 0\nmov dr7, eax\n.a: nop`) },
  { name: "instruction: local enable", code: watched(`mov eax, .a\nmov dr0, eax\nmov eax, 1\nmov dr7, eax\n.a: nop`) },
  { name: "instruction: its second byte", code: watched(`${arm(".a+1", 0, 0)}\n.a: mov eax, 5\nnop`) },
  { name: "instruction: loop", code: watched(`${arm(".a", 0, 0)}\nmov ecx, 3\n.a: dec ecx\njnz .a\nnop`) },
  {
    name: "instruction: in the block that arms it",
    code: watched(`mov eax, .a\nmov dr0, eax\nmov eax, 2\nmov dr7, eax\nnop\nnop\n.a: nop`),
  },
  {
    name: "instruction: RF from iret",
    code: watched(`${arm(".a", 0, 0)}\npushfd\nor dword [esp], 0x10000\npush dword CODE\npush dword .a\niretd\n.a: inc ecx\nnop`),
  },
  {
    name: "instruction: popf clears no RF, sets none",
    code: watched(`${arm(".a", 0, 0)}\npushfd\nor dword [esp], 0x10000\npopfd\n.a: inc ecx\nnop`),
  },
  {
    name: "instruction: before its fault",
    code: watched(
      `mov dword [idt+8*6], (.i&0xffff)|0x80000\nmov dword [idt+8*6+4], (.i&0xffff0000)|0x8e00\n${arm(".a", 0, 0)}\n.a: ud2\njmp .c\n.i: mov eax, [esp+8]\nand eax, 0x10000\ncall show\nadd dword [esp], 2\niretd\n.c: nop`,
    ),
  },
  {
    name: "instruction: on rep movsb",
    code: watched(`mov esi, scratch\nmov edi, scratch+0x80\nmov ecx, 3\n${arm(".a", 0, 0)}\n.a: rep movsb\nnop`),
    qemuDiffers: "QEMU hits at each iteration",
  },
  {
    name: "instruction: after mov ss",
    code: watched(`mov ecx, ss\n${arm(".a", 0, 0)}\nmov ss, cx\n.a: nop\nnop`),
    qemuDiffers: "QEMU hits there too",
  },
  {
    name: "instruction: and step",
    code: watched(`${arm(".a", 0, 0)}\n${TF}\nnop\n.a: nop\n${NO_TF}\nnop`),
    qemuDiffers: "QEMU reports the breakpoint with the step before it",
  },
  {
    name: "instruction: at level 3",
    code: `mov dword [tss+4], KSTACK-0x800\n${watched(`${arm(".a", 0, 0)}\n${user("nop\n.a: inc ecx\nint 0x80")}`)}`,
  },
  {
    name: "data: step and write together",
    code: watched(`${arm("scratch", 1, 3)}\n${TF}\nmov [scratch], eax\n${NO_TF}\nnop`),
    qemuDiffers: "QEMU steps into the handler",
  },
  {
    name: "data: two at once",
    code: watched(
      `mov eax, scratch\nmov dr0, eax\nmov dr3, eax\nmov eax, ${enable(1, 3) | enable(3, 0, 3)}\nmov dr7, eax\nmov [scratch], eax\nnop`,
    ),
    qemuDiffers: "QEMU reports the last of several hits",
  },
  { name: "data: push", code: watched(`mov ebx, esp\nmov esp, scratch+0x104\n${arm("scratch+0x100", 1, 3)}\npush ecx\nmov esp, ebx\nnop`) },
  { name: "data: pusha", code: watched(`mov ebx, esp\nmov esp, scratch+0x180\n${arm("scratch+0x170", 1, 3)}\npushad\nmov esp, ebx\nnop`) },
  { name: "data: pop", code: `mov dword [tss+4], KSTACK-0x800\n${watched(`${arm("USTACK", 3, 3)}\n${user("pop ecx\nint 0x80")}`)}` },
  {
    name: "data: rep stosd",
    code: watched(`mov edi, scratch\nmov ecx, 0x40\n${arm("scratch+0x80", 1, 3)}\nrep stosd\nmov eax, ecx\ncall show`),
    qemuDiffers: "QEMU sets no RF between iterations",
  },
  {
    name: "data: rep stosd over two",
    code: watched(
      `mov edi, scratch\nmov ecx, 0x40\nmov eax, scratch+0x80\nmov dr0, eax\nadd eax, 4\nmov dr1, eax\nmov eax, ${enable(1, 3) | enable(1, 3, 1)}\nmov dr7, eax\nrep stosd\nmov eax, ecx\ncall show`,
    ),
    qemuDiffers: "QEMU sets no RF between iterations",
  },
  {
    name: "data: rep stosd, the last one",
    code: watched(`mov edi, scratch\nmov ecx, 0x21\n${arm("scratch+0x80", 1, 3)}\nrep stosd\nmov eax, ecx\ncall show`),
    qemuDiffers: "QEMU traps before the last iteration is over",
  },
  {
    name: "data: rep movsb source",
    code: watched(
      `mov esi, scratch\nmov edi, scratch+0x800\nmov ecx, 0x100\n${arm("scratch+0x80", 3, 0)}\nrep movsb\nmov eax, ecx\ncall show`,
    ),
    qemuDiffers: "QEMU sets no RF between iterations",
  },
  {
    name: "data: rep movsd where none is near",
    code: watched(
      `mov esi, scratch\nmov edi, scratch+0x800\nmov ecx, 0x40\n${arm("scratch+0xf00", 3, 0)}\nrep movsd\nmov eax, ecx\ncall show`,
    ),
  },
  {
    name: "data: cmpsb both",
    code: watched(
      `mov esi, scratch\nmov edi, scratch+4\nmov eax, esi\nmov dr0, eax\nmov eax, edi\nmov dr1, eax\nmov eax, ${enable(3, 0) | enable(3, 0, 1)}\nmov dr7, eax\ncmpsb\nnop`,
    ),
    qemuDiffers: "QEMU reports the last of several hits",
  },
  { name: "data: across a page", code: watched(`${arm("scratch+0x1000", 1, 0)}\nmov dword [scratch+0xffe], 1\nnop`) },
  { name: "data: lock cmpxchg8b", code: watched(`${arm("scratch+4", 1, 3)}\nlock cmpxchg8b [scratch]\nnop`) },
  { name: "data: x87 store", code: watched(`${arm("scratch+8", 1, 1)}\nfninit\nfldz\nfstp tword [scratch]\nnop`) },
  {
    name: "data: mov ss from it",
    code: watched(`mov [scratch], ss\n${arm("scratch", 3, 1)}\nmov ss, [scratch]\nnop\nnop`),
    qemuDiffers: "QEMU traps at once",
  },
  // As kvm-unit-tests' debug.c has it from hardware: one #DB, with both causes.
  {
    name: "data: mov ss from it, then INT1",
    code: watched(`mov [scratch], ss\n${arm("scratch", 3, 1)}\nmov ss, [scratch]\ndb 0xf1\nnop`),
    qemuDiffers: "QEMU traps at once",
  },
  {
    name: "data: mov ss from it, then INT 1",
    code: watched(`mov [scratch], ss\n${arm("scratch", 3, 1)}\nmov ss, [scratch]\nint 1\nnop`),
    qemuDiffers: "QEMU traps at once",
  },
  { name: "data: a descriptor that is loaded", code: watched(`${arm("gdt+DATA", 3, 3)}\nmov eax, DATA\nmov gs, ax\nnop`) },
  {
    name: "data: the frame of a software interrupt",
    code: `mov dword [tss+4], KSTACK-0x800\n${watched(`mov dword [idt+8*0x21], (.i&0xffff)|0x80000\nmov dword [idt+8*0x21+4], (.i&0xffff0000)|0xee00\n${arm("KSTACK-0x804", 1, 3)}\n${user("int 0x21\nint 0x80")}\n.i: nop\niretd`)}`,
    qemuDiffers: "QEMU hangs",
  },
  {
    name: "data: no trap of an instruction that faults",
    code: watched(
      `mov dword [idt+8*13], (.i&0xffff)|0x80000\nmov dword [idt+8*13+4], (.i&0xffff0000)|0x8e00\nmov eax, SMALL\nmov es, ax\nmov edi, 0x2000\nmov esi, scratch\n${arm("scratch", 3, 3)}\n.f: movsd\njmp .c\n.i: mov ax, DATA\nmov es, ax\nmov eax, dr6\ncall show\nmov edi, scratch+0x40\nadd esp, 4\niretd\n.c: nop`,
    ),
    qemuDiffers: "QEMU checks no limits",
  },
  {
    name: "data: self-modifying store",
    code: watched(`${arm(".p+1", 1, 3)}\nmov dword [.p+1], 0x1234\n.p: mov eax, 5\ncall show`),
    qemuDiffers: "QEMU hangs",
  },
  { name: "data: disarmed", code: watched(`${arm("scratch", 1, 3)}\nmov eax, 0\nmov dr7, eax\nmov [scratch], eax\nnop`) },
  { name: "port: out with DE", code: watched(`mov eax, cr4\nor eax, 8\nmov cr4, eax\n${arm("0x80", 2, 0)}\nout 0x80, al\nnop`) },
  { name: "port: in with DE", code: watched(`mov eax, cr4\nor eax, 8\nmov cr4, eax\n${arm("0x61", 2, 0)}\nin al, 0x61\nmov eax, 0\nnop`) },
  { name: "port: without DE", code: watched(`${arm("0x80", 2, 0)}\nout 0x80, al\nnop`), qemuDiffers: "undefined by the SDM; QEMU hits" },
  { name: "port: beside it", code: watched(`mov eax, cr4\nor eax, 8\nmov cr4, eax\n${arm("0x80", 2, 0)}\nout 0x84, al\nnop`) },
  {
    name: "port: wide access",
    code: watched(`mov eax, cr4\nor eax, 8\nmov cr4, eax\n${arm("0x81", 2, 0)}\nmov edx, 0x80\nout dx, ax\nnop`),
  },
  {
    name: "port: rep outsb",
    code: watched(
      `mov eax, cr4\nor eax, 8\nmov cr4, eax\n${arm("0x80", 2, 0)}\nmov edx, 0x80\nmov esi, scratch\nmov ecx, 2\nrep outsb\nnop`,
    ),
    qemuDiffers: "QEMU reports the last iteration only",
  },
  {
    name: "task: T flag",
    code: watched(`mov word [tss2+0x64], 1\nmov dword [tss2+0x20], .t\njmp TSS2:0\n.t: nop\nnop`),
    qemuDiffers: "QEMU knows no T flag",
  },
  {
    name: "task: local enables are cleared",
    code: `mov eax, 0x355\nmov dr7, eax\nmov dword [tss2+0x20], .t\njmp TSS2:0\n.t: mov eax, dr7\ncall show\nmov eax, 0\nmov dr7, eax\njmp case_done`,
    qemuDiffers: "QEMU leaves LE",
  },
  {
    name: "task: global ones are not",
    code: watched(
      `mov eax, scratch\nmov dr1, eax\nmov dr2, eax\nmov eax, ${(enable(1, 0, 1) >> 0) | 0x10 | (1 << 24)}\nmov dr7, eax\nmov dword [tss2+0x20], .t\njmp TSS2:0\n.t: mov byte [scratch], 1\nnop`,
    ),
  },
  {
    name: "dr7 reserved bits",
    code: "mov eax, -1\nand eax, ~0x2000\nmov dr7, eax\nmov eax, dr7\ncall show\nmov eax, 0\nmov dr7, eax",
    qemuDiffers: "QEMU keeps bits 11, 12, 14 and 15",
  },
  {
    name: "general detect is cleared on entry",
    code: watched("mov eax, 0x2000\nmov dr7, eax\n.a: mov eax, dr0\nnop", "mov eax, dr7\ncall show"),
    qemuDiffers: "QEMU has no general detect",
  },
  {
    name: "dr6 is sticky but for the hits",
    code: watched(`mov eax, 0xe00f\nmov dr6, eax\n${arm("scratch", 1, 0)}\nmov byte [scratch], 1\nnop`),
    qemuDiffers: "QEMU keeps BT",
  },
  { name: "real mode of it: dr registers at level 3", code: user("mov eax, dr0") },
];

export const DEBUG: readonly Case[] = [
  ...DATA,
  ...STEPS,
  ...MORE.map((one) => ({ ...one, name: one.name.replace("real mode of it: ", "") })),
];

/**
 * 64-bit mode: canonical addresses, gates and IST, IRET, SYSCALL and SYSRET, call gates, compatibility mode, control registers and
 * MSRs. SDM 3A "Interrupt and Exception Handling in 64-Bit Mode", "Canonical Memory Addressing", SDM 2B pages of these names.
 */
import type { Case } from "../image";
import { TABLES, USER } from "../long-image";

const HOLE = "0x800000000000";
const one = (name: string, code: string, qemuDiffers?: string): Case => ({ name, code, ...(qemuDiffers && { qemuDiffers }) });

/** Code as bytes at USER, entered at CPL 3 in the segment `cs`. */
const atUser = (bytes: readonly number[], cs = 0x33, flags = 2): string => `
${bytes.map((byte, n) => `mov byte [${USER + n}], ${byte}`).join("\n")}
push qword 0x2b
push qword USTACK
push qword ${flags}
push qword ${cs}
push qword USER
iretq`;
const INT3 = 0xcc;
const gate = (vector: number, target: string, type: number, ist = 0): string =>
  `mov edi, ${vector}\nmov rsi, ${target}\nmov edx, ${type}\nmov ecx, ${ist}\ncall setgate`;
const wrmsr = (msr: number, value: string): string => `mov ecx, ${msr}\nmov rax, ${value}\nmov rdx, rax\nshr rdx, 32\nwrmsr`;
/** #SS and #DF on a stack of their own. */
const SAFE = `${gate(12, "stub12", 0x8e, 1)}\n${gate(8, "stub8", 0x8e, 1)}\n`;
const SHOW_STACK = "mov rax, rsp\ncall show";
const far = (selector: number, call = true): string =>
  `mov dword [0x2f0000], 0x1000\nmov word [0x2f0004], ${selector}\n${call ? "call" : "jmp"} far [0x2f0000]`;

/** SDM 2A "INT n", INTRA-PRIVILEGE-LEVEL-INTERRUPT; AMD's clear SS at every switch of the stack. */
const KEEPS_SS = "an IST stack without a change of the level leaves SS as it is on Intel's processors";
const AMD = "QEMU does as AMD's processors do";
const LATE = "QEMU goes there first, and faults at the target";
/** SDM 2A "INT n": error_code(num, idt, ext) is num << 3 in this mode too. */
const SIXTEEN = "QEMU 7 counts 16 to a vector in the error code";
const NO_PCID = "QEMU 7 has no PCID";
const UNCHECKED = "QEMU does not check";

export const CANONICAL: readonly Case[] = [
  one("read in the hole", `mov rbx, ${HOLE}\nmov rax, [rbx]`),
  one("read below the upper half", "mov rbx, 0xffff7fffffffffff\nmov al, [rbx]"),
  one("read across into the hole", "mov rbx, 0x7fffffffffff\nmov ax, [rbx]"),
  one("write", `mov rbx, ${HOLE}\nmov [rbx], rax`),
  one("read-modify-write", `mov rbx, ${HOLE}\ninc qword [rbx]`),
  one("by RBP", `mov rbp, ${HOLE}\nmov rax, [rbp]`, "QEMU knows #SS of pushes and pops only"),
  one("by R13", `mov r13, ${HOLE}\nmov rax, [r13]`),
  one("by RSP", `${SAFE}mov rsp, ${HOLE}\nmov rax, [rsp]`, KEEPS_SS),
  one("push", `${SAFE}mov rsp, ${HOLE}+8\npush rax`, KEEPS_SS),
  one("pop", `${SAFE}mov rsp, ${HOLE}\npop rax`, KEEPS_SS),
  one("jump", `mov rax, ${HOLE}\njmp rax`, LATE),
  one("call", `mov rax, ${HOLE}\ncall rax`, LATE),
  one("return", `mov rax, ${HOLE}\npush rax\nret`, LATE),
  one("canonical and not mapped", "mov rbx, 0xffff900000000000\nmov rax, [rbx]"),
  one("jump to the upper half, not mapped", "mov rax, 0xffff900000000000\njmp rax"),
  one(
    "the upper half",
    "mov rbx, UPPER+0x100000\nmov eax, [rbx]\ncall show\nmov rax, UPPER+.there\njmp rax\n.there:\nlea rax, [rel .there]\nmov rbx, UPPER\nsub rax, rbx\ncall show",
  ),
  one("LEA forms any address", `lea rax, [0x7fffffff]\nmov rbx, ${HOLE}\nlea rax, [rbx+rax*2]\ncall show`),
  one("INVLPG of any address", `mov rbx, ${HOLE}\ninvlpg [rbx]\ncall show`),
  one("LGDT", `mov word [0x2f0000], 0xff\nmov rax, ${HOLE}\nmov [0x2f0002], rax\nlgdt [0x2f0000]`, UNCHECKED),
  one("LIDT", `mov word [0x2f0000], 0xff\nmov rax, ${HOLE}\nmov [0x2f0002], rax\nlidt [0x2f0000]`, UNCHECKED),
  one("FS base by WRMSR", wrmsr(0xc0000100, HOLE), UNCHECKED),
  one("GS base in the upper half", `${wrmsr(0xc0000101, "UPPER+0x100000")}\nmov eax, [gs:0]\ncall show`),
  one("FS base plus an offset into the hole", `${wrmsr(0xc0000100, "0x7ffffffff000")}\nmov rax, [fs:0x1000]`),
  one("LSTAR", wrmsr(0xc0000082, HOLE), UNCHECKED),
  one("SYSENTER_EIP", wrmsr(0x176, HOLE), UNCHECKED),
  one("REP MOVSB runs into the hole", "mov rsi, 0x100000\nmov rdi, 0x6ffffe\nmov rdi, 0x7ffffffffffe\nmov ecx, 4\nrep movsb"),
  one("32-bit addresses are cut", `mov rbx, 0xffffffff00100000\nmov eax, [ebx]\ncall show`),
  one("the displacement is signed", "mov rbx, 0x80100000\nmov eax, [rbx-0x80000000]\ncall show"),
];

/** The lower half's last 512 GB share the first ones' table. */
const TOP_TABLE = `mov dword [${TABLES + 255 * 8}], ${TABLES + 0x1067}\n`;
/** The first 2 MB once more at HIGH; addresses that 32 bits hold but a signed 32-bit number does not, and those beyond. */
const inHigh = (name: string, high: string, code: string): Case =>
  one(
    `${name} at ${high}`,
    `mov dword [${TABLES + 0x1000} + ((${high} >> 30) & 511) * 8], ${TABLES + 0x3067}
mov dword [${TABLES + 0x3000} + ((${high} >> 21) & 511) * 8], 0xe3
mov dword [0x1f0000], 0x89abcdef
mov dword [0x1f0004], 0x01234567
${code.replaceAll("HIGH", high)}`,
  );
const HIGH_CODE: Readonly<Record<string, string>> = {
  "MOV AL from moffs": "xor eax, eax\ndb 0xa0\ndq HIGH+0x1f0000\ncall show",
  "MOV EAX from moffs": "db 0xa1\ndq HIGH+0x1f0000\ncall show",
  "MOV RAX from moffs": "db 0x48, 0xa1\ndq HIGH+0x1f0000\ncall show",
  "MOV AX to moffs": "mov eax, 0x5555\ndb 0x66, 0xa3\ndq HIGH+0x1f0000\nmov rax, [0x1f0000]\ncall show",
  "MOV RAX to moffs": "mov rax, 0x5555666677778888\ndb 0x48, 0xa3\ndq HIGH+0x1f0000\nmov rax, [0x1f0000]\ncall show",
  "a base register": "mov rbx, HIGH\nmov rax, [rbx+0x1f0000]\ncall show\ninc dword [rbx+0x1f0000]\nmov rax, [0x1f0000]\ncall show",
  "an index": "mov rbx, HIGH >> 3\nmov rax, [rbx*8+0x1f0000]\ncall show",
  "LEA, and the offset of a jump":
    "mov rbx, HIGH\nlea rax, [rbx+0x7fffffff]\ncall show\nlea rax, [rbx+.there]\njmp rax\n.there:\nlea rax, [rel .there]\nmov ecx, .there\nsub rax, rcx\nmov rsi, rax\nmov ecx, .back\njmp rcx\n.back:\nmov rax, rsi\ncall show",
  "the stack":
    "mov rbx, rsp\nmov rsp, HIGH+0x1f0008\npush 0x77\npop rcx\npush rcx\npop qword [0x1f0010]\nmov rsp, rbx\nmov rax, [0x1f0010]\ncall show",
  strings:
    "cld\nmov rsi, HIGH+0x1f0000\nmov rdi, HIGH+0x1f0100\nmov ecx, 2\nrep movsd\nmov rax, rdi\ncall show\nmov rax, [0x1f0100]\ncall show",
  FS: `${wrmsr(0xc0000100, "HIGH+0x1f0000")}\nmov rax, [fs:0]\ncall show`,
  "the page after it": "mov rbx, HIGH+0x1fffff\nmov ax, [rbx]",
};
export const ADDRESSES: readonly Case[] = ["0x80000000", "0xfee00000", "0x1c0000000", "0x7fffc0000000"].flatMap((high) =>
  // The table of HIGH's gigabyte is this half's first.
  Object.entries(HIGH_CODE).map(([name, code]) => inHigh(name, high, high.length > 11 ? `${TOP_TABLE}${code}` : code)),
);

export const GATES: readonly Case[] = [
  one("INT 3 on the same stack, aligned", `${SHOW_STACK}\nint3`),
  one("a stack that is not aligned", "sub rsp, 5\nint3"),
  // The frame is pushed from the top down: CR2 is the first item that has no page.
  one("a frame whose upper page is missing", `${gate(14, "stub14", 0x8e, 1)}\nmov qword [tss+4], 0x800010\n${atUser([INT3])}`),
  one(
    "a frame whose lower page is missing",
    `${gate(14, "stub14", 0x8e, 1)}\nmov dword [${TABLES + 0x2028}], 0x4000e3\nmov qword [tss+4], 0xa00010\n${atUser([INT3])}`,
  ),
  one("INT of a gate of DPL 0 at CPL 0", "int 0x20"),
  one("INT of a gate of DPL 0 at CPL 3", atUser([0xcd, 0x20]), SIXTEEN),
  one("INT of a gate of DPL 3 at CPL 3", atUser([0xcd, 0x21])),
  one("beyond the IDT", "int 0x90", SIXTEEN),
  one("not present", `${gate(0x20, "stub32", 0x0e)}\nint 0x20`, SIXTEEN),
  one("a task gate", `${gate(0x20, "stub32", 0x85)}\nint 0x20`, SIXTEEN),
  one("a trap gate", `${gate(0x20, "stub32", 0x8f)}\nint 0x20`),
  one("a 16-bit gate", `${gate(0x20, "stub32", 0x86)}\nint 0x20`, SIXTEEN),
  one("to an address that is not canonical", `${gate(0x20, HOLE, 0x8e)}\nint 0x20`, LATE),
  one("to 32-bit code", `${gate(0x20, "stub32", 0x8e)}\nmov word [idt+0x202], 8\nint 0x20`),
  one("to data", `${gate(0x20, "stub32", 0x8e)}\nmov word [idt+0x202], 0x18\nint 0x20`),
  one("to a null selector", `${gate(0x20, "stub32", 0x8e)}\nmov word [idt+0x202], 0\nint 0x20`),
  one("to code with L and D", `${gate(0x20, "stub32", 0x8e)}\nmov word [idt+0x202], 0x88\nint 0x20`),
  one("to conforming code", `${gate(0x20, "stub32", 0x8e)}\nmov word [idt+0x202], 0x90\nint 0x20`),
  one("to code that is not present", `${gate(0x20, "stub32", 0x8e)}\nmov word [idt+0x202], 0x98\nint 0x20`),
  one("to user code from CPL 0", `${gate(0x20, "stub32", 0x8e)}\nmov word [idt+0x202], 0x30\nint 0x20`),
  ...[1, 2].map((ist) => one(`IST ${ist} at CPL 0`, `${gate(0x20, "stub32", 0x8e, ist)}\nint 0x20`, KEEPS_SS)),
  one("IST 1 at CPL 3", `${gate(0x21, "stub33", 0xee, 1)}${atUser([0xcd, 0x21])}`),
  one("IST 7, which is not canonical", `${gate(0x20, "stub32", 0x8e, 7)}\nint 0x20`),
  one("IST for a page fault", `${gate(14, "stub14", 0x8e, 2)}\nmov eax, [0x10000000]`, KEEPS_SS),
  one(
    "IST in the TSS beyond its limit is #TS",
    `mov word [gdt+0x38], 0x20\nmov byte [gdt+0x3d], 0x89\nmov eax, 0x38\nltr ax\n${gate(0x20, "stub32", 0x8e, 1)}\nint 0x20`,
  ),
  one("a bad stack of CPL 0 on the way up", `${gate(12, "stub12", 0x8e, 1)}\nmov rax, 0x900000000000\nmov [tss+4], rax${atUser([INT3])}`),
  one("#DF from a page fault whose gate is bad", `${gate(14, "stub14", 0x0e)}\nmov eax, [0x10000000]`),
  one(
    "#DF on its own stack",
    `${gate(8, "stub8", 0x8e, 1)}\n${gate(14, "stub14", 0x0e)}\nmov rsp, 0x10000000\nmov eax, [0x10000000]`,
    KEEPS_SS,
  ),
  one("INTO does not exist", atUser([0xce])),
  one("INT1", "int1", "QEMU 7 has no INT1"),
  one("#UD of what 64-bit mode took away", "db 0x27"),
  one("PUSHA", "db 0x60"),
  one("PUSH ES", "db 0x06"),
  one("far call by 9A", "db 0x9a, 0, 0, 0, 0, 8, 0"),
  one("LES", "db 0xc4, 0x00"),
  one("AAM", "db 0xd4, 0x0a"),
];

const IRET = (rip: string, cs: string, flags: string, rsp: string, ss: string): string =>
  `push qword ${ss}\nmov rax, ${rsp}\npush rax\npush qword ${flags}\npush qword ${cs}\nmov rax, ${rip}\npush rax\niretq`;
export const RETURNS: readonly Case[] = [
  one("IRETQ at the same level pops RSP", `${IRET(".on", "0x10", "2", "0x270000", "0x18")}\n.on:\n${SHOW_STACK}\nint3`),
  one("IRETQ with a null SS at CPL 0", `${IRET(".on", "0x10", "2", "0x270000", "0")}\n.on:\nmov eax, ss\ncall show\nint3`),
  one("IRETQ to CPL 3 with a null SS", IRET(`${USER}`, "0x33", "2", "USTACK", "3")),
  one("IRETQ to an address that is not canonical", IRET(HOLE, "0x10", "2", "KSTACK", "0x18"), LATE),
  one("IRETQ to CPL 3 at an address that is not canonical", IRET(HOLE, "0x33", "2", "USTACK", "0x2b"), LATE),
  one("IRETQ with RSP not canonical", `${SAFE}${IRET(".on", "0x10", "2", `${HOLE}+8`, "0x18")}\n.on:\npush rax`, KEEPS_SS),
  one("IRETQ with NT", `pushfq\nor qword [rsp], 0x4000\npopfq\n${IRET(".on", "0x10", "2", "KSTACK", "0x18")}\n.on: ret`),
  one("IRETQ to code with L and D", `${IRET(".on", "0x88", "2", "KSTACK", "0x18")}\n.on: ret`, UNCHECKED),
  one("IRETQ to data", `${IRET(".on", "0x18", "2", "KSTACK", "0x18")}\n.on: ret`),
  one("IRETQ to compatibility mode", atUser([0x40, 0x66, 0xb8, 0x34, 0x12, INT3], 0x23)),
  // CR2 tells the base.
  ...["fs", "gs"].map((name, n) =>
    one(
      `IRETQ to CPL 3 with ${name.toUpperCase()} of level 0: it becomes null, its base stays`,
      `mov eax, 0x18\nmov ${name}, ax\n${wrmsr(0xc0000100 + n, "0x900000")}\n${atUser([0x64 + n, 0x8a, 0x04, 0x25, 0, 0, 0, 0, INT3])}`,
      "QEMU clears the base; kernels under KVM have their data there",
    ),
  ),
  one(
    "IRETD at CPL 0",
    "push qword 0\nmov dword [rsp], .on\nsub rsp, 8\nmov dword [rsp], .on\nmov dword [rsp+4], 0x10\nmov dword [rsp+8], 2\nmov dword [rsp+12], 0x270000\npush qword 0\nadd rsp, 8\niretd\n.on: ret",
    "what it pops as SS lies above the frame: for the golden file only",
  ),
  one("RETFQ to the same level", `push qword 0x10\nmov rax, .on\npush rax\no64 retf\n.on:\n${SHOW_STACK}`),
  one("RETFQ to CPL 3", `mov byte [USER], ${INT3}\npush qword 0x2b\npush qword USTACK\npush qword 0x33\npush qword USER\no64 retf`),
  one("RETFQ to an address that is not canonical", `push qword 0x10\nmov rax, ${HOLE}\npush rax\no64 retf`, LATE),
  one(
    "RETF to 32-bit code of CPL 0",
    `mov byte [0x2f0000], 0x40\nmov byte [0x2f0001], ${INT3}\npush qword 8\npush qword 0x2f0000\no64 retf`,
  ),
  one("far jump to 32-bit code", `mov byte [0x1000], ${INT3}\n${far(8, false)}`),
  one("far call to 64-bit code", `mov byte [0x1000], ${INT3}\n${far(0x10)}`),
  one("far jump to code with L and D", far(0x88, false), UNCHECKED),
  one("far jump to user code", far(0x30, false)),
  one("a call gate", far(0x48)),
  one("a call gate that is not present", far(0x58)),
  one("a call gate to 32-bit code", far(0x68)),
  one("a call gate to an address that is not canonical", far(0x78), LATE),
  one("a far jump to the upper half of a descriptor", far(0x50)),
  one("a call gate at CPL 3", `mov dword [0x6e0000], 0\nmov word [0x6e0004], 0x4b${atUser([0xff, 0x1c, 0x25, 0, 0, 0x6e, 0])}`),
];

const STAR = (user: number): string => wrmsr(0xc0000081, `${user}<<48 | 0x10<<32`);
export const FAST_CALLS: readonly Case[] = [
  one("SYSCALL at CPL 0", "syscall"),
  one("SYSCALL at CPL 3", atUser([0x0f, 0x05], 0x33, 0x602)),
  one("SYSCALL without EFER.SCE", `mov ecx, 0xc0000080\nrdmsr\nand eax, ~1\nwrmsr${atUser([0x0f, 0x05])}`),
  one("SYSCALL in compatibility mode", atUser([0x0f, 0x05], 0x23), AMD),
  one("SYSRET to 64-bit code", `mov byte [USER], ${INT3}\nmov ecx, USER\nmov r11d, 0x602\no64 sysret`),
  one("SYSRET to 32-bit code", `mov byte [USER], ${INT3}\nmov ecx, USER\nmov r11d, 2\nsysret`),
  one("SYSRET to an address that is not canonical", `mov rcx, ${HOLE}\nmov r11d, 2\no64 sysret`, AMD),
  one("SYSRET at CPL 3", atUser([0x48, 0x0f, 0x07])),
  one("SYSRET without EFER.SCE", "mov ecx, 0xc0000080\nrdmsr\nand eax, ~1\nwrmsr\no64 sysret"),
  one("SYSRET takes RF and VM away", `mov byte [USER], ${INT3}\nmov ecx, USER\nmov r11d, 0x30602\no64 sysret`, "QEMU lets VM through"),
  one("SYSRET with a STAR that has no RPL", `${STAR(0x20)}\nmov byte [USER], ${INT3}\nmov ecx, USER\nmov r11d, 2\no64 sysret`),
  one("SWAPGS", `${wrmsr(0xc0000102, "0x123456789a")}\nswapgs\nmov ecx, 0xc0000101\nrdmsr\ncall show\nmov eax, edx\ncall show`),
  one("SWAPGS at CPL 3", atUser([0x0f, 0x01, 0xf8])),
  one("RDFSBASE without CR4.FSGSBASE", "rdfsbase rax"),
  one("WRGSBASE of an address that is not canonical", `mov eax, 0x10620\nmov cr4, rax\nmov rax, ${HOLE}\nwrgsbase rax`, UNCHECKED),
  one(
    "FSGSBASE",
    "mov eax, 0x10620\nmov cr4, rax\nmov rax, UPPER\nwrfsbase rax\nrdfsbase rbx\nmov rax, rbx\ncall show\nrdfsbase ecx\nmov rax, rcx\ncall show",
  ),
];

const CR4 = (bits: number): string => `mov eax, ${0x620 | bits}\nmov cr4, rax`;
const invpcid = (type: number, pcid: string, linear: string): string =>
  `mov rax, ${pcid}\nmov [0x2f0000], rax\nmov rax, ${linear}\nmov [0x2f0008], rax\nmov ecx, ${type}\ninvpcid rcx, [0x2f0000]\ncall show`;
export const SYSTEM: readonly Case[] = [
  one("CR8 of more than four bits", "mov eax, 0x10\nmov cr8, rax", UNCHECKED),
  one("CR0 with bits of the upper half", "mov rax, cr0\nbts rax, 32\nmov cr0, rax", UNCHECKED),
  one("CR4 without PAE", "mov rax, cr4\nbtr rax, 5\nmov cr4, rax", UNCHECKED),
  one("EFER.LME off while paging is on", "mov ecx, 0xc0000080\nrdmsr\nbtr eax, 8\nwrmsr", UNCHECKED),
  one("a reserved bit of EFER", "mov ecx, 0xc0000080\nrdmsr\nbts eax, 20\nwrmsr", UNCHECKED),
  one("CR4.PCIDE with a PCID in CR3", `mov rax, cr3\nor rax, 5\nmov cr3, rax\n${CR4(0x20000)}`, UNCHECKED),
  one(
    "CR3 with PCID, bit 63 does not stay",
    `${CR4(0x20000)}\nmov rax, cr3\nor rax, 7\nbts rax, 63\nmov cr3, rax\nmov rax, cr3\ncall show\nand eax, ~7\nmov cr3, rax`,
    NO_PCID,
  ),
  one("bit 63 of CR3 without PCID", "mov rax, cr3\nbts rax, 63\nmov cr3, rax", "QEMU ignores the reserved bits of CR3 there"),
  one("paging off with PCIDE", `${CR4(0x20000)}\nmov rax, cr0\nbtr rax, 31\nmov cr0, rax`, UNCHECKED),
  ...[0, 1, 2, 3].map((type) => one(`INVPCID ${type}`, `${CR4(0x20000)}\n${invpcid(type, "5", "0x100000")}`, NO_PCID)),
  one("INVPCID of an unknown type", `${CR4(0x20000)}\n${invpcid(4, "5", "0x100000")}`, NO_PCID),
  one("INVPCID with reserved bits", `${CR4(0x20000)}\n${invpcid(1, "0x1000", "0")}`, NO_PCID),
  one("INVPCID 0 of an address that is not canonical", `${CR4(0x20000)}\n${invpcid(0, "5", HOLE)}`, NO_PCID),
  one("INVPCID 0 of another space without PCIDE", invpcid(0, "5", "0x100000"), NO_PCID),
  one("INVPCID 1 without PCIDE", invpcid(1, "5", "0x100000"), NO_PCID),
  one("INVPCID at CPL 3", atUser([0x66, 0x0f, 0x38, 0x82, 0x08]), NO_PCID),
  one("XGETBV without OSXSAVE", "xor ecx, ecx\nxgetbv"),
  one(
    "XCR0",
    `${CR4(0x40000)}\nxor ecx, ecx\nxgetbv\ncall show\nmov eax, 3\nxor edx, edx\nxsetbv\nxgetbv\ncall show\nmov eax, 1\ncpuid\nmov eax, ecx\nand eax, 0xc000000\ncall show`,
  ),
  one("XCR0 without x87", `${CR4(0x40000)}\nxor ecx, ecx\nxor edx, edx\nmov eax, 2\nxsetbv`),
  one("XCR 1", `${CR4(0x40000)}\nmov ecx, 1\nxor edx, edx\nmov eax, 1\nxsetbv`),
  one("XSETBV at CPL 3", `${CR4(0x40000)}\n${atUser([0x0f, 0x01, 0xd1])}`),
  one("XSETBV at CPL 3 without OSXSAVE", atUser([0x0f, 0x01, 0xd1]), "QEMU looks at CPL before CR4.OSXSAVE"),
  one("XSAVE not aligned", `${CR4(0x40000)}\nmov eax, 3\nxor edx, edx\nxsave [0x2f0020]`),
  one("XSAVE with CR0.TS", `${CR4(0x40000)}\nmov rax, cr0\nor eax, 8\nmov cr0, rax\nmov eax, 3\nxor edx, edx\nxsave [0x2f0000]`, UNCHECKED),
  one(
    "XSAVE and XRSTOR",
    `${CR4(0x40000)}
xor ecx, ecx
xor edx, edx
mov eax, 3
xsetbv
mov edi, 0x2f0000
mov ecx, 576/8
xor eax, eax
rep stosq
mov rax, 0x1122334455667788
movq xmm9, rax
mov eax, 2
xsave [0x2f0000]
mov rax, [0x2f0200]
call show
mov rax, [0x2f0000+160+9*16]
call show
mov rax, [0x2f0000]
call show
pxor xmm9, xmm9
mov eax, 3
xor edx, edx
xrstor [0x2f0000]
movq rax, xmm9
call show
mov qword [0x2f0200], 0
mov eax, 3
xrstor [0x2f0000]
movq rax, xmm9
call show
mov qword [0x2f0208], 1
xrstor [0x2f0000]`,
  ),
  one(
    "XRSTOR of a component that XCR0 lacks",
    `${CR4(0x40000)}\nmov qword [0x2f0200], 4\nmov qword [0x2f0208], 0\nmov qword [0x2f0210], 0\nmov eax, 1\nxor edx, edx\nxrstor [0x2f0000]`,
  ),
  one("CMPXCHG16B not aligned", "cmpxchg16b [0x2f0008]"),
  one(
    "CMPXCHG16B",
    "mov eax, 1\nmov [0x2f0000], rax\nmov [0x2f0008], rax\nmov edx, 1\nmov ebx, 7\nmov ecx, 8\ncmpxchg16b [0x2f0000]\nsetz al\nmovzx eax, al\ncall show\nmov rax, [0x2f0000]\ncall show\nmov rax, [0x2f0008]\ncall show\ncmpxchg16b [0x2f0000]\ncall show",
  ),
  one(
    "a breakpoint in the upper half",
    "mov rax, UPPER+0x2f0000\nmov dr0, rax\nmov eax, 0xd0402\nmov dr7, rax\nmov rbx, UPPER+0x2f0000\nmov [rbx], eax\nnop",
  ),
  one(
    "an instruction breakpoint in the upper half",
    `mov byte [0x2f0000], 0x90\nmov byte [0x2f0001], ${INT3}\nmov rax, UPPER+0x2f0000\nmov dr0, rax\nmov ecx, 0x402\nmov dr7, rcx\njmp rax`,
  ),
  one("DR7 with bits of the upper half", "mov rax, cr0\nmov rax, 0x100000400\nmov dr7, rax"),
  one("SMSW of 64 bits", "smsw rax\nand eax, 0xffff0000\ncall show"),
  one("STR and SLDT", "mov rax, -1\nstr ax\ncall show\nstr eax\ncall show\nmov rax, -1\nsldt rax\ncall show"),
  one("LTR of a busy TSS", "mov eax, 0x38\nltr ax"),
  one("MOV SS in 64-bit mode takes null at CPL 0", "xor eax, eax\nmov ss, ax\nmov eax, ss\ncall show\nint3"),
  one("MOV DS of execute-only selectors is as ever", "mov eax, 0x100\nmov ds, ax"),
];

export const LONG_SETS: Readonly<Record<string, readonly Case[]>> = {
  "long-canonical": CANONICAL,
  "long-addresses": ADDRESSES,
  "long-gates": GATES,
  "long-returns": RETURNS,
  "long-fast-calls": FAST_CALLS,
  "long-system": SYSTEM,
};

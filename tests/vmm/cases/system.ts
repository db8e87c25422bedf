/** Control and debug registers, MSRs, I/O permission, time stamps, single stepping. */
import { type Case, user } from "../image";

const PAGING = `mov edi, 0x1c0000
mov eax, 0x83
mov ecx, 1024
.fill: mov [edi], eax
add edi, 4
add eax, 0x400000
loop .fill
mov dword [0x1c0000], 0x87
mov eax, 0x1c0000
mov cr3, eax
mov eax, cr4
or eax, 0x10
mov cr4, eax
mov eax, cr0
or eax, 0x80000000
mov cr0, eax`;
/** A page table for the 4 MB from 4 MB: page 0 as given. */
const table = (entry: string): string => `mov dword [0x1c0004], 0x1d0007
mov dword [0x1d0000], ${entry}
${PAGING.replace("mov eax, 0x1c0000\nmov cr3", "mov dword [0x1c0004], 0x1d0007\nmov eax, 0x1c0000\nmov cr3")}`;
const io = (code: string, map = "0x68"): string =>
  `mov word [tss+0x66], ${map}\nmov word [tss+0x68+0x10], 0x0f00\nmov byte [tss+0x68+0x83], 0xff\n${user(code)}`;

const NO_CHECK = "QEMU does not check it";

export const SYSTEM: readonly Case[] = [
  { name: "cr0: PG without PE", code: "mov eax, cr0\nand eax, ~1\nor eax, 0x80000000\nmov cr0, eax", qemuDiffers: NO_CHECK },
  { name: "cr0: NW without CD", code: "mov eax, cr0\nor eax, 0x20000000\nand eax, ~0x40000000\nmov cr0, eax", qemuDiffers: NO_CHECK },
  { name: "cr0: ET cannot be cleared", code: "mov eax, 1\nmov cr0, eax\nmov eax, cr0\ncall show" },
  { name: "cr0: lmsw cannot leave protected mode", code: "mov eax, 0xe\nlmsw ax\nsmsw eax\nand eax, 0xffff\ncall show" },
  { name: "smsw in memory", code: "mov dword [scratch], -1\nsmsw [scratch]\nmov eax, [scratch]\nand eax, 0xffff0001\ncall show" },
  { name: "cr1", code: "db 0x0f, 0x20, 0xc8" },
  { name: "cr4: reserved bits", code: "mov eax, 0x80000000\nmov cr4, eax", qemuDiffers: NO_CHECK },
  {
    name: "cr2 and cr3 keep what is written",
    code: "mov eax, 0x12345678\nmov cr2, eax\nmov eax, cr2\ncall show\nmov eax, 0x1c0018\nmov cr3, eax\nmov eax, cr3\ncall show",
  },
  {
    name: "dr6 and dr7 fixed bits",
    code: "xor eax, eax\nmov dr6, eax\nmov eax, dr6\ncall show\nmov eax, 0xffffdfff\nand eax, ~0xff\nmov dr7, eax\nmov eax, dr7\nand eax, ~0x800\ncall show",
    qemuDiffers: "QEMU keeps bits 14 and 15",
  },
  { name: "dr4 is dr6", code: "mov eax, dr4\ncall show" },
  { name: "dr4 with DE", code: "mov eax, cr4\nor eax, 8\nmov cr4, eax\nmov eax, dr4" },
  { name: "general detect", code: "mov eax, 0x2000\nmov dr7, eax\nmov eax, dr0", qemuDiffers: "QEMU has no general detect" },
  { name: "single step", code: "pushfd\nor dword [esp], 0x100\npopfd\nnop\nnop" },
  {
    name: "single step over mov ss",
    code: "mov ax, ss\nmov ecx, .a\npushfd\nor dword [esp], 0x100\npopfd\nmov ss, ax\nnop\n.a: nop\nnop",
    qemuDiffers: "QEMU traps after MOV SS too",
  },
  {
    name: "single step over a software interrupt",
    code: "pushfd\nor dword [esp], 0x100\nmov dword [idt+8*1], (.db&0xffff)|0x80000\nmov dword [idt+8*1+4], (.db&0xffff0000)|0x8e00\npopfd\nint 0x80\n.db: add dword [esp+8], 0\nand dword [esp+8], ~0x100\niretd",
  },
  {
    name: "single step begins after a software interrupt without it",
    code: "mov dword [idt+8*0x21], (.sys&0xffff)|0x80000\nmov dword [idt+8*0x21+4], (.sys&0xffff0000)|0x8e00\nint 0x21\npushfd\nor dword [esp], 0x100\npopfd\nnop\nnop\nnop\n.sys: iretd",
  },
  { name: "rdmsr of nothing", code: "mov ecx, 0x12345\nrdmsr", qemuDiffers: NO_CHECK },
  { name: "wrmsr of nothing", code: "mov ecx, 0x12345\nwrmsr", qemuDiffers: NO_CHECK },
  {
    name: "sysenter msrs",
    code: "mov ecx, 0x175\nmov eax, 0x11223344\nxor edx, edx\nwrmsr\nxor eax, eax\nrdmsr\ncall show\nmov eax, edx\ncall show",
  },
  { name: "pat", code: "mov ecx, 0x277\nrdmsr\ncall show\nmov eax, edx\ncall show" },
  { name: "pat with a reserved type", code: "mov ecx, 0x277\nmov eax, 2\nxor edx, edx\nwrmsr", qemuDiffers: NO_CHECK },
  { name: "mtrr default type", code: "mov ecx, 0x2ff\nmov eax, 0xc06\nxor edx, edx\nwrmsr\nrdmsr\ncall show" },
  { name: "rdtsc at level 3", code: user("rdtsc\nmov eax, 1") },
  { name: "rdtsc at level 3 with TSD", code: `mov eax, cr4\nor eax, 4\nmov cr4, eax\n${user("rdtsc")}` },
  { name: "rdtsc grows", code: "rdtsc\nmov ecx, eax\nrdtsc\nsub eax, ecx\nmov eax, 0\nseta al\ncall show" },
  { name: "rdmsr at level 3", code: user("mov ecx, 0x174\nrdmsr") },
  { name: "port without permission map", code: io("in al, 0x80", "0x200") },
  { name: "port allowed by the map", code: io("mov eax, 0\nin al, 0x61\nmov eax, 7") },
  { name: "port allowed by a map that begins at the start of the TSS", code: io("mov eax, 0\nin al, 0x61\nmov eax, 7", "0") },
  { name: "port forbidden by the map", code: io("in al, 0x88") },
  { name: "word whose second port is forbidden", code: io("mov dx, 0x87\nin ax, dx") },
  { name: "port beyond the map", code: io("mov dx, 0x800\nin al, dx") },
  { name: "out forbidden", code: io("mov dx, 0x8a\nout dx, eax") },
  { name: "rep outsb forbidden", code: io("mov dx, 0x8a\nmov ecx, 3\nmov esi, scratch\nrep outsb") },
  { name: "port with IOPL 3", code: user("in al, 0x88\nmov eax, 7", 0x3002) },
  {
    name: "rep insb",
    code: "mov dx, 0x88\nmov edi, scratch\nmov ecx, 3\ncld\nrep insb\nmov eax, edi\nsub eax, scratch\ncall show\nmov eax, ecx\ncall show",
  },
  {
    name: "rep outsd backwards",
    code: "mov dx, 0x88\nmov esi, scratch\nmov ecx, 2\nstd\nrep outsd\ncld\nmov eax, esi\nsub eax, scratch\ncall show",
  },
  { name: "page fault: read", code: `${table("0")}\nmov eax, [0x400123]` },
  {
    name: "page fault: write to read-only with WP",
    code: `${table("0x1e0001")}\nmov eax, cr0\nor eax, 0x10000\nmov cr0, eax\nmov [0x400123], eax`,
  },
  {
    name: "no page fault: write to read-only without WP",
    code: `${table("0x1e0001")}\nmov eax, 5\nmov [0x400123], eax\nmov eax, [0x1e0123]\ncall show`,
  },
  { name: "page fault: user reads supervisor page", code: `${table("0x1e0003")}\n${user("mov eax, [0x400456]")}` },
  { name: "page fault: user writes read-only page", code: `${table("0x1e0005")}\n${user("mov [0x400456], eax")}` },
  {
    name: "page fault: write crosses into a missing page",
    code: `${table("0x1e0007")}\nmov dword [0x1d0004], 0\nmov dword [0x400ffe], -1`,
  },
  {
    name: "page fault: inner stack in a missing page",
    code: `${table("0")}\nmov dword [tss+4], 0x400800\nmov dword [tss2+0x1c], 0x1c0000\nmov dword [idt+8*8], TSS2<<16\nmov dword [idt+8*8+4], 0x8500\n${user("int 0x21")}`,
  },
  {
    name: "accessed and dirty",
    code: `${table("0x1e0003")}\nmov eax, [0x400000]\nmov eax, [0x1d0000]\ncall show\nmov [0x400000], eax\nmov eax, [0x1d0000]\ncall show`,
  },
  {
    name: "invlpg",
    code: `${table("0x1e0003")}\nmov dword [0x400000], 1\nmov dword [0x1d0000], 0x1f0003\ninvlpg [0x400000]\nmov dword [0x400000], 2\nmov eax, [0x1f0000]\ncall show`,
  },
];

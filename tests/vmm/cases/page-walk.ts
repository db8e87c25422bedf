/**
 * The full cross product of page-walk permissions as guest code: CPL × access × every combination of P, R/W, U/S, A, D, XD at
 * both levels × CR0.WP, CR4.SMEP, CR4.SMAP, EFLAGS.AC, EFER.NXE, for 4 KB pages and large ones, in 32-bit and PAE paging.
 * Each trial changes the tables, accesses, and adds what came of it to a checksum: error code and CR2 or success, both
 * entries afterwards, the memory behind them. One checksum a setting of the control bits is shown. SDM 3A "Access Rights".
 *
 * Two things are left out of the checksum because QEMU does them otherwise: after a fault, the A bit of the upper entry; and P
 * in the error code of a reserved bit, which the cases below show.
 */
import { type Case, place } from "../image";

/** What lies where: tables, the page of the trials (4 KB, or the first of a large one), the page of the user's code. */
const DIRECTORY = 0x1c0000;
const LOW_TABLE = 0x1c1000;
const TABLE = 0x1c2000;
const POINTERS = 0x1c3000;
const DIRECTORY_0 = 0x1c4000;
const DIRECTORY_1 = 0x1c5000;
const LOW_TABLES = 0x1c6000;
const SMALL_PAGE = 0x1d0000;
const LARGE_PAGE = 0x400000;
const USER_CODE = 0x1a8000;
const USER_STACK_PAGE = 0x18f000;
/** Linear address of the trials. */
const TARGET = 0x40000000;
const [READ, WRITE, FETCH] = [0x200, 0x204, 0x123];

export interface WalkMode {
  readonly name: string;
  readonly pae: boolean;
  readonly large: boolean;
}
export const MODES: readonly WalkMode[] = [
  { name: "32-bit paging, 4 KB pages", pae: false, large: false },
  { name: "32-bit paging, 4 MB pages", pae: false, large: true },
  { name: "PAE paging, 4 KB pages", pae: true, large: false },
  { name: "PAE paging, 2 MB pages", pae: true, large: true },
];

/** Trials of one mode: directory entries × table entries × CPL × access, for each setting of the control bits. */
export function trials(mode: WalkMode): number {
  const { pae, large } = mode;
  return settings(mode) * 6 * (large ? (pae ? 64 : 32) : (pae ? 32 : 16) * (pae ? 64 : 32));
}

/** Paging on, CR3 loaded, first 4 MB and the large page identity-mapped: supervisor pages but for the user's code and stack. */
function tables({ pae }: WalkMode): string {
  const entry = pae ? 8 : 4;
  const low = pae ? LOW_TABLES : LOW_TABLE;
  const user = (page: number): string => `or dword [${low + (page >>> 12) * entry}], 4`;
  return `
mov ax, UDATA|3
mov ds, ax
mov es, ax
cld
xor eax, eax
mov edi, ${DIRECTORY}
mov ecx, 0x2800
rep stosd
mov edi, ${low}
mov eax, 0x63
mov ecx, 1024
.identity: mov [edi], eax
add eax, 0x1000
add edi, ${entry}
loop .identity
${user(USER_CODE)}
${user(USER_STACK_PAGE)}
${
  pae
    ? `mov dword [${DIRECTORY_0}], ${LOW_TABLES | 0x67}
mov dword [${DIRECTORY_0 + 8}], ${(LOW_TABLES + 0x1000) | 0x67}
mov dword [${DIRECTORY_0 + 16}], ${LARGE_PAGE | 0xe3}
mov dword [${POINTERS}], ${DIRECTORY_0 | 1}
mov dword [${POINTERS + 8}], ${DIRECTORY_1 | 1}
mov eax, 0x20
mov cr4, eax
mov eax, ${POINTERS}`
    : `mov dword [${DIRECTORY}], ${LOW_TABLE | 0x67}
mov dword [${DIRECTORY + 4}], ${LARGE_PAGE | 0xe3}
mov eax, 0x10
mov cr4, eax
mov eax, ${DIRECTORY}`
}
mov cr3, eax
mov word [${SMALL_PAGE + FETCH}], 0x80cd
mov word [${LARGE_PAGE + FETCH}], 0x80cd
${place(USER_CODE, "mov eax, [edi]\nint 0x80", 32)}
${place(USER_CODE + 0x20, "mov [edi], ecx\nint 0x80", 32)}
${place(USER_CODE + 0x40, "jmp edi", 32)}
mov dword [tss+4], KSTACK-0x800
mov dword [idt+8*14], (.fault&0xffff)|0x80000
mov dword [idt+8*14+4], (.fault&0xffff0000)|0x8e00
mov dword [idt+8*0x80], (.done&0xffff)|0x80000
mov dword [idt+8*0x80+4], (.done&0xffff0000)|0xee00
mov eax, cr0
or eax, 0x80000000
mov cr0, eax`;
}

/**
 * One trial with CPL in [.cpl] (0 or 3), access in [.access] (0 read, 1 write, 2 fetch), EFLAGS in [.flags]; EAX afterwards:
 * 1000h, or 8000h and the error code with EDX = CR2.
 */
const TRIAL = `
.trial:
invlpg [${TARGET}]
mov [.stack], esp
mov ecx, [.count]
inc dword [.count]
mov esi, [.access]
mov edi, [.addresses+esi*4]
cmp dword [.cpl], 0
je .supervisor
push dword UDATA|3
push dword USTACK
push dword [.flags]
push dword UCODE|3
shl esi, 5
add esi, ${USER_CODE}
push esi
iretd
.supervisor:
push dword [.flags]
popfd
jmp [.accesses+esi*4]
.read: mov eax, [edi]
jmp .done
.write: mov [edi], ecx
jmp .done
.fetch: jmp edi
.fault:
pop eax
or eax, 0x8000
mov edx, cr2
jmp .end
.done:
mov eax, 0x1000
xor edx, edx
.end:
mov esp, [.stack]
push dword 2
popfd
ret
.addresses: dd ${TARGET + READ}, ${TARGET + WRITE}, ${TARGET + FETCH}
.accesses: dd .read, .write, .fetch
.stack: dd 0
.count: dd 0x1000
.flags: dd 0
.cpl: dd 0
.access: dd 0`;

const OFF = `mov eax, cr0
and eax, 0x7ffeffff
mov cr0, eax
xor eax, eax
mov cr4, eax
mov cr3, eax`;
const nxe = (on: string): string => `mov ecx, 0xc0000080
rdmsr
and eax, ~0x800
${on}
wrmsr`;

/** Bits 0-2 and A of entry index EAX; D from its bit 4; ECX: bit `xd` as XD in the upper half. */
const spread = (dirty: boolean, xd: number): string => `mov ecx, eax
shr ecx, ${xd}
shl ecx, 31
mov ebx, eax
and ebx, 7
mov edx, eax
and edx, 8
shl edx, 2
or ebx, edx
${dirty ? "mov edx, eax\nand edx, 16\nshl edx, 2\nor ebx, edx" : ""}`;

/** Settings of the control bits of a mode: bit 0 WP, 1 SMEP, 2 SMAP, 3 EFLAGS.AC, 4 NXE. */
export const settings = ({ pae }: WalkMode): number => (pae ? 32 : 16);

/** `step`: every how many-th setting is tried. */
export function crossProduct(mode: WalkMode, step = 1): Case {
  const { pae, large } = mode;
  const directory = pae ? DIRECTORY_1 : DIRECTORY + (TARGET >>> 22) * 4;
  const page = large ? LARGE_PAGE : SMALL_PAGE;
  const fold = (value: string): string => `imul ebp, 0x01000193\nxor ebp, ${value}`;
  // A large page's entry lies in the directory and has no table below.
  const upper = large ? (pae ? 6 : 5) : pae ? 5 : 4;
  const lower = large ? 0 : pae ? 6 : 5;
  return {
    name: mode.name,
    code: `${tables(mode)}
mov dword [.setting], 0
.settings:
mov eax, [.setting]
mov ebx, cr0
and ebx, ~0x10000
mov ecx, eax
and ecx, 1
shl ecx, 16
or ebx, ecx
mov cr0, ebx
mov ebx, cr4
and ebx, ~0x300000
mov ecx, eax
and ecx, 6
shl ecx, 19
or ebx, ecx
mov cr4, ebx
mov ecx, eax
and ecx, 8
shl ecx, 15
or ecx, 2
mov [.flags], ecx
${pae ? nxe("mov ebx, [.setting]\nand ebx, 16\nshl ebx, 7\nor eax, ebx") : ""}
mov ebp, 0x811c9dc5
mov dword [.upper], 0
.uppers:
mov dword [.lower], 0
.lowers:
mov dword [.cpl], 0
.cpls:
mov dword [.access], 0
.next:
mov eax, [.upper]
${spread(large, upper - 1)}
or ebx, ${large ? LARGE_PAGE | 0x80 : TABLE}
mov [${directory}], ebx
${pae ? `mov [${directory + 4}], ecx` : ""}
${large ? "" : `mov eax, [.lower]\n${spread(true, lower - 1)}\nor ebx, ${SMALL_PAGE}\nmov [${TABLE}], ebx\n${pae ? `mov [${TABLE + 4}], ecx` : ""}`}
call .trial
mov ebx, [${directory}]
test ah, 0x80
jz .normal
or ebx, 0x20
test al, 8
jz .normal
or al, 1
.normal:
${fold("eax")}
${fold("edx")}
${fold("ebx")}
${large ? "" : fold(`[${TABLE}]`)}
${fold(`[${page + WRITE}]`)}
inc dword [.access]
cmp dword [.access], 3
jb .next
xor dword [.cpl], 3
jnz .cpls
inc dword [.lower]
cmp dword [.lower], ${1 << lower}
jb .lowers
inc dword [.upper]
cmp dword [.upper], ${1 << upper}
jb .uppers
mov eax, ebp
call show
add dword [.setting], ${step}
cmp dword [.setting], ${settings(mode)}
jb .settings
${OFF}
${pae ? nxe("") : ""}
jmp case_done
.setting: dd 0
.upper: dd 0
.lower: dd 0
${TRIAL}`,
  };
}

/** Directory and table entry (low, high) of one trial of reserved bits. */
type Entries = readonly [directory: readonly [number, number], table: readonly [number, number]];
const bit = (n: number): readonly [number, number] => (n < 32 ? [(1 << n) >>> 0, 0] : [0, (1 << (n - 32)) >>> 0]);
const or = (a: readonly [number, number], b: readonly [number, number]): readonly [number, number] => [
  (a[0] | b[0]) >>> 0,
  (a[1] | b[1]) >>> 0,
];
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);
const POINTER = [TABLE | 0x67, 0] as const;
const LEAF = [SMALL_PAGE | 0x67, 0] as const;
const LARGE = [LARGE_PAGE | 0xe7, 0] as const;

/** Every reserved bit by itself, at each level, × CPL × access: shows the outcome of the six as one number after the other. */
function reserved(name: string, pae: boolean, pse: boolean, entries: readonly Entries[], qemuDiffers?: string): Case {
  const directory = pae ? DIRECTORY_1 : DIRECTORY + (TARGET >>> 22) * 4;
  return {
    name,
    ...(qemuDiffers === undefined ? {} : { qemuDiffers }),
    code: `${tables({ name, pae, large: false })}
${pse || pae ? "" : "xor eax, eax\nmov cr4, eax"}
mov dword [.flags], 2
${pae ? nxe("or eax, 0x800") : ""}
mov ebp, .entries
.lines:
mov dword [.cpl], 0
.cpls:
mov dword [.access], 0
.next:
mov eax, [ebp]
mov [${directory}], eax
${pae ? `mov eax, [ebp+4]\nmov [${directory + 4}], eax` : ""}
mov eax, [ebp+8]
mov [${TABLE}], eax
${pae ? `mov eax, [ebp+12]\nmov [${TABLE + 4}], eax` : ""}
call .trial
call show
inc dword [.access]
cmp dword [.access], 3
jb .next
xor dword [.cpl], 3
jnz .cpls
call line
add ebp, 16
cmp ebp, .last
jb .lines
${OFF}
${pae ? nxe("") : ""}
jmp case_done
${TRIAL}
.entries: ${entries.map(([d, t]) => `dd ${[...d, ...t].join(", ")}`).join("\n")}
.last: nop`,
  };
}

const NO_P = "QEMU leaves P out of the error code";

export const RESERVED: readonly Case[] = [
  reserved(
    "PAE: reserved bits of a table entry",
    true,
    true,
    range(36, 62).map((n) => [POINTER, or(LEAF, bit(n))]),
    NO_P,
  ),
  reserved(
    "PAE: reserved bits of a directory entry",
    true,
    true,
    range(36, 62).map((n) => [or(POINTER, bit(n)), LEAF]),
    NO_P,
  ),
  reserved(
    "PAE: reserved bits of a 2 MB page",
    true,
    true,
    [...range(13, 20), ...range(36, 62)].map((n) => [or(LARGE, bit(n)), LEAF]),
    NO_P,
  ),
  reserved("PAE: reserved bits of entries that are not present", true, true, [
    [or([TABLE, 0], bit(40)), LEAF],
    [POINTER, or([SMALL_PAGE, 0], bit(40))],
  ]),
  reserved(
    "32-bit: reserved bits of a 4 MB page",
    false,
    true,
    range(17, 21).map((n) => [or(LARGE, bit(n)), LEAF]),
    "QEMU has 40 physical address bits there",
  ),
  reserved(
    "32-bit: PAT, G and available bits are free",
    false,
    true,
    [9, 10, 11, 12, 8].map((n) => [or(LARGE, bit(n)), LEAF]),
  ),
  reserved("32-bit: without PSE a directory entry has no PS", false, false, [
    [[TABLE | 0xe7, 0], LEAF],
    [
      [TABLE | 0xe7, 0],
      [SMALL_PAGE | 0xe7, 0],
    ],
  ]),
  {
    name: "PAE: reserved bits of the pointers",
    qemuDiffers: "QEMU does not check the pointers",
    code: `${tables({ name: "", pae: true, large: false })}
mov dword [idt+8*13], (.gp&0xffff)|0x80000
mov dword [idt+8*13+4], (.gp&0xffff0000)|0x8e00
mov ebp, .bits
.next: mov ecx, [ebp]
mov edx, [ebp+4]
or ecx, ${DIRECTORY_1 | 1}
mov [${POINTERS + 8}], ecx
mov [${POINTERS + 12}], edx
mov [.stack], esp
mov eax, ${POINTERS}
mov cr3, eax
mov eax, 0x600d
jmp .shown
.gp: pop eax
add eax, 0xd000
mov esp, [.stack]
.shown: call show
add ebp, 8
cmp ebp, .last
jb .next
mov dword [${POINTERS + 8}], ${DIRECTORY_1 | 1}
mov dword [${POINTERS + 12}], 0
${OFF}
jmp case_done
.fault: jmp case_done
.done: jmp case_done
.stack: dd 0
.bits: ${[...range(1, 11), ...range(36, 63)].map((n) => `dd ${bit(n).join(", ")}`).join("\n")}
.last: nop`,
  },
];

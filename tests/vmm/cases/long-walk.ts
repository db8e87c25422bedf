/**
 * The cross product of page-walk permissions in 4-level paging, for 4 KB, 2 MB and 1 GB pages: R/W, U/S and XD at every level, P
 * in the leaf × CPL × access × CR0.WP, CR4.SMEP, CR4.SMAP with EFLAGS.AC, CR4.PCIDE. Each trial changes the tables, accesses, and
 * adds what came of it to a checksum: error code and CR2, or success with A and D of all entries, and the memory. One checksum a
 * setting of the control bits is shown. SDM 3A "Access Rights". After a fault the entries are left out: QEMU sets A above them.
 */
import type { Case } from "../image";
import { TABLES, USER } from "../long-image";

const PML4_SLOT = TABLES + 8;
const TEST = [TABLES + 0x3000, TABLES + 0x4000, TABLES + 0x5000] as const;
/** Linear address whose tables are tried, and what lies there. */
const TARGET = 0x8000400000n;
const PAGE = 0x400000;
const [READ, WRITE, FETCH] = [0x200n, 0x204n, 0x123n];

export interface LongWalk {
  readonly name: string;
  /** Tables below the PML4's entry: 3 for 4 KB pages, 2 for 2 MB, 1 for 1 GB. */
  readonly tables: 1 | 2 | 3;
}
export const LONG_WALKS: readonly LongWalk[] = [
  { name: "4 KB", tables: 3 },
  { name: "2 MB", tables: 2 },
  { name: "1 GB", tables: 1 },
];

/** Where each level's entry lies, from the leaf up, and its address bits. */
function entries({ tables }: LongWalk): readonly (readonly [at: number, base: number])[] {
  const [pdpt, pd, pt] = TEST;
  const at = [pdpt, pd + 16, pt].slice(0, tables).reverse();
  const leaf = tables === 3 ? PAGE : tables === 2 ? PAGE | 0x80 : 0x80;
  const bases = [leaf, ...[pt, pd, pdpt].slice(3 - tables)];
  return [...at, PML4_SLOT].map((place, n) => [place, bases[n]!] as const);
}

interface Setting {
  readonly cpl: 0 | 3;
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly ac: boolean;
  readonly pcid: boolean;
}
const BOTH = [false, true] as const;
const SETTINGS: readonly Setting[] = ([0, 3] as const).flatMap((cpl) =>
  BOTH.flatMap((wp) =>
    BOTH.flatMap((smep) =>
      BOTH.flatMap((smap) =>
        BOTH.filter((ac) => smap || !ac).flatMap((ac) => BOTH.map((pcid): Setting => ({ cpl, wp, smep, smap, ac, pcid }))),
      ),
    ),
  ),
);

/** Trials: combinations of the entries' bits × accesses, for each setting. */
export const longTrials = (walk: LongWalk, step = 1): number => SETTINGS.length * 3 * Math.ceil((2 * 8 ** (walk.tables + 1)) / step);

const nameOf = (walk: LongWalk, { cpl, wp, smep, smap, ac, pcid }: Setting): string =>
  `${walk.name}: CPL ${cpl}${wp ? " WP" : ""}${smep ? " SMEP" : ""}${smap ? " SMAP" : ""}${ac ? " AC" : ""}${pcid ? " PCID" : ""}`;

/** One case a setting; every `step`th combination. */
export function longWalkCases(walk: LongWalk, step = 1): Case[] {
  return SETTINGS.map((setting) => ({ name: nameOf(walk, setting), code: codeOf(walk, setting, step) }));
}

function codeOf(walk: LongWalk, { cpl, wp, smep, smap, ac, pcid }: Setting, step: number): string {
  const places = entries(walk);
  const cr4 = 0x620 | (smep ? 1 << 20 : 0) | (smap ? 1 << 21 : 0) | (pcid ? 1 << 17 : 0);
  const stub = (at: number, bytes: readonly number[]): string => bytes.map((byte, n) => `mov byte [${at + n}], ${byte}`).join("\n");
  return `
${stub(USER, [0x8a, 0x07, 0xcd, 0x80])} ; mov al,[rdi]; int 0x80
${stub(USER + 0x20, [0x88, 0x0f, 0xcd, 0x80])} ; mov [rdi],cl; int 0x80
${stub(USER + 0x40, [0xff, 0xe7])} ; jmp rdi
mov word [${PAGE} + ${FETCH}], 0x80cd
mov edi, 14
mov rsi, .fault
mov edx, 0x8e
xor ecx, ecx
call setgate
mov edi, 0x80
mov rsi, .done
mov edx, 0xee
call setgate
mov eax, ${cr4}
mov cr4, rax
${wp ? "mov rax, cr0\nor eax, 0x10000\nmov cr0, rax" : ""}
${pcid ? `mov eax, ${TABLES | 5}\nmov cr3, rax` : ""}
mov r12, 0x9e3779b97f4a7c15
mov r15, r12
xor r14d, r14d
.next:
xor r13d, r13d
.access:
${places
  .map(
    ([at, base], n) => `mov rax, r14
${n === 0 ? "and eax, 15" : `shr rax, ${3 * n + 1}\nand eax, 7\nlea eax, [rax+rax+1]`}
mov rax, [.bits+rax*8]
or rax, ${base}
mov [${at}], rax`,
  )
  .join("\n")}
mov rdi, [.addresses+r13*8]
invlpg [rdi]
mov [.stack], rsp
mov ecx, r14d
${
  cpl === 0
    ? `push qword ${ac ? 0x40002 : 2}
popfq
mov rax, [.accesses+r13*8]
jmp rax`
    : `push qword 0x2b
push qword USTACK
push qword ${ac ? 0x40002 : 2}
push qword 0x33
mov eax, r13d
shl eax, 5
add eax, USER
push rax
iretq`
}
.read: mov al, [rdi]
jmp .done
.write: mov [rdi], cl
jmp .done
.fetch: jmp rdi
.fault:
pop rax
or eax, 0x8000
mov rdx, cr2
add rax, rdx
jmp .end
.done:
mov eax, 0x1000
${places.map(([at]) => `add rax, [${at}]\nrol rax, 9`).join("\n")}
.end:
mov rsp, [.stack]
push qword 2
popfq
movzx edx, byte [${PAGE} + ${WRITE}]
add rax, rdx
xor r15, rax
imul r15, r12
ror r15, 23
inc r13d
cmp r13d, 3
jb .access
add r14d, ${step}
cmp r14d, ${2 * 8 ** places.length}
jb .next
${pcid ? `mov eax, ${TABLES}\nmov cr3, rax` : ""}
mov eax, 0x620
mov cr4, rax
mov rax, r15
call show
call line
ret
align 8
; P in bit 0, R/W, U/S, XD
.bits: ${Array.from({ length: 16 }, (_, n) => `dq ${(n & 1) | (n & 2) | (n & 4)} | (${n >> 3} << 63)`).join("\n")}
.addresses: dq ${TARGET + READ}, ${TARGET + WRITE}, ${TARGET + FETCH}
.accesses: dq .read, .write, .fetch
.stack: dq 0`;
}

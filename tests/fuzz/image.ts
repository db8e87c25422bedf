/**
 * Bare-metal image of a batch of cases: a runtime that sets each case up, enters it by IRET and, when it ends in an exception
 * or an interrupt (INT 80h stands behind its code), writes a record to port E9h. The same image runs on our core and in QEMU.
 *
 *   physical 100000h   this image, linked at C0100000h (4 MB from C0000000h are its physical memory from 0)
 *            200000h   page tables: directory, table, and for PAE the pointer table, directories, table
 *            300000h   the case's sixteen pages
 *            320000h   pristine data
 */
import { assemble } from "../../web/assembler/assemble";
import { describeError } from "../../web/assembler/source-error";
import { descriptor, gate } from "../vmm/image";
import { codeOf, type FuzzCase, isVirtual8086, NO_EXECUTE, Place, type Regime, SELECTORS, VM } from "./case";

export const ORG = 0x100000;
const BASE = 0xc0000000;
const CASE_BYTES = 256;
const CODE_WINDOW = 64;
const INT3 = 0xcc;
/** INT 80h, behind every case's code. */
const TERMINATOR = [0xcd, 0x80];
const MAGIC = 0x76740000;
export const RECORD_WORDS = 24;

/** What a case left, as written to port E9h. */
export const FIELDS = [
  ...["index", "vector", "error", "eip", "cs", "eflags", "esp", "ss", "cr2"],
  ...["eax", "ecx", "edx", "ebx", "ebp", "esi", "edi", "ds", "es", "fs", "gs"],
  ...["data", "cr0", "cr4", "dr6"],
] as const;
export type Field = (typeof FIELDS)[number];
export type Outcome = Readonly<Record<Field, number>>;

const runtime = ({ pae, nxe, wp, smep, smap, umip }: Regime): string => {
  const cr0 = (0x80000011 | (wp ? 0x10000 : 0)) >>> 0;
  const cr4 = 0x10 | (pae ? 0x20 : 0) | (umip ? 0x800 : 0) | (smep ? 0x100000 : 0) | (smap ? 0x200000 : 0);
  const tables = pae
    ? `mov dword [0x200000], 0x203001
mov dword [0x200018], 0x204001
mov dword [0x203000], 0x201007
mov dword [0x204000], 0x83
mov dword [0x204008], 0x200083`
    : `mov dword [0x200000], 0x201007
mov dword [0x200c00], 0x83`;
  // The first megabytes are also mapped one to one until the jump into the linked place.
  const identity = pae
    ? ["mov dword [0x203000], 0x83\nmov dword [0x203008], 0x200083", "mov dword [0xc0203000], 0x201007\nmov dword [0xc0203008], 0"]
    : ["mov dword [0x200000], 0x83", "mov dword [0xc0200000], 0x201007"];
  const stubs = Array.from(
    { length: 256 },
    (_, n) => `stub${n}:\n${[8, 10, 11, 12, 13, 14, 17].includes(n) ? "" : "push dword 0\n"}push dword ${n}\njmp common`,
  );
  const gates = Array.from({ length: 256 }, (_, n) =>
    gate(SELECTORS.kernelCode, `stub${n}`, n === 3 || n === 4 || n === 0x80 || n >= 0xf0 ? 0xee : 0x8e),
  );
  return `
dd 0x1badb002, 0x10000, -(0x1badb002+0x10000), ${ORG}, ${ORG}, image_end-${BASE}, 0x400000, entry-${BASE}
dd 0
entry:
cli
mov al, 0xff
out 0x21, al
out 0xa1, al
cld
xor eax, eax
; QEMU's BIOS has been here: its vectors and data
xor edi, edi
mov ecx, 0x1000/4
rep stosd
mov edi, 0x200000
mov ecx, 0x6000/4
rep stosd
${tables}
${identity[0]}
${nxe ? "mov ecx, 0xc0000080\nrdmsr\nor eax, 0x800\nwrmsr" : ""}
mov eax, 0x200000
mov cr3, eax
mov eax, ${cr4}
mov cr4, eax
mov eax, ${cr0}
mov cr0, eax
mov eax, high
jmp eax
high:
${identity[1]}
mov eax, cr3
mov cr3, eax
lgdt [gdtr]
lidt [idtr]
jmp ${SELECTORS.kernelCode}:.cs
.cs:
mov ax, ${SELECTORS.kernelData}
mov ds, ax
mov es, ax
mov ss, ax
mov esp, stack_top
mov ax, ${SELECTORS.tss}
ltr ax
mov ebx, cases
next_case:
mov ax, ${SELECTORS.kernelData}
mov ds, ax
mov es, ax
mov ss, ax
mov esp, stack_top
cmp ebx, cases_end
jae finished
mov [current], ebx
cld
; what the last case changed
mov eax, ${cr0}
mov cr0, eax
mov eax, ${cr4}
mov cr4, eax
xor eax, eax
mov cr2, eax
mov dr7, eax
mov dr6, eax
mov esi, 0xc0320000
mov edi, 0xc0308000
mov ecx, ${Place.dataBytes / 4}
rep movsd
mov edi, 0xc0306000
mov ecx, 0x2000/4
xor eax, eax
rep stosd
mov edi, 0xc030d000
mov ecx, 0x2000/4
mov eax, 0xcccccccc
rep stosd
lea esi, [ebx+64]
mov edi, [ebx+60]
add edi, 0xc0300000
mov ecx, ${CODE_WINDOW / 4}
rep movsd
; page table
xor ecx, ecx
pages:
mov eax, [ebx+128+ecx*4]
mov edx, ecx
shl edx, 12
add edx, 0x300000
test al, 1
jz .absent
or eax, edx
${
  pae
    ? `.absent:
mov [0xc0201000+ecx*8], eax
xor eax, eax
mov edx, [ebx+192]
bt edx, ecx
jnc .execute
mov eax, 0x80000000
.execute:
mov [0xc0201004+ecx*8], eax`
    : `.absent:
mov [0xc0201000+ecx*4], eax`
}
inc ecx
cmp ecx, 16
jb pages
mov eax, cr3
mov cr3, eax
; enter
mov ebp, ebx
test dword [ebp+32], ${VM}
jz protected
push dword [ebp+56]
push dword [ebp+52]
push dword [ebp+44]
push dword [ebp+48]
jmp outer
protected:
mov eax, [ebp+36]
test al, 3
jz inner
outer:
push dword [ebp+40]
push dword [ebp+16]
jmp enter_it
inner:
mov esp, [ebp+16]
enter_it:
push dword [ss:ebp+32]
push dword [ss:ebp+36]
push dword [ss:ebp+60]
mov eax, [ss:ebp+0]
mov ecx, [ss:ebp+4]
mov edx, [ss:ebp+8]
mov ebx, [ss:ebp+12]
mov esi, [ss:ebp+24]
mov edi, [ss:ebp+28]
test dword [ss:ebp+32], ${VM}
jnz .virtual
mov ds, [ss:ebp+44]
mov es, [ss:ebp+48]
mov fs, [ss:ebp+52]
mov gs, [ss:ebp+56]
.virtual:
mov ebp, [ss:ebp+20]
iretd
finished:
mov al, 0
mov dx, 0xf4
out dx, al
cli
hlt

; vector, error code, EIP, CS, EFLAGS and from outside ESP, SS are on the stack
common:
pushad
push ds
push es
mov ax, ${SELECTORS.kernelData}
mov ds, ax
mov es, ax
cld
mov eax, [esp+4]
and eax, 0xffff
mov [dump+16*4], eax
mov eax, [esp]
and eax, 0xffff
mov [dump+17*4], eax
mov ax, fs
and eax, 0xffff
mov [dump+18*4], eax
mov ax, gs
and eax, 0xffff
mov [dump+19*4], eax
mov ebx, [current]
mov eax, [ebx+196]
mov [dump], eax
lea ebp, [esp+8]
mov eax, [ss:ebp+32]
mov [dump+1*4], eax
mov eax, [ss:ebp+36]
mov [dump+2*4], eax
mov eax, [ss:ebp+40]
mov [dump+3*4], eax
mov eax, [ss:ebp+44]
and eax, 0xffff
mov [dump+4*4], eax
mov edx, [ss:ebp+48]
mov [dump+5*4], edx
test edx, ${VM}
jz .protected
mov ecx, [ss:ebp+64]
mov [dump+16*4], ecx
mov ecx, [ss:ebp+60]
mov [dump+17*4], ecx
mov ecx, [ss:ebp+68]
mov [dump+18*4], ecx
mov ecx, [ss:ebp+72]
mov [dump+19*4], ecx
jmp .outer
.protected:
lea ecx, [ebp+52]
mov edx, ss
test al, 3
jz .inner
.outer:
mov ecx, [ss:ebp+52]
mov edx, [ss:ebp+56]
.inner:
and edx, 0xffff
mov [dump+6*4], ecx
mov [dump+7*4], edx
mov eax, cr2
mov [dump+8*4], eax
mov eax, [ss:ebp+28]
mov [dump+9*4], eax
mov eax, [ss:ebp+24]
mov [dump+10*4], eax
mov eax, [ss:ebp+20]
mov [dump+11*4], eax
mov eax, [ss:ebp+16]
mov [dump+12*4], eax
mov eax, [ss:ebp+8]
mov [dump+13*4], eax
mov eax, [ss:ebp+4]
mov [dump+14*4], eax
mov eax, [ss:ebp]
mov [dump+15*4], eax
mov esi, 0xc0308000
mov ecx, ${Place.dataBytes / 4}
xor edx, edx
.sum:
lodsd
add edx, eax
rol edx, 5
dec ecx
jnz .sum
mov [dump+20*4], edx
mov eax, cr0
mov [dump+21*4], eax
mov eax, cr4
mov [dump+22*4], eax
mov eax, dr6
mov [dump+23*4], eax
mov esi, dump
mov ecx, ${RECORD_WORDS * 4}
mov dx, 0xe9
rep outsb
mov ebx, [current]
add ebx, ${CASE_BYTES}
jmp next_case
${stubs.join("\n")}
align 8
gdt:
dd 0, 0
${[
  descriptor(0, 0xfffff, 0x9b, 0xc),
  descriptor(0, 0xfffff, 0x93, 0xc),
  descriptor(0, 0xfffff, 0x9b, 0x8),
  descriptor(0, 0xfffff, 0xfb, 0xc),
  descriptor(0, 0xfffff, 0xfb, 0x8),
  descriptor(0, 0xfffff, 0xf3, 0xc),
  descriptor(0x40, 0xfffff, 0x93, 0xc),
  descriptor(0x1f3, 0xfffff, 0xf3, 0xc),
  descriptor(0, 0xfffff, 0xf1, 0xc),
  descriptor("tss", 0x67, 0x89, 0),
  descriptor(0, 0xfffff, 0x73, 0xc),
].join("\n")}
gdt_end:
gdtr: dw gdt_end-gdt-1
dd gdt
idtr: dw 256*8-1
dd idt
align 8
idt:
${gates.join("\n")}
tss: dd 0, stack_top, ${SELECTORS.kernelData}
times 22 dd 0
dd 0x00680000
current: dd 0
dump: times ${RECORD_WORDS} dd 0
align 16
times 1024 dd 0
stack_top:
align 256
cases:
`;
};

/** A case as the runtime reads it. */
function caseBytes(one: FuzzCase, index: number): Uint8Array {
  const bytes = new Uint8Array(CASE_BYTES);
  const view = new DataView(bytes.buffer);
  const put = (at: number, value: number): void => view.setUint32(at, value >>> 0, true);
  one.registers.forEach((value, n) => {
    put(n * 4, value);
  });
  put(32, one.eflags);
  const wide = one.bits === 32;
  const code = one.cpl === 3 ? (wide ? SELECTORS.userCode : SELECTORS.userCode16) : wide ? SELECTORS.kernelCode : SELECTORS.kernelCode16;
  put(36, isVirtual8086(one) ? 0 : code);
  put(40, isVirtual8086(one) ? 0 : one.cpl === 3 ? SELECTORS.userData : SELECTORS.kernelData);
  one.segments.forEach((value, n) => {
    put(44 + n * 4, value);
  });
  put(60, Place.code + one.offset);
  const instructions = [...codeOf(one), ...TERMINATOR];
  if (instructions.length > CODE_WINDOW) throw new RangeError(`a case has ${instructions.length} bytes of code`);
  bytes.fill(INT3, 64, 128);
  bytes.set(instructions, 64);
  let noExecute = 0;
  one.pages.forEach((value, n) => {
    put(128 + n * 4, value & ~NO_EXECUTE);
    if (value & NO_EXECUTE) noExecute |= 1 << n;
  });
  put(192, noExecute);
  put(196, MAGIC | index);
  return bytes;
}

/** Data pages before each case: the recorder's byte sequence of docs/vectors.md. */
export function pristineData(): Uint8Array {
  const data = new Uint8Array(Place.dataBytes);
  let x = 12345;
  for (let n = 0; n < data.length; n++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    data[n] = x >>> 24;
  }
  return data;
}

const runtimes = new Map<string, { bytes: Uint8Array; entry: number; cases: number }>();

function assembled(regime: Regime): { bytes: Uint8Array; entry: number; cases: number } {
  const key = JSON.stringify(regime);
  const known = runtimes.get(key);
  if (known) return known;
  // The number of cases is patched in: cases_end and image_end are the last two labels.
  const source = `${runtime(regime)}cases_end equ 0x7fffffff\nimage_end equ 0x7fffffff\n`;
  const { bytes, errors, labels } = assemble(source, { bits: 32, org: BASE + ORG });
  if (errors.length > 0) {
    const lines = source.split("\n");
    throw new Error(
      errors
        .slice(0, 5)
        .map((error) => `${describeError(error)}: ${lines[error.line - 1]}`)
        .join("\n"),
    );
  }
  const result = { bytes: Uint8Array.from(bytes), entry: labels.get("entry")! - BASE, cases: labels.get("cases")! - BASE - ORG };
  runtimes.set(key, result);
  return result;
}

/** The image of up to 10,000 cases. */
export function buildFuzzImage(regime: Regime, cases: readonly FuzzCase[]): { bytes: Uint8Array; entry: number } {
  const { bytes: code, entry, cases: at } = assembled(regime);
  const PRISTINE = 0x320000 - ORG;
  if (at + cases.length * CASE_BYTES > 0x200000 - ORG) throw new RangeError(`${cases.length} cases do not fit into an image`);
  const bytes = new Uint8Array(PRISTINE + Place.dataBytes);
  bytes.set(code);
  cases.forEach((one, n) => {
    bytes.set(caseBytes(one, n), at + n * CASE_BYTES);
  });
  bytes.set(pristineData(), PRISTINE);
  const view = new DataView(bytes.buffer);
  // CMP EBX, cases_end: 81 FB imm32, once.
  for (let n = 0; n < code.length - 6; n++)
    if (code[n] === 0x81 && code[n + 1] === 0xfb) {
      view.setUint32(n + 2, BASE + ORG + at + cases.length * CASE_BYTES, true);
      break;
    }
  view.setUint32(20, ORG + bytes.length, true);
  return { bytes, entry };
}

/** Records in a log, by case; a case that left none is missing. */
export function readRecords(log: Uint8Array): Map<number, Outcome> {
  const result = new Map<number, Outcome>();
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  for (let at = 0; at + RECORD_WORDS * 4 <= log.length; at += RECORD_WORDS * 4) {
    const index = view.getUint32(at, true);
    if ((index & 0xffff0000) >>> 0 !== MAGIC) break;
    const outcome = Object.fromEntries(FIELDS.map((field, n) => [field, view.getUint32(at + n * 4, true)])) as Record<Field, number>;
    outcome.index = index & 0xffff;
    result.set(outcome.index, outcome);
  }
  return result;
}

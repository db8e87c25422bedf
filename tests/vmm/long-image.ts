/**
 * Bare-metal test images of 64-bit code, as image.ts makes them of 32-bit code: a runtime that enters long mode and logs every
 * exception to port E9, around cases written in assembler. The same image runs on the core and in QEMU.
 *
 * A case starts in 64-bit mode, CPL 0, on a fresh stack, with fresh GDT, IDT, TSS, MSRs and registers. An exception or INT in it
 * is logged and ends it. `call show` logs RAX. The first 8 MB are mapped to themselves: supervisor pages, but those from USER on;
 * UPPER maps them again. `setgate`: gate EDI to RSI with type EDX and IST ECX.
 */
import { assemble } from "../../web/assembler/assemble";
import { describeError } from "../../web/assembler/source-error";
import { type Case, ORG } from "./image";

/** Bytes of 64-bit code that jumps, for the runtime's own use. */
const dq = (...values: (bigint | number | string)[]): string => `dq ${values.join(", ")}`;
const code = (access: number, flags: number): bigint => (BigInt(flags) << 52n) | (BigInt(access) << 40n) | 0xf00000000ffffn;

const GDT: readonly string[] = [
  dq(0),
  dq(code(0x9b, 0xc)), // 08 32-bit code
  dq(code(0x9b, 0xa)), // 10 64-bit code
  dq(code(0x93, 0xc)), // 18 data
  dq(code(0xfb, 0xc)), // 20 user 32-bit code
  dq(code(0xf3, 0xc)), // 28 user data
  dq(code(0xfb, 0xa)), // 30 user 64-bit code
  // 38 TSS, 104 bytes
  `dw 0x67, tss & 0xffff\ndb (tss >> 16) & 0xff, 0x89, 0, 0\n${dq(0)}`,
  // 48 call gate to 64-bit code, 58 not present, 68 to 32-bit code, 78 to an address that is not canonical
  callGate("gate_entry", 0x10, 0xec),
  callGate("gate_entry", 0x10, 0x6c),
  callGate("gate_entry", 0x08, 0xec),
  callGate("gate_entry", 0x10, 0xec, 0x8000),
  dq(code(0x9b, 0xe)), // 88 code with L and D
  dq(code(0x9f, 0xa)), // 90 conforming 64-bit code
  dq(code(0x1b, 0xa)), // 98 64-bit code, not present
  dq(code(0x91, 0xc)), // A0 read-only data
];
function callGate(target: string, selector: number, access: number, high = 0): string {
  return `dw ${target} & 0xffff, ${selector}, ${access << 8}, ${target} >> 16\ndd ${high}, 0`;
}
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
const VECTORS = 0x30;

export const USER = 0x600000;
export const TABLES = 0x300000;
export const UPPER = "0xffff800000000000";

const runtime = (): string => `
bits 32
org ${ORG}
KSTACK equ 0x280000
USTACK equ 0x6f0000
IST1 equ 0x290000
IST2 equ 0x2a0000
USER equ ${USER}
UPPER equ ${UPPER}
dd 0x1badb002, 0x10000, -(0x1badb002+0x10000), ${ORG}, ${ORG}, image_end, 0x200000, entry
dd 0
entry:
cli
mov esp, KSTACK
mov al, 0xff
out 0x21, al
out 0xa1, al
xor eax, eax
mov edi, ${TABLES}
mov ecx, 0x2000
cld
rep stosd
mov dword [${TABLES}], ${TABLES + 0x1067}
mov dword [${TABLES + 256 * 8}], ${TABLES + 0x1063}
mov dword [${TABLES + 0x1000}], ${TABLES + 0x2067}
mov dword [${TABLES + 0x2000}], 0xe3
mov dword [${TABLES + 0x2008}], 0x2000e3
mov dword [${TABLES + 0x2010}], 0x4000e3
mov dword [${TABLES + 0x2018}], 0x6000e7
mov eax, ${TABLES}
mov cr3, eax
mov eax, 0x620
mov cr4, eax
mov ecx, 0xc0000080
rdmsr
or eax, 0x901
wrmsr
mov eax, cr0
or eax, 0x80000000
mov cr0, eax
lgdt [pristine_gdtr]
jmp 0x10:entry64
bits 64
entry64:
mov rsp, KSTACK
mov rbx, cases
next_case:
mov rsi, [rbx]
test rsi, rsi
jz finished
mov [current], rbx
call text
call reset
mov rbx, [current]
mov rax, [rbx+8]
push case_done
push rax
xor eax, eax
xor ebx, ebx
xor ecx, ecx
xor edx, edx
xor esi, esi
xor edi, edi
xor ebp, ebp
ret
case_done:
mov eax, 0x18
mov ss, ax
mov rsp, KSTACK
mov rbx, [current]
add rbx, 16
jmp next_case
finished:
mov dx, 0xf4
out dx, al
cli
hlt

reset:
pop rbp
cld
mov rsi, pristine
mov rdi, gdt
mov ecx, (pristine_end-pristine)/8
rep movsq
lgdt [gdtr]
lidt [idtr]
mov eax, 0x38
ltr ax
xor eax, eax
lldt ax
mov fs, ax
mov gs, ax
mov eax, 0x18
mov ds, ax
mov es, ax
mov eax, ${TABLES}
mov cr3, rax
mov eax, 0x620
mov cr4, rax
mov rax, cr0
and eax, ~0x5000a
mov cr0, rax
mov ecx, 0xc0000080
rdmsr
or eax, 1
wrmsr
inc ecx
xor eax, eax
mov edx, 0x200010
wrmsr
inc ecx
xor edx, edx
mov eax, system_call
wrmsr
add ecx, 2
mov eax, 0x40700
wrmsr
push qword 0x18
push qword KSTACK
push qword 2
push qword 0x10
push rbp
iretq

; RAX as hex without leading zeros, and a space. Addresses in the cases' code are shown from their case's start, as c0dexxxx
show:
pushfq
push rax
push rbx
push rcx
push rdx
cmp rax, case0
jb .plain
cmp rax, image_end
jae .plain
mov rdx, [current]
sub rax, [rdx+8]
add rax, 0x40de0000
.plain:
mov rbx, rax
mov ecx, 64
xor edx, edx
.digit:
sub ecx, 4
mov rax, rbx
shr rax, cl
and eax, 15
or edx, eax
jnz .out
test ecx, ecx
jnz .digit
.out:
mov al, [digits+rax]
out 0xe9, al
or edx, 16
test ecx, ecx
jnz .digit
mov al, ' '
out 0xe9, al
pop rdx
pop rcx
pop rbx
pop rax
popfq
ret
digits: db '0123456789abcdef'
line:
push rax
mov al, 10
out 0xe9, al
pop rax
ret
text:
call line
mov al, '#'
out 0xe9, al
mov al, ' '
out 0xe9, al
.next:
mov al, [rsi]
inc rsi
test al, al
jz line
out 0xe9, al
jmp .next

; gate EDI: type EDX (8Eh …), IST ECX, to RSI
setgate:
push rdi
shl edi, 4
add edi, idt
mov [rdi], si
mov word [rdi+2], 0x10
mov [rdi+4], cl
mov [rdi+5], dl
shr rsi, 16
mov [rdi+6], si
shr rsi, 16
mov [rdi+8], esi
pop rdi
ret

; logs: vector, error code, RIP, CS, RFLAGS, RSP, SS; then the handler's own CS, SS, RSP, and CR2
common:
cld
push rax
push rcx
mov al, 'X'
out 0xe9, al
mov al, ' '
out 0xe9, al
mov ecx, 2
.word:
mov rax, [rsp+rcx*8]
cmp ecx, 6
jne .all
and eax, ~0x108d5
.all:
call show
inc ecx
cmp ecx, 9
jb .word
mov eax, cs
call show
mov eax, ss
call show
lea rax, [rsp+72]
call show
cmp qword [rsp+16], 14
jne .end
mov rax, cr2
call show
.end:
call line
jmp case_done
${Array.from({ length: VECTORS }, (_, n) => `stub${n}: ${WITH_ERROR.has(n) ? "" : "push qword 0\n"}push qword ${n}\njmp common`).join("\n")}
stub_80: push qword 0
push qword 0x80
jmp common
system_call:
mov rax, rcx
call show
mov rax, r11
and eax, ~0x108d5
call show
pushfq
pop rax
call show
mov eax, cs
call show
mov eax, ss
call show
mov rax, rsp
call show
call line
jmp case_done
gate_entry:
mov eax, cs
call show
mov eax, ss
call show
mov rax, rsp
call show
mov ecx, 0
.word: mov rax, [rsp+rcx*8]
call show
inc ecx
cmp ecx, 4
jb .word
call line
jmp case_done

align 16
pristine_gdtr: dw 511
dq pristine
gdtr: dw gdt_end-gdt-1
dq gdt
idtr: dw 0x80*16+15
dq idt
align 16
gdt: resq 64
gdt_end:
tss: resb 112
idt: resq 2*0x81
current: dq 0
align 16
pristine:
${GDT.join("\n")}
times 512-($-pristine) db 0
dd 0
dq KSTACK-0x800, 0, 0, 0, IST1, IST2, 0, 0, 0, 0, 0x900000000000, 0
dw 0, 0x68
dq 0
${Array.from({ length: 0x81 }, (_, n) => (n < VECTORS ? idtGate(`stub${n}`, n === 3 || n === 33 ? 0xee : 0x8e) : n === 0x80 ? idtGate("stub_80", 0xee) : dq(0, 0))).join("\n")}
pristine_end:
`;
function idtGate(target: string, access: number): string {
  return `dw ${target} & 0xffff, 0x10, ${access << 8}, ${target} >> 16\n${dq(0)}`;
}

/** The image and its entry. Throws with the first error of the source. */
export function buildLongImage(cases: readonly Case[]): { bytes: Uint8Array; entry: number } {
  const source = `${runtime()}
cases:
${cases.map((_, n) => dq(`name${n}`, `case${n}`)).join("\n")}
${dq(0, 0)}
${cases.map(({ name }, n) => `name${n}: db '${name}', 0`).join("\n")}
${cases.map(({ code: text }, n) => `case${n}:\n${text}\nret`).join("\n")}
image_end:
`;
  const { bytes, labels, errors } = assemble(source, { bits: 32 });
  if (errors.length > 0) throw new Error(`${describeError(errors[0]!)}: ${source.split("\n")[errors[0]!.line - 1]}`);
  return { bytes, entry: labels.get("entry")! };
}

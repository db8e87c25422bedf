/**
 * Bare-metal test images: a small runtime (descriptor tables, handlers that log every exception to port E9) around cases
 * written in assembler. The same image runs on the core and in QEMU, so that the logs can be compared line by line.
 *
 * A case starts in 32-bit protected mode, CPL 0, flat segments, on a fresh stack, with fresh GDT, LDT, TSS and registers.
 * An exception or INT 80h in it is logged and ends it. `call show` logs EAX, `call frame n` see the runtime below.
 */
import { assemble } from "../../web/assembler/assemble";
import { describeError } from "../../web/assembler/source-error";

export interface Case {
  readonly name: string;
  /** Assembler, 32 bits. Local labels (.x) are its own. */
  readonly code: string;
  /** Why QEMU's log would differ: the case is left out of the comparison, only the golden file holds. */
  readonly qemuDiffers?: string;
}

export const ORG = 0x100000;

/** Descriptor as the two dwords of a `dd`. `access` bits 40-47, `flags` bits 52-55. */
export function descriptor(base: string | number, limit: number, access: number, flags: number): string {
  const hi = `((${base})&0xff000000)|(((${base})>>16)&0xff)|${(access << 8) | (limit & 0xf0000) | (flags << 20)}`;
  return `dd (((${base})&0xffff)<<16)|${limit & 0xffff}, ${hi}`;
}
export function gate(selector: number, offset: string | number, access: number, parameters = 0): string {
  return `dd ((${offset})&0xffff)|${selector << 16}, ((${offset})&0xffff0000)|${(access << 8) | parameters}`;
}

/** Selectors of the runtime's GDT. */
const GDT: readonly [name: string, entry: string][] = [
  ["NULL", "dd 0,0"],
  ["CODE", descriptor(0, 0xfffff, 0x9b, 0xc)],
  ["DATA", descriptor(0, 0xfffff, 0x93, 0xc)],
  ["UCODE", descriptor(0, 0xfffff, 0xfb, 0xc)],
  ["UDATA", descriptor(0, 0xfffff, 0xf3, 0xc)],
  ["TSS", descriptor("tss", 0x67 + 0x84, 0x89, 0)],
  ["LDT", descriptor("ldt", 0x3f, 0x82, 0)],
  ["CONF", descriptor(0, 0xfffff, 0x9f, 0xc)], // conforming, DPL 0
  ["CODE16", descriptor(0, 0xffff, 0x9b, 0)],
  ["DATA16", descriptor(0, 0xffff, 0x93, 0)],
  ["RODATA", descriptor(0, 0xfffff, 0x91, 0xc)],
  ["XONLY", descriptor(0, 0xfffff, 0x99, 0xc)],
  ["NPDATA", descriptor(0, 0xfffff, 0x13, 0xc)],
  ["NPCODE", descriptor(0, 0xfffff, 0x1b, 0xc)],
  ["SMALL", descriptor("scratch", 0xfff, 0x93, 4)],
  ["DOWN", descriptor("scratch", 0xfff, 0x97, 4)], // expand-down
  ["FRESH", descriptor(0, 0xfffff, 0x92, 0xc)], // accessed bit clear
  ["GATE", gate(8, "gate_entry", 0x8c)],
  ["UGATE", gate(8, "gate_entry", 0xec)],
  ["PGATE", gate(8, "gate_entry", 0xec, 3)],
  ["GATE16", gate(8, 0x7200, 0xe4, 2)],
  ["NPGATE", gate(8, "gate_entry", 0x6c)],
  ["CGATE", gate(0x38, "gate_entry", 0xec)], // to conforming code
  ["UCGATE", gate(0x1b, "ugate_entry", 0xec)], // to user code
  ["BADGATE", gate(0x10, "gate_entry", 0xec)], // to data
  ["TSS2", descriptor("tss2", 0x67, 0x89, 0)],
  ["TGATE", gate(0xc8, 0, 0xe5)], // to TSS2
  ["TSSBAD", descriptor("tss2", 0x66, 0x89, 0)], // too small
  ["TSS16", descriptor("tss16", 0x2b, 0x81, 0)],
  ["UCONF", descriptor(0, 0xfffff, 0xff, 0xc)], // conforming, DPL 3
  ["UDATA16", descriptor("scratch", 0xffff, 0xf3, 0)],
  ["CODE1", descriptor(0, 0xfffff, 0xbb, 0xc)],
  ["DATA1", descriptor(0, 0xfffff, 0xb3, 0xc)],
  ["CALL1", gate(0xf9, "gate1_entry", 0xec)], // to level 1
  ["TSS3", descriptor("tss3", 0x67, 0x89, 0)],
  ["NPTSS", descriptor("tss2", 0x67, 0x09, 0)],
  ["UTSS", descriptor("tss2", 0x67, 0xe9, 0)],
  ["TINY", descriptor(0, 0xff, 0x9b, 4)], // code of 256 bytes
  ["TINYGATE", gate(0x128, "gate_entry", 0xec)],
];
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
const VECTORS = 0x40;

/** IDT entries beyond the plain interrupt gates of vectors 0-31. */
const GATES: Readonly<Record<number, string>> = {
  3: gate(8, "stub3", 0xee),
  4: gate(8, "stub4", 0xee),
  33: gate(8, "stub33", 0xef), // trap gate for programs
  34: gate(8, "stub34", 0x6e), // not present
  35: gate(0, "stub35", 0xee), // null selector
  36: gate(0x10, "stub36", 0xee), // data segment
  37: gate(0x68, "stub37", 0xee), // not present code
  38: gate(0x18, "stub38", 0xee), // user code: outer level
  39: gate(0xc8, 0, 0xe5), // task gate
  40: gate(8, 0x7100, 0xe6), // 16-bit interrupt gate
  41: gate(0x38, "stub41", 0xee), // conforming
  42: gate(0x4000, "stub42", 0xee), // selector outside the GDT
  43: gate(8, "stub43", 0xec), // a call gate is no interrupt gate
  44: gate(0x128, "stub44", 0xee), // entry beyond the code limit
  45: gate(0x30, 0, 0xe5), // task gate to an LDT
  46: gate(0x118, 0, 0xe5), // task gate to a TSS that is not present
  47: gate(0xf8, "stub47", 0xee), // level 1
};

const selectors = (): string => GDT.map(([name], n) => `${name} equ ${n * 8}`).join("\n");

function runtime(): string {
  const stubs = Array.from(
    { length: VECTORS },
    (_, n) => `stub${n}: ${WITH_ERROR.has(n) ? "" : "push dword 0\n"}push dword ${n}\njmp common`,
  );
  const idt = Array.from({ length: VECTORS }, (_, n) => GATES[n] ?? gate(8, `stub${n}`, 0x8e));
  return `
bits 32
org ${ORG}
${selectors()}
KSTACK equ 0x180000
USTACK equ 0x190000
STACK1 equ 0x1a0000
scratch equ 0x1b0000
dd 0x1badb002, 0x10000, -(0x1badb002+0x10000), ${ORG}, ${ORG}, image_end, 0x200000, entry
dd 0
entry:
cli
mov esp, KSTACK
mov al, 0xff
out 0x21, al
out 0xa1, al
mov byte [0x7100], 0xe9
mov dword [0x7101], short_handler-0x7105
mov byte [0x7200], 0xe9
mov dword [0x7201], gate_entry-0x7205
mov word [task16_low], 0xea66
mov dword [task16_low+2], task16
mov word [task16_low+6], CODE
mov ebx, cases
next_case:
mov esi, [ebx]
test esi, esi
jz finished
mov [current], ebx
call text
call reset
xor eax, eax
xor ecx, ecx
xor edx, edx
xor ebp, ebp
xor esi, esi
xor edi, edi
mov ebx, [current]
mov ebx, [ebx+4]
push dword case_done
push ebx
mov ebx, 0
ret
case_done:
mov ax, DATA
mov ds, ax
mov es, ax
mov ss, ax
mov esp, KSTACK
mov ebx, [current]
add ebx, 8
jmp next_case
finished:
mov al, 0
mov dx, 0xf4
out dx, al
cli
hlt

; fresh tables and state; returns on the fresh stack
reset:
pop ebp
lgdt [pristine_gdtr]
jmp CODE:.flat
.flat:
mov ax, DATA
mov ds, ax
mov es, ax
mov ss, ax
mov esp, KSTACK
mov esi, pristine
mov edi, gdt
mov ecx, (pristine_end-pristine)/4
cld
rep movsd
mov esi, tss_pristine
mov edi, tss
mov ecx, (tss_pristine_end-tss_pristine)/4
rep movsd
mov esi, idt_pristine
mov edi, idt
mov ecx, 0x81*2
rep movsd
lgdt [gdtr]
lidt [idtr]
mov ax, LDT
lldt ax
mov ax, TSS
ltr ax
mov fs, cx
mov gs, cx
clts
mov eax, cr4
and eax, ~0xf
mov cr4, eax
mov eax, cr0
and eax, 0x7ffaffff
mov cr0, eax
xor eax, eax
mov dr7, eax
mov dr6, eax
push dword 2
popfd
push dword 2
push dword CODE
push ebp
iretd

; EAX as hex and a space; nothing changes. Addresses in the cases' code are shown from their case's start, as CODExxxx
show:
pushfd
pushad
cmp eax, case0
jb .plain
cmp eax, image_end
jae .plain
mov edx, [ss:current]
sub eax, [ss:edx+4]
add eax, 0xc0de0000
.plain:
mov ecx, 8
.digit:
rol eax, 4
mov ebx, eax
and ebx, 15
mov dl, [ss:digits+ebx]
push eax
mov al, dl
out 0xe9, al
pop eax
loop .digit
mov al, ' '
out 0xe9, al
popad
popfd
ret
digits: db '0123456789abcdef'
; EFLAGS that are defined everywhere: without the arithmetic ones
flags:
pushfd
pop eax
and eax, ~0x8d5
jmp show
line:
pushfd
push eax
mov al, 10
out 0xe9, al
pop eax
popfd
ret
; zero-terminated text at ESI after a newline and "# "
text:
call line
.next:
mov al, [esi]
inc esi
test al, al
jz line
out 0xe9, al
jmp .next

; logs: vector, error code, EIP, CS, EFLAGS, then ESP and SS from outside, then ES DS FS GS from virtual-8086 mode
common:
pushad
mov ax, ds
push eax
mov ax, DATA
mov ds, ax
mov es, ax
mov al, 'X'
out 0xe9, al
mov al, ' '
out 0xe9, al
mov eax, [esp+36]
call show
mov eax, [esp+40]
call show
mov eax, [esp+44]
call show
mov eax, [esp+48]
and eax, 0xffff
call show
mov eax, [esp+52]
and eax, ~0x108d5
call show
test dword [esp+52], 0x20000
jnz .outer
test byte [esp+48], 3
jz .inner
mov cx, cs
xor ecx, [esp+48]
test cl, 3
jz .inner
.outer:
mov eax, [esp+56]
call show
mov eax, [esp+60]
and eax, 0xffff
call show
test dword [esp+52], 0x20000
jz .inner
mov eax, [esp+64]
call show
mov eax, [esp+68]
call show
mov eax, [esp+72]
call show
mov eax, [esp+76]
call show
.inner:
mov eax, [esp+32]
call show
mov ax, cs
and eax, 0xffff
call show
mov ax, [esp]
and eax, 0xffff
call show
mov ax, ss
and eax, 0xffff
call show
lea eax, [esp+36]
call show
cmp dword [esp+36], 14
jne .not_pf
mov eax, cr2
call show
.not_pf:
cmp dword [esp+36], 1
jne .not_db
mov eax, dr6
call show
.not_db:
mov eax, 0
str ax
call show
call line
; back to level 0 by way of the handler itself when it ran elsewhere
mov ax, cs
test al, 3
jz case_done
int 0x3f
${stubs.join("\n")}
stub_80: push dword 0
push dword 0x80
jmp common
; a 16-bit frame: IP, CS, FLAGS of a 32-bit stack
short_handler:
mov eax, esp
call show
mov eax, [esp]
call show
mov eax, [esp+4]
call show
call line
jmp case_done
gate_entry:
mov ax, cs
and eax, 0xffff
call show
mov ax, ss
and eax, 0xffff
call show
mov eax, esp
call show
mov eax, [esp]
call show
mov eax, [esp+4]
call show
mov eax, [esp+8]
call show
mov eax, [esp+12]
call show
mov eax, [esp+16]
call show
mov eax, [esp+20]
call show
mov eax, [esp+24]
call show
call line
jmp case_done
ugate_entry:
mov ax, cs
int 0x80
gate1_entry:
mov ax, ss
int 0x80

align 8
gdtr: dw pristine_end-pristine-1
dd gdt
align 8
pristine_gdtr: dw pristine_end-pristine-1
dd pristine
align 8
idtr: dw 0x81*8-1
dd idt
align 8
pristine:
${GDT.map(([, entry]) => entry).join("\n")}
pristine_end:
align 8
gdt: times pristine_end-pristine db 0
align 8
idt_pristine:
${idt.join("\n")}
times 0x80*8-($-idt_pristine) db 0
${gate(8, "stub_80", 0xee)}
align 8
idt: times 0x81*8 db 0
align 8
ldt:
dd 0,0
${descriptor(0, 0xfffff, 0x93, 0xc)}
${descriptor(0, 0xfffff, 0xf3, 0xc)}
${descriptor(0, 0xfffff, 0xfb, 0xc)}
${gate(8, "gate_entry", 0xec)}
times 24 db 0
align 4
tss_pristine:
dd 0, KSTACK-0x1000, DATA, STACK1, DATA1|1, 0, 0
dd 0, 0, 2, 0,0,0,0,0,0,0,0
dd 0,0,0,0,0,0, 0, 0x00680000
tss_map:
; redirection bitmap is the 32 bytes before 0x68+0x20 if the case moves the base; ports 0-7F allowed, 80-83 not
times 0x84 db 0
; tss2: a task at level 0
dd 0, 0,0,0,0,0,0
dd 0, task2, 2, 0x11,0x22,0x33,0x44, STACK1,0x66,0x77,0x88
dd DATA, CODE, DATA, DATA, 0, 0, LDT, 0x00680000
; tss3: returns to where it came from, nested
dd 0, 0,0,0,0,0,0
dd 0, task3, 2, 0,0,0,0, STACK1,0,0,0
dd DATA, CODE, DATA, DATA, 0, 0, 0, 0x00680000
; tss16
dw 0, 0,0,0,0,0,0
dw task16_low, 2, 0x11,0x22,0x33,0x44, 0x8000,0x66,0x77,0x88
dw DATA, CODE16, DATA16, DATA, LDT
dw 0
tss_pristine_end:
align 4
tss: times 0x68+0x84 db 0
tss2: times 0x68 db 0
tss3: times 0x68 db 0
tss16: times 0x2c db 0
dd 0
task16_low equ 0x7000

; what a task finds: registers, TR, link, NT and TS, then it ends the case
task2:
call show
mov eax, ecx
call show
mov eax, esp
call show
mov eax, edi
call show
call flags
mov eax, 0
str ax
call show
sldt ax
call show
mov ax, [tss2]
call show
smsw ax
and eax, 8
call show
mov al, [gdt+TSS+5]
mov ah, [gdt+TSS2+5]
and eax, 0xffff
call show
mov eax, [tss+0x20]
call show
mov eax, [tss+0x24]
and eax, ~0x108d5
call show
call line
jmp case_done
task16:
mov ecx, esp
mov dx, DATA
mov ss, dx
movzx esp, cx
call show
mov eax, ecx
call show
mov ax, ds
call show
mov ax, fs
call show
call flags
call line
jmp case_done
task3:
call flags
mov ax, [tss3]
and eax, 0xffff
call show
call line
iretd
jmp task3
current: dd 0
`;
}

/** The image of all cases; throws with the assembler's words if a case does not assemble. */
export function buildImage(cases: readonly Case[]): { bytes: Uint8Array; entry: number } {
  const bodies = cases.map((one, n) => `case${n}:\n${one.code}\nret\ntext${n}: db '# ${one.name}',0`);
  const table = cases.map((_, n) => `dd text${n}, case${n}`);
  const source = `${runtime()}\nalign 4\ncases:\n${table.join("\n")}\ndd 0\n${bodies.join("\n")}\nalign 4\nimage_end:\n`;
  const { bytes, errors, labels } = assemble(source, { bits: 32, org: ORG });
  if (errors.length > 0) {
    const lines = source.split("\n");
    throw new Error(
      errors
        .slice(0, 5)
        .map((error) => `${describeError(error)}: ${lines[error.line - 1]}`)
        .join("\n"),
    );
  }
  return { bytes, entry: labels.get("entry")! };
}

/** Code of a case that goes on at CPL 3, with `flags`, and ends with INT 80h. */
export const user = (code: string, flags = 2): string =>
  `mov eax, UDATA|3\nmov ds, ax\nmov es, ax\nxor eax, eax\n${outward(flags)}\n${code}\nint 0x80`;
/** IRET to level 3, data segments as they are. */
export const outward = (flags: number): string =>
  `push dword UDATA|3\npush dword USTACK\npush dword ${flags}\npush dword UCODE|3\npush dword .user\niretd\n.user:`;

/**
 * Sends exception `vector` of `code` into a task of its own, which needs nothing of the old stack: logs error code, EIP, CS,
 * SS and ESP. The other selector faults, and the double fault, go to another task that logs 07E70000 first.
 */
export function intoTask(vector: number, code: string): string {
  const gates = [8, 10, 11, 12, 13].map(
    (n) => `mov dword [idt+8*${n}], ${n === vector ? "TSS2" : "TSS3"}<<16\nmov dword [idt+8*${n}+4], 0x8500`,
  );
  return `${gates.join("\n")}
mov dword [tss2+0x20], .caught
mov dword [tss3+0x20], .other
${code}
jmp case_done
.other: mov eax, 0x07e70000
call show
.caught: pop eax
call show
mov eax, [tss+0x20]
call show
mov eax, [tss+0x4c]
call show
mov eax, [tss+0x50]
call show
mov eax, [tss+0x38]
call show
jmp case_done`;
}

/** Task 2 with a broken TSS is jumped to, or entered by `enter`; its faults go to task 3, which logs error code, link, and task 2's CS. */
export function brokenTask(change: string, enter = "jmp TSS2:0"): string {
  const gates = [8, 10, 11, 12, 13].map((n) => `mov dword [idt+8*${n}], TSS3<<16\nmov dword [idt+8*${n}+4], 0x8500`);
  return `${gates.join("\n")}
mov dword [tss3+0x20], .caught
${change}
${enter}
.caught: pop eax
call show
mov ax, [tss3]
and eax, 0xffff
call show
mov eax, [tss2+0x4c]
call show
mov eax, [gdt+TSS+4]
and eax, 0xff00
call show
jmp case_done`;
}

/** The same in virtual-8086 mode: 16-bit code at 0800:0000, stack 0900:1000. */
export const virtual8086 = (code: string, flags = 0x20002): string => `${place(0x8000, code, 16)}
push dword 0xb00
push dword 0xc00
push dword 0xd00
push dword 0xe00
push dword 0x900
push dword 0x1000
push dword ${flags}
push dword 0x800
push dword 0
iretd`;

/** Puts assembled code at a low address. */
export function place(address: number, code: string, bits: 16 | 32): string {
  const { bytes, errors } = assemble(code, { bits });
  if (errors.length > 0) throw new Error(`${describeError(errors[0]!)} in ${code}`);
  return Array.from(bytes, (byte, n) => `mov byte [${address + n}], ${byte}`).join("\n");
}

/** Log text → case name → its lines. */
export function splitLog(log: string): Map<string, string> {
  const parts = log.split(/\n?# /).slice(1);
  return new Map(
    parts.map((part) => {
      const [name, ...lines] = part.split("\n");
      return [
        name!.trim(),
        lines
          .map((line) => line.trim())
          .filter(Boolean)
          .join("\n"),
      ];
    }),
  );
}

/**
 * Small kernels that do what translation finds hard: code that changes, code and data on one page, accesses and
 * instructions across pages, faults and interrupts inside loops, REP, every way of setting and keeping flags, code mapped
 * twice. All loop for ever; what they compute ends in memory, which the state hash covers.
 */
import { assemble } from "../../web/assembler/assemble";
import { describeError } from "../../web/assembler/source-error";

interface Program {
  readonly source: string;
  /** Stores into its own code, which translations must notice. */
  readonly invalidates?: boolean;
}

/** Multiboot header; an IDT whose 48 gates lead to handler_N, by default one that skips two bytes; stack; EDI = data. */
const BEGIN = `
        org 0x100000
        bits 32
image:  jmp entry
        align 4
header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, image, image_end, 0x180000, entry
idt_pointer:
        dw 48 * 8 - 1
        dd 0x120000
entry:  cli
        mov esp, 0x130000
        mov ecx, 0
.gate:  mov eax, skip
        cmp ecx, 32
        jb .put
        mov eax, timer
.put:   mov edx, eax
        and eax, 0xffff
        mov ebx, cs
        shl ebx, 16
        or eax, ebx
        mov [0x120000 + ecx * 8], eax
        mov dx, 0x8e00
        mov [0x120004 + ecx * 8], edx
        inc ecx
        cmp ecx, 48
        jb .gate
        mov eax, page_fault
        mov [0x120000 + 14 * 8], ax
        lidt [idt_pointer]
        mov edi, 0x140000
        jmp main
skip:   add dword [esp], 2
        inc dword [0x141000]
        iret
page_fault:
        add esp, 4
        add dword [esp], 6
        iret
timer:  push eax
        inc dword [0x141004]
        mov al, 0x20
        out 0x20, al
        pop eax
        iret
`;
const END = `
image_end:
`;
/** IRQ 0 to vector 20h, a tick every 37 periods of the PIT. */
const TIMER = `
        mov al, 0x11
        out 0x20, al
        mov al, 0x20
        out 0x21, al
        mov al, 4
        out 0x21, al
        mov al, 1
        out 0x21, al
        mov al, 0xfe
        out 0x21, al
        mov al, 0x34
        out 0x43, al
        mov al, 37
        out 0x40, al
        mov al, 0
        out 0x40, al
        sti
`;

export const PROGRAMS: Readonly<Record<string, Program>> = {
  "flags of every operation": {
    source: `
main:   mov ebx, 0x12345
.loop:  imul ebx, ebx, 1103515245
        add ebx, 12345
        mov eax, ebx
        mov ecx, ebx
        shr ecx, 16
        add al, cl
        adc ah, ch
        sbb eax, ecx
        inc eax
        setc dl
        dec cl
        rcl eax, 1
        seto dh
        rol eax, cl
        jc .over
        ror ax, 3
        jp .over
        sar eax, cl
        js .over
        neg eax
.over:  shld eax, ebx, cl
        pushf
        pop esi
        xor [edi], esi
        bt ebx, ecx
        jnc .even
        cmp eax, ebx
        jle .even
        cmp al, bl
        jae .even
        sub ax, bx
        jo .even
        xadd eax, edx
        lahf
.even:  dec edx
        jl .less
        cmc
        adc eax, 3
.less:  add [edi + 4], eax
        adc [edi + 8], edx
        rcr dword [edi + 12], cl
        sbb byte [edi + 16], al
        cmpxchg [edi + 20], ebx
        bsf ecx, ebx
        cmovnz edx, ecx
        bswap edx
        mul edx
        xor [edi + 24], edx
        test bl, 1
        jz near .loop
        lea esi, [eax + ebx * 4 + 7]
        xchg esi, eax
        cmp ebx, eax
        loopne .again
.again: jmp .loop`,
  },
  "code that changes itself": {
    invalidates: true,
    source: `
main:   xor ebx, ebx
.loop:  inc ebx
        mov eax, ebx
        test bl, 15
        jnz .patched
        mov [.patched + 1], ebx
.patched:
        mov ecx, 0x11111111
        add [edi], ecx
        mov ecx, 20
.inner: add [edi + 4], ecx
        test bl, 63
        jnz .not
        cmp ecx, 9
        jne .not
        xor byte [.changing + 2], 1
.not:
.changing:
        add dword [edi + 8], 4
        loop .inner
        jmp .loop`,
  },
  "data beside code": {
    source: `
main:   xor ebx, ebx
.loop:  inc ebx
        mov [beside], ebx
        add [beside + 4], ebx
        push dword [beside + 4]
        pop eax
        xor [beside + 61], eax
        mov [across - 2], eax
        mov eax, [across - 2]
        add [across - 1], eax
        sub word [across - 1], 3
        movzx ecx, byte [beside + 1]
        jmp .loop
        align 64
beside: times 128 db 0
        times 0x102000 - 0x100000 - ($ - image) db 0
across: dd 1, 2, 3`,
  },
  "instructions across pages": {
    source: `
main:   xor ebx, ebx
        jmp near loop
        times 0x1000 - 7 - ($ - image) db 0x90
loop:   inc ebx
        add edx, ebx
        mov eax, [0x140000]
        cmp ebx, eax
        jne second
        inc ecx
second: add dword [0x140004], 0x12345678
        mov ecx, 5
inner:  add edx, ecx
        dec ecx
        jnz inner
        jmp near loop`,
  },
  "faults inside loops": {
    source: `
main:   xor ebx, ebx
.loop:  inc ebx
        lea ecx, [ebx + 3]
        and ecx, 7
        mov eax, ebx
        cdq
        cmp ecx, 4
        db 0xf7, 0xf1
        adc esi, eax
        ud2
        inc esi
        setc byte [edi]
        add esi, [edi]
        int3
        nop
        nop
        jmp .loop`,
  },
  strings: {
    source: `
main:   xor ebx, ebx
.loop:  inc ebx
        mov esi, 0x140000
        lea edi, [esi + ebx]
        mov ecx, ebx
        and ecx, 0x3f
        rep movsd
        mov edi, 0x150000
        mov ecx, 0x30
        mov eax, ebx
        rep stosb
        mov esi, 0x140000
        mov edi, 0x140100
        mov ecx, 0x40
        repe cmpsb
        adc edx, ecx
        mov edi, 0x140000
        mov ecx, 77
        mov al, bl
        repne scasb
        lodsw
        adc edx, ecx
        std
        mov edi, 0x152000
        mov ecx, 9
        rep stosd
        cld
        mov [0x141010], edx
        jmp .loop`,
  },
  "interrupts of a timer": {
    source: `
main:${TIMER}.loop:  inc ebx
        mov eax, ebx
        mov ecx, 6
.inner: imul eax, ecx
        xor [edi], eax
        dec ecx
        jnz .inner
        call function
        jmp .loop
function:
        push ebx
        mov edx, [esp + 4]
        add [edi + 4], edx
        pop ebx
        ret`,
  },
  "REP that a timer interrupts": {
    source: `
        ; The handler notes how far the string instruction has come.
main:   mov eax, noting
        mov [0x120000 + 32 * 8], ax${TIMER}.loop:  inc ebx
        mov esi, 0x150000
        mov edi, 0x158000
        mov ecx, 3000
        rep movsd
        mov edi, 0x151000
        mov ecx, 700
        mov eax, ebx
        rep stosb
        mov edi, 0x141010
        add [edi], ebx
        jmp .loop
noting: push eax
        xor [0x141020], ecx
        add [0x141024], edi
        inc dword [0x141028]
        mov al, 0x20
        out 0x20, al
        pop eax
        iret`,
  },
  "calls, tables and switches": {
    source: `
main:   mov ebx, 99
.loop:  imul ebx, ebx, 1664525
        add ebx, 1013904223
        mov eax, ebx
        shr eax, 29
        call [table + eax * 4]
        mov ecx, eax
        and ecx, 3
        jmp [labels + ecx * 4]
.a:     add [edi], eax
        jmp .loop
.b:     push 7
        call fib
        add [edi + 4], eax
        add esp, 4
        jmp .loop
.c:     enter 16, 0
        mov [ebp - 8], eax
        sub [ebp - 8], ebx
        mov eax, [ebp - 8]
        leave
        add [edi + 8], eax
        jmp .loop
fib:    mov eax, [esp + 4]
        cmp eax, 2
        jb .done
        dec eax
        push eax
        call fib
        pop ecx
        push eax
        dec ecx
        push ecx
        call fib
        add esp, 4
        pop ecx
        add eax, ecx
.done:  ret
f0:     add eax, 1
        ret
f1:     lea eax, [eax + eax * 2]
        ret
f2:     xor eax, ebx
        ret
        align 4
table:  dd f0, f1, f2, f0, f1, f2, f0, f1
labels: dd main.a, main.b, main.c, main.b`,
  },
  "one page at two addresses, and pages that come and go": {
    source: `
PAGES   equ 0x160000
main:   mov eax, PAGES + 0x1000 + 7
        mov [PAGES], eax
        xor ecx, ecx
.map:   mov eax, ecx
        shl eax, 12
        or eax, 7
        mov [PAGES + 0x1000 + ecx * 4], eax
        inc ecx
        cmp ecx, 1024
        jb .map
        mov eax, PAGES
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        ; The function's page also at 3 MB.
        mov eax, function
        shr eax, 12
        mov ecx, [PAGES + 0x1000 + eax * 4]
        mov [PAGES + 0x1000 + 0x300 * 4], ecx
        mov esi, function
        and esi, 0xfff
        or esi, 0x300000
.loop:  inc ebx
        call function
        call esi
        add [edi], eax
        test bl, 31
        jnz .loop
        ; A data page goes for one access, and its dirty bit with it.
        and dword [PAGES + 0x1000 + 0x142 * 4], ~0x61
        mov eax, [0x142000]
        nop
        or dword [PAGES + 0x1000 + 0x142 * 4], 1
        mov [0x142004], ebx
        ; The second address leads elsewhere for a while.
        xor dword [PAGES + 0x1000 + 0x300 * 4], 0x1000
        xor dword [PAGES + 0x1000 + 0x300 * 4], 0x1000
        jmp .loop
        times 0x1000 - ($ - image) db 0x90
function:
        mov ecx, 4
.step:  add eax, ecx
        xor [0x142008], eax
        dec ecx
        jnz .step
        ret`,
  },
  "accesses that share a check": {
    source: `
PAGES   equ 0x160000
main:   mov eax, PAGES + 0x1000 + 7
        mov [PAGES], eax
        xor ecx, ecx
.map:   mov eax, ecx
        shl eax, 12
        or eax, 7
        mov [PAGES + 0x1000 + ecx * 4], eax
        inc ecx
        cmp ecx, 1024
        jb .map
        mov eax, PAGES
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
.loop:  inc ebx
        ; A frame across two pages: by EBP, by ESP, both ways, with every width.
        mov ebp, 0x144ff4
        mov esp, 0x143008
        push ebx
        push ebp
        push dword [ebp + 4]
        push dword [ebp + 12]
        mov eax, [ebp]
        add eax, [ebp + 4]
        add [ebp + 8], eax
        mov [ebp + 12], ebx
        mov [ebp - 4], eax
        mov [ebp + 10], bx
        add [ebp + 11], al
        lea ecx, [ebp + 16]
        add ecx, -8
        mov edx, [ecx]
        xor [ecx + 4], edx
        test bl, 3
        cmovz edx, [ebp + 12]
        mov [ecx], edx
        jnz .other
        mov ecx, [ebp + 4]
        inc dword [ebp + 8]
.other: mov eax, [ebp + 8]
        pop ecx
        pop edx
        add [esp + 4], ecx
        add [esp - 4], edx
        leave
        ; A page that may only be read, then a store beside: #PF, whose handler skips six bytes.
        mov esi, 0x142000
        mov eax, [esi + 8]
        test bl, 31
        jnz .plain
        mov eax, cr0
        or eax, 0x10000
        mov cr0, eax
        and dword [PAGES + 0x1000 + 0x142 * 4], ~2
        mov eax, cr3
        mov cr3, eax
        mov eax, [esi]
        mov [esi + 4 + 0x100], eax
        mov edx, [esi + 4]
        or dword [PAGES + 0x1000 + 0x142 * 4], 2
        mov eax, cr3
        mov cr3, eax
.plain: add [esi + 4], eax
        ; A page is written, becomes a page table by the access between, and is written again.
        mov esi, ebx
        and esi, 63
        shl esi, 12
        add esi, 0x180000
        lea edx, [esi + 7]
        mov [PAGES + 4], edx
        mov eax, cr3
        mov cr3, eax
        mov dword [esi], 0x142007
        mov dword [esi + 8], 0x141007
        mov eax, [0x400004]
        mov dword [esi], 0x141007
        mov ecx, [0x400004]
        invlpg [0x400000]
        mov ecx, [0x400004]
        mov [esi + 12], ecx
        add [edi], eax
        add [edi + 4], ecx
        jmp .loop`,
  },
  "x87, MMX and SSE among integers": {
    source: `
main:   mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        fninit
        mov dword [edi], 3
.loop:  inc ebx
        mov [edi + 4], ebx
        fild dword [edi + 4]
        fidiv dword [edi]
        fadd qword [edi + 8]
        fst qword [edi + 8]
        fistp dword [edi + 16]
        add ecx, [edi + 16]
        movd xmm0, ebx
        pshufd xmm1, xmm0, 0
        paddd xmm1, [edi + 32]
        movdqu [edi + 32], xmm1
        movd eax, xmm1
        cvtsi2sd xmm2, eax
        ucomisd xmm2, xmm0
        adc ecx, 1
        pmovmskb edx, xmm1
        xor [edi + 20], edx
        jmp .loop`,
  },
  "SSE on plain and special operands": {
    source: `
main:   mov eax, cr4
        or eax, 0x600
        mov cr4, eax
        mov eax, page_fault
        mov [0x120000 + 13 * 8], ax
        mov dword [edi], 3
        mov dword [edi + 4], 0x3ff80000
        mov esi, 0x140fff
.loop:  inc ebx
        cvtsi2sd xmm0, ebx
        movsd xmm1, [edi]
        mulsd xmm0, xmm1
        addsd xmm0, [edi + 64]
        divsd xmm0, xmm1
        sqrtsd xmm2, xmm0
        movsd [edi + 64], xmm2
        subsd xmm2, xmm2
        movsd [edi + 72], xmm2
        ; Denormal, infinite and not a number, from the bits of a counter.
        mov [edi + 80], ebx
        mov eax, ebx
        shl eax, 20
        mov [edi + 84], eax
        movsd xmm3, [edi + 80]
        addsd xmm3, xmm1
        mulsd xmm3, xmm3
        movsd [edi + 88], xmm3
        cvtsi2ss xmm4, ebx
        mulss xmm4, xmm4
        addss xmm4, [edi + 96]
        divss xmm4, [edi + 4]
        movss [edi + 96], xmm4
        movss xmm5, xmm4
        stmxcsr [edi + 100]
        movd xmm6, ebx
        pshufd xmm7, xmm6, 0x1b
        paddb xmm7, [edi + 112]
        psubusw xmm7, xmm6
        pmullw xmm7, xmm0
        pandn xmm7, [edi + 112]
        punpckhbw xmm7, xmm1
        packsswb xmm7, xmm6
        pslld xmm7, 5
        psraw xmm7, 20
        psrlq xmm7, 65
        pxor xmm7, [edi + 64]
        pcmpgtd xmm6, xmm7
        movdqa [edi + 112], xmm7
        movdqu [esi], xmm6
        movdqu xmm0, [esi - 3]
        movups [edi + 129], xmm0
        ; Not aligned: #GP, whose handler skips six bytes.
        mov eax, edi
        add eax, ebx
        and eax, 0xfffffff7
        movaps xmm0, [eax]
        nop
        nop
        nop
        ; Every so often rounding up, and with the flag clear.
        test bl, 7
        jnz .loop
        mov dword [edi + 104], 0x5f80
        test bl, 31
        jz .set
        mov dword [edi + 104], 0x1f80
.set:   ldmxcsr [edi + 104]
        jmp .loop`,
  },
};

export function multibootImage(source: string): Uint8Array<ArrayBuffer> {
  const assembled = assemble(`${BEGIN}${source}${END}`);
  if (assembled.errors.length > 0) throw new Error(assembled.errors.map((error) => describeError(error)).join("\n"));
  return Uint8Array.from(assembled.bytes);
}

; A bare-metal program for counting instructions: tests/boot/instruction-count.ts puts bios/multiboot.asm before it, runs
; it here and in QEMU with -icount, and compares. Option: loops=N.
; On the debug console (port E9h), in decimal, one a line:
;   REP instructions in the loops, those with ECX = 0 left out | how many of them end because ECX has reached 0 | their
;   iterations | time-stamp difference of one REP MOVSB of 1000 bytes | time-stamp difference of all loops
; then it leaves by the debug exit, port F4h. Nothing polls and no interrupt comes: the count is the same everywhere.

DEBUG_CONSOLE   equ 0xe9
DEBUG_EXIT      equ 0xf4
REPS_A_LOOP     equ 4
ENDED_BY_COUNT  equ 2
ITERATIONS_A_LOOP equ 64 + 37 + 21 + 30

main:
        mov eax, [loops]
        imul eax, eax, REPS_A_LOOP
        call say
        mov eax, [loops]
        imul eax, eax, ENDED_BY_COUNT
        call say
        mov eax, [loops]
        imul eax, eax, ITERATIONS_A_LOOP
        call say
        call calibrate
        call say

        rdtsc
        mov [first], eax
        call work
        rdtsc
        sub eax, [first]
        call say
        xor eax, eax
        out DEBUG_EXIT, al
        jmp stop

calibrate:
        rdtsc
        mov ebx, eax
        rdtsc
        sub eax, ebx
        mov ebp, eax            ; what two neighbours differ by
        mov esi, text
        mov edi, copy
        mov ecx, 1000
        rdtsc
        mov ebx, eax
        rep movsb
        rdtsc
        sub eax, ebx
        sub eax, ebp
        ret

work:
        mov ebp, [loops]
.loop:
        ; Arithmetic and both outcomes of branches.
        mov ecx, 50
        mov eax, ebp
.mix:
        imul eax, eax, 1103515245
        add eax, 12345
        mov edx, eax
        shr edx, 16
        test dl, 1
        jz .even
        xor [sum], edx
        rol dword [sum], 3
        jmp .joined
.even:
        add [sum], edx
        adc dword [sum + 4], 0
.joined:
        push eax
        call leaf
        pop eax
        dec ecx
        jnz .mix
        ; Division, bit scans, byte and word forms, a jump through memory.
        mov eax, [sum]
        xor edx, edx
        mov ebx, 977
        div ebx
        bsr ebx, eax
        setz cl
        movzx eax, cl
        mov [words + eax * 2], bx
        inc byte [words + 5]
        cmovz eax, ebx
        call [vector]
        ; String instructions that repeat: 64, 37, 21 and 30 times, and not at all.
        mov esi, text
        mov edi, copy
        mov ecx, 64
        rep movsd
        mov ecx, 37
        mov al, 'x'
        rep stosb
        mov edi, text
        mov ecx, 4000
        mov al, '!'
        repne scasb             ; found at the 21st
        mov esi, text
        mov edi, other
        mov ecx, 4000
        repe cmpsb              ; they differ at the 30th
        xor ecx, ecx
        rep movsb
        ; LOOP, and single string instructions.
        mov ecx, 8
        mov esi, text
.bytes:
        lodsb
        loop .bytes
        dec ebp
        jnz .loop
        ret

nothing:
        ret

leaf:
        push ebp
        mov ebp, esp
        mov eax, [ebp + 8]
        add [sum + 4], eax
        leave
        ret

; EAX in decimal and a line feed, to the debug console.
say:
        mov ebx, 10
        mov edi, digits_end
.digit:
        xor edx, edx
        div ebx
        add dl, '0'
        dec edi
        mov [edi], dl
        test eax, eax
        jnz .digit
.send:
        mov al, [edi]
        out DEBUG_CONSOLE, al
        inc edi
        cmp edi, digits_end
        jne .send
        mov al, 10
        out DEBUG_CONSOLE, al
        ret

        align 4
options:
        dd loops_name, loops, 0
loops:          dd 1
sum:            dd 0, 0
first:          dd 0
vector:         dd nothing
words:          times 8 db 0
loops_name:     db "loops", 0
text:           db "this is text, with a! sign and more after it, and so on", 0
                times 1024 - 56 db 0
other:          db "this is text, with a! sign anX more after it, and so on", 0

        align 4096, db 0
image_end:
copy            equ image_end
stack_top       equ copy + 8192
memory_end      equ stack_top

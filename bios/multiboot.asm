; Common beginning of the measuring guests (exits, pingpong): a multiboot 1 header with load addresses, entry in flat
; 32-bit protected mode, the command line, and printing on COM1. The guest's own file follows and defines `main`.
; "Multiboot Specification version 0.6.96", 3.1 (header), 3.2 (machine state), 3.3 (boot information).

MB_MAGIC        equ 0x1badb002
MB_FLAGS        equ 0x00010000  ; the load addresses in this header are valid
MB_BOOTED       equ 0x2badb002  ; EAX at entry
MB_COMMAND_LINE equ 16          ; offset in the structure at EBX

COM1            equ 0x3f8

        org 0x100000
        bits 32

image:
        jmp entry
        align 4
header:
        dd MB_MAGIC
        dd MB_FLAGS
        dd -(MB_MAGIC + MB_FLAGS)
        dd header               ; header_addr
        dd image                ; load_addr
        dd image_end            ; load_end_addr
        dd memory_end           ; bss_end_addr: zeroed up to here
        dd entry                ; entry_addr

entry:
        cld
        mov esp, stack_top
        cmp eax, MB_BOOTED
        jne stop
        mov esi, [ebx + MB_COMMAND_LINE]
        call parse
        jmp main

; Interrupts off, halted: the end of every guest here.
stop:
        cli
        hlt
        jmp stop

; Reads the command line at ESI: words "name=number", in decimal, separated by blanks. Names and the places for their
; numbers are in the table `options`: dd name, place; a zero ends it. A word that is no option stops the guest.
parse:
        mov al, [esi]
        test al, al
        jz .end
        cmp al, ' '
        jne .word
        inc esi
        jmp parse
.end:
        ret
.word:
        mov ebx, options
.option:
        mov edi, [ebx]
        test edi, edi
        jz .unknown
        push esi
.compare:
        mov al, [edi]
        test al, al
        jz .matched
        cmp al, [esi]
        jne .next
        inc esi
        inc edi
        jmp .compare
.next:
        pop esi
        add ebx, 8
        jmp .option
.matched:
        cmp byte [esi], '='
        jne .next
        add esp, 4              ; the start of the word is not needed any more
        inc esi
        call number
        mov edi, [ebx + 4]
        mov [edi], eax
        jmp parse
.unknown:
        ; QEMU's loader puts the kernel's file name first: a word without "=" is skipped.
        mov edi, esi
.scan:
        mov al, [edi]
        test al, al
        jz .skip
        cmp al, ' '
        je .skip
        cmp al, '='
        je .refuse
        inc edi
        jmp .scan
.skip:
        mov esi, edi
        jmp parse
.refuse:
        push esi
        mov esi, unknown_text
        call print
        pop esi
        call print
        mov esi, line_end
        call print
        jmp stop

; Decimal digits at ESI → EAX.
number:
        xor eax, eax
.digit:
        movzx ecx, byte [esi]
        sub ecx, '0'
        cmp ecx, 9
        ja .done
        imul eax, eax, 10
        add eax, ecx
        inc esi
        jmp .digit
.done:
        ret

; Prints the characters at ESI up to a zero byte, waiting for the transmitter (LSR bit 5) before each.
print:
        lodsb
        test al, al
        jz .done
        call write
        jmp print
.done:
        ret

; Sends AL. Keeps all registers but EDX.
write:
        push eax
        mov dx, COM1 + 5
.wait:
        in al, dx
        test al, 0x20
        jz .wait
        pop eax
        mov dx, COM1
        out dx, al
        ret

; Prints EAX in decimal.
print_number:
        mov ecx, 10
        mov edi, digits_end
.digit:
        xor edx, edx
        div ecx
        add dl, '0'
        dec edi
        mov [edi], dl
        test eax, eax
        jnz .digit
        mov esi, edi
        jmp print

digits:         times 10 db 0
digits_end:     db 0
unknown_text:   db "unknown option: ", 0
line_end:       db 13, 10, 0

; Real mode at 0000:7C00; all segments are 0, SP is 7C00h, interrupts are off.
        org 0x7c00

        mov word [0x21 * 4], handler    ; vector 21h of the real-mode table
        mov word [0x21 * 4 + 2], 0
        mov cx, rounds
again:
        mov al, cl
        out 0x80, al
        int 0x21
        loop again

        smsw bx                         ; the low half of CR0
        mov eax, cr0
        pushf
        pop dx
        rdtsc
        cli
        hlt

handler:
        push ax
        in al, 0x61
        test al, 0x10
        pop ax
        iret

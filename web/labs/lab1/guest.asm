; The guest: it knows nothing of a monitor. Ports 81h, 82h and 83h are page registers of the DMA controller: on this
; board, reading one gives what was last written to it.
        org GUEST

        cli
        mov al, {{value1}}
        out 0x81, al
        mov al, {{value2}}
        out 0x82, al
        xor ebx, ebx
        mov ecx, {{rounds}}
        mov esi, 0x12345678
.round:
        xor eax, eax
        in al, 0x81
        add ebx, eax
        xor eax, eax
        in al, 0x82
        add ebx, eax
        sti
        cli
        loop .round

        mov eax, 0xabcdef00
        in al, 0x81                     ; changes AL, and no other bit of EAX
        mov [RESULTS + 4], eax
        mov eax, cr0
        mov [RESULTS + 8], eax
        mov al, bl
        out 0x83, al
        in al, 0x83
        movzx eax, al
        mov [RESULTS + 12], eax
        mov [RESULTS], ebx
        mov [RESULTS + 16], esi
        mov [RESULTS + 20], ecx
        hlt

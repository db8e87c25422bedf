; Given: a program that fills some memory, and goes on after the label snap. 32-bit code in flat protected mode, no paging.
        org 0x100000

        mov edi, 0x200000
        mov ecx, {{filled}}
fill:
        mov [edi], ecx                  ; one page each
        add edi, 4096
        dec ecx
        jnz fill

snap:                                   ; here the snapshot is taken
        mov edi, 0x200000
        mov ecx, {{again}}
rewrite:
        mov eax, [edi]
        mov [edi], eax                  ; what is there already
        add edi, 4096
        dec ecx
        jnz rewrite

        mov edi, 0x280000
        mov ecx, {{looked}}
look:
        mov eax, [edi]
        add edi, 4096
        dec ecx
        jnz look

        mov edi, 0x300000
        mov ecx, {{fresh}}
new_page:
        mov dword [edi], 7
        inc dword [edi]
        inc dword [edi + 8]
        add edi, 4096
        dec ecx
        jnz new_page
        rdtsc
        mov [0x200010], eax
        cli
        hlt

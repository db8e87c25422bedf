; Given: three routines that fill one buffer of 16 dwords. Behind it lies a dword that none of them should touch.
BUFFER          equ 0x200000
VICTIM          equ BUFFER + 64
        org 0x100000

        mov esp, 0x180000
        mov dword [VICTIM], {{secret | hex}}
snap:
        call fill_a
        call fill_b
        call fill_c
        cli
        hlt

        align 64
fill_a:
        mov edi, BUFFER
        mov ecx, {{la}}
        mov eax, 0x1000
next_a:
        mov [edi], eax
        add edi, 4
        inc eax
        dec ecx
        jnz next_a
        ret

        align 64
fill_b:
        mov edi, BUFFER
        mov ecx, {{lb}}
        mov eax, 0x2000
next_b:
        mov [edi], eax
        add edi, 4
        inc eax
        dec ecx
        jnz next_b
        ret

        align 64
fill_c:
        mov edi, BUFFER
        mov ecx, {{lc}}
        mov eax, 0x3000
next_c:
        mov [edi], eax
        add edi, 4
        inc eax
        dec ecx
        jnz next_c
        ret

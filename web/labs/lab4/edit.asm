; Given: a kernel that changes one entry of a page table in each round, and loads CR3 again.
        org 0x100000

        mov edi, low_table              ; 0 to 4 MB onto itself
        mov eax, 3
        mov ecx, 1024
low:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop low
        mov edi, arena_table            ; pages from 800000h
        mov eax, 0x600003
        mov ecx, {{touched}}
arena:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop arena
        mov dword [directory], low_table + 3
        mov dword [directory + 8], arena_table + 3
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax

        mov ebp, {{rounds}}
        mov ebx, 0x700003
round:
        mov esi, 0x800000
        mov ecx, {{touched}}
touch:
        mov eax, [esi]
        add esi, 4096
        loop touch
        mov [arena_table], ebx          ; the first page now leads to another frame
        invlpg [0x800000]
        add ebx, 4096
        mov eax, cr3
        mov cr3, eax
        dec ebp
        jnz round
        cli
        hlt

directory       equ 0x210000
low_table       equ 0x211000
arena_table     equ 0x212000

; Two address spaces, a and b. Both have the same page table for 0 to 4 MB (code, tables) and the same one for the shared
; pages; for the own pages each has a page table of its own.
OWN             equ 0x00800000
SHARED          equ 0x00c00000
        org 0x100000

        call make_tables
        mov eax, directory_a
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000              ; paging is on from here
        mov cr0, eax

        mov ebp, {{rounds}}
.round:
        mov eax, directory_a            ; MOV to CR3: space a
        mov cr3, eax
        call touch
        mov eax, directory_b            ; space b
        mov cr3, eax
        call touch
        dec ebp
        jnz .round
        cli
        hlt

touch:
        mov edi, OWN
        mov ecx, {{owns}}                      ; own pages
.own:
        inc dword [edi]
        add edi, 4096
        loop .own
        mov edi, SHARED
        mov ecx, {{shareds}}                      ; shared pages
.shared:
        inc dword [edi]
        add edi, 4096
        loop .shared
        ret

make_tables:
        mov edi, low_table
        mov eax, 3
        call fill
        mov edi, shared_table
        mov eax, 0x600003
        call fill
        mov edi, own_table_a
        mov eax, 0xa00003
        call fill
        mov edi, own_table_b
        mov eax, 0xb00003
        call fill
        mov dword [directory_a], low_table + 3
        mov dword [directory_b], low_table + 3
        mov dword [directory_a + (OWN >> 22) * 4], own_table_a + 3
        mov dword [directory_b + (OWN >> 22) * 4], own_table_b + 3
        mov dword [directory_a + (SHARED >> 22) * 4], shared_table + 3
        mov dword [directory_b + (SHARED >> 22) * 4], shared_table + 3
        ret
fill:
        mov ecx, 1024
.entry:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .entry
        ret

directory_a     equ 0x210000
directory_b     equ 0x211000
low_table       equ 0x212000
shared_table    equ 0x213000
own_table_a     equ 0x214000
own_table_b     equ 0x215000

; Flat protected mode, CPL 0, paging off; loaded at 100000h. RAM is 16 MB and zero where nothing was loaded.
; L1 … L4 and P1 … P3 are known to the assembler.

directory equ 0x200000
low_table equ 0x201000                  ; for 0 to 4 MB: this code must stay where it is

        mov edi, low_table
        mov eax, 3                      ; present, writable, supervisor
        mov ecx, 1024
.low:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .low
        mov dword [directory], low_table + 3

        ; Your entries. For example, an entry for the 4 MB in which L1 lies:
        ;       mov dword [directory + (L1 >> 22) * 4], …

        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        cli
        hlt

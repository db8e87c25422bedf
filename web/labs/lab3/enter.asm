; Given: puts the dwords in place, switches paging on with the directory at 200000h, and halts.
        org 0x100000

        mov dword [frame1 + o1], value1
        mov dword [decoy + o1], decoy1
        mov dword [big + o2], value2
        mov eax, cr4
        or eax, 0x10                    ; PSE: directory entries may map 4 MB
        mov cr4, eax
        mov eax, pd
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000 | write_protect << 16
        mov cr0, eax
        cli
        hlt

; pingpong: what address-space switches and freed page tables cost. Command line:
;   rounds=N   two address spaces, switched by MOV CR3; each round, in each space, touches 8 kernel pages that both share
;              and 4 pages of its own (same linear addresses, different frames), then checks that its own counted on
;   ptfree=N   takes a page into use as a page table, works through it, takes it out again, then writes N times to it as data
; Prints what it did on COM1 and halts.

KERNEL_PAGES    equ 8
OWN_PAGES       equ 4
OWN             equ 0x00800000  ; where both spaces have their own pages
BORROWED        equ 0x00c00000  ; what the page table of ptfree maps
PRESENT         equ 3           ; present, writable

main:
        call make_spaces
        mov eax, directory_a
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000      ; PG
        mov cr0, eax

        cmp dword [rounds], 0
        je .no_rounds
        call ping_pong
.no_rounds:
        cmp dword [ptfree], 0
        je .no_free
        call use_and_free
.no_free:
        mov esi, done_text
        call print
        jmp stop

ping_pong:
        mov ebp, [rounds]
.round:
        mov eax, directory_a
        mov cr3, eax
        call touch
        mov eax, directory_b
        mov cr3, eax
        call touch
        dec ebp
        jnz .round

        ; Each space has counted its own rounds, and nobody else's; the shared pages have counted both.
        mov eax, [rounds]
        cmp [OWN], eax
        jne fail
        mov eax, directory_a
        mov cr3, eax
        mov eax, [rounds]
        cmp [OWN], eax
        jne fail
        add eax, eax
        cmp [shared], eax
        jne fail
        mov eax, [rounds]
        call print_number
        mov esi, rounds_text
        jmp print

; Adds 1 in each page: a load and a store.
touch:
        mov edi, shared
        mov ecx, KERNEL_PAGES
.kernel:
        inc dword [edi]
        add edi, 4096
        loop .kernel
        mov edi, OWN
        mov ecx, OWN_PAGES
.own:
        inc dword [edi]
        add edi, 4096
        loop .own
        ret

use_and_free:
        ; In use: a page table whose first entry maps the frame `lent`.
        mov dword [lent], 0x12345678
        mov dword [borrowed_table], lent + PRESENT
        mov dword [directory_a + (BORROWED >> 22) * 4], borrowed_table + PRESENT
        cmp dword [BORROWED], 0x12345678
        jne fail
        mov dword [BORROWED], 0x9abcdef0
        cmp dword [lent], 0x9abcdef0
        jne fail
        ; Free again: out of the directory, and out of the TLB.
        mov dword [directory_a + (BORROWED >> 22) * 4], 0
        mov eax, cr3
        mov cr3, eax
        ; Now the page is data.
        mov ecx, [ptfree]
        xor eax, eax
.write:
        mov edx, ecx
        and edx, 1023
        mov [borrowed_table + edx * 4], ecx
        add eax, ecx
        loop .write
        mov eax, [ptfree]
        call print_number
        mov esi, ptfree_text
        jmp print

; Both directories: the first 4 MB onto themselves through one table that they share; their own table for OWN.
make_spaces:
        mov edi, kernel_table
        mov eax, PRESENT
        mov ecx, 1024
.identity:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .identity
        mov eax, kernel_table + PRESENT
        mov [directory_a], eax
        mov [directory_b], eax
        mov dword [directory_a + (OWN >> 22) * 4], table_a + PRESENT
        mov dword [directory_b + (OWN >> 22) * 4], table_b + PRESENT
        mov edi, table_a
        mov eax, own_a + PRESENT
        call .own
        mov edi, table_b
        mov eax, own_b + PRESENT
.own:
        mov ecx, OWN_PAGES
.entry:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .entry
        ret

fail:
        mov esi, fail_text
        call print
        jmp stop

        align 4
options:
        dd rounds_name, rounds, ptfree_name, ptfree, 0
rounds:         dd 0
ptfree:         dd 0
rounds_name:    db "rounds", 0
ptfree_name:    db "ptfree", 0
rounds_text:    db " rounds, both spaces kept their own", 13, 10, 0
ptfree_text:    db " writes to a freed page table", 13, 10, 0
done_text:      db "done", 13, 10, 0
fail_text:      db "FAIL: an address space saw the wrong page", 13, 10, 0

        align 4096, db 0
image_end:

; Zeroed by the loader.
directory_a     equ image_end
directory_b     equ directory_a + 4096
kernel_table    equ directory_b + 4096
table_a         equ kernel_table + 4096
table_b         equ table_a + 4096
borrowed_table  equ table_b + 4096
lent            equ borrowed_table + 4096
own_a           equ lent + 4096
own_b           equ own_a + OWN_PAGES * 4096
shared          equ own_b + OWN_PAGES * 4096
stack_bottom    equ shared + KERNEL_PAGES * 4096
stack_top       equ stack_bottom + 4096
memory_end      equ stack_top

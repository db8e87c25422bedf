; Given: a small kernel with two address spaces, a parent and a child, both at CPL 0, with CR0.WP = 1.
;   0 to 8 MB           onto itself, in both
;   800000h (DATA)      the parent's data: {{datas}} pages; the child has nothing there before the fork
        org 0x200000

begin:
        lgdt [gdt_register]
        jmp 0x08:flat
flat:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, stack
        mov dword [idt + 14 * 8], (0x08 << 16) | (page_fault & 0xffff)
        mov dword [idt + 14 * 8 + 4], (page_fault & 0xffff0000) | 0x8e00
        lidt [idt_register]
        cld

        mov edi, low_tables             ; two tables: 8 MB
        mov eax, 3
        mov ecx, 2048
low:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop low
        mov edi, PARENT_TABLE
        mov eax, 0x400003
        mov ecx, {{datas}}
data:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop data
        mov dword [parent], low_tables + 3
        mov dword [parent + 4], low_tables + 0x1003
        mov dword [parent + 8], PARENT_TABLE + 3
        mov dword [child], low_tables + 3
        mov dword [child + 4], low_tables + 0x1003
        mov dword [child + 8], CHILD_TABLE + 3
        mov dword [NEXT_FRAME], 0x600000
        mov eax, parent
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80010000              ; PG and WP
        mov cr0, eax

        mov edi, DATA                   ; the parent writes 100, 101, ... to its pages
        mov eax, 100
        mov ecx, {{datas}}
fill:
        mov [edi], eax
        mov [edi + 2044], eax
        add edi, 4096
        inc eax
        loop fill

        call fork                       ; yours

        mov eax, child
        mov cr3, eax
        mov edi, DATA                   ; the child reads all of them
        mov ecx, {{datas}}
reads:
        mov eax, [edi]
        add edi, 4096
        loop reads
        mov edi, DATA                   ; and writes 900, 901, ... to the first {{writes}}
        mov eax, 900
        mov ecx, {{writes}}
child_writes:
        mov [edi], eax
        add edi, 4096
        inc eax
        loop child_writes

        mov eax, parent
        mov cr3, eax
        mov dword [DATA], 500           ; the parent writes to its first page
        mov ebp, 0x900d
        cli
        hlt

page_fault:                             ; EAX = the page, EDI = its entry in the table of this space
        pushad
        mov eax, cr2
        test dword [esp + 32], 1        ; the error code: was the page not present?
        jz bad
        cmp dword [faults], 200
        ja bad
        inc dword [faults]
        mov ebx, eax
        sub ebx, DATA
        cmp ebx, {{datas}} * 4096
        jae bad
        and eax, 0xfffff000
        shr ebx, 12
        mov edi, PARENT_TABLE
        mov ecx, cr3
        cmp ecx, parent
        je mine
        mov edi, CHILD_TABLE
mine:
        lea edi, [edi + ebx * 4]
        call cow                        ; yours
        popad
        add esp, 4
        iretd
bad:
        mov ebp, 0xbad
        cli
        hlt

faults: dd 0
        align 8
gdt:
        dq 0
        dq 0x00cf9a000000ffff
        dq 0x00cf92000000ffff
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
idt_register:
        dw 32 * 8 - 1
        dd idt
        align 8
idt:
        times 32 dq 0
        times 1024 db 0
stack:

parent          equ 0x220000
child           equ 0x221000
low_tables      equ 0x222000            ; and 223000h

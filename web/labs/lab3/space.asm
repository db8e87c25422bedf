; Given: a small kernel with paging on. The arena is 4 MB from 800000h, mapped by one page table of its own:
;   800000h to 80FFFFh   16 pages that the guest's table allows from the beginning, read and write
;   810000h to 81FFFFh   16 pages on demand: not present; the handler of #PF maps one when it is touched
;   from 820000h         nothing
        org 0x200000

begin:
        lgdt [gdt_register]
        jmp 0x08:.flat
.flat:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, stack
        mov dword [idt + 14 * 8], (0x08 << 16) | (page_fault & 0xffff)
        mov dword [idt + 14 * 8 + 4], (page_fault & 0xffff0000) | 0x8e00
        lidt [idt_register]

        mov edi, low_table              ; 0 to 4 MB onto itself
        mov eax, 3
        mov ecx, 1024
.low:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .low
        mov edi, arena_table
        mov eax, 0x400003
        mov ecx, 16
.arena:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .arena
        mov dword [directory], low_table + 3
        mov dword [directory + (ARENA >> 22) * 4], arena_table + 3
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax

        call work
        mov ebp, 0x900d
        cli
        hlt

page_fault:
        push eax
        push edx
        mov edx, cr2
        mov eax, edx
        sub eax, DEMAND
        cmp eax, 0x10000
        jae .bad
        and eax, 0xfffff000             ; the frame: 410000h and on
        add eax, 0x410003
        shr edx, 12
        and edx, 0x3ff
        mov [arena_table + edx * 4], eax
        pop edx
        pop eax
        add esp, 4
        iretd
.bad:
        mov ebp, 0xbad
        cli
        hlt

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

directory       equ 0x210000
low_table       equ 0x211000
arena_table     equ 0x212000

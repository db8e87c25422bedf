; Given: calls your probe at CPL `ring`, 0 or 3. An exception ends the machine, and so does the probe's RET.
        org 0x200000

begin:
        lgdt [gdt_register]
        jmp 0x08:.flat
.flat:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, kernel_stack
        mov edi, idt                    ; 32 exceptions
        mov ecx, 32
.gate:
        mov dword [edi], (0x08 << 16) | (trapped & 0xffff)
        mov dword [edi + 4], (trapped & 0xffff0000) | 0x8e00
        add edi, 8
        loop .gate
        mov dword [idt + 0x41 * 8], (0x08 << 16) | (done & 0xffff)
        mov dword [idt + 0x41 * 8 + 4], (done & 0xffff0000) | 0xee00
        lidt [idt_register]
        mov ax, 0x28
        ltr ax
        mov ax, 0x30
        lldt ax
        mov dword [RESULTS], 0xffffffff
        mov eax, ring
        test eax, eax
        jz .kernel
        mov ax, 0x23
        mov ds, ax
        mov es, ax
        mov dword [user_stack - 4], returned
        push dword 0x23
        push dword user_stack - 4
        push dword 0x202
        push dword 0x1b
        push dword probe
        iretd
.kernel:
        mov esp, user_stack
        push dword returned
        push dword 0x202
        popfd
        jmp probe

returned:
        int 0x41
trapped:
        mov ebp, 0xbad
done:
        cli
        hlt

        align 8
gdt:
        dq 0
        dq 0x00cf9a000000ffff           ; 08h code, DPL 0
        dq 0x00cf92000000ffff           ; 10h data, DPL 0
        dq 0x00cffa000000ffff           ; 18h code, DPL 3
        dq 0x00cff2000000ffff           ; 20h data, DPL 3
        dw 0x67, tss & 0xffff           ; 28h task-state segment
        db tss >> 16 & 0xff, 0x89, 0, tss >> 24
        dw 0x07, gdt & 0xffff           ; 30h an empty LDT
        db gdt >> 16 & 0xff, 0x82, 0, gdt >> 24
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
idt_register:
        dw 0x42 * 8 - 1
        dd idt
        align 4
tss:
        dd 0, kernel_stack, 0x10
        times 22 dd 0
        dw 0, 0x68
        align 8
idt:
        times 0x42 dq 0
        times 1024 db 0
kernel_stack:
        times 1024 db 0
user_stack:

; Given: a protected-mode machine whose guest runs at CPL 3. Only #GP (vector 13) has a handler of yours; any other
; exception stops the machine. Interrupts stay off: EFLAGS.IF = 0, IOPL = 0.
        org 0x200000

begin:
        lgdt [gdt_register]
        jmp 0x08:flat
flat:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, monitor_stack
        mov edi, idt                    ; 32 interrupt gates: DPL 0, 32-bit, CS 08h
        mov ecx, 32
.gate:
        mov dword [edi], (0x08 << 16) | (unexpected & 0xffff)
        mov dword [edi + 4], (unexpected & 0xffff0000) | 0x8e00
        add edi, 8
        loop .gate
        mov dword [idt + 13 * 8], (0x08 << 16) | (gp_handler & 0xffff)
        mov dword [idt + 13 * 8 + 4], (gp_handler & 0xffff0000) | 0x8e00
        lidt [idt_register]
        mov ax, 0x28
        ltr ax

        mov ax, 0x23                    ; data for CPL 3
        mov ds, ax
        mov es, ax
        push dword 0x23                 ; SS, ESP, EFLAGS, CS, EIP: IRET leaves for CPL 3
        push dword guest_stack
        push dword guest_flags
        push dword 0x1b
        push dword GUEST
        xor eax, eax
        xor ecx, ecx
        xor edx, edx
        xor ebx, ebx
        xor ebp, ebp
        xor esi, esi
        xor edi, edi
        iretd

unexpected:
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
gdt_register:
        dw gdt_register - gdt - 1
        dd gdt
idt_register:
        dw 32 * 8 - 1
        dd idt
        align 4
tss:
        dd 0, monitor_stack, 0x10       ; SS0:ESP0: the stack that an exception at CPL 3 finds
        times 22 dd 0
        dw 0, 0x68
        align 8
idt:
        times 32 dq 0
        times 1024 db 0
monitor_stack:
        times 1024 db 0
guest_stack:

; Given: executes instructions one after the other at CPL `ring`, 0 or 3. Of each it leaves two dwords from RESULTS on:
; 1 if it raised an exception, and EAX after it. An exception goes on behind the instruction.
; EFLAGS.IF is 1 before each of them, IOPL is 0; no interrupt comes.
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
        mov eax, cr4                    ; CR4.UMIP, where the processor has it
        or eax, umip << 11
        mov cr4, eax
        mov edi, idt                    ; 32 exceptions
        mov ecx, 32
.gate:
        mov dword [edi], (0x08 << 16) | (trapped & 0xffff)
        mov dword [edi + 4], (trapped & 0xffff0000) | 0x8e00
        add edi, 8
        loop .gate                      ; and INT 40h, whose gate has DPL {{gatedpl}}
        mov dword [idt + 0x40 * 8], (0x08 << 16) | (called & 0xffff)
        mov dword [idt + 0x40 * 8 + 4], (called & 0xffff0000) | 0x8e00 | gatedpl << 13
        mov dword [idt + 0x41 * 8], (0x08 << 16) | (done & 0xffff)
        mov dword [idt + 0x41 * 8 + 4], (done & 0xffff0000) | 0xee00
        lidt [idt_register]
        mov ax, 0x28
        ltr ax
        mov ax, 0x30
        lldt ax
        mov dword [RESUME], first
        jmp resume

; Exceptions: from whatever level, with whatever stack.
trapped:
        mov esi, [CURRENT]
        mov dword [RESULTS + esi * 8], 1
resume:
        mov ax, 0x10 + ring * 0x13 / 3  ; 10h or 23h
        mov ds, ax
        mov es, ax
        mov eax, ring
        test eax, eax
        jz .kernel
        mov esp, kernel_stack
        push dword 0x23
        push dword user_stack
        push dword 0x202
        push dword 0x1b
        push dword [RESUME]
        iretd
.kernel:
        mov esp, user_stack
        push dword 0x202
        popfd
        jmp [RESUME]

done:
        cli
        hlt

; INT 40h: tells from where it was called.
called:
        mov eax, [esp + 4]
        and eax, 3
        iretd

first:

; SGDT
row0:
        mov dword [CURRENT], 0
        mov dword [RESUME], .after
        sgdt [SCRATCH]
        mov eax, [SCRATCH + 2]
        mov [RESULTS + 0 * 8 + 4], eax
.after:

; SIDT
row1:
        mov dword [CURRENT], 1
        mov dword [RESUME], .after
        sidt [SCRATCH]
        mov eax, [SCRATCH + 2]
        mov [RESULTS + 1 * 8 + 4], eax
.after:

; SLDT
row2:
        mov dword [CURRENT], 2
        mov dword [RESUME], .after
        xor eax, eax
        sldt ax
        mov [RESULTS + 2 * 8 + 4], eax
.after:

; STR
row3:
        mov dword [CURRENT], 3
        mov dword [RESUME], .after
        xor eax, eax
        str ax
        mov [RESULTS + 3 * 8 + 4], eax
.after:

; SMSW
row4:
        mov dword [CURRENT], 4
        mov dword [RESUME], .after
        xor eax, eax
        smsw ax
        mov [RESULTS + 4 * 8 + 4], eax
.after:

; LAR
row5:
        mov dword [CURRENT], 5
        mov dword [RESUME], .after
        mov ecx, {{checked | hex}}
        lar ebx, cx
        setz al
        movzx eax, al
        mov [RESULTS + 5 * 8 + 4], eax
.after:

; LSL
row6:
        mov dword [CURRENT], 6
        mov dword [RESUME], .after
        mov ecx, {{checked | hex}}
        lsl ebx, cx
        setz al
        movzx eax, al
        mov [RESULTS + 6 * 8 + 4], eax
.after:

; VERR
row7:
        mov dword [CURRENT], 7
        mov dword [RESUME], .after
        mov ecx, {{checked | hex}}
        verr cx
        setz al
        movzx eax, al
        mov [RESULTS + 7 * 8 + 4], eax
.after:

; VERW
row8:
        mov dword [CURRENT], 8
        mov dword [RESUME], .after
        mov ecx, {{checked | hex}}
        verw cx
        setz al
        movzx eax, al
        mov [RESULTS + 8 * 8 + 4], eax
.after:

; PUSH
row9:
        mov dword [CURRENT], 9
        mov dword [RESUME], .after
        push cs
        pop eax
        mov [RESULTS + 9 * 8 + 4], eax
.after:

; POP
row10:
        mov dword [CURRENT], 10
        mov dword [RESUME], .after
        push dword {{popped | hex}}
        pop ds
        mov eax, ds
        mov [RESULTS + 10 * 8 + 4], eax
.after:

; MOV
row11:
        mov dword [CURRENT], 11
        mov dword [RESUME], .after
        mov eax, ss
        mov [RESULTS + 11 * 8 + 4], eax
.after:

; CALL
row12:
        mov dword [CURRENT], 12
        mov dword [RESUME], .after
        call 0x08:.there
.there:
        add esp, 8
        mov eax, 1
        mov [RESULTS + 12 * 8 + 4], eax
.after:

; JMP
row13:
        mov dword [CURRENT], 13
        mov dword [RESUME], .after
        jmp 0x08:.there
.there:
        mov eax, 1
        mov [RESULTS + 13 * 8 + 4], eax
.after:

; RET
row14:
        mov dword [CURRENT], 14
        mov dword [RESUME], .after
        push dword 0x08
        push dword .there
        retf
.there:
        mov eax, 1
        mov [RESULTS + 14 * 8 + 4], eax
.after:

; INT
row15:
        mov dword [CURRENT], 15
        mov dword [RESUME], .after
        int 0x40
        mov [RESULTS + 15 * 8 + 4], eax
.after:

; PUSHF
row16:
        mov dword [CURRENT], 16
        mov dword [RESUME], .after
        pushfd
        pop eax
        and eax, 0x3200
        mov [RESULTS + 16 * 8 + 4], eax
.after:

; POPF
row17:
        mov dword [CURRENT], 17
        mov dword [RESUME], .after
        push dword {{flagimage | hex}}
        popfd
        pushfd
        pop eax
        and eax, 0x3200
        mov [RESULTS + 17 * 8 + 4], eax
.after:

        int 0x41                        ; the end, at CPL 0 again

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

; A monitor: the handler of #GP emulates the instruction that trapped and goes on after it.

gp_handler:
        pushad                          ; saved EAX at [esp+28]; error code at [esp+32], EIP at [esp+36]
        mov ebx, [esp + 36]
        mov al, [ebx]                   ; the opcode

        cmp al, 0xfa                    ; CLI: one byte
        je .cli
        ; STI         FB
        ; IN AL,imm8  E4 ib
        ; OUT imm8,AL E6 ib
        ; MOV EAX,CR0 0F 20 C0
        ; HLT         F4
        jmp stop                        ; nothing that this monitor knows

.cli:
        mov byte [virtual_if], 0
        inc dword [esp + 36]            ; past the instruction

.done:
        popad
        add esp, 4                      ; the error code
        iretd

stop:
        cli
        hlt

; The guest's machine, as far as it can see it.
virtual_if:     db 0
virtual_cr0:    dd 0

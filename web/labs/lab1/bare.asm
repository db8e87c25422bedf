; Given: the same guest on the bare machine, at CPL 0.
        org 0x200000

begin:
        mov esp, guest_stack
        push dword guest_flags
        popfd
        xor eax, eax
        xor ecx, ecx
        xor edx, edx
        xor ebx, ebx
        xor ebp, ebp
        xor esi, esi
        xor edi, edi
        jmp GUEST
        times 1024 db 0
guest_stack:

; Given: what a guest can ask, and what it can measure. Real mode at 0000:7C00.
        org 0x7c00

        xor eax, eax
        cpuid
        mov [0x9010], ebx               ; twelve letters in EBX, EDX, ECX
        mov [0x9014], edx
        mov [0x9018], ecx
        mov eax, 1
        cpuid
        mov [0x9000], ecx               ; bit 31: a hypervisor says that it is there

        rdtsc
        mov esi, eax
        mov bp, {{rounds}}
plain:
        mov ax, [0x9100]
        mov bx, ax
        xor ax, bx
        dec bp
        jnz plain
        rdtsc
        sub eax, esi
        mov [0x9020], eax               ; time for plain instructions

        rdtsc
        mov esi, eax
        mov bp, {{rounds}}
asking:
        xor eax, eax
        cpuid
        nop
        dec bp
        jnz asking
        rdtsc
        sub eax, esi
        mov [0x9024], eax               ; time for as many instructions, one of each round a CPUID
        hlt

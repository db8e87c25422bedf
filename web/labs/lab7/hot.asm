; Given: one loop that runs often, one that runs seldom, and some CPUIDs. 32-bit code in flat protected mode.
        org 0x100000

        mov ecx, {{hot}}
        xor edx, edx
hot_loop:
        add edx, ecx
        xor edx, 0x55
        dec ecx
        jnz hot_loop

        mov ecx, {{cold}}
cold_loop:
        add edx, ecx
        rol edx, 1
        dec ecx
        jnz cold_loop

        mov [0x9000], edx               ; what came out
        mov ebp, {{asks}}
ask:
        xor eax, eax
        cpuid
        dec ebp
        jnz ask
        cli
        hlt

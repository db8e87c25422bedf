; 32-bit code at 100000h, flat protected mode, CPL 0. rounds and rewrites are known to the assembler.

        xor ebx, ebx
        mov ecx, rounds
again:
        db 0x81, 0xc3                   ; ADD EBX, imm32: two bytes, then the number
number: dd 1
        dec ecx
        jnz again

        ; Now change the number in the instruction, and run the loop again.

        cli
        hlt

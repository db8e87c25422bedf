; Real mode at 0000:7C00, interrupts off. rounds and extra are known to the assembler.

        ; The maker's name: 12 letters to 9010h.

        ; ECX of leaf 1 to 9000h.

        ; Time of `rounds` CPUIDs, in ticks of the time-stamp counter, to 9024h.

        cli
        hlt

; 32-bit code at 100000h, flat protected mode, CPL 0.
; work, asks are known to the assembler.

        ; A loop that is worth translating.

        ; The CPUIDs.

        cli
        hlt

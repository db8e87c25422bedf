; 32-bit code at 100000h, flat protected mode, CPL 0, 4 MB of RAM. COUNTER, earlier, later, pages are known to the assembler.

        ; Before the snapshot.

snap:                                   ; the snapshot is taken when this is reached

        ; After it.

        cli
        hlt

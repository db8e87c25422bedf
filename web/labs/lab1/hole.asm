; Run twice: at CPL 0, and at CPL 3 with IOPL = 0. EFLAGS.IF is 1 at the beginning; no interrupt comes.
        org GUEST

        pushfd
        pop eax
        and eax, 0xfffffdff             ; IF := 0 in the copy
        push eax
        popfd                           ; … and in EFLAGS?
        pushfd
        pop eax
        mov [RESULTS], eax
        sgdt [RESULTS + 8]
        smsw ax
        cli
        pushfd
        pop eax
        mov [RESULTS + 4], eax
        cli
        hlt

; The handler of #GP. It runs at CPL 0; the processor has pushed, from the top of the stack down:
;   [esp] error code   [esp+4] EIP   [esp+8] CS   [esp+12] EFLAGS   [esp+16] ESP   [esp+20] SS
; Data segments are the guest's, from 0 to 4 GB: you can use them.

gp_handler:
        ; Store the address of the instruction that trapped at SEEN, and its first byte at SEEN + 4.

        cli
        hlt

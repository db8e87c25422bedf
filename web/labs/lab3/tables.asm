; Given: the tables of step 1.
        org pd

        dd 0x00000083                   ; 0 to 4 MB onto itself, for the code
        times d1 * 4 - ($ - $$) db 0
        dd pt + 0x27
        dd pt + 0x1000 + 0x27
        times d2 * 4 - ($ - $$) db 0
        dd big + 0xe7
        times 4096 - ($ - $$) db 0

        times pt + t1 * 4 - 4 - $ db 0
        dd decoy + 0x67
        dd frame1 + 0x67
        dd decoy + 0x1000 + 0x67
        times pt + 4096 - $ db 0

; Given: the tables of step 2.
        org pd

        dd 0x00000083                   ; 0 to 4 MB onto itself, for the code
        times r1 * 4 - ($ - $$) db 0
        dd table1 + 7
        times r2 * 4 - ($ - $$) db 0
        dd table2 + cbits
        times 4096 - ($ - $$) db 0
table1:
        times ta * 4 - ($ - table1) db 0
        dd 0x00400000 + 5
        times tb * 4 - ($ - table1) db 0
        dd 0x00401000 + 3
        times td * 4 - ($ - table1) db 0
        dd 0x00402000 + dbits
        times 4096 - ($ - table1) db 0
table2:
        times tc * 4 - ($ - table2) db 0
        dd 0x00403000 + 7
        times 4096 - ($ - table2) db 0

; 32-bit code at 100000h, CPL 0, paging on. Known to the assembler: DATA, datas, PARENT_TABLE, CHILD_TABLE, NEXT_FRAME.

fork:                                   ; both spaces share all frames, for reading only
        ret

cow:                                    ; EAX = the page that could not be written, EDI = address of its entry
        ret

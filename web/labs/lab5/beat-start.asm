; Real mode at 0000:7C00, interrupts off. COUNT is the address of a word; base is the vector for IRQ 0.

        mov word [COUNT], 0
        mov word [base * 4], handler    ; the vector: offset, segment
        mov word [base * 4 + 2], 0

        ; The controller: ICW1 to port 20h, ICW2 to ICW4 to port 21h, then the mask to port 21h.

        ; The timer: the command to port 43h, the count to port 40h, low byte first.

        ; Wait for the beats.

        cli
        hlt

handler:
        iret

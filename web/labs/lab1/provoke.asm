; Real mode at 0000:7C00. Each of these lines leaves the guest once. Make the numbers right.

        xor eax, eax
        cpuid                   ; exit Cpuid

        mov al, 0
        out {{outport | hex}}, al            ; exit IoWrite

        in al, {{inport | hex}}             ; exit IoRead

        cli                     ; exit InterruptFlag
        hlt                     ; exit Hlt: with interrupts off, the machine ends here

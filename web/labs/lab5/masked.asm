; Given: one request of the timer, seen from the controller's registers. Real mode at 0000:7C00.
        org 0x7c00

        mov word [base * 4], handler
        mov word [base * 4 + 2], 0
        mov al, 0x11                    ; ICW1: edge triggered, cascade, ICW4 follows
        out 0x20, al
        mov al, {{base | hex}}                    ; ICW2: the vector of IRQ 0
        out 0x21, al
        mov al, 0x04                    ; ICW3: the second controller is at IRQ 2
        out 0x21, al
        mov al, 0x01                    ; ICW4: 8086 mode, end-of-interrupt by command
        out 0x21, al
        mov al, 0xff                    ; OCW1: all masked
        out 0x21, al

        mov al, 0x30                    ; counter 0, low and high byte, mode 0: OUT rises once, at the end
        out 0x43, al
        mov al, 100
        out 0x40, al
        mov al, 0
        out 0x40, al
        mov cx, 20000                   ; long enough: 100 pulses are 84 microseconds
.wait:
        loop .wait

        mov al, 0x0a                    ; point A: IRR, then ISR
        out 0x20, al
        in al, 0x20
        mov [0x9100], al
        mov al, 0x0b
        out 0x20, al
        in al, 0x20
        mov [0x9101], al

        mov al, 0xfe                    ; unmask IRQ 0, with IF = 0
        out 0x21, al
        nop
        mov ax, [handled]               ; point B
        mov [0x9106], ax
        sti
        nop
        nop
        cli
        hlt

handler:
        inc word [handled]
        mov al, 0x0a
        out 0x20, al
        in al, 0x20
        mov [0x9102], al
        mov al, 0x0b
        out 0x20, al
        in al, 0x20
        mov [0x9103], al
        mov al, 0x20                    ; end of interrupt
        out 0x20, al
        in al, 0x20
        mov [0x9104], al
        iret

handled:        dw 0

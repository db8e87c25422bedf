; hello: the smallest guest. One boot sector, real mode, no BIOS: it talks to the first serial port (COM1) only.
; Prints a greeting, echoes what is typed, stops on q.
;
; Registers of the 16550 UART, National Semiconductor PC16550D data sheet, table "Summary of registers":

COM1            equ 0x3f8
DATA            equ COM1 + 0    ; THR (write) and RBR (read); the divisor's low byte while DLAB = 1
INTERRUPTS      equ COM1 + 1    ; IER; the divisor's high byte while DLAB = 1
FIFO_CONTROL    equ COM1 + 2    ; FCR
LINE_CONTROL    equ COM1 + 3    ; LCR
MODEM_CONTROL   equ COM1 + 4    ; MCR
LINE_STATUS     equ COM1 + 5    ; LSR

DATA_READY      equ 0x01        ; LSR bit 0: a character has come
THR_EMPTY       equ 0x20        ; LSR bit 5: the next character may be written

        org 0x7c00
        bits 16

start:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, start           ; the stack grows down from below this code
        cld

        ; 115200 baud, 8 data bits, no parity, 1 stop bit; no interrupts, we poll.
        mov dx, LINE_CONTROL
        mov al, 0x80            ; DLAB: the first two ports are the divisor now
        out dx, al
        mov dx, DATA
        mov al, 1               ; 115200 / 1
        out dx, al
        mov dx, INTERRUPTS
        xor al, al
        out dx, al
        mov dx, LINE_CONTROL
        mov al, 3               ; 8n1, DLAB off
        out dx, al
        mov dx, INTERRUPTS
        xor al, al
        out dx, al
        mov dx, FIFO_CONTROL
        mov al, 7               ; FIFOs on and empty
        out dx, al
        mov dx, MODEM_CONTROL
        mov al, 3               ; DTR and RTS: we are here
        out dx, al

        mov si, greeting
        call print

; Every character typed comes back; Enter (CR) becomes CR LF.
echo:
        call read
        cmp al, 'q'
        je quit
        call write
        cmp al, 13
        jne echo
        mov al, 10
        call write
        jmp echo

quit:
        mov si, goodbye
        call print
        ; With interrupts off nothing can end this HLT: the machine is halted, and Vitrine says so.
.stop:
        cli
        hlt
        jmp .stop

; Prints the characters at DS:SI up to a zero byte.
print:
        lodsb
        test al, al
        jz .done
        call write
        jmp print
.done:
        ret

; Sends AL when the transmitter has room. Keeps AL.
write:
        push ax
        mov dx, LINE_STATUS
.wait:
        in al, dx
        test al, THR_EMPTY
        jz .wait
        pop ax
        mov dx, DATA
        out dx, al
        ret

; Waits for a character and returns it in AL.
read:
        mov dx, LINE_STATUS
.wait:
        in al, dx
        test al, DATA_READY
        jz .wait
        mov dx, DATA
        in al, dx
        ret

greeting:
        db "Hello from a boot sector: 512 bytes at 0000:7C00, real mode, COM1.", 13, 10
        db "Type something; q halts the machine.", 13, 10, "> ", 0
goodbye:
        db 13, 10, "Halting.", 13, 10, 0

        ; A sector that may be booted ends in 55 AA.
        times 510 - ($ - $$) db 0
        dw 0xaa55

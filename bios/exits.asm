; exits: executes known numbers of trapping instructions, given on the command line, so that counters can be checked:
;   cpuid=100 in=7 out=5 movcr3=3 invlpg=9 hlt=4 rdmsr=6 pf=11
; then sends "done" and CR LF to COM1 and halts. Options left out are 0, but hlt is at least 1: the final CLI, HLT is one of
; the hlt. Exact totals, whatever the speed of the machine:
;   Cpuid  = cpuid         IoRead  = in           Invlpg = invlpg       Rdmsr = rdmsr      Hlt = hlt
;   TruePageFault = pf     Iret    = 0            (handlers return by JMP)
;   IoWrite = out + 7      for "done", CR, LF through the FIFO without polling, and FCR;  + 5 if hlt > 1 (PIC and PIT)
;   CrWrite = movcr3       + 1 if pf > 0: MOV CR0 switches paging on; the first MOV CR3 loads the page tables
;   InterruptFlag = 1      the final CLI;  + 1 if hlt > 1: STI
;   DescriptorTableWrite = 1 if pf > 0 or hlt > 1: LIDT (the loader's GDT stays)
; pf > 0 needs movcr3 > 0. Not fixed: Interrupt (the timer goes on between two HLT), HiddenPageFault.

TIMER_VECTOR    equ 0x20
PAGE_FAULT      equ 14
UNMAPPED        equ 0x00800000  ; 8 MB: the page tables map the first 4 MB only
SPARE_PORT      equ 0x80        ; POST code port: reading and writing it does nothing
TSC_MSR         equ 0x10        ; IA32_TIME_STAMP_COUNTER

main:
        ; The most useful order: what needs no tables first.
        mov edi, [cpuid_count]
        test edi, edi
        jz .cpuid_done
.cpuid:
        xor eax, eax
        cpuid
        dec edi
        jnz .cpuid
.cpuid_done:

        mov ecx, [in_count]
        jecxz .in_done
.in:
        in al, SPARE_PORT
        loop .in
.in_done:

        mov ecx, [out_count]
        jecxz .out_done
        mov al, 0x42
.out:
        out SPARE_PORT, al
        loop .out
.out_done:

        mov edi, [rdmsr_count]
        test edi, edi
        jz .rdmsr_done
.rdmsr:
        mov ecx, TSC_MSR
        rdmsr
        dec edi
        jnz .rdmsr
.rdmsr_done:

        mov ecx, [invlpg_count]
        jecxz .invlpg_done
.invlpg:
        invlpg [image]
        loop .invlpg
.invlpg_done:

        call make_page_tables
        mov ecx, [movcr3_count]
        jecxz .movcr3_done
        mov eax, page_directory
.movcr3:
        mov cr3, eax
        loop .movcr3
.movcr3_done:

        ; Interrupt gates are needed for page faults and for waking from HLT.
        mov eax, [pf_count]
        cmp dword [hlt_count], 1
        ja .idt
        test eax, eax
        jz .finish
.idt:
        call make_idt
        mov ecx, [pf_count]
        jecxz .pf_done
        cmp dword [movcr3_count], 0
        je no_tables
        mov eax, cr0
        or eax, 0x80000000      ; PG
        mov cr0, eax
.pf:
        mov eax, [UNMAPPED]     ; the handler goes on after this instruction
.after_fault:
        loop .pf
.pf_done:
        mov eax, [faults]
        cmp eax, [pf_count]
        jne wrong_count

        ; All HLT but the last are ended by the timer.
        mov ecx, [hlt_count]
        cmp ecx, 1
        jbe .finish
        dec ecx
        call start_timer
        sti
.hlt:
        hlt
        loop .hlt

.finish:
        ; The FIFO takes 16 characters at once, so nothing need be polled.
        mov dx, COM1 + 2
        mov al, 1
        out dx, al
        mov dx, COM1
        mov esi, done_text
        mov ecx, done_end - done_text
.send:
        lodsb
        out dx, al
        loop .send
        jmp stop

; A page fault resumes after the load that made it. The frame is dropped by hand: IRET would be counted.
on_page_fault:
        inc dword [faults]
        add esp, 16             ; error code, EIP, CS, EFLAGS
        jmp main.after_fault

; Through a trap gate: IF stays set, so returning needs no IRET. Auto-EOI: the PIC needs no OUT either.
on_timer:
        mov [saved_eax], eax
        pop eax                 ; EIP; HLT is over when it returns
        add esp, 4              ; CS
        popfd
        push eax
        mov eax, [saved_eax]
        ret

; One directory entry and one table: the first 4 MB onto themselves.
make_page_tables:
        mov edi, page_table
        mov eax, 3              ; present, writable
        mov ecx, 1024
.entry:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .entry
        mov dword [page_directory], page_table + 3
        ret

; Gates are made at run time: the two halves of an address cannot be written as data.
make_idt:
        mov eax, on_page_fault
        mov edi, idt + PAGE_FAULT * 8
        mov ebx, 0x8e00         ; present, DPL 0, 32-bit interrupt gate
        call .gate
        mov eax, on_timer
        mov edi, idt + TIMER_VECTOR * 8
        mov ebx, 0x8f00         ; 32-bit trap gate
        call .gate
        lidt [idt_register]
        ret
.gate:
        mov [edi], ax
        mov [edi + 2], cs
        mov [edi + 4], bx
        shr eax, 16
        mov [edi + 6], ax
        ret

; Five OUT: the master PIC alone, with automatic end of interrupt, all lines open; channel 0 of the PIT, low byte only.
start_timer:
        mov al, 0x13            ; ICW1: edge triggered, single, ICW4 follows
        out 0x20, al
        mov al, TIMER_VECTOR    ; ICW2; a single PIC has no ICW3, and the mask is clear after this
        out 0x21, al
        mov al, 0x03            ; ICW4: 8086 mode, automatic EOI
        out 0x21, al
        mov al, 0x14            ; channel 0, low byte only, mode 2
        out 0x43, al
        mov al, 250             ; 210 us
        out 0x40, al
        ret

no_tables:
        mov esi, no_tables_text
        jmp complain
wrong_count:
        mov esi, wrong_count_text
complain:
        call print
        jmp stop

        align 4
options:
        dd cpuid_name, cpuid_count, in_name, in_count, out_name, out_count, movcr3_name, movcr3_count
        dd invlpg_name, invlpg_count, hlt_name, hlt_count, rdmsr_name, rdmsr_count, pf_name, pf_count, 0
cpuid_count:    dd 0
in_count:       dd 0
out_count:      dd 0
movcr3_count:   dd 0
invlpg_count:   dd 0
hlt_count:      dd 1
rdmsr_count:    dd 0
pf_count:       dd 0
faults:         dd 0
saved_eax:      dd 0
idt_register:
        dw 256 * 8 - 1
        dd idt
cpuid_name:     db "cpuid", 0
in_name:        db "in", 0
out_name:       db "out", 0
movcr3_name:    db "movcr3", 0
invlpg_name:    db "invlpg", 0
hlt_name:       db "hlt", 0
rdmsr_name:     db "rdmsr", 0
pf_name:        db "pf", 0
done_text:      db "done", 13, 10
done_end:
no_tables_text: db "pf needs movcr3=1 or more", 13, 10, 0
wrong_count_text:
        db "FAIL: page faults that came and page faults that were made differ", 13, 10, 0

        align 4096, db 0
image_end:

; Zeroed by the loader.
page_directory  equ image_end
page_table      equ page_directory + 4096
idt             equ page_table + 4096
stack_top       equ idt + 4096
memory_end      equ stack_top

; The teaching kernel: everything between a boot sector and two preempted user tasks, in one file to be read from top to
; bottom. It prints on COM1 what it does and checks itself at each step:
;
;    1 real mode            what the machine is like at 0000:7C00; the A20 line
;    2 protected mode       GDT, CR0.PE, the far jump
;    3 interrupts           IDT, one stub for all vectors, exceptions that we cause on purpose
;    4 paging               page tables, two views of one frame, accessed and dirty, #PF: demand paging, copy on write
;    5 time                 8259A interrupt controllers, 8254 timer at 100 Hz, HLT
;    6 user tasks           TSS, ring 3, system calls by INT 80h, preemption, address spaces, and tasks that misbehave
;
; Chapters are those of the Intel SDM, volume 3A. Assemble with `vitrine asm`, or with nasm -f bin.
;
; Memory, physical:
;    00000 ┌─────────────────────────────┐
;          │ left alone (and unmapped,   │  so that a null pointer faults
;    01000 │  once paging is on)         │
;          │ stack, grows down from 7C00 │
;    07C00 ├─────────────────────────────┤
;          │ this image                  │
;          │                             │
;    40000 ├─────────────────────────────┤
;          │ frames given out by         │  page directories, page tables, user pages, kernel stacks
;          │ allocate_frame              │
;    80000 └─────────────────────────────┘
;
; Memory, linear, with paging on:
;    00001000-000FFFFF  physical memory as it is, kernel only       DEMAND       4 pages that exist when they are touched
;    C0000000-C00FFFFF  the same once more                          USER_CODE    the running task's program, read-only
;                                                                   USER_DATA    its data and stack

COM1            equ 0x3f8
STACK_TOP       equ 0x7c00
FRAMES          equ 0x40000
FRAMES_END      equ 0x80000
ALIAS           equ 0xc0000000
DEMAND          equ 0x00400000
DEMAND_BYTES    equ 4 * 4096
USER_CODE       equ 0x08000000
USER_DATA       equ 0x08001000
USER_STACK_TOP  equ USER_DATA + 4096

; Selectors: index * 8, + 3 for "requested by ring 3". SDM 3A 3.4.2.
KERNEL_CODE     equ 0x08
KERNEL_DATA     equ 0x10
USER_CODE_SEL   equ 0x18 + 3
USER_DATA_SEL   equ 0x20 + 3
TSS_SELECTOR    equ 0x28

; Page-table entry bits. SDM 3A 4.3, "32-Bit Paging".
PRESENT         equ 0x01
WRITABLE        equ 0x02
USER            equ 0x04
ACCESSED        equ 0x20
DIRTY           equ 0x40

; Vectors. Hardware interrupts are moved behind the 32 that the CPU keeps for itself.
DIVIDE_ERROR    equ 0
BREAKPOINT      equ 3
INVALID_OPCODE  equ 6
PROTECTION      equ 13
PAGE_FAULT      equ 14
IRQ_BASE        equ 32
TIMER           equ IRQ_BASE + 0
IRQ_SLAVE       equ IRQ_BASE + 8
VECTORS         equ 48          ; 32 exceptions and 16 hardware interrupts
KERNEL_CALL     equ 0x80

; System calls: number in EAX, arguments in EBX and ECX, answer in EAX (-1: refused).
SYS_EXIT        equ 0           ; EBX = exit code
SYS_WRITE       equ 1           ; EBX = address, ECX = length
SYS_GETPID      equ 2
SYS_YIELD       equ 3
SYS_TICKS       equ 4           ; timer ticks since the start

; What a stub leaves on the stack for a handler (see interrupt_common).
FRAME_ES        equ 0
FRAME_DS        equ 4
FRAME_EBX       equ 24
FRAME_ECX       equ 32
FRAME_EAX       equ 36
FRAME_VECTOR    equ 40
FRAME_ERROR     equ 44
FRAME_EIP       equ 48
FRAME_CS        equ 52
FRAME_EFLAGS    equ 56
FRAME_ESP       equ 60          ; only if the interrupt came from ring 3

        org 0x7c00
        bits 16

; ======================================================================================================================
; 1  Real mode
; ======================================================================================================================
; SDM 3A 20.1: addresses are segment * 16 + offset, nothing is protected, and interrupts go through a table at 0.

start:
        jmp 0x0000:.here        ; CS = 0, whatever the loader used
.here:
        cli
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, STACK_TOP
        jmp real_mode

        ; What makes it bootable: these two bytes at the end of the first 512. The kernel goes on after them.
        times 510 - ($ - $$) db 0
        dw 0xaa55

real_mode:
        ; 115200 baud, 8 data bits, no parity, one stop bit, FIFO on. 16550 data sheet.
        mov si, serial_setup
        mov cx, (serial_setup_end - serial_setup) / 2
.serial:
        lodsw                   ; AL = register, AH = value
        mov dx, COM1
        add dl, al
        mov al, ah
        out dx, al
        loop .serial
        mov si, text_title
        call print16
        mov si, text_chapter1
        call print16

        ; The A20 line: on the first PC, addresses above 1 MB came round to 0. FFFF:0510 is 100500h; if it is the same
        ; byte as 0000:0500, the line is still held low. Port 92h bit 1 lets it go.
        in al, 0x92
        or al, 2
        and al, 0xfe            ; bit 0 would reset the machine
        out 0x92, al
        mov ax, 0xffff
        mov es, ax
        mov byte [0x0500], 0x11
        mov byte [es:0x0510], 0x22
        cmp byte [0x0500], 0x11
        sete [a20_open]

        ; ==============================================================================================================
        ; 2  Protected mode
        ; ==============================================================================================================
        ; SDM 3A 9.9.1, "Switching to Protected Mode": interrupts off, LGDT, CR0.PE, a far jump that loads CS.

        lgdt [gdt_register]
        mov eax, cr0
        or al, 1                ; PE
        mov cr0, eax
        jmp KERNEL_CODE:protected_mode

; Prints the characters at DS:SI up to a zero byte.
print16:
        lodsb
        test al, al
        jz .done
        mov ah, al
        mov dx, COM1 + 5
.wait:
        in al, dx
        test al, 0x20           ; transmitter holding register empty
        jz .wait
        mov al, ah
        mov dx, COM1
        out dx, al
        jmp print16
.done:
        ret

        bits 32

protected_mode:
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov esp, STACK_TOP

        mov esi, text_a20
        cmp byte [a20_open], 1
        call check

        mov esi, text_chapter2
        call print
        mov eax, cr0
        and eax, 1
        cmp eax, 1
        mov esi, text_pe
        call check

        ; The GDT register reads back as we loaded it.
        sgdt [scratch]
        mov eax, [scratch + 2]
        cmp eax, gdt
        mov esi, text_gdt
        call check

        ; In real mode a segment ends at FFFFh. Here the limit is 4 GB: read far above 64 KB.
        mov ebx, 0x00070000
        mov dword [ebx], 0xfeedface
        cmp dword [ebx], 0xfeedface
        mov esi, text_flat
        call check

        call chapter_interrupts
        call chapter_paging
        call chapter_time
        call chapter_tasks

        ; The last word.
        mov esi, text_end
        call print
        mov eax, [checks_passed]
        cmp eax, [checks_made]
        jne .failed
        mov esi, text_all
        call print
        mov eax, [checks_made]
        call print_decimal
        mov esi, text_passed
        call print
        jmp halt
.failed:
        mov eax, [checks_made]
        sub eax, [checks_passed]
        call print_decimal
        mov esi, text_of
        call print
        mov eax, [checks_made]
        call print_decimal
        mov esi, text_failed
        call print

; HLT with interrupts off: nothing can wake the CPU. Waits until the serial line has sent the last character.
halt:
        mov dx, COM1 + 5
.wait:
        in al, dx
        test al, 0x40           ; transmitter completely empty
        jz .wait
.stop:
        cli
        hlt
        jmp .stop

; ----------------------------------------------------------------------------------------------------------------------
; Printing and checking
; ----------------------------------------------------------------------------------------------------------------------

; Sends AL to COM1. Keeps all registers.
put:
        push edx
        push eax
        mov dx, COM1 + 5
.wait:
        in al, dx
        test al, 0x20
        jz .wait
        pop eax
        mov dx, COM1
        out dx, al
        pop edx
        ret

; Prints the characters at ESI up to a zero byte.
print:
        push eax
.next:
        lodsb
        test al, al
        jz .done
        call put
        jmp .next
.done:
        pop eax
        ret

; Prints EAX as 8 hexadecimal digits.
print_hex:
        pushad
        mov ecx, 8
        mov ebx, eax
.digit:
        rol ebx, 4
        mov eax, ebx
        and eax, 15
        mov al, [hex_digits + eax]
        call put
        loop .digit
        popad
        ret

; Prints EAX in decimal.
print_decimal:
        pushad
        mov ebx, 10
        xor ecx, ecx
.divide:
        xor edx, edx
        div ebx
        push edx                ; digits come lowest first
        inc ecx
        test eax, eax
        jnz .divide
.digit:
        pop eax
        add al, '0'
        call put
        loop .digit
        popad
        ret

; Call with ZF = "it is right" and ESI = what was checked. Prints one line and counts. Keeps all registers but ESI.
check:
        push eax
        pushfd
        inc dword [checks_made]
        mov eax, esi
        popfd
        jne .wrong
        inc dword [checks_passed]
        mov esi, text_ok
        call print
        mov esi, eax
        call print
        mov esi, text_newline
        call print
        pop eax
        ret
.wrong:
        mov esi, text_wrong
        call print
        mov esi, eax
        call print
        mov esi, text_newline
        call print
        pop eax
        ret

; ======================================================================================================================
; 3  Interrupts and exceptions
; ======================================================================================================================
; SDM 3A 6.10: the IDT has one 8-byte gate for each of 256 vectors. An interrupt gate also clears IF.

chapter_interrupts:
        mov esi, text_chapter3
        call print
        xor ecx, ecx
.gate:
        ; Stub number ECX is a CALL of 5 bytes.
        lea eax, [ecx + ecx * 4 + stubs]
        mov edx, 0x8e00         ; present, DPL 0, 32-bit interrupt gate
        call set_gate
        inc ecx
        cmp ecx, VECTORS
        jb .gate
        ; DPL 3: ring 3 may use INT 80h, and no other of our vectors.
        mov ecx, KERNEL_CALL
        mov eax, syscall_stub
        mov edx, 0xee00
        call set_gate
        ; INT3 is for debuggers of user programs: DPL 3 too.
        mov ecx, BREAKPOINT
        lea eax, [stubs + BREAKPOINT * 5]
        call set_gate
        lidt [idt_register]

        ; INT3 is a trap: the handler returns to the next instruction.
        int3
        cmp dword [breakpoints], 1
        mov esi, text_int3
        call check

        ; A divide error is a fault: EIP points at the DIV itself. We say where to go on instead.
        mov eax, DIVIDE_ERROR
        mov edx, .after_divide
        call expect
        xor edx, edx
        mov eax, 1
        xor ebx, ebx
        div ebx
.after_divide:
        call expected_came
        mov esi, text_divide
        call check

        mov eax, INVALID_OPCODE
        mov edx, .after_ud2
        call expect
        ud2
.after_ud2:
        call expected_came
        mov esi, text_ud2
        call check

        ; Loading a selector beyond the end of the GDT: #GP with the selector as error code.
        mov eax, PROTECTION
        mov edx, .after_selector
        call expect
        mov eax, 0x1230
        mov fs, ax
.after_selector:
        call expected_came
        mov esi, text_selector
        call check
        cmp dword [last_error], 0x1230
        mov esi, text_selector_code
        call check
        ret

; Gate ECX := handler EAX with type EDX. Keeps all registers.
set_gate:
        push eax
        mov [idt + ecx * 8], ax
        mov word [idt + ecx * 8 + 2], KERNEL_CODE
        mov [idt + ecx * 8 + 4], dx
        shr eax, 16
        mov [idt + ecx * 8 + 6], ax
        pop eax
        ret

; The next exception EAX, if it comes from ring 0, goes on at EDX.
expect:
        mov [expected_vector], eax
        mov [expected_resume], edx
        mov dword [last_error], 0
        ret

; ZF = the expected exception has come.
expected_came:
        cmp dword [expected_vector], -1
        ret

; One entry for each vector, all alike. The return address of the CALL says which it was; no table of 48 different stubs.
stubs:
        times VECTORS call near interrupt_common

; Here the stack holds: return address of the stub's CALL, [error code], EIP, CS, EFLAGS, [ESP, SS].
; Some exceptions push an error code, others do not (SDM 3A table 6-1); we push 0 for those, so that all frames are alike.
interrupt_common:
        xchg eax, [esp]         ; EAX = return address, the interrupted EAX takes its place
        sub eax, stubs + 5
        imul eax, eax, 52429    ; / 5: 52429 / 2^18 is 1/5 and a little more
        shr eax, 18
        bt dword [vectors_with_error], eax
        jc .has_error
        xchg eax, [esp]         ; the vector goes to the stack, EAX is itself again
        push dword [esp]        ; the vector once more; the first copy becomes the error code
        mov dword [esp + 4], 0
        jmp interrupt_save
.has_error:
        xchg eax, [esp]

; Here: vector, error code, EIP, CS, EFLAGS, [ESP, SS]. See FRAME_... above for the finished frame.
interrupt_save:
        pushad
        push ds
        push es
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        cld
        mov ebp, esp            ; handlers find the frame at EBP
        mov eax, [ebp + FRAME_VECTOR]
        cmp eax, KERNEL_CALL
        je .syscall
        cmp eax, IRQ_BASE
        jae .hardware
        call exception
        jmp interrupt_return
.syscall:
        call system_call
        jmp interrupt_return
.hardware:
        call hardware_interrupt

interrupt_return:
        pop es
        pop ds
        popad
        add esp, 8              ; vector and error code
        iretd

syscall_stub:
        push dword 0
        push dword KERNEL_CALL
        jmp interrupt_save

; An exception; EBP = frame.
exception:
        mov eax, [ebp + FRAME_ERROR]
        mov [last_error], eax
        mov eax, [ebp + FRAME_VECTOR]
        cmp eax, BREAKPOINT
        je .breakpoint
        cmp eax, PAGE_FAULT
        jne .other
        mov edx, cr2            ; the linear address that was touched
        mov [last_address], edx
        call page_fault
        jnc .resolved
        mov eax, [ebp + FRAME_VECTOR]
.other:
        ; From ring 3: the task's own fault. It is stopped, the others go on.
        test byte [ebp + FRAME_CS], 3
        jnz kill_task
        cmp eax, [expected_vector]
        jne panic
        mov dword [expected_vector], -1
        mov eax, [expected_resume]
        mov [ebp + FRAME_EIP], eax
.resolved:
        ret
.breakpoint:
        inc dword [breakpoints]
        ret

; An exception that nobody expected: say all we know, and stop.
panic:
        mov esi, text_panic
        call print
        mov eax, [ebp + FRAME_VECTOR]
        call print_decimal
        mov esi, text_panic_error
        call print
        mov eax, [ebp + FRAME_ERROR]
        call print_hex
        mov esi, text_panic_eip
        call print
        mov eax, [ebp + FRAME_EIP]
        call print_hex
        mov esi, text_panic_cr2
        call print
        mov eax, cr2
        call print_hex
        mov esi, text_newline
        call print
        jmp halt

; ======================================================================================================================
; 4  Paging
; ======================================================================================================================
; SDM 3A 4.3: the linear address is cut into 10 bits (directory), 10 bits (table), 12 bits (offset in the page).

chapter_paging:
        mov esi, text_chapter4
        call print
        call allocate_frame
        mov [kernel_directory], eax
        mov ebx, eax
        call allocate_frame
        mov [kernel_table], eax
        mov edi, eax

        ; The first MB onto itself, kernel only; page 0 stays out, so that a null pointer faults.
        mov ecx, 1
.identity:
        mov eax, ecx
        shl eax, 12
        or eax, PRESENT + WRITABLE
        mov [edi + ecx * 4], eax
        inc ecx
        cmp ecx, 256
        jb .identity
        lea eax, [edi + PRESENT + WRITABLE]
        mov [ebx], eax                          ; 00000000-003FFFFF
        mov [ebx + (ALIAS >> 22) * 4], eax      ; C0000000-C03FFFFF: the same table serves twice

        ; A table for the demand region, all entries absent.
        call allocate_frame
        mov [demand_table], eax
        or eax, PRESENT + WRITABLE
        mov [ebx + (DEMAND >> 22) * 4], eax

        mov cr3, ebx
        mov eax, cr0
        or eax, 0x80010000      ; PG, and WP: read-only binds the kernel too
        mov cr0, eax
        mov eax, cr0
        test eax, 0x80000000
        setz al
        cmp al, 0
        mov esi, text_pg
        call check

        ; Two linear addresses, one frame.
        mov dword [scratch], 0x600df00d
        cmp dword [scratch + ALIAS], 0x600df00d
        mov esi, text_alias
        call check

        ; The CPU notes in the entry that a page was read (A) and written (D).
        call allocate_frame
        mov [probe_frame], eax
        mov ebx, eax
        shr ebx, 12
        mov edi, [kernel_table]
        and dword [edi + ebx * 4], ~(ACCESSED + DIRTY)
        invlpg [eax]
        mov ecx, [eax]
        mov edx, [edi + ebx * 4]
        and edx, ACCESSED + DIRTY
        cmp edx, ACCESSED
        mov esi, text_accessed
        call check
        mov [eax], ecx
        mov edx, [edi + ebx * 4]
        and edx, ACCESSED + DIRTY
        cmp edx, ACCESSED + DIRTY
        mov esi, text_dirty
        call check

        ; A null pointer.
        mov eax, PAGE_FAULT
        mov edx, .after_null
        call expect
        mov eax, [0x123]
.after_null:
        call expected_came
        mov esi, text_null
        call check
        cmp dword [last_address], 0x123
        mov esi, text_cr2
        call check

        ; Demand paging: four pages that come into being when they are first touched.
        mov ecx, 4
        mov ebx, DEMAND + 0x10
.touch:
        mov [ebx], ecx
        add ebx, 4096
        loop .touch
        cmp dword [demand_faults], 4
        mov esi, text_demand
        call check
        ; Now they are there: no more faults, and they kept what was written.
        mov eax, [DEMAND + 0x10]
        add eax, [DEMAND + 0x1010]
        add eax, [DEMAND + 0x2010]
        add eax, [DEMAND + 0x3010]
        cmp eax, 4 + 3 + 2 + 1
        mov esi, text_demand_kept
        call check
        cmp dword [demand_faults], 4
        mov esi, text_demand_once
        call check

        ; Copy on write: two linear pages share a read-only frame, until one of them is written.
        mov eax, [probe_frame]
        mov dword [eax], 0x0c0ffee0
        mov edi, [demand_table]
        or eax, PRESENT
        mov [edi + (COW_FIRST >> 12 & 1023) * 4], eax
        mov [edi + (COW_SECOND >> 12 & 1023) * 4], eax
        mov eax, [COW_FIRST]
        cmp eax, [COW_SECOND]
        mov esi, text_cow_shared
        call check
        mov dword [COW_SECOND], 0xdecaf000
        cmp dword [copies], 1
        mov esi, text_cow_copied
        call check
        cmp dword [last_error], 3               ; a write (2) to a page that is present (1)
        mov esi, text_cow_error
        call check
        mov eax, [COW_FIRST]
        cmp eax, 0x0c0ffee0
        jne .cow
        cmp dword [COW_SECOND], 0xdecaf000
.cow:
        mov esi, text_cow_apart
        call check
        ret

; Two pages behind the demand region that chapter_paging makes read-only.
COW_FIRST       equ DEMAND + 0x100000
COW_SECOND      equ DEMAND + 0x101000

; #PF at [last_address]; EBP = frame. CF = 0: resolved, run the instruction again. CF = 1: not ours.
page_fault:
        mov eax, [last_address]
        mov ecx, eax
        sub ecx, DEMAND
        cmp ecx, DEMAND_BYTES
        jae .not_demand
        test byte [ebp + FRAME_ERROR], 1        ; present: then it is about rights
        jnz .not_ours
        shr ecx, 12
        call allocate_frame
        or eax, PRESENT + WRITABLE
        mov edi, [demand_table]
        mov [edi + ecx * 4], eax
        inc dword [demand_faults]
        clc
        ret
.not_demand:
        mov ecx, eax
        and ecx, ~4095
        cmp ecx, COW_SECOND
        jne .not_ours
        cmp dword [ebp + FRAME_ERROR], 3
        jne .not_ours
        ; Copy the frame, map the copy writable, and drop the old translation from the TLB.
        call allocate_frame
        mov edi, eax
        mov esi, COW_SECOND
        mov ecx, 1024
        rep movsd
        or eax, PRESENT + WRITABLE
        mov edi, [demand_table]
        mov [edi + (COW_SECOND >> 12 & 1023) * 4], eax
        invlpg [COW_SECOND]
        inc dword [copies]
        clc
        ret
.not_ours:
        stc
        ret

; EAX := physical address of a zeroed frame. Never given back: the machine will be switched off.
allocate_frame:
        push ecx
        push edi
        mov edi, [next_frame]
        cmp edi, FRAMES_END
        jae .none
        add dword [next_frame], 4096
        push edi
        xor eax, eax
        mov ecx, 1024
        rep stosd
        pop eax
        pop edi
        pop ecx
        ret
.none:
        mov esi, text_no_frames
        call print
        jmp halt

; ======================================================================================================================
; 5  Time
; ======================================================================================================================
; 8259A and 8254 data sheets. Out of the box IRQ 0 to 7 arrive at vectors 8 to 15, where the CPU has its exceptions.

chapter_time:
        mov esi, text_chapter5
        call print

        ; Initialization command words: ICW1 to the even port, ICW2 (vector), ICW3 (cascade), ICW4 to the odd one.
        mov al, 0x11
        out 0x20, al
        out 0xa0, al
        mov al, IRQ_BASE
        out 0x21, al
        mov al, IRQ_SLAVE
        out 0xa1, al
        mov al, 4               ; the slave hangs on IRQ 2
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1               ; 8086 mode, EOI by software
        out 0x21, al
        out 0xa1, al
        ; Masks: only the timer.
        mov al, 0xfe
        out 0x21, al
        mov al, 0xff
        out 0xa1, al
        in al, 0x21
        cmp al, 0xfe
        mov esi, text_pic
        call check

        ; Channel 0 divides 1,193,182 Hz; mode 2 gives one pulse each time the counter has run down.
        mov al, 0x34
        out 0x43, al
        mov ax, 11932           ; 100 Hz
        out 0x40, al
        mov al, ah
        out 0x40, al

        ; HLT sleeps until an interrupt. Interrupts are allowed only here and in ring 3, so the kernel is never preempted.
.wait:
        sti
        hlt
        cli
        cmp dword [ticks], 5
        jb .wait
        mov eax, [ticks]
        sub eax, 5
        cmp eax, 3              ; on a slow host another tick may have slipped in
        setb al
        cmp al, 1
        mov esi, text_ticks
        call check

        ; The counter is running: two readings differ.
        call read_counter
        mov ebx, eax
        mov ecx, 1000
.delay:
        in al, 0x80             ; a port access takes a microsecond or so on the real bus
        loop .delay
        call read_counter
        cmp eax, ebx
        setne al
        cmp al, 1
        mov esi, text_counter
        call check
        ret

; EAX := the current count of channel 0, latched so that its two bytes belong together.
read_counter:
        mov al, 0
        out 0x43, al
        in al, 0x40
        mov ah, al
        in al, 0x40
        xchg al, ah
        movzx eax, ax
        ret

; A hardware interrupt; EBP = frame.
hardware_interrupt:
        mov eax, [ebp + FRAME_VECTOR]
        cmp eax, TIMER
        jne .spurious
        inc dword [ticks]
        mov al, 0x20            ; end of interrupt: lets the next one come
        out 0x20, al
        ; In ring 3, the time slice is over.
        test byte [ebp + FRAME_CS], 3
        jz .done
        mov ebx, [current]
        inc dword [ebx + TASK_PREEMPTED]
        call schedule
.done:
        ret
.spurious:
        ; IRQ 7 and 15 can come without a cause (the line dropped before the acknowledge): no EOI to the chip that did not
        ; set its in-service bit. For the slave's, the master did.
        cmp eax, IRQ_SLAVE + 7
        jne .done
        mov al, 0x20
        out 0x20, al
        ret

; ======================================================================================================================
; 6  User tasks
; ======================================================================================================================
; A task here: an address space (page directory), a kernel stack, a saved ESP. What the CPU's own TSS is still needed for:
; SS0:ESP0, the stack to switch to when an interrupt leaves ring 3 (SDM 3A 7.2.1).

TASK_ESP        equ 0           ; kernel stack pointer while it does not run
TASK_STACK      equ 4           ; top of its kernel stack
TASK_CR3        equ 8
TASK_STATE      equ 12          ; 0 free, 1 ready, 2 ended, 3 killed
TASK_CODE       equ 16          ; exit code, or the vector that killed it
TASK_PREEMPTED  equ 20          ; how often the timer took the CPU away
TASK_PID        equ 24
TASK_BYTES      equ 28
TASKS           equ 4

READY           equ 1
ENDED           equ 2
KILLED          equ 3

chapter_tasks:
        mov esi, text_chapter6
        call print

        ; The TSS descriptor's base is spread over three places; the limit is that of a 32-bit TSS without I/O bitmap.
        mov eax, tss
        mov [gdt_tss + 2], ax
        shr eax, 16
        mov [gdt_tss + 4], al
        mov [gdt_tss + 7], ah
        mov dword [tss + 8], KERNEL_DATA        ; SS0
        mov word [tss + 102], 104               ; I/O map base beyond the limit: no port for ring 3
        mov ax, TSS_SELECTOR
        ltr ax
        str ax
        cmp ax, TSS_SELECTOR
        mov esi, text_tr
        call check
        test byte [gdt_tss + 5], 2              ; LTR has marked it busy
        setnz al
        cmp al, 1
        mov esi, text_busy
        call check

        mov esi, program_a
        mov ecx, program_a_end - program_a
        call create_task
        mov esi, program_b
        mov ecx, program_b_end - program_b
        call create_task
        mov esi, program_cli
        mov ecx, program_cli_end - program_cli
        call create_task
        mov esi, program_peek
        mov ecx, program_peek_end - program_peek
        call create_task

        ; Runs them all; comes back when none is left.
        mov dword [current], main_task
        call schedule
        mov eax, [kernel_directory]
        mov cr3, eax

        mov ebx, tasks
        cmp dword [ebx + TASK_STATE], ENDED
        jne .a
        cmp dword [ebx + TASK_CODE], 11
.a:
        mov esi, text_a_ended
        call check
        add ebx, TASK_BYTES
        cmp dword [ebx + TASK_STATE], ENDED
        jne .b
        cmp dword [ebx + TASK_CODE], 22
.b:
        mov esi, text_b_ended
        call check

        ; Both worked without ever giving up the CPU by themselves: the timer shared it out.
        mov eax, [tasks + TASK_PREEMPTED]
        cmp eax, 3
        setae al
        cmp dword [tasks + TASK_BYTES + TASK_PREEMPTED], 3
        setae ah
        cmp ax, 0x0101
        mov esi, text_preempted
        call check
        cmp dword [yields], 3
        mov esi, text_yields
        call check

        add ebx, TASK_BYTES
        cmp dword [ebx + TASK_STATE], KILLED
        jne .c
        cmp dword [ebx + TASK_CODE], PROTECTION
.c:
        mov esi, text_cli_killed
        call check
        add ebx, TASK_BYTES
        cmp dword [ebx + TASK_STATE], KILLED
        jne .d
        cmp dword [ebx + TASK_CODE], PAGE_FAULT
.d:
        mov esi, text_peek_killed
        call check
        cmp dword [peek_error], 5               ; user (4) reading a page that is present (1)
        mov esi, text_peek_error
        call check
        cmp dword [calls_refused], 3
        mov esi, text_refused
        call check
        ret

; A new task from the program at ESI, ECX bytes (at most a page). Its address space: the kernel's mappings, one page of
; code (read-only), one page of data and stack.
create_task:
        mov ebx, tasks
.find:
        cmp dword [ebx + TASK_STATE], 0
        je .found
        add ebx, TASK_BYTES
        jmp .find
.found:
        mov dword [ebx + TASK_STATE], READY
        inc dword [last_pid]
        mov eax, [last_pid]
        mov [ebx + TASK_PID], eax

        ; Code.
        call allocate_frame
        mov edx, eax
        mov edi, eax
        rep movsb
        ; A page table with two pages.
        call allocate_frame
        mov edi, eax
        lea eax, [edx + PRESENT + USER]
        mov [edi + (USER_CODE >> 12 & 1023) * 4], eax
        call allocate_frame
        or eax, PRESENT + WRITABLE + USER
        mov [edi + (USER_DATA >> 12 & 1023) * 4], eax
        ; A directory: the kernel's entries without the U bit, ours with it.
        call allocate_frame
        mov [ebx + TASK_CR3], eax
        mov edx, eax
        lea eax, [edi + PRESENT + WRITABLE + USER]
        mov [edx + (USER_CODE >> 22) * 4], eax
        mov esi, [kernel_directory]
        mov eax, [esi]
        mov [edx], eax
        mov eax, [esi + (DEMAND >> 22) * 4]
        mov [edx + (DEMAND >> 22) * 4], eax

        ; A kernel stack, made up as if the task had been interrupted before its first instruction.
        call allocate_frame
        lea edi, [eax + 4096]
        mov [ebx + TASK_STACK], edi
        mov dword [edi - 4], USER_DATA_SEL      ; SS
        mov dword [edi - 8], USER_STACK_TOP     ; ESP
        mov dword [edi - 12], 0x202             ; EFLAGS: IF
        mov dword [edi - 16], USER_CODE_SEL     ; CS
        mov dword [edi - 20], USER_CODE         ; EIP
        mov dword [edi - 24], task_start        ; where `schedule` returns to
        ; Below that, the eight registers that `schedule` pops.
        lea eax, [edi - 24 - 32]
        mov [ebx + TASK_ESP], eax
        ret

; First steps of a task: all segments to ring 3, no secrets in registers.
task_start:
        mov ax, USER_DATA_SEL
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        xor eax, eax
        xor ebx, ebx
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        xor edi, edi
        xor ebp, ebp
        iretd

; Gives the CPU to the next ready task, round robin; returns when it is the caller's turn again. With no task ready, it is
; the turn of main_task. Interrupts are off.
schedule:
        pushad
        mov ebx, [current]
        mov [ebx + TASK_ESP], esp
        mov edx, ebx
        mov ecx, TASKS
.next:
        add edx, TASK_BYTES
        cmp edx, tasks + TASKS * TASK_BYTES
        jb .inside
        mov edx, tasks
.inside:
        cmp dword [edx + TASK_STATE], READY
        je .switch
        loop .next
        mov edx, main_task
.switch:
        mov [current], edx
        mov esp, [edx + TASK_ESP]
        cmp edx, main_task
        je .same_space
        mov eax, [edx + TASK_STACK]
        mov [tss + 4], eax      ; ESP0
        mov eax, [edx + TASK_CR3]
        mov cr3, eax
.same_space:
        popad
        ret

; An exception from ring 3 that is not resolved; EBP = frame. Ends the task.
kill_task:
        mov ebx, [current]
        mov dword [ebx + TASK_STATE], KILLED
        mov eax, [ebp + FRAME_VECTOR]
        mov [ebx + TASK_CODE], eax
        cmp eax, PAGE_FAULT
        jne .report
        mov ecx, [ebp + FRAME_ERROR]
        mov [peek_error], ecx
.report:
        mov esi, text_kill
        call print
        mov eax, [ebx + TASK_PID]
        call print_decimal
        mov esi, text_kill_vector
        call print
        mov eax, [ebx + TASK_CODE]
        call print_decimal
        mov esi, text_newline
        call print
        jmp schedule            ; never comes back

; A system call; EBP = frame. The answer goes to the EAX that the task gets back.
system_call:
        mov eax, [ebp + FRAME_EAX]
        mov ebx, [current]
        cmp eax, SYS_EXIT
        je .exit
        cmp eax, SYS_WRITE
        je .write
        cmp eax, SYS_GETPID
        je .getpid
        cmp eax, SYS_YIELD
        je .yield
        cmp eax, SYS_TICKS
        je .ticks
.refuse:
        inc dword [calls_refused]
        mov dword [ebp + FRAME_EAX], -1
        ret
.getpid:
        mov eax, [ebx + TASK_PID]
        mov [ebp + FRAME_EAX], eax
        ret
.ticks:
        mov eax, [ticks]
        mov [ebp + FRAME_EAX], eax
        ret
.yield:
        inc dword [yields]
        mov dword [ebp + FRAME_EAX], 0
        jmp schedule
.exit:
        mov dword [ebx + TASK_STATE], ENDED
        mov eax, [ebp + FRAME_EBX]
        mov [ebx + TASK_CODE], eax
        jmp schedule
.write:
        ; Never trust a pointer from ring 3: all of it must lie in the task's own two pages.
        mov esi, [ebp + FRAME_EBX]
        mov ecx, [ebp + FRAME_ECX]
        mov eax, esi
        sub eax, USER_CODE
        cmp eax, 2 * 4096
        jae .refuse
        mov edx, 2 * 4096
        sub edx, eax
        cmp ecx, edx
        ja .refuse
        mov [ebp + FRAME_EAX], ecx
        jecxz .written
.character:
        lodsb
        call put
        loop .character
.written:
        ret

; ----------------------------------------------------------------------------------------------------------------------
; The programs. They are copied to USER_CODE, so addresses of their data are USER_CODE + (label - start); jumps are
; relative and need nothing.
; ----------------------------------------------------------------------------------------------------------------------

; Task A: says hello, yields three times, then computes until the clock has moved 12 ticks.
program_a:
        mov eax, SYS_WRITE
        mov ebx, USER_CODE + (.hello - program_a)
        mov ecx, .hello_end - .hello
        int KERNEL_CALL
        mov ecx, cs
        and ecx, 3              ; our privilege level
        cmp ecx, 3
        jne .wrong
        mov eax, SYS_GETPID
        int KERNEL_CALL
        cmp eax, 1
        jne .wrong
        mov edi, 3
.yield:
        mov eax, SYS_YIELD
        int KERNEL_CALL
        dec edi
        jnz .yield
        mov eax, SYS_TICKS
        int KERNEL_CALL
        lea esi, [eax + 12]
.work:
        mov ecx, 10000
.spin:
        inc dword [USER_DATA]   ; our own: B counts at the same address
        loop .spin
        mov eax, SYS_TICKS
        int KERNEL_CALL
        cmp eax, esi
        jb .work
        ; Whole rounds only, or B has touched our page.
        mov eax, [USER_DATA]
        xor edx, edx
        mov ecx, 10000
        div ecx
        test edx, edx
        jnz .wrong
        mov eax, SYS_WRITE
        mov ebx, USER_CODE + (.bye - program_a)
        mov ecx, .bye_end - .bye
        int KERNEL_CALL
        mov ebx, 11
        mov eax, SYS_EXIT
        int KERNEL_CALL
.wrong:
        mov ebx, 1
        mov eax, SYS_EXIT
        int KERNEL_CALL
.hello:
        db "       task A: in ring 3, program at 08000000", 13, 10
.hello_end:
.bye:
        db "       task A: done", 13, 10
.bye_end:
program_a_end:

; Task B: tries three system calls that must be refused, then computes like A, with another step.
program_b:
        mov eax, SYS_WRITE
        mov ebx, USER_CODE + (.hello - program_b)
        mov ecx, .hello_end - .hello
        int KERNEL_CALL
        mov eax, 999            ; no such call
        int KERNEL_CALL
        cmp eax, -1
        jne .wrong
        mov eax, SYS_WRITE      ; the kernel's memory
        mov ebx, start
        mov ecx, 16
        int KERNEL_CALL
        cmp eax, -1
        jne .wrong
        mov eax, SYS_WRITE      ; starts in our page, ends far behind it
        mov ebx, USER_DATA
        mov ecx, 0x10000
        int KERNEL_CALL
        cmp eax, -1
        jne .wrong
        mov eax, SYS_TICKS
        int KERNEL_CALL
        lea esi, [eax + 12]
.work:
        mov ecx, 10000
.spin:
        add dword [USER_DATA], 3
        loop .spin
        mov eax, SYS_TICKS
        int KERNEL_CALL
        cmp eax, esi
        jb .work
        mov eax, [USER_DATA]
        xor edx, edx
        mov ecx, 30000
        div ecx
        test edx, edx
        jnz .wrong
        mov eax, SYS_WRITE
        mov ebx, USER_CODE + (.bye - program_b)
        mov ecx, .bye_end - .bye
        int KERNEL_CALL
        mov ebx, 22
        mov eax, SYS_EXIT
        int KERNEL_CALL
.wrong:
        mov ebx, 2
        mov eax, SYS_EXIT
        int KERNEL_CALL
.hello:
        db "       task B: in ring 3, the same addresses, another address space", 13, 10
.hello_end:
.bye:
        db "       task B: done", 13, 10
.bye_end:
program_b_end:

; A task that wants interrupts off. IOPL is 0, so CLI is a general protection fault in ring 3.
program_cli:
        cli
.stay:
        jmp .stay
program_cli_end:

; A task that looks at the kernel's memory. The page is present, but not for users.
program_peek:
        mov eax, [start]
.stay:
        jmp .stay
program_peek_end:

; ======================================================================================================================
; Data
; ======================================================================================================================

serial_setup:
        db 3, 0x80              ; LCR: divisor latch
        db 0, 1                 ; 115200 / 1
        db 1, 0
        db 3, 0x03              ; 8n1
        db 1, 0                 ; IER: polled
        db 2, 0x07              ; FCR: FIFOs on and empty
        db 4, 0x03              ; MCR: DTR, RTS
serial_setup_end:

; Segment descriptors, SDM 3A 3.4.5: limit 0-15, base 0-15 | base 16-23, access byte, flags and limit 16-19, base 24-31.
        align 8, db 0
gdt:
        dq 0                                    ; never used: a null selector
        dq 0x00cf9a000000ffff                   ; KERNEL_CODE: 0 to 4 GB, DPL 0, execute and read
        dq 0x00cf92000000ffff                   ; KERNEL_DATA: DPL 0, read and write
        dq 0x00cffa000000ffff                   ; USER_CODE_SEL: DPL 3
        dq 0x00cff2000000ffff                   ; USER_DATA_SEL: DPL 3
gdt_tss:
        dq 0x0000890000000067                   ; TSS_SELECTOR: available 32-bit TSS, limit 103; base filled in later
gdt_end:
gdt_register:
        dw gdt_end - gdt - 1
        dd gdt
        align 4, db 0
idt_register:
        dw 256 * 8 - 1
        dd idt

; Bit n: exception n pushes an error code (8, 10 to 14, 17). SDM 3A table 6-1.
        align 4, db 0
vectors_with_error:
        dd 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17
        dd 0

checks_made:            dd 0
checks_passed:          dd 0
expected_vector:        dd -1
expected_resume:        dd 0
last_error:             dd 0
last_address:           dd 0
breakpoints:            dd 0
next_frame:             dd FRAMES
kernel_directory:       dd 0
kernel_table:           dd 0
demand_table:           dd 0
probe_frame:            dd 0
demand_faults:          dd 0
copies:                 dd 0
ticks:                  dd 0
current:                dd 0
last_pid:               dd 0
yields:                 dd 0
calls_refused:          dd 0
peek_error:             dd 0
scratch:                dd 0, 0
a20_open:               db 0
hex_digits:             db "0123456789ABCDEF"

text_newline:           db 13, 10, 0
text_ok:                db "  ok   ", 0
text_wrong:             db "  FAIL ", 0
text_title:             db "Teaching kernel", 13, 10, 0
text_chapter1:          db "1 real mode: started at 0000:7C00", 13, 10, 0
text_a20:               db "the A20 line is open: 100500h is not 500h", 0
text_chapter2:          db "2 protected mode", 13, 10, 0
text_pe:                db "CR0.PE is set", 0
text_gdt:               db "GDTR holds our GDT", 0
text_flat:              db "data beyond 64 KB is reached through a flat segment", 0
text_chapter3:          db "3 interrupts and exceptions", 13, 10, 0
text_int3:              db "INT3 came to its handler and went on", 0
text_divide:            db "DIV by zero raised #DE", 0
text_ud2:               db "UD2 raised #UD", 0
text_selector:          db "a selector beyond the GDT raised #GP", 0
text_selector_code:     db "its error code is the selector", 0
text_chapter4:          db "4 paging", 13, 10, 0
text_pg:                db "CR0.PG is set, and we are still here", 0
text_alias:             db "one frame is seen at two linear addresses", 0
text_accessed:          db "a read set A in the page-table entry, and not D", 0
text_dirty:             db "a write set D", 0
text_null:              db "a null pointer raised #PF", 0
text_cr2:               db "CR2 is the address that was read", 0
text_demand:            db "four pages came on demand, one #PF each", 0
text_demand_kept:       db "they keep what was written", 0
text_demand_once:       db "and fault no more", 0
text_cow_shared:        db "two read-only pages share a frame", 0
text_cow_copied:        db "a write to one made a copy", 0
text_cow_error:         db "its error code says: write, page present", 0
text_cow_apart:         db "the other one still has the old contents", 0
text_chapter5:          db "5 time", 13, 10, 0
text_pic:               db "8259A: vectors from 32, only the timer allowed", 0
text_ticks:             db "8254: five ticks at 100 Hz, asleep in HLT between them", 0
text_counter:           db "its counter is counting", 0
text_chapter6:          db "6 user tasks", 13, 10, 0
text_tr:                db "TR holds our TSS", 0
text_busy:              db "its descriptor is marked busy", 0
text_a_ended:           db "task A ended with code 11", 0
text_b_ended:           db "task B ended with code 22", 0
text_preempted:         db "the timer preempted both", 0
text_yields:            db "A yielded three times", 0
text_cli_killed:        db "the task with CLI was killed by #GP", 0
text_peek_killed:       db "the task that read kernel memory was killed by #PF", 0
text_peek_error:        db "its error code says: user, read, page present", 0
text_refused:           db "three bad system calls were refused", 0
text_kill:              db "       kernel: killed task ", 0
text_kill_vector:       db ", exception ", 0
text_panic:             db "PANIC: exception ", 0
text_panic_error:       db " error ", 0
text_panic_eip:         db " EIP ", 0
text_panic_cr2:         db " CR2 ", 0
text_no_frames:         db "PANIC: no frame left", 13, 10, 0
text_end:               db "teaching kernel: ", 0
text_all:               db "all ", 0
text_passed:            db " checks passed", 13, 10, 0
text_of:                db " of ", 0
text_failed:            db " checks FAILED", 13, 10, 0

        align 8, db 0
idt:            times 256 dq 0
tss:            times 104 db 0
tasks:          times TASKS * TASK_BYTES db 0
main_task:      times TASK_BYTES db 0

        ; Whole sectors.
        times (512 - ($ - $$) % 512) % 512 db 0

/** An unmasked x87 error as the PC reports it with CR0.NE = 0: FERR#, IRQ 13, port F0h, IGNNE#, and the instruction that waited goes on. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { createMachine } from "../boot/machines";

const SECTOR = `bits 16
org 0x7c00
cli
xor ax, ax
mov ds, ax
mov ss, ax
mov sp, 0x7c00
mov word [0x75*4], handler
mov [0x75*4+2], ax
; both 8259A: vectors 08h and 70h, all masked but the cascade and IRQ 13
mov al, 0x11
out 0x20, al
out 0xa0, al
mov al, 8
out 0x21, al
mov al, 0x70
out 0xa1, al
mov al, 4
out 0x21, al
mov al, 2
out 0xa1, al
mov al, 1
out 0x21, al
out 0xa1, al
mov al, 0xfb
out 0x21, al
mov al, 0xdf
out 0xa1, al
fninit
fldcw [control]
sti
fld1
fldz
fdivp st1, st0
mov al, 'a'
out 0xe9, al
fwait
mov al, 'b'
out 0xe9, al
fld1
mov al, 'c'
out 0xe9, al
cli
hlt
handler: push ax
mov al, 'H'
out 0xe9, al
fnstsw ax
and al, 0x84
cmp al, 0x84
jne .wrong
mov al, 'Z'
out 0xe9, al
.wrong: mov al, 0
out 0xf0, al
; with IGNNE# this waiting instruction runs although the error still waits
fwait
mov al, 'I'
out 0xe9, al
fnclex
mov al, 0x20
out 0xa0, al
out 0x20, al
pop ax
iret
control: dw 0x37b
times 510-($-$$) db 0
dw 0xaa55
`;

describe("x87 errors by IRQ 13", () => {
  it.each(["interp", "jit"] as const)("reach the handler before the instruction that waits (%s)", async (accel) => {
    const { bytes, errors } = assemble(SECTOR, { bits: 16, org: 0x7c00 });
    expect(errors).toEqual([]);
    const { machine, debugOutput } = await createMachine({ boot: { kind: "sector", image: bytes }, memoryMb: 4, accel });
    await machine.run({ instructions: 100_000 });
    expect(debugOutput()).toBe("aHZIbc");
  });
});

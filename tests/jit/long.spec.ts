/** 64-bit code, interpreted and translated under forced limits: equal states all the way; and the boot of Debian amd64. */
import { describe, expect, it } from "vitest";
import { linuxBoot, needGuest } from "../boot/prepared-guests";
import { longProgram } from "../tools/long-program";
import { LIMITS, trace } from "./interp-against-jit";

/** Every width, high bytes and REX bytes, flags of 64 bits in all their uses, stack, calls by table, page borders, FS, rewritten code. */
const PROGRAM = `
    mov eax,0x620
    mov cr4,rax
    mov rsp,0x1100ff8
    mov rbx,0x1200000
    mov r12,0x9e3779b97f4a7c15
    mov r13d,100
    mov ecx,0xc0000100
    mov eax,0x1200800
    xor edx,edx
    wrmsr
outer:
    imul r12,r12,0x343fd
    add r12,0x269ec3
    mov rax,r12
    shr rax,40
    and eax,0x1ff
    mov [rbx+rax*8],r12
    add r14,[rbx+rax*8+3]
    adc r15,r12
    sbb r14,0x1234
    mov rdx,r12
    shld rdx,r14,13
    shrd r14,r15,cl
    rcl rdx,7
    rcr r15d,3
    rol r14w,5
    ror dl,1
    sar rdx,9
    bt r12,45
    setc sil
    cmovc r8,r12
    bts r8,62
    btr r8d,3
    movzx edi,ah
    add r9d,edi
    movsx r10,byte [rbx+rax]
    movsxd r11,dword [rbx+rax*4]
    xadd [rbx+16],r9
    cmpxchg [rbx+24],r10
    bswap r11
    neg r11
    not r10
    lea rdi,[rbx+r13*4+0x40]
    xchg [rdi],r11
    mov ah,dl
    add ah,bh
    mov dh,ah
    add r9b,dl
    inc qword [rbx+32]
    dec r9
    jo overflow
    cmp r9,r11
    jl less
    ja above
    test r9,r9
    js less
overflow:
    add r8,1
less:
    sub r8,r9
above:
    push r8
    push word 0x1234
    pop ax
    pop rsi
    mov rax,r13
    and eax,3
    lea rdi,[rel table]
    call [rdi+rax*8]
    call nested
    mov rax,r12
    mul r14
    xor r14,rdx
    mov rax,r14
    imul r15
    xor r15,rdx
    xor edx,edx
    mov rax,r12
    mov rdi,r13
    or rdi,1
    div rdi
    add r15,rdx
    cqo
    cdqe
    pushfq
    pop rax
    and eax,0x8d5
    xor r15,rax
    mov rax,[fs:8]
    add [fs:16],rax
    mov rdi,0x1200ffd
    mov [rdi],r15
    add r14d,[edi]
    add qword [rdi],r14
    lea rdi,[rbx+0x2000]
    mov rsi,rbx
    mov ecx,9
    rep movsq
    mov al,r13b
    mov ecx,5
    rep stosb
    mov ecx,3
count:
    add r15,rcx
    loop count
    ; code that changes: the immediate below
    mov [rel patched+3],r13b
patched:
    add r15,0x11
    popcnt rax,r15
    movq xmm3,r15
    paddq xmm3,xmm3
    movq rdx,xmm3
    xor r15,rdx
    enter 32,0
    mov [rbp-8],r15
    leave
    dec r13d
    jnz outer
    hlt
f0: add r15,1
    ret
f1: lea rax,[rel f2]
    jmp rax
f2: xor r15,r12
    ret
f3: push rbp
    mov rbp,rsp
    call f0
    pop rbp
    ret 0
nested:
    push r13
    and r13d,7
again:
    call f0
    dec r13d
    jns again
    pop r13
    ret
align 8
table: dq f0, f1, f2, f3`;

describe("64-bit code, interpreted and translated", () => {
  const run = { step: 4999, most: 20_000, slice: 777 };

  it.each(Object.entries(LIMITS))("has equal states, %s", async (_, limits) => {
    const config = { memoryMb: 20, boot: longProgram(PROGRAM).boot };
    const interpreted = await trace(config, undefined, run);
    const translated = await trace(config, { limits }, run);
    expect(translated.points).toEqual(interpreted.points);
    expect(translated.inJit).toBeGreaterThan(1000);
    expect(interpreted.points.length).toBeGreaterThan(2);
  });

  it("boots Debian amd64 to the same states", { timeout: 1_800_000 }, async (context) => {
    const guest = await needGuest(context, "debian-amd64");
    const config = { memoryMb: guest.files.memoryMb, boot: linuxBoot(guest) };
    const most = { step: 60_000_000, most: 120_000_000 };
    const interpreted = await trace(config, undefined, most);
    const translated = await trace(config, {}, most);
    expect(translated.points).toEqual(interpreted.points);
    expect(translated.inJit).toBeGreaterThan(60_000_000);
  });
});

/** Lab 1: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Model } from "./models";

const PROVOKE = `
        mov si, cpuids
next:
        xor eax, eax
        cpuid
        dec si
        jnz next
        mov cx, outs
send:
        out outport, al
        loop send
        mov cx, ins
receive:
        in al, inport
        loop receive
        cli
        hlt`;

const FIRST = `
gp_handler:
        mov eax, [esp + 4]
        mov [SEEN], eax
        mov al, [eax]
        mov [SEEN + 4], al
        cli
        hlt`;

const MONITOR = `
gp_handler:
        pushad
        mov ebx, [esp + 36]
        mov al, [ebx]
        movzx ecx, byte [ebx + 1]
        mov edx, 1
        cmp al, 0xfa
        je clear_if
        cmp al, 0xfb
        je set_if
        mov edx, 2
        cmp al, 0xe4
        je in_al
        cmp al, 0xe6
        je out_al
        mov edx, 3
        cmp al, 0x0f
        je mov_cr0
stop:
        cli
        hlt
clear_if:
        mov byte [virtual_if], 0
        jmp done
set_if:
        mov byte [virtual_if], 1
        jmp done
in_al:
        mov al, [ports + ecx]
        mov [esp + 28], al
        jmp done
out_al:
        mov al, [esp + 28]
        mov [ports + ecx], al
        jmp done
mov_cr0:
        mov eax, [virtual_cr0]
        mov [esp + 28], eax
done:
        add [esp + 36], edx
        popad
        add esp, 4
        iretd
virtual_if:     db 0
virtual_cr0:    dd 0x11
ports:          times 256 db 0`;

export const LAB1: Model = {
  answers: ({ rounds }) => ({
    provoke: PROVOKE,
    predict: {
      iowrite: `${rounds}`,
      ioread: `${rounds}`,
      softwareinterrupt: `${rounds}`,
      iret: `${rounds}`,
      exception: "0",
      crread: "2",
      total: `${4 * rounds! + 5}`,
      instructions: `${3 + 9 * rounds! + 7}`,
    },
    first: FIRST,
    monitor: MONITOR,
    hole: { if0: "0", if3: "1", traps: "CLI", silent: "4" },
  }),
  wrong: [
    { task: "provoke", answer: "", reason: /^There is no program yet/ },
    {
      task: "provoke",
      answer: PROVOKE.replace("mov si, cpuids", "mov si, cpuids + 1"),
      reason: /^The core counted \d+ Cpuid exits; \d+ are asked for/,
    },
    { task: "provoke", answer: PROVOKE.replace("mov si, cpuids", "mov si, 1"), reason: /^CPUID ran once\..*write a loop/ },
    {
      task: "provoke",
      answer: PROVOKE.replace("mov si, cpuids", "mov cx, cpuids").replace("dec si\n        jnz", "loop"),
      reason: /CX does not survive|did not end/,
    },
    { task: "provoke", answer: PROVOKE.replace("out outport, al", "out outport, ax"), reason: /wider than a byte/ },
    { task: "provoke", answer: PROVOKE.replace("out outport, al", "out 0x80, al"), reason: /right in number, but not all go to port/ },
    {
      task: "provoke",
      answer: PROVOKE.replace("mov cx, ins", "mov cx, ins - 1"),
      reason: /one-byte reads of port 0x8[cde]; \d+ are asked for/,
    },
    { task: "provoke", answer: PROVOKE.replace("        cli", "        cli\n        cli"), reason: /^CLI and STI left the guest 2 times/ },
    {
      task: "provoke",
      answer: PROVOKE.replace("        cli\n        hlt", "        jmp $"),
      reason: /did not end within 1000000 instructions.*line 16 of your program/,
    },
    { task: "provoke", answer: PROVOKE.replace("        cli\n        hlt", "        sti\n        hlt"), reason: /sleeps for ever/ },
    {
      task: "provoke",
      answer: PROVOKE.replace("        cpuid", "        cpu_id"),
      reason: /does not assemble: line 5: unknown instruction "cpu_id"/,
    },
    { task: "predict", change: { ioread: "1" }, reason: /the handler runs each time INT 21h does/ },
    { task: "predict", change: { exception: "5" }, reason: /INT n is asked for by the program/ },
    { task: "predict", change: { crread: "1" }, reason: /Two instructions here read CR0/ },
    { task: "predict", change: { total: "many" }, reason: /"many" is not a number/ },
    { task: "predict", change: { instructions: "" }, reason: /^Nothing is entered/ },
    {
      task: "first",
      answer: FIRST.replace("[esp + 4]", "[esp]").replace("mov al, [eax]", ""),
      reason: /that is the error code, which #GP pushes last/,
    },
    { task: "first", answer: FIRST.replace("[esp + 4]", "[esp + 8]"), reason: /that is the saved CS/ },
    {
      task: "first",
      answer: FIRST.replace("cli\n        hlt", "add esp, 4\n        iretd"),
      reason: /did not end .* Exception 13 was raised \d+ times .* unless the handler moves the saved EIP on/,
    },
    { task: "first", answer: FIRST.replace("mov [SEEN + 4], al", ""), reason: /not the opcode of CLI, FAh/ },
    { task: "first", answer: FIRST.replace("gp_handler", "handler"), reason: /no label "gp_handler:"/ },
    { task: "monitor", answer: MONITOR.replace("add [esp + 36], edx", ""), reason: /Exception 13 was raised \d+ times at 0x300000/ },
    {
      task: "monitor",
      answer: MONITOR.replace("        add esp, 4\n", ""),
      reason: /Line 43 of your monitor raised exception 13\. At an IRET: is the error code off the stack/,
    },
    {
      task: "monitor",
      answer: MONITOR.replace("mov al, [ports + ecx]\n", "in al, 0x81\n"),
      reason: /made \d+ real port accesses, the first at line 30/,
    },
    {
      task: "monitor",
      answer: MONITOR.replace("mov [ports + ecx], al", "mov [ports], al").replace("mov al, [ports + ecx]", "mov al, [ports]"),
      reason: /two ports give the guest the same byte/,
    },
    { task: "monitor", answer: MONITOR.replace("mov [esp + 28], al\n", ""), reason: /into the saved EAX|The guest's sum is/ },
    {
      task: "monitor",
      answer: MONITOR.replace(
        "mov al, [ports + ecx]\n        mov [esp + 28], al",
        "movzx eax, byte [ports + ecx]\n        mov [esp + 28], eax",
      ),
      reason: /After IN AL, the guest's EAX is 0x000000/,
    },
    { task: "monitor", answer: MONITOR.replace("dd 0x11", "dd 0"), reason: /Give it a CR0 of its own/ },
    {
      task: "monitor",
      answer: MONITOR.replace("popad\n", "popad\n        inc esi\n"),
      reason: /All registers that you use must be as they were/,
    },
    {
      task: "monitor",
      answer: MONITOR.replace("done:", "done:\n        mov edi, 500\nwaste:\n        dec edi\n        jnz waste"),
      reason: /more than 60 for each of/,
    },
    { task: "monitor", answer: MONITOR.replace("je out_al", "je stop"), reason: /executes \d+ privileged instructions.*opcode byte 0xe6/ },
    { task: "hole", change: { if3: "0" }, reason: /what POPF does with IF then/ },
    { task: "hole", change: { traps: "POPFD", silent: "1" }, reason: /That is the hole/ },
    { task: "hole", change: { silent: "3" }, reason: /which instruction raised the first exception/ },
    { task: "hole", change: { traps: "all" }, reason: /"all" is not one of: PUSHFD/ },
  ],
};

/** Lab 5: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Model } from "./models";

const BEAT = `
        mov word [COUNT], 0
        mov word [base * 4], handler
        mov word [base * 4 + 2], 0
        mov al, 0x11
        out 0x20, al
        mov al, base
        out 0x21, al
        mov al, 0x04
        out 0x21, al
        mov al, 0x01
        out 0x21, al
        mov al, 0xfe
        out 0x21, al
        mov al, 0x34
        out 0x43, al
        mov al, pulses & 0xff
        out 0x40, al
        mov al, pulses >> 8
        out 0x40, al
again:
        sti
        hlt
        cli
        cmp word [COUNT], beats
        jb again
        hlt
handler:
        push ax
        inc word [COUNT]
        mov al, 0x20
        out 0x20, al
        pop ax
        iret`;

export const LAB5: Model = {
  answers: ({ base }) => ({
    beat: BEAT,
    trace: { irr: "01", isr: "00", handled: "0", irr2: "00", isr2: "01", isr3: "00", vec: base!.toString(16), total: "1" },
  }),
  wrong: [
    {
      task: "beat",
      answer: BEAT.replace("        out 0x20, al\n        pop ax", "        pop ax"),
      reason: /One interrupt was delivered and then none: without an end-of-interrupt/,
    },
    {
      task: "beat",
      answer: BEAT.replace("mov al, base\n", "mov al, 8\n").replaceAll("base * 4", "8 * 4"),
      reason: /IRQ 0 came as vector 0x8; 0x[2-5][08] is asked for/,
    },
    {
      task: "beat",
      answer: BEAT.replace("mov al, pulses >> 8\n        out 0x40, al\n", "").replace(
        "again:\n        sti\n        hlt\n        cli\n        cmp word [COUNT], beats\n        jb again\n        hlt",
        "        cli\n        hlt",
      ),
      reason: /low byte and then the high byte/,
    },
    {
      task: "beat",
      answer: BEAT.replace("        mov al, pulses >> 8\n        out 0x40, al\n", ""),
      reason: /HLT waits for ever: the counter was not given its two bytes/,
    },
    {
      task: "beat",
      answer: BEAT.replace("again:\n        sti\n        hlt", "        cli\n        hlt\nagain:\n        nop"),
      reason: /STI was never executed/,
    },
    { task: "beat", answer: BEAT.replace("[COUNT], beats", "[COUNT], beats + 1"), reason: /both should be \d/ },
    {
      task: "beat",
      answer: BEAT.replace("mov al, pulses & 0xff\n", "mov al, 7\n"),
      reason: /From the first interrupt to the last it took \d+ ticks/,
    },
    {
      task: "beat",
      answer: BEAT.replace("again:\n        sti\n        hlt\n        cli\n", "        sti\nagain:\n").replace(
        "jb again\n",
        "jb again\n        cli\n",
      ),
      reason: /wait in HLT/,
    },
    { task: "trace", change: { irr: "00" }, reason: /remembered although it is masked/ },
    { task: "trace", change: { handled: "1" }, reason: /looks at it only with IF = 1/ },
    { task: "trace", change: { isr2: "00" }, reason: /Between acknowledge and end-of-interrupt/ },
    { task: "trace", change: { total: "2" }, reason: /raises its output once/ },
  ],
};

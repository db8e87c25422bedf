/** Lab 0: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Model } from "./models";

const ASK = `
        xor eax, eax
        cpuid
        mov [0x9010], ebx
        mov [0x9014], edx
        mov [0x9018], ecx
        mov eax, 1
        cpuid
        mov [0x9000], ecx
        rdtsc
        mov esi, eax
        mov bp, rounds
again:
        xor eax, eax
        cpuid
        dec bp
        jnz again
        rdtsc
        sub eax, esi
        mov [0x9024], eax
        cli
        hlt`;

export const LAB0: Model = {
  answers: ({ rounds }) => ({
    ways: { cpuid: `${rounds! + 2}`, cpuidjit: `${rounds! + 2}`, io: "0", plain: "0", present: "0", same: "equal" },
    ask: ASK,
    which: { difference: "0", clock: "instructions", way: "an interpreter" },
  }),
  wrong: [
    { task: "ways", change: (c) => ({ cpuid: `${c.rounds}` }), reason: /There are two more/ },
    { task: "ways", change: { cpuidjit: "0" }, reason: /How code is run is the monitor's own affair/ },
    { task: "ways", change: { plain: "1" }, reason: /run without asking anybody/ },
    { task: "ways", change: { same: "different" }, reason: /must not be able to tell how it is run/ },
    {
      task: "ask",
      answer: ASK.replace("[0x9014], edx", "[0x9014], ecx").replace("[0x9018], ecx", "[0x9018], edx"),
      reason: /The order is EBX, EDX, ECX/,
    },
    { task: "ask", answer: ASK.replace("mov bp, rounds", "mov bp, rounds + 1"), reason: /in the loop and two before it/ },
    {
      task: "ask",
      answer: ASK.replace("mov bp, rounds", "mov cx, rounds").replace("dec bp", "dec cx"),
      reason: /count in another register|did not end/,
    },
    { task: "ask", answer: ASK.replace("        sub eax, esi\n", ""), reason: /The difference of two RDTSCs is asked for/ },
    { task: "ask", answer: "cli\nhlt", reason: /CPUID was never executed/ },
    { task: "which", change: { difference: "1000" }, reason: /Count the instructions of a round in either loop/ },
    { task: "which", change: { clock: "the host's cycles" }, reason: /would take longer than one that does not/ },
    { task: "which", change: { way: "the host's processor itself" }, reason: /A browser gives nobody the processor/ },
  ],
};

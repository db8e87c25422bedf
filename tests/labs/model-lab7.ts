/** Lab 7: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Model } from "./models";

const STAY = `
        mov ecx, work / 2
spin:
        add edx, ecx
        xor edx, 0x55
        dec ecx
        jnz spin
        mov ebp, asks
ask:
        xor eax, eax
        cpuid
        dec ebp
        jnz ask
        cli
        hlt`;

const REWRITE = `
        xor ebx, ebx
        mov esi, 1
pass:
        mov ecx, rounds
again:
        db 0x81, 0xc3
number: dd 1
        dec ecx
        jnz again
        inc esi
        cmp esi, rewrites + 1
        ja done
        mov [number], esi
        jmp pass
done:
        cli
        hlt`;

export const LAB7: Model = {
  answers: ({ asks, threshold }) => ({
    hot: {
      cpuid: `${asks}`,
      cpuidjit: `${asks}`,
      early: `${threshold}`,
      coldloop: "interpreted",
      most: "translated",
      result: "the same",
      regions: "0",
    },
    stay: STAY,
    rewrite: REWRITE,
  }),
  wrong: [
    { task: "hot", change: { cpuidjit: "0" }, reason: /what the guest asks for, it asks for as often/ },
    { task: "hot", change: { early: "0" }, reason: /as often as the text says, and not before/ },
    { task: "hot", change: { coldloop: "translated" }, reason: /It runs \d+ times, and a block is translated when it has run 2000 times/ },
    { task: "hot", change: { result: "another" }, reason: /would be broken/ },
    { task: "stay", answer: STAY.replace("work / 2", "1500"), reason: /instructions were executed; at least \d+ are asked for/ },
    {
      task: "stay",
      answer: `${" nop\n".repeat(100)}\n mov ecx, 1900\nspin:\n${" inc edx\n".repeat(60)} dec ecx\n jnz spin\n cli\n hlt`,
      reason: /Nothing was translated: no block ran 2000 times/,
    },
    {
      task: "stay",
      answer: STAY.replace("        xor edx, 0x55\n", "        push ecx\n        cpuid\n        pop ecx\n"),
      reason: /CPUID leaves the translated code each time/,
    },
    { task: "stay", answer: STAY.replace("mov ebp, asks", "mov ebp, asks + 1"), reason: /CPUID was executed \d+ times; \d are asked for/ },
    {
      task: "stay",
      answer: STAY.replace("work / 2", "work / 8").replace("xor edx, 0x55", "xor edx, 0x55\n times 6 nop"),
      reason: /The first 2000 rounds are always interpreted/,
    },
    { task: "rewrite", answer: REWRITE.replace("mov [number], esi", "nop"), reason: /nothing was written into translated code/ },
    { task: "rewrite", answer: REWRITE.replace("mov ecx, rounds", "mov ecx, 1000"), reason: /Nothing was translated/ },
    {
      task: "rewrite",
      answer: REWRITE.replace(
        "        cmp esi, rewrites + 1\n        ja done\n        mov [number], esi\n",
        "        mov [number], esi\n        cmp esi, rewrites + 1\n        ja done\n",
      ),
      reason: /One too many/,
    },
    { task: "rewrite", answer: REWRITE.replace("mov [number], esi", "mov dword [number], 7"), reason: /EBX is \d+; \d+ is wanted/ },
  ],
};

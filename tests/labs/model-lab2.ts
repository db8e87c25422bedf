/** Lab 2: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Constants } from "../../web/labs/constants";
import type { Model } from "./models";

const [TRAPS, SAME, OTHER] = ["traps", "runs, same result", "runs, other result"];

const PROBE = `
probe:
        mov eax, cs
        and eax, 3
        mov ecx, inside
        jz known
        mov ecx, outside
known:
        mov [RESULTS], ecx
        ret`;

/** By the manual, from the operands: nothing is run. */
function atLevel3({ checked, popped, gatedpl }: Constants): Record<string, string> {
  const descriptor = checked === 0x23 ? SAME! : OTHER!;
  return {
    sgdt1: SAME!,
    sidt1: SAME!,
    sldt1: SAME!,
    str1: SAME!,
    smsw1: SAME!,
    lar1: descriptor,
    lsl1: descriptor,
    verr1: descriptor,
    push1: OTHER!,
    pop1: popped === 0x23 ? SAME! : TRAPS!,
    mov1: OTHER!,
    call1: TRAPS!,
    jmp1: TRAPS!,
    ret1: TRAPS!,
    int1: gatedpl === 3 ? OTHER! : TRAPS!,
    pushf1: SAME!,
    popf1: OTHER!,
  };
}

export const LAB2: Model = {
  answers: (constants) => {
    const sensitive = atLevel3(constants);
    return {
      sensitive,
      umip: {
        ...Object.fromEntries(["sgdt2", "sidt2", "sldt2", "str2", "smsw2"].map((name) => [name, TRAPS!])),
        push2: OTHER!,
        popf2: OTHER!,
        left: `${Object.values(sensitive).filter((answer) => answer === OTHER).length}`,
      },
      level: PROBE,
    };
  },
  wrong: [
    { task: "sensitive", change: { sgdt1: TRAPS! }, reason: /SGDT raised no exception at CPL 3\. SGDT is not privileged/ },
    { task: "sensitive", change: { popf1: TRAPS! }, reason: /leaves IF and IOPL as they are, without an exception/ },
    { task: "sensitive", change: { push1: SAME! }, reason: /low two bits of the selector in CS are the CPL/ },
    { task: "sensitive", change: { call1: OTHER! }, reason: /needs CPL = DPL; 08h has DPL 0/ },
    { task: "sensitive", change: { smsw1: "" }, reason: /^Nothing is entered/ },
    { task: "umip", change: { smsw2: SAME! }, reason: /UMIP = 1 makes SGDT, SIDT, SLDT, STR and SMSW raise #GP/ },
    { task: "umip", change: { popf2: TRAPS! }, reason: /is this one of them\?/ },
    { task: "umip", change: { left: "0" }, reason: /less those that UMIP makes trap/ },
    {
      task: "level",
      answer: PROBE.replace("mov eax, cs\n", "mov eax, cr0\n"),
      reason: /At CPL 3, exception 13 came at line 3: whoever traps is noticed/,
    },
    {
      task: "level",
      answer: PROBE.replace("mov eax, cs\n", "smsw eax\n").replace("and eax, 3", "and eax, 2"),
      reason: /what it looks at is the same at both levels/,
    },
    { task: "level", answer: PROBE.replace("jz", "jnz"), reason: /took CPL 0 for CPL 3/ },
    { task: "level", answer: PROBE.replace("mov [RESULTS], ecx", ""), reason: /Nothing was written to RESULTS/ },
  ],
};

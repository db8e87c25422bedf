/** Lab 4: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Model } from "./models";

const FORK = `
fork:
        xor ecx, ecx
share:
        mov eax, [PARENT_TABLE + ecx * 4]
        and eax, 0xfffffffd
        mov [PARENT_TABLE + ecx * 4], eax
        mov [CHILD_TABLE + ecx * 4], eax
        inc ecx
        cmp ecx, datas
        jb share
        mov eax, cr3
        mov cr3, eax
        ret
cow:
        mov ebx, [NEXT_FRAME]
        add dword [NEXT_FRAME], 4096
        push edi
        mov esi, eax
        mov edi, ebx
        mov ecx, 1024
        rep movsd
        pop edi
        or ebx, 3
        mov [edi], ebx
        invlpg [eax]
        ret`;

export const LAB4: Model = {
  answers: ({ rounds, touched }) => ({
    edit: {
      keephidden: `${touched! + rounds! - 1}`,
      keepwrites: `${rounds}`,
      keeptrue: "0",
      flushhidden: `${touched! * rounds!}`,
    },
    fork: FORK,
  }),
  wrong: [
    { task: "edit", change: (c) => ({ keephidden: `${c.touched}` }), reason: /drops what was made from it/ },
    { task: "edit", change: (c) => ({ keephidden: `${c.touched! + c.rounds!}` }), reason: /After the store of the last round/ },
    { task: "edit", change: (c) => ({ keepwrites: `${c.touched! + 1024}` }), reason: /one store to a table that is shadowed is one exit/ },
    { task: "edit", change: { keeptrue: "1" }, reason: /is any page of this program not present/ },
    { task: "edit", change: (c) => ({ flushhidden: `${c.touched}` }), reason: /That is the first round alone/ },
    {
      task: "fork",
      answer: FORK.replace("        mov [PARENT_TABLE + ecx * 4], eax\n", ""),
      reason: /the parent's table still allows writing/,
    },
    { task: "fork", answer: FORK.replace("        and eax, 0xfffffffd\n", ""), reason: /No page fault came/ },
    { task: "fork", answer: FORK.replace("        mov [CHILD_TABLE + ecx * 4], eax\n", ""), reason: /The child has no page at DATA/ },
    {
      task: "fork",
      answer: FORK.replace("mov ebx, [NEXT_FRAME]", "mov ebx, [edi]\n and ebx, 0xfffff000").replace("rep movsd", "nop"),
      reason: /The parent sees what the child wrote/,
    },
    { task: "fork", answer: FORK.replace("        mov [edi], ebx\n", ""), reason: /faults again and again/ },
    { task: "fork", answer: FORK.replace("mov ecx, 1024", "mov ecx, 0"), reason: /The copy differs from the original/ },
    { task: "fork", answer: FORK.replace("        add dword [NEXT_FRAME], 4096\n", ""), reason: /first two pages hold/ },
  ],
};

/** Lab 3: model answers, and wrong ones with the reason that a student must be given. Not part of what is built. */
import type { Model } from "./models";

const BUILD = `
directory equ 0x200000
low_table equ 0x201000
first_table equ 0x202000
second_table equ 0x203000
        mov edi, low_table
        mov eax, 3
        mov ecx, 1024
.low:
        mov [edi], eax
        add edi, 4
        add eax, 4096
        loop .low
        mov dword [directory], low_table + 3
        mov dword [directory + (L1 >> 22) * 4], first_table + 7
        mov dword [first_table + ((L1 >> 12) & 0x3ff) * 4], (P1 & 0xfffff000) + 5
        mov dword [first_table + ((L2 >> 12) & 0x3ff) * 4], (P2 & 0xfffff000) + 7
        mov dword [directory + (L3 >> 22) * 4], second_table + 3
        mov dword [second_table + ((L3 >> 12) & 0x3ff) * 4], (P3 & 0xfffff000) + 3
        mov eax, directory
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        cli
        hlt`;

const WORK = `
work:
        mov ecx, trues
        mov esi, DEMAND
demand:
        mov eax, [esi]
        add esi, 4096
        loop demand
        mov ecx, extra
        mov esi, ARENA
allowed:
        mov eax, [esi]
        add esi, 4096
        loop allowed
        ret`;

const hex = (value: number): string => `0x${value.toString(16)}`;
const choice = (faults: boolean, error: number): string => (faults ? `${error}` : "no fault");

export const LAB3: Model = {
  answers: (c) => ({
    walk: {
      pde1: hex(c.pd! + 4 * Math.floor(c.A! / 2 ** 22)),
      pte1: hex(c.pt! + 4 * (Math.floor(c.A! / 4096) % 1024)),
      physical1: hex(c.frame1! + (c.A! % 4096)),
      dword1: hex(c.value1!),
      pde2: hex(c.pd! + 4 * Math.floor(c.B! / 2 ** 22)),
      physical2: hex(c.big! + (c.B! % 2 ** 22)),
      dword2: hex(c.value2!),
    },
    rights: {
      auser: "7",
      asuper0: "no fault",
      asuper1: "3",
      buser: "5",
      cuser: "7",
      csuper: choice((c.cbits! & 2) === 0, 3),
      duser: "6",
      dsuper: "0",
    },
    build: BUILD,
    faults: WORK,
    switch: {
      truefaults: "0",
      keepowns: `${2 * c.owns!}`,
      keepshareds: `${c.shareds! + 1}`,
      flushowns: `${2 * c.rounds! * c.owns!}`,
      flushshareds: `${2 * c.rounds! * c.shareds!}`,
    },
  }),
  wrong: [
    { task: "walk", change: (c) => ({ pde1: hex(c.pd! + c.d1!) }), reason: /CR3 plus the index: each entry has 4 bytes/ },
    { task: "walk", change: (c) => ({ pte1: hex(c.pt! + 0x27 + 4 * c.t1!) }), reason: /Bits 11-0 of the directory entry are flags/ },
    { task: "walk", change: (c) => ({ dword1: hex(c.decoy1!) }), reason: /neighbouring page-table entry/ },
    { task: "walk", change: (c) => ({ physical2: hex(c.big! + (c.o2! & 0xfff)) }), reason: /a page of 4 MB has 22 bits/ },
    { task: "walk", change: { physical1: "0xg" }, reason: /"0xg" is not a hexadecimal number/ },
    { task: "rights", change: { auser: "no fault" }, reason: /R\/W = 0 at any level forbids writing at CPL 3/ },
    { task: "rights", change: { asuper0: "3" }, reason: /R\/W does not bind the supervisor/ },
    { task: "rights", change: { cuser: "no fault" }, reason: /rights of all levels count together/ },
    { task: "rights", change: { duser: "7" }, reason: /Here P = 0/ },
    { task: "build", answer: BUILD.replace("mov dword [directory], low_table + 3", ""), reason: /triple fault/ },
    { task: "build", answer: BUILD.replace("or eax, 0x80000000", ""), reason: /CR0\.PG is 0 at the end/ },
    {
      task: "build",
      answer: BUILD.replace("[directory + (L1 >> 22) * 4]", "[directory + (L1 >> 22)]"),
      reason: /ends in the directory: entry \d+|reaches/,
    },
    {
      task: "build",
      answer: BUILD.replace("(P1 & 0xfffff000) + 5", "(P1 >> 12) + 0x5000"),
      reason: /The walk of 0x[0-9a-f]+ (reaches|ends)/,
    },
    {
      task: "build",
      answer: BUILD.replace("first_table + 7", "first_table + 3"),
      reason: /has U\/S = 0, and the rights of both levels count together/,
    },
    { task: "build", answer: BUILD.replace("first_table + 7", "first_table + 5"), reason: /Forbid writing where only .* is concerned/ },
    {
      task: "build",
      answer: BUILD.replace("(P1 & 0xfffff000) + 5", "(P1 & 0xfffff000) + 7"),
      reason: /CPL 3 may write to .*: R\/W is 1 in both/,
    },
    {
      task: "build",
      answer: BUILD.replace("second_table + 3", "second_table + 7").replace("(P3 & 0xfffff000) + 3", "(P3 & 0xfffff000) + 7"),
      reason: /and 5 is wanted/,
    },
    {
      task: "build",
      answer: BUILD.replace(
        "mov eax, directory\n",
        "mov dword [second_table + (((L3 >> 12) & 0x3ff) + 1) * 4], 0x400007\n        mov eax, directory\n",
      ),
      reason: /4 is wanted: not present/,
    },
    {
      task: "faults",
      answer: WORK.replace("mov ecx, trues", "mov ecx, trues - 1"),
      reason: /The core counted \d true page faults; \d are asked for/,
    },
    {
      task: "faults",
      answer: WORK.replace("mov ecx, extra", "mov ecx, hidden"),
      reason: /hidden page faults too many\. A true page fault is followed by a hidden one/,
    },
    {
      task: "faults",
      answer: "work:\n mov ecx, trues\n mov esi, DEMAND\nnext: mov eax, [esi]\n add esi, 4096\n loop next\n ret",
      reason: /All \d hidden page faults in the arena follow true ones/,
    },
    { task: "faults", answer: WORK.replace("mov esi, ARENA", "mov esi, 0x900000"), reason: /which the given handler does not serve/ },
    { task: "faults", answer: WORK.replace("        ret", "        cli\n        hlt"), reason: /end it with RET/ },
    { task: "switch", change: { truefaults: "4" }, reason: /that the guest's own tables forbid/ },
    { task: "switch", change: (c) => ({ keepowns: `${c.owns}` }), reason: /each space has shadow entries of its own/ },
    { task: "switch", change: (c) => ({ keepshareds: `${2 * c.shareds!}` }), reason: /both directories point to one guest page table/ },
    { task: "switch", change: (c) => ({ keepshareds: `${c.shareds}` }), reason: /^Nearly\..*does not point to it yet/ },
    { task: "switch", change: (c) => ({ flushowns: `${c.rounds! * c.owns!}` }), reason: /both spaces touch their own pages/ },
  ],
};

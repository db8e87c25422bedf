/** Task switches by every way in and to every kind of descriptor: SDM 3A "Task Switching", Table "Exception Conditions Checked During a Task Switch". */
import { brokenTask, type Case, user } from "../image";

const CHANGES: readonly [string, string][] = [
  ["CS null", "mov dword [tss2+0x4c], 0"],
  ["CS data", "mov dword [tss2+0x4c], DATA"],
  ["CS not present", "mov dword [tss2+0x4c], NPCODE"],
  ["CS conforming of level 0", "mov dword [tss2+0x4c], CONF"],
  ["CS conforming, RPL below DPL", "mov dword [tss2+0x4c], UCONF"],
  ["CS a system segment", "mov dword [tss2+0x4c], LDT"],
  ["CS of the outer level with an inner stack", "mov dword [tss2+0x4c], UCODE|3"],
  ["SS null", "mov dword [tss2+0x50], 0"],
  ["SS code", "mov dword [tss2+0x50], CODE"],
  ["SS read-only", "mov dword [tss2+0x50], RODATA"],
  ["SS not present", "mov dword [tss2+0x50], NPDATA"],
  ["SS of level 3", "mov dword [tss2+0x50], UDATA"],
  ["SS outside", "mov dword [tss2+0x50], 0x4000"],
  ["DS not present", "mov dword [tss2+0x54], NPDATA"],
  ["DS a gate", "mov dword [tss2+0x54], GATE"],
  ["FS of a null LDT", "mov dword [tss2+0x60], 0\nmov dword [tss2+0x58], 0xc"],
  ["GS outside the LDT", "mov dword [tss2+0x5c], 0x44"],
  ["LDT not present", "mov byte [gdt+LDT+5], 2\nmov dword [tss2+0x60], LDT"],
  ["LDT a code segment", "mov dword [tss2+0x60], CODE"],
];
const WAYS: readonly [string, string][] = [
  ["jmp", "jmp TSS2:0"],
  ["call through a gate", "call TGATE:0"],
  ["interrupt", "int 0x27"],
  ["iret", "mov word [tss], TSS2\nmov byte [gdt+TSS2+5], 0x8b\npush dword 0x4002\npopfd\niretd"],
];

/** Selectors that are no task, or none that may be entered now. */
const TARGETS: readonly [string, string][] = [
  ["a TSS that is too small", "TSSBAD"],
  ["a TSS that is not present", "NPTSS"],
  ["the running task", "TSS"],
  ["a task of level 3", "UTSS"],
  ["a TSS of level 0 with RPL 3", "TSS2|3"],
  ["a task gate of level 3", "TGATE"],
];
const far = (verb: "jmp" | "call", selector: string): string =>
  `mov dword [scratch], .there\nmov dword [scratch+4], ${selector}\n${verb} far dword [scratch]\n.there: call flags`;
/** A task gate in the IDT (vector 30h) or the GDT's TGATE that leads to `selector`. */
const gateTo = (selector: string): string =>
  `mov eax, ${selector}\nshl eax, 16\nmov [idt+8*0x30], eax\nmov dword [idt+8*0x30+4], 0xe500\nmov [gdt+TGATE], eax\nmov dword [gdt+TGATE+4], 0xe500`;
const GATED: readonly [string, string][] = [
  ["a TSS that is too small", "TSSBAD"],
  ["a TSS that is not present", "NPTSS"],
  ["the running task", "TSS"],
  ["a data segment", "DATA"],
  ["a local selector", "0xc"],
  ["nothing", "0"],
  ["a place outside the table", "0x4000"],
  ["a task of level 0", "TSS2"],
];

export const SWITCHES: readonly Case[] = [
  ...CHANGES.flatMap(([what, change]) =>
    WAYS.map(([way, enter]): Case => ({ name: `${way} to a task with ${what}`, code: brokenTask(change, enter) })),
  ),
  ...TARGETS.flatMap(([what, selector]): Case[] => [
    { name: `jmp to ${what}`, code: far("jmp", selector) },
    { name: `call of ${what}`, code: far("call", selector) },
    { name: `jmp to ${what} from level 3`, code: user(far("jmp", selector).replace("call flags", "nop")) },
    { name: `call of ${what} from level 3`, code: user(far("call", selector).replace("call flags", "nop")) },
  ]),
  ...GATED.flatMap(([what, selector]) =>
    ["jmp TGATE:0", "call TGATE:0", "int 0x30"].map(
      (enter): Case => ({
        name: `task gate to ${what}: ${enter}`,
        code: `${gateTo(selector)}\n${enter}`,
        ...(selector === "0xc" ? { qemuDiffers: "QEMU raises #TS, the SDM #GP" } : {}),
      }),
    ),
  ),
  {
    name: "a task calls itself back and forth",
    code: `mov dword [tss3+0x20], .t\nmov ecx, 3\n.again: call TSS3:0\nloop .again\nmov eax, [tss3+0x24]\nand eax, 0x4000\ncall show\njmp case_done\n.t: iretd\njmp .t`,
  },
  {
    name: "call sets NT and the link, busy stays",
    code: "mov dword [tss2+0x20], .t\ncall TSS2:0\n.t: call flags\nmov ax, [tss2]\nand eax, 0xffff\ncall show\nmov eax, [gdt+TSS+4]\nand eax, 0xff00\ncall show\nmov eax, [gdt+TSS2+4]\nand eax, 0xff00\ncall show\njmp case_done",
  },
  {
    name: "jmp clears NT of the new task and frees the old one",
    code: "mov dword [tss2+0x20], .t\nmov dword [tss2+0x24], 0x4002\njmp TSS2:0\n.t: call flags\nmov eax, [gdt+TSS+4]\nand eax, 0xff00\ncall show\nmov eax, [gdt+TSS2+4]\nand eax, 0xff00\ncall show\njmp case_done",
  },
  {
    name: "TS is set and the next x87 instruction faults",
    code: "mov dword [tss2+0x20], .t\njmp TSS2:0\n.t: fninit",
  },
  {
    name: "general registers and segments of the old task are saved",
    code: `mov eax, 1\nmov ecx, 2\nmov edx, 3\nmov ebx, 4\nmov ebp, 5\nmov esi, 6\nmov edi, 7\nmov dword [tss2+0x20], .t\njmp TSS2:0\n.t: ${[0x28, 0x2c, 0x30, 0x34, 0x3c, 0x40, 0x44, 0x48, 0x4c, 0x50, 0x54, 0x60].map((at) => `mov eax, [tss+${at}]\ncall show`).join("\n")}\njmp case_done`,
  },
];

/** Hardware task switches: all four causes, both TSS sizes, and faults on both sides of the point of no return. */
import { brokenTask, type Case, user } from "../image";

const show3 = "call flags\nmov eax, 0\nstr ax\ncall show\nmov al, [gdt+TSS3+5]\nand eax, 0xff\ncall show";
/** The new task's TSS is changed before the switch. */
const broken: readonly [string, string][] = [
  ["CS null", "mov dword [tss2+0x4c], 0"],
  ["CS data", "mov dword [tss2+0x4c], DATA"],
  ["CS not present", "mov dword [tss2+0x4c], NPCODE"],
  ["CS outside", "mov dword [tss2+0x4c], 0x4000"],
  ["CS RPL 3 of level 0", "mov dword [tss2+0x4c], CODE|3"],
  ["SS null", "mov dword [tss2+0x50], 0"],
  ["SS read-only", "mov dword [tss2+0x50], RODATA"],
  ["SS not present", "mov dword [tss2+0x50], NPDATA"],
  ["SS RPL", "mov dword [tss2+0x50], DATA|3"],
  ["DS execute-only", "mov dword [tss2+0x54], XONLY"],
  ["DS not present", "mov dword [tss2+0x54], NPDATA"],
  ["ES outside", "mov dword [tss2+0x48], 0x4000"],
  ["LDT data", "mov dword [tss2+0x60], DATA"],
  ["LDT local", "mov dword [tss2+0x60], 0xc"],
  ["LDT null", "mov dword [tss2+0x60], 0"],
  ["LDT outside", "mov dword [tss2+0x60], 0x4000"],
];

export const TASKS: readonly Case[] = [
  { name: "jmp to a task", code: "mov eax, 0x12345678\njmp TSS2:0" },
  { name: "call of a task", code: "mov eax, 0x12345678\ncall TSS2:0" },
  { name: "call of a task through a gate", code: "call TGATE:0" },
  { name: "interrupt into a task", code: "int 0x27" },
  { name: "interrupt into a task from level 3", code: user("int 0x27") },
  { name: "call of a task and return", code: `mov ebp, 0x55\ncall TSS3:0\n${show3}\nmov eax, ebp\ncall show\ncall TSS3:0\n${show3}` },
  { name: "jmp to the current task is busy", code: "jmp TSS:0" },
  { name: "task of level 0 called from level 3", code: user("call TSS2:0") },
  { name: "task gate of level 3 from level 3", code: user("call TGATE:0") },
  {
    name: "16-bit task",
    code: "mov eax, 0\njmp TSS16:0",
    qemuDiffers: "the upper halves of the registers become ones (test386.asm, Bochs); QEMU keeps them",
  },
  { name: "iret with NT and no link", code: "push dword 0x4002\npopfd\niretd" },
  { name: "iret with NT to an available task", code: "mov word [tss], TSS2\npush dword 0x4002\npopfd\niretd" },
  { name: "iret with NT to a local selector", code: "mov word [tss], 0xc\npush dword 0x4002\npopfd\niretd" },
  {
    name: "iret with NT to a task that is not present",
    code: "mov word [tss], TSS2\nmov byte [gdt+TSS2+5], 0x0b\npush dword 0x4002\npopfd\niretd",
  },
  {
    name: "exception into a task pushes its error code",
    code: "mov dword [idt+8*12], TSS2<<16\nmov dword [idt+8*12+4], 0x8500\nmov dword [tss2+0x20], .task\nmov ax, NPDATA\nmov ss, ax\n.task: pop eax\ncall show\nmov eax, esp\ncall show\njmp case_done",
  },
  { name: "T flag", code: "mov byte [tss2+0x64], 1\njmp TSS2:0", qemuDiffers: "QEMU does not look at T" },
  {
    name: "virtual-8086 task",
    code: "mov byte [0x8000], 0xf4\nmov dword [tss2+0x24], 0x20202\nmov dword [tss2+0x20], 0\nmov dword [tss2+0x4c], 0x800\nmov dword [tss2+0x50], 0x900\nmov dword [tss2+0x54], 0xa00\nmov dword [tss2+0x48], 0xb00\nmov dword [tss2+4], STACK1\nmov dword [tss2+8], DATA\njmp TSS2:0",
  },
  {
    name: "a fault of the new task has its EIP",
    code: `${brokenTask("mov dword [tss2+0x60], DATA\nmov dword [tss2+0x20], .caught")}`.replace(
      "jmp case_done",
      "mov eax, [tss2+0x20]\ncall show\njmp case_done",
    ),
    qemuDiffers: "QEMU's is that of the jump, at times",
  },
  ...broken.map(([name, change]): Case => ({ name: `task with ${name}`, code: brokenTask(change) })),
];

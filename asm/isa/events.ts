/**
 * Why the core leaves guest code, as data: the reasons `run()` returns to the machine, and the reasons a VM exit
 * (trap to `vmm/`) is counted under. Generated into AssemblyScript and TypeScript, so both sides use one list.
 * The names of exits are SVM's (AMD APM vol. 2, appendix C "SVM Intercept Exit Codes") where it has one.
 */

/** Why `run()` returned. */
export const RUN_END = [
  ["Budget", "the tick limit was reached"],
  ["Halt", "HLT with an interrupt still possible: the machine moves time to the next deadline"],
  ["Halted", "HLT with IF=0: only NMI, INIT or reset could wake it"],
  ["Stop", "a callback or the debugger asked to stop after this instruction"],
  ["Shutdown", "triple fault: an exception while delivering #DF"],
  ["FrameMissing", "a guest frame that is not present was touched; the instruction has had no effect"],
  ["Breakpoint", "a debugger breakpoint or watchpoint matched"],
] as const;

/** What an exit's `qualification` holds, for the log. */
export interface ExitRow {
  readonly name: string;
  readonly gloss: string;
  readonly qualification: string;
  /** Would it exit under classic ring compression / VT-x / SVM with usual settings? "opt" = only if the VMM asks. */
  readonly ringCompression: boolean;
  readonly vtx: "always" | "opt" | "never";
  readonly svm: string;
}
const exit = (name: string, gloss: string, qualification: string, ringCompression: boolean, vtx: ExitRow["vtx"], svm: string): ExitRow => ({
  name,
  gloss,
  qualification,
  ringCompression,
  vtx,
  svm,
});

/** Counted reasons for leaving guest code, at the single exit point (asm/vmm/exits.ts). */
export const EXITS: readonly ExitRow[] = [
  exit("CrRead", "MOV from a control register, SMSW", "register number", true, "opt", "VMEXIT_CR[0-15]_READ"),
  exit("CrWrite", "MOV to a control register, LMSW, CLTS", "register number", true, "opt", "VMEXIT_CR[0-15]_WRITE"),
  exit("DrRead", "MOV from a debug register", "register number", true, "opt", "VMEXIT_DR[0-15]_READ"),
  exit("DrWrite", "MOV to a debug register", "register number", true, "opt", "VMEXIT_DR[0-15]_WRITE"),
  exit("Exception", "an exception was raised and is delivered to the guest", "vector | error code << 8", true, "opt", "VMEXIT_EXCP[0-31]"),
  exit("TruePageFault", "#PF that the guest's own tables demand", "error code", true, "opt", "VMEXIT_EXCP14"),
  exit(
    "HiddenPageFault",
    "shadow miss that the guest's tables allow: filled, not shown to the guest",
    "linear page",
    true,
    "opt",
    "VMEXIT_EXCP14",
  ),
  exit("ShadowWrite", "a guest store hit a page table that is shadowed", "physical address", true, "opt", "VMEXIT_EXCP14"),
  exit("Interrupt", "an external interrupt is delivered", "vector", true, "opt", "VMEXIT_INTR"),
  exit("Nmi", "a non-maskable interrupt is delivered", "2", true, "opt", "VMEXIT_NMI"),
  exit("IoRead", "IN, INS", "port | size << 16", true, "opt", "VMEXIT_IOIO"),
  exit("IoWrite", "OUT, OUTS", "port | size << 16", true, "opt", "VMEXIT_IOIO"),
  exit("MmioRead", "a load from a device's memory", "physical address", true, "opt", "VMEXIT_NPF"),
  exit("MmioWrite", "a store to a device's memory", "physical address", true, "opt", "VMEXIT_NPF"),
  exit("Cpuid", "CPUID", "leaf", false, "always", "VMEXIT_CPUID"),
  exit("Rdtsc", "RDTSC", "0", false, "opt", "VMEXIT_RDTSC"),
  exit("Rdpmc", "RDPMC", "counter", false, "opt", "VMEXIT_RDPMC"),
  exit("Rdmsr", "RDMSR", "MSR", true, "opt", "VMEXIT_MSR"),
  exit("Wrmsr", "WRMSR", "MSR", true, "opt", "VMEXIT_MSR"),
  exit("Hlt", "HLT", "IF", true, "opt", "VMEXIT_HLT"),
  exit("Invlpg", "INVLPG", "linear address", true, "opt", "VMEXIT_INVLPG"),
  exit("Invd", "INVD", "0", true, "always", "VMEXIT_INVD"),
  exit("Wbinvd", "WBINVD", "0", true, "opt", "VMEXIT_WBINVD"),
  exit("DescriptorTableRead", "SGDT, SIDT, SLDT, STR", "0 GDTR, 1 IDTR, 2 LDTR, 3 TR", false, "opt", "VMEXIT_[GILT]DTR_READ"),
  exit("DescriptorTableWrite", "LGDT, LIDT, LLDT, LTR", "0 GDTR, 1 IDTR, 2 LDTR, 3 TR", true, "opt", "VMEXIT_[GILT]DTR_WRITE"),
  exit("Pushf", "PUSHF where IF or IOPL is sensitive", "EFLAGS", false, "never", "VMEXIT_PUSHF"),
  exit("Popf", "POPF", "EFLAGS", false, "never", "VMEXIT_POPF"),
  exit("InterruptFlag", "CLI, STI", "new IF", true, "never", "none"),
  exit("SoftwareInterrupt", "INT n, INT3, INTO", "vector", false, "never", "VMEXIT_SWINT"),
  exit("Iret", "IRET", "0", false, "never", "VMEXIT_IRET"),
  exit("TaskSwitch", "a hardware task switch", "TSS selector", true, "always", "VMEXIT_TASK_SWITCH"),
  exit("Sysenter", "SYSENTER, SYSEXIT, SYSCALL, SYSRET", "0 enter, 1 exit", false, "never", "none"),
  exit("Pause", "PAUSE", "0", false, "opt", "VMEXIT_PAUSE"),
  exit("Shutdown", "triple fault", "0", true, "always", "VMEXIT_SHUTDOWN"),
  exit("FrameMissing", "a guest frame that is not present", "frame", false, "never", "VMEXIT_NPF"),
  exit(
    "Unimplemented",
    "an instruction or register that Vitrine does not have: #UD or #GP to the guest",
    "first bytes",
    false,
    "never",
    "none",
  ),
];

/**
 * Every architectural and hidden field of one vCPU, as data: name, width, whether a snapshot keeps it, and what it
 * is. Generated into `core/cpu-state.generated.ts` (an unmanaged class at a constant address) and
 * `web/lib/cpu-state.generated.ts` (offsets for panels, snapshots and tests), so both sides read one layout.
 * GPRs and RIP are 64-bit slots from the start; legacy modes use their low halves.
 */

export type FieldType = "u8" | "u16" | "u32" | "u64" | "f80" | "v128";

export interface StateField {
  readonly name: string;
  readonly type: FieldType;
  /** True: architectural, saved and hashed. False: derived or transient, rebuilt by `restore()`. */
  readonly saved: boolean;
  readonly gloss: string;
  /** Repeat count; elements are `name[i]`. */
  readonly count?: number;
}

const saved = (type: FieldType, name: string, gloss: string, count = 1): StateField => ({ name, type, saved: true, gloss, count });
const derived = (type: FieldType, name: string, gloss: string, count = 1): StateField => ({ name, type, saved: false, gloss, count });

/** A segment register with its hidden part (SDM 3A "Segment Registers"): 16 bytes. */
function segment(name: string): StateField[] {
  return [
    saved("u64", `${name}_base`, "hidden part: linear base"),
    saved("u32", `${name}_limit`, "hidden part: limit in bytes, granularity applied"),
    saved("u16", `${name}_selector`, "visible part"),
    saved(
      "u16",
      `${name}_attributes`,
      "hidden part: descriptor bits 40-47 (type, S, DPL, P) in 0-7, bits 52-55 (AVL, L, D/B, G) in 8-11; bit 12 = unusable (null)",
    ),
  ];
}

/** GPRs must stay first: the decoder stores a register operand as its byte offset here (AH…BH = slot + 1). */
export const CPU_STATE: readonly StateField[] = [
  ...["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"].map((name) =>
    saved("u64", name, "general-purpose register"),
  ),
  derived("u64", "zero", "always 0: the register slot of an absent base or index"),
  saved("u64", "rip", "instruction pointer; exact only at instruction boundaries outside a running block"),
  derived("u32", "flagResult", "lazy flags: ZF is flagResult == 0, SF its bit 31 (asm/core/eflags.ts)"),
  derived("u32", "flagAux", "lazy flags: carry-out vector; CF bit 31, OF bit 31 ^ bit 30, AF bit 3, PF delta bits 8-15, SF delta bit 0"),
  saved("u32", "eflags", "EFLAGS; the six arithmetic flags are stale unless `materialize()` was called"),
  derived("u32", "stop", "why the running block must end after this instruction (asm/core/stop.ts); 0 = go on"),
  ...["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"].flatMap(segment),
  saved("u64", "gdtr_base", "GDTR"),
  saved("u64", "idtr_base", "IDTR"),
  saved("u32", "gdtr_limit", "GDTR limit in bytes"),
  saved("u32", "idtr_limit", "IDTR limit in bytes"),
  saved("u64", "cr0", "CR0"),
  saved("u64", "cr2", "CR2: page-fault linear address"),
  saved("u64", "cr3", "CR3"),
  saved("u64", "cr4", "CR4"),
  saved("u64", "cr8", "CR8 (TPR), 64-bit mode"),
  saved("u64", "efer", "IA32_EFER"),
  saved("u64", "pdpte", 'PAE PDPTE registers, loaded by MOV CR3 and the CR0/CR4 writes of SDM 3A "PDPTE Registers"', 4),
  saved("u64", "dr", "DR0-DR7 (4, 5 unused)", 8),
  saved("u32", "a20", "1 = A20 passes (physical address bit 20 not masked)"),
  saved("u32", "cpl", "current privilege level"),
  saved("u32", "interruptShadow", "1 = the next instruction runs with interrupts inhibited (STI), 2 = also debug traps (MOV SS, POP SS)"),
  saved("u32", "halted", "1 = in HLT"),
  saved("u32", "intr", "level of the INTR line"),
  saved("u32", "nmiPending", "an NMI edge waits"),
  saved("u32", "nmiBlocked", "between NMI delivery and IRET"),
  // pending trap: a guest fault as a value (asm/core/pending-trap.ts)
  derived("u32", "trapVector", "vector of the pending trap"),
  derived("u32", "trapError", "its error code"),
  derived(
    "u32",
    "trapFlags",
    "bit 0 has an error code, bit 1 software interrupt, bit 2 is a trap (RIP = next instruction), bit 3 frame missing",
  ),
  derived("u32", "missingFrame", "guest frame number whose absence stopped the instruction"),
  saved(
    "u32",
    "redelivery",
    "an event whose delivery waits for a guest frame: 1 | kind << 4 | vector << 8 | has an error code << 16; 0 = none",
  ),
  saved("u32", "redeliveryError", "its error code"),
  saved("u32", "pendingDebug", "DR6 bits of debug traps not yet delivered: BS, BT, B0-B3"),
  // time
  saved("u64", "instructions", "retired instructions; a REP counts 1"),
  saved("u64", "tickOffset", "ticks - instructions: further REP iterations and HLT time"),
  derived("u64", "limit", "run() ends when ticks reach this"),
  saved("u64", "tscBase", "TSC = tscBase + ((ticks - tscTicks) * tscPerTick >> 32)"),
  saved("u64", "tscTicks", "tick at which tscBase held"),
  saved("u64", "tscPerTick", "TSC increments per tick, 32.32 fixed point"),
  saved("u64", "tscAdjust", "added to RDTSC by WRMSR IA32_TIME_STAMP_COUNTER"),
  // MSRs
  saved("u64", "msrSysenterCs", "IA32_SYSENTER_CS"),
  saved("u64", "msrSysenterEsp", "IA32_SYSENTER_ESP"),
  saved("u64", "msrSysenterEip", "IA32_SYSENTER_EIP"),
  saved("u64", "msrStar", "IA32_STAR"),
  saved("u64", "msrLstar", "IA32_LSTAR"),
  saved("u64", "msrCstar", "IA32_CSTAR"),
  saved("u64", "msrSfmask", "IA32_FMASK"),
  saved("u64", "msrKernelGsBase", "IA32_KERNEL_GS_BASE"),
  saved("u64", "msrApicBase", "IA32_APIC_BASE"),
  saved("u64", "msrPat", "IA32_PAT"),
  saved("u64", "msrMiscEnable", "IA32_MISC_ENABLE"),
  saved("u64", "msrTscAux", "IA32_TSC_AUX"),
  saved("u64", "msrMtrrDefType", "IA32_MTRR_DEF_TYPE"),
  saved("u64", "msrMtrrFixed", "fixed-range MTRRs, in MSR order 250 258 259 268-26F", 11),
  saved("u64", "msrMtrrVariable", "IA32_MTRR_PHYSBASE0, PHYSMASK0, … 7", 16),
  saved("u64", "msrSpecCtrl", "IA32_SPEC_CTRL"),
  saved("u32", "cpuModel", "index of the CPUID model (asm/vmm/cpuid.ts)"),
  // x87, MMX, SSE
  saved("u16", "fpuControl", "x87 control word"),
  saved("u16", "fpuStatus", "x87 status word, TOP included"),
  saved("u16", "fpuTag", "x87 tags, 2 bits a physical register: 3 empty, else in use (told apart when FNSTENV stores the word)"),
  saved("u16", "fpuOpcode", "x87 last opcode, 11 bits"),
  saved("u64", "fpuIp", "x87 last instruction offset"),
  saved("u64", "fpuDp", "x87 last operand offset"),
  saved("u16", "fpuCs", "x87 last instruction selector"),
  saved("u16", "fpuDs", "x87 last operand selector"),
  saved("u32", "ferr", "FERR# output, 1 = asserted: CR0.NE = 0 and an x87 instruction waits for the error's handler (IRQ 13 on a PC)"),
  saved("u32", "ignne", "IGNNE# input, 1 = asserted: x87 instructions run in spite of a pending error"),
  saved("u32", "mxcsr", "SSE control and status"),
  saved("u64", "xcr0", "XCR0: state components that XSAVE manages"),
  saved(
    "f80",
    "st",
    "physical x87 registers R0-R7 (not relative to TOP): u64 significand, u16 sign and exponent, 6 bytes 0; MMX Ri = significand of Ri",
    8,
  ),
  saved("v128", "xmm", "XMM registers", 16),
  // block in execution: position independent code needs its base
  derived("u64", "blockRip", "RIP of the running block's first instruction"),
  derived("u32", "current", "address of the Insn in execution"),
  derived("u32", "blockFirst", "address of the running block's first Insn"),
  derived("u32", "modeKey", "what decoded code depends on (asm/core/mode.ts)"),
  derived("u32", "context", "translation context in the low 12 bits of a tag: current privilege (asm/mmu/tlb.ts)"),
  derived("u32", "contextSupervisor", "context of implicit supervisor accesses"),
  derived("u32", "tlb", "address of the translation cache in use: user or supervisor"),
  derived("u32", "tlbSupervisor", "address of the supervisor translation cache"),
  derived("u32", "tlbLong", "address of the translation cache in use by 64-bit code: user or supervisor"),
  derived("u32", "writeHost", "host address remembered by loadForWrite for storeBack"),
  derived("u32", "writeSlow", "non-zero: storeBack must take the slow path (MMIO, page cross, code or table page)"),
  derived("u64", "writeLinear", "linear address of the pending read-modify-write"),
  // translated code (asm/jit)
  derived("u32", "jitLeft", "ticks that translated code may still run when it returns"),
  derived("u32", "jitMark", "value of jitLeft up to which `instructions` counts"),
  derived("u32", "jitLink", "link slot by which translated code left, for the loop to fill (asm/jit/link.ts); 0 = none"),
  derived(
    "u32",
    "jitFlagKind",
    "arithmetic flags as translated code left them: Kind of asm/jit/flag-kinds.ts; 0 = in flagResult and flagAux",
  ),
  derived("u32", "jitFlagX", "first operand or result of that operation"),
  derived("u32", "jitFlagY", "second operand of that operation"),
  derived("u32", "jitCarry", "CF where the operation keeps it (INC, DEC)"),
  derived("u32", "singleStep", "run(): stop after this many instructions; 0 = no limit"),
];

/**
 * Two-byte opcodes (0F xx), integer and system part: SDM Vol 2D Table A-3 with groups 6, 7, 8, 9, 15, 16 of Table A-6
 * where their opcode stands. The MMX and SSE part of the same map is in sse.ts.
 */
import { CONDITION_READS, CONDITIONS, type Row, type RowAttributes, range, rowsOf } from "./row";

const row = rowsOf(2);
const HELPER = { form: "helper" } as const;
const SYSTEM = { form: "helper", cpl0: true } as const;
/** MOV to and from control and debug registers leaves the arithmetic flags undefined. */
const MOV_SYSTEM = { form: "helper", cpl0: true, f64: true, undefined: "oszapc" } as const;
const BIT = { writes: "c", undefined: "ospa" } as const;
const DOUBLE_SHIFT = { form: "staged", writes: "oszpc", undefined: "a" } as const;
const HINT = { form: "staged", binding: "NOP_E", feature: "nopl" } as const;
const FAR_POINTER = { form: "helper", mod: "mem", ends: true } as const;

/** 0FA3/AB/B3/BB: with a memory operand the bit index reaches outside it (SDM 2A "Bit(BitBase, BitOffset)"). */
function bitTest(opcode: number, mnemonic: string, attributes: RowAttributes): Row[] {
  return [
    row(opcode, mnemonic, ["Ev", "Gv"], { ...BIT, form: "staged", binding: `${mnemonic}_RG`, mod: "reg" }),
    row(opcode, mnemonic, ["Ev", "Gv"], { ...BIT, ...attributes, form: "helper", binding: `${mnemonic}_MG`, mod: "mem" }),
  ];
}

const GROUP6: readonly Row[] = [
  row(0x00, "SLDT", ["Ev/Mw"], { ...HELPER, reg: 0, protectedOnly: true, intercept: "DescriptorTableRead" }),
  row(0x00, "STR", ["Ev/Mw"], { ...HELPER, reg: 1, protectedOnly: true, intercept: "DescriptorTableRead" }),
  row(0x00, "LLDT", ["Ew"], { ...SYSTEM, reg: 2, protectedOnly: true, intercept: "DescriptorTableWrite" }),
  row(0x00, "LTR", ["Ew"], { ...SYSTEM, reg: 3, protectedOnly: true, intercept: "DescriptorTableWrite" }),
  row(0x00, "VERR", ["Ew"], { ...HELPER, reg: 4, protectedOnly: true, writes: "z" }),
  row(0x00, "VERW", ["Ew"], { ...HELPER, reg: 5, protectedOnly: true, writes: "z" }),
];

const GROUP7: readonly Row[] = [
  row(0x01, "SGDT", ["Ms"], { ...HELPER, reg: 0, mod: "mem", f64: true, intercept: "DescriptorTableRead" }),
  row(0x01, "SIDT", ["Ms"], { ...HELPER, reg: 1, mod: "mem", f64: true, intercept: "DescriptorTableRead" }),
  row(0x01, "MONITOR", [], { ...SYSTEM, reg: 1, rm: 0, feature: "monitor" }),
  row(0x01, "MWAIT", [], { ...SYSTEM, reg: 1, rm: 1, feature: "monitor" }),
  row(0x01, "CLAC", [], { form: "helper", reg: 1, rm: 2, feature: "smap", ends: true }),
  row(0x01, "STAC", [], { form: "helper", reg: 1, rm: 3, feature: "smap", ends: true }),
  row(0x01, "LGDT", ["Ms"], { ...SYSTEM, reg: 2, mod: "mem", f64: true, intercept: "DescriptorTableWrite" }),
  row(0x01, "XGETBV", [], { ...HELPER, reg: 2, rm: 0, feature: "xsave" }),
  row(0x01, "XSETBV", [], { form: "helper", reg: 2, rm: 1, feature: "xsave" }),
  row(0x01, "LIDT", ["Ms"], { ...SYSTEM, reg: 3, mod: "mem", f64: true, intercept: "DescriptorTableWrite" }),
  row(0x01, "SMSW", ["Ev/Mw"], { ...HELPER, reg: 4, intercept: "CrRead" }),
  row(0x01, "LMSW", ["Ew"], { ...SYSTEM, reg: 6, intercept: "CrWrite", ends: true }),
  row(0x01, "INVLPG", ["Mb"], { ...SYSTEM, reg: 7, mod: "mem", feature: "486", intercept: "Invlpg" }),
  row(0x01, "SWAPGS", [], { ...SYSTEM, reg: 7, rm: 0, o64: true, feature: "lm" }),
  row(0x01, "RDTSCP", [], { ...HELPER, reg: 7, rm: 1, feature: "rdtscp", intercept: "Rdtsc" }),
];

/** 0FAE. The fences ignore rm; assemblers write rm = 0. */
const GROUP15: readonly Row[] = [
  row(0xae, "FXSAVE", ["m512"], { ...HELPER, prefix: "none", reg: 0, mod: "mem", feature: "fxsr", unit: "x87-control" }),
  row(0xae, "FXRSTOR", ["m512"], { ...HELPER, prefix: "none", reg: 1, mod: "mem", feature: "fxsr", unit: "x87-control" }),
  row(0xae, "LDMXCSR", ["Md"], { ...HELPER, prefix: "none", reg: 2, mod: "mem", feature: "sse", unit: "sse" }),
  row(0xae, "STMXCSR", ["Md"], { ...HELPER, prefix: "none", reg: 3, mod: "mem", feature: "sse", unit: "sse" }),
  row(0xae, "XSAVE", ["M"], { ...HELPER, prefix: "none", reg: 4, mod: "mem", feature: "xsave" }),
  row(0xae, "XRSTOR", ["M"], { ...HELPER, prefix: "none", reg: 5, mod: "mem", feature: "xsave" }),
  row(0xae, "LFENCE", [], { ...HELPER, binding: "FENCE", prefix: "none", reg: 5, mod: "reg", feature: "sse2" }),
  row(0xae, "MFENCE", [], { ...HELPER, binding: "FENCE", prefix: "none", reg: 6, mod: "reg", feature: "sse2" }),
  row(0xae, "SFENCE", [], { ...HELPER, binding: "FENCE", prefix: "none", reg: 7, mod: "reg", feature: "sse" }),
  row(0xae, "CLFLUSH", ["Mb"], { ...HELPER, prefix: "none", reg: 7, mod: "mem", feature: "clfsh" }),
  row(0xae, "RDFSBASE", ["Ry"], { ...HELPER, prefix: "F3", reg: 0, mod: "reg", o64: true, feature: "fsgsbase" }),
  row(0xae, "RDGSBASE", ["Ry"], { ...HELPER, prefix: "F3", reg: 1, mod: "reg", o64: true, feature: "fsgsbase" }),
  row(0xae, "WRFSBASE", ["Ry"], { ...HELPER, prefix: "F3", reg: 2, mod: "reg", o64: true, feature: "fsgsbase" }),
  row(0xae, "WRGSBASE", ["Ry"], { ...HELPER, prefix: "F3", reg: 3, mod: "reg", o64: true, feature: "fsgsbase" }),
];

/** 0F18 to 0F1F: prefetches and reserved hints; they touch nothing, whatever the address. */
const HINTS: readonly Row[] = [
  ...["PREFETCHNTA", "PREFETCHT0", "PREFETCHT1", "PREFETCHT2"].map((mnemonic, reg) =>
    row(0x18, mnemonic, ["Mb"], { form: "staged", binding: "NOP_E", feature: "sse", reg, mod: "mem" }),
  ),
  ...[0, 1, 2, 3].map((reg) => row(0x18, "NOP", ["Ev"], { ...HINT, reg, mod: "reg", alias: true })),
  ...[4, 5, 6, 7].map((reg) => row(0x18, "NOP", ["Ev"], { ...HINT, reg, alias: true })),
  ...range(0x19, 6, (op) => row(op, "NOP", ["Ev"], { ...HINT, alias: true })),
  row(0x1f, "NOP", ["Ev"], { ...HINT, reg: 0 }),
  ...[1, 2, 3, 4, 5, 6, 7].map((reg) => row(0x1f, "NOP", ["Ev"], { ...HINT, reg, alias: true })),
];

export const TWO_BYTE: readonly Row[] = [
  ...GROUP6,
  ...GROUP7,
  row(0x02, "LAR", ["Gv", "Ew"], { ...HELPER, protectedOnly: true, writes: "z" }),
  row(0x03, "LSL", ["Gv", "Ew"], { ...HELPER, protectedOnly: true, writes: "z" }),
  row(0x05, "SYSCALL", [], { ...HELPER, feature: "syscall", f64: true, ends: true, intercept: "Sysenter" }),
  row(0x06, "CLTS", [], { ...SYSTEM, ends: true, intercept: "CrWrite" }),
  row(0x07, "SYSRET", [], { ...SYSTEM, feature: "syscall", ends: true, intercept: "Sysenter", writes: "oszapc" }),
  row(0x08, "INVD", [], { ...SYSTEM, feature: "486", intercept: "Invd" }),
  row(0x09, "WBINVD", [], { ...SYSTEM, feature: "486", intercept: "Wbinvd" }),
  row(0x0b, "UD2", [], { ...HELPER, binding: "UD", ends: true }),
  row(0x0d, "PREFETCH", ["Mb"], { form: "staged", binding: "NOP_E", reg: 0, mod: "mem", feature: "prefetchw" }),
  row(0x0d, "PREFETCHW", ["Mb"], { form: "staged", binding: "NOP_E", reg: 1, mod: "mem", feature: "prefetchw" }),
  ...[2, 3, 4, 5, 6, 7].map((reg) =>
    row(0x0d, "PREFETCH", ["Mb"], { form: "staged", binding: "NOP_E", reg, mod: "mem", feature: "prefetchw", alias: true }),
  ),
  ...HINTS,
  row(0x20, "MOV", ["Ry", "Cy"], { ...MOV_SYSTEM, binding: "MOV_RC", intercept: "CrRead" }),
  row(0x21, "MOV", ["Ry", "Dy"], { ...MOV_SYSTEM, binding: "MOV_RD", intercept: "DrRead" }),
  row(0x22, "MOV", ["Cy", "Ry"], { ...MOV_SYSTEM, binding: "MOV_CR", intercept: "CrWrite", ends: true }),
  row(0x23, "MOV", ["Dy", "Ry"], { ...MOV_SYSTEM, binding: "MOV_DR", intercept: "DrWrite", ends: true }),
  row(0x30, "WRMSR", [], { ...SYSTEM, feature: "msr", intercept: "Wrmsr", ends: true }),
  row(0x31, "RDTSC", [], { ...HELPER, feature: "tsc", intercept: "Rdtsc" }),
  row(0x32, "RDMSR", [], { ...SYSTEM, feature: "msr", intercept: "Rdmsr" }),
  row(0x33, "RDPMC", [], { ...HELPER, feature: "586", intercept: "Rdpmc" }),
  row(0x34, "SYSENTER", [], { ...HELPER, feature: "sep", f64: true, ends: true, intercept: "Sysenter" }),
  row(0x35, "SYSEXIT", [], { ...SYSTEM, feature: "sep", ends: true, intercept: "Sysenter" }),
  ...range(0x40, 16, (op, c) =>
    row(op, `CMOV${CONDITIONS[c]}`, ["Gv", "Ev"], { form: "staged", binding: "CMOV", reads: CONDITION_READS[c >> 1], feature: "cmov" }),
  ),
  ...range(0x80, 16, (op, c) =>
    row(op, `J${CONDITIONS[c]}`, ["Jz"], { form: "staged", binding: "JCC", reads: CONDITION_READS[c >> 1], ends: true, f64: true }),
  ),
  ...range(0x90, 16, (op, c) =>
    row(op, `SET${CONDITIONS[c]}`, ["Eb"], { form: "staged", binding: "SETCC", reads: CONDITION_READS[c >> 1] }),
  ),
  row(0xa0, "PUSH", ["FS"], { ...HELPER, binding: "PUSH_S", d64: true }),
  row(0xa1, "POP", ["FS"], { ...HELPER, binding: "POP_S", d64: true, ends: true }),
  row(0xa2, "CPUID", [], { ...HELPER, feature: "486", intercept: "Cpuid" }),
  ...bitTest(0xa3, "BT", {}),
  row(0xa4, "SHLD", ["Ev", "Gv", "Ib"], DOUBLE_SHIFT),
  row(0xa5, "SHLD", ["Ev", "Gv", "CL"], { ...DOUBLE_SHIFT, binding: "SHLD_CL" }),
  row(0xa8, "PUSH", ["GS"], { ...HELPER, binding: "PUSH_S", d64: true }),
  row(0xa9, "POP", ["GS"], { ...HELPER, binding: "POP_S", d64: true, ends: true }),
  row(0xaa, "RSM", [], { ...HELPER, ends: true, writes: "oszapc" }),
  ...bitTest(0xab, "BTS", { lock: true }),
  row(0xac, "SHRD", ["Ev", "Gv", "Ib"], DOUBLE_SHIFT),
  row(0xad, "SHRD", ["Ev", "Gv", "CL"], { ...DOUBLE_SHIFT, binding: "SHRD_CL" }),
  ...GROUP15,
  row(0xaf, "IMUL", ["Gv", "Ev"], { form: "staged", binding: "IMUL2", writes: "oc", undefined: "szap" }),
  row(0xb0, "CMPXCHG", ["Eb", "Gb"], { form: "staged", lock: true, writes: "oszapc", feature: "486" }),
  row(0xb1, "CMPXCHG", ["Ev", "Gv"], { form: "staged", lock: true, writes: "oszapc", feature: "486" }),
  row(0xb2, "LSS", ["Gv", "Mp"], FAR_POINTER),
  ...bitTest(0xb3, "BTR", { lock: true }),
  row(0xb4, "LFS", ["Gv", "Mp"], FAR_POINTER),
  row(0xb5, "LGS", ["Gv", "Mp"], FAR_POINTER),
  row(0xb6, "MOVZX", ["Gv", "Eb"], { form: "staged" }),
  row(0xb7, "MOVZX", ["Gv", "Ew"], { form: "staged" }),
  row(0xb8, "POPCNT", ["Gv", "Ev"], { form: "staged", prefix: "F3", feature: "popcnt", writes: "oszapc" }),
  row(0xb9, "UD1", ["Gv", "Ev"], { ...HELPER, binding: "UD", ends: true }),
  row(0xba, "BT", ["Ev", "Ib"], { ...BIT, form: "staged", binding: "BT_EI", reg: 4 }),
  row(0xba, "BTS", ["Ev", "Ib"], { ...BIT, form: "staged", binding: "BTS_EI", reg: 5, lock: true }),
  row(0xba, "BTR", ["Ev", "Ib"], { ...BIT, form: "staged", binding: "BTR_EI", reg: 6, lock: true }),
  row(0xba, "BTC", ["Ev", "Ib"], { ...BIT, form: "staged", binding: "BTC_EI", reg: 7, lock: true }),
  ...bitTest(0xbb, "BTC", { lock: true }),
  row(0xbc, "BSF", ["Gv", "Ev"], { form: "staged", writes: "z", undefined: "ospac" }),
  row(0xbd, "BSR", ["Gv", "Ev"], { form: "staged", writes: "z", undefined: "ospac" }),
  row(0xbe, "MOVSX", ["Gv", "Eb"], { form: "staged" }),
  row(0xbf, "MOVSX", ["Gv", "Ew"], { form: "staged" }),
  row(0xc0, "XADD", ["Eb", "Gb"], { form: "staged", lock: true, writes: "oszapc", feature: "486" }),
  row(0xc1, "XADD", ["Ev", "Gv"], { form: "staged", lock: true, writes: "oszapc", feature: "486" }),
  row(0xc3, "MOVNTI", ["My", "Gy"], { form: "staged", binding: "MOV_EG", prefix: "none", mod: "mem", feature: "sse2" }),
  row(0xc7, "CMPXCHG8B", ["M"], {
    ...HELPER,
    reg: 1,
    mod: "mem",
    lock: true,
    writes: "z",
    feature: "cx8",
    names: ["CMPXCHG8B", "CMPXCHG8B", "CMPXCHG16B"],
  }),
  row(0xc7, "RDRAND", ["Rv"], { ...HELPER, reg: 6, mod: "reg", feature: "rdrand", writes: "oszapc" }),
  ...range(0xc8, 8, (op) => row(op, "BSWAP", ["Zv"], { form: "staged", feature: "486" })),
  row(0xff, "UD0", ["Gv", "Ev"], { ...HELPER, binding: "UD", ends: true }),
];

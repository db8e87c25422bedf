/**
 * x87 (D8 to DF): SDM Vol 2D Tables. A memory row is chosen by ModRM.reg, a register row by reg, and by rm
 * where rm is not a stack register. Rows marked `alias` are encodings that processors accept and the SDM leaves out
 * of its instruction pages (they answer to the name given in Table A-… footnotes or by AMD's manual).
 *
 * Bindings end in where the second operand comes from: _M32 _M64 memory, _0I ST(0) op= ST(i), _I0 ST(i) op= ST(0).
 */
import { type Operand, type Row, type RowAttributes, rowsOf } from "./row";

const row = rowsOf(1);
const X87 = { form: "helper", unit: "x87", feature: "fpu" } as const;
/** The FN… forms do not wait for a pending #MF. SDM Vol 1 8.3.12 "Waiting vs. Non-waiting Instructions". */
const CONTROL = { form: "helper", unit: "x87-control", feature: "fpu" } as const;
const ARITHMETIC = ["ADD", "MUL", "COM", "COMP", "SUB", "SUBR", "DIV", "DIVR"] as const;

const memory = (opcode: number, reg: number, mnemonic: string, operand: Operand, attributes: RowAttributes = {}): Row =>
  row(opcode, mnemonic, [operand], { ...X87, reg, mod: "mem", ...attributes });
const stack = (opcode: number, reg: number, mnemonic: string, operands: readonly Operand[], attributes: RowAttributes = {}): Row =>
  row(opcode, mnemonic, operands, { ...X87, reg, mod: "reg", ...attributes });
const fixed = (opcode: number, reg: number, rm: number, mnemonic: string, attributes: RowAttributes = {}): Row =>
  row(opcode, mnemonic, [], { ...X87, reg, rm, mod: "reg", ...attributes });

/** The eight arithmetic instructions on one memory type. */
const arithmeticMemory = (opcode: number, letter: "F" | "FI", operand: Operand, suffix: string): Row[] =>
  ARITHMETIC.map((name, reg) => memory(opcode, reg, `${letter}${name}`, operand, { binding: `${letter}${name}_${suffix}` }));

const D8: readonly Row[] = [
  ...arithmeticMemory(0xd8, "F", "m32fp", "M32"),
  ...ARITHMETIC.map((name, reg) =>
    name === "COM" || name === "COMP"
      ? stack(0xd8, reg, `F${name}`, ["STi"], { binding: `F${name}_0I` })
      : stack(0xd8, reg, `F${name}`, ["ST0", "STi"], { binding: `F${name}_0I` }),
  ),
];

const D9: readonly Row[] = [
  memory(0xd9, 0, "FLD", "m32fp", { binding: "FLD_M32" }),
  memory(0xd9, 2, "FST", "m32fp", { binding: "FST_M32" }),
  memory(0xd9, 3, "FSTP", "m32fp", { binding: "FSTP_M32" }),
  memory(0xd9, 4, "FLDENV", "m14/28"),
  memory(0xd9, 5, "FLDCW", "m16"),
  memory(0xd9, 6, "FNSTENV", "m14/28", CONTROL),
  memory(0xd9, 7, "FNSTCW", "m16", CONTROL),
  stack(0xd9, 0, "FLD", ["STi"], { binding: "FLD_I" }),
  stack(0xd9, 1, "FXCH", ["STi"]),
  fixed(0xd9, 2, 0, "FNOP"),
  stack(0xd9, 3, "FSTPNCE", ["STi"], { alias: true }),
  fixed(0xd9, 4, 0, "FCHS"),
  fixed(0xd9, 4, 1, "FABS"),
  fixed(0xd9, 4, 4, "FTST"),
  fixed(0xd9, 4, 5, "FXAM"),
  ...["FLD1", "FLDL2T", "FLDL2E", "FLDPI", "FLDLG2", "FLDLN2", "FLDZ"].map((mnemonic, rm) => fixed(0xd9, 5, rm, mnemonic)),
  ...["F2XM1", "FYL2X", "FPTAN", "FPATAN", "FXTRACT", "FPREM1", "FDECSTP", "FINCSTP"].map((mnemonic, rm) => fixed(0xd9, 6, rm, mnemonic)),
  ...["FPREM", "FYL2XP1", "FSQRT", "FSINCOS", "FRNDINT", "FSCALE", "FSIN", "FCOS"].map((mnemonic, rm) => fixed(0xd9, 7, rm, mnemonic)),
];

const CONDITIONAL = [
  ["B", "c"],
  ["E", "z"],
  ["BE", "cz"],
  ["U", "p"],
] as const;

const DA: readonly Row[] = [
  ...arithmeticMemory(0xda, "FI", "m32int", "M32"),
  ...CONDITIONAL.map(([name, reads], reg) => stack(0xda, reg, `FCMOV${name}`, ["ST0", "STi"], { reads, feature: "fcmov" })),
  fixed(0xda, 5, 1, "FUCOMPP"),
];

/** FCOMI and its family set ZF PF CF and clear OF SF AF. */
const TO_EFLAGS = { feature: "fcmov", writes: "oszapc" } as const;

const DB: readonly Row[] = [
  memory(0xdb, 0, "FILD", "m32int", { binding: "FILD_M32" }),
  memory(0xdb, 1, "FISTTP", "m32int", { binding: "FISTTP_M32", feature: "sse3" }),
  memory(0xdb, 2, "FIST", "m32int", { binding: "FIST_M32" }),
  memory(0xdb, 3, "FISTP", "m32int", { binding: "FISTP_M32" }),
  memory(0xdb, 5, "FLD", "m80fp", { binding: "FLD_M80" }),
  memory(0xdb, 7, "FSTP", "m80fp", { binding: "FSTP_M80" }),
  ...CONDITIONAL.map(([name, reads], reg) => stack(0xdb, reg, `FCMOVN${name}`, ["ST0", "STi"], { reads, feature: "fcmov" })),
  fixed(0xdb, 4, 0, "FNENI", { ...CONTROL, binding: "FNOP_CONTROL", alias: true }),
  fixed(0xdb, 4, 1, "FNDISI", { ...CONTROL, binding: "FNOP_CONTROL", alias: true }),
  fixed(0xdb, 4, 2, "FNCLEX", CONTROL),
  fixed(0xdb, 4, 3, "FNINIT", CONTROL),
  fixed(0xdb, 4, 4, "FNSETPM", { ...CONTROL, binding: "FNOP_CONTROL", alias: true }),
  stack(0xdb, 5, "FUCOMI", ["ST0", "STi"], TO_EFLAGS),
  stack(0xdb, 6, "FCOMI", ["ST0", "STi"], TO_EFLAGS),
];

/** With ST(i) as destination, /4 and /5 (and /6 and /7) change places: D8 E0 is FSUB, DC E0 and DE E0 are FSUBR. */
const REVERSED = ["ADD", "MUL", "COM", "COMP", "SUBR", "SUB", "DIVR", "DIV"] as const;

const DC: readonly Row[] = [
  ...arithmeticMemory(0xdc, "F", "m64fp", "M64"),
  ...REVERSED.map((name, reg) =>
    name === "COM" || name === "COMP"
      ? stack(0xdc, reg, name === "COM" ? "FCOM2" : "FCOMP3", ["STi"], { binding: `F${name}_0I`, alias: true })
      : stack(0xdc, reg, `F${name}`, ["STi", "ST0"], { binding: `F${name}_I0` }),
  ),
];

const DD: readonly Row[] = [
  memory(0xdd, 0, "FLD", "m64fp", { binding: "FLD_M64" }),
  memory(0xdd, 1, "FISTTP", "m64int", { binding: "FISTTP_M64", feature: "sse3" }),
  memory(0xdd, 2, "FST", "m64fp", { binding: "FST_M64" }),
  memory(0xdd, 3, "FSTP", "m64fp", { binding: "FSTP_M64" }),
  memory(0xdd, 4, "FRSTOR", "m94/108"),
  memory(0xdd, 6, "FNSAVE", "m94/108", CONTROL),
  memory(0xdd, 7, "FNSTSW", "m16", { ...CONTROL, binding: "FNSTSW_M" }),
  stack(0xdd, 0, "FFREE", ["STi"]),
  stack(0xdd, 1, "FXCH4", ["STi"], { binding: "FXCH", alias: true }),
  stack(0xdd, 2, "FST", ["STi"], { binding: "FST_I" }),
  stack(0xdd, 3, "FSTP", ["STi"], { binding: "FSTP_I" }),
  stack(0xdd, 4, "FUCOM", ["STi"]),
  stack(0xdd, 5, "FUCOMP", ["STi"]),
];

const DE: readonly Row[] = [
  ...arithmeticMemory(0xde, "FI", "m16int", "M16"),
  ...REVERSED.flatMap((name, reg) => {
    if (name === "COM") return [stack(0xde, reg, "FCOMP5", ["STi"], { binding: "FCOMP_0I", alias: true })];
    if (name === "COMP") return [fixed(0xde, reg, 1, "FCOMPP")];
    return [stack(0xde, reg, `F${name}P`, ["STi", "ST0"])];
  }),
];

const DF: readonly Row[] = [
  memory(0xdf, 0, "FILD", "m16int", { binding: "FILD_M16" }),
  memory(0xdf, 1, "FISTTP", "m16int", { binding: "FISTTP_M16", feature: "sse3" }),
  memory(0xdf, 2, "FIST", "m16int", { binding: "FIST_M16" }),
  memory(0xdf, 3, "FISTP", "m16int", { binding: "FISTP_M16" }),
  memory(0xdf, 4, "FBLD", "m80bcd"),
  memory(0xdf, 5, "FILD", "m64int", { binding: "FILD_M64" }),
  memory(0xdf, 6, "FBSTP", "m80bcd"),
  memory(0xdf, 7, "FISTP", "m64int", { binding: "FISTP_M64" }),
  stack(0xdf, 0, "FFREEP", ["STi"], { alias: true }),
  stack(0xdf, 1, "FXCH7", ["STi"], { binding: "FXCH", alias: true }),
  stack(0xdf, 2, "FSTP8", ["STi"], { binding: "FSTP_I", alias: true }),
  stack(0xdf, 3, "FSTP9", ["STi"], { binding: "FSTP_I", alias: true }),
  row(0xdf, "FNSTSW", ["AX"], { ...CONTROL, binding: "FNSTSW_AX", reg: 4, rm: 0, mod: "reg" }),
  stack(0xdf, 5, "FUCOMIP", ["ST0", "STi"], TO_EFLAGS),
  stack(0xdf, 6, "FCOMIP", ["ST0", "STi"], TO_EFLAGS),
];

export const X87_ROWS: readonly Row[] = [...D8, ...D9, ...DA, ...DB, ...DC, ...DD, ...DE, ...DF];

/**
 * Reading the operand codes of rows (SDM Vol 2 A.2): addressing method and type apart, whether a row has a ModRM byte,
 * how many bytes an operand has. Shared by validator, decoder generator, disassembler and assembler.
 */
import type { Operand, Row } from "./row";

/** Addressing methods by their SDM letter; `fixed` for registers the opcode names, `stack` for ST(i) in ModRM.rm. */
export type OperandMethod =
  | "A"
  | "C"
  | "D"
  | "E"
  | "F"
  | "G"
  | "I"
  | "J"
  | "M"
  | "N"
  | "O"
  | "P"
  | "Q"
  | "R"
  | "S"
  | "U"
  | "V"
  | "W"
  | "X"
  | "Y"
  | "Z"
  | "fixed"
  | "stack";

export interface ParsedOperand {
  readonly method: OperandMethod;
  /** Type of the register form, and of the memory form (they differ for Ev/Mw and the like). */
  readonly register: string;
  readonly memory: string;
}

const FIXED: ReadonlySet<string> = new Set([
  ...["AL", "CL", "DX", "AX", "EAX", "rAX", "eAX", "rCX", "rDX", "AH", "ES", "CS", "SS", "DS", "FS", "GS", "1", "3", "Fv", "ST0", "XMM0"],
]);

export function parseOperand(operand: Operand): ParsedOperand {
  if (operand === "STi") return { method: "stack", register: "", memory: "" };
  if (FIXED.has(operand)) return { method: "fixed", register: operand, memory: "" };
  if (operand[0] === "m") return { method: "M", register: "", memory: operand };
  const slash = operand.indexOf("/");
  if (slash > 0) return { method: "E", register: operand.slice(1, slash), memory: operand.slice(slash + 2) };
  const size = operand.slice(1);
  return { method: operand[0] as OperandMethod, register: size, memory: size };
}

const IN_MODRM: ReadonlySet<string> = new Set(["C", "D", "E", "G", "M", "N", "P", "Q", "R", "S", "U", "V", "W", "stack"]);

/** Does a ModRM byte follow the opcode? */
export function hasModrm(row: Row): boolean {
  return row.reg !== undefined || row.mod !== undefined || row.operands.some((operand) => IN_MODRM.has(parseOperand(operand).method));
}

/** The operand that ModRM.rm (register or memory) names, or -1. */
export function rmOperand(row: Row): number {
  return row.operands.findIndex((operand) => ["E", "M", "N", "Q", "R", "U", "W"].includes(parseOperand(operand).method));
}

/** ModRM.mod is ignored: the operand is a register whatever it says (MOV to and from control and debug registers). */
export function ignoresMod(row: Row): boolean {
  return row.mod === undefined && row.operands.some((operand) => ["C", "D"].includes(parseOperand(operand).method));
}

/** Bytes of a value of operand type `size` under an operand size of 2, 4 or 8; 0 where the type has no single size. */
export function operandBytes(size: string, operandSize: 2 | 4 | 8): number {
  switch (size) {
    case "b":
    case "sb":
      return 1;
    case "w":
    case "m16":
    case "m16int":
      return 2;
    case "d":
    case "ss":
    case "m32fp":
    case "m32int":
      return 4;
    case "q":
    case "sd":
    case "pi":
    case "m64fp":
    case "m64int":
      return 8;
    case "m80fp":
    case "m80bcd":
      return 10;
    case "dq":
    case "ps":
    case "pd":
    case "x":
      return 16;
    case "v":
      return operandSize;
    case "z":
      return operandSize === 2 ? 2 : 4;
    case "y":
      return operandSize === 8 ? 8 : 4;
    default:
      return 0;
  }
}

/** Bytes that an immediate, relative displacement or far pointer operand takes in the code; 0 for other methods. */
export function immediateBytes(operand: Operand, operandSize: 2 | 4 | 8, addressSize: 2 | 4 | 8): number {
  const { method, register } = parseOperand(operand);
  if (method === "I" || method === "J") return operandBytes(register, operandSize);
  if (method === "A") return operandSize === 2 ? 4 : 6;
  if (method === "O") return addressSize;
  return 0;
}

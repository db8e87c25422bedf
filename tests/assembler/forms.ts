/** Source lines for every row and legal operand form, made from the rows: what the round-trip tests assemble. */
import { type Operand, ROWS, type Row } from "../../asm/isa/index";
import { operandBytes, parseOperand } from "../../asm/isa/operand";
import { isStringRow, mnemonicOf } from "../../web/disasm/mnemonics";
import { generalRegister, SEGMENTS } from "../../web/disasm/registers";

export interface Form {
  readonly row: Row;
  readonly text: string;
}

type Bits = 16 | 32 | 64;
type Size = 2 | 4 | 8;

export const ADDRESSES: Readonly<Record<Bits, readonly string[]>> = {
  16: [
    "bx+si",
    "bx+di+0x12",
    "bp+si-0x34",
    "bp+di+0x1234",
    "si",
    "di-1",
    "bp",
    "bx+0x7f",
    "0x1234",
    "es:bx",
    "bp+0x80",
    "fs:di",
    "eax",
    "ebp+esi*4+0x10",
  ],
  32: [
    "eax",
    "ebp",
    "esp",
    "ebx+0x12",
    "esi-0x34",
    "edi+0x12345678",
    "0x12345678",
    "ecx+edx*4",
    "esp+ebp*8-1",
    "ebx*8+0x1000",
    "fs:eax",
    "es:esi+edi*2+0x7f",
    "ebp+0x80",
    "eax+eax*8",
    "bx+si",
    "bp+0x10",
  ],
  64: [
    "rax",
    "rbp",
    "rsp",
    "r12",
    "r13",
    "rbx+0x12",
    "r8-0x34",
    "rdi+0x12345678",
    "rcx+r9*4",
    "rsp+r12*8-1",
    "r15*8+0x1000",
    "fs:rax",
    "gs:r13+rdi*2+0x7f",
    "rel $+0x1234",
    "gs:0x28",
    "eax+r10d*2",
    "r11d",
    "0x1234",
  ],
};
const WORDS: Readonly<Record<number, string>> = { 1: "byte", 2: "word", 4: "dword", 8: "qword", 10: "tword", 16: "oword" };

/** A counter that walks through registers, addresses and values, so that the forms differ from row to row. */
class Rotation {
  #n = 0;
  take<T>(list: readonly T[]): T {
    this.#n = (this.#n + 1) % 9973;
    return list[this.#n % list.length]!;
  }
}

/** All forms for a code size. Rows marked `alias` cannot be written in assembly. */
export function formsOf(bits: Bits): Form[] {
  const rotation = new Rotation();
  return ROWS.filter((row) => !row.alias && !(bits === 64 ? row.i64 : row.o64)).flatMap((row) => rowForms(row, bits, rotation));
}

/** Operand sizes that the row can have, the one without prefixes first. */
function sizesOf(row: Row, bits: Bits): Size[] {
  if (bits !== 64) return dependsOnSize(row) ? (bits === 16 ? [2, 4] : [4, 2]) : [bits === 16 ? 2 : 4];
  if (row.f64) return [8];
  if (row.d64) return dependsOnSize(row) ? [8, 2] : [8];
  if (dependsOnSize(row)) return [4, 2, 8];
  return row.operands.some((code) => /^[A-Z]y/.test(code)) ? [4, 8] : [4];
}

function rowForms(row: Row, bits: Bits, rotation: Rotation): Form[] {
  const sizes = sizesOf(row, bits);
  const natural = sizes[0]!;
  const forms: Form[] = [];
  for (const size of sizes) {
    for (const memory of [false, true]) {
      const lists = operandTexts(row, size, bits, memory, rotation);
      if (lists === undefined) continue;
      const mnemonic = mnemonicOf(row, size, row.namesByAddress ? (bits === 64 && size === 2 ? 4 : size) : natural, natural);
      for (const texts of lists) {
        forms.push({ row, text: `${mnemonic} ${texts.join(",")}`.trim() });
        if (row.lock && memory) forms.push({ row, text: `lock ${mnemonic} ${texts.join(",")}` });
      }
      if (row.rep) forms.push({ row, text: `rep ${mnemonic}` });
      if (row.rep === "repz") forms.push({ row, text: `repne ${mnemonic}` });
    }
  }
  return forms;
}

function dependsOnSize(row: Row): boolean {
  if (row.names) return true;
  if (row.prefix === "66" || row.prefix === "none") return false;
  return row.operands.some(
    (code) => /^[A-Z][vza]$|^[er]AX$|^Ev\/Mw$|^Mp$|^Ap$/.test(code) || (code === "Isb" && row.operands.length === 1),
  );
}

/** Operand texts with a register (or memory) in ModRM.rm; undefined where the row has no such form. */
function operandTexts(row: Row, size: Size, bits: Bits, memory: boolean, rotation: Rotation): string[][] | undefined {
  const codes = isStringRow(row) ? [] : row.operands.filter((code) => code !== "Fv");
  const methods = codes.map((code) => parseOperand(code).method);
  const takesBoth = methods.some((method) => ["E", "Q", "W"].includes(method)) && row.mod === undefined;
  const isMemory = methods.some((method) => ["M", "O"].includes(method)) || row.mod === "mem";
  if (takesBoth ? false : isMemory !== memory) return undefined;
  const addresses = memory ? [rotation.take(ADDRESSES[bits]), rotation.take(ADDRESSES[bits])] : [""];
  return addresses.map((address) => codes.map((code) => operandText(row, code, size, bits, memory ? address : undefined, rotation)));
}

function operandText(row: Row, code: Operand, size: Size, bits: Bits, address: string | undefined, rotation: Rotation): string {
  const { method, register, memory } = parseOperand(code);
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
  const long = bits === 64;
  const extended = long ? [...numbers, 8, 9, 10, 11, 12, 13, 14, 15] : numbers;
  const general = (): string => generalRegister(rotation.take(extended), operandBytes(register, size), long);
  const sized = (bytes: number): string => (bytes === 0 || address === undefined ? `[${address}]` : `${WORDS[bytes]} [${address}]`);
  switch (method) {
    case "G":
    case "R":
      return general();
    case "Z":
      return generalRegister((row.opcode & 7) + (long ? rotation.take([0, 8]) : 0), operandBytes(register, size), long);
    case "E":
      return address === undefined ? general() : sized(operandBytes(memory, size));
    case "M":
      if (memory === "p" && row.operands.length === 1) return `${WORDS[size]} far [${address}]`;
      return memory.startsWith("m") || memory === "v" ? sized(operandBytes(memory, size)) : `[${address}]`;
    case "O":
      return long ? "[qword 0x123456789abcdef0]" : "[0x1234]";
    case "C":
      return `cr${rotation.take([0, 2, 3, 4])}`;
    case "D":
      return `dr${rotation.take([0, 1, 2, 3, 6, 7])}`;
    case "S":
      return SEGMENTS[rotation.take([0, 2, 3, 4, 5])]!;
    case "P":
    case "N":
      return `mm${rotation.take(numbers)}`;
    case "V":
    case "U":
      return `xmm${rotation.take(extended)}`;
    case "Q":
      return address === undefined ? `mm${rotation.take(numbers)}` : `[${address}]`;
    case "W":
      return address === undefined ? `xmm${rotation.take(extended)}` : `[${address}]`;
    case "stack":
      return `st${rotation.take(numbers)}`;
    case "I":
      return immediateText(row, register, size, rotation);
    case "J":
      return register === "sb"
        ? rotation.take(["$+5", "$-100", "$+120"])
        : `${row.map === 2 || row.mnemonic === "JMP" ? "near " : ""}${rotation.take(["$+0x1234", "$-0x1000"])}`;
    case "A":
      return `${WORDS[size]} 0x1234:0x${size === 2 ? "5678" : "56789abc"}`;
    default:
      return fixedText(register, size);
  }
}

function immediateText(row: Row, type: string, size: Size, rotation: Rotation): string {
  const word = row.operands.length === 1 && (type === "z" || type === "sb") ? `${WORDS[size]} ` : "";
  if (type === "sb") return word + rotation.take(["5", "-5", "0x7f", "-0x80"]);
  if (type === "b") return rotation.take(["0x12", "0xff", "3"]);
  if (type === "w" || size === 2) return word + rotation.take(["0x1234", "0xfedc"]);
  if (size === 8 && type === "v") return rotation.take(["0x123456789abcdef0", "-0x123456789abcdef"]);
  return word + rotation.take(size === 8 ? ["0x12345678", "-0x1234567"] : ["0x12345678", "0xfedcba98"]);
}

function fixedText(name: string, size: Size): string {
  if (name[0] === "r" || name[0] === "e")
    return generalRegister(["AX", "CX", "DX"].indexOf(name.slice(1)), name[0] === "e" && size === 8 ? 4 : size);
  return name.toLowerCase();
}

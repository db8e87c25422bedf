/**
 * One instruction → its encodings. All rows of the mnemonic are tried with all operand sizes; of those that fit, the
 * default operand size wins, then the shortest encoding, then the row that stands first.
 */
import type { Operand, Row } from "../../asm/isa/index";
import { hasModrm } from "../../asm/isa/operand";
import { isStringRow } from "../disasm/mnemonics";
import { type EncodedAddress, fits } from "./address";
import { type Context, matchOperands, type Parts } from "./match-operands";
import { type Meaning, MNEMONICS } from "./mnemonics";
import type { SourceOperand } from "./operand";
import { SourceError } from "./source-error";
import { type Body, PREFIXES } from "./statement";

type Instruction = Extract<Body, { kind: "instruction" }>;
type Size = 2 | 4 | 8;

interface Candidate {
  readonly bytes: readonly number[];
  /** Rank of the operand size: 0 is the default. */
  readonly rank: number;
  readonly memoryBytes: number;
  readonly memorySized: boolean;
  /** The immediate is a sign-extended byte: of two encodings equally long, this one is customary. */
  readonly signedByte: boolean;
}

/** What the prefixes written before the mnemonic ask for. */
interface Written {
  readonly bytes: number[];
  readonly operandSize: Size | undefined;
  readonly addressSize: Size | undefined;
}

/** Encodes; among equally good encodings takes the shortest that has at least `minimum` bytes (sizes only grow from pass to pass). */
export function encodeInstruction(instruction: Instruction, context: Context, minimum: number): readonly number[] {
  const written = readPrefixes(instruction.prefixes);
  if (instruction.mnemonic === "") return [...sizePrefixes(written, context), ...written.bytes];
  const failures: string[] = [];
  const candidates: Candidate[] = [];
  for (const { operands, addressSize } of readings(instruction.mnemonic, instruction.operands)) {
    for (const meaning of MNEMONICS.get(instruction.mnemonic)!) {
      const asked: Written = { ...written, addressSize: addressSize ?? meaning.addressSize ?? written.addressSize };
      candidates.push(...encodeMeaning(meaning, operands, asked, context, failures));
    }
  }
  if (candidates.length === 0) throw new SourceError(explain(instruction, failures));
  const isBranch = instruction.mnemonic === "jmp" || instruction.mnemonic === "call";
  const sizes = new Set(candidates.map((candidate) => (candidate.memorySized ? 0 : candidate.memoryBytes)));
  if (sizes.size > 1 && !isBranch)
    throw new SourceError("the size of the memory operand is open: write byte, word, dword, qword or tword before the bracket");
  const best = Math.min(...candidates.map((candidate) => candidate.rank));
  const group = candidates
    .filter((candidate) => candidate.rank === best)
    .sort((a, b) => Number(b.signedByte) - Number(a.signedByte))
    .map((candidate) => candidate.bytes);
  const longEnough = group.filter((bytes) => bytes.length >= minimum);
  if (longEnough.length === 0) return group.reduce((long, bytes) => (bytes.length > long.length ? bytes : long));
  return longEnough.reduce((short, bytes) => (bytes.length < short.length ? bytes : short));
}

function readPrefixes(prefixes: readonly string[]): Written {
  const bytes: number[] = [];
  let operandSize: Size | undefined;
  let addressSize: Size | undefined;
  for (const prefix of prefixes) {
    const value = PREFIXES[prefix]!;
    if (prefix[0] === "o") operandSize = value as Size;
    else if (prefix[0] === "a") addressSize = value as Size;
    else bytes.push(value);
  }
  return { bytes, operandSize, addressSize };
}

/** Prefix bytes 66 and 67 where the sizes asked for are not the default. */
function sizePrefixes(written: Written, context: Context): number[] {
  const bytes: number[] = [];
  if (written.operandSize !== undefined && written.operandSize !== 8 && written.operandSize !== (context.bits === 16 ? 2 : 4))
    bytes.push(0x66);
  if (written.addressSize !== undefined && written.addressSize !== context.bits / 8) bytes.push(0x67);
  return bytes;
}

/** The operand lists a source line can stand for: as written, and by the usual abbreviations. */
function readings(mnemonic: string, operands: readonly SourceOperand[]): { operands: readonly SourceOperand[]; addressSize?: Size }[] {
  const lists: { operands: readonly SourceOperand[]; addressSize?: Size }[] = [{ operands }];
  const [first, second] = operands;
  if (mnemonic === "test" && second) lists.push({ operands: [second, first!] });
  // Of two registers the first is customarily the one in ModRM.reg.
  if (mnemonic === "xchg" && second) lists.unshift({ operands: [second, first!] });
  if (mnemonic === "imul" && operands.length === 2 && second!.kind === "immediate") lists.push({ operands: [first!, first!, second!] });
  if (/^loop/.test(mnemonic) && second?.kind === "register" && second.register.number === 1 && second.register.bytes > 1) {
    return [{ operands: [first!], addressSize: second.register.bytes as Size }];
  }
  return lists;
}

/** Operand codes that are written in source; x87 and BLENDV have shorter forms. */
function spelled(row: Row, count: number, operands: readonly SourceOperand[]): readonly Operand[] | undefined {
  const codes = isStringRow(row) ? [] : row.operands.filter((code) => code !== "Fv");
  if (codes.length === count) return codes;
  if (codes.at(-1) === "XMM0" && count === codes.length - 1) return codes.slice(0, -1);
  if (!codes.includes("STi")) return undefined;
  const only = operands[0];
  const to = only?.kind === "register" && only.to;
  if (count === 1 && codes.length === 2 && (codes[0] === "ST0" ? !to : to || row.mnemonic.endsWith("P"))) return ["STi"];
  return undefined;
}

/** `faddp`, `fxch`, `fcom`: without operands they mean ST1. */
const IMPLIES_ST1 = /^(FXCH|FU?COMI?P?|F(ADD|MUL|SUB|SUBR|DIV|DIVR)P)$/;

function encodeMeaning(
  meaning: Meaning,
  operands: readonly SourceOperand[],
  written: Written,
  context: Context,
  failures: string[],
): Candidate[] {
  const { row } = meaning;
  if (context.bits === 64 ? row.i64 : row.o64) {
    failures.push(`${row.mnemonic.toLowerCase()} does not exist ${context.bits === 64 ? "in" : "outside"} 64-bit code`);
    return [];
  }
  let list = operands;
  if (meaning.implied !== undefined)
    list = [
      ...operands,
      {
        kind: "immediate",
        size: 0,
        strict: false,
        distance: undefined,
        far: false,
        expression: { kind: "number", value: meaning.implied },
      },
    ];
  const st1 = operands.length === 0 && row.operands.includes("STi") && IMPLIES_ST1.test(row.mnemonic);
  const codes = st1 ? [] : spelled(row, list.length, list);
  if (codes === undefined) return [];
  const candidates: Candidate[] = [];
  for (const [rank, operandSize] of sizesOf(meaning, written, list, context).entries()) {
    const parts = matchOperands(row, codes, list, operandSize, context);
    if ("mismatch" in parts) {
      if (parts.mismatch !== "") failures.push(parts.mismatch);
      continue;
    }
    if (st1) parts.rm = 1;
    for (const address of parts.addresses.length > 0 ? parts.addresses : [undefined]) {
      const bytes = assembleBytes(meaning, parts, address, operandSize, written, context, failures);
      if (bytes)
        candidates.push({
          bytes,
          rank,
          memoryBytes: parts.memoryBytes,
          memorySized: parts.memorySized,
          signedByte: row.operands.includes("Isb"),
        });
    }
  }
  return candidates;
}

/** Operand sizes to try, the default first. */
function sizesOf(meaning: Meaning, written: Written, operands: readonly SourceOperand[], context: Context): readonly Size[] {
  const { row } = meaning;
  const wide = context.bits === 64 && (row.d64 || row.f64);
  const natural: Size = context.bits === 16 ? 2 : wide ? 8 : 4;
  if (meaning.operandSize !== undefined) return [meaning.operandSize];
  if (written.operandSize !== undefined) return [written.operandSize];
  if (row.prefix === "66" || row.prefix === "none")
    return context.bits === 64 && row.operands.some((code) => code.includes("y")) ? [4, 8] : [natural];
  const [only] = operands;
  const sizeWord = only && only.kind !== "register" ? only.size : 0;
  // Branches and far pointers have the default size unless a size word says otherwise.
  if (row.operands.some((code) => code === "Jz" || code === "Ap" || (code === "Mp" && row.operands.length === 1)))
    return sizeWord === 2 || sizeWord === 4 || sizeWord === 8 ? [sizeWord] : [natural];
  if (row.operands.some((code) => code === "Isb" || /^[A-Z][vza]$|^[er]AX$|^Ev\/Mw$|^Mp$/.test(code)))
    return (wide ? [8, 2] : context.bits === 64 ? [4, 2, 8] : [natural, natural === 2 ? 4 : 2]) as Size[];
  if (context.bits === 64 && row.operands.some((code) => /^[A-Z]y/.test(code)) && !wide) return [4, 8];
  return [natural];
}

const ESCAPE: Readonly<Record<number, readonly number[]>> = { 1: [], 2: [0x0f], 3: [0x0f, 0x38], 4: [0x0f, 0x3a] };
const MANDATORY = { none: [], "66": [0x66], F3: [0xf3], F2: [0xf2] } as const;

function assembleBytes(
  meaning: Meaning,
  parts: Parts,
  address: EncodedAddress | undefined,
  operandSize: Size,
  written: Written,
  context: Context,
  failures: string[],
): number[] | undefined {
  const { row } = meaning;
  const addressSize = address?.addressSize ?? (parts.offsetSize || (written.addressSize ?? context.bits / 8));
  if (context.bits !== 64 && (operandSize === 8 || addressSize === 8)) {
    failures.push("64-bit sizes need bits 64");
    return undefined;
  }
  const bytes: number[] = [];
  if (meaning.before !== undefined) bytes.push(meaning.before);
  bytes.push(...written.bytes);
  if (parts.segment) bytes.push(PREFIXES[parts.segment.name]!);
  if ((operandSize === 2) !== (context.bits === 16) && row.prefix !== "66") bytes.push(0x66);
  if (addressSize !== context.bits / 8) bytes.push(0x67);
  bytes.push(...MANDATORY[row.prefix ?? "none"]);
  const wide = operandSize === 8 && !row.d64 && !row.f64 ? 8 : 0;
  const rex = parts.rex | (address?.rex ?? 0) | wide;
  if (rex !== 0 || parts.rexNeeded) {
    if (context.bits !== 64 || parts.rexForbidden) {
      failures.push(
        context.bits === 64
          ? "ah, bh, ch and dh cannot stand beside a register that needs a REX prefix"
          : "this register exists in 64-bit code only",
      );
      return undefined;
    }
    bytes.push(0x40 | rex);
  }
  bytes.push(...ESCAPE[row.map]!, row.opcode);
  if (hasModrm(row)) bytes.push(...modrmBytes(parts, address));
  const displacementEnd = bytes.length;
  for (const immediate of parts.immediates) pushNumber(bytes, immediate.value, immediate.bytes);
  if (parts.branch) {
    const distance = branchDistance(parts.branch, bytes.length, operandSize, context);
    if (typeof distance === "string") {
      failures.push(distance);
      return undefined;
    }
    pushNumber(bytes, distance, parts.branch.bytes);
  }
  if (address?.target !== undefined) {
    const distance = BigInt.asIntN(64, address.target - (context.here + BigInt(bytes.length)));
    if (!fits(distance, 4) || distance >= 1n << 31n) {
      failures.push(`the address is ${distance} bytes away: rel reaches 2 GB`);
      return undefined;
    }
    const field: number[] = [];
    pushNumber(field, distance, 4);
    bytes.splice(displacementEnd - 4, 4, ...field);
  }
  return bytes;
}

function modrmBytes(parts: Parts, address: EncodedAddress | undefined): number[] {
  if (!address) return [0xc0 | (parts.reg << 3) | parts.rm];
  const bytes = [(address.mod << 6) | (parts.reg << 3) | address.rm];
  if (address.sib >= 0) bytes.push(address.sib);
  pushNumber(bytes, address.displacement.value, address.displacement.bytes);
  return bytes;
}

function pushNumber(bytes: number[], value: bigint, count: number): void {
  for (let i = 0; i < count; i++) bytes.push(Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Displacement from the end of the instruction; a sentence if it is out of reach. */
function branchDistance(branch: NonNullable<Parts["branch"]>, before: number, operandSize: Size, context: Context): bigint | string {
  if (!branch.known) return 0n;
  const distance = BigInt.asIntN(operandSize * 8, branch.target - (context.here + BigInt(before + branch.bytes)));
  if (branch.bytes === 1 && (distance < -128n || distance > 127n))
    return `the target is ${distance} bytes away: a short jump reaches -128 to 127`;
  return distance;
}

function explain(instruction: Instruction, failures: readonly string[]): string {
  const { mnemonic, operands } = instruction;
  if (failures.length > 0) return failures[0]!;
  const counts = new Set(
    MNEMONICS.get(mnemonic)!.map(({ row }) => (isStringRow(row) ? 0 : row.operands.filter((code) => code !== "Fv").length)),
  );
  if (!counts.has(operands.length)) {
    const list = [...counts].sort();
    return `${mnemonic} takes ${list.join(" or ")} operand${list.length === 1 && list[0] === 1 ? "" : "s"}, not ${operands.length}`;
  }
  const registers = operands.flatMap((operand) =>
    operand.kind === "register" && operand.register.kind === "general" ? [operand.register] : [],
  );
  const [first, second] = registers;
  if (first && second && first.bytes !== second.bytes)
    return `${first.name} has ${first.bytes * 8} bits and ${second.name} has ${second.bytes * 8}: ${mnemonic} has no such form`;
  if (operands.filter((operand) => operand.kind === "memory").length > 1) return `${mnemonic} cannot have two memory operands`;
  return `${mnemonic} has no form with these operands`;
}

/** Random cases from a seed: rows with legal operands, registers that mostly point at the data, pages with random rights. */
import type { Row } from "../../asm/isa/index";
import { hasModrm, ignoresMod, immediateBytes, parseOperand, rmOperand } from "../../asm/isa/operand";
import { type FuzzCase, type FuzzInstruction, hexBytes, NO_EXECUTE, Place, type Regime, SELECTORS, VM } from "./case";
import { readsAny, undefinedAfter } from "./flags";
import { isOpen, isRelative, ROWS_FOR } from "./rows";

type Random = () => number;
const pick = <T>(next: Random, list: readonly T[]): T => list[next() % list.length]!;
const chance = (next: Random, percent: number): boolean => next() % 100 < percent;

const ESP = 4;
const SPECIAL = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
/** Of virtual-8086 mode, mostly 3. In protected mode it is 0: ports would be those of two different machines. */
const IOPL = [0x3000, 0x3000, 0x3000, 0];
/** Where the runtime lies: no pointer of a case is made to go there. */
const inRuntime = (value: number): boolean => value >>> 24 >= 0xbf && value >>> 24 <= 0xc1;

export function randomRegime(next: Random): Regime {
  const pae = chance(next, 50);
  return {
    pae,
    nxe: pae && chance(next, 60),
    wp: chance(next, 60),
    smep: chance(next, 40),
    smap: chance(next, 30),
    umip: chance(next, 30),
  };
}

function registerValue(next: Random): number {
  const kind = next() % 20;
  if (kind < 9) return Place.data + (next() % Place.dataBytes);
  if (kind < 11) return Place.data + (next() % 3) * 0x1000 - (next() % 9);
  if (kind < 15) return next() % 64;
  if (kind < 18) return pick(next, SPECIAL);
  const value = next();
  return inRuntime(value) ? value & 0xffff : value;
}

/** `rows`: what its instructions are drawn from, instead of all. */
export function randomCase(next: Random, regime: Regime, rows?: readonly Row[]): FuzzCase {
  const virtual = chance(next, 20);
  const cpl = virtual || chance(next, 60) ? 3 : 0;
  const bits = !virtual && chance(next, 65) ? 32 : 16;
  const registers = Array.from({ length: 8 }, () => registerValue(next));
  registers[ESP] =
    cpl === 0
      ? Place.stack + 0x1000 + (next() % 256) * 4
      : chance(next, 70)
        ? Place.data + 0x800 + (next() % 0x1800)
        : Place.stack + 0x1000 + (next() % 16) * 2;
  const data = virtual ? 0 : cpl === 3 ? SELECTORS.userData : SELECTORS.kernelData;
  const based = virtual ? 0x1f : cpl === 3 ? SELECTORS.userBased : SELECTORS.kernelBased;
  const instructions: FuzzInstruction[] = [];
  let undefinedFlags = 0;
  const length = rows ? 1 : 1 + (next() % 6);
  while (instructions.length < length) {
    const made = randomInstruction(next, rows ?? ROWS_FOR[cpl], cpl, bits, undefinedFlags);
    if (!made) continue;
    instructions.push(made.instruction);
    undefinedFlags = made.instruction.undefinedFlags;
    if (made.ends) break;
  }
  return {
    instructions,
    registers,
    eflags:
      0x202 | (next() & 0x8d5) | (chance(next, 25) ? 0x400 : 0) | (chance(next, 5) ? 0x100 : 0) | (virtual ? VM | IOPL[next() % 4]! : 0),
    cpl,
    bits,
    segments: [data, data, chance(next, 50) ? based : data, chance(next, 50) ? based : data],
    offset: chance(next, 85) ? 0x800 : 0xffe - (next() % 12),
    pages: randomPages(next, cpl, regime),
  };
}

const P = 1;
const W = 2;
const U = 4;
function randomPages(next: Random, cpl: 0 | 3, regime: Regime): number[] {
  const pages = new Array<number>(16).fill(0);
  const own = cpl === 3 ? U : 0;
  const accessed = (): number => (chance(next, 50) ? 0x60 : 0);
  // Without NXE the bit is reserved, and its fault the only thing that such a case would show.
  const noExecute = (percent: number): number => (regime.pae && chance(next, regime.nxe ? percent : 2) ? NO_EXECUTE : 0);
  const open = !regime.smap && !regime.smep;
  for (let n = Place.data >> 12; n < (Place.data + Place.dataBytes) >> 12; n++) {
    if (!chance(next, 88)) continue;
    const user = chance(next, cpl === 3 ? 92 : open ? 50 : 10) ? U : 0;
    pages[n] = P | (chance(next, 80) ? W : 0) | user | accessed() | noExecute(30);
  }
  pages[6] = P | W | own | accessed();
  pages[7] = P | W | own | accessed();
  pages[13] = P | own | (chance(next, 50) ? W : 0) | accessed();
  if (chance(next, 70)) pages[14] = P | own | accessed() | noExecute(30);
  return pages;
}

interface Made {
  readonly instruction: FuzzInstruction;
  /** Nothing after it is reached, or what is undefined may not be gone on with. */
  readonly ends: boolean;
}

function randomInstruction(next: Random, rows: readonly Row[], cpl: 0 | 3, bits: 16 | 32, undefinedFlags: number): Made | undefined {
  const row = pick(next, rows);
  if (readsAny(row, undefinedFlags)) return undefined;
  const code: number[] = [];
  const natural = bits === 16 ? 2 : 4;
  let operandSize: 2 | 4 = natural;
  let addressSize: 2 | 4 = natural;
  const mayResize = row.prefix !== "66" && row.prefix !== "none" && row.prefix !== "F2" && row.prefix !== "F3" && !isRelative(row);
  if (mayResize && chance(next, 25)) {
    code.push(0x66);
    operandSize = natural === 2 ? 4 : 2;
  }
  if (!isRelative(row) && chance(next, 15)) {
    code.push(0x67);
    addressSize = natural === 2 ? 4 : 2;
  }
  if (isOpen(row, operandSize, bits)) return undefined;
  // No CS: QEMU checks no rights of segments.
  if (chance(next, 12)) code.push(pick(next, [0x26, 0x36, 0x3e, 0x64, 0x65]));
  if (row.rep && chance(next, 50)) code.push(row.rep === "repz" ? pick(next, [0xf2, 0xf3]) : 0xf3);
  const isMemory = row.mod === "mem" || (row.mod === undefined && hasModrm(row) && !ignoresMod(row) && chance(next, 65));
  // Only where it is legal: QEMU does not refuse it elsewhere, and dies of some.
  if (row.lock && isMemory && chance(next, 15)) code.push(0xf0);
  if (row.prefix === "66") code.push(0x66);
  if (row.prefix === "F3") code.push(0xf3);
  if (row.prefix === "F2") code.push(0xf2);
  if (row.map > 1) code.push(0x0f);
  if (row.map === 3) code.push(0x38);
  if (row.map === 4) code.push(0x3a);
  code.push(row.opcode);
  const tail = hasModrm(row) ? modrm(next, row, cpl, isMemory, addressSize) : [];
  if (!tail) return undefined;
  code.push(...tail);
  let count: number | undefined = row.operands.includes("1") ? 1 : undefined;
  for (const operand of row.operands) {
    const bytes = immediateBytes(operand, operandSize, addressSize);
    if (bytes === 0) continue;
    const value = immediate(next, row, operand, bytes);
    if (operand === "Ib") count = value[0]! & 31;
    code.push(...value);
  }
  // Nothing that an unprivileged stack could not bear, and no undefined results.
  if (cpl === 0 && writesStackPointer(row, tail[0])) return undefined;
  const width = row.operands.some((operand) => operand === "Eb") ? 8 : operandSize * 8;
  if (/^SH[LR]D$/.test(row.mnemonic) && width === 16 && (count === undefined || count > 16)) return undefined;
  const after = undefinedAfter(row, undefinedFlags, width, count);
  const text = `${row.mnemonic} ${row.operands.join(",")}`.trim();
  return { instruction: { bytes: hexBytes(code), text, undefinedFlags: after }, ends: isRelative(row) && /^(CALL|JMP)/.test(row.mnemonic) };
}

/** ModRM, SIB and displacement. */
function modrm(next: Random, row: Row, cpl: 0 | 3, isMemory: boolean, addressSize: 2 | 4): number[] | undefined {
  let reg = row.reg ?? next() % 8;
  const method = (letter: string): boolean => row.operands.some((operand) => parseOperand(operand).method === letter);
  if (method("S")) reg = pick(next, cpl === 0 && row.operands[0] === "Sw" ? [0, 3, 4, 5] : [0, 1, 2, 3, 4, 5]);
  if (method("C")) reg = pick(next, [0, 2, 3, 4]);
  if (method("D")) reg = pick(next, [0, 1, 2, 3, 6, 7]);
  if (!isMemory) {
    if (rmOperand(row) >= 0 && parseOperand(row.operands[rmOperand(row)]!).method === "M") return undefined;
    return [0xc0 | (reg << 3) | (row.rm ?? next() % 8)];
  }
  const mod = next() % 3;
  const rm = next() % 8;
  const head = (mod << 6) | (reg << 3) | rm;
  const small = (): number => next() & 0xff;
  const absolute = Place.data + (next() % Place.dataBytes);
  const word = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff];
  if (addressSize === 2) {
    if (mod === 1) return [head, small()];
    return mod === 2 ? [head, ...word(next() & 0xff)] : rm === 6 ? [head, ...word(absolute)] : [head];
  }
  const dword = (value: number): number[] => [...word(value), ...word(value >>> 16)];
  const sib = rm === 4 ? [next() & 0xff] : [];
  const noBase = mod === 0 && (rm === 5 || (rm === 4 && (sib[0]! & 7) === 5));
  if (noBase) return [head, ...sib, ...dword(absolute)];
  return mod === 0 ? [head, ...sib] : mod === 1 ? [head, ...sib, small()] : [head, ...sib, ...dword(next() & 0x1ff)];
}

function immediate(next: Random, row: Row, operand: string, bytes: number): number[] {
  // Jumps go to the next instruction.
  if (operand.startsWith("J")) return new Array<number>(bytes).fill(0);
  if (operand.startsWith("O")) {
    const value = Place.data + (next() % Place.dataBytes);
    return Array.from({ length: bytes }, (_, n) => (value >>> (8 * n)) & 0xff);
  }
  if (row.mnemonic === "ENTER") return bytes === 2 ? [next() & 0x3f, 0] : [next() & 3];
  const value = chance(next, 40) ? pick(next, SPECIAL) : next();
  return Array.from({ length: bytes }, (_, n) => (value >>> (8 * n)) & 0xff);
}

/** At CPL 0: does the instruction put something else than a push or a pop into ESP? By its register operands. */
function writesStackPointer(row: Row, byte: number | undefined): boolean {
  if (row.operands.some((operand) => operand.startsWith("Z")) && (row.opcode & 7) === ESP) return true;
  if (byte === undefined) return false;
  const wide = (operand: string): boolean => !/^[EG]b$/.test(operand);
  for (const operand of row.operands) {
    const { method } = parseOperand(operand);
    if ((method === "G" || method === "R") && ((method === "G" ? byte >> 3 : byte) & 7) === ESP && wide(operand)) return true;
    if (method === "E" && byte >= 0xc0 && (byte & 7) === ESP && wide(operand)) return true;
  }
  return false;
}

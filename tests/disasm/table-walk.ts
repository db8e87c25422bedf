/**
 * A decoder for tests only: walks the rows one by one, slowly and plainly. It stands beside the core's generated
 * decoder as a second opinion, and serves the tests that need no core.
 */
import { ROWS } from "../../asm/isa/index";
import { hasModrm, ignoresMod, immediateBytes, parseOperand } from "../../asm/isa/operand";
import { matchRows } from "../../asm/toolchain/match-row";
import type { DecodedInstruction } from "../../web/disasm/decoded";

const SEGMENT_PREFIX = new Map([
  [0x26, 0],
  [0x2e, 1],
  [0x36, 2],
  [0x3e, 3],
  [0x64, 4],
  [0x65, 5],
]);
const IDS = new Map(ROWS.map((row, id) => [row, id]));
const BY_OPCODE = new Map<number, (typeof ROWS)[number][]>();
for (const row of ROWS) {
  const key = (row.map << 8) | row.opcode;
  BY_OPCODE.set(key, [...(BY_OPCODE.get(key) ?? []), row]);
}

/** Decodes the first instruction of `code` (legacy modes); undefined when the bytes end too early or are over 15. */
export function walkTables(code: Uint8Array, bits: 16 | 32 | 64): DecodedInstruction | undefined {
  if (bits === 64) throw new Error("the table walk knows legacy modes only");
  let at = 0;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const take = (bytes: number, signed: boolean): bigint => {
    let value = 0n;
    for (let i = 0; i < bytes; i++) value |= BigInt(view.getUint8(at++)) << BigInt(8 * i);
    return signed ? BigInt.asIntN(8 * bytes, value) : value;
  };
  const prefixes = { lock: false, rep: false, repne: false, operandSize: false, addressSize: false };
  let segment: number | null = null;
  try {
    for (;;) {
      const byte = view.getUint8(at);
      if (SEGMENT_PREFIX.has(byte)) segment = SEGMENT_PREFIX.get(byte)!;
      else if (byte === 0x66) prefixes.operandSize = true;
      else if (byte === 0x67) prefixes.addressSize = true;
      else if (byte === 0xf0) prefixes.lock = true;
      else if (byte === 0xf2 || byte === 0xf3) {
        prefixes.repne = byte === 0xf2;
        prefixes.rep = byte === 0xf3;
      } else break;
      at++;
    }
    let map: 1 | 2 | 3 | 4 = 1;
    let opcode = view.getUint8(at++);
    if (opcode === 0x0f) {
      map = 2;
      opcode = view.getUint8(at++);
      if (opcode === 0x38 || opcode === 0x3a) {
        map = opcode === 0x38 ? 3 : 4;
        opcode = view.getUint8(at++);
      }
    }
    const operandSize = (bits === 16) === prefixes.operandSize ? 4 : 2;
    const addressSize = (bits === 16) === prefixes.addressSize ? 4 : 2;
    const candidates = BY_OPCODE.get((map << 8) | opcode) ?? [];
    const modrm = candidates.some(hasModrm) ? view.getUint8(at) : -1;
    const prefix = prefixes.repne ? "F2" : prefixes.rep ? "F3" : prefixes.operandSize ? "66" : "none";
    const row = matchRows(candidates, { map, opcode, prefix, modrm, long: false })[0];
    const invalid = { row: -1, length: at, prefixes, segment, operandSize, addressSize, modrm: -1, sib: -1, rex: 0 } as const;
    if (row === undefined) return { ...invalid, displacement: 0n, immediate: 0n, immediate2: 0, bytes: code.slice(0, at) };
    let sib = -1;
    let displacement = 0n;
    if (hasModrm(row)) {
      at++;
      if (modrm < 0xc0 && !ignoresMod(row)) {
        const mod = modrm >> 6;
        const rm = modrm & 7;
        if (addressSize === 2) {
          // A bare address is unsigned.
          displacement = take(mod === 1 ? 1 : mod === 2 || rm === 6 ? 2 : 0, mod !== 0);
        } else {
          if (rm === 4) sib = Number(take(1, false));
          displacement = take(mod === 1 ? 1 : mod === 2 || (mod === 0 && (sib < 0 ? rm : sib & 7) === 5) ? 4 : 0, true);
        }
      }
    }
    let immediate = 0n;
    let immediate2 = 0;
    let seen = 0;
    for (const operand of row.operands) {
      const { method, register } = parseOperand(operand);
      const bytes = immediateBytes(operand, operandSize, addressSize);
      if (method === "J") displacement = take(bytes, true);
      else if (method === "O") displacement = take(bytes, false);
      else if (method === "A") {
        immediate = take(operandSize, false);
        immediate2 = Number(take(2, false));
      } else if (method === "I" && seen++ === 0) immediate = take(bytes, register === "sb");
      else if (method === "I") immediate2 = Number(take(bytes, false));
    }
    if (at > 15) return undefined;
    const decoded = {
      row: IDS.get(row)!,
      length: at,
      prefixes,
      segment,
      operandSize,
      addressSize,
      modrm: hasModrm(row) ? modrm : -1,
      sib,
      rex: 0,
    } as const;
    return { ...decoded, displacement, immediate, immediate2, bytes: code.slice(0, at) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

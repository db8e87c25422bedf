/** Which row an encoding selects: the rule that the generated decoder implements, stated once over the rows. */
import { hasModrm, ignoresMod } from "../isa/operand";
import type { Row } from "../isa/row";

export interface Encoding {
  readonly map: Row["map"];
  readonly opcode: number;
  /** F3 or F2 (the later one) wins over 66. SDM Vol 2 A.2.1 and AMD APM 3 "Summary of the instruction prefixes". */
  readonly prefix: "none" | "66" | "F3" | "F2";
  /** The ModRM byte if one follows; ignored by rows without. */
  readonly modrm: number;
  readonly long: boolean;
}

function fits(row: Row, at: Encoding): boolean {
  if (row.map !== at.map || row.opcode !== at.opcode) return false;
  if (at.long ? row.i64 : row.o64) return false;
  if (row.prefix !== undefined && row.prefix !== at.prefix) return false;
  if (!hasModrm(row) || ignoresMod(row)) return true;
  const isRegister = at.modrm >= 0xc0;
  if (row.mod !== undefined && (row.mod === "reg") !== isRegister) return false;
  if (row.reg !== undefined && row.reg !== ((at.modrm >> 3) & 7)) return false;
  return row.rm === undefined || (isRegister && row.rm === (at.modrm & 7));
}

/** All rows the encoding could mean after a row with a mandatory prefix has beaten those without; valid data gives 0 or 1. */
export function matchRows(rows: readonly Row[], at: Encoding): Row[] {
  const candidates = rows.filter((row) => fits(row, at));
  const selected = candidates.filter((row) => row.prefix !== undefined);
  return selected.length > 0 ? selected : candidates;
}

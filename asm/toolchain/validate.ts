/**
 * Checks of the instruction rows: every encoding selects at most one row, the opcode maps have the holes that
 * SDM Vol 2D Appendix A has and no others, attributes are legal and agree with each other. Run by tests and build.
 */
import { EXITS } from "../isa/events";
import { hasModrm, ignoresMod, parseOperand } from "../isa/operand";
import type { Row } from "../isa/row";
import { type Encoding, matchRows } from "./match-row";
import { LEGAL, MODRM_HOLES, NOT_INSTRUCTIONS, opcodes } from "./opcode-maps";

const PREFIXES = ["none", "66", "F3", "F2"] as const;
const PREFIX_LETTER = { none: "n", "66": "6", F3: "3", F2: "2" } as const;
const FLAG_LETTERS = /^[oszapcditnr]*$/;
const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, "0");

export function describeRow(row: Row): string {
  const reg = row.reg === undefined ? "" : ` /${row.reg}`;
  const prefix = row.prefix === undefined ? "" : `${row.prefix} `;
  return `map ${row.map} ${prefix}${hex(row.opcode)}${reg} ${row.mnemonic} ${row.operands.join(",")}`.trim();
}

/** All that is wrong with the rows, one sentence each; empty when they are sound. */
export function validateRows(rows: readonly Row[]): string[] {
  return [...rows.flatMap(checkAttributes), ...checkBindings(rows), ...checkEncodings(rows)];
}

/** What is wrong with one row by itself. */
export function checkAttributes(row: Row): string[] {
  const errors: string[] = [];
  const check = (ok: boolean, text: string): void => {
    if (!ok) errors.push(`${describeRow(row)}: ${text}`);
  };
  const operands = row.operands.map(parseOperand);
  const methods = operands.map((operand) => operand.method);
  const count = (letters: string): number => methods.filter((method) => method.length === 1 && letters.includes(method)).length;
  check(row.form !== undefined, "no form");
  check(row.opcode >= 0 && row.opcode <= 0xff, "opcode is not a byte");
  check(row.reg === undefined || (row.reg >= 0 && row.reg <= 7), "reg is not 0 to 7");
  check(
    row.rm === undefined || (row.rm >= 0 && row.rm <= 7 && row.mod !== "mem" && row.reg !== undefined),
    "rm needs reg and a register form",
  );
  for (const key of ["reads", "writes", "undefined"] as const) {
    const letters = row[key] ?? "";
    check(FLAG_LETTERS.test(letters), `${key} has a letter that is no flag: ${letters}`);
    check(new Set(letters).size === letters.length, `${key} names a flag twice: ${letters}`);
  }
  check(![...(row.writes ?? "")].some((letter) => row.undefined?.includes(letter)), "a flag is both written and undefined");
  check(row.intercept === undefined || EXITS.some((exit) => exit.name === row.intercept), `intercept ${row.intercept} is no exit`);
  check(!(row.i64 && row.o64), "neither legal in 64-bit mode nor outside");
  check(!row.lock || (row.mod !== "reg" && (methods[0] === "E" || methods[0] === "M")), "lock without a memory destination");
  check(count("EMNQRUW") <= 1, "two operands in ModRM.rm");
  check(count("CDGPSV") <= 1, "two operands in ModRM.reg");
  check(row.reg === undefined || count("CDGPSV") === 0, "ModRM.reg is both operand and extension");
  check(row.mod !== "mem" || count("NRU") === 0, "a register-only operand with mod: mem");
  check(row.mod !== "reg" || count("M") === 0, "a memory-only operand with mod: reg");
  check(row.mod === "mem" || count("M") === 0, "M operands need mod: mem");
  check(row.mod !== undefined || ignoresMod(row) || count("NU") === 0, "N and U operands need mod: reg");
  check(row.unaligned !== true || count("W") + count("M") > 0, "unaligned without a vector memory operand");
  check(row.unit !== undefined || count("PQNVUW") === 0, "vector operands need a unit");
  check(
    (row.unit === "x87" || row.unit === "x87-control") === (row.feature === "fpu" || row.feature === "fcmov" || isX87(row)),
    "unit and feature disagree",
  );
  check(row.names === undefined || row.names.length === 3, "names needs one mnemonic for each size");
  return errors;
}

const isX87 = (row: Row): boolean => (row.map === 1 && row.opcode >= 0xd8 && row.opcode <= 0xdf) || row.feature === "fxsr";

/** One binding has one form, or the dispatch would not know what to call. */
function checkBindings(rows: readonly Row[]): string[] {
  const forms = new Map<string, Row["form"]>();
  return rows.flatMap((row) => {
    const binding = row.binding ?? row.mnemonic;
    const known = forms.get(binding);
    forms.set(binding, known ?? row.form);
    return known !== undefined && known !== row.form ? [`${describeRow(row)}: binding ${binding} is ${known} elsewhere`] : [];
  });
}

function checkEncodings(rows: readonly Row[]): string[] {
  const errors: string[] = [];
  for (const map of [1, 2, 3, 4] as const) {
    for (let opcode = 0; opcode <= 0xff; opcode++) {
      const here = rows.filter((row) => row.map === map && row.opcode === opcode);
      for (const prefix of PREFIXES) {
        for (const long of [false, true]) {
          const at = { map, opcode, prefix, long };
          // Without ModRM all 256 answers are the same.
          const bytes = here.some(hasModrm) ? MODRM_BYTES : [0];
          const hits = bytes.map((modrm) => matchRows(here, { ...at, modrm }));
          errors.push(...overlaps(at, hits));
          if (!long) errors.push(...holes(at, hits));
        }
      }
    }
  }
  return [...new Set(errors)];
}

const MODRM_BYTES = Array.from({ length: 256 }, (_, modrm) => modrm);
const describeAt = (at: Omit<Encoding, "modrm">): string =>
  `map ${at.map} ${hex(at.opcode)} prefix ${at.prefix}${at.long ? " (64-bit)" : ""}`;

function overlaps(at: Omit<Encoding, "modrm">, hits: Row[][]): string[] {
  const double = hits.findIndex((hit) => hit.length > 1);
  if (double >= 0) return [`${describeAt(at)} ModRM ${hex(double)}: ${hits[double]!.map(describeRow).join(" and ")}`];
  const found = hits.flat();
  if (found.some(hasModrm) && !found.every(hasModrm)) return [`${describeAt(at)}: rows with and without ModRM`];
  return [];
}

/** Compares what the rows leave out with what Appendix A leaves out. */
function holes(at: Omit<Encoding, "modrm">, hits: Row[][]): string[] {
  const legal = isLegal(at);
  const missing = legal ? modrmHoles(at) : new Set(MODRM_BYTES);
  return hits.flatMap((hit, modrm) => {
    if (hit.length > 0 && missing.has(modrm)) return [`${describeAt(at)}: ${describeRow(hit[0]!)} stands where the SDM has nothing`];
    if (hit.length === 0 && !missing.has(modrm)) return [`${describeAt(at)} ModRM ${hex(modrm)}: no row`];
    return [];
  });
}

const EXCLUDED = new Set(opcodes(NOT_INSTRUCTIONS));
const INCLUDED = Object.entries(LEGAL).flatMap(([map, lists]) =>
  Object.entries(lists).map(([prefixes, list]) => ({ map: Number(map), prefixes, opcodes: new Set(opcodes(list)) })),
);

function isLegal(at: Omit<Encoding, "modrm">): boolean {
  if (at.map === 1) return !EXCLUDED.has(at.opcode);
  const letter = PREFIX_LETTER[at.prefix];
  return INCLUDED.some(
    (list) => list.map === at.map && (list.prefixes === "any" || list.prefixes.includes(letter)) && list.opcodes.has(at.opcode),
  );
}

function modrmHoles(at: Omit<Encoding, "modrm">): Set<number> {
  const table = MODRM_HOLES[at.map];
  const text = table[`${hex(at.opcode)}/${PREFIX_LETTER[at.prefix]}`] ?? table[hex(at.opcode)] ?? "";
  const found = new Set<number>();
  for (const part of text.split(" ").filter(Boolean)) {
    const group = /^([mr])\/(\d)(?:-(\d))?$/.exec(part);
    if (!group) for (const modrm of opcodes(part)) found.add(modrm);
    else {
      const [, kind, first, last = first] = group;
      for (const modrm of MODRM_BYTES) {
        const reg = (modrm >> 3) & 7;
        if (modrm >= 0xc0 === (kind === "r") && reg >= Number(first) && reg <= Number(last)) found.add(modrm);
      }
    }
  }
  return found;
}

/**
 * The plan: which handler serves which row, width and operand form, and how dispatch is divided: one switch over the
 * hot handlers, and families of at most 64 cases for the rest (one switch over everything compiles slowly and runs
 * slower when cold code mixes in; docs/decisions/dispatch.md).
 */
import { CONDITIONS, type Row } from "../isa/row";
import { isDwordAtLeast, isFixed, operandForms, sourceType, WidthKind, widthKind } from "./row-info";

/** Handlers that are not rows: the first cases of the first helper family. */
export const SPECIAL = ["UNDEFINED", "UNIMPLEMENTED", "PRIVILEGED", "UNIT_CHECK", "TOO_LONG"] as const;
const WIDTHS = ["u8", "u16", "u32", "u64"] as const;
type Width = (typeof WIDTHS)[number];
const FAMILY = 64;
/** Hot handlers are numbered from 0, families from here. */
export const FIRST_FAMILY = 512;

export interface Handler {
  readonly name: string;
  /** The generated call. For staged handlers with B, V (Q at width 64), W as the dispatch's own type parameters. */
  readonly call: string;
  readonly imports: readonly string[];
  readonly helper: boolean;
  readonly hot: boolean;
  index: number;
}
export interface Plan {
  readonly hot: readonly Handler[];
  readonly staged: readonly (readonly Handler[])[];
  readonly helpers: readonly (readonly Handler[])[];
  readonly missing: readonly string[];
  /** Eight handler numbers of a row. */
  handlersOf(row: number): number[];
}

/** Measured on a Debian boot and the bench programs: bindings worth a case of their own, by width. */
const HOT: Record<Width, ReadonlySet<string>> = {
  u8: new Set(["MOV_EG", "MOV_GE", "MOV_EI", "CMP", "TEST", "AND", "OR", "XOR", "ADD", "MOV_ZI", "SUB"]),
  u16: new Set(["MOV_EG", "MOV_GE", "CMP"]),
  u32: new Set([
    "MOV_EG",
    "MOV_GE",
    "MOV_EI",
    "MOV_ZI",
    "MOVZX",
    "MOVSX",
    "LEA",
    "ADD",
    "SUB",
    "AND",
    "OR",
    "XOR",
    "CMP",
    "TEST",
    "ADC",
    "SBB",
    "INC",
    "DEC",
    "NEG",
    "NOT",
    "SHL",
    "SHR",
    "SAR",
    "ROL",
    "ROR",
    "PUSH",
    "POP",
    "PUSH_I",
    "PUSH_E",
    "JCC",
    "JMP",
    "CALL",
    "RET",
    "CALL_E",
    "JMP_E",
    "LEAVE",
    "NOP",
    "IMUL2",
    "IMUL3",
    "MUL",
    "XCHG_A",
    "SHRD",
    "SHLD",
    "CMOV",
    "RET_I",
    "CWD",
  ]),
  u64: new Set([
    "MOV_EG",
    "MOV_GE",
    "MOV_EI",
    "MOV_ZI",
    "MOVZX",
    "MOVSXD",
    "LEA",
    "ADD",
    "SUB",
    "AND",
    "OR",
    "XOR",
    "CMP",
    "TEST",
    "SHL",
    "SHR",
    "SAR",
    "PUSH",
    "POP",
    "JCC",
    "JMP",
    "CALL",
    "RET",
    "CMOV",
  ]),
};
const CONDITIONAL = new Set(["JCC", "SETCC", "CMOV"]);

/** `known` maps each exported class or function of asm/semantics to its module. */
export function makePlan(rows: readonly Row[], known: ReadonlyMap<string, string>): Plan {
  const handlers = new Map<string, Handler>();
  const missing = new Set<string>();
  const byRow: Handler[][] = [];
  const special = SPECIAL.map((name) => ({ name, call: `Special.${name}(i)`, imports: ["Special"], helper: true, hot: false, index: -1 }));
  for (const handler of special) handlers.set(handler.name, handler);
  const unimplemented = handlers.get("UNIMPLEMENTED") as Handler;
  const undefinedHandler = handlers.get("UNDEFINED") as Handler;

  const add = (name: string, call: string, imports: string[], helper: boolean, hot: boolean): Handler => {
    const found = handlers.get(name);
    if (found) return found;
    const handler: Handler = { name, call, imports, helper, hot, index: -1 };
    handlers.set(name, handler);
    return handler;
  };

  for (const row of rows) {
    // The 16-byte moves differ only in whether they check alignment.
    const binding = (row.binding ?? row.mnemonic).replace(/^MOVDQ_/, row.unaligned ? "MOVDQU_" : "MOVDQ_");
    const slots: Handler[] = Array.from({ length: 8 }, () => undefinedHandler);
    const forms = operandForms(row);
    const kind = widthKind(row);
    const wide = isDwordAtLeast(row);
    const widths: readonly Width[] =
      kind === WidthKind.Byte ? ["u8"] : wide ? ["u32", "u64"] : kind === WidthKind.Z || row.i64 ? ["u16", "u32"] : ["u16", "u32", "u64"];
    if (row.form === "helper" || row.form === "vector" || binding.startsWith("MOVDQ")) {
      const usable = known.has(binding);
      if (!usable) missing.add(binding);
      const form = row.unit !== "mmx" ? "VW" : row.operands[1] === "Qd" ? "PQd" : "PQ";
      const packed = row.form === "vector";
      slots.fill(
        !usable
          ? unimplemented
          : packed
            ? add(`${binding}_${form}`, `Vector.${form}<${binding}>(i)`, [binding, "Vector"], true, false)
            : add(binding, `${binding}(i)`, [binding], true, false),
      );
      byRow.push(slots);
      continue;
    }
    for (const width of widths) {
      for (const register of [false, true]) {
        if (register ? !forms.register : !forms.memory) continue;
        const slot = WIDTHS.indexOf(width) * 2 + (register ? 1 : 0);
        const bare = !row.operands.some((o) => !isFixed(o) && "EMRQWNUO".includes(o[0] as string));
        const hot = HOT[width].has(binding);
        const m = bare
          ? "RegOp"
          : row.operands.some((o) => !isFixed(o) && "MO".includes(o[0] as string))
            ? "MemOp"
            : hot
              ? register
                ? "RegOp"
                : "MemOp"
              : "AnyOp";
        const staged = stagedCall(row, binding, width, m);
        if (!staged || staged.imports.some((name) => !known.has(name))) {
          missing.add(binding);
          slots[slot] = unimplemented;
          continue;
        }
        slots[slot] = add(staged.name, staged.call, staged.imports, false, hot);
      }
    }
    // `y` is a dword also where the operand size is 16 bits.
    if (wide) slots.splice(2, 2, slots[4] as Handler, slots[5] as Handler);
    if (kind === WidthKind.Byte)
      for (let width = 1; width < 4; width++) slots.splice(width * 2, 2, slots[0] as Handler, slots[1] as Handler);
    byRow.push(slots);
  }

  const all = [...handlers.values()];
  const hot = all.filter((h) => h.hot);
  hot.forEach((h, index) => {
    h.index = index;
  });
  if (hot.length > FIRST_FAMILY) throw new Error(`dispatch: ${hot.length} hot handlers, at most ${FIRST_FAMILY}`);
  let next = FIRST_FAMILY;
  const chunk = (list: Handler[]): Handler[][] => {
    const families: Handler[][] = [];
    for (let at = 0; at < list.length; at += FAMILY) {
      const family = list.slice(at, at + FAMILY);
      family.forEach((h, index) => {
        h.index = next + index;
      });
      next += FAMILY;
      families.push(family);
    }
    return families;
  };
  const helpers = chunk(all.filter((h) => h.helper));
  const staged = chunk(all.filter((h) => !h.helper && !h.hot));
  return { hot, helpers, staged, missing: [...missing].sort(), handlersOf: (row) => (byRow[row] as Handler[]).map((h) => h.index) };
}

function stagedCall(row: Row, binding: string, width: Width, m: string): { name: string; call: string; imports: string[] } | undefined {
  const letters = row.operands.map((o) => (isFixed(o) ? o : (o[0] as string))).join(",");
  const v = width === "u64" ? "Q" : "V";
  const t = `B, ${m}, ${binding}, ${width}, ${v}, W`;
  const pattern = (table: Record<string, string>): string | undefined => table[letters];
  const make = (room: string, form: string | undefined): { name: string; call: string; imports: string[] } | undefined =>
    form ? { name: `${binding}_${form}_${width}_${m}`, call: `${room}.${form}<${t}>(i)`, imports: [room, binding] } : undefined;
  switch (row.form) {
    case "binary":
      return make("Binary", pattern({ "E,G": "EG", "G,E": "GE", "E,I": "EI", "AL,I": "EI", "rAX,I": "EI" }));
    case "compare":
      return make("Compare", pattern({ "E,G": "EG", "G,E": "GE", "E,I": "EI", "AL,I": "EI", "rAX,I": "EI" }));
    case "unary":
      return make("Unary", pattern({ E: "E", Z: "E" }));
    case "shift":
      return make("Shift", pattern({ "E,1": "E1", "E,I": "EI", "E,CL": "EC" }));
    case "staged": {
      const source = sourceType(row) ?? width;
      if (CONDITIONAL.has(binding)) {
        const condition = CONDITIONS[row.opcode & 15] as string;
        return {
          name: `${binding}_${condition}_${width}_${m}`,
          call: `${binding}.exec<B, ${m}, Cond.${condition}, ${width}, ${source}, ${v}, W>(i)`,
          imports: [binding],
        };
      }
      return {
        name: `${binding}_${width}_${source}_${m}`,
        call: `${binding}.exec<B, ${m}, ${width}, ${source}, ${v}, W>(i)`,
        imports: [binding],
      };
    }
    default:
      return undefined;
  }
}

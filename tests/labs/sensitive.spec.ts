/**
 * Popek and Goldberg's table (lab 2): each sensitive unprivileged instruction of IA-32, executed at CPL 0 and at CPL 3, with
 * CR4.UMIP = 0 and 1, with every operand that a student can be given. What is expected is written from the manual.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { build } from "../../web/labs/build";
import { findLab } from "../../web/labs/catalog";
import type { Constants } from "../../web/labs/constants";
import { type Engine, execute } from "../../web/labs/engine/execute";
import { labFor, type Run, type Task } from "../../web/labs/format";
import { coreWasm } from "../tools/core";

const GP = 13;
const KERNEL_DATA = 0x10;
const lab = findLab("lab2")!;
const base = labFor(lab, "").constants;
let engine: Engine;

beforeAll(async () => {
  engine = { wasm: await WebAssembly.compile(coreWasm()) };
});

interface Row {
  readonly trapped: boolean;
  readonly result: number;
}

/** Rows in the order of sensitive.asm, and the vectors of all exceptions. */
async function table(run: Run, constants: Constants): Promise<{ rows: Row[]; vectors: number[] }> {
  const { core, end, events } = await execute(engine, run, build({ lab, student: "", constants }, run, undefined));
  expect(end).toBe("halted");
  const view = new DataView(core.memory.read(base.RESULTS!, NAMES.length * 8).buffer);
  const rows = NAMES.map((_, n) => ({ trapped: view.getUint32(n * 8, true) === 1, result: view.getUint32(n * 8 + 4, true) }));
  return { rows, vectors: events.filter(({ reason }) => reason === "Exception").map(({ qualification }) => Number(qualification & 0xffn)) };
}

const NAMES = [
  "SGDT",
  "SIDT",
  "SLDT",
  "STR",
  "SMSW",
  "LAR",
  "LSL",
  "VERR",
  "VERW",
  "PUSH",
  "POP",
  "MOV",
  "CALL",
  "JMP",
  "RET",
  "INT",
  "PUSHF",
  "POPF",
];
const UMIP = ["SGDT", "SIDT", "SLDT", "STR", "SMSW"];

/** Result at CPL 0, result at CPL 3 or a trap; registers of the system are equal, whatever they are. */
function manual(
  name: string,
  { checked, popped, gatedpl, flagimage }: Constants,
): { readonly kernel?: number; readonly user?: number | "trap" } {
  switch (name) {
    case "LAR":
    case "LSL":
    case "VERR":
    case "VERW":
      return { kernel: 1, user: checked === KERNEL_DATA ? 0 : 1 };
    case "PUSH":
      return { kernel: 0x08, user: 0x1b };
    case "POP":
      return { kernel: popped!, user: popped === KERNEL_DATA ? "trap" : popped! };
    case "MOV":
      return { kernel: 0x10, user: 0x23 };
    case "CALL":
    case "JMP":
    case "RET":
      return { kernel: 1, user: "trap" };
    case "INT":
      return { kernel: 0, user: gatedpl === 3 ? 3 : "trap" };
    case "PUSHF":
      return { kernel: 0x200, user: 0x200 };
    case "POPF":
      return { kernel: flagimage! & 0x3200, user: 0x200 };
    default:
      return {};
  }
}

const runsOf = (id: string): Task["runs"] => lab.tasks.find((task) => task.id === id)!.runs;
const operands = [0x10, 0x23].flatMap((checked) =>
  [0, 3].map((gatedpl) => ({ checked, gatedpl, popped: checked === 0x10 ? 0x23 : 0x10, flagimage: gatedpl ? 2 : 0x3202 })),
);
operands.push({ checked: 0x10, gatedpl: 0, popped: 0x10, flagimage: 2 });

it("the lab's table has Robin and Irvine's seventeen rows, and asks about each", () => {
  const { fields } = lab.tasks.find(({ id }) => id === "sensitive")! as Extract<Task, { kind: "answers" }>;
  const asked = fields.map(({ name }) => name.replace(/1$/, "").toUpperCase());
  expect(asked.length).toBe(17);
  expect([...asked, "VERW"].toSorted()).toEqual(NAMES.toSorted());
});

describe.each(operands)("operands %j", (chosen) => {
  const constants = { ...base, ...chosen };

  it("each row at CPL 0, at CPL 3, and at CPL 3 with UMIP", async () => {
    const kernel = await table(runsOf("sensitive").kernel!, constants);
    const user = await table(runsOf("sensitive").user!, constants);
    const umip = await table(runsOf("umip").umip!, constants);
    expect(kernel.rows.filter(({ trapped }) => trapped)).toEqual([]);
    for (const [n, name] of NAMES.entries()) {
      const wanted = manual(name, constants);
      const ring0 = kernel.rows[n]!;
      const ring3 = user.rows[n]!;
      if (wanted.kernel !== undefined) expect([name, ring0.result]).toEqual([name, wanted.kernel]);
      if (wanted.user === "trap") expect([name, ring3.trapped]).toEqual([name, true]);
      else expect([name, ring3]).toEqual([name, { trapped: false, result: wanted.user ?? ring0.result }]);
      const traps = UMIP.includes(name) || wanted.user === "trap";
      expect([name, "UMIP", umip.rows[n]!.trapped]).toEqual([name, "UMIP", traps]);
      if (!traps) expect([name, umip.rows[n]!.result]).toEqual([name, ring3.result]);
    }
    // VERR and VERW, one entry of the manual, are one row of the lab: they answer alike.
    for (const { rows } of [kernel, user, umip]) expect(rows[NAMES.indexOf("VERW")]).toEqual(rows[NAMES.indexOf("VERR")]);
    // What traps is a #GP, each once.
    for (const { rows, vectors } of [user, umip]) expect(vectors).toEqual(rows.filter(({ trapped }) => trapped).map(() => GP));
  });

  it("the registers that are shown are the real ones", async () => {
    const { rows } = await table(runsOf("sensitive").user!, constants);
    // LDTR, TR, and PE and ET of CR0.
    expect([rows[2]!.result, rows[3]!.result, rows[4]!.result & 0xffff]).toEqual([0x30, 0x28, 0x11]);
    expect(rows[0]!.result).toBeGreaterThan(0x200000);
    expect(rows[1]!.result).toBeGreaterThan(rows[0]!.result);
  });
});

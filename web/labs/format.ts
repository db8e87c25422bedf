/**
 * What a lab is made of, as data (docs/labs.md): `lab.json`, `text.md`, sources. `readLab` checks all of it, so that what
 * is wrong is told to the teacher who wrote it and never to a student.
 */

import { ExpressionError, fill } from "../lib/expression";
import { type Constant, type Constants, constantsFor } from "./constants";
import { type Demand, Reader } from "./reader";
import { type Step, splitText } from "./text";

/** One thing that must hold, and what to say where it does not. */
export interface Check {
  /** A few words, for the list of checks. */
  readonly name: string;
  /** An expression: true is passed. */
  readonly that: string;
  /** The reason for failing, with `{{…}}`. */
  readonly why: string;
  /** More exact reasons: the first whose condition holds takes the place of `why`. */
  readonly when: readonly { readonly if: string; readonly why: string }[];
  /** True: where it fails, the checks after it mean nothing and are left out. */
  readonly gate: boolean;
}

/** One execution in a fresh machine. */
export interface Run {
  /** Real mode at 0000:ORG, or flat 32-bit protected mode with paging off (SDM 3A, "Switching to Protected Mode"). */
  readonly mode: "real" | "protected";
  /** Where the student's program is loaded. */
  readonly org: number;
  /** Label or address where it begins; default `org`. */
  readonly entry: string;
  /** Sources of the lab that are loaded too, each with its own `org`. */
  readonly given: readonly string[];
  /** Whether the student's program is part of it. */
  readonly answer: boolean;
  /** Labels that the student's program must have; the given sources know them. */
  readonly needs: readonly string[];
  /** Further constants of the given sources, for this run alone. */
  readonly define: Readonly<Record<string, number>>;
  readonly memoryMb: number;
  readonly shadow: "keep" | "flush";
  readonly cpu: "486" | "pentium" | "pentium3" | "pentium4" | "max";
  /** How guest code runs. */
  readonly accel: "interp" | "jit";
  /** With `jit`: runs of a block before it is translated. */
  readonly threshold: number;
  /** Label at which a snapshot is taken, once; at the end the machine is rolled back to it and runs again. Empty: none. */
  readonly snapshot: string;
  /** Label or address of a dword whose writers are looked for, from the snapshot on. Empty: none. */
  readonly watch: string;
  /** Most instructions. */
  readonly instructions: number;
  /** How it may end. */
  readonly ends: readonly RunEnd[];
}

export const RUN_ENDS = ["halted", "triple-fault", "no-handler", "asleep", "reset", "instructions"] as const;
export type RunEnd = (typeof RUN_ENDS)[number];

export interface Field {
  readonly name: string;
  readonly label: string;
  /** A heading for the fields from here on. */
  readonly group: string;
  readonly type: "number" | "hex" | "choice";
  readonly options: readonly string[];
  /** The right answer, as an expression over what was run. */
  readonly is: string;
  readonly why: string;
  readonly when: Check["when"];
}

interface TaskBase {
  readonly id: string;
  readonly title: string;
  readonly runs: Readonly<Record<string, Run>>;
  readonly checks: readonly Check[];
}
/** The student writes a program. */
export interface ProgramTask extends TaskBase {
  readonly kind: "program";
  /** File with what stands in the editor at first. */
  readonly start: string;
}
/** The student answers questions about programs that are given. */
export interface AnswersTask extends TaskBase {
  readonly kind: "answers";
  readonly fields: readonly Field[];
}
export type Task = ProgramTask | AnswersTask;

export interface Lab {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly minutes: number;
  readonly constants: Readonly<Record<string, Constant>>;
  readonly tasks: readonly Task[];
  readonly steps: readonly Step[];
  /** Contents of the folder's sources by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** A lab's folder: text of its files by name. */
export type LabFiles = Readonly<Record<string, string>>;

/** What is wrong with a lab's files: each line names the place. */
export class LabUnreadable extends Error {
  readonly kind = "LabUnreadable";
  constructor(
    readonly lab: string,
    readonly problems: readonly string[],
  ) {
    super(`The lab ${lab} cannot be used: ${problems.join("; ")}.`);
  }
}

const FORMAT = 1;
/** Names that facts have already. */
const RESERVED =
  /^(answer|exits|shadow|reg|end|serial|instructions|count|first|last|text|byte|word|dword|walk|label|size|image|reason|cpl|rip|qualification|tick|port|vector|error|n|linear|bytes|line|shadowOk|jit|snapshot)$/;
const MOST_INSTRUCTIONS = 20_000_000;
const NAME = /^[a-z]\w*$/i;

/** Throws LabUnreadable with all that is wrong. */
export function readLab(id: string, files: LabFiles): Lab {
  const problems: string[] = [];
  let json: unknown;
  try {
    json = JSON.parse(files["lab.json"] ?? "");
  } catch (error) {
    throw new LabUnreadable(id, [files["lab.json"] === undefined ? "there is no lab.json" : `lab.json: ${(error as Error).message}`]);
  }
  const root = new Reader(json, "lab.json", problems);
  const format = root.number("format", { from: 1, to: 999 });
  if (format !== FORMAT) problems.push(`lab.json: format is ${format}; this version reads ${FORMAT}`);
  const source = (reader: Reader, name: string): string => {
    const file = reader.text(name, "");
    if (file !== "" && files[file] === undefined) problems.push(`${reader.path}.${name}: there is no file ${file}`);
    return file;
  };
  const lab: Lab = {
    id,
    title: root.text("title"),
    summary: root.text("summary"),
    minutes: root.number("minutes", { from: 1, to: 600 }),
    constants: readConstants(root.part("constants"), problems),
    tasks: root.list("tasks").map((task) => readTask(task, source, files)),
    steps: splitText(files["text.md"] ?? ""),
    files,
  };
  root.done(["format", "title", "summary", "minutes", "constants", "tasks"]);
  problems.push(...crossChecks(lab));
  if (problems.length > 0) throw new LabUnreadable(id, problems);
  return lab;
}

function readConstants(reader: Reader, problems: string[]): Record<string, Constant> {
  const constants: Record<string, Constant> = {};
  for (const [name, definition] of reader.entries()) {
    if (!NAME.test(name) || RESERVED.test(name)) problems.push(`${definition.path}: not a possible name of a constant`);
    const unlike = definition.texts("unlike");
    for (const other of unlike)
      if (!(other in constants)) problems.push(`${definition.path}: unlike ${other}, which is not defined before it`);
    if (definition.has("is")) constants[name] = { is: definition.expression("is") };
    else if (definition.has("oneOf")) constants[name] = { oneOf: definition.numbers("oneOf"), unlike };
    else {
      const any: Demand = { from: -(2 ** 31), to: 2 ** 32 };
      const limits = { from: definition.number("from", any), to: definition.number("to", any), step: definition.number("step", any, 1) };
      if (limits.step < 1 || limits.to < limits.from || (limits.to - limits.from) / limits.step > 65_536)
        problems.push(`${definition.path}: from, to and step give no usable range`);
      constants[name] = { ...limits, unlike };
    }
    definition.done(["is", "oneOf", "from", "to", "step", "unlike"]);
  }
  return constants;
}

function readTask(reader: Reader, source: (reader: Reader, name: string) => string, files: LabFiles): Task {
  const kind = reader.oneOf("kind", ["program", "answers"] as const);
  const runs: Record<string, Run> = {};
  if (reader.has("run")) runs.run = readRun(reader.part("run"), kind, files);
  for (const [name, run] of reader.part("runs").entries()) runs[name] = readRun(run, kind, files);
  const base = { id: reader.text("id"), title: reader.text("title"), runs, checks: reader.list("checks").map(readCheck) };
  if (!NAME.test(base.id)) reader.problem("id: a letter, then letters and digits");
  if (Object.keys(runs).length === 0) reader.problem("it runs nothing: give run or runs");
  reader.done(["id", "title", "kind", "run", "runs", "checks", "start", "fields"]);
  if (kind === "program") return { ...base, kind, start: source(reader, "start") };
  return { ...base, kind, fields: reader.list("fields").map(readField) };
}

function readRun(reader: Reader, kind: Task["kind"], files: LabFiles): Run {
  const given = reader.texts("given");
  for (const file of given) if (files[file] === undefined) reader.problem(`given: there is no file ${file}`);
  const define: Record<string, number> = {};
  for (const [name] of reader.part("define").entries()) define[name] = reader.part("define").number(name, { from: 0, to: 2 ** 32 });
  const mode = reader.oneOf("mode", ["real", "protected"] as const, "real");
  const run: Run = {
    mode,
    given,
    define,
    org: reader.number("org", { from: 0x600, to: 0x8f_ffff }, mode === "real" ? 0x7c00 : 0x10_0000),
    entry: reader.text("entry", ""),
    answer: reader.flag("answer", kind === "program"),
    needs: reader.texts("needs"),
    memoryMb: reader.number("memoryMb", { from: 1, to: 64 }, 16),
    shadow: reader.oneOf("shadow", ["keep", "flush"] as const, "keep"),
    cpu: reader.oneOf("cpu", ["486", "pentium", "pentium3", "pentium4", "max"] as const, "pentium4"),
    accel: reader.oneOf("accel", ["interp", "jit"] as const, "interp"),
    threshold: reader.number("threshold", { from: 1, to: 1_000_000 }, 2000),
    snapshot: reader.text("snapshot", ""),
    watch: reader.text("watch", ""),
    instructions: reader.number("instructions", { from: 1, to: MOST_INSTRUCTIONS }, 1_000_000),
    ends: reader.has("ends") ? reader.texts("ends").map((end) => reader.member(end, RUN_ENDS, "ends")) : ["halted"],
  };
  if (!run.answer && given.length === 0) reader.problem("nothing is loaded: give given, or answer: true");
  if (run.watch !== "" && run.snapshot === "") reader.problem("watch: writers are looked for from a snapshot on: give snapshot, too");
  reader.done([...Object.keys(run)]);
  return run;
}

const readCheck = (reader: Reader): Check => {
  const check = {
    name: reader.text("name"),
    that: reader.expression("that"),
    why: reader.filled("why"),
    when: readWhen(reader),
    gate: reader.flag("gate", false),
  };
  reader.done(Object.keys(check));
  return check;
};

const readWhen = (reader: Reader): Check["when"] =>
  reader.list("when").map((each) => {
    const when = { if: each.expression("if"), why: each.filled("why") };
    each.done(Object.keys(when));
    return when;
  });

function readField(reader: Reader): Field {
  const field: Field = {
    name: reader.text("name"),
    label: reader.text("label"),
    group: reader.text("group", ""),
    type: reader.oneOf("type", ["number", "hex", "choice"] as const, "number"),
    options: reader.texts("options"),
    is: reader.expression("is"),
    why: reader.filled("why"),
    when: readWhen(reader),
  };
  if (!NAME.test(field.name)) reader.problem("name: a letter, then letters and digits");
  if ((field.type === "choice") !== field.options.length > 1) reader.problem("a choice, and only a choice, has two options or more");
  reader.done(Object.keys(field));
  return field;
}

/** What no single place can be wrong about. */
function crossChecks(lab: Lab): string[] {
  const problems: string[] = [];
  const ids = lab.tasks.map(({ id }) => id);
  for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`lab.json: two tasks are called ${id}`);
  const shown = lab.steps.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === "task" ? [part.id] : [])));
  for (const id of ids) if (!shown.includes(id)) problems.push(`text.md: the task ${id} is nowhere: write [[task ${id}]] on a line`);
  for (const id of shown) if (!ids.includes(id)) problems.push(`text.md: there is no task ${id}`);
  for (const part of lab.steps.flatMap(({ parts }) => parts))
    if (part.kind === "source" && lab.files[part.file] === undefined) problems.push(`text.md: there is no file ${part.file}`);
  if (lab.steps.length === 0) problems.push("text.md: there are no steps: each begins with a line ## Title");
  try {
    constantsFor(lab.id, lab.constants, "");
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    problems.push(`lab.json.constants: ${error.message}`);
  }
  return problems;
}

/** A student's own form of a lab. */
export interface StudentLab {
  readonly lab: Lab;
  readonly student: string;
  readonly constants: Constants;
}

export const labFor = (lab: Lab, student: string): StudentLab => ({
  lab,
  student,
  constants: constantsFor(lab.id, lab.constants, student),
});

/** A file of the lab with the student's constants in the place of `{{…}}`. Throws ExpressionError. */
export const fileFor = ({ lab, constants }: StudentLab, name: string): string => fill(lab.files[name] ?? "", constants);

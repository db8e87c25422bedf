/** Checks one answer to one task: builds, runs, asks. An answer, whatever it is, comes to a verdict; only a lab that is wrong does not. */
import { isEmulatorError } from "../../lib/errors";
import { ExpressionError, evaluate, type Facts, fill, isTrue, parse, type Value } from "../../lib/expression";
import type { LabCheckResult, LabVerdict } from "../../protocol/lab-check";
import type { Answer } from "../answer-file";
import { build, LabBroken, SourceRefused } from "../build";
import { type Check, type Field, LabUnreadable, type ProgramTask, type Run, type StudentLab, type Task } from "../format";
import { parseNumber } from "../number";
import { type Engine, execute, MOST_EVENTS, type Ran } from "./execute";
import { factsOf } from "./facts";

export type CheckResult = LabCheckResult;
export type Verdict = LabVerdict;

const LONGEST_SERIAL = 2000;

/** Rejects with LabUnreadable if the lab itself is wrong, and with what is a fault of Vitrine or its host. */
export async function checkTask(engine: Engine, student: StudentLab, task: Task, answer: Answer | undefined): Promise<Verdict> {
  try {
    return task.kind === "program"
      ? await checkProgram(engine, student, task, typeof answer === "string" ? answer : "")
      : await checkAnswers(engine, student, task, typeof answer === "object" ? answer : {});
  } catch (error) {
    if (error instanceof SourceRefused)
      return verdict(task, [{ name: "The program can be run", field: "", passed: false, why: error.message }], []);
    if (error instanceof LabBroken || error instanceof ExpressionError)
      throw new LabUnreadable(student.lab.id, [`task ${task.id}: ${error.message}`]);
    throw error;
  }
}

function verdict(task: Task, checks: readonly CheckResult[], counted: Verdict["counted"]): Verdict {
  const failed = checks.find(({ passed }) => !passed);
  return { task: task.id, passed: failed === undefined, checks, reason: failed?.why ?? "", counted };
}

async function checkProgram(engine: Engine, student: StudentLab, task: ProgramTask, source: string): Promise<Verdict> {
  const { ran, scope } = await runAll(engine, student, task, source);
  const checks: CheckResult[] = [];
  const counted = Object.entries(ran)
    .filter(([name]) => task.runs[name]!.answer)
    .map(([run, { stats, instructions, serial }]) => ({
      run,
      exits: stats.exits,
      instructions,
      serial: serial.slice(0, LONGEST_SERIAL),
    }));
  for (const [name, { end, ending }] of Object.entries(ran)) {
    const mayEnd = task.runs[name]!.ends.includes(end);
    const failed = {
      name: "The guest comes to its end",
      field: "",
      passed: false,
      why: ending || "The guest halted, which is not how it should end.",
    };
    if (!mayEnd && task.runs[name]!.answer) return verdict(task, [failed], counted);
    if (!mayEnd) throw new LabBroken(`the run ${name}, which is given, does not end: ${ending}`);
  }
  checks.push({ name: "The guest comes to its end", field: "", passed: true, why: "" });
  const flood = Object.values(ran).find(({ eventsLost }) => eventsLost);
  if (flood) {
    const why = `The program makes more exits than are kept (${MOST_EVENTS}): far more than this task needs.`;
    return verdict(task, [...checks, { name: "Its exits can be counted", field: "", passed: false, why }], counted);
  }
  for (const check of task.checks) {
    const result = applyToProgram(check, scope);
    checks.push(result);
    if (!result.passed && check.gate) break;
  }
  return verdict(task, checks, counted);
}

async function checkAnswers(
  engine: Engine,
  student: StudentLab,
  task: Extract<Task, { readonly kind: "answers" }>,
  given: Readonly<Record<string, string>>,
): Promise<Verdict> {
  const { ran, scope } = await runAll(engine, student, task, undefined);
  for (const [name, { end, ending }] of Object.entries(ran))
    if (!task.runs[name]!.ends.includes(end)) throw new LabBroken(`the run ${name}, which is given, does not end: ${ending}`);
  const answer: Record<string, Value> = {};
  const unread = new Map<string, string>();
  for (const field of task.fields) {
    const typed = (Object.hasOwn(given, field.name) ? given[field.name]! : "").trim();
    const value = readField(field, typed);
    if (value === undefined)
      unread.set(field.name, typed === "" ? "Nothing is entered." : `"${typed.slice(0, 40)}" is not ${wanted(field)}.`);
    else answer[field.name] = value;
  }
  const whole: Facts = { ...scope, answer };
  const checks = task.fields.map((field): CheckResult => {
    const why = unread.get(field.name);
    if (why !== undefined) return { name: field.label, field: field.name, passed: false, why };
    const right = evaluate(parse(field.is), whole);
    if (answer[field.name] === right) return { name: field.label, field: field.name, passed: true, why: "" };
    if (typeof right !== typeof answer[field.name])
      throw new ExpressionError(`field ${field.name}: "${field.is}" gives no ${wanted(field)}`);
    return { name: field.label, field: field.name, passed: false, why: reason({ why: field.why, when: known(field.when, answer) }, whole) };
  });
  if (unread.size === 0) for (const check of task.checks) checks.push(apply(check, whole));
  return verdict(task, checks, []);
}

/** Special reasons that speak of another answer hold only where that one is there. */
const known = (when: Check["when"], answer: Readonly<Record<string, Value>>): Check["when"] =>
  when.filter(({ if: condition }) => [...condition.matchAll(/\banswer\.(\w+)/g)].every(([, name]) => Object.hasOwn(answer, name!)));

const wanted = ({ type, options }: Field): string =>
  type === "number" ? "a number" : type === "hex" ? "a hexadecimal number" : `one of: ${options.join(", ")}`;

function readField({ type, options }: Field, typed: string): Value | undefined {
  if (type === "choice") return options.find((option) => option.toLowerCase() === typed.toLowerCase());
  return parseNumber(typed, type === "hex" ? 16 : 10);
}

async function runAll(
  engine: Engine,
  student: StudentLab,
  task: Task,
  source: string | undefined,
): Promise<{ readonly ran: Readonly<Record<string, Ran>>; readonly scope: Facts }> {
  const ran: Record<string, Ran> = {};
  const scope: Record<string, Value> = { ...student.constants };
  for (const [name, run] of Object.entries(task.runs)) {
    const one = await runOne(engine, student, run, source);
    ran[name] = one;
    const facts = factsOf(one);
    // The facts of one run alone need no prefix.
    if (name === "run") Object.assign(scope, facts);
    else scope[name] = facts;
  }
  return { ran, scope };
}

async function runOne(engine: Engine, student: StudentLab, run: Run, source: string | undefined): Promise<Ran> {
  const built = build(student, run, run.answer ? (source ?? "") : undefined);
  return execute(engine, run, built);
}

/** What a student's program leaves behind may be more than a check was made for: that costs this answer, not the class. */
function applyToProgram(check: Check, scope: Facts): CheckResult {
  try {
    return apply(check, scope);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { name: check.name, field: "", passed: false, why: `This check could not be made (${error.message}). Tell your teacher.` };
  }
}

function apply(check: Check, scope: Facts): CheckResult {
  const name = fill(check.name, scope);
  if (isTrue(check.that, scope)) return { name, field: "", passed: true, why: "" };
  return { name, field: "", passed: false, why: reason(check, scope) };
}

function reason({ why, when }: Pick<Check, "why" | "when">, scope: Facts): string {
  return fill(when.find((each) => isTrue(each.if, scope))?.why ?? why, scope);
}

/** Errors that cost one row of a class, not the class. */
export const isOneRow = (error: unknown): error is Error => isEmulatorError(error);

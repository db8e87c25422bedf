/** `vitrine grade`: a lab's checks over a folder of students' answers, without a page. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AnswersUnreadable } from "../labs/answer-file";
import { allLabs, findLab, labIds } from "../labs/catalog";
import { checkTask, isOneRow, type Verdict } from "../labs/engine/check";
import { type Lab, LabUnreadable, labFor, readLab } from "../labs/format";
import type { Environment } from "./environment";
import { BadGradeOption, GRADE_HELP, type GradeOptions, parseGradeOptions } from "./grade-options";
import { csv, isPassed, json, type Row, table } from "./grade-report";
import { instructorPage } from "./instructor-pages";
import { answerTemplate, labText } from "./lab-print";
import { findSubmissions, readSubmission, type Submission } from "./submissions";

const Status = { AllPassed: 0, SomeFailed: 1, BadArguments: 2, EmulatorFailed: 4 } as const;

/** Runs the verb; the result is the exit status. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (argv.includes("--help")) {
    environment.stdout(GRADE_HELP);
    return Status.AllPassed;
  }
  if (argv.length === 0) {
    environment.stderr(GRADE_HELP);
    return Status.BadArguments;
  }
  try {
    const options = parseGradeOptions(argv);
    if (options === "list") {
      for (const lab of allLabs())
        if (lab instanceof LabUnreadable) environment.stderr(`vitrine grade: ${lab.message}\n`);
        else environment.stdout(`${lab.id.padEnd(6)} ${lab.title} (${lab.minutes} minutes). ${lab.summary}\n`);
      return Status.AllPassed;
    }
    const { lab, instructor } = await labOf(options.lab);
    return options.print === undefined ? await grade(lab, options, environment) : await print(lab, instructor, options, environment);
  } catch (error) {
    environment.stderr(`vitrine grade: ${error instanceof Error ? error.message : String(error)}\n`);
    return isUsersFault(error) ? Status.BadArguments : Status.EmulatorFailed;
  }
}

/** A file that cannot be read or written is told by its path. */
class Unusable extends Error {}

const isUsersFault = (error: unknown): boolean =>
  error instanceof BadGradeOption || error instanceof LabUnreadable || error instanceof Unusable;

/** A lab by name, or from a folder. */
async function labOf(name: string): Promise<{ readonly lab: Lab; readonly instructor: string | undefined }> {
  const known = findLab(name);
  if (known) return { lab: known, instructor: instructorPage(name) };
  if (!(await stat(name).catch(() => undefined))?.isDirectory())
    throw new BadGradeOption(`there is no lab "${name}" and no folder of that name; there are ${labIds().join(", ")}`);
  const files: Record<string, string> = {};
  for (const file of await readdir(name)) if (/\.(json|md|asm)$/.test(file)) files[file] = await readFile(join(name, file), "utf8");
  return { lab: readLab(basename(name), files), instructor: files["instructor.md"] };
}

async function print(lab: Lab, instructor: string | undefined, options: GradeOptions, environment: Environment): Promise<number> {
  const student = labFor(lab, options.student ?? "");
  const text = options.print === "text" ? labText(student) : options.print === "template" ? answerTemplate(student) : instructor;
  if (text === undefined) throw new BadGradeOption(`${lab.id} has no instructor.md`);
  await write(text, options, environment);
  return Status.AllPassed;
}

async function grade(lab: Lab, options: GradeOptions, environment: Environment): Promise<number> {
  const submissions = await findSubmissions(options.submissions, lab).catch((error: Error) => {
    throw new Unusable(error.message);
  });
  if (submissions.length === 0) throw new Unusable(`no submissions in ${options.submissions.join(", ")}`);
  // A path that cannot be written should not be found out after an hour.
  if (options.out !== undefined) await write("", options, environment);
  const wasm = await WebAssembly.compile(await environment.loadWasm());
  const rows: Row[] = [];
  let worst = 0;
  for (const [n, submission] of submissions.entries()) {
    tell(environment, `${n + 1} of ${submissions.length}: ${submission.name}`, false);
    const { row, fault } = await gradeOne(wasm, lab, submission, options.student);
    worst = Math.max(worst, fault ?? 0);
    rows.push(row);
    // The machines of the row before can be collected.
    await new Promise((resolve) => setImmediate(resolve));
  }
  tell(environment, "", true);
  for (const [student, files] of doubles(rows))
    environment.stderr(`vitrine grade: ${files.join(" and ")} are all for the student "${student}"\n`);
  const text = options.format === "csv" ? csv(lab, rows) : options.format === "json" ? json(lab, rows) : table(lab, rows);
  await write(text, options, environment);
  if (worst > 0) return worst;
  return rows.every(isPassed) ? Status.AllPassed : Status.SomeFailed;
}

async function gradeOne(
  wasm: WebAssembly.Module,
  lab: Lab,
  submission: Submission,
  givenStudent: string | undefined,
): Promise<{ readonly row: Row; readonly fault: number | undefined }> {
  let student = givenStudent ?? submission.stem;
  const verdicts: Verdict[] = [];
  const refused = (problem: string): Row => ({ file: submission.name, student, verdicts, problem });
  try {
    const read = await readSubmission(submission, lab);
    student = givenStudent ?? read.student;
    const own = labFor(lab, student);
    for (const task of lab.tasks) verdicts.push(await checkTask({ wasm }, own, task, read.answers[task.id]));
    return { row: refused(""), fault: undefined };
  } catch (error) {
    if (error instanceof AnswersUnreadable) return { row: refused(error.message), fault: undefined };
    if (isOneRow(error)) return { row: refused(`A fault of Vitrine, not of the student: ${error.message}`), fault: Status.EmulatorFailed };
    // For the constants of this student only: the rows of the others stand.
    if (error instanceof LabUnreadable)
      return { row: refused(`A fault of the lab, not of the student: ${error.message}`), fault: Status.BadArguments };
    throw error;
  }
}

/** Students for whom there is more than one row. */
function doubles(rows: readonly Row[]): [string, string[]][] {
  const files = new Map<string, string[]>();
  for (const { student, file } of rows) files.set(student, [...(files.get(student) ?? []), file]);
  return [...files].filter(([, names]) => names.length > 1);
}

/** One line of progress, overwritten in a terminal. */
function tell(environment: Environment, text: string, isLast: boolean): void {
  if (environment.terminal) environment.stderr(`\r\x1b[K${isLast ? "" : text.replace(/[^ -~]/g, "?")}`);
  else if (!isLast) environment.stderr(`${text}\n`);
}

async function write(text: string, { out }: GradeOptions, environment: Environment): Promise<void> {
  if (out === undefined) {
    environment.stdout(text);
    return;
  }
  try {
    await environment.writeFile(out, new TextEncoder().encode(text));
  } catch (error) {
    throw new Unusable(`--out ${error instanceof Error ? error.message : String(error)}`);
  }
}

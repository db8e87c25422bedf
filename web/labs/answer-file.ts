/**
 * A student's answers as one text file: what the page exports and imports, and what `vitrine grade` reads. It can be
 * written by hand:
 *
 *   lab: lab1
 *   student: s1234567
 *   read: 1 2 3            (steps marked as read; only the page cares)
 *
 *   === monitor            a program task: its source
 *   gp_handler:
 *           …
 *   === predict            a task with questions: name = answer
 *   outs = 12
 */
import type { LabAnswer } from "../protocol/lab-check";
import type { Lab } from "./format";

export type Answer = LabAnswer;

export interface AnswerFile {
  readonly lab: string;
  readonly student: string;
  readonly read: readonly number[];
  /** By task. */
  readonly answers: Readonly<Record<string, Answer>>;
}

export const MOST_FILE_CHARACTERS = 256 * 1024;

/** Why a file is no answer file, as one line that says what to do. */
export class AnswersUnreadable extends Error {
  readonly kind = "AnswersUnreadable";
}

const HEAD = /^===\s*(\S+)\s*$/;

/** Throws AnswersUnreadable. Sections of tasks that the lab does not have are mistakes, too. */
export function readAnswers(text: string, lab: Lab): AnswerFile {
  if (text.length > MOST_FILE_CHARACTERS)
    throw new AnswersUnreadable(`The file has ${text.length} characters; an answer file has at most ${MOST_FILE_CHARACTERS}.`);
  if (text.includes("\0")) throw new AnswersUnreadable("The file is not a text file; an answer file is what the Lab tab exports.");
  const sections = new Map<string, string[]>();
  const head: string[] = [];
  let lines = head;
  for (const line of text.replace(/^\ufeff/, "").split(/\r?\n/)) {
    const id = HEAD.exec(line)?.[1];
    if (id === undefined) {
      lines.push(line);
      continue;
    }
    if (!lab.tasks.some((task) => task.id === id))
      throw new AnswersUnreadable(`There is no task "${id}" in ${lab.id}; its tasks are ${lab.tasks.map((task) => task.id).join(", ")}.`);
    if (sections.has(id)) throw new AnswersUnreadable(`The task "${id}" stands in the file twice.`);
    lines = [];
    sections.set(id, lines);
  }
  const fields = pairs(head, ":");
  if (fields.lab === undefined)
    throw new AnswersUnreadable(`The file does not begin with the line "lab: ${lab.id}"; an answer file is what the Lab tab exports.`);
  if (fields.lab !== lab.id) throw new AnswersUnreadable(`The file is for ${fields.lab}, not for ${lab.id}.`);
  const answers: Record<string, Answer> = {};
  for (const task of lab.tasks) {
    const section = sections.get(task.id);
    if (section) answers[task.id] = task.kind === "program" ? trimLines(section) : pairs(section, "=");
  }
  const read = (fields.read ?? "")
    .split(/\s+/)
    .map(Number)
    .filter((step) => Number.isInteger(step) && step > 0 && step <= lab.steps.length);
  return { lab: lab.id, student: fields.student ?? "", read, answers };
}

/** The same, as text. A line of a source that would look like a section gets a space before it. */
export function writeAnswers(file: AnswerFile, lab: Lab): string {
  const head = [`lab: ${file.lab}`, `student: ${file.student}`, ...(file.read.length > 0 ? [`read: ${file.read.join(" ")}`] : [])];
  const sections = lab.tasks.flatMap((task) => {
    const answer = file.answers[task.id];
    if (answer === undefined) return [];
    const lines =
      typeof answer === "string"
        ? answer.split(/\r?\n/).map((line) => (HEAD.test(line) ? ` ${line}` : line))
        : Object.entries(answer).map(([name, value]) => `${name} = ${value.replace(/\s+/g, " ")}`);
    return ["", `=== ${task.id}`, ...lines];
  });
  return `${[...head, ...sections].join("\n")}\n`;
}

function pairs(lines: readonly string[], separator: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of lines) {
    const at = line.indexOf(separator);
    if (at > 0 && !/^\s*[;#]/.test(line)) found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}

/** Line numbers in messages are those of the section, counted from the line after its head. */
function trimLines(lines: readonly string[]): string {
  let end = lines.length;
  while (end > 0 && lines[end - 1]!.trim() === "") end--;
  return lines.slice(0, end).join("\n");
}

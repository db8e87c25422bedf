/** What `vitrine grade` prints: a table for people, CSV for spreadsheets, JSON for programs. */
import type { Verdict } from "../labs/engine/check";
import type { Lab } from "../labs/format";

export interface Row {
  readonly file: string;
  readonly student: string;
  /** By task, in the lab's order; empty where nothing could be checked. */
  readonly verdicts: readonly Verdict[];
  /** Why nothing could be checked; else empty. */
  readonly problem: string;
}

export const isPassed = ({ verdicts, problem }: Row): boolean => problem === "" && verdicts.every(({ passed }) => passed);

const points = ({ verdicts }: Row): number => verdicts.filter(({ passed }) => passed).length;

/** The first reason for not passing. */
const reasonOf = ({ verdicts, problem }: Row): string => {
  const failed = verdicts.find(({ passed }) => !passed);
  return problem || (failed ? `${failed.task}: ${failed.reason}` : "");
};

export function table(lab: Lab, rows: readonly Row[]): string {
  const wide = Math.max(7, ...rows.map(({ student }) => visible(student).length));
  const lines = rows.map((row) => {
    const state = isPassed(row) ? "passed" : "NOT YET";
    return `${visible(row.student).padEnd(wide)}  ${String(points(row)).padStart(2)} of ${lab.tasks.length}  ${state}${isPassed(row) ? "" : `  ${visible(reasonOf(row))}`}`;
  });
  const passed = rows.filter(isPassed).length;
  return `${[...lines, "", `${lab.id}, ${lab.title}: ${passed} of ${rows.length} passed.`].join("\n")}\n`;
}

export function csv(lab: Lab, rows: readonly Row[]): string {
  const head = ["file", "student", "lab", "passed", "tasks_passed", "tasks", ...lab.tasks.map(({ id }) => id), "reason"];
  const lines = rows.map((row) => {
    const byTask = lab.tasks.map(({ id }) => {
      const verdict = row.verdicts.find(({ task }) => task === id);
      return verdict === undefined ? "" : verdict.passed ? "passed" : "failed";
    });
    return [
      row.file,
      row.student,
      lab.id,
      isPassed(row) ? "yes" : "no",
      String(points(row)),
      String(lab.tasks.length),
      ...byTask,
      reasonOf(row),
    ];
  });
  return `${[head, ...lines].map((cells) => cells.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** Quoted as RFC 4180 wants; a text that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function json(lab: Lab, rows: readonly Row[]): string {
  const students = rows.map((row) => ({
    file: row.file,
    student: row.student,
    passed: isPassed(row),
    reason: reasonOf(row),
    tasks: row.verdicts.map(({ task, passed, reason, checks }) => ({ task, passed, reason, checks })),
  }));
  return `${JSON.stringify({ lab: lab.id, title: lab.title, tasks: lab.tasks.map(({ id, title }) => ({ id, title })), students }, undefined, 2)}\n`;
}

/** Control characters of a hostile name or answer do nothing to the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant
const visible = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");

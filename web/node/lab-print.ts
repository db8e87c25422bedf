/** A lab as plain text: as a student sees it, and the empty answer file. */
import { writeAnswers } from "../labs/answer-file";
import { fileFor, type StudentLab, type Task } from "../labs/format";
import { inlineOf, type Part } from "../labs/text";
import { fill } from "../lib/expression";

const WIDTH = 100;

export function labText(student: StudentLab): string {
  const { lab } = student;
  const lines = [`${lab.title} (${lab.id}, about ${lab.minutes} minutes${student.student === "" ? "" : `, for ${student.student}`})`, ""];
  for (const [n, step] of lab.steps.entries()) {
    lines.push(`${n + 1}. ${step.title}`, "-".repeat(step.title.length + 3), "");
    for (const part of step.parts) lines.push(...printPart(part, student), "");
  }
  return `${lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trimEnd()}\n`;
}

function printPart(part: Part, student: StudentLab): string[] {
  const words = (text: string): string =>
    inlineOf(fill(text, student.constants))
      .map((piece) => (piece.kind === "link" && /^https?:/.test(piece.address) ? `${piece.text} (${piece.address})` : piece.text))
      .join("");
  switch (part.kind) {
    case "paragraph":
      return wrap(words(part.text), "");
    case "note":
      return wrap(words(part.text), "  | ");
    case "heading":
      return [words(part.text)];
    case "list":
      return part.items.flatMap((item, n) => wrap(words(item), part.numbered ? `${n + 1}. ` : "- ", true));
    case "block":
      return fill(part.text, student.constants)
        .split("\n")
        .map((line) => `    ${line}`);
    case "table":
      return printTable([part.head, ...part.rows].map((row) => row.map(words)));
    case "source":
      return [
        `    ; ${part.file}`,
        ...fileFor(student, part.file)
          .trimEnd()
          .split("\n")
          .map((line) => `    ${line}`),
      ];
    case "task":
      return printTask(student.lab.tasks.find(({ id }) => id === part.id)!, student);
  }
}

function printTask(task: Task, student: StudentLab): string[] {
  const lines = [`[task ${task.id}: ${task.title}]`];
  if (task.kind === "program")
    return [...lines, "  Write a program; it must fulfil:", ...task.checks.map(({ name }) => `  - ${fill(name, student.constants)}`)];
  for (const { name, label, group, options } of task.fields) {
    if (group !== "") lines.push(`  ${fill(group, student.constants)}`);
    lines.push(`  ${name} = …   ${fill(label, student.constants)}${options.length > 0 ? ` (${options.join(", ")})` : ""}`);
  }
  return lines;
}

function printTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(
    (row) =>
      `    ${row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()}`,
  );
}

function wrap(text: string, indent: string, hanging = false): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + word.length >= WIDTH) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each, n) => (hanging && n > 0 ? " ".repeat(indent.length) : indent) + each);
}

/** Programs as they stand in the editor at first, questions without answers. */
export function answerTemplate(student: StudentLab): string {
  const { lab } = student;
  const answers = Object.fromEntries(
    lab.tasks.map((task) => [
      task.id,
      task.kind === "program" ? fileFor(student, task.start).trimEnd() : Object.fromEntries(task.fields.map(({ name }) => [name, ""])),
    ]),
  );
  return writeAnswers({ lab: lab.id, student: student.student, read: [], answers }, lab);
}

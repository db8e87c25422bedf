/** Students' files: finds them, and reads each into answers, or into the reason why not. */
import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Answer, AnswersUnreadable, MOST_FILE_CHARACTERS, readAnswers } from "../labs/answer-file";
import type { Lab } from "../labs/format";

/** What one student handed in: its files, not read yet. */
export interface Submission {
  /** As the report names it. */
  readonly name: string;
  /** Student's ID where the answers do not say one. */
  readonly stem: string;
  /** One answer file, or one file for each task. */
  readonly files: readonly { readonly path: string; readonly task: string | undefined }[];
}

export interface Answers {
  readonly student: string;
  readonly answers: Readonly<Record<string, Answer>>;
}

/** Rejects with an error whose message names the path where nothing can be read. */
export async function findSubmissions(paths: readonly string[], lab: Lab): Promise<Submission[]> {
  const found: Submission[] = [];
  for (const path of paths) {
    const stat = await lstat(path).catch(() => undefined);
    if (!stat) throw new Error(`${path}: no such file or folder`);
    if (stat.isDirectory()) found.push(...(await inFolder(path, lab)));
    else found.push(single(path, lab));
  }
  return found;
}

async function inFolder(folder: string, lab: Lab): Promise<Submission[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith("."));
  entries.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const isOneStudent =
    entries.length > 0 && entries.every((entry) => entry.isFile() && lab.tasks.some(({ id }) => isTaskFile(entry.name, id)));
  if (isOneStudent) return [await studentFolder(folder, lab)];
  const found: Submission[] = [];
  const byStem = new Map<string, { path: string; task: string }[]>();
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const [, stem, task] = /^(.+)\.([^.]+)\.(?:asm|txt)$/.exec(entry.name) ?? [];
    if (entry.isDirectory()) found.push(await studentFolder(path, lab));
    else if (task !== undefined && lab.tasks.some(({ id }) => id === task))
      byStem.set(stem!, [...(byStem.get(stem!) ?? []), { path, task }]);
    else found.push(single(path, lab));
  }
  return [...found, ...[...byStem].map(([stem, files]) => ({ name: stem, stem, files }))];
}

const isTaskFile = (name: string, task: string): boolean => name === `${task}.asm` || name === `${task}.txt`;

function single(path: string, lab: Lab): Submission {
  const name = basename(path);
  const task = lab.tasks.find(({ id }) => isTaskFile(name, id))?.id;
  return { name, stem: name.replace(/\.[^.]+$/, ""), files: [{ path, task }] };
}

async function studentFolder(folder: string, lab: Lab): Promise<Submission> {
  const stem = basename(folder);
  const files: Submission["files"][number][] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const task = lab.tasks.find(({ id }) => isTaskFile(entry.name, id))?.id;
    if (task !== undefined) files.push({ path: join(folder, entry.name), task });
    else if (/\.(txt|lab)$/.test(entry.name)) files.push({ path: join(folder, entry.name), task: undefined });
  }
  return { name: stem, stem, files };
}

/** Rejects with AnswersUnreadable. Later files of a student complete earlier ones. */
export async function readSubmission({ stem, files }: Submission, lab: Lab): Promise<Answers> {
  if (files.length === 0)
    throw new AnswersUnreadable(
      `The folder has no answer file and none named after a task: ${lab.tasks.map(({ id }) => `${id}.asm`).join(", ")}.`,
    );
  let student = "";
  const answers: Record<string, Answer> = {};
  for (const { path, task } of files) {
    const text = await readText(path);
    const kind = lab.tasks.find(({ id }) => id === task)?.kind;
    const hasHead = /^\s*lab\s*:/i.test(text.replace(/^\ufeff/, ""));
    if (task === undefined || hasHead) {
      const read = readAnswers(text, lab);
      student ||= read.student;
      Object.assign(answers, read.answers);
    } else answers[task] = kind === "program" ? text : readAnswers(`lab: ${lab.id}\n=== ${task}\n${text}`, lab).answers[task]!;
  }
  return { student: student || stem, answers };
}

async function readText(path: string): Promise<string> {
  const stat = await lstat(path);
  if (!stat.isFile()) throw new AnswersUnreadable(`${basename(path)} is not a file but a link or something else.`);
  if (stat.size > MOST_FILE_CHARACTERS)
    throw new AnswersUnreadable(`${basename(path)} has ${stat.size} bytes; at most ${MOST_FILE_CHARACTERS} are taken.`);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new AnswersUnreadable(`${basename(path)} cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"}).`);
  }
  if (bytes.includes(0)) throw new AnswersUnreadable(`${basename(path)} is not a text file; save it as UTF-8 text.`);
  return new TextDecoder().decode(bytes);
}

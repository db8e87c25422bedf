/** What a student has done in the labs: ID, answers, steps read, tasks passed. Kept in this browser; exported as an answer file. */
import type { Answer, AnswerFile } from "../../labs/answer-file";
import { Store } from "../store";

export interface LabProgress {
  /** Step shown last, from 0. */
  readonly step: number;
  /** Steps finished, from 1. */
  readonly read: readonly number[];
  /** Answers that differ from what stood there at first, by task. */
  readonly answers: Readonly<Record<string, Answer>>;
  /** Tasks whose answer, as it is, has passed for this student. */
  readonly passed: readonly string[];
}

export interface LabsState {
  /** The lab that is open; undefined: the list. */
  readonly open: string | undefined;
  readonly student: string;
  readonly labs: Readonly<Record<string, LabProgress>>;
}

const KEY = "vitrine.labs";
export const NOTHING_DONE: LabProgress = { step: 0, read: [], answers: {}, passed: [] };

function load(): LabsState {
  const empty: LabsState = { open: undefined, student: "", labs: {} };
  try {
    const saved = JSON.parse(localStorage.getItem(KEY) ?? "null") as Partial<LabsState> | null;
    if (saved === null || typeof saved !== "object") return empty;
    const labs = Object.entries(saved.labs ?? {}).map(([id, progress]) => [id, checked(progress)]);
    return {
      open: typeof saved.open === "string" ? saved.open : undefined,
      student: typeof saved.student === "string" ? saved.student : "",
      labs: Object.fromEntries(labs),
    };
  } catch {
    return empty;
  }
}

/** What another version has stored, or somebody else, is taken as far as it makes sense. */
function checked(value: unknown): LabProgress {
  const { step, read, answers, passed } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const isAnswer = (answer: unknown): answer is Answer =>
    typeof answer === "string" ||
    (typeof answer === "object" && answer !== null && Object.values(answer).every((field) => typeof field === "string"));
  return {
    step: Number.isInteger(step) ? (step as number) : 0,
    read: Array.isArray(read) ? read.filter(Number.isInteger) : [],
    answers: Object.fromEntries(
      Object.entries(typeof answers === "object" && answers !== null ? answers : {}).filter((entry): entry is [string, Answer] =>
        isAnswer(entry[1]),
      ),
    ),
    passed: Array.isArray(passed) ? passed.filter((task) => typeof task === "string") : [],
  };
}

export class LabProgressStore {
  readonly state = new Store(load());
  /** False: this browser keeps nothing here, so the student should export. */
  isKept = true;

  constructor() {
    this.state.onChange(() => this.#save());
  }

  of(lab: string): LabProgress {
    return this.state.value.labs[lab] ?? NOTHING_DONE;
  }

  open(lab: string | undefined): void {
    this.state.patch({ open: lab });
  }

  /** Other constants: what has passed has passed for somebody else. */
  setStudent(student: string): void {
    const labs = Object.fromEntries(Object.entries(this.state.value.labs).map(([id, progress]) => [id, { ...progress, passed: [] }]));
    this.state.patch({ student, labs });
  }

  goTo(lab: string, step: number): void {
    this.#patch(lab, { step });
  }

  finish(lab: string, step: number): void {
    const { read } = this.of(lab);
    this.#patch(lab, { read: [...new Set([...read, step + 1])].sort((a, b) => a - b) });
  }

  answer(lab: string, task: string, answer: Answer): void {
    const { answers, passed } = this.of(lab);
    this.#patch(lab, { answers: { ...answers, [task]: answer }, passed: passed.filter((each) => each !== task) });
  }

  pass(lab: string, task: string): void {
    const { passed } = this.of(lab);
    this.#patch(lab, { passed: [...new Set([...passed, task])] });
  }

  /** Back to what stood there at first. */
  forget(lab: string, task: string): void {
    const { answers, passed } = this.of(lab);
    const { [task]: _forgotten, ...rest } = answers;
    this.#patch(lab, { answers: rest, passed: passed.filter((each) => each !== task) });
  }

  export(lab: string): AnswerFile {
    const { read, answers } = this.of(lab);
    return { lab, student: this.state.value.student, read, answers };
  }

  /** Takes the place of what was there. */
  import(file: AnswerFile): void {
    if (file.student !== this.state.value.student) this.setStudent(file.student);
    this.#patch(file.lab, { ...NOTHING_DONE, read: file.read, answers: file.answers });
  }

  #patch(lab: string, fields: Partial<LabProgress>): void {
    this.state.patch({ labs: { ...this.state.value.labs, [lab]: { ...this.of(lab), ...fields } } });
  }

  #save(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.state.value));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }
}

/** One for the page: the tab comes and goes. */
export const labProgress = new LabProgressStore();

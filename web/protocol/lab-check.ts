/** Page ↔ the worker that checks answers to labs: one question, one answer. */
/** A source, or answers by field. */
export type LabAnswer = string | Readonly<Record<string, string>>;

export interface LabQuestion {
  readonly lab: string;
  readonly task: string;
  readonly student: string;
  readonly answer: LabAnswer;
}

export interface LabCheckResult {
  readonly name: string;
  /** The field of a task with questions; empty: of the whole task. */
  readonly field: string;
  readonly passed: boolean;
  /** Why not; empty if passed. */
  readonly why: string;
}

export interface LabVerdict {
  readonly task: string;
  readonly passed: boolean;
  readonly checks: readonly LabCheckResult[];
  /** The first reason for failing; empty if passed. */
  readonly reason: string;
  /** What the core counted in a student's program, by run: shown beside the reasons. Empty for questions, which ask just that. */
  readonly counted: readonly LabCounted[];
}

export interface LabCounted {
  readonly run: string;
  readonly exits: Readonly<Record<string, number>>;
  readonly instructions: number;
  readonly serial: string;
}

/** `error`: one line; the lab is wrong, or Vitrine is. */
export type LabReply = { readonly verdict: LabVerdict } | { readonly error: string };

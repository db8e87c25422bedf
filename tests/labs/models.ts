/** Model and wrong answers of every lab: they live here and not in web/, so that what is built does not hold them. */
import type { Answer } from "../../web/labs/answer-file";
import type { Constants } from "../../web/labs/constants";
import { LAB1 } from "./model-lab1";
import { LAB2 } from "./model-lab2";
import { LAB3 } from "./model-lab3";
import { LAB5 } from "./model-lab5";

export interface Wrong {
  readonly task: string;
  /** A whole program, or changes to the model's answers. */
  readonly answer?: string;
  readonly change?: Readonly<Record<string, string>> | ((constants: Constants) => Readonly<Record<string, string>>);
  /** What the student must be told. */
  readonly reason: RegExp;
}

export interface Model {
  readonly answers: (constants: Constants) => Readonly<Record<string, Answer>>;
  readonly wrong: readonly Wrong[];
}

export const MODELS: Readonly<Record<string, Model>> = { lab1: LAB1, lab2: LAB2, lab3: LAB3, lab5: LAB5 };

export function wrongAnswer({ task, answer, change }: Wrong, model: Model, constants: Constants): Answer {
  if (answer !== undefined) return answer;
  const right = model.answers(constants)[task] as Readonly<Record<string, string>>;
  return { ...right, ...(typeof change === "function" ? change(constants) : change) };
}

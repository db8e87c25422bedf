/** Model and wrong answers of every lab: they live here and not in web/, so that what is built does not hold them. */
import type { Answer } from "../../web/labs/answer-file";
import type { Constants } from "../../web/labs/constants";
import { LAB0 } from "./model-lab0";
import { LAB1 } from "./model-lab1";
import { LAB2 } from "./model-lab2";
import { LAB3 } from "./model-lab3";
import { LAB4 } from "./model-lab4";
import { LAB5 } from "./model-lab5";
import { LAB6 } from "./model-lab6";
import { LAB7 } from "./model-lab7";

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

export const MODELS: Readonly<Record<string, Model>> = {
  lab0: LAB0,
  lab1: LAB1,
  lab2: LAB2,
  lab3: LAB3,
  lab4: LAB4,
  lab5: LAB5,
  lab6: LAB6,
  lab7: LAB7,
};

export function wrongAnswer({ task, answer, change }: Wrong, model: Model, constants: Constants): Answer {
  if (answer !== undefined) return answer;
  const right = model.answers(constants)[task] as Readonly<Record<string, string>>;
  return { ...right, ...(typeof change === "function" ? change(constants) : change) };
}

/** Acceptance line 3.8, at full count: model answers of many students, and every wrong answer for several. */
import { checkTask } from "../../web/labs/engine/check";
import { labFor } from "../../web/labs/format";
import { coreWasm } from "../tools/core";
import { labFolders, labFromFolder } from "./lab-files";
import { MODELS, wrongAnswer } from "./models";

export interface LabFigures {
  readonly labs: number;
  readonly models: number;
  /** Model answers that did not pass: who, what, why. */
  readonly modelFailures: readonly string[];
  readonly wrongs: number;
  /** Wrong answers that passed, or failed for another reason than the stated one. */
  readonly wrongFailures: readonly string[];
  /** Fewest wrong answers of any task. */
  readonly fewestWrongs: number;
}

export async function measureLabs(students: number, studentsForWrong: number): Promise<LabFigures> {
  const engine = { wasm: await WebAssembly.compile(coreWasm()) };
  const modelFailures: string[] = [];
  const wrongFailures: string[] = [];
  let models = 0;
  let wrongs = 0;
  let fewestWrongs = Number.POSITIVE_INFINITY;
  for (const id of labFolders()) {
    const lab = labFromFolder(id);
    const model = MODELS[id]!;
    for (const { id: task } of lab.tasks) fewestWrongs = Math.min(fewestWrongs, model.wrong.filter((wrong) => wrong.task === task).length);
    for (let n = 0; n < students; n++) {
      const student = labFor(lab, `student ${n}`);
      const answers = model.answers(student.constants);
      for (const task of lab.tasks) {
        const { passed, reason } = await checkTask(engine, student, task, answers[task.id]);
        models++;
        if (!passed) modelFailures.push(`${id} ${task.id} student ${n}: ${reason}`);
        // The machines before can be collected.
        await new Promise((resolve) => setTimeout(resolve));
      }
      if (n >= studentsForWrong) continue;
      for (const wrong of model.wrong) {
        const task = lab.tasks.find((each) => each.id === wrong.task)!;
        const { passed, reason } = await checkTask(engine, student, task, wrongAnswer(wrong, model, student.constants));
        wrongs++;
        if (passed || !wrong.reason.test(reason))
          wrongFailures.push(`${id} ${wrong.task} ${wrong.reason} student ${n}: ${passed ? "passed" : reason}`);
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
  }
  return { labs: labFolders().length, models, modelFailures, wrongs, wrongFailures, fewestWrongs };
}

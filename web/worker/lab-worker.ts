/** The worker that checks answers to labs. It is started for it, and ended when it takes too long: the page goes on. */
import { findLab } from "../labs/catalog";
import { checkTask } from "../labs/engine/check";
import { labFor } from "../labs/format";
import type { LabQuestion, LabReply, LabVerdict } from "../protocol/lab-check";
import { coreModule } from "./core-wasm";

const scope = globalThis as unknown as {
  postMessage(message: LabReply): void;
  onmessage: ((event: { readonly data: LabQuestion }) => void) | null;
};

async function verdictOn({ lab: id, task: name, student, answer }: LabQuestion): Promise<LabVerdict> {
  const lab = findLab(id);
  const task = lab?.tasks.find((each) => each.id === name);
  if (!lab || !task) throw new Error(`there is no task ${name} in ${id}`);
  return checkTask({ wasm: await coreModule() }, labFor(lab, student), task, answer);
}

scope.onmessage = ({ data }) => {
  verdictOn(data).then(
    (verdict) => scope.postMessage({ verdict }),
    (error: unknown) => scope.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
};

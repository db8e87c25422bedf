/** Asks the lab worker for a verdict. A worker that does not answer in time is ended; the next question starts another. */
import type { LabQuestion, LabReply, LabVerdict } from "../../protocol/lab-check";

/** The engine's own limits are far below: only something wrong takes so long. */
const MOST_MS = 120_000;

let worker: Worker | undefined;

function end(): void {
  worker?.terminate();
  worker = undefined;
}

/** Rejects with an error whose message is for people. One question at a time. */
export function askLabWorker(question: LabQuestion): Promise<LabVerdict> {
  worker ??= new Worker(new URL("../../worker/lab-worker.ts", import.meta.url), { type: "module", name: "vitrine-lab" });
  const asked = worker;
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      end();
      reject(new Error(`The check did not end within ${MOST_MS / 1000} s and was stopped. Is this device very busy? Try again.`));
    }, MOST_MS);
    const done = (settle: () => void): void => {
      clearTimeout(late);
      asked.onmessage = null;
      asked.onerror = null;
      settle();
    };
    asked.onmessage = ({ data }: MessageEvent<LabReply>) =>
      done(() => ("verdict" in data ? resolve(data.verdict) : reject(new Error(data.error))));
    asked.onerror = (event) => {
      end();
      done(() =>
        reject(new Error(`The check failed: ${event.message || "its worker could not be started"}. Reload the page and try again.`)),
      );
    };
    asked.postMessage(question);
  });
}

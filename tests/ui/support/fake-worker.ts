/**
 * Workers with one fault each, served in place of the machine's worker: ends of a machine that a healthy core does not
 * reach on demand. They speak the real protocol (web/protocol); only what they say is made up.
 */
import type { Page } from "@playwright/test";
import type { WorkerEvent } from "../../../web/protocol/events";

/** A worker that answers `create` and `start`, reports to be running, and then says `events`. */
export function workerSaying(...events: WorkerEvent[]): string {
  return `
    const status = (state) => postMessage({ type: "status", status: { state, mips: 40, idle: 0, instructions: 1e6, guestSeconds: 1, memoryMb: 16, unimplemented: [] } });
    onmessage = ({ data }) => {
      if (data.id === undefined) return;
      if (data.type === "start") {
        status("running");
        postMessage({ type: "serial", port: 0, bytes: new TextEncoder().encode("last words\\r\\n") });
      }
      postMessage({ type: "reply", id: data.id, value: data.type === "create" ? { summary: "", memoryMb: 16 } : null });
      if (data.type === "start") for (const event of ${JSON.stringify(events)}) {
        if (event.type === "ended") status("ended");
        postMessage(event);
      }
    };
    postMessage({ type: "ready" });`;
}

/** A worker that throws outside of any command, half a second after the start. */
export const THROWING_WORKER = `${workerSaying()}
  const answer = onmessage;
  onmessage = (event) => { answer(event); if (event.data.type === "start") setTimeout(() => { throw new Error("made up"); }, 500); };`;

/** A worker that never says anything after the start. */
export const SILENT_WORKER = workerSaying();

/** Must be called before the page is opened; service workers have to be blocked, or they would serve the real one. */
export async function serveWorker(page: Page, script: string | undefined): Promise<void> {
  await page.route(/\/assets\/worker-[^/]*\.js$/, (route) =>
    script === undefined ? route.abort() : route.fulfill({ contentType: "text/javascript", headers: ISOLATION, body: script }),
  );
}

/** Isolated pages take no worker without them. */
export const ISOLATION = { "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin" };

/** The page's entry: styles, the application, and the service worker where the browser allows one. */
import { h, render } from "preact";
import "@xterm/xterm/css/xterm.css";
import "./ui/styles/tokens.css";
import "./ui/styles/layout.css";
import "./ui/styles/controls.css";
import "./ui/styles/machines.css";
import "./ui/styles/snapshots.css";
import "./ui/styles/terminal.css";
import "./ui/styles/screen.css";
import "./ui/styles/inspect.css";
import "./ui/styles/panels.css";
import "./ui/styles/labs.css";
import type { WorkerPort } from "./protocol/channel";
import { App } from "./ui/app";
import { Controller } from "./ui/controller";
import { applyProjector } from "./ui/projector";

const base = new URL(".", location.href).href;
const createWorker = (): WorkerPort =>
  new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module", name: "vitrine-machine" }) as unknown as WorkerPort;

applyProjector();
const controller = new Controller(base, createWorker);
const root = document.getElementById("app")!;
root.replaceChildren();
render(h(App, { controller }), root);
void controller.begin();

addEventListener("beforeunload", (event) => {
  if (controller.hasSomethingToLose) event.preventDefault();
});

if (import.meta.env.PROD && "serviceWorker" in navigator)
  // Only a convenience: without it the page needs its server each time.
  navigator.serviceWorker.register(`${base}service-worker.js`).catch(() => {});

/**
 * The worker's entry: commands in, events out. Built as a module of its own; the page starts one worker per machine,
 * and ending the worker is how a machine's memory is given back.
 */

import { toWire } from "../lib/errors";
import { answer, type Send } from "../protocol/channel";
import type { Command } from "../protocol/commands";
import { builtinImage } from "./builtin-image";
import { coreModule } from "./core-wasm";
import { ImageStore } from "./image-store";
import { MachineService } from "./machine-service";

/** The worker's global scope, of which TypeScript's DOM library knows only the page's side. */
const scope = globalThis as unknown as {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: { readonly data: Command }) => void) | null;
  addEventListener(type: "unhandledrejection", listener: (event: { readonly reason: unknown }) => void): void;
};
const send: Send = (event, transfer = []) => scope.postMessage(event, transfer);

const service = new MachineService({ send, images: new ImageStore({ builtin: builtinImage }), wasm: coreModule });
// In the developer tools' console of this worker, `vitrine.machine` is the Machine of docs/api.md.
Object.assign(globalThis, { vitrine: service });
scope.onmessage = ({ data }) => void answer(data, service.handlers, send);
scope.addEventListener("unhandledrejection", ({ reason }) => send({ type: "crashed", error: toWire(reason) }));
send({ type: "ready" });
// The core is wanted in any case; an error is reported to the one who asks for it.
coreModule().catch(() => {});

/**
 * Both ends of the line between page and worker. The page's end numbers its requests and matches the answers; when
 * the worker crashes, every request still open is rejected, so that nothing in the page waits for ever. The worker's
 * end calls one handler per command and turns what it throws into data.
 */
import { AssertionFailed, fromWire, toWire } from "../lib/errors";
import type { Command, Notice, Replies, Request } from "./commands";
import type { Announcement, WorkerEvent } from "./events";

/** The part of `Worker` that the page's end needs. */
export interface WorkerPort {
  postMessage(message: Command, transfer: Transferable[]): void;
  onmessage: ((event: { readonly data: WorkerEvent }) => void) | null;
  onerror: ((event: { readonly message?: string; preventDefault(): void }) => void) | null;
  onmessageerror: ((event: unknown) => void) | null;
  terminate(): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The page's end. */
export class Channel {
  readonly #port: WorkerPort;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closedBy: Error | undefined;
  /** Everything the worker says by itself, `crashed` included, which also comes from a worker that could not load. */
  onEvent: ((event: Announcement) => void) | undefined;

  constructor(port: WorkerPort) {
    this.#port = port;
    port.onmessage = ({ data }) => this.#receive(data);
    port.onerror = (event) => {
      event.preventDefault();
      // Without a message the script itself could not be fetched or parsed.
      this.#crash(new AssertionFailed(event.message ? `the worker goes on, but: ${event.message}` : "the worker's program can be loaded"));
    };
    port.onmessageerror = () => this.#crash(new AssertionFailed("the page can read what the worker sends"));
  }

  /** Rejects with one of the errors of lib/errors.ts: what the worker threw, or why the line is closed. */
  request<R extends Request>(command: R, transfer: Transferable[] = []): Promise<Replies[R["type"]]> {
    return new Promise((resolve, reject) => {
      if (this.#closedBy) {
        reject(this.#closedBy);
        return;
      }
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#port.postMessage({ ...command, id } as Command, transfer);
    });
  }

  /** A command without an answer; lost without a word once the line is closed. */
  notify(command: Notice, transfer: Transferable[] = []): void {
    if (!this.#closedBy) this.#port.postMessage(command, transfer);
  }

  /** Ends the worker. Requests still open are rejected with `reason`. */
  close(reason: Error): void {
    if (this.#closedBy) return;
    this.#closedBy = reason;
    this.#port.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  #receive(event: WorkerEvent): void {
    if (this.#closedBy) return;
    switch (event.type) {
      case "reply":
        this.#take(event.id)?.resolve(event.value);
        return;
      case "refused":
        this.#take(event.id)?.reject(fromWire(event.error));
        return;
      case "crashed":
        this.#crash(fromWire(event.error));
        return;
      default:
        this.onEvent?.(event);
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #crash(error: Error): void {
    if (this.#closedBy) return;
    this.close(error);
    this.onEvent?.({ type: "crashed", error: toWire(error) });
  }
}

/** One function per command; what it returns or resolves to is the answer. */
export type Handlers = {
  [T in keyof Replies]: (command: Request<T>) => Replies[T] | Promise<Replies[T]>;
} & {
  [T in Notice["type"]]: (command: Extract<Notice, { readonly type: T }>) => void;
};

/** Sends an event to the page; `transfer` lists buffers to move instead of copy. */
export type Send = (event: WorkerEvent, transfer?: Transferable[]) => void;

/** The worker's end: answers one command. A handler's error becomes `refused`, a notice's error `crashed`. */
export async function answer(command: Command, handlers: Handlers, send: Send): Promise<void> {
  const handler = handlers[command.type] as ((command: Command) => unknown) | undefined;
  if (!("id" in command)) {
    try {
      handler?.(command);
    } catch (error) {
      send({ type: "crashed", error: toWire(error) });
    }
    return;
  }
  try {
    if (!handler) throw new AssertionFailed(`the worker knows the command ${(command as Command).type}`);
    send({ type: "reply", id: command.id, value: await handler(command) });
  } catch (error) {
    send({ type: "refused", id: command.id, error: toWire(error) });
  }
}

/**
 * The inside of one session's machine as the page knows it: the last picture, what changed since the last stop, the log
 * of exits, where to stop. It asks the worker only for what is to be seen.
 */
import { isEmulatorError } from "../lib/errors";
import { causeWords } from "../lib/exit-words";
import type { CheckResult, Inspection, InspectView, StepKind, StopCause, StopSpec, TrapEvent } from "../lib/inspection";
import type { Channel } from "../protocol/channel";
import type { Request } from "../protocol/commands";
import { Store } from "./store";

/** Exits that the page keeps for its log. */
export const LOG_EVENTS = 5000;

export interface InspectData {
  readonly picture: Inspection | undefined;
  /** Registers at the stop before this one: what differs from them is marked. */
  readonly before: Readonly<Record<string, bigint>>;
  readonly cause: StopCause | null;
  /** Oldest first. */
  readonly log: readonly TrapEvent[];
  /** Exits since the log was opened that it does not have. */
  readonly lost: number;
  readonly stops: readonly StopSpec[];
  readonly check: { readonly instructions: number; readonly result: CheckResult } | undefined;
  /** Why the last request was refused; empty: it was not. */
  readonly refusal: string;
}

const NOWHERE = "It has not happened in what is recorded; the machine is where it was.";

const NOTHING: InspectData = {
  picture: undefined,
  before: {},
  cause: null,
  log: [],
  lost: 0,
  stops: [],
  check: undefined,
  refusal: "",
};

export class InspectSession {
  readonly data = new Store<InspectData>(NOTHING);
  readonly #channel: Channel;
  readonly #announce: (text: string) => void;
  /** Registers at the newest stop, and how many instructions had run then. */
  #stopped: { readonly registers: Readonly<Record<string, bigint>>; readonly instructions: number } | undefined;
  #view = "{}";

  constructor(channel: Channel, announce: (text: string) => void) {
    this.#channel = channel;
    this.#announce = announce;
  }

  /** What is to be seen from now on. */
  show(view: InspectView): void {
    const key = JSON.stringify(view);
    if (key === this.#view) return;
    const hadTraps = this.#view.includes('"traps"');
    this.#view = key;
    // A log that was closed begins anew: what happened meanwhile was not recorded.
    if (view.traps && !hadTraps) this.data.patch({ log: [], lost: 0 });
    void this.#ask({ type: "inspect", view });
  }

  step(how: StepKind): Promise<boolean> {
    return this.#ask({ type: "step", how });
  }

  /** False: refused, or nowhere in what is recorded; either is said. */
  async back(to: "step" | "stop" | StopSpec): Promise<boolean> {
    try {
      const { found } = await this.#channel.request({ type: "back", to });
      const refusal = found ? "" : NOWHERE;
      this.data.patch({ refusal });
      if (refusal) this.#announce(refusal);
      return found;
    } catch (error) {
      this.#refused(error);
      return false;
    }
  }

  runUntil(spec: StopSpec): Promise<boolean> {
    return this.#ask({ type: "run-until", spec });
  }

  /** Adds a stop, or removes the one that is the same. */
  async toggle(spec: StopSpec): Promise<void> {
    const key = JSON.stringify(spec);
    const { stops } = this.data.value;
    const kept = stops.filter((stop) => JSON.stringify(stop) !== key);
    const wanted = kept.length < stops.length ? kept : [...stops, spec];
    if (await this.#ask({ type: "set-stops", stops: wanted })) this.data.patch({ stops: wanted });
  }

  /** Looks for names in the guest's kernel, or in a file. */
  async symbols(file?: { readonly name: string; readonly bytes: Uint8Array }): Promise<void> {
    try {
      const count = await this.#channel.request(file ? { type: "symbols", file } : { type: "symbols" });
      this.data.patch({ refusal: "" });
      this.#announce(`${count} names are known.`);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** The linear address of a name. */
  async find(name: string): Promise<number | undefined> {
    try {
      return (await this.#channel.request({ type: "find-symbol", name })) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** The first place from `linear` on where these bytes are. */
  async findBytes(linear: number, bytes: Uint8Array): Promise<number | undefined> {
    try {
      const found = await this.#channel.request({ type: "find-bytes", linear, bytes });
      const refusal = found === null ? "Not found from there on." : "";
      this.data.patch({ refusal });
      if (refusal) this.#announce(refusal);
      return found ?? undefined;
    } catch (error) {
      this.#refused(error);
      return undefined;
    }
  }

  async poke(linear: number, bytes: Uint8Array): Promise<void> {
    try {
      await this.#channel.request({ type: "poke", linear, bytes });
      this.data.patch({ refusal: "" });
      this.#announce(`${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"} written.`);
    } catch (error) {
      this.#refused(error);
    }
  }

  async check(): Promise<void> {
    try {
      const result = await this.#channel.request({ type: "check" });
      this.data.patch({ check: { result, instructions: this.data.value.picture?.instructions ?? 0 }, refusal: "" });
    } catch (error) {
      this.#refused(error);
    }
  }

  /** The worker's pictures and stops. */
  receive(
    event: { readonly type: "inspection"; readonly inspection: Inspection } | { readonly type: "stopped"; readonly cause: StopCause },
  ): void {
    if (event.type === "stopped") {
      this.data.patch({ cause: event.cause });
      this.#announce(causeWords(event.cause));
      return;
    }
    const { inspection } = event;
    const { log: all, lost, picture } = this.data.value;
    // Back in time, what comes later has not happened.
    const log = picture && inspection.ticks < picture.ticks ? all.filter(({ tick }) => tick <= inspection.ticks) : all;
    const traps = inspection.traps;
    this.data.patch({
      picture: inspection,
      log,
      ...(inspection.running ? { cause: null } : {}),
      ...(traps && traps.events.length + traps.lost > 0 ? logWith(log, lost, traps) : {}),
      ...this.#changes(inspection),
    });
  }

  #changes({ running, cpu, instructions }: Inspection): Partial<InspectData> {
    if (running || !cpu || this.#stopped?.instructions === instructions) return {};
    const before = this.#stopped?.registers ?? {};
    this.#stopped = { registers: cpu.registers, instructions };
    return { before };
  }

  /** False: refused; the reason is shown. */
  async #ask(command: Request<"step" | "run-until" | "set-stops" | "inspect">): Promise<boolean> {
    try {
      await this.#channel.request(command);
      if (this.data.value.refusal) this.data.patch({ refusal: "" });
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    }
  }

  #refused(error: unknown): void {
    const refusal = isEmulatorError(error) ? error.message : String(error);
    this.data.patch({ refusal });
    this.#announce(refusal);
  }
}

function logWith(log: readonly TrapEvent[], lost: number, news: NonNullable<Inspection["traps"]>): Pick<InspectData, "log" | "lost"> {
  const all = [...log, ...news.events];
  return { log: all.slice(-LOG_EVENTS), lost: lost + news.lost + Math.max(0, all.length - LOG_EVENTS) };
}

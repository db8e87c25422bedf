/**
 * One machine from the click that boots it to its end: its worker, the state that the page shows, and the output on
 * its way to the terminal. A session is used once; restarting after a failure makes a new one.
 */
import { AssertionFailed, fromWire, isEmulatorError } from "../lib/errors";
import type { Channel } from "../protocol/channel";
import type { MediumSource } from "../protocol/drives";
import type { Announcement, ExitReport, LoadProgress, Status } from "../protocol/events";
import type { Saved, SaveRequest } from "../protocol/snapshots";
import { explainError, explainExit, NO_ANSWER, type Notice } from "./explain";
import { InspectSession } from "./inspect-session";
import { forgetKept } from "./kept-machines";
import { type MachineEntry, type MachineSettings, recipeOf } from "./machines";
import { Store } from "./store";
import { TypedInput } from "./typed-input";

export type Phase = "loading" | "running" | "paused" | "ended" | "failed" | "off";

export interface SessionState {
  readonly phase: Phase;
  /** Latest word on each file, in the order in which they were first mentioned; the step `start` comes last. */
  readonly progress: readonly LoadProgress[];
  readonly status: Status | undefined;
  readonly notice: Notice | undefined;
  /** Of a published machine: which share of it has come from its server; undefined: all of it. */
  readonly here?: number | undefined;
  /** One line: what was loaded and where. */
  readonly summary: string;
  readonly hasScreen: boolean;
}

export type ScreenPicture = Extract<Announcement, { readonly type: "screen" }>;

/** Where serial output goes; calls back when it is on the screen. */
export type SerialSink = (bytes: Uint8Array, shown: () => void) => void;

const WAITING = "The machine waits for its server";

/** After so many seconds of the page's own time without a word from a running machine. */
const PATIENCE_SECONDS = 10;

export class Session {
  /** The machine's inside, for panels. */
  readonly inspect: InspectSession;
  /** Under which name this browser keeps it. */
  readonly slot: string;
  /** Hears how far a snapshot has been written. */
  onSaving: ((done: number, total: number) => void) | undefined;
  onKeepFailed: ((reason: string) => void) | undefined;
  /** Hears every picture of the screen, while it is watched. */
  onScreen: ((picture: ScreenPicture) => void) | undefined;
  readonly #typed: TypedInput;
  /** Hears why run control stopped the machine, as a sentence. */
  onStop: ((text: string) => void) | undefined;
  readonly state = new Store<SessionState>({
    phase: "loading",
    progress: [],
    status: undefined,
    notice: undefined,
    summary: "",
    hasScreen: false,
  });
  #channel: Channel;
  #sink: SerialSink | undefined;
  /** Output that came before the terminal was there. */
  #early: Uint8Array[] = [];
  /** Typed before there was a machine. */
  #ahead: Uint8Array[] = [];
  #silentSeconds = 0;
  #hasInput = false;
  readonly #watchdog: ReturnType<typeof setInterval>;

  constructor(
    readonly entry: MachineEntry,
    readonly settings: MachineSettings,
    channel: Channel,
    /** Whose work its memory will hold. */
    private readonly componentsOf?: (entry: MachineEntry) => Promise<readonly object[] | undefined>,
  ) {
    this.#channel = channel;
    this.slot = entry.resume?.kind === "kept" ? entry.resume.slot : randomSlot();
    this.#typed = new TypedInput(entry.typed ?? [], (bytes) => channel.notify({ type: "serial-input", port: 0, bytes }));
    this.inspect = new InspectSession(channel, (text) => this.onStop?.(text));
    channel.onEvent = (event) => this.#receive(event);
    this.#watchdog = setInterval(() => this.#watch(), 1000);
    void this.#boot();
  }

  async #boot(): Promise<void> {
    await this.#attempt(async () => {
      const { resume } = this.entry;
      const { summary, hasScreen } = await this.#channel.request(
        resume ? { type: "resume", source: resume } : { type: "create", recipe: recipeOf(this.entry, this.settings) },
      );
      this.state.patch({ summary, hasScreen });
      this.#keep();
      await this.#channel.request({ type: this.entry.startsPaused ? "pause" : "start" });
    });
  }

  /** Only a convenience: a browser that refuses says so by `onKeepFailed`, and the machine runs all the same. */
  #keep(): void {
    const components = this.componentsOf?.(this.entry) ?? Promise.resolve(undefined);
    void components
      .then((list) => this.#channel.request({ type: "keep", slot: this.slot, title: this.entry.title, components: list }))
      .catch(() => {});
  }

  /** The page goes out of sight. */
  keepNow(): void {
    if (this.isAlive) this.#channel.request({ type: "keep-now" }).catch(() => {});
  }

  /** Rejects as the worker does; the machine goes on. */
  saveSnapshot(request: SaveRequest): Promise<Saved> {
    return this.#channel.request({ type: "save-snapshot", ...request });
  }

  /** Bytes of memory in use; undefined: nobody answers. */
  measure(): Promise<number | undefined> {
    return this.#channel.request({ type: "measure-snapshot" }).then(
      ({ bytes }) => bytes,
      () => undefined,
    );
  }

  get isAlive(): boolean {
    const { phase } = this.state.value;
    return phase === "loading" || phase === "running" || phase === "paused";
  }

  /** The user has worked in it. */
  get hasInput(): boolean {
    return this.#hasInput;
  }

  /** Output from now on, and what came before anybody listened. */
  connect(sink: SerialSink): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#show(bytes);
  }

  /** Keys and pasted text. What comes while the machine is loading waits for it; without effect once it has ended. */
  type(bytes: Uint8Array): void {
    if (!this.isAlive) return;
    this.#hasInput = true;
    if (this.state.value.phase === "loading") this.#ahead.push(bytes);
    else this.#channel.notify({ type: "serial-input", port: 0, bytes });
  }

  /** Scan codes of set 2. */
  pressKeys(codes: readonly number[]): void {
    if (!this.isAlive || this.state.value.phase === "loading") return;
    this.#hasInput = true;
    this.#channel.notify({ type: "keys", codes });
  }

  /** In counts, right and up positive; buttons: bit 0 left, 1 right, 2 middle. */
  moveMouse(right: number, up: number, buttons: number): void {
    if (!this.isAlive || this.state.value.phase === "loading") return;
    this.#hasInput = true;
    this.#channel.notify({ type: "mouse", right, up, buttons });
  }

  /** The power button on the case: a guest with ACPI switches itself off. */
  pressPowerButton(): void {
    if (this.state.value.phase === "running") this.#channel.notify({ type: "power-button" });
  }

  /** Rejects as the worker does; the machine goes on. */
  async changeMedium(slot: string, medium: MediumSource, force = false): Promise<void> {
    this.#hasInput = true;
    const { drives } = await this.#channel.request({ type: "change-medium", slot, medium, force });
    const { status } = this.state.value;
    if (status) this.state.patch({ status: { ...status, drives } });
  }

  /** What is in the drive, as an image. Rejects as the worker does. */
  async exportMedium(slot: string): Promise<Blob> {
    return (await this.#channel.request({ type: "export-medium", slot })).image;
  }

  watchScreen(on: boolean): void {
    if (this.state.value.phase !== "off" && this.state.value.phase !== "failed") this.#channel.notify({ type: "watch-screen", on });
  }

  run(): Promise<void> {
    return this.#attempt(() => this.#channel.request({ type: "start" }));
  }

  pause(): Promise<void> {
    return this.#attempt(() => this.#channel.request({ type: "pause" }));
  }

  /** Also brings a machine that has ended back, in the same worker. */
  reset(): Promise<void> {
    return this.#attempt(async () => {
      this.state.patch({ notice: undefined });
      await this.#channel.request({ type: "reset" });
    });
  }

  /** Ends the worker; the memory is free at once. `keep`: what this browser has kept of it is wanted again. */
  powerOff(keep = false): void {
    const wasAlive = this.isAlive;
    this.#close();
    if (!keep) void forgetKept(this.slot);
    if (wasAlive) {
      const exit: ExitReport = { reason: "powered-off", status: 0, message: "" };
      this.state.patch({ phase: "off", notice: explainExit(exit, undefined, this.#isOwn) });
    }
  }

  get #isOwn(): boolean {
    return this.entry.group === "own";
  }

  #close(): void {
    clearInterval(this.#watchdog);
    this.#channel.close(new AssertionFailed("nobody asks a machine that is switched off"));
  }

  /** A refusal ends the session with a notice; nothing of it escapes as an unhandled rejection. */
  async #attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const { phase } = this.state.value;
      if (phase !== "off" && phase !== "failed") this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const known = isEmulatorError(error) ? error : new AssertionFailed(`no unforeseen error, but: ${String(error)}`);
    this.state.patch({ phase: "failed", notice: explainError(known, this.#isOwn) });
    this.#close();
  }

  #receive(event: Announcement): void {
    this.#silentSeconds = 0;
    if (this.state.value.notice === NO_ANSWER) this.state.patch({ notice: undefined });
    switch (event.type) {
      case "ready":
        return;
      case "progress":
        this.#progress(event.progress);
        return;
      case "serial":
        this.#show(event.bytes);
        return;
      case "screen":
        this.onScreen?.(event);
        this.#channel.notify({ type: "screen-shown" });
        return;
      case "status":
        this.#status(event.status);
        return;
      case "saving":
        this.onSaving?.(event.done, event.total);
        return;
      case "fetched":
        this.#fetched(event);
        return;
      case "keep-failed":
        this.onKeepFailed?.(event.reason);
        return;
      case "inspection":
      case "stopped":
        this.inspect.receive(event);
        return;
      case "machine-reset":
        this.state.patch({ notice: undefined });
        return;
      case "ended":
        this.state.patch({
          phase: event.exit.error ? "failed" : "ended",
          notice: explainExit(event.exit, event.exit.error && fromWire(event.exit.error), this.#isOwn),
        });
        return;
      case "disk-trouble":
        if (event.text === "") {
          if (this.state.value.notice?.title === event.title) this.state.patch({ notice: undefined });
          return;
        }
        this.state.patch({ notice: { tone: "guest", title: event.title, text: event.text, steps: ["machines"] } });
        return;
      case "crashed":
        this.#fail(fromWire(event.error));
        return;
      default:
        event satisfies never;
    }
  }

  /** Of a published machine: whether its server answers. */
  #fetched({ done, total, waiting }: { readonly done: number; readonly total: number; readonly waiting: string | undefined }): void {
    const { notice } = this.state.value;
    this.state.patch({ here: done < total ? done / total : undefined });
    if (waiting)
      this.state.patch({ notice: { tone: "guest", title: WAITING, text: `${waiting}. The machine goes on when it does.`, steps: [] } });
    else if (notice?.title === WAITING) this.state.patch({ notice: undefined });
  }

  #status(status: Status): void {
    const { phase, notice } = this.state.value;
    if (phase === "failed" || phase === "off") return;
    // Taken back to before its end, it has not ended.
    const isBack = phase === "ended" && status.state !== "ended";
    this.state.patch({ status, phase: status.state, notice: isBack ? undefined : notice });
    for (const bytes of this.#ahead.splice(0)) this.type(bytes);
  }

  #progress(progress: LoadProgress): void {
    const { progress: list } = this.state.value;
    const at = list.findIndex(({ name, step }) => name === progress.name && (step === "start") === (progress.step === "start"));
    this.state.patch({ progress: at < 0 ? [...list, progress] : list.with(at, progress) });
  }

  #show(bytes: Uint8Array): void {
    this.#typed.add(bytes);
    if (!this.#sink) {
      this.#early.push(bytes);
      return;
    }
    this.#sink(bytes, () => this.#channel.notify({ type: "serial-shown", bytes: bytes.length }));
  }

  /** Counts the page's own seconds, so that a computer that slept does not look like a machine that hangs. */
  #watch(): void {
    const { phase, notice } = this.state.value;
    if (phase !== "running" || notice) return;
    this.#silentSeconds++;
    if (this.#silentSeconds >= PATIENCE_SECONDS) this.state.patch({ notice: NO_ANSWER });
  }
}

/** No other session has it. */
const randomSlot = (): string =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");

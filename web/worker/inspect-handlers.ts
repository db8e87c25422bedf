/** The worker's side of run control and panels: commands of the page to `Machine.debug` and `Machine.inspect`. */

import { BadArgument, OutOfMemory } from "../lib/errors";
import type { InspectView, StopCause, StopSpec } from "../lib/inspection";
import { readSymbols } from "../lib/symbols";
import { kernelSymbols } from "../machine/guest-symbols";
import type { Machine } from "../machine/machine";
import type { Handlers, Send } from "../protocol/channel";
import type { WentBack } from "../protocol/commands";
import { PanelFeed } from "./panel-feed";

export interface InspectHost {
  /** The machine; throws where there is none yet. */
  readonly machine: () => Machine;
  /** Lets the machine run, or not; answers when the page knows. */
  readonly setRunning: (on: boolean) => Promise<null>;
  readonly send: Send;
}

type InspectHandlers = Pick<
  Handlers,
  "step" | "run-until" | "back" | "set-stops" | "inspect" | "check" | "symbols" | "find-symbol" | "find-bytes" | "poke"
>;

/** What the page wants to see and stop for outlives the machine it asked for first: a new one is told the same. */
export class InspectService {
  readonly #host: InspectHost;
  #machine: Machine | undefined;
  #feed: PanelFeed | undefined;
  #view: InspectView = {};
  #stops: readonly StopSpec[] = [];

  constructor(host: InspectHost) {
    this.#host = host;
  }

  readonly handlers: InspectHandlers = {
    step: ({ how }) => {
      const machine = this.#host.machine();
      if (machine.state === "running") machine.pause();
      machine.debug.prepare(how);
      return this.#host.setRunning(true);
    },
    "run-until": ({ spec }) => {
      const machine = this.#host.machine();
      machine.debug.cancel();
      machine.debug.add(spec, { once: true });
      return this.#host.setRunning(true);
    },
    back: ({ to }) => this.#back(to),
    "set-stops": ({ stops }) => {
      if (this.#machine) this.#applyStops(this.#machine, stops);
      this.#stops = stops;
      return null;
    },
    inspect: ({ view }) => {
      this.#view = view;
      if (this.#machine) this.#record(this.#machine);
      this.#feed?.show(view);
      return null;
    },
    symbols: ({ file }) => {
      const { inspect } = this.#host.machine();
      const symbols = file ? readSymbols(file.bytes, file.name) : kernelSymbols(inspect);
      if (!symbols)
        throw new BadArgument(
          "symbols",
          "no Linux kernel with a table of names was found in RAM. When it has booted there may be one; or give a file.",
        );
      this.#feed!.symbols = symbols;
      this.#feed!.refresh();
      return symbols.all.length;
    },
    "find-symbol": ({ name }) => this.#feed?.symbols?.find(name) ?? null,
    "find-bytes": ({ linear, bytes }) => {
      if (bytes.length === 0) throw new BadArgument("find-bytes", "nothing to look for.");
      return this.#host.machine().inspect.find(linear, bytes) ?? null;
    },
    poke: ({ linear, bytes }) => {
      const machine = this.#host.machine();
      if (machine.state === "running") throw new BadArgument("poke", "the machine runs; pause it first.");
      if (!machine.inspect.poke(linear, bytes))
        throw new BadArgument("poke", "that is not RAM, or not mapped, or has not come yet; nothing was written.");
      // What was recorded leads to a state without this.
      if (machine.history.isRecording) machine.history.restart();
      this.#feed?.refresh();
      return null;
    },
    check: () => this.#host.machine().inspect.check(),
  };

  /** While something is to be seen, the way there is recorded. */
  #record(machine: Machine): void {
    const wanted = Object.keys(this.#view).length > 0;
    if (!wanted) machine.history.stop();
    else if (!machine.history.isRecording && !machine.history.isTravelling) {
      try {
        machine.history.start();
      } catch (error) {
        // Going back then says so.
        if (!(error instanceof OutOfMemory)) throw error;
      }
    }
  }

  async #back(to: "step" | "stop" | StopSpec): Promise<WentBack> {
    const machine = this.#host.machine();
    const { history, debug } = machine;
    if (!history.isRecording)
      throw new BadArgument("back", "nothing of this machine is recorded: that begins when Inspect is opened, and takes at most 256 MB.");
    await this.#host.setRunning(false);
    let cause: StopCause | null = { kind: "step", how: "back" };
    if (to === "step") await history.back();
    else if (to === "stop") cause = await history.backToLast();
    else {
      const stop = debug.add(to);
      try {
        cause = await history.backToLast((each) => each.kind !== "step" && each.spec === to);
      } finally {
        stop.remove();
      }
    }
    if (cause) this.#host.send({ type: "stopped", cause });
    await this.#host.setRunning(false);
    return { found: cause !== null };
  }

  /** Adds what is new and removes what is gone, so that a refusal leaves everything as it was. */
  #applyStops(machine: Machine, wanted: readonly StopSpec[]): void {
    const key = (spec: StopSpec): string => JSON.stringify(spec);
    const present = machine.debug.stops;
    const added = wanted.filter((spec) => !present.some((stop) => key(stop.spec) === key(spec)));
    const handles = [];
    try {
      for (const spec of added) handles.push(machine.debug.add(spec));
    } catch (error) {
      for (const handle of handles) handle.remove();
      throw error;
    }
    for (const stop of present) if (!wanted.some((spec) => key(spec) === key(stop.spec))) stop.remove();
  }

  /** A machine has been built. */
  attach(machine: Machine): void {
    const feed = new PanelFeed(machine, {
      post: (inspection) => this.#host.send({ type: "inspection", inspection }),
      setTimer: (callback, ms) => void setTimeout(callback, ms),
    });
    this.#machine = machine;
    this.#feed = feed;
    this.#applyStops(machine, this.#stops);
    this.#record(machine);
    feed.show(this.#view);
    machine.onStateChange(() => feed.follow());
    machine.onExit(() => feed.refresh());
    machine.onReset(() => feed.refresh());
    machine.onStop((cause) => {
      void this.#host.setRunning(false);
      this.#host.send({ type: "stopped", cause });
    });
  }

  /** The user paused: a step in progress is given up. */
  cancel(): void {
    this.#machine?.debug.cancel();
  }

  /** The machine stands still, for the user to look at. */
  refresh(): void {
    this.#feed?.refresh();
  }
}

/**
 * Pictures of the machine's inside for the panels that are to be seen: at most twenty a second while the machine runs,
 * and one at each stop. With no panel open nothing is computed, no timer runs, and nobody listens to the event ring.
 */

import type { Caller, CodeLine, Inspection, InspectView } from "../lib/inspection";
import { linearRip, signedLinear } from "../lib/linear";
import type { Symbols } from "../lib/symbols";
import { backtrace } from "../machine/backtrace";
import type { EventReader } from "../machine/inspect";
import { jitPicture } from "../machine/jit-view";
import type { Machine } from "../machine/machine";

export const PICTURE_MS = 50;
/** Newest events of a picture; a guest may make a million exits a second. */
export const MOST_EVENTS = 200;
/** The hottest ones that a picture has. */
const MOST_REGIONS = 50;
/** Lines of code before the next instruction, when the listing follows it. */
const LINES_BEFORE = 6;
/** The listing stays where it is while so many lines come after the next instruction. */
const LINES_AFTER = 3;

/** A line of a hexadecimal listing. */
const ROW_BYTES = 16;
const LONGEST_INSTRUCTION = 15;
/** A call or jump to an address, as the disassembler writes it. */
const BRANCH = /^(?:call|j[a-z]+|loop[a-z]*) (?:near |short )?0x([0-9a-f]+)$/;

export interface FeedOptions {
  readonly post: (inspection: Inspection) => void;
  /** Calls back after so many milliseconds. */
  readonly setTimer: (callback: () => void, ms: number) => void;
}

export class PanelFeed {
  readonly #machine: Machine;
  readonly #options: FeedOptions;
  #view: InspectView = {};
  #reader: EventReader | undefined;
  #isWaiting = false;
  /** First line of the listing that follows the instruction pointer. */
  #listingStart = 0;
  /** Names for what is shown, once somebody has looked for them. */
  symbols: Symbols | undefined;

  constructor(machine: Machine, options: FeedOptions) {
    this.#machine = machine;
    this.#options = options;
  }

  /** What is to be seen from now on; the first picture comes at once. */
  show(view: InspectView): void {
    this.#view = view;
    if (view.traps && !this.#reader) this.#reader = this.#machine.inspect.listen();
    if (!view.traps && this.#reader) {
      this.#reader.dispose();
      this.#reader = undefined;
    }
    this.refresh();
  }

  get isOpen(): boolean {
    const { cpu, traps, paging, memory, devices, jit } = this.#view;
    return (cpu ?? traps ?? paging ?? memory ?? devices ?? jit) !== undefined;
  }

  /** Something has changed: a picture now, and while the machine runs again in a while. */
  refresh(): void {
    if (!this.isOpen) return;
    this.#options.post(this.#picture());
    this.#wait();
  }

  /** The machine may have begun to run: pictures in a while. */
  follow(): void {
    if (this.isOpen) this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting || this.#machine.state !== "running") return;
    this.#isWaiting = true;
    this.#options.setTimer(() => {
      this.#isWaiting = false;
      if (this.#machine.state === "running") this.refresh();
    }, PICTURE_MS);
  }

  #picture(): Inspection {
    const { inspect } = this.#machine;
    const { cpu, traps, paging, memory, devices, jit } = this.#view;
    return {
      running: this.#machine.state === "running",
      instructions: inspect.core.instructions,
      ticks: inspect.core.ticks,
      ...(cpu && {
        cpu: {
          registers: inspect.registers(),
          listing: this.#listing(cpu).map((line) => this.#named(line)),
          callers: this.#machine.state === "running" || cpu.lines === 0 ? [] : this.#callers(),
          names: this.symbols?.all.length ?? 0,
        },
      }),
      ...(traps && { traps: this.#traps() }),
      ...(devices && { devices: this.#board(devices.chosen) }),
      ...(jit && { jit: jitPicture(inspect, jit.chosen, MOST_REGIONS) }),
      ...(memory && { memory: this.#memory(memory) }),
      ...(paging && { paging: { walk: inspect.walk(paging.linear ?? inspect.linear), shadow: inspect.core.stats().shadow } }),
    };
  }

  /** From the beginning of a row on. */
  #memory({ linear, length }: NonNullable<InspectView["memory"]>): NonNullable<Inspection["memory"]> {
    const { inspect } = this.#machine;
    const from = linear ?? linearRip(inspect.core.getRegister("ss_base"), inspect.core.getRegister("rsp"), inspect.isLong);
    const row = Math.floor(from / ROW_BYTES) * ROW_BYTES;
    const start = inspect.isLong ? row : row >>> 0;
    return { linear: start, pieces: inspect.memory(start, length) };
  }

  #named(line: CodeLine): CodeLine {
    const { symbols } = this;
    if (!symbols || line.kind !== "code") return line;
    const name = symbols.exactly(line.linear);
    const [, digits] = BRANCH.exec(line.text) ?? [];
    const target = digits === undefined ? undefined : signedLinear(BigInt(`0x${digits}`));
    const goes = target === undefined ? undefined : symbols.at(target);
    return { ...line, ...(name !== undefined && { name }), ...(goes !== undefined && { target: goes }) };
  }

  #board(chosen: string): NonNullable<Inspection["devices"]> {
    const board = this.#machine.inspect.board(chosen);
    const { symbols } = this;
    if (!symbols) return board;
    return { ...board, gates: board.gates.map((gate) => ({ ...gate, name: symbols.at(gate.handler) ?? "" })) };
  }

  #callers(): Caller[] {
    return backtrace(this.#machine.inspect).map(({ linear }) => {
      const name = this.symbols?.at(linear);
      return { linear, ...(name !== undefined && { name }) };
    });
  }

  #traps(): NonNullable<Inspection["traps"]> {
    const { counts, total } = this.#machine.inspect.exits();
    const { events, lost } = this.#reader!.read(MOST_EVENTS);
    const { symbols } = this;
    const named = symbols ? events.map((event) => ({ ...event, where: symbols.at(event.rip) ?? "" })) : events;
    return { exits: counts, total, events: named, lost };
  }

  #listing({ at, lines }: NonNullable<InspectView["cpu"]>): CodeLine[] {
    const { inspect } = this.#machine;
    if (at !== null) return inspect.disassemble(at, lines);
    const next = inspect.linear;
    const ahead = next - this.#listingStart;
    if (ahead >= 0 && ahead < lines * LONGEST_INSTRUCTION) {
      const kept = inspect.disassemble(this.#listingStart, lines);
      const place = kept.findIndex(({ linear }) => linear === next);
      if (place >= 0 && place < lines - LINES_AFTER) return kept;
    }
    this.#listingStart = inspect.before(next, LINES_BEFORE);
    return inspect.disassemble(this.#listingStart, lines);
  }
}

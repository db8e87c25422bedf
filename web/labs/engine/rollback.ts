/**
 * A snapshot in the middle of a run, if a lab asks for one: taken when a label is reached, gone back to at the end, and
 * run on from once more. From the snapshot on, the writers of one dword are looked for.
 */
import type { CoreHost } from "../../machine/core-host";
import type { Machine, MachineState } from "../../machine/machine";
import type { StopHandle } from "../../machine/run-control";
import { WriteTracker } from "../../machine/write-tracker";
import { type Built, LabBroken } from "../build";
import type { Run } from "../format";

const FRAME = 4096;

/** What was found: the facts of docs/labs.md. */
export interface RolledBack {
  readonly taken: boolean;
  /** Instructions executed when the snapshot was taken. */
  readonly instructions: number;
  /** Frames of RAM that were written after it. */
  readonly pages: number;
  /** RAM as it was then. */
  readonly ram: Uint8Array;
  /** The state after rolling back is that of the snapshot, and that at the end of the second run is that of the first. */
  readonly same: boolean;
  readonly replay: boolean;
  /** Values that were written to the watched dword, in order; and what it held at the snapshot. */
  readonly written: readonly number[];
  readonly before: number;
  /** Linear address of the instruction that wrote last; 0: none did. */
  readonly writer: number;
}

export const NOTHING: RolledBack = {
  ...{ taken: false, instructions: 0, pages: 0, ram: new Uint8Array(), same: false, replay: false },
  ...{ written: [], before: 0, writer: 0 },
};

interface Taken {
  readonly state: MachineState;
  readonly hash: string;
  readonly instructions: number;
  readonly ram: Uint8Array;
  readonly changes: WriteTracker;
}

export class Rollback {
  readonly #machine: Machine;
  readonly #core: CoreHost;
  readonly #watched: number | undefined;
  readonly #stop: StopHandle;
  /** The machine begins at the label, where no breakpoint is met. */
  readonly isHere: boolean;
  #watch: StopHandle | undefined;
  #taken: Taken | undefined;
  readonly #writes: { readonly value: number; readonly instructions: number }[] = [];

  constructor(machine: Machine, core: CoreHost, run: Run, built: Built) {
    this.#machine = machine;
    this.#core = core;
    this.#watched = run.watch === "" ? undefined : addressOf(run.watch, built);
    const address = addressOf(run.snapshot, built);
    this.#stop = machine.debug.add({ kind: "execute", address });
    this.isHere = machine.inspect.linear === address;
  }

  get #value(): number {
    const bytes = this.#core.memory.read(this.#watched!, 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  /** The machine stands at the label. */
  async take(): Promise<void> {
    const [machine, core] = [this.#machine, this.#core];
    this.#stop.remove();
    const ram = core.memory.read(0, machine.config.memoryMb * 0x100000).slice();
    const state = await machine.save();
    this.#taken = { state, hash: await machine.stateHash(), instructions: core.instructions, ram, changes: new WriteTracker(core) };
    if (this.#watched === undefined) return;
    const when = (): boolean => {
      this.#writes.push({ value: this.#value, instructions: core.instructions });
      return false;
    };
    this.#watch = machine.debug.add({ kind: "access", address: this.#watched, bytes: 4, on: "write" }, { when });
  }

  /** The machine has come to its end: back to the snapshot, and there once more. Exits counted meanwhile are nobody's. */
  async finish(): Promise<RolledBack> {
    const [machine, core, taken] = [this.#machine, this.#core, this.#taken];
    this.#stop.remove();
    this.#watch?.remove();
    if (!taken) return NOTHING;
    const frames = taken.ram.length / FRAME;
    const pages = Array.from({ length: frames }, (_, frame) => frame).filter((frame) => taken.changes.has(frame)).length;
    const [end, instructions] = [await machine.stateHash(), core.instructions];
    machine.load(taken.state);
    const same = (await machine.stateHash()) === taken.hash;
    const last = this.#writes.at(-1);
    let writer = 0;
    if (last) {
      await machine.run({ instructions: last.instructions - 1 });
      writer = machine.inspect.linear;
    }
    await machine.run({ instructions });
    const replay = (await machine.stateHash()) === end;
    const before = this.#watched === undefined ? 0 : new DataView(taken.ram.buffer).getUint32(this.#watched, true);
    const written = this.#writes.map(({ value }) => value);
    return { taken: true, instructions: taken.instructions, pages, ram: taken.ram, same, replay, written, before, writer };
  }
}

function addressOf(place: string, built: Built): number {
  const address = /^\d/.test(place) ? Number(place) : built.places.get(place);
  if (address === undefined || !Number.isInteger(address)) throw new LabBroken(`there is no label ${place}`);
  return address;
}

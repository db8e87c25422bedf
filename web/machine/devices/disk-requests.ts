/**
 * Requests of one disk controller that are under way at its disk. The host works on them while the guest goes on; each
 * ends at its deadline in guest time (deterministic mode) or when it is done (real time), see host-work.ts.
 *
 * A request that overlaps an earlier one, where one of the two writes, is held back until the earlier has ended. So what
 * a request reads or leaves does not depend on the host.
 *
 * A machine is saved when the host has done all that was begun (`Machine.save`), and its disks with it. So after a load
 * reads and flushes begin again, while writes and trims have been done already: they only wait for their end.
 */
import { DiskFailed } from "../../lib/errors";
import type { BlockDevice } from "../../storage/block-device";
import type { Clock, HostWork, Outcome } from "../device";

/** `write-through`: a write that is durable when it ends. */
export type DiskOperation = "read" | "write" | "write-through" | "trim" | "flush";
export const DISK_OPERATIONS: readonly DiskOperation[] = ["read", "write", "write-through", "trim", "flush"];

export interface DiskRange {
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

export interface DiskRequest {
  readonly operation: DiskOperation;
  /** One for reads and writes, none for flushes, any number for trims. */
  readonly ranges: readonly DiskRange[];
  /** Guest time at which it ends, or undefined while it is held back. */
  deadlineNs: number | undefined;
  /** The disk has refused it. */
  hasFailed: boolean;
  /** The guest has reset the controller: it ends without being told. */
  isAbandoned: boolean;
}

/**
 * How long requests take in guest time, in deterministic mode: a fast solid-state disk (60 us, 250 MB/s). Real hosts are
 * mostly done before.
 */
const LATENCY_NS: Readonly<Record<DiskOperation, number>> = {
  read: 60_000,
  write: 60_000,
  "write-through": 150_000,
  trim: 60_000,
  flush: 150_000,
};
const NS_PER_BYTE = 4;

export interface DiskRequestsOptions<R extends DiskRequest> {
  readonly disk: BlockDevice;
  readonly host: HostWork;
  readonly clock: Pick<Clock, "now">;
  /** What a write is to write, taken from guest memory when it begins. */
  readonly dataOf: (request: R) => Uint8Array;
  /** A request that was not abandoned has ended. The bytes are those of a read; others have none. */
  readonly done: (request: R, outcome: Outcome<Uint8Array | undefined>) => void;
}

export class DiskRequests<R extends DiskRequest> {
  readonly #options: DiskRequestsOptions<R>;
  /** In the order of their coming. */
  #all: R[] = [];
  /** Requests so far. */
  count = 0;
  /** Changes with each load: what was begun before ends in silence. */
  #generation = 0;

  constructor(options: DiskRequestsOptions<R>) {
    this.#options = options;
  }

  get all(): readonly R[] {
    return this.#all;
  }

  /** Bytes that requests under way read or write. */
  get bytes(): number {
    return this.#all.reduce((sum, request) => (request.operation === "trim" ? sum : sum + lengthOf(request)), 0);
  }

  submit(request: R): void {
    this.count++;
    this.#all.push(request);
    this.#beginWhatMay();
  }

  #beginWhatMay(): void {
    for (const [n, request] of this.#all.entries()) {
      if (request.deadlineNs !== undefined || this.#isHeldBack(n)) continue;
      const transferred = request.operation === "trim" ? 0 : lengthOf(request);
      request.deadlineNs = this.#options.clock.now() + LATENCY_NS[request.operation] + transferred * NS_PER_BYTE;
      this.#begin(request, this.#workOf(request));
    }
  }

  #isHeldBack(n: number): boolean {
    const request = this.#all[n]!;
    return this.#all.slice(0, n).some((earlier) => {
      if (earlier.operation === "read" && request.operation === "read") return false;
      return earlier.ranges.some((a) => request.ranges.some((b) => a.offset < b.offset + b.length && b.offset < a.offset + a.length));
    });
  }

  #begin(request: R, work: () => Promise<Uint8Array | undefined>): void {
    const generation = this.#generation;
    const watched = (): Promise<Uint8Array | undefined> =>
      work().then(undefined, (error: unknown) => {
        request.hasFailed = true;
        throw error;
      });
    this.#options.host.begin(request.deadlineNs!, watched, (outcome) => {
      if (generation === this.#generation) this.#end(request, outcome);
    });
  }

  #workOf(request: R): () => Promise<Uint8Array | undefined> {
    const { disk } = this.#options;
    const { offset, length } = request.ranges[0] ?? { offset: 0, length: 0 };
    switch (request.operation) {
      case "read":
        return () => disk.read(offset, length);
      case "write":
      case "write-through": {
        // Now, not when the host comes to it: the guest may change its memory.
        const data = this.#options.dataOf(request);
        const isDurable = request.operation === "write-through";
        return () =>
          disk
            .write(offset, data)
            .then(() => (isDurable ? disk.flush() : undefined))
            .then(() => undefined);
      }
      case "trim":
        return () => this.#trim(request.ranges);
      case "flush":
        return () => disk.flush().then(() => undefined);
    }
  }

  /** For a request that had begun when it was saved. */
  #workAgain(request: R): () => Promise<Uint8Array | undefined> {
    const { disk } = this.#options;
    const { operation, hasFailed } = request;
    if (operation === "read") return this.#workOf(request);
    const isDurable = operation === "flush" || operation === "write-through";
    // A read of nothing: there is nothing left to do.
    const rest = (): Promise<unknown> => (isDurable && !hasFailed ? disk.flush() : disk.read(0, 0));
    return () =>
      rest().then(() => {
        if (hasFailed) throw new DiskFailed(disk.name, "unwritable", "a write had failed before the machine was saved.", "");
        return undefined;
      });
  }

  #trim(ranges: readonly DiskRange[]): Promise<undefined> {
    const [first, ...rest] = ranges;
    const done = this.#options.disk.trim(first!.offset, first!.length);
    return rest.length === 0 ? done.then(() => undefined) : done.then(() => this.#trim(rest));
  }

  #end(request: R, outcome: Outcome<Uint8Array | undefined>): void {
    this.#all.splice(this.#all.indexOf(request), 1);
    this.#beginWhatMay();
    if (!request.isAbandoned) this.#options.done(request, outcome);
  }

  /** What is at the disk already goes on, and holds back what overlaps it; nobody hears of its end. What is held back is forgotten. */
  abandon(): void {
    this.#all = this.#all.filter(({ deadlineNs }) => deadlineNs !== undefined);
    for (const request of this.#all) request.isAbandoned = true;
  }

  /** Takes over requests that were saved, and begins again those that had begun. */
  load(requests: readonly R[]): void {
    this.#generation++;
    this.#all = [...requests];
    for (const request of this.#all) if (request.deadlineNs !== undefined) this.#begin(request, this.#workAgain(request));
  }
}

const lengthOf = (request: DiskRequest): number => request.ranges.reduce((sum, { length }) => sum + length, 0);

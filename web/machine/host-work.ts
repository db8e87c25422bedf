/**
 * Work that the host does while the guest goes on: disk requests. A device begins it with a deadline in guest time and
 * hears of its end between two instructions.
 *
 *   deterministic   exactly at the deadline; where the host is late, guest time waits there. So the run does not depend
 *                   on how fast the host is.
 *   realtime        as soon as it is done, as an input of the run, which is logged with its tick.
 *
 * Nothing of it is saved: a device saves what it has begun, and begins it again when it is loaded.
 */
import type { Clock, Outcome, Timer } from "./device";

/** One end of host work in real time, for the input log: the owner's `count`-th since power-on or load. */
export interface WorkRecord {
  readonly owner: string;
  readonly count: number;
}

interface Job {
  readonly owner: string;
  count: number;
  readonly deadlineNs: number;
  readonly work: () => Promise<unknown>;
  readonly done: (outcome: Outcome<unknown>) => void;
  outcome: Outcome<unknown> | undefined;
}

/** What has been begun, by owner: how many ever, and which of them have not ended. */
export type WorkMarks = ReadonlyMap<string, { readonly begun: number; readonly open: readonly number[] }>;

export interface HostWorkOptions {
  /** With an alarm that holds time back; see GuestClock. */
  readonly clock: Pick<Clock, "timer">;
  readonly realtime: boolean;
}

export class HostWorks {
  readonly #realtime: boolean;
  readonly #alarm: Timer;
  /** Begun and not ended, in the order in which they end (deterministic). */
  #jobs: Job[] = [];
  /** Of those, the ones whose work has not been started. */
  #unstarted: Job[] = [];
  readonly #counts = new Map<string, number>();
  #wakers: (() => void)[] = [];
  /** Real time: ends come by `end`, as they were recorded. */
  #isRepeating = false;
  /** Real time: given the end of a job, to be applied at the next opportunity. */
  onDone: (record: WorkRecord, apply: () => void) => void = (_record, apply) => apply();

  constructor(options: HostWorkOptions) {
    this.#realtime = options.realtime;
    this.#alarm = options.clock.timer(
      "host work",
      () => this.#endFirst(),
      () => this.#jobs[0]?.outcome !== undefined,
    );
  }

  begin<T>(owner: string, deadlineNs: number, work: () => Promise<T>, done: (outcome: Outcome<T>) => void): void {
    const count = (this.#counts.get(owner) ?? 0) + 1;
    this.#counts.set(owner, count);
    const job: Job = { owner, count, deadlineNs, work, done: done as Job["done"], outcome: undefined };
    // Equal deadlines: by owner, so that the order is the same when one of them was loaded and begins again.
    const later = (other: Job): boolean =>
      other.deadlineNs > deadlineNs ||
      (other.deadlineNs === deadlineNs && (other.owner > owner || (other.owner === owner && other.count > count)));
    const at = this.#jobs.findIndex(later);
    this.#jobs.splice(at < 0 ? this.#jobs.length : at, 0, job);
    this.#unstarted.push(job);
    this.#arm();
  }

  #arm(): void {
    if (!this.#realtime) this.#alarm.arm(this.#jobs[0]?.deadlineNs ?? Number.POSITIVE_INFINITY);
  }

  /** Starts what was begun since the last call: between two slices, so that nothing of a machine that only stands there is started. */
  start(): void {
    const jobs = this.#unstarted;
    this.#unstarted = [];
    for (const job of jobs) {
      job.work().then(
        (value) => this.#settle(job, { value }),
        (error: unknown) => this.#settle(job, { error }),
      );
    }
  }

  #settle(job: Job, outcome: Outcome<unknown>): void {
    if (!this.#jobs.includes(job)) return;
    job.outcome = outcome;
    if (this.#realtime && !this.#isRepeating) this.#tell(job);
    for (const wake of this.#wakers.splice(0)) wake();
  }

  #tell(job: Job): void {
    this.onDone({ owner: job.owner, count: job.count }, () => {
      const at = this.#jobs.indexOf(job);
      if (at < 0) return;
      this.#jobs.splice(at, 1);
      job.done(job.outcome!);
    });
  }

  get marks(): WorkMarks {
    return new Map(
      [...this.#counts].map(([owner, begun]) => [
        owner,
        {
          begun,
          open: this.#jobs
            .filter((job) => job.owner === owner)
            .map(({ count }) => count)
            .sort((a, b) => a - b),
        },
      ]),
    );
  }

  /** Devices were loaded and have begun again what was open: it counts as it did then. */
  recount(marks: WorkMarks): void {
    for (const [owner, { begun, open }] of marks) {
      const jobs = this.#jobs.filter((job) => job.owner === owner).sort((a, b) => a.count - b.count);
      jobs.forEach((job, n) => {
        job.count = open[n] ?? job.count;
      });
      this.#counts.set(owner, begun);
    }
  }

  /** A recorded run is repeated, or no longer: then what was done meanwhile ends by itself. */
  repeat(on: boolean): void {
    this.#isRepeating = on;
    if (!on && this.#realtime) for (const job of [...this.#jobs]) if (job.outcome) this.#tell(job);
  }

  /** Whether the host has done this piece of work, so that `end` may be called. */
  isDone({ owner, count }: WorkRecord): boolean {
    return this.#jobs.some((job) => job.owner === owner && job.count === count && job.outcome !== undefined);
  }

  /** Repeating: this piece of work ends now. */
  end({ owner, count }: WorkRecord): void {
    const at = this.#jobs.findIndex((job) => job.owner === owner && job.count === count);
    const [job] = this.#jobs.splice(at, 1);
    job!.done(job!.outcome!);
  }

  #endFirst(): void {
    const job = this.#jobs.shift()!;
    this.#arm();
    job.done(job.outcome!);
  }

  /** Whether anything was begun and has not ended. */
  get isBusy(): boolean {
    return this.#jobs.length > 0;
  }

  /** Resolves when the next piece of work has ended; at once if guest time need not wait. */
  async settled(): Promise<void> {
    const waits =
      this.#realtime && this.#isRepeating ? this.#jobs.some((job) => job.outcome === undefined) : this.#jobs[0] && !this.#jobs[0].outcome;
    if (!waits) return;
    await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }

  /** Resolves when everything that was started has come to its end on the host's side, whether the guest has heard of it or not. */
  async quiet(): Promise<void> {
    while (this.#jobs.some((job) => job.outcome === undefined && !this.#unstarted.includes(job)))
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }

  /** Forgets everything; what the host still does has no effect on the guest any more. Before devices are loaded. */
  clear(): void {
    this.#jobs = [];
    this.#unstarted = [];
    this.#counts.clear();
    this.#arm();
    for (const wake of this.#wakers.splice(0)) wake();
  }
}

/** Time that passes when a test says so, with timers. */
export class FakeClock {
  #now = 0;
  readonly #timers: { readonly at: number; readonly run: () => void }[] = [];

  readonly now = (): number => this.#now;
  readonly setTimer = (run: () => void, ms: number): void => void this.#timers.push({ at: this.#now + ms, run });

  /** `ms` later; what was due meanwhile has run, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.splice(this.#timers.indexOf(due), 1);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }
}

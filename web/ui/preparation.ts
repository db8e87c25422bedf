/**
 * Preparing guests from the page: only the server of `npm start` can do it (it marks the page it serves), and only for
 * somebody at the same computer. The page asks how it goes, twice a second while it goes.
 */
import { Store } from "./store";

/** What the server answers; scripts/lib/preparation.mjs writes it. */
export interface PreparationState {
  /** May this page start one? */
  readonly allowed: boolean;
  readonly running: boolean;
  /** One line: what it is doing, or how it ended. */
  readonly message: string;
  readonly failed: boolean;
  /** Bytes of all downloads; total 0: not known. */
  readonly receivedBytes: number;
  readonly totalBytes: number;
  /** Guests that can be booted, counted up as they become ready. */
  readonly ready: number;
}

const IDLE: PreparationState = { allowed: false, running: false, message: "", failed: false, receivedBytes: 0, totalBytes: 0, ready: 0 };
const POLL_MS = 500;
const SERVER_GONE = "The server does not answer: start it again with npm start, then reload this page.";

export class PreparationClient {
  readonly state = new Store<PreparationState>(IDLE);
  readonly #url: string | undefined;
  /** The guests may have changed. */
  onReady: (() => void) | undefined;

  constructor(base: string) {
    const isOurs = document.querySelector('meta[name="vitrine-server"]') !== null;
    this.#url = isOurs ? `${base}api/preparation` : undefined;
  }

  /** Looks, and goes on looking as long as a preparation runs. Never rejects. */
  async follow(): Promise<void> {
    if (!this.#url) return;
    for (;;) {
      const before = this.state.value;
      try {
        const response = await fetch(this.#url, { cache: "no-store" });
        if (!response.ok) return;
        this.state.set((await response.json()) as PreparationState);
      } catch {
        if (before.running) this.state.patch({ running: false, failed: true, message: SERVER_GONE });
        return;
      }
      const now = this.state.value;
      if (now.ready !== before.ready || (before.running && !now.running)) this.onReady?.();
      if (!now.running) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** `mirror`: address of a Debian mirror; empty for what the server knows. */
  async begin(mirror: string): Promise<void> {
    if (!this.#url) return;
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ mirror }),
      });
      if (!response.ok) {
        this.state.patch({ failed: true, message: await response.text() });
        return;
      }
    } catch {
      this.state.patch({ failed: true, message: SERVER_GONE });
      return;
    }
    await this.follow();
  }
}

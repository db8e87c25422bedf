/**
 * What the scheduler needs of its host, a browser's worker or Node: a monotonic clock, a way to let events through,
 * and sleep. Injected, so that tests run on a fake clock. Nothing of it reaches the guest except through logged
 * clock adjustments.
 */

export interface Host {
  /** Monotonic milliseconds. */
  now(): number;
  /** Seconds since 1970 (UTC), for the RTC's power-on time. */
  epochSeconds(): number;
  /** Resolves after pending events (input, messages, timers) have had their turn. */
  yield(): Promise<void>;
  /** Resolves after `ms` (Infinity: never by itself) or when `wake()` is called. */
  sleep(ms: number): { readonly done: Promise<void>; wake(): void };
}

/** What browsers (from one global scope) and Node offer alike; timers' handle types differ, so they stay unknown. */
interface Globals {
  performance: { now(): number };
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** Node only. */
  setImmediate?(callback: () => void): unknown;
  MessageChannel: new () => { port1: { onmessage: (() => void) | null }; port2: { postMessage(message: unknown): void } };
}
const globals = globalThis as unknown as Globals;

/** The longest delay that setTimeout takes (2^31 - 1 ms). */
const LONGEST_TIMEOUT_MS = 2147483647;

/** Node has setImmediate; browsers clamp nested timeouts to 4 ms, so there a message to ourselves is the quick way. */
function createYield(): () => Promise<void> {
  if (globals.setImmediate) return () => new Promise((resolve) => globals.setImmediate!(resolve));
  const channel = new globals.MessageChannel();
  const waiting: (() => void)[] = [];
  channel.port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      channel.port2.postMessage(null);
    });
}

export function createHost(): Host {
  return {
    now: () => globals.performance.now(),
    epochSeconds: () => Date.now() / 1000,
    yield: createYield(),
    sleep(ms) {
      let wake!: () => void;
      const done = new Promise<void>((resolve) => {
        // An endless sleep must not keep Node alive by a timer, nor end by one. Node drops fractions: it would wake up to look
        // at the clock and sleep once more.
        const handle = ms < LONGEST_TIMEOUT_MS ? globals.setTimeout(resolve, Math.ceil(ms)) : undefined;
        wake = () => {
          if (handle !== undefined) globals.clearTimeout(handle);
          resolve();
        };
      });
      return { done, wake };
    },
  };
}

/**
 * Shadow counters: u64 each at SHADOW_COUNTERS, in the order of asm/isa/shadow-counters.ts (tests/mmu/counters.spec.ts
 * holds the two together). Read by `--stats` and the Paging panel.
 */
import { SHADOW_COUNTERS } from "../core/exits";

export const enum ShadowCounter {
  hiddenFaults = 0,
  trueFaults = 1,
  rootsLive = 2,
  rootSwitches = 3,
  tables = 4,
  entriesDropped = 5,
  walks = 6,
  slowStores = 7,
}

export class Counters {
  @inline static count(counter: ShadowCounter): void {
    const at = SHADOW_COUNTERS + (<usize>counter << 3);
    store<u64>(at, load<u64>(at) + 1);
  }
  /** For counters that are a level, not a sum: `rootsLive`, `tables`. */
  @inline static set(counter: ShadowCounter, value: u32): void {
    store<u64>(SHADOW_COUNTERS + (<usize>counter << 3), <u64>value);
  }
}

/**
 * Run control: the debugger's breakpoints, watchpoints and stops on an exit. All are host-side: the guest cannot see them,
 * and its own debug registers are separate (breakpoints.ts). A hit is noted here and ends `run()` with RunEnd.Breakpoint; code
 * breakpoints before the instruction, the others after the one that did it. They cost nothing while there are none.
 *
 * DEBUG area:
 *   +0   u32 number of code breakpoints    +4   u32 number of watchpoints
 *   +8   u64 exit reasons to look at (bit = Exit)   +16 u64 those of them that stop whatever their qualification is
 *   +24  u32 kind of the hit (Hit)         +28 u32 1 = the breakpoint at +48 is passed the next time it comes
 *   +32  u64 what was hit: linear address, or the exit's qualification   +40 u32 reason of an exit hit
 *   +44  u32 number of filters             +48 u64 linear address of the breakpoint that was reported
 *   +64  u64[64] linear addresses of code breakpoints
 *   +576 {u64 linear, u32 bytes, u32 kinds}[32] watchpoints
 *   +1088 {u32 reason, u32 mask, u32 value}[26] filters: stop if (qualification & mask) == value
 */
import { Breakpoints } from "./breakpoints";
import { cpu } from "./cpu";
import { Exit } from "./events.generated";
import { DEBUG } from "./memory-map";
import { Stop } from "./stop";

export namespace Hit {
  export const None: u32 = 0;
  export const Code: u32 = 1;
  export const Read: u32 = 2;
  export const Write: u32 = 3;
  export const Exit: u32 = 4;
}
/** Kinds of a watchpoint, a set. */
export namespace Watch {
  export const Read: u32 = 1;
  export const Write: u32 = 2;
}

const REASONS: usize = DEBUG + 8;
const UNFILTERED: usize = DEBUG + 16;
const KIND: usize = DEBUG + 24;
const REPORTED: usize = DEBUG + 28;
const WHERE: usize = DEBUG + 32;
const REASON: usize = DEBUG + 40;
const FILTER_COUNT: usize = DEBUG + 44;
const REPORTED_AT: usize = DEBUG + 48;
const CODE: usize = DEBUG + 64;
const WATCHES: usize = DEBUG + 576;
const WATCH_BYTES: usize = 16;
const FILTERS: usize = DEBUG + 1088;
const FILTER_BYTES: usize = 12;
const MOST_CODE: u32 = 64;
const MOST_WATCHES: u32 = 32;
const MOST_FILTERS: u32 = 26;

export class Debug {
  @inline static get codeCount(): u32 {
    return load<u32>(DEBUG);
  }
  @inline static get watchCount(): u32 {
    return load<u32>(DEBUG, 4);
  }
  /** Forgets what to stop for; what was reported stays. */
  static clear(): void {
    memory.fill(DEBUG, 0, 24);
    store<u32>(FILTER_COUNT, 0);
  }
  /** False: no room. */
  static addCode(linear: u64): bool {
    const count = Debug.codeCount;
    if (count == MOST_CODE) return false;
    store<u64>(CODE + (<usize>count << 3), linear);
    store<u32>(DEBUG, count + 1);
    return true;
  }
  static addWatch(linear: u64, bytes: u32, kinds: u32): bool {
    const count = Debug.watchCount;
    if (count == MOST_WATCHES || bytes == 0) return false;
    const at = WATCHES + <usize>count * WATCH_BYTES;
    store<u64>(at, linear);
    store<u32>(at, bytes, 8);
    store<u32>(at, kinds, 12);
    store<u32>(DEBUG, count + 1, 4);
    return true;
  }
  /** Stops after exits for this reason whose qualification has `value` in the bits of `mask`; mask 0: after all. False: no room. */
  static addExit(reason: u32, mask: u32, value: u32): bool {
    const bit = <u64>1 << <u64>reason;
    if (mask == 0) store<u64>(UNFILTERED, load<u64>(UNFILTERED) | bit);
    else {
      const count = load<u32>(FILTER_COUNT);
      if (count == MOST_FILTERS) return false;
      const at = FILTERS + <usize>count * FILTER_BYTES;
      store<u32>(at, reason);
      store<u32>(at, mask, 4);
      store<u32>(at, value, 8);
      store<u32>(FILTER_COUNT, count + 1);
    }
    store<u64>(REASONS, load<u64>(REASONS) | bit);
    return true;
  }
  @inline static get stopsOnExits(): bool {
    return load<u64>(REASONS) != 0;
  }

  /** Must accesses to memory be looked at: for the debugger, or for the guest's own data breakpoints? */
  @inline static get watches(): bool {
    return (Debug.watchCount | Breakpoints.data) != 0;
  }
  /** Must instructions be looked at before they run? */
  @inline static get watchesCode(): bool {
    return (Debug.codeCount | Breakpoints.code) != 0;
  }

  /** Is there a code breakpoint at `linear`? */
  static isCode(linear: u64): bool {
    for (let n: u32 = 0, count = Debug.codeCount; n < count; n++) if (load<u64>(CODE + (<usize>n << 3)) == linear) return true;
    return false;
  }
  /** Must accesses to the page of `linear` be looked at one by one? */
  static watchesPage(linear: u64): bool {
    const page = linear >> 12;
    for (let n: u32 = 0, count = Debug.watchCount; n < count; n++) {
      const at = WATCHES + <usize>n * WATCH_BYTES;
      const first = load<u64>(at);
      if (page >= first >> 12 && page <= (first + load<u32>(at, 8) - 1) >> 12) return true;
    }
    return Breakpoints.data != 0 && Breakpoints.watchesPage(linear);
  }
  /** An access that is about to succeed. The instruction completes; the run ends after it. */
  static access(linear: u64, bytes: u32, write: bool): void {
    if (Breakpoints.data) Breakpoints.access(linear, bytes, write);
    for (let n: u32 = 0, count = Debug.watchCount; n < count; n++) {
      const at = WATCHES + <usize>n * WATCH_BYTES;
      const first = load<u64>(at);
      if (!(load<u32>(at, 12) & (write ? Watch.Write : Watch.Read))) continue;
      // Overlap of [linear, linear + bytes) and [first, first + length).
      if (linear - first < load<u32>(at, 8) || first - linear < bytes) {
        Debug.hit(write ? Hit.Write : Hit.Read, linear);
        return;
      }
    }
  }
  /** One exit passed the exit point. */
  static exit(reason: Exit, qualification: u64): void {
    if (!((load<u64>(REASONS) >> <u64>reason) & 1) || load<u32>(KIND)) return;
    if (!((load<u64>(UNFILTERED) >> <u64>reason) & 1) && !Debug.passesFilter(<u32>reason, <u32>qualification)) return;
    store<u32>(REASON, <u32>reason);
    Debug.hit(Hit.Exit, qualification);
  }
  private static passesFilter(reason: u32, qualification: u32): bool {
    for (let n: u32 = 0, count = load<u32>(FILTER_COUNT); n < count; n++) {
      const at = FILTERS + <usize>n * FILTER_BYTES;
      if (load<u32>(at) == reason && (qualification & load<u32>(at, 4)) == load<u32>(at, 8)) return true;
    }
    return false;
  }
  /** The first hit of an instruction is the one that is told. */
  static hit(kind: u32, where: u64): void {
    if (load<u32>(KIND)) return;
    store<u32>(KIND, kind);
    store<u64>(WHERE, where);
    cpu.stop |= Stop.Host;
  }
  @inline static get pending(): bool {
    return load<u32>(KIND) != 0;
  }
  /** Forgets the hit when the guest goes on. */
  static resume(): void {
    store<u32>(KIND, 0);
  }
  /** The breakpoint at `linear` was reported (or the guest was told to go on from there): it is passed when it comes next. */
  static pass(linear: u64): void {
    store<u64>(REPORTED_AT, linear);
    store<u32>(REPORTED, 1);
  }
  @inline static passes(linear: u64): bool {
    return load<u32>(REPORTED) != 0 && load<u64>(REPORTED_AT) == linear;
  }
  /** The instruction there has retired: a fault, or a frame that was missing, has not made it a new arrival. */
  static passed(): void {
    store<u32>(REPORTED, 0);
  }
}

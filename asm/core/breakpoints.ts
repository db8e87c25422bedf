/**
 * The guest's own breakpoints, DR0-DR3 under DR7 (SDM 3B "Debug Registers"): what they watch, kept as masks so that nothing
 * is looked at while none is armed. Instruction breakpoints are faults before their instruction; data breakpoints traps
 * after theirs: a hit waits here until the instruction has retired, and is forgotten if it faults.
 *
 * GUEST_BREAKPOINTS area: +0 u32 armed data breakpoints  +4 u32 armed instruction breakpoints  +8 u32 hits of the instruction
 * in execution. Each is a set of DR6 bits B0-B3.
 */
import { Cr4 } from "./control-registers";
import { cpu } from "./cpu";
import { DR } from "./cpu-state.generated";
import { CPU, GUEST_BREAKPOINTS } from "./memory-map";
import { Stop } from "./stop";

export namespace Dr6 {
  /** B0-B3: breakpoint n was hit. */
  export const Hit: u64 = 0xf;
  /** Access to a debug register while DR7.GD. */
  export const BD: u64 = 0x2000;
  /** Single step. */
  export const BS: u64 = 0x4000;
  /** Task switch to a TSS with its T flag. */
  export const BT: u64 = 0x8000;
  /** Bits that read 1. */
  export const Fixed: u64 = 0xffff0ff0;
  export const Writable: u64 = 0xe00f;
}
export namespace Dr7 {
  export const Enables: u64 = 0xff;
  /** L0-L3 and LE, which a task switch clears. */
  export const Local: u64 = 0x155;
  export const GD: u64 = 0x2000;
  export const Fixed: u64 = 0x400;
  export const Writable: u64 = 0xffff23ff;
}
/** DR7 R/W field: what a breakpoint watches. */
export namespace BreakKind {
  export const Execute: u32 = 0;
  export const Write: u32 = 1;
  export const Io: u32 = 2;
  export const ReadWrite: u32 = 3;
}

/** DR0-DR3, DR6 and DR7 as stored. */
export class Dr {
  @inline static get(n: u32): u64 {
    return load<u64>(CPU + DR + (<usize>n << 3));
  }
  @inline static set(n: u32, value: u64): void {
    store<u64>(CPU + DR + (<usize>n << 3), value);
  }
}

/** A debug trap to be taken after this instruction. */
export function pendDebugTrap(dr6: u32): void {
  cpu.pendingDebug |= dr6;
  cpu.stop |= Stop.Event;
}

const HITS: usize = GUEST_BREAKPOINTS + 8;

export class Breakpoints {
  /** Armed breakpoints on data. */
  @inline static get data(): u32 {
    return load<u32>(GUEST_BREAKPOINTS);
  }
  /** Armed breakpoints on instructions. */
  @inline static get code(): u32 {
    return load<u32>(GUEST_BREAKPOINTS, 4);
  }

  /** Recomputes the masks: DR0-DR3, DR7 or CR4.DE may have changed. */
  static arm(): void {
    const dr7 = <u32>Dr.get(7);
    let data: u32 = 0;
    let code: u32 = 0;
    for (let n: u32 = 0; n < 4; n++) {
      if (!((dr7 >>> (n << 1)) & 3)) continue;
      const kind = (dr7 >>> (16 + (n << 2))) & 3;
      if (kind == BreakKind.Execute) code |= 1 << n;
      else if (kind != BreakKind.Io) data |= 1 << n;
    }
    store<u32>(GUEST_BREAKPOINTS, data);
    store<u32>(GUEST_BREAKPOINTS, code, 4);
  }

  /** Bytes that breakpoint `n` watches: LEN 0 1, 1 2, 2 8 (undefined before the Pentium 4 model 3), 3 4. */
  @inline static bytes(n: u32): u32 {
    const length = (<u32>Dr.get(7) >>> (18 + (n << 2))) & 3;
    return length == 2 ? 8 : length + 1;
  }
  /** The first of them: the address is aligned to their number. */
  @inline static first(n: u32): u64 {
    return Dr.get(n) & ~<u64>(Breakpoints.bytes(n) - 1);
  }

  /**
   * DR6 B bits of the enabled breakpoints that watch an access of `size` bytes at `address` (linear, or a port): `kinds` has
   * bit BreakKind set for each kind that the access satisfies.
   */
  static match(address: u64, size: u32, kinds: u32): u32 {
    const dr7 = <u32>Dr.get(7);
    let hits: u32 = 0;
    for (let n: u32 = 0; n < 4; n++) {
      if (!((dr7 >>> (n << 1)) & 3) || !((kinds >>> ((dr7 >>> (16 + (n << 2))) & 3)) & 1)) continue;
      const first = Breakpoints.first(n);
      if (address - first < Breakpoints.bytes(n) || first - address < size) hits |= 1 << n;
    }
    return hits;
  }
  /** Is there an armed instruction breakpoint at `linear`? DR6 bits. */
  static at(linear: u64): u32 {
    return Breakpoints.code ? Breakpoints.match(linear, 1, 1 << BreakKind.Execute) : 0;
  }
  /** Does a data breakpoint watch bytes of the page of `linear`? None crosses a page, being aligned. */
  static watchesPage(linear: u64): bool {
    for (let n: u32 = 0, armed = Breakpoints.data; armed >>> n; n++) {
      if ((armed >>> n) & 1 && (Breakpoints.first(n) ^ linear) >> 12 == 0) return true;
    }
    return false;
  }

  /** An access to memory that is about to succeed. */
  static access(linear: u64, bytes: u32, write: bool): void {
    const hits = Breakpoints.match(linear, bytes, write ? (1 << BreakKind.Write) | (1 << BreakKind.ReadWrite) : 1 << BreakKind.ReadWrite);
    if (!hits) return;
    store<u32>(HITS, load<u32>(HITS) | hits);
    cpu.stop |= Stop.Step;
  }
  /** The instruction is over, or an event was delivered: its hits become a pending debug trap, unless it faulted. */
  static settle(): void {
    const hits = load<u32>(HITS);
    store<u32>(HITS, 0);
    cpu.stop &= ~Stop.Step;
    if (hits && !(cpu.stop & Stop.Fault)) pendDebugTrap(hits);
  }
}

/** I/O breakpoints, DR7.R/W = 10, exist while CR4.DE is set. The trap follows the instruction, or the iteration of a REP. */
export function watchPort(port: u32, size: u32): void {
  if (!(Dr.get(7) & Dr7.Enables) || !(cpu.cr4 & Cr4.DE)) return;
  const hits = Breakpoints.match(port, size, 1 << BreakKind.Io);
  if (hits) pendDebugTrap(hits);
}

/**
 * DR0-DR7: fixed bits, matching, and the traps they make. SDM 3B "Debug Registers". Debug traps are collected in
 * `cpu.pendingDebug` as DR6 bits and delivered between instructions (interrupt-window.ts).
 */
import { Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { DR } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { Vector, raise } from "../core/pending-trap";
import { Stop } from "../core/stop";

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

/** Number of the register meant by DR4 and DR5: DR6 and DR7, unless CR4.DE forbids them (#UD). */
export function debugRegisterNumber(n: u32): u32 {
  if (n != 4 && n != 5) return n;
  if (cpu.cr4 & Cr4.DE) raise(Vector.UD);
  return n + 2;
}

export function writeDebugRegister(n: u32, value: u32): void {
  if (n == 6) Dr.set(6, (<u64>value & Dr6.Writable) | Dr6.Fixed);
  else if (n == 7) Dr.set(7, (<u64>value & Dr7.Writable) | Dr7.Fixed);
  else Dr.set(n, <u64>value);
}

/** Any breakpoint enabled? */
// @ts-ignore: decorator
@inline export function breakpointsArmed(): bool {
  return (Dr.get(7) & Dr7.Enables) != 0;
}

/**
 * DR6 B bits of the enabled breakpoints that watch an access of `size` bytes at `address` (linear, or a port): `kinds` has
 * bit BreakKind set for each kind that the access satisfies.
 */
export function matchBreakpoints(address: u32, size: u32, kinds: u32): u32 {
  const dr7 = <u32>Dr.get(7);
  let hits: u32 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    if (!((dr7 >>> (n << 1)) & 3)) continue;
    const field = dr7 >>> (16 + (n << 2));
    if (!((kinds >>> (field & 3)) & 1)) continue;
    // LEN 0 1, 1 2, 2 8 (undefined before the Pentium 4 model 3), 3 4 bytes; the address is aligned to it.
    const length = (field >>> 2) & 3;
    const bytes: u32 = length == 2 ? 8 : length + 1;
    const first = <u32>Dr.get(n) & ~(bytes - 1);
    if (address - first < bytes || first - address < size) hits |= 1 << n;
  }
  return hits;
}

/** A debug trap to be taken after this instruction. */
export function pendDebugTrap(dr6: u32): void {
  cpu.pendingDebug |= dr6;
  cpu.stop |= Stop.Event;
}

/** I/O breakpoints, DR7.R/W = 10, exist while CR4.DE is set. */
export function watchPort(port: u32, size: u32): void {
  if (!breakpointsArmed() || !(cpu.cr4 & Cr4.DE)) return;
  const hits = matchBreakpoints(port, size, 1 << BreakKind.Io);
  if (hits) pendDebugTrap(hits);
}

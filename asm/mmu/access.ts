/**
 * Guest memory by linear address: the one way instructions, exception delivery and task switches read and write it.
 * Fast path: one compare in the translation cache. Everything else (miss, page cross, rights, MMIO, code page,
 * page-table frame, absent frame) is the slow path. On a fault a trap is pending and the returned value is 0: ask
 * `faulted()`. Legacy and compatibility modes: 32-bit linear addresses; the `…Long` functions serve 64-bit code.
 */
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Tlb } from "./tlb";
import { Slow } from "./slow-access";
import { TlbLong } from "./tlb-long";

/** As `Access`, for the mode the CPU is in: helpers, which serve all modes, use these. */
export class Linear {
  static load<T>(linear: u64): T {
    return cpu.modeKey & Mode.Code64 ? Access.loadLong<T>(linear) : Access.load<T>(<u32>linear);
  }
  static store<T>(linear: u64, value: T): void {
    if (cpu.modeKey & Mode.Code64) Access.storeLong<T>(linear, value);
    else Access.store<T>(<u32>linear, value);
  }
  static loadForWrite<T>(linear: u64): T {
    return cpu.modeKey & Mode.Code64 ? Access.loadForWriteLong<T>(linear) : Access.loadForWrite<T>(<u32>linear);
  }
}

export class Access {
  /** Reads T (1, 2, 4 or 8 bytes; v128) at the current privilege. */
  @inline static load<T>(linear: u32): T {
    const host = Tlb.read<T>(linear);
    if (host) return load<T>(host);
    return Slow.load<T>(linear, cpu.context);
  }
  /** Writes T at the current privilege; no effect at all if it faults, also when it crosses a page. */
  @inline static store<T>(linear: u32, value: T): void {
    const host = Tlb.write<T>(linear);
    if (host) store<T>(host, value);
    else Slow.store<T>(linear, value, cpu.context);
  }
  /** Reads T for a read-modify-write: takes every fault the later `storeBack` could raise (SDM: write access first). */
  @inline static loadForWrite<T>(linear: u32): T {
    const host = Tlb.write<T>(linear);
    cpu.writeHost = <u32>host;
    if (host) return load<T>(host);
    return Slow.loadForWrite<T>(linear, cpu.context);
  }
  /** Completes the read-modify-write begun by `loadForWrite`; cannot fault. */
  @inline static storeBack<T>(value: T): void {
    if (cpu.writeHost) store<T>(<usize>cpu.writeHost, value);
    else Slow.storeBack<T>(value);
  }
  /** The same for 64-bit code. An address that is not canonical is #GP(0); where SS was meant the caller makes it #SS(0). */
  static loadLong<T>(linear: u64): T {
    const host = TlbLong.read<T>(linear);
    if (host) return load<T>(host);
    return Slow.load<T>(linear, cpu.context);
  }
  static storeLong<T>(linear: u64, value: T): void {
    const host = TlbLong.write<T>(linear);
    if (host) store<T>(host, value);
    else Slow.store<T>(linear, value, cpu.context);
  }
  static loadForWriteLong<T>(linear: u64): T {
    const host = TlbLong.write<T>(linear);
    cpu.writeHost = <u32>host;
    if (host) return load<T>(host);
    return Slow.loadForWrite<T>(linear, cpu.context);
  }
  /** Table bases plus offsets wrap at 4 GB outside IA-32e mode. */
  @inline static system(address: u64): u64 {
    return cpu.modeKey & Mode.Long ? address : address & 0xffffffff;
  }
  /** Implicit supervisor accesses (GDT, LDT, IDT, TSS, inner-level stacks), whatever the CPL. SDM 3A "Access Rights". */
  static loadSystem<T>(address: u64): T {
    const linear = Access.system(address);
    const host = linear >> 32 == 0 ? Tlb.readSystem<T>(<u32>linear) : TlbLong.readSystem<T>(linear);
    if (host) return load<T>(host);
    return Slow.load<T>(linear, cpu.contextSupervisor);
  }
  static storeSystem<T>(address: u64, value: T): void {
    const linear = Access.system(address);
    const host = linear >> 32 == 0 ? Tlb.writeSystem<T>(<u32>linear) : TlbLong.writeSystem<T>(linear);
    if (host) store<T>(host, value);
    else Slow.store<T>(linear, value, cpu.contextSupervisor);
  }
}

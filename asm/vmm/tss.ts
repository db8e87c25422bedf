/**
 * Fields of the current task-state segment, and LDTR and TR loads. SDM 3A "Task-State Segment (TSS)".
 *
 *   32-bit TSS                                     16-bit TSS
 *   00 link  04 ESP0 08 SS0  0C ESP1 … 18 SS2      00 link  02 SP0 04 SS0 06 SP1 … 0C SS2
 *   1C CR3  20 EIP  24 EFLAGS  28 EAX … 44 EDI     0E IP  10 FLAGS  12 AX … 20 DI
 *   48 ES CS SS DS FS 5C GS  60 LDT                22 ES CS SS DS  2A LDT
 *   64 T flag  66 I/O map base
 *
 *   64-bit TSS: 04 RSP0  0C RSP1  14 RSP2  24 IST1 … 54 IST7  66 I/O map base
 */
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Access } from "../mmu/access";
import { canonical } from "../mmu/translate";
import { Raw, Selector, SystemType, assign, assignNull, descriptorLinear, fetchDescriptor, upperHalf } from "./descriptors";

/** Offset of the I/O map base in a 32-bit TSS, and the least limit of each kind. */
export const IO_MAP_BASE: u32 = 0x66;
export const LEAST_LIMIT_32: u32 = 0x67;
export const LEAST_LIMIT_16: u32 = 0x2b;
/** In place of an I/O map base, of which 0 is a legal one: the map then begins at the TSS's own first byte. */
const NO_IO_MAP: u32 = 0xffffffff;

export class Tss {
  @inline static isWide(): bool {
    return (<u32>Segment.of(Seg.TR).attributes & SystemType.Wide) != 0;
  }
  /** Stack pointer found by `readInnerStack`. */
  static innerPointer: u32 = 0;
  static innerSelector: u32 = 0;

  /** Reads SS:ESP for privilege level `level`. False: #TS(TR) or #PF is pending. */
  static readInnerStack(level: u32, ext: u32): bool {
    const tr = Segment.of(Seg.TR);
    const wide = Tss.isWide();
    const offset: u32 = wide ? 4 + level * 8 : 2 + level * 4;
    const last: u32 = offset + (wide ? 5 : 3);
    if (last > tr.limit) {
      raiseError(Vector.TS, Selector.error(<u32>tr.selector, ext));
      return false;
    }
    const linear = tr.base + offset;
    Tss.innerPointer = wide ? Access.loadSystem<u32>(linear) : <u32>Access.loadSystem<u16>(linear);
    if (faulted()) return false;
    Tss.innerSelector = <u32>Access.loadSystem<u16>(linear + (wide ? 4 : 2));
    return !faulted();
  }

  /** Stack pointer found by `readLongStack` and `readIst`. */
  static longPointer: u64 = 0;
  /** Reads RSP for privilege level `level` from a 64-bit TSS. False: #TS(TR) or #PF is pending. */
  static readLongStack(level: u32, ext: u32): bool {
    return Tss.readLong(4 + level * 8, ext);
  }
  /** Reads entry `n` (1-7) of the interrupt stack table. SDM 3A "Interrupt Stack Table". */
  static readIst(n: u32, ext: u32): bool {
    return Tss.readLong(0x1c + n * 8, ext);
  }
  private static readLong(offset: u32, ext: u32): bool {
    const tr = Segment.of(Seg.TR);
    if (offset + 7 > tr.limit) {
      raiseError(Vector.TS, Selector.error(<u32>tr.selector, ext));
      return false;
    }
    Tss.longPointer = Access.loadSystem<u64>(tr.base + <u64>offset);
    return !faulted();
  }

  /**
   * The 16-bit word of the I/O permission bitmap that holds `port`'s bit, shifted so that the bit is bit 0; all ones when
   * the TSS has no such word. SDM Vol 1 "I/O Permission Bit Map".
   */
  static ioBits(port: u32): u32 {
    const base = Tss.ioMapBase();
    if (faulted() || base == NO_IO_MAP) return 0xffff;
    const offset = base + (port >>> 3);
    if (offset + 1 > Segment.of(Seg.TR).limit) return 0xffff;
    const word = <u32>Access.loadSystem<u16>(Segment.of(Seg.TR).base + offset);
    return faulted() ? 0xffff : word >>> (port & 7);
  }
  /** Does INT `vector` in virtual-8086 mode go to the 8086 program's own handler? SDM 3A "Software Interrupt Handling Methods 5, 6". Raises #GP(0) when the map is not there. */
  static isRedirected(vector: u32): bool {
    const base = Tss.ioMapBase();
    if (faulted()) return false;
    const offset = base - 32 + (vector >>> 3);
    if (base < 32 || base == NO_IO_MAP || offset > Segment.of(Seg.TR).limit) {
      raiseError(Vector.GP, 0);
      return false;
    }
    const bits = <u32>Access.loadSystem<u8>(Segment.of(Seg.TR).base + offset);
    return !faulted() && ((bits >>> (vector & 7)) & 1) == 0;
  }
  /** NO_IO_MAP when TR holds no 32-bit TSS that reaches the field. */
  private static ioMapBase(): u32 {
    const tr = Segment.of(Seg.TR);
    if (<u32>tr.attributes & Attr.Unusable || !Tss.isWide() || tr.limit < LEAST_LIMIT_32) return NO_IO_MAP;
    return <u32>Access.loadSystem<u16>(tr.base + IO_MAP_BASE);
  }
}

/** LLDT. A null selector makes every LDT reference fault. */
export function loadLdtr(selector: u32): void {
  if (Selector.isNull(selector)) {
    assignNull(Seg.LDTR, selector);
    return;
  }
  const d = fetchSystem(selector);
  if (faulted()) return;
  if (Raw.kind(d) != SystemType.Ldt) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else {
    const base = longBase(selector);
    if (faulted()) return;
    assign(Seg.LDTR, selector, d);
    Segment.of(Seg.LDTR).base |= base;
  }
}

/** Bits 63-32 of the base of an LDT or TSS: IA-32e mode has 16-byte descriptors for them. #GP if the base is not canonical. */
function longBase(selector: u32): u64 {
  if (!(cpu.modeKey & Mode.Long)) return 0;
  const base = upperHalf(selector) << 32;
  if (!faulted() && !canonical(base)) raiseError(Vector.GP, Selector.error(selector, 0));
  return base;
}

/** LTR: marks the TSS busy in the GDT; no task switch. */
export function loadTr(selector: u32): void {
  if (Selector.isNull(selector)) {
    raiseError(Vector.GP, 0);
    return;
  }
  const d = fetchSystem(selector);
  if (faulted()) return;
  const kind = Raw.kind(d);
  const usable = kind == SystemType.AvailableTss32 || (kind == SystemType.AvailableTss16 && !(cpu.modeKey & Mode.Long));
  if (!usable) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  else {
    const base = longBase(selector);
    if (faulted()) return;
    setBusy(selector, d, true);
    if (faulted()) return;
    assignTr(selector, d);
    Segment.of(Seg.TR).base |= base;
  }
}

/** TR holds the TSS as busy. */
export function assignTr(selector: u32, d: u64): void {
  assign(Seg.TR, selector, d);
  const tr = Segment.of(Seg.TR);
  tr.attributes = <u16>(<u32>tr.attributes | SystemType.Busy);
}

/** Sets or clears the busy bit of a TSS descriptor in the GDT. */
export function setBusy(selector: u32, d: u64, busy: bool): void {
  const attributes = Raw.attributes(d);
  Access.storeSystem<u8>(descriptorLinear(selector) + 5, <u8>(busy ? attributes | SystemType.Busy : attributes & ~SystemType.Busy));
}

/** Descriptor that must be in the GDT: #GP(selector) otherwise. */
function fetchSystem(selector: u32): u64 {
  if (Selector.isLocal(selector)) {
    raiseError(Vector.GP, Selector.error(selector, 0));
    return 0;
  }
  return fetchDescriptor(selector, Vector.GP, 0);
}

/**
 * Segment descriptors: fetching them from GDT and LDT, the checks of every way to load a data or stack segment, and the
 * loads themselves. SDM 3A "Segment Descriptors", "Segment Loading Instructions in IA-32e Mode", SDM 2B "MOV".
 *
 *   raw descriptor  63 … 56 │ 55 54 53  52 │ 51 … 48 │ 47  46 45 44 │ 43 … 40 │ 39 … 16 │ 15 … 0
 *                    base   │  G D/B L AVL │  limit  │  P   DPL   S │  type   │  base   │ limit
 *
 * Checks raise and return 0 without effect; ask `faulted()`.
 */
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Access } from "../mmu/access";

/** System descriptor types, SDM 3A Table "System-Segment and Gate-Descriptor Types". */
export namespace SystemType {
  export const AvailableTss16: u32 = 1;
  export const Ldt: u32 = 2;
  export const BusyTss16: u32 = 3;
  export const CallGate16: u32 = 4;
  export const TaskGate: u32 = 5;
  export const InterruptGate16: u32 = 6;
  export const TrapGate16: u32 = 7;
  export const AvailableTss32: u32 = 9;
  export const BusyTss32: u32 = 11;
  export const CallGate32: u32 = 12;
  export const InterruptGate32: u32 = 14;
  export const TrapGate32: u32 = 15;
  /** What makes an available TSS busy. */
  export const Busy: u32 = 2;
  /** Set in the 32-bit kinds of TSS and gate. */
  export const Wide: u32 = 8;
}

export class Selector {
  @inline static isNull(selector: u32): bool {
    return (selector & 0xfffc) == 0;
  }
  @inline static rpl(selector: u32): u32 {
    return selector & 3;
  }
  /** Refers to the LDT. */
  @inline static isLocal(selector: u32): bool {
    return (selector & 4) != 0;
  }
  /** Error code that names it; `ext` 1 while an event from outside the program is delivered. SDM 3A "Error Code". */
  @inline static error(selector: u32, ext: u32): u32 {
    return (selector & 0xfffc) | ext;
  }
}

/** Fields of a raw descriptor. */
export class Raw {
  @inline static base(d: u64): u32 {
    return (<u32>(d >> 16) & 0xffffff) | (<u32>(d >> 56) << 24);
  }
  /** In bytes, granularity applied. */
  @inline static limit(d: u64): u32 {
    const limit = (<u32>d & 0xffff) | (<u32>(d >> 32) & 0xf0000);
    return d & ((<u64>1) << 55) ? (limit << 12) | 0xfff : limit;
  }
  /** As in SegmentRegister.attributes. */
  @inline static attributes(d: u64): u32 {
    const high = <u32>(d >> 32);
    return ((high >>> 8) & 0xff) | ((high >>> 12) & 0xf00);
  }
  @inline static dpl(d: u64): u32 {
    return <u32>(d >> 45) & 3;
  }
  @inline static isPresent(d: u64): bool {
    return (<u32>(d >> 47) & 1) != 0;
  }
  /** Type and S bit: 0-15 are system descriptors, 16-31 code and data. */
  @inline static kind(d: u64): u32 {
    return <u32>(d >> 40) & 0x1f;
  }
  @inline static isCode(d: u64): bool {
    return (<u32>(d >> 40) & (Attr.S | Attr.Code)) == (Attr.S | Attr.Code);
  }
  /** Of a code segment. */
  @inline static isConforming(d: u64): bool {
    return (<u32>(d >> 40) & Attr.Conforming) != 0;
  }
  @inline static isWritableData(d: u64): bool {
    return (<u32>(d >> 40) & (Attr.S | Attr.Code | Attr.Writable)) == (Attr.S | Attr.Writable);
  }
  /** Data, or code that may be read. */
  @inline static isReadable(d: u64): bool {
    const kind = Raw.kind(d);
    return (kind & Attr.S) != 0 && ((kind & Attr.Code) == 0 || (kind & Attr.Readable) != 0);
  }
  /** Of a gate: target selector, entry point by its size, parameters. */
  @inline static gateSelector(d: u64): u32 {
    return <u32>(d >> 16) & 0xffff;
  }
  @inline static gateOffset(d: u64): u32 {
    const low = <u32>d & 0xffff;
    return Raw.kind(d) & SystemType.Wide ? low | (<u32>(d >> 32) & 0xffff0000) : low;
  }
  @inline static gateParameters(d: u64): u32 {
    return <u32>(d >> 32) & 0x1f;
  }
}

/** Does the selector's descriptor lie inside its table? */
export function inTable(selector: u32): bool {
  const last = (selector & 0xfff8) | 7;
  if (!Selector.isLocal(selector)) return last <= cpu.gdtr_limit;
  const ldtr = Segment.of(Seg.LDTR);
  return !(<u32>ldtr.attributes & Attr.Unusable) && last <= ldtr.limit;
}

/** The same for a descriptor of 16 bytes: call gates, TSSs and LDTs in IA-32e mode. */
export function wholeInTable(selector: u32): bool {
  const last = (selector & 0xfff8) | 15;
  if (!Selector.isLocal(selector)) return last <= cpu.gdtr_limit;
  const ldtr = Segment.of(Seg.LDTR);
  return !(<u32>ldtr.attributes & Attr.Unusable) && last <= ldtr.limit;
}

/** Linear address of the selector's descriptor, inside its table or not. */
export function descriptorLinear(selector: u32): u64 {
  const base = Selector.isLocal(selector) ? Segment.of(Seg.LDTR).base : cpu.gdtr_base;
  return Access.system(base + <u64>(selector & 0xfff8));
}

/**
 * Upper half of a 16-byte descriptor: bits 63-32 of a base or offset, then zeros where a type would be. #GP(selector) if it
 * does not fit its table or is something else. SDM 3A "Call-Gate Descriptor in IA-32e Mode".
 */
export function upperHalf(selector: u32): u64 {
  let half: u64 = 0;
  const fits = wholeInTable(selector);
  if (fits) half = Access.loadSystem<u64>(descriptorLinear(selector) + 8);
  if (!faulted() && (!fits || <u32>(half >> 40) & 0x1f)) raiseError(Vector.GP, Selector.error(selector, 0));
  return half;
}

/** The raw descriptor; outside its table it raises `vector` with the selector. */
export function fetchDescriptor(selector: u32, vector: u32, ext: u32): u64 {
  if (!inTable(selector)) {
    raiseError(vector, Selector.error(selector, ext));
    return 0;
  }
  return Access.loadSystem<u64>(descriptorLinear(selector));
}

/** Sets the accessed bit of a code or data descriptor in memory, if it is clear. May raise #PF. */
export function markAccessed(selector: u32, d: u64): void {
  const attributes = Raw.attributes(d);
  if (attributes & Attr.Accessed) return;
  Access.storeSystem<u8>(descriptorLinear(selector) + 5, <u8>(attributes | Attr.Accessed));
}

/** Fills segment register `n` from a descriptor that was checked. */
export function assign(n: u32, selector: u32, d: u64): void {
  const s = Segment.of(n);
  s.selector = <u16>selector;
  s.base = <u64>Raw.base(d);
  s.limit = Raw.limit(d);
  const attributes = Raw.attributes(d);
  s.attributes = <u16>(attributes & Attr.S ? attributes | Attr.Accessed : attributes);
}

/** A null selector: any use of the register faults. */
export function assignNull(n: u32, selector: u32): void {
  const s = Segment.of(n);
  s.selector = <u16>selector;
  s.base = 0;
  s.limit = 0;
  s.attributes = <u16>Attr.Unusable;
}

/** A flat 4 GB segment as SYSENTER and its kin make them. `type` with S, e.g. 0x1B code, 0x13 data; with L, 64-bit code. */
export function assignFlat(n: u32, selector: u32, type: u32, dpl: u32): void {
  const s = Segment.of(n);
  s.selector = <u16>selector;
  s.base = 0;
  s.limit = 0xffffffff;
  s.attributes = <u16>(Attr.G | (type & Attr.L ? 0 : Attr.DB) | Attr.P | type | (dpl << Attr.DplShift));
}

/** Virtual-8086 segment: base = selector × 16, 64 KB, DPL 3. SDM 3A "Virtual-8086 Mode", guest-state checks. */
export function assignVirtual8086(n: u32, selector: u32): void {
  const s = Segment.of(n);
  s.selector = <u16>selector;
  s.base = <u64>((selector & 0xffff) << 4);
  s.limit = 0xffff;
  s.attributes = 0xf3;
}

/** Real-address mode: only the base changes; limit and size stay what they were ("unreal" mode rests on this). */
export function assignReal(n: u32, selector: u32): void {
  const s = Segment.of(n);
  s.selector = <u16>selector;
  s.base = <u64>((selector & 0xffff) << 4);
  // Writable data with DPL 0, also for CS.
  s.attributes = <u16>((<u32>s.attributes & (Attr.G | Attr.DB)) | Attr.P | Attr.S | Attr.Writable | Attr.Accessed);
}

/** Real or virtual-8086 mode: a selector is a paragraph number. */
// @ts-ignore: decorator
@inline export function paragraphs(): bool {
  return (cpu.modeKey & Mode.Protected) == 0;
}
export function assignParagraph(n: u32, selector: u32): void {
  if (cpu.modeKey & Mode.Virtual8086) assignVirtual8086(n, selector);
  else assignReal(n, selector);
}

/**
 * Checks a stack segment for privilege level `level`: #GP or #TS (`vector`) with the selector; #SS if not present. A null
 * selector has error code 0. Returns the raw descriptor, its accessed bit set in memory.
 */
export function checkStack(selector: u32, level: u32, vector: u32, ext: u32): u64 {
  if (Selector.isNull(selector)) {
    raiseError(vector, ext);
    return 0;
  }
  const d = fetchDescriptor(selector, vector, ext);
  if (faulted()) return 0;
  if (Selector.rpl(selector) != level || !Raw.isWritableData(d) || Raw.dpl(d) != level) raiseError(vector, Selector.error(selector, ext));
  else if (!Raw.isPresent(d)) raiseError(Vector.SS, Selector.error(selector, ext));
  else markAccessed(selector, d);
  return d;
}

/** Checks a selector that is not null for DS, ES, FS or GS at privilege level `level`. Returns the raw descriptor, accessed. */
export function checkData(selector: u32, level: u32, vector: u32, ext: u32): u64 {
  const d = fetchDescriptor(selector, vector, ext);
  if (faulted()) return 0;
  const guarded = !Raw.isCode(d) || !Raw.isConforming(d);
  if (!Raw.isReadable(d) || (guarded && (Selector.rpl(selector) > Raw.dpl(d) || level > Raw.dpl(d)))) raiseError(vector, Selector.error(selector, ext));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, ext));
  else markAccessed(selector, d);
  return d;
}

/** MOV, POP, LxS to ES, SS, DS, FS or GS in the mode the CPU is in. No effect if it faults; the caller updates the mode key. */
export function loadSegment(n: u32, selector: u32): void {
  if (paragraphs()) {
    assignParagraph(n, selector);
    return;
  }
  if (n == Seg.SS) {
    // 64-bit code below level 3 may have no stack segment.
    if (cpu.modeKey & Mode.Code64 && Selector.isNull(selector) && cpu.cpl != 3 && Selector.rpl(selector) == cpu.cpl) {
      assignNull(n, selector);
      return;
    }
    const d = checkStack(selector, cpu.cpl, Vector.GP, 0);
    if (!faulted()) assign(n, selector, d);
    return;
  }
  if (Selector.isNull(selector)) {
    assignNull(n, selector);
    return;
  }
  const d = checkData(selector, cpu.cpl, Vector.GP, 0);
  if (!faulted()) assign(n, selector, d);
}

/**
 * After a return to outer privilege: data segments the new level may not hold become null. SDM 2B "RET", 2A "IRET": the selector,
 * that is; the bases of FS and GS, which 64-bit code has from MSRs, stay (a kernel's per-CPU data lives there).
 */
export function dropInnerSegments(): void {
  dropInner(Seg.ES);
  dropInner(Seg.DS);
  dropInner(Seg.FS);
  dropInner(Seg.GS);
}
function dropInner(n: u32): void {
  const s = Segment.of(n);
  const a = <u32>s.attributes;
  if (a & Attr.Unusable) return;
  const conforming = (a & (Attr.Code | Attr.Conforming)) == (Attr.Code | Attr.Conforming);
  if (conforming || s.dpl >= cpu.cpl) return;
  const base = s.base;
  assignNull(n, 0);
  if (n == Seg.FS || n == Seg.GS) s.base = base;
}

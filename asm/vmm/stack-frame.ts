/**
 * Frames on the stack: those that events and far transfers push, and reading those that returns take off. Room is checked and every byte probed before the first store, so that
 * a fault, or a guest frame that is not there, leaves no half-written frame. SDM 3A "Stack Switching".
 */
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Access, Linear } from "../mmu/access";
import { probeAlignment, probeWrite } from "../mmu/slow-access";
import { canonical, stackFault } from "../mmu/translate";
import { Raw } from "./descriptors";

/** Are `bytes` bytes at `offset` inside a stack segment? `mask`: the highest offset of its size. SDM 3A "Limit Checking". */
function inside(offset: u32, bytes: u32, limit: u32, attributes: u32, mask: u32): bool {
  const last = offset + (bytes - 1);
  if (attributes & Attr.ExpandDown) return offset > limit && last >= offset && last <= mask;
  // A limit of 4 GB lets an access wrap.
  return last <= limit && (last >= offset || limit == 0xffffffff);
}

/** The type of the segment in SS as far as it counts: in real and virtual-8086 mode it does not. */
function stackAttributes(): u32 {
  const attributes = <u32>Segment.of(Seg.SS).attributes;
  return cpu.modeKey & Mode.Protected ? attributes : attributes & ~Attr.ExpandDown;
}

/** What lies on the stack in SS, at the current privilege. */
export class StackTop {
  @inline private static mask(): u32 {
    return <u32>Segment.of(Seg.SS).attributes & Attr.DB ? 0xffffffff : 0xffff;
  }
  /** The item of `size` 2, 4 or 8 bytes that lies `delta` bytes above the top; #SS(0) or #PF leaves 0. */
  static read(size: u32, delta: u32): u64 {
    if (cpu.modeKey & Mode.Code64) {
      const top = cpu.rsp + <u64>delta;
      const value = size == 2 ? <u64>Access.loadLong<u16>(top) : size == 4 ? <u64>Access.loadLong<u32>(top) : Access.loadLong<u64>(top);
      if (faulted()) stackFault(top, size);
      return value;
    }
    const ss = Segment.of(Seg.SS);
    const offset = (<u32>cpu.rsp + delta) & StackTop.mask();
    if (!inside(offset, size, ss.limit, stackAttributes(), StackTop.mask())) {
      raiseError(Vector.SS, 0);
      return 0;
    }
    const linear = <u32>ss.base + offset;
    return size == 2 ? <u64>Access.load<u16>(linear) : <u64>Access.load<u32>(linear);
  }
  /** Item `n` of a frame. */
  @inline static item(size: u32, n: u32): u64 {
    return StackTop.read(size, size * n);
  }
  /** Takes `bytes` off. */
  static release(bytes: u32): void {
    if (cpu.modeKey & Mode.Code64) {
      cpu.rsp += <u64>bytes;
      return;
    }
    const mask = StackTop.mask();
    cpu.rsp = <u64>((<u32>cpu.rsp & ~mask) | ((<u32>cpu.rsp + bytes) & mask));
  }
}

export class Frame {
  /** ESP as it will be; only its low half moves on a 16-bit stack. */
  static pointer: u64 = 0;
  private static base: u32 = 0;
  private static limit: u32 = 0;
  private static attributes: u32 = 0;
  private static mask: u32 = 0;
  /** A 64-bit stack: no segment, all of RSP. */
  private static long: bool = false;
  /** Supervisor accesses, whatever the CPL: the new stack belongs to an inner level. */
  private static system: bool = false;
  /** Error code of #SS when there is no room. */
  private static error: u32 = 0;

  /** Frames on the stack in SS, at the current privilege. */
  static onCurrent(error: u32): void {
    const ss = Segment.of(Seg.SS);
    Frame.begin(cpu.rsp, <u32>ss.base, ss.limit, stackAttributes(), cpu.cpl != 3, error);
    Frame.long = (cpu.modeKey & Mode.Code64) != 0;
  }
  /** Frames on the stack that descriptor `d` describes, for privilege level `level`. */
  static onNew(d: u64, pointer: u64, level: u32, error: u32): void {
    Frame.begin(pointer, Raw.base(d), Raw.limit(d), Raw.attributes(d), level != 3, error);
  }
  private static begin(pointer: u64, base: u32, limit: u32, attributes: u32, system: bool, error: u32): void {
    Frame.pointer = pointer;
    Frame.base = base;
    Frame.limit = limit;
    Frame.attributes = attributes;
    Frame.mask = attributes & Attr.DB ? 0xffffffff : 0xffff;
    Frame.system = system;
    Frame.error = error;
    Frame.long = false;
  }
  /** Frames on a 64-bit stack for privilege level `level`. */
  static onLong(pointer: u64, level: u32, error: u32): void {
    Frame.begin(pointer, 0, 0, 0, level != 3, error);
    Frame.long = true;
  }

  /** Room for `count` items of `size` bytes below the pointer? False: #SS or #PF is pending. */
  static reserve(size: u32, count: u32): bool {
    if (!Frame.system) {
      probeAlignment(Frame.long ? Frame.pointer - size : <u64>(Frame.base + ((<u32>Frame.pointer - size) & Frame.mask)), size);
      if (faulted()) return false;
    }
    const total = size * count;
    if (Frame.long) {
      const lowest = Frame.pointer - <u64>total;
      if (canonical(lowest) && canonical(Frame.pointer - 1)) return Frame.probeItems(lowest, size, total);
      raiseError(Vector.SS, Frame.error);
      return false;
    }
    const first = (<u32>Frame.pointer - total) & Frame.mask;
    if (first <= Frame.mask - (total - 1)) return Frame.probe(first, size, total);
    // The frame wraps around the end of the stack: each item by itself.
    for (let n: u32 = 1; n <= count; n++) {
      if (!Frame.probe((<u32>Frame.pointer - n * size) & Frame.mask, size, size)) return false;
    }
    return true;
  }
  private static probe(offset: u32, size: u32, bytes: u32): bool {
    if (!inside(offset, bytes, Frame.limit, Frame.attributes, Frame.mask)) {
      raiseError(Vector.SS, Frame.error);
      return false;
    }
    return Frame.probeItems(Frame.base + offset, size, bytes);
  }
  /** As they will be pushed, from the highest down: of two pages that are missing the upper one faults, at the item's address. */
  private static probeItems(linear: u64, size: u32, bytes: u32): bool {
    if ((<u32>linear & 0xfff) + bytes <= 0x1000) probeWrite(linear, bytes, Frame.system);
    else {
      for (let at = linear + bytes; at != linear && !faulted(); ) {
        at -= size;
        probeWrite(at, size, Frame.system);
      }
    }
    return !faulted();
  }

  /** Stores one reserved item of 2, 4 or 8 bytes. */
  static push(size: u32, value: u64): void {
    if (Frame.long) {
      Frame.pointer -= <u64>size;
      Frame.put(Frame.pointer, size, value);
      return;
    }
    const offset = (<u32>Frame.pointer - size) & Frame.mask;
    Frame.pointer = <u64>((<u32>Frame.pointer & ~Frame.mask) | offset);
    Frame.put(<u64>(Frame.base + offset), size, value);
  }
  private static put(linear: u64, size: u32, value: u64): void {
    if (Frame.system) {
      if (size == 2) Access.storeSystem<u16>(linear, <u16>value);
      else if (size == 4) Access.storeSystem<u32>(linear, <u32>value);
      else Access.storeSystem<u64>(linear, value);
    } else if (size == 2) Linear.store<u16>(linear, <u16>value);
    else if (size == 4) Linear.store<u32>(linear, <u32>value);
    else Linear.store<u64>(linear, value);
  }
  /** A selector, zero-extended to the item. */
  static pushSelector(size: u32, n: u32): void {
    Frame.push(size, <u64>Segment.of(n).selector);
  }
}

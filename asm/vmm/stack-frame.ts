/**
 * Frames on the stack: those that events and far transfers push, and reading those that returns take off. Room is checked and every byte probed before the first store, so that
 * a fault, or a guest frame that is not there, leaves no half-written frame. SDM 3A "Stack Switching".
 */
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Access } from "../mmu/access";
import { probeAlignment, probeWrite } from "../mmu/slow-access";
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
  /** The item of `size` 2 or 4 bytes that lies `delta` bytes above the top; #SS(0) or #PF leaves 0. */
  static read(size: u32, delta: u32): u32 {
    const ss = Segment.of(Seg.SS);
    const offset = (<u32>cpu.rsp + delta) & StackTop.mask();
    if (!inside(offset, size, ss.limit, stackAttributes(), StackTop.mask())) {
      raiseError(Vector.SS, 0);
      return 0;
    }
    const linear = <u32>ss.base + offset;
    return size == 2 ? <u32>Access.load<u16>(linear) : Access.load<u32>(linear);
  }
  /** Item `n` of a frame. */
  @inline static item(size: u32, n: u32): u32 {
    return StackTop.read(size, size * n);
  }
  /** Takes `bytes` off. */
  static release(bytes: u32): void {
    const mask = StackTop.mask();
    cpu.rsp = <u64>((<u32>cpu.rsp & ~mask) | ((<u32>cpu.rsp + bytes) & mask));
  }
}

export class Frame {
  /** ESP as it will be; only its low half moves on a 16-bit stack. */
  static pointer: u32 = 0;
  private static base: u32 = 0;
  private static limit: u32 = 0;
  private static attributes: u32 = 0;
  private static mask: u32 = 0;
  /** Supervisor accesses, whatever the CPL: the new stack belongs to an inner level. */
  private static system: bool = false;
  /** Error code of #SS when there is no room. */
  private static error: u32 = 0;

  /** Frames on the stack in SS, at the current privilege. */
  static onCurrent(error: u32): void {
    const ss = Segment.of(Seg.SS);
    Frame.begin(<u32>cpu.rsp, <u32>ss.base, ss.limit, stackAttributes(), cpu.cpl != 3, error);
  }
  /** Frames on the stack that descriptor `d` describes, for privilege level `level`. */
  static onNew(d: u64, pointer: u32, level: u32, error: u32): void {
    Frame.begin(pointer, Raw.base(d), Raw.limit(d), Raw.attributes(d), level != 3, error);
  }
  private static begin(pointer: u32, base: u32, limit: u32, attributes: u32, system: bool, error: u32): void {
    Frame.pointer = pointer;
    Frame.base = base;
    Frame.limit = limit;
    Frame.attributes = attributes;
    Frame.mask = attributes & Attr.DB ? 0xffffffff : 0xffff;
    Frame.system = system;
    Frame.error = error;
  }

  /** Room for `count` items of `size` bytes below the pointer? False: #SS or #PF is pending. */
  static reserve(size: u32, count: u32): bool {
    if (!Frame.system) {
      probeAlignment(Frame.base + ((Frame.pointer - size) & Frame.mask), size);
      if (faulted()) return false;
    }
    const total = size * count;
    const first = (Frame.pointer - total) & Frame.mask;
    if (first <= Frame.mask - (total - 1)) return Frame.probe(first, total);
    // The frame wraps around the end of the stack: each item by itself.
    for (let n: u32 = 1; n <= count; n++) {
      if (!Frame.probe((Frame.pointer - n * size) & Frame.mask, size)) return false;
    }
    return true;
  }
  private static probe(offset: u32, bytes: u32): bool {
    if (!inside(offset, bytes, Frame.limit, Frame.attributes, Frame.mask)) {
      raiseError(Vector.SS, Frame.error);
      return false;
    }
    probeWrite(Frame.base + offset, bytes, Frame.system);
    return !faulted();
  }

  /** Stores one reserved item of 2 or 4 bytes. */
  static push(size: u32, value: u32): void {
    const offset = (Frame.pointer - size) & Frame.mask;
    Frame.pointer = (Frame.pointer & ~Frame.mask) | offset;
    const linear = Frame.base + offset;
    if (Frame.system) {
      if (size == 2) Access.storeSystem<u16>(linear, <u16>value);
      else Access.storeSystem<u32>(linear, value);
    } else if (size == 2) Access.store<u16>(linear, <u16>value);
    else Access.store<u32>(linear, value);
  }
  /** A selector: a 32-bit item has a zero upper half. */
  static pushSelector(size: u32, n: u32): void {
    Frame.push(size, <u32>Segment.of(n).selector);
  }
}

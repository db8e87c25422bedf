/**
 * Changes of the physical map while the machine runs: ROM, device windows (BARs), video memory, absent frames, A20. Each
 * drops exactly what was derived from the frames that change.
 */
import { FrameFlag, HostFrame, Pool } from "./host-frame";
import { Mutation, Seeded } from "./mutation";
import { FrameKind, Physical } from "./physical";
import { dropGuestFrame } from "./shadow-drop";
import { Tlb } from "./tlb";
import { beforeWrite } from "./write-epoch";

/** Gives guest frame `frame` another meaning; its old host frame goes back to the pool. */
function change(frame: u32, host: usize, kind: u32): void {
  const old = Physical.entry(frame);
  const oldKind = old & FrameKind.Mask;
  if (Seeded.is(Mutation.RemappedBar)) {
    // The bug under test keeps the old frame out of the pool, or its reuse would hide what went wrong.
    Physical.setEntry(frame, host, kind);
    return;
  }
  dropGuestFrame(frame);
  if (oldKind == FrameKind.Absent) Physical.absent--;
  if (kind == FrameKind.Absent) Physical.absent++;
  Physical.setEntry(frame, host, kind);
  if (oldKind == FrameKind.Ram || oldKind == FrameKind.Rom) Pool.release(HostFrame.of(<usize>(old & 0xfffff000)));
}

/** New zeroed frames from the pool for guest frames first … first + count - 1; false if the pool ran dry on the way. */
function populate(first: u32, count: u32, kind: u32, flags: u32): bool {
  for (let n: u32 = 0; n < count; n++) {
    const frame = Pool.take(first + n, flags);
    if (frame == null) return false;
    memory.fill(frame.host, 0, 0x1000);
    frame.epoch = Physical.epoch;
    change(first + n, frame.host, kind);
  }
  return true;
}

export class Remap {
  /** RAM (also video memory), zeroed. False: the pool has not enough frames; those before are mapped. */
  static ram(first: u32, count: u32): bool {
    return populate(first, count, FrameKind.Ram, 0);
  }
  /** ROM, zeroed, for the host to fill through `guestFrameHost`; guest stores have no effect. */
  static rom(first: u32, count: u32): bool {
    return populate(first, count, FrameKind.Rom, FrameFlag.Rom);
  }
  /** RAM becomes read-only, or writable again, with what it holds: shadowed firmware. Other frames stay as they are. */
  static protect(first: u32, count: u32, readOnly: bool): void {
    for (let frame = first; frame < first + count; frame++) {
      const entry = Physical.entry(frame);
      const kind = entry & FrameKind.Mask;
      const next = readOnly ? FrameKind.Rom : FrameKind.Ram;
      if ((kind != FrameKind.Ram && kind != FrameKind.Rom) || kind == next) continue;
      dropGuestFrame(frame);
      const page = <usize>(entry & 0xfffff000);
      const host = HostFrame.of(page);
      if (readOnly) host.flags |= FrameFlag.Rom;
      else host.flags &= ~FrameFlag.Rom;
      beforeWrite(host);
      Physical.setEntry(frame, page, next);
    }
  }
  /** Nobody's, or a device's: accesses go to the machine. */
  static mmio(first: u32, count: u32): void {
    for (let n: u32 = 0; n < count; n++) change(first + n, Pool.frames, FrameKind.Mmio);
  }
  /** Contents not here: the first access of any kind ends `run()` with FrameMissing. What was there is forgotten. */
  static absent(first: u32, count: u32): void {
    for (let n: u32 = 0; n < count; n++) {
      if (Physical.kind(first + n) != FrameKind.Absent) change(first + n, Pool.frames, FrameKind.Absent);
    }
  }
  /** An absent frame becomes RAM, zeroed; its host address for the contents, or 0 if it was not absent. */
  static deliver(frame: u32): usize {
    if (Physical.kind(frame) != FrameKind.Absent) return 0;
    const target = Pool.take(frame, 0);
    if (target == null) return 0;
    memory.fill(target.host, 0, 0x1000);
    target.epoch = Physical.epoch;
    change(frame, target.host, FrameKind.Ram);
    return target.host;
  }
  /** A new write epoch: frames written from now on carry its number. */
  static beginEpoch(): u32 {
    Physical.epoch++;
    Tlb.revokeAllWrites();
    return Physical.epoch;
  }
}

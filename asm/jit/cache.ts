/** The regions that live: by the frame their code lies in, so that a store into it finds them. */
import { cpu } from "../core/cpu";
import { hostRetire } from "../core/host";
import { Stop } from "../core/stop";
import { Block } from "../decode/block-cache";
import { FrameFlag, HostFrame, Pool } from "../mmu/host-frame";
import { allocate, frameIndexOf, hostFrameCount } from "../mmu/physical";
import { Links } from "./link";
import { RegionLog } from "./region-log";

/** Table entries, so also regions made before everything is forgotten. */
export const MOST_REGIONS: u32 = 8192;

@unmanaged @final class RegionRecord {
  /** Granules of the frame its instructions lie in. */
  mask: u64;
  /** Its first block. */
  head: u32;
  nextInFrame: u32;
  alive: u32;
  pad: u32;
}
const RECORD_BYTES: usize = 24;

let records: usize = 0;
/** Per host frame: first region's index + 1. */
let frames: usize = 0;
let count: u32 = 0;
let tableBase: u32 = 0;
let killed: u32 = 0;

function record(n: u32): RegionRecord {
  return changetype<RegionRecord>(records + <usize>n * RECORD_BYTES);
}

export class Regions {
  /** `base`: the first of MOST_REGIONS table entries. */
  static init(base: u32): void {
    tableBase = base;
    records = allocate(<usize>MOST_REGIONS * RECORD_BYTES);
    frames = allocate(<usize>hostFrameCount() * 4);
  }
  static get count(): u32 {
    return count;
  }
  static get killed(): u32 {
    return killed;
  }
  static get nextIndex(): u32 {
    return tableBase + count;
  }
  /** The region just written begins at `head` and covers granules `mask`. */
  static add(head: Block, mask: u64): void {
    const r = record(count++);
    const slot = frames + (<usize>frameIndexOf(head.host) << 2);
    r.mask = mask;
    r.head = changetype<u32>(head);
    r.alive = 1;
    r.nextInFrame = load<u32>(slot);
    store<u32>(slot, count);
  }
  /** Forgets all of them. Their blocks may be `kept`. */
  static clear(kept: bool): void {
    for (let n: u32 = 0; n < count; n++) {
      const r = record(n);
      if (!r.alive) continue;
      r.alive = 0;
      if (kept) changetype<Block>(<usize>r.head).region = 0;
      hostRetire(tableBase + n, Links.coreFunction);
    }
    memory.fill(frames, 0, <usize>hostFrameCount() * 4);
    count = 0;
  }
  /** The block that region `index` of the table begins with lies at `block` now. */
  static moved(index: u32, block: u32): void {
    record(index - tableBase).head = block;
  }
  /** Bytes first … last of a host frame were written: regions with code there die. */
  static written(frame: u32, first: u32, last: u32): void {
    if (!frames) return;
    const slot = frames + (<usize>frame << 2);
    let at = load<u32>(slot);
    if (!at) return;
    const mask = (<u64>-1 << (first >>> 6)) & (<u64>-1 >> (63 - (last >>> 6)));
    let keep: u32 = 0;
    let rest: u64 = 0;
    while (at) {
      const r = record(at - 1);
      const next = r.nextInFrame;
      if (r.mask & mask) {
        r.alive = 0;
        const head = changetype<Block>(<usize>r.head);
        head.region = 0;
        head.heat = 0;
        hostRetire(tableBase + at - 1, Links.coreFunction);
        killed++;
        RegionLog.written(at - 1);
        // It may be the one that runs.
        cpu.stop |= Stop.Code;
      } else {
        r.nextInFrame = keep;
        keep = at;
        rest |= r.mask;
      }
      at = next;
    }
    store<u32>(slot, keep);
    if (rest) {
      const f = Pool.at(frame);
      f.code |= rest;
      f.flags |= FrameFlag.Code;
    }
  }
}

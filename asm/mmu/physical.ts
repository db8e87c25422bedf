/**
 * Level 0 of the memory system: the physical map, guest frame → host frame and kind (architecture: "Physical map").
 * Two levels, because guest-physical space has 36 bits and most of it is empty:
 *
 *   guest frame  │ 23 … 10 directory │ 9 … 0 chunk │      entry  │ 31 … 12 host page │ 1 0 kind │
 *
 * Adjacent guest frames need not be adjacent in the pool. Changing the map is remap.ts's business, because what was
 * derived from it must go too. Also here: the bump allocator all fixed pools of the core are carved with.
 */
import { hostCrash } from "../core/host";
import { DESCRIPTOR_BYTES, Pool } from "./host-frame";

/** Physical address width reported by CPUID leaf 80000008 and enforced by the walker. SDM 3A "MAXPHYADDR". */
export const PHYSICAL_BITS: u32 = 36;
const FRAME_BITS: u32 = PHYSICAL_BITS - 12;
const CHUNK_BITS: u32 = 10;
const CHUNK_FRAMES: u32 = 1 << CHUNK_BITS;
/** Pool frames beyond RAM: 2 MB of ROM, 16 MB of video memory, the open bus. */
const EXTRA_FRAMES: u32 = 512 + 4096 + 1;

export namespace FrameKind {
  /** Nobody's or a device's: the machine answers. */
  export const Mmio: u32 = 0;
  export const Ram: u32 = 1;
  export const Rom: u32 = 2;
  /** RAM whose contents have not come yet: touching it is an internal fault. */
  export const Absent: u32 = 3;
  export const Mask: u32 = 3;
}

let heapNext: usize = 0;
let heapEnd: usize = 0;

/** `bytes` of zeroed memory, 16-byte aligned, for ever. A host that cannot give it is a crash that names the size. */
export function allocate(bytes: usize): usize {
  return allocateAligned(bytes, 16);
}

/** As `allocate`, aligned to a power of two up to 64 KB. */
export function allocateAligned(bytes: usize, alignment: usize): usize {
  // Everything below the end of the initial memory is left to asc's own heap.
  if (heapEnd == 0) heapNext = heapEnd = <usize>memory.size() << 16;
  const at = (heapNext + alignment - 1) & ~(alignment - 1);
  const end = <u64>at + <u64>bytes;
  if (end > <u64>heapEnd) {
    const pages = (end - <u64>heapEnd + 0xffff) >> 16;
    if (end > 0xffff0000 || memory.grow(<i32>pages) < 0) {
      hostCrash(OUT_OF_MEMORY, <u64>bytes);
      unreachable();
    }
    heapEnd += <usize>pages << 16;
  }
  heapNext = at + bytes;
  return at;
}
/** `hostCrash` code: linear memory cannot grow by the bytes given as its value. */
export const OUT_OF_MEMORY: u32 = 0x4d454d; // "MEM"

export function hostFrameCount(): u32 {
  return Pool.count;
}
/** Index in the pool of the frame that holds host address `host`. */
export function frameIndexOf(host: usize): u32 {
  return <u32>((host - Pool.frames) >>> 12);
}

export class Physical {
  static directory: usize = 0;
  /** Chunk of all frames that nothing was ever mapped to. */
  static voidChunk: usize = 0;
  static ramBytes: u32 = 0;
  /** How many guest frames are absent: while 0, nobody need look for them. */
  static absent: u32 = 0;
  /** What A20 leaves of a frame number in CPU accesses. */
  static a20Mask: u32 = 0xffffffff;
  /** Current write epoch; HostFrame.epoch equals it in frames written since it began. */
  static epoch: u32 = 1;
  /** Frames of an earlier epoch are given to the host before they are written; 0 = none are. */
  static keptEpoch: u32 = 0;

  /** Map entry of a guest frame (numbers beyond the physical address width wrap). */
  @inline static entry(frame: u32): u32 {
    const chunk = load<u32>(Physical.directory + (<usize>((frame >>> CHUNK_BITS) & ((1 << (FRAME_BITS - CHUNK_BITS)) - 1)) << 2));
    return load<u32>(<usize>chunk + (<usize>(frame & (CHUNK_FRAMES - 1)) << 2));
  }
  @inline static kind(frame: u32): u32 {
    return Physical.entry(frame) & FrameKind.Mask;
  }
  /** Host page of a guest frame: of RAM and ROM its bytes, else the open bus (also of absent frames). */
  @inline static hostPage(frame: u32): usize {
    return <usize>(Physical.entry(frame) & 0xfffff000);
  }
  /** Sets a map entry; the caller has dropped what derived from the old one. */
  static setEntry(frame: u32, host: usize, kind: u32): void {
    const slot = Physical.directory + (<usize>(frame >>> CHUNK_BITS) << 2);
    let chunk = <usize>load<u32>(slot);
    if (chunk == Physical.voidChunk) {
      chunk = allocate(<usize>CHUNK_FRAMES << 2);
      memory.copy(chunk, Physical.voidChunk, <usize>CHUNK_FRAMES << 2);
      store<u32>(slot, <u32>chunk);
    }
    store<u32>(chunk + (<usize>(frame & (CHUNK_FRAMES - 1)) << 2), <u32>host | kind);
  }
  /** A CPU access's frame: A20 masks physical address bit 20. */
  @inline static masked(frame: u32): u32 {
    return frame & Physical.a20Mask;
  }
}

/** Carves pool and map for `ramBytes` of RAM (a multiple of 4096, at most 2 GB) mapped from guest-physical 0. Once. */
export function initPhysical(ramBytes: u32): void {
  Physical.ramBytes = ramBytes;
  const ramFrames = ramBytes >>> 12;
  const count = ramFrames + EXTRA_FRAMES;
  const directoryBytes: usize = 4 << (FRAME_BITS - CHUNK_BITS);
  const descriptors = allocate(<usize>count * DESCRIPTOR_BYTES);
  Physical.directory = allocate(directoryBytes);
  Physical.voidChunk = allocate(<usize>CHUNK_FRAMES << 2);
  Pool.init(allocateAligned(<usize>count << 12, 0x1000), descriptors, count);
  for (let n: usize = 0; n < CHUNK_FRAMES; n++) store<u32>(Physical.voidChunk + (n << 2), <u32>Pool.frames | FrameKind.Mmio);
  for (let at: usize = 0; at < directoryBytes; at += 4) store<u32>(Physical.directory + at, <u32>Physical.voidChunk);
  for (let frame: u32 = 0; frame < ramFrames; frame++) {
    const host = Pool.take(frame, 0);
    if (host == null) unreachable();
    else Physical.setEntry(frame, host.host, FrameKind.Ram);
  }
}


/**
 * The frame pool: host frames of 4 KB that hold guest RAM, ROM and video memory, with one 32-byte descriptor each.
 * Frame 0 is the open bus: bytes FF, mapped by every guest frame that no memory claims, so that mappings of devices
 * hang on one reverse-map list like any other. Contents of other frames: see physical.ts.
 */

/** Why a store, or any access, to a host frame may not take the fast path. */
export namespace FrameFlag {
  /** Decoded code lies in it; `code` says where. */
  export const Code: u32 = 1;
  /** A guest page table that is shadowed lies in it. */
  export const Tracked: u32 = 2;
  /** Stores have no effect. */
  export const Rom: u32 = 4;
  /** The open bus: loads and stores go to the machine. */
  export const Mmio: u32 = 8;
  /** Any of them: no write tag. */
  export const AnySlowStore: u32 = 15;
}

@unmanaged @final export class HostFrame {
  flags: u32;
  /** Guest frame that maps it; in a free frame the next free frame's index. */
  guestFrame: u32;
  /** Bit n: the 64 bytes from n * 64 hold decoded code. */
  code: u64;
  /** Reverse map: first shadow leaf entry that maps the frame (reverse-map.ts), 0 = none. */
  mappings: u32;
  /** First shadow table made from the page table in it (shadow-pool.ts), 0 = none. */
  tables: u32;
  /** Write epoch in which it was last writable by the guest or written by anybody. */
  epoch: u32;
  /** Tracked stores since one of its shadow tables was last used. */
  writes: u32;

  /** Descriptor of the frame that holds host address `host`. */
  @inline static of(host: usize): HostFrame {
    return changetype<HostFrame>(Pool.bias + ((host >>> 12) << 5));
  }
  @inline get index(): u32 {
    return <u32>((changetype<usize>(this) - Pool.descriptors) >>> 5);
  }
  /** Host address of its first byte. */
  @inline get host(): usize {
    return Pool.frames + ((changetype<usize>(this) - Pool.descriptors) << 7);
  }
}

export const DESCRIPTOR_BYTES: usize = 32;

export class Pool {
  /** Host address of frame 0, the open bus. */
  static frames: usize = 0;
  static count: u32 = 0;
  static descriptors: usize = 0;
  /** descriptors - (frames >> 12) * 32, so that a host address finds its descriptor without a subtraction. */
  static bias: usize = 0;
  /** First free frame's index, 0 = none (frame 0 is never free). */
  static free: u32 = 0;

  /** `frames` and `descriptors` are zeroed memory; every frame but the open bus becomes free, lowest first. */
  static init(frames: usize, descriptors: usize, count: u32): void {
    Pool.frames = frames;
    Pool.descriptors = descriptors;
    Pool.count = count;
    Pool.bias = descriptors - ((frames >>> 12) << 5);
    memory.fill(frames, 0xff, 0x1000);
    HostFrame.of(frames).flags = FrameFlag.Mmio;
    for (let n: u32 = 1; n < count; n++) Pool.at(n).guestFrame = n + 1 == count ? 0 : n + 1;
    Pool.free = count > 1 ? 1 : 0;
  }
  @inline static at(index: u32): HostFrame {
    return changetype<HostFrame>(Pool.descriptors + (<usize>index << 5));
  }
  /** Takes a free frame for `guestFrame`; null when the pool is empty. Its bytes are whatever they were. */
  static take(guestFrame: u32, flags: u32): HostFrame | null {
    const index = Pool.free;
    if (index == 0) return null;
    const frame = Pool.at(index);
    Pool.free = frame.guestFrame;
    frame.flags = flags;
    frame.guestFrame = guestFrame;
    frame.code = 0;
    frame.epoch = 0;
    frame.writes = 0;
    return frame;
  }
  /** Gives a frame back; nothing may map it or derive from it any more. */
  static release(frame: HostFrame): void {
    if (frame.mappings | frame.tables) unreachable();
    frame.flags = 0;
    frame.guestFrame = Pool.free;
    Pool.free = frame.index;
  }
}

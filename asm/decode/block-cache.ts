/**
 * Decoded blocks: straight runs of Insns, keyed by where their bytes lie in host memory and by the mode key, so that
 * two address spaces (or two mappings of one page) share them. A block ends at a control transfer, at its page's end,
 * or after 32 instructions. An instruction that crosses its page is decoded each time it is reached and never kept,
 * because its second half belongs to another mapping.
 *
 *   Block, 32 bytes, then its Insns:
 *   +0 host address of the first byte   +4 mode key (FFFFFFFF = dead)   +8 next in hash chain   +12 next of the frame
 *   +16 u16 instructions   +18 u16 bytes   +20 u16 1 = the last instruction sets RIP itself
 *   +22 u16, +24, +28 the translator's (asm/jit/jit.ts): longest path without a budget check, table index of the region
 *   that begins here (0 = none), how often the block was run
 */
import { INSN_BYTES } from "../core/exits";
import { cpu } from "../core/cpu";
import { notifyBlockMoved, notifyBlocksMove } from "../core/hooks";
import { JUMP_CACHE, JUMP_CACHE_AREA, JUMP_ENTRIES } from "../core/memory-map";
import { Stop } from "../core/stop";
import { clearCode, markCode } from "../mmu/slow-access";
import { allocate, frameIndexOf, hostFrameCount } from "../mmu/physical";
import { decode, endsBlock } from "./decoder";
import { Fetch } from "./fetch";
import { Insn } from "./insn";

@unmanaged @final export class Block {
  host: u32;
  modeKey: u32;
  nextInHash: u32;
  nextInFrame: u32;
  count: u16;
  bytes: u16;
  endsItself: u16;
  longest: u16;
  region: u32;
  heat: u32;

  @inline get first(): Insn {
    return changetype<Insn>(changetype<usize>(this) + HEADER);
  }
}
export const HEADER: usize = 32;
export const DEAD: u32 = 0xffffffff;
/** `longest` of a block that begins no region, but is part of another one's. */
export const COVERED: u16 = 0xffff;
export const MAX_INSNS: u32 = 32;
const HASH_ENTRIES: u32 = 65536;
const ARENA_BYTES: usize = 24 << 20;
const LARGEST: usize = HEADER + <usize>MAX_INSNS * INSN_BYTES;

let arena: usize = 0;
let arenaNext: usize = 0;
let arenaEnd: usize = 0;
let hash: usize = 0;
/** Per host frame: its first block. */
let frames: usize = 0;
/** Per host frame: the last gap between blocks that was written to, first byte | last byte << 16; 0 = none known. */
let gaps: usize = 0;
/** The block of an instruction that crosses its page. */
let single: usize = 0;
/** Bytes of the arena that are blocks which died. */
let dead: usize = 0;
/** Bumped when an executable mapping changes: every jump-cache entry made before is stale. */
let epoch: u32 = 1;

export class BlockCache {
  static init(): void {
    arena = allocate(ARENA_BYTES);
    arenaEnd = arena + ARENA_BYTES;
    hash = allocate(HASH_ENTRIES * 4);
    frames = allocate(<usize>hostFrameCount() * 4);
    gaps = allocate(<usize>hostFrameCount() * 4);
    single = allocate(HEADER + INSN_BYTES);
    BlockCache.clear();
  }

  /** Counts `clear`: what others keep of blocks is stale then. */
  static generation: u32 = 0;

  /** Forgets everything. */
  static clear(): void {
    BlockCache.generation++;
    for (let n: u32 = 0, count = hostFrameCount(); n < count; n++) {
      if (load<u32>(frames + (<usize>n << 2))) clearCode(n);
    }
    memory.fill(frames, 0, <usize>hostFrameCount() * 4);
    memory.fill(gaps, 0, <usize>hostFrameCount() * 4);
    memory.fill(hash, 0, HASH_ENTRIES * 4);
    memory.fill(JUMP_CACHE, 0, JUMP_CACHE_AREA);
    arenaNext = arena;
    dead = 0;
  }

  /** Linear RIP → block memos made so far are stale. */
  static staleJumps(): void {
    epoch = (epoch + 1) & 0xfffff;
    if (epoch == 0) {
      memory.fill(JUMP_CACHE, 0, JUMP_CACHE_AREA);
      epoch = 1;
    }
  }

  /** Jump cache, where address spaces do not push out each other's: entry {linear RIP, context | epoch << 12, block, high half of linear RIP}. */
  @inline static jumpEntry(linear: u32): usize {
    return JUMP_CACHE + (<usize>((linear ^ (linear >>> 14) ^ (cpu.context << 6)) & <u32>(JUMP_ENTRIES - 1)) << 4);
  }
  @inline static jumpTag(): u32 {
    return cpu.context | (epoch << 12);
  }

  static bucket(host: u32, key: u32): usize {
    const h = (host ^ (host >>> 15) ^ (key * 0x9e3779b1)) * 0x85ebca6b;
    return hash + (<usize>(h >>> 16) << 2);
  }

  static find(host: u32, key: u32): Block | null {
    let at = load<u32>(BlockCache.bucket(host, key));
    while (at) {
      const block = changetype<Block>(<usize>at);
      if (block.host == host && block.modeKey == key) return block;
      at = block.nextInHash;
    }
    return null;
  }

  /**
   * Decodes the block at host address `host` = linear `linear` = CS offset `rip`. Null when the first instruction could
   * not be fetched: the fault is pending.
   */
  static build(host: usize, linear: u64, rip: u32): Block | null {
    if (arenaNext + LARGEST > arenaEnd) BlockCache.makeRoom();
    const block = changetype<Block>(arenaNext);
    const key = cpu.modeKey;
    const pageLeft: u32 = 0x1000 - (<u32>linear & 0xfff);
    let insn = block.first;
    let offset: u32 = 0;
    let count: u32 = 0;
    let ends = false;
    // A non-flat CS may end inside a page: such blocks stop before the limit is reached (Fetch raises when it is).
    while (count < MAX_INSNS && offset < pageLeft && !ends) {
      Fetch.begin(host + <usize>offset, linear + <u64>offset, rip + offset);
      if (count) Fetch.quiet();
      if (!decode(insn, key)) {
        if (count) break;
        return null;
      }
      if (Fetch.crossed) {
        if (count) break;
        return BlockCache.single(insn, host);
      }
      insn.start = <u16>offset;
      offset += insn.length;
      insn.end = <u16>offset;
      ends = endsBlock();
      count++;
      insn = changetype<Insn>(changetype<usize>(insn) + INSN_BYTES);
    }
    block.host = <u32>host;
    block.modeKey = key;
    block.longest = 0;
    block.region = 0;
    block.heat = 0;
    block.count = <u16>count;
    block.bytes = <u16>offset;
    block.endsItself = <u16>ends;
    arenaNext += HEADER + <usize>count * INSN_BYTES;
    BlockCache.enter(block);
    store<u32>(gaps + (<usize>frameIndexOf(host) << 2), 0);
    markCode(host, offset);
    return block;
  }

  /** Blocks that died leave their place to others: code that is made at run time would else push out all there is. */
  private static makeRoom(): void {
    if (dead < ARENA_BYTES / 4) {
      BlockCache.clear();
      return;
    }
    notifyBlocksMove();
    memory.fill(frames, 0, <usize>hostFrameCount() * 4);
    memory.fill(hash, 0, HASH_ENTRIES * 4);
    memory.fill(JUMP_CACHE, 0, JUMP_CACHE_AREA);
    const end = arenaNext;
    arenaNext = arena;
    for (let at = arena; at < end; ) {
      const size = HEADER + <usize>changetype<Block>(at).count * INSN_BYTES;
      if (changetype<Block>(at).modeKey != DEAD) {
        memory.copy(arenaNext, at, size);
        const block = changetype<Block>(arenaNext);
        BlockCache.enter(block);
        if (block.region) notifyBlockMoved(block.region, <u32>arenaNext);
        arenaNext += size;
      }
      at += size;
    }
    dead = 0;
  }
  /** All blocks are counted from 0 again. */
  static cool(): void {
    for (let at = arena; at < arenaNext; ) {
      const block = changetype<Block>(at);
      block.heat = 0;
      block.longest = 0;
      at += HEADER + <usize>block.count * INSN_BYTES;
    }
  }
  /** Makes a block known by its host address. */
  private static enter(block: Block): void {
    const bucket = BlockCache.bucket(block.host, block.modeKey);
    block.nextInHash = load<u32>(bucket);
    store<u32>(bucket, changetype<u32>(block));
    const head = frames + (<usize>frameIndexOf(block.host) << 2);
    block.nextInFrame = load<u32>(head);
    store<u32>(head, changetype<u32>(block));
  }

  /** Decodes exactly one instruction, kept nowhere: page-crossing ones, and those near the limit of a non-flat CS. */
  static one(host: usize, linear: u64, rip: u32): Block | null {
    const block = changetype<Block>(single);
    const insn = block.first;
    Fetch.begin(host, linear, rip);
    if (!decode(insn, cpu.modeKey)) return null;
    return BlockCache.single(insn, host);
  }

  private static single(insn: Insn, host: usize): Block {
    const block = changetype<Block>(single);
    if (changetype<usize>(block.first) != changetype<usize>(insn)) memory.copy(changetype<usize>(block.first), changetype<usize>(insn), INSN_BYTES);
    block.host = <u32>host;
    block.modeKey = DEAD;
    block.region = 0;
    block.count = 1;
    block.first.start = 0;
    block.first.end = <u16>insn.length;
    block.bytes = <u16>insn.length;
    block.endsItself = <u16>endsBlock();
    return block;
  }

  /** Bytes first…last of a host frame were written: blocks that overlap die. */
  static written(frame: u32, first: u32, last: u32): void {
    const head = frames + (<usize>frame << 2);
    let at = load<u32>(head);
    if (!at || BlockCache.isBetween(frame, first, last)) return;
    let keep: u32 = 0;
    clearCode(frame);
    while (at) {
      const block = changetype<Block>(<usize>at);
      const next = block.nextInFrame;
      const from = block.host & 0xfff;
      if (from <= last && from + <u32>block.bytes > first) BlockCache.kill(block);
      else {
        block.nextInFrame = keep;
        keep = at;
        markCode(<usize>block.host, block.bytes);
      }
      at = next;
    }
    store<u32>(head, keep);
  }

  /**
   * Do bytes first…last of a host frame lie between blocks? A variable beside code (16-bit programs have them) is written
   * over and over: the gap it lies in is remembered.
   */
  private static isBetween(frame: u32, first: u32, last: u32): bool {
    const memo = gaps + (<usize>frame << 2);
    const known = load<u32>(memo);
    if (known && (known & 0xffff) <= first && known >>> 16 >= last) return true;
    let low: u32 = 0;
    let high: u32 = 0xfff;
    for (let at = load<u32>(frames + (<usize>frame << 2)); at; ) {
      const block = changetype<Block>(<usize>at);
      const from = block.host & 0xfff;
      const end = from + <u32>block.bytes;
      if (end <= first) low = max(low, end);
      else if (from > last) high = min(high, from - 1);
      else return false;
      at = block.nextInFrame;
    }
    store<u32>(memo, low | (high << 16));
    return true;
  }

  private static kill(block: Block): void {
    const bucket = BlockCache.bucket(block.host, block.modeKey);
    let at = load<u32>(bucket);
    if (at == changetype<u32>(block)) store<u32>(bucket, block.nextInHash);
    else {
      while (at) {
        const other = changetype<Block>(<usize>at);
        if (other.nextInHash == changetype<u32>(block)) {
          other.nextInHash = block.nextInHash;
          break;
        }
        at = other.nextInHash;
      }
    }
    block.modeKey = DEAD;
    dead += HEADER + <usize>block.count * INSN_BYTES;
    if (cpu.blockFirst == changetype<u32>(block.first)) cpu.stop |= Stop.Code;
  }
}

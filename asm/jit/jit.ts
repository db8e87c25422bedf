/**
 * When code is translated, and how the loop enters it. A block that was run often enough is queued; a full queue, or one
 * that has waited, becomes one module. The counters of `--stats` are kept here.
 */
import { cpu } from "../core/cpu";
import { onBlocksMove } from "../core/hooks";
import { Mode } from "../core/mode";
import { Block, BlockCache, COVERED, DEAD } from "../decode/block-cache";
import { Want } from "../mmu/paging-entry";
import { Tlb } from "../mmu/tlb";
import { TlbLong } from "../mmu/tlb-long";
import { translateKnown } from "../mmu/translate";
import { MOST_REGIONS, Regions } from "./cache";
import { settleStored } from "./flag-kinds";
import { Links } from "./link";
import { Module } from "./module";
import { Region } from "./region";
import { RegionLog } from "./region-log";
import { RegionWriter } from "./region-writer";
import { Site } from "./site";

const MOST_QUEUED: u32 = 64;
const queue: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_QUEUED);
let queued: u32 = 0;
/** Runs of queued blocks by interpretation since the first of them came. */
let waited: u32 = 0;
let generation: u32 = 0;
/** RIP at which translated code left through cpu.jitLink. */
let linkRip: u64 = 0;

export class Jit {
  static on: bool = false;
  /** Runs of a block before it is translated. */
  static threshold: u32 = 600;
  /** Runs of a block that is a part of another one's region already before it begins one itself. */
  @inline static get again(): u32 {
    return Jit.threshold * 3;
  }
  /** Most regions in one module, and how many runs of queued blocks by interpretation are worth a smaller one. */
  static batch: u32 = 48;
  static patience: u32 = 2000;
  static modules: u32 = 0;
  static bytes: u64 = 0;
  static instructions: u64 = 0;
  static refused: u32 = 0;
  static cleared: u32 = 0;
  /** Times the loop entered translated code. */
  static entered: u32 = 0;

  static init(tableBase: u32): void {
    Regions.init(tableBase);
    RegionLog.init(tableBase, MOST_REGIONS);
    Links.init();
    Site.init();
    Module.init();
    RegionWriter.init();
    generation = BlockCache.generation;
    onBlocksMove(
      (): void => {
        Jit.dismiss(0);
        queued = 0;
      },
      (region: u32, block: u32): void => Regions.moved(region, block),
    );
    Jit.on = true;
  }

  /** Forgets all translated code. */
  static clear(): void {
    if (!Jit.on) return;
    // What is queued may be gone.
    Regions.clear(!Jit.stale);
    if (!Jit.stale) BlockCache.cool();
    Links.clear();
    Site.clear();
    queued = 0;
    cpu.jitLink = 0;
    generation = BlockCache.generation;
    Jit.cleared++;
  }

  /** Blocks of the queue from number `n` on are counted from 0 again. */
  static dismiss(n: u32): void {
    for (; n < queued; n++) changetype<Block>(<usize>queue[n]).heat = 0;
  }

  /** The loop runs `block` by interpretation: counts it. */
  static count(block: Block): void {
    const heat = ++block.heat;
    if (heat < Jit.threshold) return;
    if (heat > Jit.threshold && heat != Jit.again) {
      if (queued && block.longest != COVERED && ++waited > Jit.patience) Jit.compile();
      return;
    }
    if (heat == Jit.threshold && block.longest == COVERED) return;
    if (block.modeKey == DEAD || !Region.possible(block.modeKey)) return;
    if (!queued) waited = 0;
    queue[queued++] = changetype<u32>(block);
    if (queued >= Jit.batch) Jit.compile();
  }

  /** Translates what is queued. */
  static compile(): void {
    if (Regions.count + MOST_QUEUED > MOST_REGIONS || Links.full || Site.full) {
      Jit.clear();
      return;
    }
    const first = Regions.nextIndex;
    Module.begin();
    for (let n: u32 = 0; n < queued; n++) {
      if (Module.full) {
        Jit.dismiss(n);
        break;
      }
      const block = changetype<Block>(<usize>queue[n]);
      if (block.modeKey == DEAD || block.region) continue;
      // A region made just now leads through it.
      if (block.longest == COVERED && block.heat < Jit.again) continue;
      Region.choose(block);
      const before = Module.end;
      if (!Module.add()) {
        Jit.refused++;
        continue;
      }
      block.region = first + Module.functions - 1;
      block.longest = <u16>Region.instructions;
      Regions.add(block, Region.mask());
      Region.cover();
      RegionLog.made(block.region, Module.end - before);
    }
    queued = 0;
    if (!Module.functions) return;
    Jit.bytes += Module.install(first);
    Jit.modules++;
  }

  /** Blocks that translated code belongs to are gone: asked after the loop has found its block. */
  @inline static get stale(): bool {
    return generation != BlockCache.generation;
  }

  /** Runs the region of `block`, and those it is linked to; `most` ticks. */
  static enter(block: Block, most: u32): void {
    const link = cpu.jitLink;
    const rip = cpu.rip;
    if (link && linkRip == rip) Links.fill(link, block.region, block.host);
    // Links from other pages look here; the loop has found the block without it.
    const known = cpu.modeKey & Mode.Code64 ? TlbLong.execute(rip) : Tlb.execute(<u32>rip);
    if (!known) translateKnown(rip, Want.Fetch, cpu.context);
    Links.fillJump(<u32>rip, block.region, block.host, block.modeKey);
    cpu.jitLink = 0;
    cpu.jitLeft = most;
    cpu.jitMark = most;
    const before = cpu.instructions;
    Jit.entered++;
    const entered = block.region;
    const longest = <u32>block.longest;
    call_indirect<void>(entered);
    settleStored();
    cpu.instructions += <u64>(cpu.jitMark - cpu.jitLeft);
    Jit.instructions += cpu.instructions - before;
    RegionLog.returned(entered, cpu.instructions - before, longest);
    linkRip = cpu.rip;
  }
}

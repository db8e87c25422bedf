/**
 * Choice of a region: from a hot block, the blocks of its page that it leads to and that have run, as nodes of a graph.
 * A block that runs into the beginning of another node is cut there.
 */
import { Mode } from "../core/mode";
import { INSN_BYTES } from "../core/exits";
import { Block, BlockCache, COVERED } from "../decode/block-cache";
import { FIRST_FAMILY, Handler } from "../decode/handlers.generated";
import { Insn } from "../decode/insn";
import { ROW_FLOW } from "../decode/tables.generated";
import { HELPER_FAMILIES } from "../semantics/dispatch.generated";

export const MOST_NODES: u32 = 32;
/** No edge, or one that leaves the region. */
export const NOWHERE: u32 = 0xffffffff;

/** How a node ends. */
export namespace Ending {
  /** Runs on to `fall`. */
  export const Falls: u32 = 0;
  /** To `taken` on a condition, else to `fall`. */
  export const Branch: u32 = 1;
  /** To `taken`. */
  export const Jump: u32 = 2;
  /** To a computed address. */
  export const Computed: u32 = 3;
  /** By an instruction that the interpreter's backend does: on to `fall` if it only went on, else to the loop. */
  export const Interpreted: u32 = 4;
  /** By RET: to one of the region's return sites, or a computed address. */
  export const Return: u32 = 5;
}

/** A row's properties, asm/toolchain/row-info.ts `flowOf`. */
export function flowOf(i: Insn): u32 {
  return <u32>i.row == 0xffff ? 0 : <u32>load<u8>(ROW_FLOW + <usize>i.row);
}
/** Has it a meaning that Emit writes, in the modes that regions are made for? */
export function isStaged(i: Insn): bool {
  const handler = <u32>i.handler;
  if (handler >= FIRST_FAMILY && handler < FIRST_FAMILY + ((<u32>HELPER_FAMILIES) << 6)) return false;
  // A near transfer of operand size 16 cuts RIP to 16 bits.
  return !((flowOf(i) & 7) != 0 && i.width == 2);
}

/** Not written by Emit, but a call that needs only its address from the function's locals will do: x87, MMX, SSE. */
export function isQuiet(i: Insn): bool {
  // Not where the decoder found that it is undefined here, or the unit is switched off.
  return (flowOf(i) & 192) == 192 && !isStaged(i) && <u32>i.handler > Handler.TOO_LONG;
}

/** RET, of the near transfers to computed targets: the only ones without ModRM, whose place has the opcode. */
function isReturn(i: Insn): bool {
  return <u32>i.modrm == 0xc2 || <u32>i.modrm == 0xc3;
}

const blocks: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
const counts: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
const endings: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
/** Offsets in the page; may lie outside it. */
const takenOffset: StaticArray<i32> = new StaticArray<i32>(<i32>MOST_NODES);
const fallOffset: StaticArray<i32> = new StaticArray<i32>(<i32>MOST_NODES);
const takenNode: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
const fallNode: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
/** Nodes behind the calls of the region, and per node the return sites that are no edge of it (a set). */
const MOST_SITES: u32 = 6;
const sites: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_SITES);
const notReturning: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
let siteCount: u32 = 0;

export class Region {
  static count: u32 = 0;
  static key: u32 = 0;
  /** Host address of the page. */
  static page: u32 = 0;
  /** Instructions of all nodes: no path without a check is longer. */
  static instructions: u32 = 0;
  static interprets: bool = false;
  /** Limits, for tests too. */
  static mostNodes: u32 = 20;
  static mostInstructions: u32 = 240;
  /** Blocks run less often than the head by this shift are left out. */
  static coldShift: u32 = 5;

  /** Can code of this mode be made into regions? Flat 32-bit protected mode, and 64-bit code. */
  static possible(key: u32): bool {
    if (key & Mode.Code64) return true;
    const wanted = Mode.Code32 | Mode.Stack32 | Mode.FlatSS | Mode.FlatCS | Mode.Protected;
    return (key & (wanted | Mode.Code64 | Mode.Long)) == wanted;
  }

  @inline static block(n: u32): Block {
    return changetype<Block>(<usize>blocks[n]);
  }
  @inline static offset(n: u32): u32 {
    return Region.block(n).host & 0xfff;
  }
  @inline static insn(n: u32, k: u32): Insn {
    return changetype<Insn>(changetype<usize>(Region.block(n).first) + <usize>k * INSN_BYTES);
  }
  @inline static length(n: u32): u32 {
    return counts[n];
  }
  @inline static ending(n: u32): u32 {
    return endings[n];
  }
  @inline static takenOffset(n: u32): i32 {
    return takenOffset[n];
  }
  @inline static fallOffset(n: u32): i32 {
    return fallOffset[n];
  }
  @inline static taken(n: u32): u32 {
    return takenNode[n];
  }
  @inline static fall(n: u32): u32 {
    return fallNode[n];
  }
  /** Edges of node n: 0 taken, 1 fall, or the return sites. */
  static edges(n: u32): u32 {
    return endings[n] == Ending.Return ? siteCount : 2;
  }
  /** Where edge `which` leads, or NOWHERE. */
  static edge(n: u32, which: u32): u32 {
    if (endings[n] == Ending.Return) return (notReturning[n] >> which) & 1 ? NOWHERE : sites[which];
    return which == 0 ? takenNode[n] : fallNode[n];
  }
  /** Edge number `which` becomes an exit. */
  static cutEdge(n: u32, which: u32): void {
    if (endings[n] == Ending.Return) notReturning[n] |= 1 << which;
    else if (which == 0) takenNode[n] = NOWHERE;
    else fallNode[n] = NOWHERE;
  }

  static choose(head: Block): void {
    Region.key = head.modeKey;
    Region.page = head.host & 0xfffff000;
    Region.count = 0;
    Region.interprets = false;
    Region.add(head);
    const least = head.heat >> Region.coldShift;
    let instructions = 0;
    for (let n: u32 = 0; n < Region.count; n++) {
      instructions += <i32>Region.block(n).count;
      Region.close(n, <u32>Region.block(n).count);
      if (instructions > <i32>Region.mostInstructions) break;
      // The edge that falls through first: it is the likelier one.
      if (Region.mayFall(n)) Region.follow(fallOffset[n], least);
      if (endings[n] == Ending.Branch || endings[n] == Ending.Jump) Region.follow(takenOffset[n], least);
      // A call that stays in the region comes back to it.
      if (Region.calls(n) && Region.nodeAt(takenOffset[n]) != NOWHERE) Region.follow(fallOffset[n], least);
    }
    Region.instructions = 0;
    siteCount = 0;
    for (let n: u32 = 0; n < Region.count; n++) {
      Region.close(n, Region.lengthUntilNode(n));
      Region.instructions += counts[n];
    }
    for (let n: u32 = 0; n < Region.count; n++) {
      takenNode[n] = endings[n] == Ending.Branch || endings[n] == Ending.Jump ? Region.nodeAt(takenOffset[n]) : NOWHERE;
      fallNode[n] = Region.mayFall(n) ? Region.nodeAt(fallOffset[n]) : NOWHERE;
      notReturning[n] = 0;
      const site = Region.calls(n) && takenNode[n] != NOWHERE ? Region.nodeAt(fallOffset[n]) : NOWHERE;
      if (site != NOWHERE && siteCount < MOST_SITES) sites[siteCount++] = site;
    }
  }
  private static mayFall(n: u32): bool {
    return endings[n] == Ending.Falls || endings[n] == Ending.Branch || endings[n] == Ending.Interpreted;
  }
  /** Does node n end in a relative call? */
  private static calls(n: u32): bool {
    return endings[n] == Ending.Jump && (flowOf(Region.insn(n, counts[n] - 1)) & 7) == 3;
  }
  private static add(block: Block): void {
    blocks[Region.count++] = changetype<u32>(block);
  }
  private static nodeAt(offset: i32): u32 {
    for (let n: u32 = 0; n < Region.count; n++) if (<i32>Region.offset(n) == offset) return n;
    return NOWHERE;
  }
  private static follow(offset: i32, least: u32): void {
    if (Region.count == Region.mostNodes || <u32>offset >= 0x1000 || Region.nodeAt(offset) != NOWHERE) return;
    const block = BlockCache.find(Region.page + <u32>offset, Region.key);
    if (block != null && (block.heat >= least || block.region)) Region.add(block);
  }
  /** Instructions of node n before it runs into another node. */
  private static lengthUntilNode(n: u32): u32 {
    const start = Region.offset(n);
    let count = <u32>Region.block(n).count;
    if (count > Region.mostInstructions) count = Region.mostInstructions;
    for (let k: u32 = 1; k < count; k++) if (Region.nodeAt(<i32>(start + <u32>Region.insn(n, k).start)) != NOWHERE) return k;
    return count;
  }
  /** Node n consists of its first `count` instructions. */
  private static close(n: u32, count: u32): void {
    const block = Region.block(n);
    const start = <i32>Region.offset(n);
    const last = Region.insn(n, count - 1);
    counts[n] = count;
    fallOffset[n] = start + <i32>last.end;
    takenOffset[n] = start + <i32>last.end + last.disp;
    for (let k: u32 = 0; k < count; k++) if (!isStaged(Region.insn(n, k)) && !isQuiet(Region.insn(n, k))) Region.interprets = true;
    if (count < <u32>block.count || !block.endsItself) endings[n] = Ending.Falls;
    else if (!isStaged(last)) endings[n] = Ending.Interpreted;
    else {
      const flow = flowOf(last) & 7;
      endings[n] = flow == 1 ? Ending.Branch : flow == 2 || flow == 3 ? Ending.Jump : isReturn(last) ? Ending.Return : Ending.Computed;
    }
  }
  /** Blocks that the region leads through. */
  static cover(): void {
    for (let n: u32 = 1; n < Region.count; n++) {
      const block = Region.block(n);
      if (!block.region) block.longest = COVERED;
    }
  }
  /** Granules of the page that its instructions lie in. */
  static mask(): u64 {
    let mask: u64 = 0;
    for (let n: u32 = 0; n < Region.count; n++) {
      const first = Region.offset(n);
      const last = first + <u32>Region.insn(n, counts[n] - 1).end - 1;
      mask |= (<u64>-1 << (first >>> 6)) & (<u64>-1 >> (63 - (last >>> 6)));
    }
    return mask;
  }
}

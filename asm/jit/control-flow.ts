/**
 * Structured control flow for a region's graph, after N. Ramsey, "Beyond Relooper" (2022): the dominator tree says what
 * is nested in what; a node with several forward edges into it is placed behind a `block`, a loop's head inside a `loop`.
 * An edge that would make the graph irreducible becomes an exit of the region.
 */
import { Wasm } from "./bytes";
import { Labels } from "./code";
import { MOST_NODES, NOWHERE, Region } from "./region";

const order: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
/** Place of a node in reverse postorder. */
const number: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
const dominator: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
const seen: StaticArray<u8> = new StaticArray<u8>(<i32>MOST_NODES);
/** Forward edges into a node. */
const forward: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
const heads: StaticArray<u8> = new StaticArray<u8>(<i32>MOST_NODES);
/** Depth of the label that leads to a node: of its loop, or of the block that it follows. */
const loopLabel: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
const blockLabel: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_NODES);
let visited: u32 = 0;

export class Graph {
  static analyse(): void {
    const count = Region.count;
    for (let n: u32 = 0; n < count; n++) {
      seen[n] = 0;
      forward[n] = 0;
      heads[n] = 0;
      number[n] = NOWHERE;
      dominator[n] = NOWHERE;
    }
    visited = 0;
    Graph.visit(0);
    for (let k: u32 = 0; k < visited / 2; k++) {
      const other = order[visited - 1 - k];
      order[visited - 1 - k] = order[k];
      order[k] = other;
    }
    for (let k: u32 = 0; k < visited; k++) number[order[k]] = k;
    Graph.dominators();
    for (let k: u32 = 0; k < visited; k++) {
      for (let which: u32 = 0, edges = Region.edges(order[k]); which < edges; which++) Graph.classify(order[k], which);
    }
  }
  @inline private static edge(n: u32, which: u32): u32 {
    return Region.edge(n, which);
  }
  private static leads(from: u32, to: u32): bool {
    for (let which: u32 = 0, edges = Region.edges(from); which < edges; which++) if (Graph.edge(from, which) == to) return true;
    return false;
  }
  private static visit(n: u32): void {
    seen[n] = 1;
    for (let which: u32 = 0, edges = Region.edges(n); which < edges; which++) {
      const to = Graph.edge(n, which);
      if (to != NOWHERE && !seen[to]) Graph.visit(to);
    }
    order[visited++] = n;
  }
  private static dominators(): void {
    dominator[0] = 0;
    let changed = true;
    while (changed) {
      changed = false;
      for (let k: u32 = 1; k < visited; k++) {
        const n = order[k];
        let found = NOWHERE;
        for (let j: u32 = 0; j < visited; j++) {
          const from = order[j];
          if (dominator[from] == NOWHERE || !Graph.leads(from, n)) continue;
          found = found == NOWHERE ? from : Graph.common(found, from);
        }
        if (dominator[n] != found) {
          dominator[n] = found;
          changed = true;
        }
      }
    }
  }
  private static common(a: u32, b: u32): u32 {
    while (a != b) {
      while (number[a] > number[b]) a = dominator[a];
      while (number[b] > number[a]) b = dominator[b];
    }
    return a;
  }
  private static dominates(a: u32, b: u32): bool {
    while (number[b] > number[a]) b = dominator[b];
    return a == b;
  }
  private static classify(n: u32, which: u32): void {
    const to = Graph.edge(n, which);
    if (to == NOWHERE) return;
    if (number[to] > number[n]) forward[to]++;
    else if (Graph.dominates(to, n)) heads[to] = 1;
    else Region.cutEdge(n, which);
  }

  static isLoop(n: u32): bool {
    return heads[n] != 0;
  }
  /** Has it one predecessor only, whose knowledge it may use? */
  static isInherited(n: u32): bool {
    return n != 0 && forward[n] == 1 && !heads[n];
  }
  private static isMerge(n: u32): bool {
    return forward[n] > 1;
  }

  /** Writes node `n` and everything it dominates. */
  static write(n: u32): void {
    if (heads[n]) {
      loopLabel[n] = Labels.open(Wasm.Loop);
      Graph.within(n, visited);
      Labels.close();
    } else Graph.within(n, visited);
  }
  /** Writes `n` inside the blocks of the merge nodes it dominates at once, whose places are below `limit`: the last one outermost. */
  private static within(n: u32, limit: u32): void {
    for (let k = limit; k-- > 0; ) {
      const y = order[k];
      if (y == n || dominator[y] != n || !Graph.isMerge(y)) continue;
      blockLabel[y] = Labels.open(Wasm.Block);
      Graph.within(n, k);
      Labels.close();
      enterMerge();
      Graph.write(y);
      return;
    }
    writeNode(n);
  }
  /** Writes the edge from `n` to `to`: a branch, or the node itself where this is the only way to it. */
  static follow(n: u32, to: u32): void {
    if (number[to] <= number[n]) Labels.branch(loopLabel[to]);
    else if (Graph.isMerge(to)) Labels.branch(blockLabel[to]);
    else Graph.write(to);
  }
}

type Writer = (n: u32) => void;
type Merge = () => void;
let nodeWriter: Writer = (n: u32): void => {};
let mergeEnterer: Merge = (): void => {};
/** `node` writes a node's instructions and its ending; `merge` forgets what one predecessor knew. */
export function onWrite(node: Writer, merge: Merge): void {
  nodeWriter = node;
  mergeEnterer = merge;
}
function writeNode(n: u32): void {
  nodeWriter(n);
}
function enterMerge(): void {
  mergeEnterer();
}

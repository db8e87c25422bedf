/**
 * What is kept of each region for those who look: how it was made, what came of it, and how it ended. Record n belongs to
 * table entry n of the translator. Read by the host where it lies (web/machine/jit-view.ts):
 *
 *   +0   u32 guest-physical frame its code lay in       +4  u32 mode key
 *   +8   u16 blocks, u16 instructions                   +12 u32 bytes of its WebAssembly function
 *   +16  u32 Life                                       +20 u32 entries from the core's loop
 *   +24  u32 links that were made to it                 +28 u32 returns to the loop after its entries, by Return: 4 of them
 *   +48  u64 instructions retired from its entries until the return to the loop, in the regions it is linked to, too
 *   +64  its blocks, the first is where it begins: u16 offset in the page, u16 instructions
 */
import { cpu } from "../core/cpu";
import { Stop } from "../core/stop";
import { HostFrame } from "../mmu/host-frame";
import { allocate } from "../mmu/physical";
import { Links } from "./link";
import { MOST_NODES, Region } from "./region";

export namespace Life {
  export const Alive: u32 = 0;
  /** A store hit its code. */
  export const Written: u32 = 1;
}
/** Why translated code came back to the loop. */
export namespace Return {
  /** Something is pending: a fault, an interrupt, the host, code that has changed. */
  export const Pending: u32 = 0;
  /** An instruction that the interpreter does. */
  export const Instruction: u32 = 1;
  /** Its target has no translation, or is not where the link or the translation cache says. */
  export const Target: u32 = 2;
  /** The ticks it was given may not be enough for the next region. */
  export const Budget: u32 = 3;
}

const RECORD_BYTES: usize = 192;
const BLOCKS: usize = 64;
let records: usize = 0;
let base: u32 = 0;
let linksBefore: u32 = 0;

export class RegionLog {
  static init(tableBase: u32, most: u32): void {
    base = tableBase;
    records = allocate(<usize>most * RECORD_BYTES);
  }
  static get address(): u32 {
    return <u32>records;
  }
  /** The region just chosen and written is function `index` of the table. */
  static made(index: u32, bytes: usize): void {
    const at = records + <usize>(index - base) * RECORD_BYTES;
    memory.fill(at, 0, RECORD_BYTES);
    store<u32>(at, HostFrame.of(<usize>Region.page).guestFrame);
    store<u32>(at, Region.key, 4);
    store<u16>(at, <u16>Region.count, 8);
    store<u16>(at, <u16>Region.instructions, 10);
    store<u32>(at, <u32>bytes, 12);
    const blocks = Region.count < MOST_NODES ? Region.count : MOST_NODES;
    for (let n: u32 = 0; n < blocks; n++) {
      const block = at + BLOCKS + (<usize>n << 2);
      store<u16>(block, <u16>Region.offset(n));
      store<u16>(block, <u16>Region.length(n), 2);
    }
  }
  /** The loop entered function `index`, which came back after `instructions` and could have run `longest` ticks on. */
  static returned(index: u32, instructions: u64, longest: u32): void {
    const at = records + <usize>(index - base) * RECORD_BYTES;
    store<u32>(at, load<u32>(at, 20) + 1, 20);
    if (Links.made != linksBefore) {
      store<u32>(at, load<u32>(at, 24) + Links.made - linksBefore, 24);
      linksBefore = Links.made;
    }
    let why = Return.Target;
    if (cpu.stop & ~Stop.Leave) why = Return.Pending;
    else if (cpu.stop || !cpu.jitLink) why = Return.Instruction;
    else if (cpu.jitLeft < longest) why = Return.Budget;
    const counter = at + 28 + (<usize>why << 2);
    store<u32>(counter, load<u32>(counter) + 1);
    store<u64>(at, load<u64>(at, 48) + instructions, 48);
  }
  static written(n: u32): void {
    store<u32>(records + <usize>n * RECORD_BYTES, Life.Written, 16);
  }
}

/**
 * Link slots: where an exit of a region goes on. A slot is 16 bytes:
 *
 *   +0 index in the table of the region's function, or of `toCore`   +4 host address of the code it was made for
 *   +8 linear address, +12 mode key: in the jump cache only
 *
 * A slot for a target in the same page is followed as it is. One into another page (bit 0 of its address is set where it
 * is named) is followed only if the translation cache says that the target's linear address leads to that very host
 * address now, so links need no dropping when mappings change, and processes that share code share its links.
 */
import { allocate } from "../mmu/physical";

const MOST_SLOTS: u32 = 131072;
export const SLOT_BYTES: u32 = 16;
const JUMP_SLOTS: u32 = 8192;
let slots: usize = 0;
let slotCount: u32 = 1;
/** Leads back to the core's loop, which finds code by RIP. */
let core: u32 = 0;
let made: u32 = 0;

/** What an exit without a region behind it calls: returns to the loop. */
function toCore(): void {}

export class Links {
  /** Jump cache for computed targets: slots by linear address. */
  static jumps: usize = 0;
  static init(): void {
    slots = allocate(<usize>MOST_SLOTS * SLOT_BYTES);
    Links.jumps = allocate(<usize>JUMP_SLOTS * SLOT_BYTES);
    core = <u32>slots;
    Links.clear();
  }
  static clear(): void {
    slotCount = 1;
    store<u32>(slots, toCore.index);
    store<u32>(slots, 0, 4);
    memory.fill(Links.jumps, 0, <usize>JUMP_SLOTS * SLOT_BYTES);
  }
  static get core(): u32 {
    return core;
  }
  static get coreFunction(): u32 {
    return toCore.index;
  }
  static get made(): u32 {
    return made;
  }
  static get full(): bool {
    return slotCount + 256 > MOST_SLOTS;
  }
  /** Slots from `from` on, which was `taken`, are not used. */
  static get taken(): u32 {
    return slotCount;
  }
  static giveBack(from: u32): void {
    slotCount = from;
  }
  /** A slot that leads to the core for now. */
  static take(): u32 {
    const slot = slots + <usize>(slotCount++) * SLOT_BYTES;
    store<u32>(slot, toCore.index);
    store<u32>(slot, 0, 4);
    return <u32>slot;
  }
  /** The loop has found what an exit through `link` leads to. */
  static fill(link: u32, index: u32, host: u32): void {
    const slot = <usize>(link & ~1);
    if (link == core || slot < slots || slot >= slots + <usize>MOST_SLOTS * SLOT_BYTES) return;
    store<u32>(slot, index);
    store<u32>(slot, host, 4);
    made++;
  }
  @inline static jumpSlot(linear: u32): usize {
    return Links.jumps + (<usize>((linear ^ (linear >>> 13)) & (JUMP_SLOTS - 1)) << 4);
  }
  static fillJump(linear: u32, index: u32, host: u32, key: u32): void {
    const slot = Links.jumpSlot(linear);
    store<u32>(slot, index);
    store<u32>(slot, host, 4);
    store<u32>(slot, linear, 8);
    store<u32>(slot, key, 12);
  }
  static get jumpMask(): u32 {
    return (JUMP_SLOTS - 1) << 4;
  }
}

/**
 * Accesses that share a check. What was added to what is remembered of values (values.ts, `origin`), so that the translator
 * sees that two addresses lie a known way apart. Once an access was allowed by the translation cache, another one near it is
 * allowed if it lies in the same page, which one compare says, and the host's address needs no load.
 *
 * A window is that first access: two locals hold its address and what leads from linear to host addresses. It is good until
 * control comes from elsewhere, or an instruction runs that may change translations; slow paths that did leave the region
 * (slow.ts `plain`).
 */
import { RBP, RSP } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Wasm } from "./bytes";
import { const32, get, keep, op } from "./code";
import { Registers, Wide } from "./frame";
import { ABSOLUTE, Local, Values } from "./values";

const ZERO_SLOT: u32 = 128;
const COUNT: i32 = 3;
/** Addresses further apart are not in one page. */
const REACH: i32 = 4096;
/** What a window's address is changed by where its access was not allowed: no address near it has this page. */
const NOT: u32 = 0x80000000;

const origins: StaticArray<u32> = new StaticArray<u32>(COUNT);
const deltas: StaticArray<i32> = new StaticArray<i32>(COUNT);
const sizes: StaticArray<i32> = new StaticArray<i32>(COUNT);
const writes: StaticArray<bool> = new StaticArray<bool>(COUNT);
const pages: StaticArray<u32> = new StaticArray<u32>(COUNT);
const addends: StaticArray<u32> = new StaticArray<u32>(COUNT);
let next: i32 = 0;

/** States of paths that are still to be written: windows, then registers. */
const WORDS: i32 = 1 + 6 * COUNT + 16;
const MOST_SAVED: i32 = 256;
const saved: StaticArray<u32> = new StaticArray<u32>(WORDS * MOST_SAVED);
let savedCount: i32 = 0;

export class Windows {
  /** Number of the window that the access being written may open, or -1. */
  private static opened: i32 = -1;

  static begin(): void {
    savedCount = 0;
    Windows.forget();
  }
  static forget(): void {
    for (let n = 0; n < COUNT; n++) origins[n] = 0;
    Registers.forgetOrigins();
  }
  /** Keeps their locals for the instruction that begins. */
  static hold(): void {
    for (let n = 0; n < COUNT; n++) {
      if (!origins[n]) continue;
      Values.hold(changetype<Local>(<usize>pages[n]));
      Values.hold(changetype<Local>(<usize>addends[n]));
    }
  }

  /** Keeps what is known, for the other way out of a node. */
  static save(): i32 {
    if (savedCount == MOST_SAVED) return -1;
    let at = savedCount * WORDS;
    saved[at++] = next;
    for (let n = 0; n < COUNT; n++) {
      saved[at++] = origins[n];
      saved[at++] = <u32>deltas[n];
      saved[at++] = <u32>sizes[n];
      saved[at++] = <u32>writes[n];
      saved[at++] = pages[n];
      saved[at++] = addends[n];
    }
    for (let r = 0; r < 8; r++) {
      saved[at++] = Registers.origin(r);
      saved[at++] = <u32>Registers.delta(r);
    }
    return savedCount++;
  }
  static restore(mark: i32): void {
    if (mark < 0) {
      Windows.forget();
      return;
    }
    savedCount = mark;
    let at = mark * WORDS;
    next = saved[at++];
    for (let n = 0; n < COUNT; n++) {
      origins[n] = saved[at++];
      deltas[n] = <i32>saved[at++];
      sizes[n] = <i32>saved[at++];
      writes[n] = saved[at++] != 0;
      pages[n] = saved[at++];
      addends[n] = saved[at++];
    }
    for (let r = 0; r < 8; r++) {
      const origin = saved[at++];
      Registers.comesFrom(r, origin, <i32>saved[at++]);
    }
  }

  /** The window that an access lies near, or -1. */
  static find(linear: Local, size: i32, write: bool): i32 {
    Windows.opened = -1;
    const origin = Values.origin(linear);
    if (Wide.on || !origin) return -1;
    const delta = Values.delta(linear);
    for (let n = 0; n < COUNT; n++) {
      if (origins[n] != origin || (write && !writes[n])) continue;
      const apart = delta - deltas[n];
      if (apart >= REACH || apart <= -REACH) continue;
      // One compare says that both ends are in the page: the far one, the near one is between the two.
      if (apart < 0 && delta + size > deltas[n] + sizes[n]) continue;
      return n;
    }
    return -1;
  }
  /** Pushes whether the access lies in the page of window n. */
  static test(n: i32, linear: Local, size: i32): void {
    get(changetype<Local>(<usize>pages[n]));
    get(linear);
    if (size > 1 && Values.delta(linear) >= deltas[n]) {
      const32(size - 1);
      op(Wasm.I32Add);
    }
    op(Wasm.I32Xor);
    const32(<u32>REACH);
    op(Wasm.I32LtU);
  }
  /** Pushes the host address of an access that passed. */
  static host(n: i32, linear: Local): void {
    get(linear);
    get(changetype<Local>(<usize>addends[n]));
    op(Wasm.I32Add);
  }

  /** Registers that instructions behind this one in its node name as bases; bit 8: an address without one. */
  static later: u32 = 0;
  static basesOf(i: Insn): u32 {
    if (!i.isMemory) return 0;
    if (<u32>i.base != ZERO_SLOT) return 1 << (i.base >> 3);
    return <u32>i.index == ZERO_SLOT ? 1 << 8 : 0;
  }
  /** Is another access near one of this origin likely? */
  private static isUseful(origin: u32): bool {
    if (origin == ABSOLUTE) return (Windows.later >>> 8) != 0;
    const bases = Windows.later | (1 << (<u32>RSP >> 3)) | (1 << (<u32>RBP >> 3));
    for (let r: u32 = 0; r < 8; r++) if ((bases >>> r) & 1 && Registers.origin(r) == origin) return true;
    return false;
  }
  /** An access that no window serves opens one, if another is likely to follow: before its check. */
  static open(linear: Local, size: i32, write: bool): void {
    Windows.opened = -1;
    const origin = Values.origin(linear);
    if (Wide.on || !origin || Registers.isConditional || !Windows.isUseful(origin)) return;
    // A window that a write could not use is the same page's.
    let n = -1;
    for (let k = 0; k < COUNT && n < 0; k++) if (origins[k] == origin && deltas[k] == Values.delta(linear)) n = k;
    for (let k = 0; k < COUNT && n < 0; k++) if (!origins[k]) n = k;
    if (n < 0) {
      n = next;
      next = (next + 1) % COUNT;
    }
    get(linear);
    pages[n] = Values.number(keep(Wasm.TypeI32));
    origins[n] = origin;
    deltas[n] = Values.delta(linear);
    sizes[n] = size;
    writes[n] = write;
    Windows.opened = n;
  }
  /** The check has passed, and what leads to the host's address is on the stack: remembers it. */
  static passed(): void {
    if (Windows.opened < 0) return;
    const addend = keep(Wasm.TypeI32);
    addends[Windows.opened] = Values.number(addend);
    get(addend);
  }
  /** On the path where it has not. */
  static failed(): void {
    if (Windows.opened < 0) return;
    const page = changetype<Local>(<usize>pages[Windows.opened]);
    get(page);
    const32(NOT);
    op(Wasm.I32Xor);
    Values.set(Values.localOf(page));
  }
}

/**
 * Code bytes for the decoder. A cursor runs through the page it began in by host address; a byte beyond the page is
 * fetched through the next page's own mapping, and only when an instruction really needs it, so that a fault is raised
 * for the byte that is missing and not before (SDM 3A "Page-Fault Exception").
 */
import { Mode } from "../core/mode";
import { cpu } from "../core/cpu";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Seg, Segment } from "../core/segment";
import { fetchHost } from "../mmu/slow-access";

/** The longest instruction, SDM 2A "Instruction Format". */
export const MAX_LENGTH: u32 = 15;

let host: usize = 0; // of the byte at `offset` while in the first page
let linear: u64 = 0; // of the first byte
let rip: u32 = 0;
let position: u32 = 0; // bytes consumed
let inPage: u32 = 0; // bytes of the first page from the first byte
let nextHost: usize = 0; // host address of the next page's first byte, once fetched
let limited: bool = false;
let failed: bool = false;
let tooLong: bool = false;
let raising: bool = true;
let tool: bool = false;

export class Fetch {
  /** Starts at host address `at` = linear `address` = CS offset `offset`. `checkLimit`: CS is not flat. */
  static begin(at: usize, address: u64, offset: u32): void {
    host = at;
    linear = address;
    rip = offset;
    position = 0;
    inPage = 0x1000 - (<u32>address & 0xfff);
    nextHost = 0;
    limited = (cpu.modeKey & Mode.FlatCS) == 0;
    failed = false;
    tooLong = false;
    raising = true;
    tool = false;
  }
  /** Starts on `available` loose bytes (disassembler): what lies beyond cannot be had. `whole`: fetch all that the CPU would fetch. */
  static beginTool(at: usize, available: u32, whole: bool): void {
    host = at;
    linear = 0;
    rip = 0;
    position = 0;
    inPage = available;
    nextHost = 0;
    limited = false;
    failed = false;
    tooLong = false;
    raising = false;
    tool = !whole;
  }
  /** Loose bytes: nothing more than needed is taken. */
  @inline static get isTool(): bool {
    return tool;
  }
  /** Decoding ahead: a byte that cannot be had ends the block, it raises nothing (the instruction may never be reached). */
  static quiet(): void {
    raising = false;
  }
  /** The next byte; 0 after a failure, with the fault pending (or `tooLong`). */
  static u8(): u32 {
    if (failed) return 0;
    if (position >= MAX_LENGTH) {
      failed = true;
      tooLong = true;
      return 0;
    }
    if (limited && rip + position > Segment.of(Seg.CS).limit) {
      failed = true;
      if (raising) raiseError(Vector.GP, 0);
      return 0;
    }
    let value: u32;
    if (position < inPage) value = load<u8>(host + <usize>position);
    else {
      if (!raising) {
        failed = true;
        return 0;
      }
      if (!nextHost) {
        const next = linear + <u64>inPage;
        const at = fetchHost(cpu.modeKey & Mode.Code64 ? next : next & 0xffffffff);
        if (faulted() || !at) {
          failed = true;
          return 0;
        }
        nextHost = at;
      }
      value = load<u8>(nextHost + <usize>(position - inPage));
    }
    position++;
    return value;
  }
  static u16(): u32 {
    const low = Fetch.u8();
    return low | (Fetch.u8() << 8);
  }
  static u32(): u32 {
    const low = Fetch.u16();
    return low | (Fetch.u16() << 16);
  }
  static get consumed(): u32 {
    return position;
  }
  static get crossed(): bool {
    return position > inPage;
  }
  static get failed(): bool {
    return failed;
  }
  static get tooLong(): bool {
    return tooLong;
  }
  static get nextPageHost(): usize {
    return nextHost;
  }
  /** Byte `n` of the instruction, already consumed. */
  static at(n: u32): u32 {
    return n < inPage ? <u32>load<u8>(host + <usize>n) : nextHost ? <u32>load<u8>(nextHost + <usize>(n - inPage)) : 0;
  }
}

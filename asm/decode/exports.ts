/** Decoding for tools: the disassembler formats what the core's own decoder found; there is no second decoder. */
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { SCRATCH } from "../core/memory-map";
import { decode } from "./decoder";
import { Fetch, MAX_LENGTH } from "./fetch";
import { Insn } from "./insn";

/** Room for code bytes to decode (SCRATCH + 0x100, 64 bytes); the record is at SCRATCH. */
export function toolBytesAddress(): u32 {
  return <u32>SCRATCH + 0x100;
}

/**
 * Decodes the bytes at toolBytesAddress() (`available` of them) for 16, 32 or 64-bit code. The Insn (asm/decode/insn.ts)
 * is left at SCRATCH. Returns its length, or 0 when the bytes end first.
 */
export function decodeBytes(available: u32, bits: u32): u32 {
  const mode = Mode.Protected | Mode.FlatCS | Mode.FlatDS | Mode.FlatES | Mode.FlatSS | Mode.Osfxsr | (bits == 16 ? 0 : Mode.Code32 | Mode.Stack32) | (bits == 64 ? Mode.Code64 | Mode.Long : 0);
  return decodeFor(available, mode, false);
}

/** The same in the mode the CPU is in; as the CPU does, limit of 15 bytes included, where so many bytes are there. */
export function decodeHere(available: u32): u32 {
  return decodeFor(available, cpu.modeKey, available >= MAX_LENGTH);
}

function decodeFor(available: u32, mode: u32, whole: bool): u32 {
  const insn = changetype<Insn>(SCRATCH);
  Fetch.beginTool(SCRATCH + 0x100, available, whole);
  if (!decode(insn, mode)) return 0;
  return insn.length;
}

/** The Emit seam for tests and tools: decode loose bytes, run them by one backend or the other on the present state. */
import { cpu } from "../core/cpu";
import { SCRATCH } from "../core/memory-map";
import { Insn } from "../decode/insn";
import { allocate } from "../mmu/physical";
import { Dispatch } from "../semantics/dispatch.generated";
import { Run } from "../semantics/run";
import { compileOne, isStaged } from "./compile";

const BUFFER_BYTES: usize = 65536;
let buffer: usize = 0;
let body: usize = 0;

/** The Insn left at SCRATCH by `decodeBytes`: 1 if Emit writes it itself, 0 if it is a helper. */
export function emitIsStaged(): u32 {
  return <u32>isStaged(changetype<Insn>(SCRATCH).handler);
}
/** Compiles the Insn at SCRATCH; size of the module at `emitBuffer()`. */
export function emitOne(): u32 {
  if (!buffer) {
    buffer = allocate(BUFFER_BYTES);
    body = allocate(BUFFER_BYTES);
  }
  const insn = changetype<Insn>(SCRATCH);
  insn.start = 0;
  insn.end = <u16>insn.length;
  return compileOne(insn, buffer, BUFFER_BYTES, body, BUFFER_BYTES);
}
export function emitBuffer(): u32 {
  return <u32>buffer;
}
/** Executes the Insn at SCRATCH by Run, as a block of one at the present RIP. */
export function runOne(): void {
  prepareOne();
  Dispatch.hot<Run, u32, u64, u32>(changetype<Insn>(SCRATCH));
}
/** What both need to be set before one instruction runs alone. */
export function prepareOne(): void {
  const insn = changetype<Insn>(SCRATCH);
  insn.start = 0;
  insn.end = <u16>insn.length;
  cpu.stop = 0;
  cpu.blockRip = cpu.rip;
  cpu.blockFirst = <u32>SCRATCH;
  cpu.current = <u32>SCRATCH;
}

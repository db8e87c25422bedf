/** The translator's ABI: switching it on, its limits and counters, and one function at a time for tests and tools. */
import { cpu } from "../core/cpu";
import { SCRATCH } from "../core/memory-map";
import { Mode } from "../core/mode";
import { Block, HEADER } from "../decode/block-cache";
import { endsBlock } from "../decode/decoder";
import { Insn } from "../decode/insn";
import { allocate } from "../mmu/physical";
import { MOST_REGIONS, Regions } from "./cache";
import { settleStored } from "./flag-kinds";
import { Jit } from "./jit";
import { Links } from "./link";
import { Module } from "./module";
import { Region, isStaged } from "./region";
import { RegionLog } from "./region-log";
import { Site } from "./site";
import { interpret } from "./slow";

/** Most table entries that it uses. */
export function jitTableEntries(): u32 {
  return MOST_REGIONS;
}
/** Switches translation on; table entries from `tableBase` on are its own, and made as they are needed. */
export function jitInit(tableBase: u32): void {
  Jit.init(tableBase);
}
/** Limits: runs of a block before it is translated, nodes and instructions of a region, regions of a module. */
export function jitLimits(threshold: u32, nodes: u32, instructions: u32, batch: u32): void {
  Jit.threshold = threshold;
  Region.mostNodes = nodes;
  Region.mostInstructions = instructions;
  Jit.batch = batch;
}
export function jitClear(): void {
  Jit.clear();
}
/** Counters by number: regions, modules, bytes, links, invalidations, times everything was forgotten, instructions, entries from the loop, regions refused. */
export function jitCounter(n: u32): f64 {
  switch (n) {
    case 0: return <f64>Regions.count;
    case 1: return <f64>Jit.modules;
    case 2: return <f64>Jit.bytes;
    case 3: return <f64>Links.made;
    case 4: return <f64>Regions.killed;
    case 5: return <f64>Jit.cleared;
    case 6: return <f64>Jit.instructions;
    case 7: return <f64>Jit.entered;
    default: return <f64>Jit.refused;
  }
}
/** Where the records of regions lie (region-log.ts): record n is that of table entry `tableBase` + n. */
export function jitRecords(): u32 {
  return RegionLog.address;
}

/** A block made of the one Insn at SCRATCH. */
let loose: usize = 0;
let made: u32 = 0;

/** The Insn left at SCRATCH by `decodeBytes`: 1 if Emit writes it itself, 0 if it calls the interpreter's backend. */
export function emitIsStaged(): u32 {
  return <u32>isStaged(changetype<Insn>(SCRATCH));
}
/** Begins a module of single instructions. */
export function emitBegin(): void {
  if (!loose) loose = allocate(HEADER + 32);
  Jit.clear();
  made = 0;
  Module.begin();
}
/** Adds the Insn at SCRATCH as a function for code at the present RIP's place in its page. 0: the modes or the space do not allow it. */
export function emitAdd(): u32 {
  if (!Region.possible(cpu.modeKey) || Module.full || made + 64 > MOST_REGIONS || Site.full || Links.full) return 0;
  const block = changetype<Block>(loose);
  memory.fill(loose, 0, HEADER);
  memory.copy(changetype<usize>(block.first), SCRATCH, 32);
  const insn = block.first;
  insn.start = 0;
  insn.end = <u16>insn.length;
  // Any page will do: only the place in it matters.
  block.host = 0x80000000 | (<u32>cpu.rip & 0xfff);
  block.modeKey = cpu.modeKey;
  block.count = 1;
  block.bytes = <u16>insn.length;
  block.endsItself = <u16>endsBlock();
  Region.choose(block);
  if (!Module.add()) return 0;
  made++;
  return 1;
}
/** Compiles what was added; returns the table index of the first function. */
export function emitInstall(): u32 {
  const first = Regions.nextIndex;
  if (made) Module.install(first);
  return first;
}
/** Runs one function on the present state. Traps it raises are pending; a left-over instruction is interpreted by `step`. */
export function emitRun(index: u32): void {
  cpu.stop = 0;
  cpu.jitLink = 0;
  // One tick: a branch to itself comes round once.
  cpu.jitLeft = 1;
  cpu.jitMark = 1;
  call_indirect<void>(index);
  settleStored();
  cpu.instructions += <u64>(cpu.jitMark - cpu.jitLeft);
}
/** Executes the Insn at SCRATCH by Run, as a block of one at the present RIP; RIP and counters as after `emitRun`. */
export function runOne(): void {
  const insn = changetype<Insn>(SCRATCH);
  insn.start = 0;
  insn.end = <u16>insn.length;
  cpu.stop = 0;
  cpu.blockRip = cpu.rip;
  cpu.jitMark = 1;
  if (interpret(<u32>SCRATCH, 1, <u32>endsBlock())) return;
  const next = cpu.blockRip + <u64>insn.length;
  cpu.rip = cpu.modeKey & Mode.Code64 ? next : next & 0xffffffff;
  cpu.instructions++;
}

/**
 * The ABI: exported functions only, nothing computes here. web/machine/core-host.ts is the other side. Numbers that may
 * pass 2^32 cross as f64 (exact to 2^53).
 */
import { cpu, ticks } from "./core/cpu";
import { STATE_BYTES } from "./core/cpu-state.generated";
import { Debug } from "./core/debug";
import { arithmetic, materialize, setArithmetic } from "./core/eflags";
import { RING_LISTENERS, RING_READ, resetCounters, ticksNow } from "./core/exits";
import { onCodeWritten, onMappingChanged } from "./core/hooks";
import { COUNTERS, CPU, DEBUG, EVENT_COUNT, EVENT_RING, MEMORY_BASE, SCRATCH } from "./core/memory-map";
import { updateMode, linearRip } from "./core/mode";
import { Stop } from "./core/stop";
import { BlockCache } from "./decode/block-cache";
import { checkInsnLayout } from "./decode/insn";
import { Regions } from "./jit/cache";
import { run as interpret } from "./interpreter/loop";
import { pagingChanged, updateContext } from "./mmu/shadow";
import { initPhysical } from "./mmu/physical";
import { Tlb } from "./mmu/tlb";
import { armBreakpoints } from "./vmm/debug-registers";
import { resetCpu } from "./vmm/reset";
import { setModel } from "./vmm/cpuid";

export * from "./mmu/exports";
export * from "./decode/exports";
export * from "./jit/exports";
export { abort } from "./core/assert";

/** Power-on: memory areas for `ramBytes` of guest RAM, registers as after RESET#. Called once. */
export function init(ramBytes: u32, cpuModel: u32): void {
  if (!checkInsnLayout() || CPU + STATE_BYTES > DEBUG) unreachable();
  memory.fill(CPU, 0, MEMORY_BASE - CPU);
  resetCounters();
  Debug.clear();
  initPhysical(ramBytes);
  BlockCache.init();
  onCodeWritten((frame: u32, first: u32, last: u32): void => {
    BlockCache.written(frame, first, last);
    Regions.written(frame, first, last);
  });
  onMappingChanged((): void => {
    BlockCache.staleJumps();
    // Translated code asks again where its next page is.
    cpu.stop |= Stop.Code;
  });
  cpu.cpuModel = cpuModel;
  cpu.a20 = 1;
  reset();
}

/** RESET#: registers to power-on values, caches dropped; RAM, ticks and instructions stay. */
export function reset(): void {
  resetCpu();
  setModel(cpu.cpuModel);
  restore();
}

/** After the state area was written from outside (snapshot, loader, debugger): rebuilds everything derived. */
export function restore(): void {
  setArithmetic(cpu.eflags);
  cpu.zero = 0;
  cpu.current = 0;
  cpu.stop = Stop.Event;
  if (cpu.halted) cpu.stop |= Stop.Halt;
  setModel(cpu.cpuModel);
  updateMode();
  pagingChanged();
  updateContext();
  armBreakpoints();
  BlockCache.staleJumps();
}

/** Makes the saved fields current (EFLAGS). Called before the state is read from outside. */
export function materializeState(): void {
  materialize();
}

/** Runs until `limit` ticks or another end; asm/isa/events.ts RUN_END. */
export function run(limit: f64): i32 {
  cpu.limit = <u64>limit;
  return interpret();
}
/** Runs exactly `count` instructions (REP iterations included as one), or until another end. */
export function step(count: u32): i32 {
  cpu.limit = <u64>-1;
  cpu.singleStep = count;
  const end = interpret();
  cpu.singleStep = 0;
  return end;
}

/** Exact now, also while a callback runs. */
export function getTicks(): f64 {
  return <f64>ticksNow();
}
export function setTicks(value: f64): void {
  cpu.tickOffset += <u64>value - ticks();
}
export function getInstructions(): f64 {
  return <f64>cpu.instructions;
}
export function setLimit(limit: f64): void {
  if (<u64>limit < cpu.limit) {
    cpu.limit = <u64>limit;
    cpu.stop |= Stop.Event; // leave the block: its length was chosen for the old limit
  }
}
export function requestStop(): void {
  cpu.stop |= Stop.Host;
}
export function setIntr(level: u32): void {
  cpu.intr = level;
  if (level) cpu.stop |= Stop.Event;
}
/** The IGNNE# input, 1 = asserted. */
export function setIgnne(level: u32): void {
  cpu.ignne = level;
}
export function pulseNmi(): void {
  cpu.nmiPending = 1;
  cpu.stop |= Stop.Event;
}

/** 0 nobody, 1 the ring keeps the newest events, 2 run() ends with Stop before an event that was not read is lost. */
export function listenEvents(on: u32): void {
  store<u32>(RING_LISTENERS, on);
}
/** Events before `count` (since power-on) have been read. */
export function eventsRead(count: f64): void {
  store<u64>(RING_READ, <u64>count);
}
export function stateAddress(): u32 {
  return <u32>CPU;
}
export function countersAddress(): u32 {
  return <u32>COUNTERS;
}
export function ringAddress(): u32 {
  return <u32>EVENT_RING;
}
export function ringCapacity(): u32 {
  return <u32>EVENT_COUNT;
}
export function scratchAddress(): u32 {
  return <u32>SCRATCH;
}
/** Forgets all breakpoints, watchpoints and stops on exits. */
export function debugClear(): void {
  Debug.clear();
  Tlb.dropAll();
}
/** Stops before the instruction at linear address `linear` (signed: the upper half of 64-bit mode is negative); 0: no room. */
export function debugBreak(linear: f64): u32 {
  return <u32>Debug.addCode(<u64>(<i64>linear));
}
/** Stops after an access to `bytes` bytes at `linear`; kinds: 1 read, 2 write. 0: no room. */
export function debugWatch(linear: f64, bytes: u32, kinds: u32): u32 {
  const ok = Debug.addWatch(<u64>(<i64>linear), bytes, kinds);
  // Pages cached before must come to the slow path.
  Tlb.dropAll();
  return <u32>ok;
}
/** Stops after exits for `reason` (Exit) whose qualification has `value` in the bits of `mask`; mask 0: after all. 0: no room. */
export function debugExit(reason: u32, mask: u32, value: u32): u32 {
  return <u32>Debug.addExit(reason, mask, value);
}
/** Registers come from elsewhere: the breakpoint at the present RIP counts. */
export function debugForget(): void {
  Debug.passed();
}
/** The guest is told to go on from here: a breakpoint at the present RIP is passed. */
export function debugPass(): void {
  Debug.pass(linearRip());
}
export function debugAddress(): u32 {
  return <u32>DEBUG;
}
/** The arithmetic flags now, for tests. */
export function getArithmeticFlags(): u32 {
  return arithmetic();
}

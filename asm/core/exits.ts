/**
 * The single exit point: whenever guest code leaves its path (a trap into `vmm/`, a shadow miss, an access that only
 * the machine can serve) it passes here, where it is counted by reason and, independently, in total, and written to
 * the event ring when someone listens. Panels, tracer, profiler and tests read these counters and this ring.
 */
import { cpu, ticks } from "./cpu";
import { Debug } from "./debug";
import { EXIT_COUNT, Exit } from "./events.generated";
import { COUNTERS, EVENT_BYTES, EVENT_COUNT, EVENT_RING } from "./memory-map";
import { Stop } from "./stop";

/**
 * Counters area:
 *   +0    u64 exitsTotal          counted here, before the reason is looked at
 *   +8    u64 event ring: events written since power-on (ring index = this mod EVENT_COUNT)
 *   +16   u32 event ring: 1 = someone listens, 2 = and reads all: run() ends with Stop before an unread event is lost
 *   +24   u64 event ring: events read, kept by that reader
 *   +32   u64[EXIT_COUNT] exits by reason
 *   +0x400 u64[] shadow counters (asm/mmu/counters.ts)
 *   +0x800 unimplemented list: u32 count, then entries (asm/core/unimplemented.ts)
 */
export const EXITS_TOTAL: usize = COUNTERS;
export const RING_WRITTEN: usize = COUNTERS + 8;
export const RING_LISTENERS: usize = COUNTERS + 16;
export const RING_READ: usize = COUNTERS + 24;
/** Room kept for what the instruction in execution may still add. */
const RING_SPARE: u64 = 1024;
export const EXIT_COUNTERS: usize = COUNTERS + 32;
export const SHADOW_COUNTERS: usize = COUNTERS + 0x400;
export const UNIMPLEMENTED: usize = COUNTERS + 0x800;

/** RIP of the instruction in execution, from the running block. */
export function currentRip(): u64 {
  return cpu.current ? cpu.blockRip + <u64>load<u16>(<usize>cpu.current + INSN_START) : cpu.rip;
}

/** Offset of `Insn.start` (asm/decode/insn.ts asserts that it is this). */
export const INSN_START: usize = 12;
/** Offset of `Insn.segment`. */
export const INSN_SEGMENT: usize = 28;
export const INSN_BYTES: usize = 32;

/** Ticks at the instruction in execution: block start plus the instructions of the block that came before it. */
export function ticksNow(): u64 {
  const before = cpu.current ? <u64>((cpu.current - cpu.blockFirst) / <u32>INSN_BYTES) : 0;
  return ticks() + before;
}

/**
 * Counts one exit. Event layout (32 bytes): u32 reason, u32 flags (CPL in 0-1), u64 RIP, u64 qualification, u64 tick.
 */
export function exit(reason: Exit, qualification: u64): void {
  store<u64>(EXITS_TOTAL, load<u64>(EXITS_TOTAL) + 1);
  const counter = EXIT_COUNTERS + (<usize>reason << 3);
  store<u64>(counter, load<u64>(counter) + 1);
  if (load<u32>(RING_LISTENERS)) record(reason, qualification);
  if (Debug.stopsOnExits) Debug.exit(reason, qualification);
}

function record(reason: Exit, qualification: u64): void {
  const written = load<u64>(RING_WRITTEN);
  const at = EVENT_RING + (<usize>written & (EVENT_COUNT - 1)) * EVENT_BYTES;
  store<u32>(at, <u32>reason);
  store<u32>(at + 4, cpu.cpl);
  store<u64>(at + 8, currentRip());
  store<u64>(at + 16, qualification);
  store<u64>(at + 24, ticksNow());
  store<u64>(RING_WRITTEN, written + 1);
  if (load<u32>(RING_LISTENERS) == 2 && written - load<u64>(RING_READ) > <u64>EVENT_COUNT - RING_SPARE) cpu.stop |= Stop.Host;
}

/** All counters to zero (power-on, tests). */
export function resetCounters(): void {
  memory.fill(COUNTERS, 0, 0x1000);
}

assertCounterRoom();
function assertCounterRoom(): void {
  if (32 + EXIT_COUNT * 8 > 0x400) unreachable();
}

/**
 * The core's linear memory. Fixed-address areas first, so that hot paths and generated code use constants; pools
 * whose size depends on the machine (frame table, frame pool, decoded blocks, shadow tables) are carved from the
 * heap by `asm/mmu/physical.ts` and `asm/decode/block-cache.ts` at `init()`.
 *
 *   0x0000 ┌──────────────────────────────┐
 *          │ never used: null pointers    │
 *   0x1000 ├──────────────────────────────┤
 *          │ resident vCPU state          │  asm/isa/cpu-state.ts
 *   0x2000 ├──────────────────────────────┤
 *          │ scratch: slow-path operands, │
 *          │ the tools' decode record     │
 *   0x3000 ├──────────────────────────────┤
 *          │ counters                     │  exits, shadow, decode
 *   0x4000 ├──────────────────────────────┤
 *          │ event ring                   │  16 K events of 32 bytes
 *          ├──────────────────────────────┤
 *          │ translation caches           │  4 pairs of supervisor and user: 8192 entries of 16 bytes,
 *          │                              │  and for 64-bit code one pair: 4096 of 32 bytes
 *          ├──────────────────────────────┤
 *          │ jump cache                   │  linear RIP → decoded block
 *          ├──────────────────────────────┤
 *          │ asc's static data, heap      │
 *          └──────────────────────────────┘
 */
export const CPU: usize = 0x1000;
export const CPU_AREA: usize = 0x1000;
/** Breakpoints and watchpoints, in the upper part of the vCPU's page (asm/core/debug.ts). */
export const DEBUG: usize = CPU + 0xa00;
export const SCRATCH: usize = CPU + CPU_AREA;
export const SCRATCH_AREA: usize = 0x1000;
/** The guest's own breakpoints, derived from DR0-DR7 (asm/core/breakpoints.ts). */
export const GUEST_BREAKPOINTS: usize = SCRATCH + 0xff0;
export const COUNTERS: usize = SCRATCH + SCRATCH_AREA;
export const COUNTERS_AREA: usize = 0x1000;
export const EVENT_RING: usize = COUNTERS + COUNTERS_AREA;
export const EVENT_BYTES: usize = 32;
export const EVENT_COUNT: usize = 16384;
export const EVENT_RING_AREA: usize = EVENT_BYTES * EVENT_COUNT;
export const TLB_ENTRY_BYTES: usize = 16;
export const TLB_ENTRIES: usize = 8192;
export const TLB_BYTES: usize = TLB_ENTRY_BYTES * TLB_ENTRIES;
/** First of TLB_PAIRS pairs, supervisor and user each (asm/mmu/tlb.ts). */
export const TLB_FIRST: usize = EVENT_RING + EVENT_RING_AREA;
export const TLB_PAIRS: usize = 4;
export const TLB_PAIR_BYTES: usize = 2 * TLB_BYTES;
export const TLB_END: usize = TLB_FIRST + TLB_PAIRS * TLB_PAIR_BYTES;
/** Of 64-bit code (asm/mmu/tlb-long.ts). */
export const TLB_LONG_ENTRY_BYTES: usize = 32;
export const TLB_LONG_ENTRIES: usize = 4096;
export const TLB_LONG_BYTES: usize = TLB_LONG_ENTRY_BYTES * TLB_LONG_ENTRIES;
export const TLB_LONG_SUPERVISOR: usize = TLB_END;
export const TLB_LONG_USER: usize = TLB_LONG_SUPERVISOR + TLB_LONG_BYTES;
export const JUMP_CACHE: usize = TLB_LONG_USER + TLB_LONG_BYTES;
export const JUMP_ENTRY_BYTES: usize = 16;
export const JUMP_ENTRIES: usize = 16384;
export const JUMP_CACHE_AREA: usize = JUMP_ENTRY_BYTES * JUMP_ENTRIES;
/** Passed to asc as --memoryBase; checked by asm/index.ts. */
export const MEMORY_BASE: usize = JUMP_CACHE + JUMP_CACHE_AREA;

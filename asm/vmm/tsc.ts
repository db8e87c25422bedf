/** Time-stamp counter: a pure function of the ticks and what the host and WRMSR set. SDM 3B "Time-Stamp Counter". */
import { cpu } from "../core/cpu";
import { ticksNow } from "../core/exits";

/** Before IA32_TIME_STAMP_COUNTER was written: base + ticks since its base × increments per tick (32.32). */
function rawTsc(): u64 {
  const elapsed = ticksNow() - cpu.tscTicks;
  const rate = cpu.tscPerTick;
  const low = elapsed & 0xffffffff;
  // (elapsed × rate) >> 32 modulo 2^64, in halves.
  return cpu.tscBase + (elapsed >> 32) * rate + low * (rate >> 32) + ((low * (rate & 0xffffffff)) >> 32);
}

export function readTsc(): u64 {
  return rawTsc() + cpu.tscAdjust;
}
export function writeTsc(value: u64): void {
  cpu.tscAdjust = value - rawTsc();
}

/**
 * The resident vCPU: a typed view of the state area that folds to constant addresses. Switching vCPUs copies the
 * area (architecture: one vCPU is resident at a time).
 */
import { CpuState } from "./cpu-state.generated";
import { CPU } from "./memory-map";

@inline export const cpu = changetype<CpuState>(CPU);

/** Ticks: instructions + further REP iterations + HLT time. Exact at instruction boundaries; inside a block see `ticksNow`. */
export function ticks(): u64 {
  return cpu.instructions + cpu.tickOffset;
}

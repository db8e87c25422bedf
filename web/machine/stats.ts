/**
 * The figures of a run, under the names of `--stats` (docs/api.md). Counters come from the core and the devices;
 * host figures that only Node knows (CPU time, memory) are given by the command line.
 */
import type { CoreStats } from "./core";
import type { JitStats } from "./jit-host";
import type { DeviceStats } from "./pc";

export interface MachineStats {
  /** Instructions retired; a REP counts 1. */
  readonly instructions: number;
  /** +1 per instruction and per further REP iteration, and time spent in HLT. */
  readonly ticks: number;
  /** Host time since the machine was created. */
  readonly wallSeconds: number;
  /** CPU time of the host process; null where the host does not tell. */
  readonly cpuSeconds: number | null;
  /** Million instructions per second of host time spent running guest code. */
  readonly mips: number;
  readonly guestSeconds: number;
  /** Exits by reason, and their total counted independently at the single exit point. */
  readonly exits: Readonly<Record<string, number>>;
  readonly exitsTotal: number;
  readonly shadow: Readonly<Record<string, number>>;
  readonly jit: JitStats;
  /** Counters by device name. */
  readonly devices: Readonly<Record<string, DeviceStats>>;
  readonly unimplemented: CoreStats["unimplemented"];
  /** Largest resident memory of the host process; null where the host does not tell. */
  readonly peakRssMb: number | null;
  /** SHA-256 of the canonical state; null when not asked for. */
  readonly stateHash: string | null;
  /** Why the machine ended; null while it can still run. */
  readonly exitReason: string | null;
  /** The last POST code that the guest wrote; null before the first. */
  readonly postCode: number | null;
}

export interface StatsInput {
  readonly core: CoreStats;
  readonly devices: MachineStats["devices"];
  readonly guestNs: number;
  readonly wallMs: number;
  /** Instructions run in `busyMs`: a loaded state brings instructions that were run elsewhere. */
  readonly ran: number;
  readonly busyMs: number;
  readonly exitReason: string | null;
  readonly postCode: number | null;
}

export function assembleStats({ core, devices, guestNs, wallMs, ran, busyMs, exitReason, postCode }: StatsInput): MachineStats {
  return {
    instructions: core.instructions,
    ticks: core.ticks,
    wallSeconds: wallMs / 1000,
    cpuSeconds: null,
    mips: busyMs > 0 ? ran / busyMs / 1000 : 0,
    guestSeconds: guestNs / 1e9,
    exits: core.exits,
    exitsTotal: core.exitsTotal,
    shadow: core.shadow,
    jit: core.jit,
    devices,
    unimplemented: core.unimplemented,
    peakRssMb: null,
    stateHash: null,
    exitReason,
    postCode,
  };
}

/**
 * What a machine is made of: memory, what to boot, clock, CPU model. `resolveConfig` fills in defaults and refuses
 * what means nothing with BadArgument, so that everything behind it may rely on the values.
 */

import { CPU_MODELS, type CpuModel } from "../lib/cpu-models";
import { BadArgument } from "../lib/errors";
import type { BlockDevice } from "../storage/block-device";
import { wantsLongMode } from "./boot/linux";
import type { BootConfig } from "./boot/plan";
import { ACCELS, type Accel } from "./core-host";
import { floppyGeometry, MOST_FLOPPY_BYTES } from "./devices/floppy-geometry";
import { BOOT_DEVICES, DRIVE_SLOTS, type DriveConfig, isFloppySlot } from "./drives";
import type { JitLimits } from "./jit-host";

export type { BootConfig } from "./boot/plan";

export type ClockConfig =
  /** Guest time follows the host's clock; every adjustment is a logged input. */
  | { readonly kind: "realtime" }
  /** Guest time is ticks / ticksPerUs; HLT jumps to the next deadline. Same inputs, same run. */
  | { readonly kind: "deterministic"; readonly ticksPerUs?: number };

export { CPU_MODELS, type CpuModel } from "../lib/cpu-models";
export { ACCELS, type Accel } from "./core-host";

/** `keep`: shadow tables survive CR3 writes. `flush`: the textbook way, all dropped at each; for comparison. */
export type ShadowMode = "keep" | "flush";

/** Contents of a 4 KB guest frame that is fetched at first touch; `frame` is its guest-physical address / 4096. */
export type RamProvider = (frame: number) => Promise<Uint8Array> | Uint8Array;

export interface MachineConfig {
  readonly boot: BootConfig;
  /** RAM in MB, 1 to 2048. Default 128. */
  readonly memoryMb?: number;
  /** Default realtime. */
  readonly clock?: ClockConfig;
  /** Default pentium4; x86-64-v2 for a kernel that needs 64-bit mode. */
  readonly cpu?: CpuModel;
  /** Default keep. */
  readonly shadow?: ShadowMode;
  /** Interpreter, or translation of hot code to WebAssembly; the guest cannot tell. Default interp. */
  readonly accel?: Accel;
  /** For tests: when to translate and how much. */
  readonly jitLimits?: JitLimits;
  /** Port of the debug-exit device (QEMU's isa-debug-exit): writing v ends the machine with (v << 1) | 1. Default none. */
  readonly debugExitPort?: number;
  /** Port at which POST codes are heard. Port 80h stays a latch in any case. Default 80h. */
  readonly postPort?: number;
  /** A second serial port, COM2. Default no. A machine with firmware has four in any case. */
  readonly com2?: boolean;
  /** Disks, each on a virtio-blk controller of its own, in the guest's order (Linux: /dev/vda, /dev/vdb …). At most 8. Default none. */
  readonly disks?: readonly BlockDevice[];
  /** Floppy drives and drives on IDE, each slot once. Default none. */
  readonly drives?: readonly DriveConfig[];
  /** Seconds since 1970 (UTC) at power-on, for the RTC. Default: now; in deterministic mode a constant. */
  readonly epochSeconds?: number;
  /** When given, every frame is absent until first touched and then asked for here. Default: RAM is zero. */
  readonly ramProvider?: RamProvider;
}

/** A configuration with every choice made. */
export interface ResolvedConfig {
  readonly boot: BootConfig;
  readonly memoryMb: number;
  readonly clock: { readonly kind: "realtime" | "deterministic"; readonly ticksPerUs: number };
  readonly cpu: CpuModel;
  readonly shadow: ShadowMode;
  readonly accel: Accel;
  readonly jitLimits: JitLimits | undefined;
  readonly debugExitPort: number | undefined;
  readonly postPort: number;
  readonly com2: boolean;
  readonly disks: readonly BlockDevice[];
  readonly drives: readonly DriveConfig[];
  readonly epochSeconds: number;
  readonly ramProvider: RamProvider | undefined;
}

export const DEFAULT_CPU: CpuModel = "pentium4";
/** Where the kernel needs 64-bit mode. */
export const DEFAULT_LONG_CPU: CpuModel = "x86-64-v2";
export const DEFAULT_MEMORY_MB = 128;
export const MOST_MEMORY_MB = 2048;
/** Said where somebody wants more. */
export const WHY_NOT_MORE = "RAM and the emulator's tables share one WebAssembly memory, which has 32-bit addresses";
/**
 * Near the interpreter's real speed (50 million instructions a second), so that deterministic guest time and real
 * time are of one scale: delays cost what they should and the timer interrupt takes its usual share.
 */
export const DEFAULT_TICKS_PER_US = 50;
export const MOST_DISKS = 8;
const MOST_TICKS_PER_US = 100_000;
/** Where PCs since the AT show the progress of their self-test. */
export const DEFAULT_POST_PORT = 0x80;
/** 2025-01-01 00:00:00 UTC. */
export const DETERMINISTIC_EPOCH_SECONDS = 1_735_689_600;
/** The RTC's century register can say up to 9999; the C library of the guests up to 2106. */
const LATEST_EPOCH_SECONDS = 2 ** 32 - 1;

/** Throws BadArgument. `nowSeconds` is the host's time, used where the configuration leaves `epochSeconds` open. */
export function resolveConfig(config: MachineConfig, nowSeconds: number): ResolvedConfig {
  const memoryMb = config.memoryMb ?? DEFAULT_MEMORY_MB;
  demand(
    Number.isInteger(memoryMb) && memoryMb >= 1 && memoryMb <= MOST_MEMORY_MB,
    "memoryMb",
    memoryMb,
    `a whole number of megabytes, 1 to ${MOST_MEMORY_MB} (${WHY_NOT_MORE})`,
  );

  const kind = config.clock?.kind ?? "realtime";
  demand(kind === "realtime" || kind === "deterministic", "clock.kind", kind, "realtime or deterministic");
  const ticksPerUs = (config.clock?.kind === "deterministic" ? config.clock.ticksPerUs : undefined) ?? DEFAULT_TICKS_PER_US;
  demand(
    Number.isFinite(ticksPerUs) && ticksPerUs > 0 && ticksPerUs <= MOST_TICKS_PER_US,
    "clock.ticksPerUs",
    ticksPerUs,
    `a number above 0, at most ${MOST_TICKS_PER_US}`,
  );

  checkBoot(config.boot);
  const isLong = config.boot.kind === "linux" && wantsLongMode(config.boot.kernel);
  const cpu = config.cpu ?? (isLong ? DEFAULT_LONG_CPU : DEFAULT_CPU);
  demand(CPU_MODELS.includes(cpu), "cpu", cpu, `one of ${CPU_MODELS.join(", ")}`);
  const shadow = config.shadow ?? "keep";
  demand(shadow === "keep" || shadow === "flush", "shadow", shadow, "keep or flush");
  const accel = config.accel ?? "interp";
  demand(ACCELS.includes(accel), "accel", accel, `one of ${ACCELS.join(", ")}`);
  const port = config.debugExitPort;
  demand(port === undefined || isPort(port), "debugExitPort", port, "a port, 0 to 65535");
  const postPort = config.postPort ?? DEFAULT_POST_PORT;
  demand(isPort(postPort), "postPort", postPort, "a port, 0 to 65535");

  const disks = config.disks ?? [];
  demand(Array.isArray(disks) && disks.length <= MOST_DISKS, "disks", `${disks.length} disks`, `at most ${MOST_DISKS}`);

  const drives = config.drives ?? [];
  checkDrives(drives);

  const epochSeconds = config.epochSeconds ?? (kind === "deterministic" ? DETERMINISTIC_EPOCH_SECONDS : Math.floor(nowSeconds));
  demand(
    Number.isInteger(epochSeconds) && epochSeconds >= 0 && epochSeconds <= LATEST_EPOCH_SECONDS,
    "epochSeconds",
    epochSeconds,
    `whole seconds since 1970, at most ${LATEST_EPOCH_SECONDS}`,
  );
  return {
    boot: config.boot,
    memoryMb,
    clock: { kind, ticksPerUs },
    cpu,
    shadow,
    accel,
    jitLimits: config.jitLimits,
    debugExitPort: port,
    postPort,
    com2: config.com2 ?? false,
    disks,
    drives: [...drives].sort((a, b) => DRIVE_SLOTS.indexOf(a.slot) - DRIVE_SLOTS.indexOf(b.slot)),
    epochSeconds,
    ramProvider: config.ramProvider,
  };
}

function checkDrives(drives: readonly DriveConfig[]): void {
  const slots = drives.map(({ slot }) => slot);
  for (const [n, { slot, media, disk }] of drives.entries()) {
    demand(DRIVE_SLOTS.includes(slot), "drives", slot, `one of ${DRIVE_SLOTS.join(", ")}`);
    demand(slots.indexOf(slot) === n, "drives", `${slot} twice`, "each slot once");
    demand(
      BOOT_DEVICES.includes(media) && (media === "floppy") === isFloppySlot(slot),
      "drives",
      `${media} in ${slot}`,
      "floppy in fda and fdb, disk or cdrom elsewhere",
    );
    demand(media !== "disk" || disk !== undefined, "drives", `${slot} without a disk`, "a disk");
    demand(
      media !== "floppy" || disk === undefined || floppyGeometry(disk.bytes) !== undefined,
      "drives",
      `${disk?.bytes} bytes in ${slot}`,
      `a floppy disk of at most ${MOST_FLOPPY_BYTES} bytes; attach it as hda instead`,
    );
  }
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 0xffff;

function checkBoot(boot: BootConfig): void {
  const kinds: readonly string[] = ["sector", "linux", "multiboot", "firmware"] satisfies BootConfig["kind"][];
  if (boot?.kind === "snapshot") return;
  demand(typeof boot === "object" && boot !== null && kinds.includes(boot.kind), "boot.kind", boot?.kind, `one of ${kinds.join(", ")}`);
  const [field, image] =
    boot.kind === "sector"
      ? ["boot.image", boot.image]
      : boot.kind === "firmware"
        ? ["boot.rom", boot.rom]
        : (["boot.kernel", boot.kernel] as const);
  demand(image instanceof Uint8Array, field, typeof image, "a Uint8Array");
  if (boot.kind === "sector" || boot.kind === "firmware") return;
  demand(typeof boot.commandLine === "string", "boot.commandLine", typeof boot.commandLine, "a string, which may be empty");
  if (boot.kind === "linux")
    demand(boot.initrd === undefined || boot.initrd instanceof Uint8Array, "boot.initrd", typeof boot.initrd, "a Uint8Array");
}

function demand(condition: boolean, argument: string, value: unknown, wanted: string): void {
  if (!condition) throw new BadArgument(argument, `${String(value)} is not possible; give ${wanted}.`);
}

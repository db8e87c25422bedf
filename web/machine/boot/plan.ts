/**
 * Chooses the loader for a boot configuration, and writes its plan into guest memory.
 */
import type { BootRecord } from "../../snapshot/manifest";
import type { Core } from "../core";
import type { BootDevice } from "../drives";
import type { BootPlan } from "./boot-plan";
import { planFirmware } from "./firmware";
import { planLinux } from "./linux";
import type { ProcessorIdentity } from "./mp-table";
import { planMultiboot } from "./multiboot";
import { explainHalt, planSector } from "./sector";

/** What to boot. Images are kept for reboots and must not be changed by the caller. */
export type BootConfig =
  | {
      readonly kind: "sector";
      readonly image: Uint8Array;
      /** DL at entry. Default 80h. */
      readonly drive?: number;
      /** False: accept an image without boot signature and of any length. Default true. */
      readonly signature?: boolean;
    }
  | {
      readonly kind: "linux";
      /** bzImage (vmlinuz, memtest86+) or unpacked ELF vmlinux, told apart by content. */
      readonly kernel: Uint8Array;
      readonly initrd?: Uint8Array;
      readonly commandLine: string;
      /** With a vmlinux: the bzImage it came from, whose setup header is then passed on. */
      readonly bzImage?: Uint8Array;
    }
  | {
      readonly kind: "multiboot";
      readonly kernel: Uint8Array;
      readonly commandLine: string;
      readonly modules?: readonly { readonly data: Uint8Array; readonly commandLine: string }[];
    }
  | {
      /** A ROM with the reset vector in its last 16 bytes. */
      readonly kind: "firmware";
      readonly rom: Uint8Array;
      /** The screen's ROM, which firmware finds by fw_cfg. */
      readonly videoRom?: Uint8Array;
      /** Firmware's screen and keyboard are on COM1, too. Default no. */
      readonly serialConsole?: boolean;
      /** What firmware tries, first to last. Default: disk, floppy, CD-ROM. */
      readonly bootOrder?: readonly BootDevice[];
    }
  | {
      /** Nothing: a snapshot's state is loaded, and the images are not at hand. Such a machine cannot be reset. */
      readonly kind: "snapshot";
      /** What the snapshot says was booted. */
      readonly record: BootRecord;
    };

/** Throws ImageUnreadable. `longMode`: the CPU model has 64-bit mode. `cpu`: for the MP table, if it has a local APIC. */
export function planBoot(boot: BootConfig, ramBytes: number, longMode = false, cpu?: ProcessorIdentity): BootPlan {
  switch (boot.kind) {
    case "sector":
      return planSector(boot.image, boot);
    case "linux":
      return planLinux(boot, ramBytes, longMode, cpu);
    case "multiboot":
      return planMultiboot(boot, ramBytes, cpu);
    case "firmware":
      return planFirmware(boot.rom);
    case "snapshot":
      return { writes: [], clears: [], registers: {}, summary: "resumed from a snapshot", ...haltsOf(boot.record) };
    default: {
      const never: never = boot;
      return never;
    }
  }
}

/** Maps a plan's ROMs, once. */
export function mapRoms(plan: BootPlan, core: Core): void {
  for (const { address, data } of plan.roms ?? []) core.mapRom(address, data);
}
const haltsOf = ({ kind }: BootRecord): Pick<BootPlan, "explainHalt"> => (kind === "sector" ? { explainHalt } : {});

const CLEAR_CHUNK = 65536;

/** Writes memory and registers. The core must be freshly reset. */
export function applyPlan(plan: BootPlan, core: Core): void {
  const zeros = new Uint8Array(CLEAR_CHUNK);
  for (const { address, length } of plan.clears)
    for (let done = 0; done < length; done += CLEAR_CHUNK)
      core.memory.write(address + done, zeros.subarray(0, Math.min(CLEAR_CHUNK, length - done)));
  for (const { address, data } of plan.writes) core.memory.write(address, data);
  for (const [name, value] of Object.entries(plan.registers)) core.setRegister(name, value);
}

/** What fw_cfg tells firmware about this board: memory, what to boot first, where its messages go, and the screen's ROM. */
import { type FwCfgItems, FwCfgKey, littleEndian } from "./devices/fw-cfg";
import { type BootDevice, DRIVE_SLOTS, type DriveConfig } from "./drives";

export interface FirmwareChoices {
  readonly memoryBytes: number;
  readonly videoRom: Uint8Array | undefined;
  /** Firmware's screen is on COM1, too. */
  readonly serialConsole: boolean;
  /** First to last; empty: as the CMOS cells say. */
  readonly bootOrder: readonly BootDevice[];
  readonly drives: readonly DriveConfig[];
  /** PCI device numbers of virtio disks. */
  readonly virtioSlots: readonly number[];
}

const COM1 = 0x3f8;
const E820_RAM = 1;

export function firmwareItems(choices: FirmwareChoices): FwCfgItems {
  const files = new Map<string, Uint8Array>();
  const e820 = new Uint8Array(20);
  e820.set(littleEndian(choices.memoryBytes, 8), 8);
  e820.set(littleEndian(E820_RAM, 4), 16);
  files.set("etc/e820", e820);
  if (choices.serialConsole) files.set("etc/sercon-port", littleEndian(COM1, 2));
  // By this name SeaBIOS takes it for the ROM of that PCI device.
  if (choices.videoRom) files.set("pci1234,1111.rom", choices.videoRom);
  const order = bootPaths(choices);
  if (order.length > 0) files.set("bootorder", new TextEncoder().encode(`${order.join("\n")}\0`));
  const items = new Map([
    [FwCfgKey.RamSize, littleEndian(choices.memoryBytes, 8)],
    [FwCfgKey.CpuCount, littleEndian(1, 2)],
    [FwCfgKey.MostCpus, littleEndian(1, 2)],
    [FwCfgKey.BootMenu, littleEndian(0, 2)],
    [FwCfgKey.TimerOnPin2, littleEndian(1, 4)],
  ]);
  return { files, items };
}

/** Drives in the order to be tried, as Open Firmware paths. */
function bootPaths({ bootOrder, drives, virtioSlots }: FirmwareChoices): string[] {
  return bootOrder.flatMap((kind) => {
    const own = drives.filter(({ media }) => media === kind).map(({ slot }) => pathOf(slot));
    return kind === "disk" ? [...own, ...virtioSlots.map((slot) => `/pci@i0cf8/scsi@${slot.toString(16)}/disk@0,0`)] : own;
  });
}

function pathOf(slot: DriveConfig["slot"]): string {
  const n = DRIVE_SLOTS.indexOf(slot);
  if (n < 2) return `/pci@i0cf8/isa@1/fdc@03f0/floppy@${n}`;
  return `/pci@i0cf8/ide@1,1/drive@${(n - 2) >> 1}/disk@${n & 1}`;
}

/**
 * What the registers of a PC's chips are called, by their data sheets: at fixed I/O ports by the port, and where a chip's
 * registers lie in memory or are moved by the guest (PCI base addresses) by the offset in its range.
 */

/** `first`, then a name for each port from there on; "" has none. */
const PORTS: readonly (readonly [first: number, names: readonly string[]])[] = [
  [0x00, channels("8237A", [0, 1, 2, 3], 1)],
  [0x08, ["status, command", "request", "single mask", "mode", "clear byte pointer", "master clear", "clear mask", "all masks"]],
  [0x20, ["8259A master: ICW1, OCW2, OCW3", "8259A master: mask (OCW1)"]],
  [0x40, ["8254: counter 0", "8254: counter 1", "8254: counter 2", "8254: control word"]],
  [0x60, ["i8042: data", "system control port B", "", "", "i8042: status, command"]],
  [0x70, ["MC146818: address, NMI mask", "MC146818: data"]],
  [0x80, ["POST code", "DMA page, channel 2", "DMA page, channel 3", "DMA page, channel 1", "", "", "", "DMA page, channel 0"]],
  [0x89, ["DMA page, channel 6", "DMA page, channel 7", "DMA page, channel 5", "", "", "", "DMA page, refresh"]],
  [0x92, ["system control port A: A20, reset"]],
  [0xa0, ["8259A slave: ICW1, OCW2, OCW3", "8259A slave: mask (OCW1)"]],
  [0xc0, channels("8237A", [4, 5, 6, 7], 2)],
  [0xf0, ["coprocessor busy clear"]],
  ...([0x170, 0x1f0] as const).map((first) => [first, taskFile(first)] as const),
  [0x1ce, ["VBE: index", "VBE: data", "VBE: data"]],
  [0x2e8, uart("COM4")],
  [0x2f8, uart("COM2")],
  [0x376, ["IDE secondary: alternate status, device control"]],
  [0x3b4, ["CRTC: index (mono)", "CRTC: data (mono)"]],
  [0x3ba, ["VGA: input status 1 (mono)"]],
  [0x3c0, ["attribute controller: index, data", "attribute controller: data read", "VGA: input status 0, miscellaneous output"]],
  [0x3c4, ["sequencer: index", "sequencer: data", "DAC: pixel mask", "DAC: read index, state", "DAC: write index", "DAC: data"]],
  [0x3ca, ["VGA: feature control", "", "VGA: miscellaneous output", "", "graphics controller: index", "graphics controller: data"]],
  [0x3d4, ["CRTC: index", "CRTC: data"]],
  [0x3da, ["VGA: input status 1"]],
  [0x3e8, uart("COM3")],
  [0x3f2, ["82077AA: digital output", "82077AA: tape drive", "82077AA: main status, data rate", "82077AA: data"]],
  [0x3f6, ["IDE primary: alternate status, device control", "82077AA: digital input, configuration control"]],
  [0x3f8, uart("COM1")],
  [0x402, ["debug console"]],
  [0x4d0, ["edge/level control, IRQ 0-7", "edge/level control, IRQ 8-15"]],
  [0x510, ["fw_cfg: selector", "fw_cfg: data", "", "", "fw_cfg: DMA address"]],
  [0xcf8, ["PCI: configuration address", "PIIX3: reset control", "", "", ...new Array<string>(4).fill("PCI: configuration data")]],
];

function channels(chip: string, numbers: readonly number[], step: number): string[] {
  return numbers.flatMap((n) =>
    ["address", "count"].flatMap((what) => [`${chip}: channel ${n} ${what}`, ...new Array<string>(step - 1).fill("")]),
  );
}

function uart(name: string): string[] {
  const registers = ["data, divisor low", "interrupt enable, divisor high", "interrupt identification, FIFO control", "line control"];
  return [...registers, "modem control", "line status", "modem status", "scratch"].map((what) => `${name}: ${what}`);
}

function taskFile(first: number): string[] {
  const registers = ["data", "error, features", "sector count", "LBA 7-0", "LBA 15-8", "LBA 23-16", "drive", "status, command"];
  return registers.map((what) => `IDE ${first === 0x1f0 ? "primary" : "secondary"}: ${what}`);
}

const VIRTIO_LEGACY: Readonly<Record<number, string>> = {
  0: "device features",
  4: "driver features",
  8: "queue address",
  12: "queue size",
  14: "queue select",
  16: "queue notify",
  18: "device status",
  19: "ISR status",
};
const VIRTIO_COMMON: Readonly<Record<number, string>> = {
  0: "device feature select",
  4: "device feature",
  8: "driver feature select",
  12: "driver feature",
  16: "MSI-X configuration vector",
  18: "number of queues",
  20: "device status",
  21: "configuration generation",
  22: "queue select",
  24: "queue size",
  26: "queue MSI-X vector",
  28: "queue enable",
  30: "queue notify offset",
  32: "queue descriptors",
  36: "queue descriptors, high",
  40: "queue driver area",
  44: "queue driver area, high",
  48: "queue device area",
  52: "queue device area, high",
};
/** SDM 3A table "Local APIC Register Address Map". */
const LOCAL_APIC: Readonly<Record<number, string>> = {
  32: "ID",
  48: "version",
  128: "task priority",
  144: "arbitration priority",
  160: "processor priority",
  176: "EOI",
  208: "logical destination",
  224: "destination format",
  240: "spurious interrupt vector",
  640: "error status",
  768: "interrupt command, low",
  784: "interrupt command, high",
  800: "LVT timer",
  816: "LVT thermal sensor",
  832: "LVT performance counters",
  848: "LVT LINT0",
  864: "LVT LINT1",
  880: "LVT error",
  896: "timer initial count",
  912: "timer current count",
  992: "timer divide configuration",
};
const APIC_BITS = ["in-service", "trigger mode", "interrupt request"];

/** Name of a register by its place in a range that the guest can move, or that lies in memory. `part`: what the chip is called. */
function byOffset(part: string, space: "port" | "memory", offset: number): string {
  switch (part) {
    case "virtio-blk": {
      if (space === "port") return VIRTIO_LEGACY[offset] ?? (offset >= 20 ? "device configuration" : "");
      const area = offset >> 12;
      return area === 0 ? (VIRTIO_COMMON[offset] ?? "") : (["", "ISR status", "device configuration", "queue notify"][area] ?? "");
    }
    case "local APIC": {
      const bits = offset >= 0x100 && offset < 0x280 ? (offset - 0x100) >> 7 : -1;
      return bits >= 0 ? `${APIC_BITS[bits]} ${((offset >> 4) & 7) * 32}-${((offset >> 4) & 7) * 32 + 31}` : (LOCAL_APIC[offset] ?? "");
    }
    case "I/O APIC":
      return offset === 0 ? "register select" : offset === 16 ? "register window" : "";
    case "HPET":
      if (offset >= 0x100) {
        const timer = (offset - 0x100) >> 5;
        return `timer ${timer} ${["configuration", "comparator", "interrupt route"][(offset & 0x1f) >> 3] ?? ""}`;
      }
      return ({ 0: "capabilities", 16: "configuration", 32: "interrupt status", 240: "main counter" } as const)[offset & ~7] ?? "";
    default:
      return "";
  }
}

/** First and last address, inclusive. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** Empty: it has no name that we know. `device`: whose register it is. */
export function registerName(
  device: { readonly part: string; readonly ports: readonly Range[]; readonly memory: readonly Range[] },
  space: "port" | "memory",
  address: number,
): string {
  if (space === "port") {
    const fixed = portName(address);
    if (fixed !== "") return fixed;
  }
  const range = device[space === "port" ? "ports" : "memory"].find(({ first, last }) => address >= first && address <= last);
  return range ? byOffset(device.part, space, address - range.first) : "";
}

function portName(port: number): string {
  const table = PORTS.find(([first, names]) => port >= first && port < first + names.length);
  return table ? table[1][port - table[0]]! : "";
}

/**
 * The table by which a system finds the APICs (Intel MultiProcessor Specification 1.4, chapter 4): one processor, the I/O
 * APIC, the ISA bus with its requests, PCI bus 0 with its pins, and the local interrupts of virtual wire mode. The
 * floating pointer lies at the end of conventional memory, the table where a BIOS would have it.
 */
import { IO_APIC_BASE, IO_APIC_ID, IO_APIC_VERSION } from "../devices/io-apic";
import { LOCAL_APIC_BASE } from "../devices/local-apic";
import { CONVENTIONAL_END } from "./boot-plan";

const TABLE = 0xf1000;
const SIGNATURE = "PCMP";
const HEADER_BYTES = 44;
const REVISION = 4;
/** Local APIC version 14h. */
const APIC_VERSION = 0x14;
/** Enabled; the bootstrap processor. */
const PROCESSOR_FLAGS = 3;
const PCI_BUS = 0;
const ISA_BUS = 1;
const FIRST_PCI_PIN = 16;
const PCI_DEVICES = 32;
const PCI_PINS = 4;
/** Interrupt types. */
const Interrupt = { Int: 0, Nmi: 1, ExtInt: 3 } as const;
/** PCI interrupts: active low, level-triggered. 0: as the bus has it. */
const PCI_FLAGS = 0xf;
const ALL_APICS = 0xff;

/** What the processor says of itself: CPUID leaf 1 EAX and EDX. */
export interface ProcessorIdentity {
  readonly signature: number;
  readonly features: number;
}

class Entries {
  readonly bytes: number[] = [];
  count = 0;

  add(type: number, ...rest: number[]): void {
    this.bytes.push(type, ...rest);
    this.count++;
  }
}
const u16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const u32 = (value: number): number[] => [...u16(value), ...u16(value >>> 16)];
const text = (value: string, length: number): number[] => [...value.padEnd(length)].map((c) => c.charCodeAt(0));
/** Makes the sum of all bytes 0. */
function seal(bytes: Uint8Array, at: number): Uint8Array {
  bytes[at] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

/** What is to be written to memory. */
export function mpTable(cpu: ProcessorIdentity): { address: number; data: Uint8Array }[] {
  const entries = new Entries();
  entries.add(0, 0, APIC_VERSION, PROCESSOR_FLAGS, ...u32(cpu.signature), ...u32(cpu.features), ...u32(0), ...u32(0));
  entries.add(1, PCI_BUS, ...text("PCI", 6));
  entries.add(1, ISA_BUS, ...text("ISA", 6));
  entries.add(2, IO_APIC_ID, IO_APIC_VERSION, 1, ...u32(IO_APIC_BASE));
  const io = (kind: number, flags: number, bus: number, source: number, pin: number): void =>
    entries.add(3, kind, ...u16(flags), bus, source, IO_APIC_ID, pin);
  io(Interrupt.ExtInt, 0, ISA_BUS, 0, 0);
  for (let request = 0; request < 16; request++) if (request !== 2) io(Interrupt.Int, 0, ISA_BUS, request, request === 0 ? 2 : request);
  for (let device = 1; device < PCI_DEVICES; device++)
    for (let pin = 0; pin < PCI_PINS; pin++)
      io(Interrupt.Int, PCI_FLAGS, PCI_BUS, (device << 2) | pin, FIRST_PCI_PIN + ((device + pin - 1) & (PCI_PINS - 1)));
  entries.add(4, Interrupt.ExtInt, ...u16(0), ISA_BUS, 0, ALL_APICS, 0);
  entries.add(4, Interrupt.Nmi, ...u16(0), ISA_BUS, 0, ALL_APICS, 1);

  const length = HEADER_BYTES + entries.bytes.length;
  const header = [...text(SIGNATURE, 4), ...u16(length), REVISION, 0, ...text("VITRINE", 8), ...text("PC", 12)];
  header.push(...u32(0), ...u16(0), ...u16(entries.count), ...u32(LOCAL_APIC_BASE), ...u16(0), 0, 0);
  const pointer = [...text("_MP_", 4), ...u32(TABLE), 1, REVISION, 0, 0, 0, 0, 0, 0];
  return [
    { address: TABLE, data: seal(Uint8Array.from([...header, ...entries.bytes]), 7) },
    { address: CONVENTIONAL_END, data: seal(Uint8Array.from(pointer), 10) },
  ];
}

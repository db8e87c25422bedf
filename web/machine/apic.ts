/**
 * How the APICs are wired on the board, where the CPU model has them: the 8259s' INT on LINT0 and on pin 0 of the I/O APIC, the
 * ISA requests on its pins (request 0 on pin 2), the PCI interrupts on pins 16 to 19, and the messages between them.
 */
import type { CpuModel } from "./config";
import { IoApic } from "./devices/io-apic";
import { type ApicMessage, LocalApic, type LocalApicPins } from "./devices/local-apic";

const FIRST_PCI_PIN = 16;
const TIMER_PIN = 2;
const CASCADE = 2;
/** Where messages of PCI devices go. SDM 3A "Message Signalled Interrupts". */
const MESSAGE_BASE = 0xfee;

/** CPUID leaf 1 EAX of the models that have a local APIC, for the MP table (asm/vmm/cpu-model.ts; tests hold them together). */
const SIGNATURES: Partial<Record<CpuModel, number>> = { pentium3: 0x683, pentium4: 0xf41, max: 0xf65, "x86-64-v2": 0x106a5 };
/** Feature flags as the MP table has them: FPU, MCE, CX8, APIC. */
const FEATURES = 0x381;

/** For the MP table; undefined for a model without a local APIC. */
export function processorIdentity(cpu: CpuModel): { signature: number; features: number } | undefined {
  const signature = SIGNATURES[cpu];
  return signature === undefined ? undefined : { signature, features: FEATURES };
}
export const hasApic = (cpu: CpuModel): boolean => SIGNATURES[cpu] !== undefined;

/** The data and address of a message-signalled interrupt; undefined if the address is no APIC's. */
export function messageOf(address: number, data: number): ApicMessage | undefined {
  if (address >>> 20 !== MESSAGE_BASE) return undefined;
  return {
    mode: (data >> 8) & 7,
    vector: data & 0xff,
    level: false,
    destination: (address >> 12) & 0xff,
    logical: (address & 4) !== 0,
  };
}

export class Apics {
  readonly local: LocalApic;
  readonly io: IoApic;

  constructor(pins: Pick<LocalApicPins, "intr" | "nmi" | "acknowledgeExternal">) {
    this.io = new IoApic((message) => this.local.deliver(message));
    this.local = new LocalApic({
      ...pins,
      endOfInterrupt: (vector) => this.io.endOfInterrupt(vector),
      externalByBus: () => this.io.passesExternal,
    });
  }

  /** The INT output of the 8259s. */
  setExternal(level: boolean): void {
    this.local.setExternal(level);
    this.io.setPin(0, level);
  }
  /** An ISA interrupt request. */
  setRequest(request: number, level: boolean): void {
    if (request !== CASCADE) this.io.setPin(request === 0 ? TIMER_PIN : request, level);
  }
  /** PCI interrupt A to D (0-3). */
  setPirq(n: number, level: boolean): void {
    this.io.setPin(FIRST_PCI_PIN + n, level);
  }
}

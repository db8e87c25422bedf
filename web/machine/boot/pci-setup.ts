/**
 * What a PC's firmware does to PCI before it boots anything, for machines that boot without one: sizes the base address
 * registers of bus 0, gives each a place, turns on decoding, and routes the interrupt pins as SeaBIOS does on this
 * board (IRQ 10 for PIRQA and B, 11 for C and D, level-triggered). All of it through the ports, as firmware would.
 */
import type { AccessSize } from "../device";

/** The board's ports. */
export interface Ports {
  portRead(port: number, size: AccessSize): number;
  portWrite(port: number, value: number, size: AccessSize): void;
}

/** Where the ranges are given from; below the I/O APIC. */
const FIRST_PORT = 0xc000;
const FIRST_ADDRESS = 0xe0000000;

const PIRQ_IRQS = [10, 10, 11, 11] as const;
const ELCR_SLAVE = 0x4d1;
/** The bridge that has the routing registers. */
const PIIX3 = { device: 1, registers: 0x60 } as const;

const Register = { Id: 0x00, Command: 0x04, HeaderType: 0x0e, Bars: 0x10, InterruptLine: 0x3c, InterruptPin: 0x3d } as const;
const BAR_COUNT = 6;
/** I/O, memory, bus master. */
const ENABLED = 0x0007;

interface Wanted {
  readonly address: number;
  readonly isPort: boolean;
  readonly length: number;
}

/** Without effect on a board whose devices have neither registers to place nor interrupt pins. */
export function setUpPci(ports: Ports): void {
  const at = (device: number, fn: number, register: number): number => (0x80000000 | (device << 11) | (fn << 8) | register) >>> 0;
  const read = (address: number): number => {
    ports.portWrite(0xcf8, address & ~3, 4);
    return ports.portRead(0xcfc, 4);
  };
  const write = (address: number, value: number, size: AccessSize): void => {
    ports.portWrite(0xcf8, address & ~3, 4);
    ports.portWrite(0xcfc + (address & 3), value, size);
  };
  const wanted: Wanted[] = [];
  const enable: number[] = [];
  let hasPins = false;
  for (let device = 0; device < 32; device++) {
    for (let fn = 0; fn < 8; fn++) {
      if (read(at(device, fn, Register.Id)) === 0xffffffff) {
        if (fn === 0) break;
        continue;
      }
      const bars = sizeBars((n) => at(device, fn, Register.Bars + 4 * n), read, write);
      wanted.push(...bars);
      if (bars.length > 0) enable.push(at(device, fn, Register.Command));
      const pin = (read(at(device, fn, Register.InterruptPin)) >>> 8) & 0xff;
      if (pin > 0) {
        hasPins = true;
        write(at(device, fn, Register.InterruptLine), PIRQ_IRQS[(device + pin - 2) & 3]!, 1);
      }
      if (fn === 0 && ((read(at(device, fn, Register.HeaderType)) >>> 16) & 0x80) === 0) break;
    }
  }
  place(wanted, write);
  for (const address of enable) write(address, (read(address) & 0xffff) | ENABLED, 2);
  if (hasPins) {
    for (const [n, irq] of PIRQ_IRQS.entries()) write(at(PIIX3.device, 0, PIIX3.registers + n), irq, 1);
    const levels = PIRQ_IRQS.reduce((bits, irq) => bits | (1 << (irq - 8)), 0);
    ports.portWrite(ELCR_SLAVE, ports.portRead(ELCR_SLAVE, 1) | levels, 1);
  }
  ports.portWrite(0xcf8, 0, 4);
}

function sizeBars(
  addressOf: (n: number) => number,
  read: (address: number) => number,
  write: (address: number, value: number, size: AccessSize) => void,
): Wanted[] {
  const found: Wanted[] = [];
  for (let n = 0; n < BAR_COUNT; n++) {
    const address = addressOf(n);
    const before = read(address);
    write(address, 0xffffffff, 4);
    const answer = read(address);
    write(address, before, 4);
    if (answer === 0) continue;
    const isPort = (answer & 1) !== 0;
    const mask = isPort ? answer & 0xfffc : answer & 0xfffffff0;
    found.push({ address, isPort, length: isPort ? (-mask & 0xffff) >>> 0 : -mask >>> 0 });
    // A 64-bit register's upper half stays 0.
    if (!isPort && (answer & 6) === 4) n++;
  }
  return found;
}

/** The largest first: so everything is aligned to its size without gaps. */
function place(wanted: readonly Wanted[], write: (address: number, value: number, size: AccessSize) => void): void {
  const sorted = [...wanted].sort((a, b) => b.length - a.length || a.address - b.address);
  let [port, address] = [FIRST_PORT, FIRST_ADDRESS];
  for (const bar of sorted) {
    write(bar.address, bar.isPort ? port : address, 4);
    if (bar.isPort) port += bar.length;
    else address += bar.length;
  }
}

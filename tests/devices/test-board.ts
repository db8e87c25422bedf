/**
 * A board for one chip: the real bus and the real clock over a tick counter that the test moves, recording lines and
 * log. `advance` does what the machine's loop does: it stops at each deadline and fires what is due.
 */
import { Bus } from "../../web/machine/bus";
import { GuestClock } from "../../web/machine/clock";
import type {
  AccessSize,
  AddressSpace,
  Board,
  Device,
  Dma,
  HostWork,
  Line,
  Region,
  RegisterHandler,
  VideoMemory,
} from "../../web/machine/device";
import { HostWorks } from "../../web/machine/host-work";
import { Wire } from "../../web/machine/irq";
import { CoreVideoMemory } from "../../web/machine/video-memory";

/** One tick is 10 ns. */
const TICKS_PER_US = 100;
/** 2024-02-28 23:59:50 UTC. */
export const EPOCH_SECONDS = Date.UTC(2024, 1, 28, 23, 59, 50) / 1000;

export class TestBoard implements Board {
  ticks = 0;
  readonly complaints: string[] = [];
  readonly bus = new Bus((message) => this.complaints.push(message));
  readonly clock: GuestClock;
  /** Levels of interrupt requests 0-15, and how often each has risen. */
  readonly levels: boolean[] = new Array(16).fill(false);
  readonly rises: number[] = new Array(16).fill(0);
  readonly #wires: Wire[] = [];
  readonly log = { guest: (message: string) => void this.complaints.push(message), info: () => {} };
  /** Guest memory; none at first. */
  ram = new Uint8Array(0);
  readonly dma: Dma = {
    read: (address, length) => {
      const result = new Uint8Array(length);
      if (address < this.ram.length) result.set(this.ram.subarray(address, address + length));
      return result;
    },
    write: (address, data) => {
      if (address + data.length <= this.ram.length) this.ram.set(data, address);
    },
    contains: (address, length) => address >= 0 && address + length <= this.ram.length,
  };
  readonly works: HostWorks;
  /** Begun at once. A chip's spec gives backends that are done at once, too (see sync-disk.ts), so that the laws can run without waiting. */
  readonly host: HostWork = {
    begin: (deadlineNs, work, done) => {
      this.works.begin("test", deadlineNs, work, done);
      this.works.start();
    },
  };
  #owner = "test";

  constructor(epochSeconds = EPOCH_SECONDS) {
    this.clock = new GuestClock({ ticksPerUs: TICKS_PER_US, realtime: false, epochSeconds, ticks: () => this.ticks });
    this.works = new HostWorks({ clock: this.clock, realtime: false });
    for (let irq = 0; irq < 16; irq++) {
      this.#wires.push(
        new Wire((level) => {
          this.levels[irq] = level;
          if (level) this.rises[irq]!++;
        }),
      );
    }
  }

  fit<D extends Device>(device: D): D {
    this.#owner = device.schema.name;
    device.attach(this);
    return device;
  }

  ports(first: number, count: number, handler: RegisterHandler): void {
    this.bus.claimPorts(this.#owner, first, count, handler);
  }

  mmio(first: number, bytes: number, handler: RegisterHandler): void {
    this.bus.claimPages(this.#owner, first, bytes, handler);
  }

  region(space: AddressSpace, length: number, handler: RegisterHandler): Region {
    return this.bus.claimRegion(this.#owner, space, length, handler);
  }

  /** Levels of the PCI interrupt pins that were asked for, by device number * 4 + pin - 1. */
  readonly pins = new Map<number, boolean>();

  /** Address and data of every message-signalled interrupt. */
  readonly messages: [address: number, data: number][] = [];

  messageInterrupt(address: number, data: number): void {
    this.messages.push([address, data]);
  }

  pciInterrupt(device: number, pin: number): Line {
    const at = device * 4 + pin - 1;
    this.pins.set(at, false);
    return { set: (level) => void this.pins.set(at, level) };
  }

  videoMemory(bytes: number): VideoMemory {
    return new CoreVideoMemory({ memory: { ramBytes: 0, read: () => new Uint8Array(), write: () => {} } }, bytes);
  }

  irq(request: number): Line {
    return this.#wires[request]!.driver();
  }

  in(port: number, size: AccessSize = 1): number {
    return this.bus.readPort(port, size);
  }

  out(port: number, value: number, size: AccessSize = 1): void {
    this.bus.writePort(port, value, size);
  }

  /** Guest time passes; alarms fire at their deadlines. */
  advance(ns: number): void {
    this.advanceTo(this.clock.now() + ns);
  }

  advanceTo(ns: number): void {
    const end = this.clock.ticksAt(ns);
    for (;;) {
      const deadline = this.clock.nextDeadlineTicks();
      if (deadline > end) break;
      this.ticks = Math.max(this.ticks, deadline);
      if (!this.clock.fireDue()) throw new Error("the test board does not wait for the host");
    }
    this.ticks = Math.max(this.ticks, end);
  }
}

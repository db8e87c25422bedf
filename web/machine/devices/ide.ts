/**
 * The PIIX3's IDE controller: 8086:7010 at 00:01.1 (datasheet 290550, 2.3 and chapter 5), two cables at the AT's ports and
 * interrupts, and a bus master for each (Programming Interface for Bus Master IDE Controller, 1.0) in BAR 4.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bytes, type Fields, type Prefixed, prefixed, type Schema, type StateOf, state, u8, u32, unprefixed } from "../../snapshot/schema";
import type { BlockDevice } from "../../storage/block-device";
import type { AccessSize, Board, Device, Dma, Line, RegisterHandler } from "../device";
import { type DriveCommands, type DriveHost, type DriveState, driveFields, IdeDrive, Status } from "./ide-drive";
import { PciEndpoint } from "./pci-endpoint";

const CABLES = [
  { first: 0x1f0, control: 0x3f6, irq: 14 },
  { first: 0x170, control: 0x376, irq: 15 },
] as const;
const Register = { Data: 0, Error: 1, Count: 2, Low: 3, Mid: 4, High: 5, Device: 6, Status: 7 } as const;
const DRIVE_BIT = 0x10;
const Control = { NoInterrupt: 0x02, Reset: 0x04, ReadBefore: 0x80 } as const;
const BusMaster = { Start: 0x01, ToMemory: 0x08 } as const;
const BusStatus = { Active: 0x01, Error: 0x02, Interrupt: 0x04, Capable: 0x60 } as const;
const PRD_BYTES = 8;
const PRD_END = 0x8000;
/** A table has at most 64 KB. */
const MOST_PRDS = 0x10000 / PRD_BYTES;

const cableFields = { control: u8, selected: u8, busCommand: u8, busStatus: u8, table: u32 };
const cableSchema = state("IDE cable", 1, cableFields);
type CableState = StateOf<typeof cableSchema>;
/** Only places with a drive are in the state. */
const schemaOf = (fitted: readonly number[]): Schema =>
  state("IDE", 1, {
    config: bytes(256),
    ...prefixed("cable0", cableFields),
    ...prefixed("cable1", cableFields),
    ...Object.assign({}, ...fitted.map((place) => prefixed(`drive${place}`, driveFields))),
  });

/** A drive in one of the four places: primary master and slave, secondary master and slave. */
export interface IdePlace {
  readonly commands: DriveCommands;
  readonly disk: BlockDevice | undefined;
}

class Cable implements DriveHost, RegisterHandler {
  readonly sizes = 1 | 2 | 4;
  s: CableState = { control: 0, selected: 0, busCommand: 0, busStatus: 0, table: 0 };
  readonly drives: readonly (IdeDrive | undefined)[];
  #line!: Line;
  #dma!: Dma;

  constructor(
    readonly n: number,
    places: readonly (IdePlace | undefined)[],
  ) {
    this.drives = places.map((place, unit) => place && new IdeDrive(`hd${"abcd"[2 * n + unit]}`, place.commands, this, place.disk));
  }

  attach(board: Board): void {
    const { first, control, irq } = CABLES[this.n]!;
    this.#line = board.irq(irq);
    this.#dma = board.dma;
    board.ports(first, 8, this);
    board.ports(control, 1, {
      read: () => this.#status(),
      write: (_offset, value) => this.#writeControl(value),
    });
    for (const drive of this.drives) drive?.attach(board);
  }

  reset(): void {
    Object.assign(this.s, { control: 0, selected: 0, busCommand: 0, busStatus: 0, table: 0 });
    for (const drive of this.drives) {
      drive?.softReset();
      drive?.powerOn();
    }
    this.interruptChanged();
  }

  get #drive(): IdeDrive | undefined {
    return this.drives[this.s.selected];
  }

  interruptChanged(): void {
    this.#line?.set((this.#drive?.s.interrupt ?? false) && (this.s.control & Control.NoInterrupt) === 0);
  }

  /** Of a place without a drive nobody answers; where there is another drive it answers with zeros. */
  #status(): number {
    return this.#drive ? this.#drive.s.status : 0;
  }

  read(offset: number, size: AccessSize): number {
    const drive = this.#drive;
    if (offset === Register.Data) return drive ? drive.readData(size) : 2 ** (8 * size) - 1;
    let value = 0;
    for (let i = 0; i < size; i++) value += this.#readRegister(offset + i, drive) * 2 ** (8 * i);
    return value;
  }

  #readRegister(register: number, drive: IdeDrive | undefined): number {
    if (register > Register.Status) return 0xff;
    if (!drive) return 0;
    const { s } = drive;
    const before = (this.s.control & Control.ReadBefore) !== 0;
    switch (register) {
      case Register.Error:
        return s.error;
      case Register.Count:
        return before ? s.countBefore : s.count;
      case Register.Low:
        return before ? s.lowBefore : s.low;
      case Register.Mid:
        return before ? s.midBefore : s.mid;
      case Register.High:
        return before ? s.highBefore : s.high;
      case Register.Device:
        return s.device | 0xa0;
      case Register.Status:
        drive.setInterrupt(false);
        return s.status;
      default:
        return 0xff;
    }
  }

  write(offset: number, value: number, size: AccessSize): void {
    if (offset === Register.Data) this.#drive?.writeData(value, size);
    else for (let i = 0; i < size; i++) this.#writeRegister(offset + i, (value >>> (8 * i)) & 0xff);
  }

  /** Both drives hear of all but commands and data. */
  #writeRegister(register: number, value: number): void {
    if (register === Register.Status) {
      // EXECUTE DIAGNOSTICS is for both.
      if (value === 0x90) {
        this.s.selected = 0;
        this.drives[1]?.softReset();
      }
      this.#drive?.command(value);
      return;
    }
    this.s.control &= ~Control.ReadBefore;
    if (register === Register.Device) this.s.selected = value & DRIVE_BIT ? 1 : 0;
    for (const drive of this.drives) if (drive && (drive.s.status & Status.Busy) === 0) writeTaskFile(drive.s, register, value);
    if (register === Register.Device) this.interruptChanged();
  }

  #writeControl(value: number): void {
    const before = this.s.control;
    this.s.control = value & (Control.NoInterrupt | Control.Reset | Control.ReadBefore);
    if (value & Control.Reset && (before & Control.Reset) === 0) {
      this.s.selected = 0;
      for (const drive of this.drives) {
        drive?.softReset();
        if (drive) Object.assign(drive.s, { device: 0, status: Status.Busy });
      }
    } else if (before & Control.Reset && (value & Control.Reset) === 0) for (const drive of this.drives) drive?.resetSignature();
    this.interruptChanged();
  }

  // ---- bus master

  readBus(register: number): number {
    const { busCommand, busStatus, table } = this.s;
    if (register === 0) return busCommand;
    if (register === 2) return busStatus;
    return register >= 4 ? (table >>> (8 * (register - 4))) & 0xff : 0;
  }

  writeBus(register: number, value: number): void {
    const { s } = this;
    if (register === 0) {
      const starts = (value & BusMaster.Start) !== 0 && (s.busCommand & BusMaster.Start) === 0;
      s.busCommand = value & (BusMaster.Start | BusMaster.ToMemory);
      if (starts) {
        s.busStatus |= BusStatus.Active;
        this.#drive?.dmaStarted();
      } else if ((value & BusMaster.Start) === 0) s.busStatus &= ~BusStatus.Active;
    } else if (register === 2) {
      const cleared = s.busStatus & ~(value & (BusStatus.Error | BusStatus.Interrupt));
      s.busStatus = (cleared & ~BusStatus.Capable) | (value & BusStatus.Capable);
    } else if (register >= 4) {
      const shift = 8 * (register - 4);
      s.table = ((s.table & ~(0xff << shift)) | (value << shift)) >>> 0;
      s.table = (s.table & ~3) >>> 0;
    }
  }

  dmaReady(toMemory: boolean): boolean {
    return (this.s.busStatus & BusStatus.Active) !== 0 && ((this.s.busCommand & BusMaster.ToMemory) !== 0) === toMemory;
  }

  /** The table's regions, as far as `length` bytes; undefined if they are less. */
  #regions(length: number): { address: number; count: number }[] | undefined {
    const regions: { address: number; count: number }[] = [];
    let left = length;
    for (let n = 0; n < MOST_PRDS && left > 0; n++) {
      const at = this.s.table + PRD_BYTES * n;
      if (!this.#dma.contains(at, PRD_BYTES)) return undefined;
      const entry = new DataView(this.#dma.read(at, PRD_BYTES).slice().buffer);
      const count = Math.min(left, entry.getUint16(4, true) & 0xfffe || 0x10000);
      regions.push({ address: (entry.getUint32(0, true) & ~1) >>> 0, count });
      left -= count;
      if (entry.getUint16(6, true) & PRD_END) break;
    }
    return left === 0 ? regions : undefined;
  }

  dmaToMemory(data: Uint8Array): boolean {
    const regions = this.#regions(data.length);
    let at = 0;
    for (const { address, count } of regions ?? []) {
      this.#dma.write(address, data.subarray(at, at + count));
      at += count;
    }
    return regions !== undefined;
  }

  dmaFromMemory(length: number): Uint8Array | undefined {
    const regions = this.#regions(length);
    if (!regions) return undefined;
    const data = new Uint8Array(length);
    let at = 0;
    for (const { address, count } of regions) {
      data.set(this.#dma.read(address, count), at);
      at += count;
    }
    return data;
  }

  dmaDone(failed: boolean): void {
    this.s.busStatus = (this.s.busStatus & ~BusStatus.Active) | BusStatus.Interrupt | (failed ? BusStatus.Error : 0);
  }
}

/** Each write moves the old value to the register's other half. */
function writeTaskFile(s: DriveState, register: number, value: number): void {
  switch (register) {
    case Register.Error:
      s.features = value;
      break;
    case Register.Count:
      s.countBefore = s.count;
      s.count = value;
      break;
    case Register.Low:
      s.lowBefore = s.low;
      s.low = value;
      break;
    case Register.Mid:
      s.midBefore = s.mid;
      s.mid = value;
      break;
    case Register.High:
      s.highBefore = s.high;
      s.high = value;
      break;
    default:
      s.device = value;
  }
}

export class Ide implements Device {
  readonly schema: Schema;
  readonly endpoint: PciEndpoint;
  readonly #cables: readonly Cable[];
  readonly #fitted: readonly number[];

  /** `places`: primary master and slave, secondary master and slave. */
  constructor(places: readonly (IdePlace | undefined)[]) {
    this.#fitted = [0, 1, 2, 3].filter((place) => places[place] !== undefined);
    this.schema = schemaOf(this.#fitted);
    this.#cables = [0, 1].map((n) => new Cable(n, [places[2 * n], places[2 * n + 1]]));
    this.endpoint = new PciEndpoint({
      ...{ device: 1, function: 1, vendorId: 0x8086, deviceId: 0x7010, revision: 0, classCode: 0x010180, interrupt: false },
      ...{ subsystemVendorId: 0x1af4, subsystemId: 0x1100 },
      bars: [
        {
          ...{ index: 4, space: "port" as const, length: 16 },
          handler: {
            sizes: 1 | 2 | 4,
            read: (offset, size) => {
              let value = 0;
              for (let i = 0; i < size; i++) value += this.#cables[((offset + i) >> 3) & 1]!.readBus((offset + i) & 7) * 2 ** (8 * i);
              return value;
            },
            write: (offset, value, size) => {
              for (let i = 0; i < size; i++) this.#cables[((offset + i) >> 3) & 1]!.writeBus((offset + i) & 7, (value >>> (8 * i)) & 0xff);
            },
          },
        },
      ],
    });
    // IDETIM, SIDETIM: decoding and timing, which nothing here depends on.
    this.endpoint.defineWritable(0x40, 4, 0xffffffff);
    this.endpoint.defineWritable(0x44, 1, 0xff);
  }

  /** The drive in place 0-3. */
  drive(place: number): IdeDrive | undefined {
    return this.#cables[place >> 1]!.drives[place & 1];
  }

  attach(board: Board): void {
    this.endpoint.attach(board);
    for (const cable of this.#cables) cable.attach(board);
  }

  reset(): void {
    this.endpoint.reset();
    for (const cable of this.#cables) cable.reset();
  }

  save(): StateOf<Schema> {
    const [zero, one] = this.#cables as [Cable, Cable];
    const drives = this.#fitted.map((place) => prefixed(`drive${place}`, this.drive(place)!.save()));
    return Object.assign({ config: this.endpoint.save(), ...prefixed("cable0", zero.s), ...prefixed("cable1", one.s) }, ...drives);
  }

  load(from: StateOf<Schema<Fields>>): void {
    const part = <T>(name: string): T => unprefixed(name, from as Prefixed<string, T>);
    const cables = this.#cables.map((_, n) => part<CableState>(`cable${n}`));
    if (cables.some(({ selected, table }) => selected > 1 || table % 4 !== 0))
      throw new SnapshotIncompatible("IDE", "a cable's registers hold what they cannot.");
    for (const place of this.#fitted) this.drive(place)!.load(part<DriveState>(`drive${place}`));
    this.endpoint.load(from.config as Uint8Array, false);
    for (const [n, cable] of this.#cables.entries()) {
      cable.s = { ...cables[n]! };
      cable.interruptChanged();
    }
  }
}

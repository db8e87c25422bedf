/**
 * Intel 82077AA floppy disk controller (datasheet 290166) with two drives, at 3F0h-3F7h, IRQ 6, DMA channel 2. Commands that
 * move data do so in one piece while the guest goes on, up to the end of the track or the DMA channel's count; seeking takes
 * no time. Without DMA it moves nothing: such transfers end with an error, which is logged.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { blob, bool, bytes, copyState, f64, initialState, list, type StateOf, state, u8 } from "../../snapshot/schema";
import { type BlockDevice, SECTOR_BYTES } from "../../storage/block-device";
import type { Board, Device, DeviceLog, Line, Outcome, RegisterHandler } from "../device";
import { decodeRequests, encodeRequests, MOST_SIMPLE_REQUESTS, SIMPLE_REQUESTS_BYTES } from "./disk-request-codec";
import { type DiskOperation, type DiskRequest, DiskRequests } from "./disk-requests";
import { DEFAULT_FLOPPY, type FloppyGeometry, floppyGeometry } from "./floppy-geometry";

const FIRST_PORT = 0x3f0;
const DIRECTION_PORT = 0x3f7;
const IRQ = 6;
const Register = { StatusA: 0, StatusB: 1, Output: 2, Tape: 3, Main: 4, Data: 5 } as const;
const Output = { Drive: 0x03, Enabled: 0x04, Dma: 0x08, Motors: 0x30 } as const;
const Main = { Request: 0x80, ToHost: 0x40, Busy: 0x10 } as const;
const DISK_CHANGED = 0x80;
const Phase = { Command: 0, Disk: 1, Result: 2 } as const;

const Code = {
  ReadTrack: 0x02,
  Specify: 0x03,
  SenseDrive: 0x04,
  Write: 0x05,
  Read: 0x06,
  Recalibrate: 0x07,
  SenseInterrupt: 0x08,
  WriteDeleted: 0x09,
  ReadId: 0x0a,
  ReadDeleted: 0x0c,
  Format: 0x0d,
  DumpRegisters: 0x0e,
  Seek: 0x0f,
  Version: 0x10,
  Perpendicular: 0x12,
  Configure: 0x13,
  Lock: 0x14,
  Verify: 0x16,
  PartId: 0x18,
} as const;
/** Bytes of each command, its code included; others are invalid. */
const LENGTHS: Readonly<Record<number, number>> = {
  2: 9,
  3: 3,
  4: 2,
  5: 9,
  6: 9,
  7: 2,
  8: 1,
  9: 9,
  10: 2,
  12: 9,
  13: 6,
  14: 1,
  15: 3,
  16: 1,
  18: 2,
  19: 4,
  20: 1,
  22: 9,
  24: 1,
};
const MULTITRACK = 0x80;
const RELATIVE_SEEK = 0x8f;
const VERSION = 0x90;
const PART_ID = 0x41;
/** Status register 0: how it ended; 1 and 2: why. */
const St0 = { SeekEnd: 0x20, Abnormal: 0x40, Invalid: 0x80, Changed: 0xc0 } as const;
const St1 = { MissingMark: 0x01, NotWritable: 0x02, NoData: 0x04, DataError: 0x20, EndOfTrack: 0x80 } as const;
const St3 = { TwoSided: 0x08, TrackZero: 0x10, Ready: 0x20, WriteProtected: 0x40 } as const;
/** Sectors of 128 << 2 bytes. */
const SIZE_CODE = 2;
const MOST_TRACK = 84;
const MOST_TRACK_BYTES = 2 * 36 * SECTOR_BYTES;

const schema = state("82077AA", 1, {
  output: u8,
  tape: u8,
  rate: u8,
  phase: u8,
  /** The command's bytes, or what is left of its result. */
  fifo: list(16),
  interrupt: bool,
  /** ST0 values that SENSE INTERRUPT STATUS has not told. */
  senses: list(4),
  tracks: bytes(2),
  /** Not 0: the disk was changed, and the head has not stepped since. */
  changed: bytes(2),
  specify: bytes(2),
  configure: bytes(3),
  perpendicular: u8,
  locked: bool,
  /** Of a transfer at the disk: what it writes. */
  buffer: blob(MOST_TRACK_BYTES),
  /** Where on the disk it is, and its length. */
  offset: f64,
  length: f64,
  requests0: blob(SIMPLE_REQUESTS_BYTES),
  requests1: blob(SIMPLE_REQUESTS_BYTES),
});
type State = Omit<StateOf<typeof schema>, "fifo" | "senses"> & { fifo: number[]; senses: number[] };

/** DMA channel 2. */
export interface FloppyDma {
  /** Bytes that the channel would move now. */
  ready(toMemory: boolean): number;
  toMemory(data: Uint8Array): void;
  fromMemory(length: number): Uint8Array;
}

interface Medium {
  readonly disk: BlockDevice;
  readonly geometry: FloppyGeometry;
  readonly requests: DiskRequests<DiskRequest>;
}

const powerOn = (): State => ({ ...initialState(schema), fifo: [], senses: [], changed: Uint8Array.of(1, 1) });

export class FloppyController implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  #s: State = powerOn();
  readonly #media: (Medium | undefined)[] = [undefined, undefined];
  #board!: Board;
  #log!: DeviceLog;
  #line!: Line;

  constructor(
    private readonly disks: readonly (BlockDevice | undefined)[],
    private readonly dma: FloppyDma,
  ) {}

  attach(board: Board): void {
    this.#board = board;
    this.#log = board.log;
    this.#line = board.irq(IRQ);
    board.ports(FIRST_PORT, 6, this);
    board.ports(DIRECTION_PORT, 1, {
      read: () => (this.#s.changed[this.#unit & 1] && this.#unit < 2 ? DISK_CHANGED : 0),
      write: (_offset, value) => {
        this.#s.rate = value & 3;
      },
    });
    for (const [unit, disk] of this.disks.entries()) this.#open(unit, disk);
  }

  #open(unit: number, disk: BlockDevice | undefined): void {
    const geometry = disk && (floppyGeometry(disk.bytes) ?? DEFAULT_FLOPPY);
    this.#media[unit] = disk && {
      disk,
      geometry: geometry!,
      requests: new DiskRequests({
        ...{ disk, host: this.#board.host, clock: this.#board.clock },
        dataOf: ({ ranges }) => this.#s.buffer.slice(0, ranges[0]!.length),
        done: (request, outcome) => this.#diskDone(request, outcome),
      }),
    };
  }

  /** Requests to the disk that is in drive 0 or 1. */
  accesses(unit: number): number {
    return this.#media[unit]?.requests.count ?? 0;
  }

  /** Another disk, or none: an input of the run. */
  change(unit: number, disk: BlockDevice | undefined): void {
    this.#media[unit]?.requests.abandon();
    const isBusyHere = this.#s.phase === Phase.Disk && ((this.#s.fifo[1] ?? 0) & 3) === unit;
    this.#open(unit, disk);
    this.#s.changed[unit] = 1;
    if (isBusyHere) this.#end(St0.Abnormal, St1.NoData | St1.MissingMark, 0);
  }

  reset(): void {
    const { changed } = this.#s;
    for (const medium of this.#media) medium?.requests.abandon();
    this.#s = { ...powerOn(), changed };
    this.#drive();
  }

  get #unit(): number {
    return this.#s.output & Output.Drive;
  }

  #drive(): void {
    this.#line?.set(this.#s.interrupt && (this.#s.output & Output.Dma) !== 0);
  }

  #setInterrupt(level: boolean): void {
    this.#s.interrupt = level;
    this.#drive();
  }

  read(register: number): number {
    const s = this.#s;
    switch (register) {
      case Register.StatusA:
        return s.interrupt ? 0x80 : 0;
      case Register.StatusB:
        return 0xc0 | ((s.output & 1) << 5) | ((s.output & Output.Motors) >> 4);
      case Register.Output:
        return s.output;
      case Register.Tape:
        return s.tape;
      case Register.Main:
        return this.#main();
      default:
        return this.#readData();
    }
  }

  #main(): number {
    const s = this.#s;
    if ((s.output & Output.Enabled) === 0) return 0;
    if (s.phase === Phase.Disk) return Main.Busy;
    if (s.phase === Phase.Result) return Main.Request | Main.ToHost | Main.Busy;
    return Main.Request | (s.fifo.length > 0 ? Main.Busy : 0);
  }

  #readData(): number {
    const s = this.#s;
    if (s.phase !== Phase.Result) return 0;
    this.#setInterrupt(false);
    const value = s.fifo.shift() ?? 0;
    if (s.fifo.length === 0) s.phase = Phase.Command;
    return value;
  }

  write(register: number, value: number): void {
    const s = this.#s;
    if (register === Register.Output) this.#writeOutput(value);
    else if (register === Register.Tape) s.tape = value & 3;
    else if (register === Register.Main) {
      s.rate = value & 3;
      if (value & 0x80) this.#softReset();
    } else if (register === Register.Data) this.#writeData(value);
  }

  #writeOutput(value: number): void {
    const was = this.#s.output;
    this.#s.output = value;
    if ((value & Output.Enabled) === 0) this.#stop();
    else if ((was & Output.Enabled) === 0) this.#softReset();
    this.#drive();
  }

  #stop(): void {
    const s = this.#s;
    for (const medium of this.#media) medium?.requests.abandon();
    Object.assign(s, { phase: Phase.Command, fifo: [], senses: [], buffer: new Uint8Array(), offset: 0, length: 0 });
    if (!s.locked) s.configure.fill(0);
    this.#setInterrupt(false);
  }

  /** Each of four drives then says that its state has changed. */
  #softReset(): void {
    this.#stop();
    this.#s.senses = [0, 1, 2, 3].map((unit) => St0.Changed | unit);
    this.#setInterrupt(true);
  }

  #writeData(value: number): void {
    const s = this.#s;
    if ((s.output & Output.Enabled) === 0 || s.phase !== Phase.Command) return;
    s.fifo.push(value);
    const length = LENGTHS[s.fifo[0]! & 0x1f] ?? 1;
    if (s.fifo.length >= length) this.#execute();
  }

  #result(...values: number[]): void {
    this.#s.fifo = values;
    this.#s.phase = values.length > 0 ? Phase.Result : Phase.Command;
  }

  #execute(): void {
    const s = this.#s;
    const [first, unitAndHead = 0, third = 0] = s.fifo as [number, number?, number?];
    const unit = unitAndHead & 3;
    switch (first & 0x1f) {
      case Code.Specify:
        s.specify.set([unitAndHead, third]);
        if (third & 1) this.#log.guest("floppy transfers without DMA were chosen, which this controller does not do");
        this.#result();
        break;
      case Code.SenseDrive:
        this.#result(this.#senseDrive(unitAndHead));
        break;
      case Code.SenseInterrupt: {
        const sense = s.senses.shift();
        this.#setInterrupt(false);
        if (sense === undefined) this.#result(St0.Invalid);
        else this.#result(sense, s.tracks[sense & 1]!);
        break;
      }
      case Code.Recalibrate:
        this.#seek(unit, unit, 0);
        break;
      case Code.Seek: {
        const from = s.tracks[unit & 1]!;
        const isRelative = (first & RELATIVE_SEEK) === RELATIVE_SEEK;
        this.#seek(unit, unitAndHead & 7, isRelative ? (first & 0x40 ? from + third : from - third) : third);
        break;
      }
      case Code.ReadId:
        this.#readId(unit, unitAndHead);
        break;
      case Code.Version:
        this.#result(VERSION);
        break;
      case Code.PartId:
        this.#result(PART_ID);
        break;
      case Code.Perpendicular:
        s.perpendicular = unitAndHead;
        this.#result();
        break;
      case Code.Configure:
        s.configure.set(s.fifo.slice(1, 4));
        this.#result();
        break;
      case Code.Lock:
        s.locked = (first & 0x80) !== 0;
        this.#result(s.locked ? 0x10 : 0);
        break;
      case Code.DumpRegisters:
        this.#result(
          ...[s.tracks[0]!, s.tracks[1]!, 0, 0, ...s.specify, 0, s.perpendicular | (s.locked ? 0x80 : 0), s.configure[1]!, s.configure[2]!],
        );
        break;
      case Code.Read:
      case Code.ReadDeleted:
      case Code.ReadTrack:
      case Code.Verify:
      case Code.Write:
      case Code.WriteDeleted:
        this.#transfer();
        break;
      case Code.Format:
        this.#format();
        break;
      default:
        this.#log.guest(`floppy command ${first.toString(16)} does not exist`);
        this.#result(St0.Invalid);
    }
  }

  #senseDrive(unitAndHead: number): number {
    const medium = this.#media[unitAndHead & 3];
    const isFitted = (unitAndHead & 3) < 2;
    return (
      (unitAndHead & 7) |
      (isFitted ? St3.Ready | St3.TwoSided : 0) |
      (this.#s.tracks[unitAndHead & 1] === 0 ? St3.TrackZero : 0) |
      (medium?.disk.readOnly ? St3.WriteProtected : 0)
    );
  }

  #seek(unit: number, unitAndHead: number, track: number): void {
    const s = this.#s;
    const isFitted = unit < 2;
    if (isFitted) s.tracks[unit] = Math.min(MOST_TRACK, Math.max(0, track));
    // The head's step tells the drive to look for a disk.
    if (isFitted && this.#media[unit]) s.changed[unit] = 0;
    s.senses = [St0.SeekEnd | unitAndHead | (isFitted ? 0 : St0.Abnormal | 0x10)];
    this.#result();
    this.#setInterrupt(true);
  }

  #readId(unit: number, unitAndHead: number): void {
    const track = this.#s.tracks[unit & 1]!;
    const medium = this.#media[unit];
    const head = (unitAndHead >> 2) & 1;
    const isThere = medium !== undefined && track < medium.geometry.cylinders && head < medium.geometry.heads;
    const status = isThere ? [unitAndHead & 7, 0, 0] : [St0.Abnormal | (unitAndHead & 7), St1.MissingMark, 0];
    this.#result(...status, track, head, 1, SIZE_CODE);
    this.#setInterrupt(true);
  }

  /** The end of a command that has seven bytes of result. The address is that of the next sector. */
  #end(st0: number, st1: number, sectorsDone: number): void {
    const s = this.#s;
    const [first = 0, unitAndHead = 0, track = 0, head = 0, sector = 0, size = 0, last = 0] = s.fifo;
    const medium = this.#media[unitAndHead & 3];
    let next = [track, head, sector, size];
    if (sectorsDone > 0 && medium) {
      const at = sector + sectorsDone;
      if (at <= last) next = [track, head, at, size];
      else if (first & MULTITRACK && head === 0 && at - last <= last) next = [track, 1, at - last, size];
      else next = [track + 1, first & MULTITRACK ? 0 : head, 1, size];
    }
    Object.assign(s, { buffer: new Uint8Array(), offset: 0, length: 0 });
    this.#result(st0 | (unitAndHead & 7), st1, 0, ...next.map((value) => value & 0xff));
    this.#setInterrupt(true);
  }

  #transfer(): void {
    const s = this.#s;
    const [first, unitAndHead, track, head, sector, size, last] = s.fifo as [number, number, number, number, number, number, number];
    const medium = this.#media[unitAndHead & 3];
    const code = first & 0x1f;
    const isWrite = code === Code.Write || code === Code.WriteDeleted;
    if (!medium || track >= medium.geometry.cylinders || head >= medium.geometry.heads || size !== SIZE_CODE) {
      this.#end(St0.Abnormal, medium ? St1.NoData : St1.MissingMark | St1.NoData, 0);
      return;
    }
    const { geometry, disk } = medium;
    const start = code === Code.ReadTrack ? 1 : sector;
    const end = Math.min(last, geometry.sectors);
    const onTrack = end - start + 1;
    if (start === 0 || onTrack <= 0 || track !== s.tracks[unitAndHead & 1]) {
      this.#end(St0.Abnormal, St1.NoData, 0);
      return;
    }
    if (isWrite && disk.readOnly) {
      this.#end(St0.Abnormal, St1.NotWritable, 0);
      return;
    }
    const bothSides = (first & MULTITRACK) !== 0 && head === 0 && geometry.heads === 2 && end === geometry.sectors;
    const most = (onTrack + (bothSides ? geometry.sectors : 0)) * SECTOR_BYTES;
    const wanted = code === Code.Verify ? most : (s.specify[1]! & 1) !== 0 ? 0 : this.dma.ready(!isWrite);
    const length = Math.min(most, Math.ceil(wanted / SECTOR_BYTES) * SECTOR_BYTES);
    if (length === 0) {
      this.#log.guest("a floppy transfer without a DMA channel that is ready for it");
      this.#end(St0.Abnormal, St1.EndOfTrack, 0);
      return;
    }
    const offset = ((track * geometry.heads + head) * geometry.sectors + start - 1) * SECTOR_BYTES;
    const buffer = new Uint8Array(isWrite ? length : 0);
    if (isWrite) buffer.set(this.dma.fromMemory(length));
    this.#atDisk(medium, isWrite ? "write" : "read", offset, length, buffer);
  }

  #format(): void {
    const s = this.#s;
    const [, unitAndHead, size, sectors, , fill] = s.fifo as [number, number, number, number, number, number];
    const medium = this.#media[unitAndHead & 3];
    const track = s.tracks[unitAndHead & 1]!;
    const head = (unitAndHead >> 2) & 1;
    const isPossible =
      medium &&
      size === SIZE_CODE &&
      sectors === medium.geometry.sectors &&
      track < medium.geometry.cylinders &&
      head < medium.geometry.heads;
    // The ids of the sectors, four bytes each: this disk's cannot be other than they are.
    this.dma.fromMemory(4 * sectors);
    if (!isPossible) this.#end(St0.Abnormal, medium ? St1.NoData : St1.MissingMark, 0);
    else if (medium.disk.readOnly) this.#end(St0.Abnormal, St1.NotWritable, 0);
    else {
      const { geometry } = medium;
      const offset = (track * geometry.heads + head) * geometry.sectors * SECTOR_BYTES;
      this.#atDisk(medium, "write", offset, sectors * SECTOR_BYTES, new Uint8Array(sectors * SECTOR_BYTES).fill(fill));
    }
  }

  /** An image may be cut short: what is missing reads as zeros, and cannot be written. */
  #atDisk(medium: Medium, operation: DiskOperation, offset: number, length: number, buffer: Uint8Array): void {
    const s = this.#s;
    const onImage = Math.min(length, Math.max(0, medium.disk.bytes - offset));
    if (medium.requests.all.length >= MOST_SIMPLE_REQUESTS || (operation === "write" && onImage < length)) {
      this.#end(St0.Abnormal, St1.DataError, 0);
      return;
    }
    Object.assign(s, { buffer, offset, length, phase: Phase.Disk });
    if (onImage === 0) this.#deliver(new Uint8Array());
    else
      medium.requests.submit({
        ...{ operation, ranges: [{ offset, length: onImage }], deadlineNs: undefined },
        ...{ hasFailed: false, isAbandoned: false },
      });
  }

  #diskDone(request: DiskRequest, outcome: Outcome<Uint8Array | undefined>): void {
    if (this.#s.phase !== Phase.Disk) return;
    if ("error" in outcome) {
      const { error } = outcome;
      this.#log.info(error instanceof Error ? error.message : String(error));
      this.#end(St0.Abnormal, request.operation === "read" ? St1.DataError | St1.NoData : St1.NotWritable, 0);
    } else if (request.operation === "read") this.#deliver(outcome.value!);
    else this.#end(0, 0, this.#s.length / SECTOR_BYTES);
  }

  #deliver(data: Uint8Array): void {
    const { length, fifo } = this.#s;
    const whole = new Uint8Array(length);
    whole.set(data);
    if ((fifo[0]! & 0x1f) !== Code.Verify) this.dma.toMemory(whole);
    this.#end(0, 0, length / SECTOR_BYTES);
  }

  save(): StateOf<typeof schema> {
    const requests = (unit: number): Uint8Array => encodeRequests(this.#media[unit]?.requests.all ?? []);
    return copyState(schema, { ...this.#s, requests0: requests(0), requests1: requests(1) });
  }

  load(from: StateOf<typeof schema>): void {
    const refuse = (): never => {
      throw new SnapshotIncompatible("82077AA", "it is doing something that is not possible.");
    };
    const { phase, fifo, length, offset, buffer } = from;
    const isTransfer = phase === Phase.Disk;
    if (phase > Phase.Result || (phase === Phase.Result && fifo.length === 0)) refuse();
    if (phase === Phase.Command && fifo.length > 0 && fifo.length >= (LENGTHS[fifo[0]! & 0x1f] ?? 1)) refuse();
    const sizes = [length, offset].every((value) => Number.isSafeInteger(value) && value >= 0);
    if (!sizes || length > MOST_TRACK_BYTES || length % SECTOR_BYTES !== 0) refuse();
    if (isTransfer ? length === 0 || fifo.length < 6 : length + offset + buffer.length > 0) refuse();
    if (isTransfer && buffer.length > 0 && buffer.length !== length) refuse();
    const bytesOf = (unit: number): number => this.#media[unit]?.disk.bytes ?? 0;
    const requests = [from.requests0, from.requests1].map((encoded, unit) => decodeRequests("82077AA", encoded, bytesOf(unit)));
    for (const { operation, ranges, deadlineNs } of requests.flat())
      if (operation === "write" && deadlineNs === undefined && buffer.length < ranges[0]!.length) refuse();
    const copy = copyState(schema, from);
    this.#s = { ...copy, fifo: [...fifo], senses: [...from.senses], requests0: new Uint8Array(), requests1: new Uint8Array() };
    requests.forEach((all, unit) => {
      this.#media[unit]?.requests.load(all);
    });
    this.#drive();
  }
}

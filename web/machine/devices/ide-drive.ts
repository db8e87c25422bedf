/**
 * One drive on an IDE cable: its task file and the protocols that move data (ATA/ATAPI-6, chapter 9). What it moves is said
 * by ata-disk.ts or atapi.ts. The disk works while the guest goes on: BSY is set meanwhile.
 *
 *   PIO in    disk → buffer → data register, a DRQ block at a time, each announced by INTRQ
 *   PIO out   data register → buffer → disk
 *   DMA       disk ↔ memory, once the bus master was started, in one piece
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { blob, bool, copyState, f64, initially, initialState, type StateOf, state, u8, u32 } from "../../snapshot/schema";
import type { BlockDevice } from "../../storage/block-device";
import type { Board, Outcome } from "../device";
import { DEFAULT_HEADS, DEFAULT_SECTORS_PER_TRACK } from "./ata-identity";
import { decodeRequests, encodeRequests, MOST_SIMPLE_REQUESTS, SIMPLE_REQUESTS_BYTES } from "./disk-request-codec";
import { type DiskOperation, type DiskRequest, DiskRequests } from "./disk-requests";

export const Status = { Error: 0x01, DataRequest: 0x08, SeekComplete: 0x10, DeviceFault: 0x20, Ready: 0x40, Busy: 0x80 } as const;
export const ErrorBit = { Aborted: 0x04, IdNotFound: 0x10, Uncorrectable: 0x40 } as const;
export const READY = Status.Ready | Status.SeekComplete;
/** Of the sector count register, while packets are served. */
const Reason = { Command: 0x01, ToHost: 0x02 } as const;
/** Read or written at once by PIO. */
export const BUFFER_BYTES = 0x20000;
const PACKET_BYTES = 12;

/** What the drive is doing. */
export const Phase = { Idle: 0, DataIn: 1, DataOut: 2, Packet: 3, Disk: 4, AwaitDma: 5 } as const;
const LAST_PHASE = Phase.AwaitDma;
/** How the data of the command moves. */
export const Transfer = { None: 0, PioIn: 1, PioOut: 2, DmaIn: 3, DmaOut: 4 } as const;
const LAST_TRANSFER = Transfer.DmaOut;

export const driveFields = {
  features: u8,
  /** The register now, and what it held before the last write (48-bit commands). */
  count: u8,
  countBefore: u8,
  low: u8,
  lowBefore: u8,
  mid: u8,
  midBefore: u8,
  high: u8,
  highBefore: u8,
  device: u8,
  status: u8,
  error: u8,
  interrupt: bool,
  phase: u8,
  transfer: u8,
  isPacket: bool,
  /** Where on the disk the next transfer begins, and bytes of the command that have not been moved. */
  offset: f64,
  left: f64,
  buffer: blob(BUFFER_BYTES),
  at: u32,
  blockEnd: u32,
  /** Bytes of a DRQ block. */
  block: u32,
  multiple: u8,
  heads: initially(u8, DEFAULT_HEADS),
  sectorsPerTrack: initially(u8, DEFAULT_SECTORS_PER_TRACK),
  transferMode: u8,
  senseKey: u8,
  senseCode: u8,
  mediumChanged: bool,
  mediaEvent: u8,
  locked: bool,
  requests: blob(SIMPLE_REQUESTS_BYTES),
};
/** What GET EVENT STATUS NOTIFICATION tells of the medium (MMC-3, 5.6.2). */
const MediaEvent = { WantedOut: 1, NewMedium: 2, Removed: 3 } as const;

export const driveSchema = state("IDE drive", 1, driveFields);
export type DriveState = StateOf<typeof driveSchema>;

/** The cable's other end. */
export interface DriveHost {
  interruptChanged(): void;
  /** Whether the bus master runs in this direction. */
  dmaReady(toMemory: boolean): boolean;
  /** Moves data by the bus master's table; false where it does not describe so much. */
  dmaToMemory(data: Uint8Array): boolean;
  dmaFromMemory(length: number): Uint8Array | undefined;
  dmaDone(failed: boolean): void;
}

/** The commands of a kind of drive. */
export interface DriveCommands {
  /** Signature in the task file after a reset. */
  readonly isPacketDevice: boolean;
  execute(drive: IdeDrive, command: number): void;
  packet(drive: IdeDrive, packet: Uint8Array): void;
  /** The disk failed during a packet command. */
  diskFailed(drive: IdeDrive): void;
}

export class IdeDrive {
  s: DriveState = initialState(driveSchema);
  #disk: BlockDevice | undefined;
  #requests: DiskRequests<DiskRequest> | undefined;
  #board!: Board;

  constructor(
    readonly name: string,
    private readonly commands: DriveCommands,
    private readonly host: DriveHost,
    disk: BlockDevice | undefined,
  ) {
    this.#disk = disk;
    this.powerOn();
  }

  get disk(): BlockDevice | undefined {
    return this.#disk;
  }

  attach(board: Board): void {
    this.#board = board;
    this.#open();
  }

  #open(): void {
    this.#requests = this.#disk
      ? new DiskRequests({
          ...{ disk: this.#disk, host: this.#board.host, clock: this.#board.clock },
          dataOf: ({ ranges }) => this.#dataOf(ranges[0]!.length),
          done: (request, outcome) => this.#diskDone(request, outcome),
        })
      : undefined;
  }

  get isLocked(): boolean {
    return this.s.locked;
  }

  /** Requests to the medium that is in the drive. */
  get accesses(): number {
    return this.#requests?.count ?? 0;
  }

  /** Somebody has pressed the button of a locked drive: an input of the run. */
  wantOut(): void {
    this.s.mediaEvent = MediaEvent.WantedOut;
  }

  /** Another medium, or none: an input of the run. A tray that was opened is not locked any more. */
  change(disk: BlockDevice | undefined): void {
    this.#requests?.abandon();
    this.#disk = disk;
    this.#open();
    const s = this.s;
    s.locked = false;
    s.mediumChanged = disk !== undefined;
    s.mediaEvent = disk ? MediaEvent.NewMedium : MediaEvent.Removed;
    if (s.phase === Phase.Disk) this.commands.diskFailed(this);
  }

  powerOn(): void {
    this.s = initialState(driveSchema);
    this.resetSignature();
  }

  /** SRST, DEVICE RESET, EXECUTE DIAGNOSTICS: what the drive was doing is over; its settings stay. */
  softReset(): void {
    this.#requests?.abandon();
    const s = this.s;
    Object.assign(s, {
      phase: Phase.Idle,
      transfer: Transfer.None,
      isPacket: false,
      at: 0,
      blockEnd: 0,
      left: 0,
      buffer: new Uint8Array(),
    });
    this.setInterrupt(false);
    this.resetSignature();
  }

  resetSignature(): void {
    const s = this.s;
    const isPacket = this.commands.isPacketDevice;
    Object.assign(s, { error: 1, count: 1, low: 1, mid: isPacket ? 0x14 : 0, high: isPacket ? 0xeb : 0, device: s.device & 0x10 });
    // A packet device is not ready until a command other than its own has come.
    s.status = isPacket ? 0 : READY;
  }

  setInterrupt(level: boolean): void {
    this.s.interrupt = level;
    this.host.interruptChanged();
  }

  command(code: number): void {
    const s = this.s;
    // Only DEVICE RESET gets through to a drive that is at work.
    if (s.status & (Status.Busy | Status.DataRequest) && code !== 0x08) {
      this.#board.log.guest(`${this.name}: command ${code.toString(16)} while it is busy`);
      return;
    }
    Object.assign(s, { error: 0, phase: Phase.Idle, transfer: Transfer.None, isPacket: false, left: 0 });
    this.setInterrupt(false);
    this.commands.execute(this, code);
  }

  /** The end of a command without an error. */
  complete(): void {
    const s = this.s;
    Object.assign(s, { status: READY, phase: Phase.Idle, transfer: Transfer.None, buffer: new Uint8Array(), at: 0, blockEnd: 0 });
    if (s.isPacket) s.count = Reason.Command | Reason.ToHost;
    this.setInterrupt(true);
  }

  fail(error: number): void {
    const wasDma = this.s.transfer >= Transfer.DmaIn;
    this.complete();
    this.s.status = READY | Status.Error;
    this.s.error = error;
    if (wasDma) this.host.dmaDone(true);
  }

  /** Data that is there already goes to the host. */
  answer(data: Uint8Array, transfer: number = Transfer.PioIn): void {
    const s = this.s;
    s.transfer = transfer;
    s.left = 0;
    s.buffer = data;
    s.at = 0;
    if (transfer === Transfer.DmaIn) {
      s.left = data.length;
      this.#awaitDma();
    } else if (data.length === 0) this.complete();
    else this.#nextBlock();
  }

  /** Begins to move `length` bytes from or to the disk. */
  move(transfer: number, offset: number, length: number, block: number): void {
    const s = this.s;
    Object.assign(s, { transfer, offset, left: length, block, buffer: new Uint8Array(), at: 0 });
    if (transfer === Transfer.PioIn) this.#fetch();
    else if (transfer === Transfer.PioOut) {
      this.#beginChunk();
      // The first block is not announced.
      this.setInterrupt(false);
    } else this.#awaitDma();
  }

  flush(): void {
    this.#submit("flush", 0);
  }

  awaitPacket(): void {
    const s = this.s;
    Object.assign(s, { isPacket: true, phase: Phase.Packet, buffer: new Uint8Array(PACKET_BYTES), at: 0, blockEnd: PACKET_BYTES });
    s.count = Reason.Command;
    s.status = READY | Status.DataRequest;
  }

  // ---- PIO

  #nextBlock(): void {
    const s = this.s;
    let length = Math.min(s.block || s.buffer.length, s.buffer.length - s.at);
    if (s.isPacket) {
      const limit = s.block || 0xfffe;
      length = Math.min(limit, s.buffer.length - s.at);
      s.mid = length & 0xff;
      s.high = length >> 8;
      s.count = Reason.ToHost;
    }
    s.blockEnd = s.at + length;
    s.phase = s.transfer === Transfer.PioOut ? Phase.DataOut : Phase.DataIn;
    s.status = READY | Status.DataRequest;
    this.setInterrupt(true);
  }

  #fetch(): void {
    this.#submit("read", Math.min(this.s.left, BUFFER_BYTES));
  }

  #beginChunk(): void {
    const s = this.s;
    s.buffer = new Uint8Array(Math.min(s.left, BUFFER_BYTES));
    s.at = 0;
    this.#nextBlock();
  }

  readData(size: number): number {
    const s = this.s;
    if (s.phase !== Phase.DataIn) return 2 ** (8 * size) - 1;
    let value = 0;
    for (let i = 0; i < size; i++) if (s.at + i < s.blockEnd) value += s.buffer[s.at + i]! * 2 ** (8 * i);
    s.at = Math.min(s.blockEnd, s.at + size);
    if (s.at === s.blockEnd) this.#blockRead();
    return value;
  }

  #blockRead(): void {
    const s = this.s;
    if (s.at < s.buffer.length) this.#nextBlock();
    else if (s.left > 0) this.#fetch();
    else if (s.isPacket) this.complete();
    else Object.assign(s, { status: READY, phase: Phase.Idle, transfer: Transfer.None, buffer: new Uint8Array(), at: 0, blockEnd: 0 });
  }

  writeData(value: number, size: number): void {
    const s = this.s;
    if (s.phase !== Phase.DataOut && s.phase !== Phase.Packet) return;
    for (let i = 0; i < size && s.at < s.blockEnd; i++) s.buffer[s.at++] = (value >>> (8 * i)) & 0xff;
    if (s.at < s.blockEnd) return;
    if (s.phase === Phase.Packet) {
      const packet = s.buffer;
      Object.assign(s, { buffer: new Uint8Array(), at: 0, blockEnd: 0, phase: Phase.Idle, status: READY });
      this.commands.packet(this, packet);
    } else if (s.at < s.buffer.length) this.#nextBlock();
    else this.#submit("write", s.buffer.length);
  }

  // ---- DMA

  #awaitDma(): void {
    const s = this.s;
    s.phase = Phase.AwaitDma;
    s.status = READY | Status.DataRequest;
    this.dmaStarted();
  }

  /** The bus master was started, or the drive is ready for it. */
  dmaStarted(): void {
    const s = this.s;
    if (s.phase !== Phase.AwaitDma || !this.host.dmaReady(s.transfer === Transfer.DmaIn)) return;
    if (s.transfer === Transfer.DmaOut) this.#submit("write", s.left);
    else if (s.buffer.length > 0) this.#endDma(this.host.dmaToMemory(s.buffer));
    else this.#submit("read", s.left);
  }

  #endDma(isMoved: boolean): void {
    if (!isMoved) this.#board.log.guest(`${this.name}: the bus master's table is too short for the transfer`);
    this.s.left = 0;
    this.complete();
    this.host.dmaDone(!isMoved);
  }

  // ---- the disk

  #submit(operation: DiskOperation, length: number): void {
    const s = this.s;
    const requests = this.#requests;
    if (!requests || requests.all.length >= MOST_SIMPLE_REQUESTS) {
      this.#refuse();
      return;
    }
    s.status = Status.Busy;
    s.phase = Phase.Disk;
    const ranges = operation === "flush" ? [] : [{ offset: s.offset, length }];
    requests.submit({ operation, ranges, deadlineNs: undefined, hasFailed: false, isAbandoned: false });
  }

  /** What a write is to write: taken when it begins. */
  #dataOf(length: number): Uint8Array {
    if (this.s.transfer !== Transfer.DmaOut) return this.s.buffer.slice(0, length);
    const data = this.host.dmaFromMemory(length) ?? new Uint8Array();
    const whole = new Uint8Array(length);
    whole.set(data);
    return whole;
  }

  #refuse(): void {
    if (this.s.isPacket) this.commands.diskFailed(this);
    else this.fail(ErrorBit.Uncorrectable | ErrorBit.Aborted);
  }

  #diskDone(request: DiskRequest, outcome: Outcome<Uint8Array | undefined>): void {
    const s = this.s;
    if (s.phase !== Phase.Disk) return;
    if ("error" in outcome) {
      const { error } = outcome;
      this.#board.log.info(`${this.name}: ${error instanceof Error ? error.message : String(error)}`);
      this.#refuse();
      return;
    }
    const length = request.ranges[0]?.length ?? 0;
    s.offset += length;
    s.left = Math.max(0, s.left - length);
    if (request.operation === "flush") this.complete();
    else if (s.transfer === Transfer.PioIn && outcome.value) {
      s.buffer = outcome.value;
      s.at = 0;
      this.#nextBlock();
    } else if (s.transfer === Transfer.DmaIn && outcome.value) this.#endDma(this.host.dmaToMemory(outcome.value));
    else if (s.transfer === Transfer.DmaOut) this.#endDma(true);
    else if (s.transfer === Transfer.PioOut && s.left > 0) this.#beginChunk();
    else this.complete();
  }

  save(): DriveState {
    return { ...copyState(driveSchema, this.s), requests: encodeRequests(this.#requests?.all ?? []) };
  }

  load(from: DriveState): void {
    const { phase, transfer, at, blockEnd, buffer, left, offset } = from;
    const sizes = [left, offset].every((value) => Number.isSafeInteger(value) && value >= 0);
    const isMoving = phase === Phase.DataIn || phase === Phase.DataOut || phase === Phase.Packet;
    const fits = at <= blockEnd && blockEnd <= buffer.length && (!isMoving || at < blockEnd) && buffer.length <= BUFFER_BYTES;
    const bytes = this.#disk?.bytes ?? 0;
    const onDisk = left === 0 || phase === Phase.Idle || offset + left <= bytes || (phase === Phase.AwaitDma && buffer.length > 0);
    if (phase > LAST_PHASE || transfer > LAST_TRANSFER || !sizes || !fits || !onDisk || from.heads === 0 || from.sectorsPerTrack === 0)
      throw new SnapshotIncompatible(this.name, "it is doing something that is not possible.");
    if ((phase === Phase.Packet && blockEnd !== PACKET_BYTES) || (phase === Phase.AwaitDma && (left === 0 || transfer < Transfer.DmaIn)))
      throw new SnapshotIncompatible(this.name, "it is doing something that is not possible.");
    const requests = decodeRequests(this.name, from.requests, bytes);
    this.s = { ...copyState(driveSchema, from), requests: new Uint8Array() };
    this.#requests?.load(requests);
  }
}

/**
 * A disk on virtio (virtio 1.1, 5.2): one queue of requests. It offers FLUSH, DISCARD, WRITE_ZEROES and the disk's size
 * of blocks; a driver that does not take FLUSH gets every write made durable before it ends. What the disk refuses is an
 * I/O error for the guest. Sectors are 512 bytes, whatever the block size.
 */
import { DiskFailed, SnapshotIncompatible } from "../../lib/errors";
import { list, prefixed, type StateOf, state, u32 } from "../../snapshot/schema";
import { type BlockDevice, SECTOR_BYTES } from "../../storage/block-device";
import type { Board, Device, Outcome } from "../device";
import { DISK_OPERATIONS, type DiskRange, type DiskRequest, DiskRequests } from "./disk-requests";
import { VirtioPci, virtioFields } from "./virtio-pci";
import { type Chain, lengthOf, queueFields, readSegments, type Segment, sliceSegments, writeSegments } from "./virtqueue";

const BLOCK_DEVICE = 2;
/** Mass storage, SCSI: what drivers of the legacy interface look for. */
const CLASS_CODE = 0x010000;
const QUEUE = 0;
const QUEUE_ENTRIES = 256;
/** A queue less header and status. */
const MOST_SEGMENTS = QUEUE_ENTRIES - 2;

const Feature = { SegMax: 2, ReadOnly: 5, BlockSize: 6, Flush: 9, Topology: 10, Discard: 13, WriteZeroes: 14 } as const;
const RequestType = { Read: 0, Write: 1, Flush: 4, GetId: 8, Discard: 11, WriteZeroes: 13 } as const;
const Status = { Ok: 0, IoError: 1, Unsupported: 2 } as const;
const HEADER_BYTES = 16;
const ID_BYTES = 20;
/** One range of DISCARD and WRITE_ZEROES: sector u64, sectors u32, flags u32. */
const RANGE_BYTES = 16;
const MOST_RANGES = 64;
const UNMAP = 1;
const CONFIG_BYTES = 60;
/** Trimmed space comes back in chunks of this many sectors (64 KB). */
const TRIM_SECTORS = 128;
const MOST_TRIM_SECTORS = 0x400000;

/** One request may move this much, and all together that much; what goes beyond waits in the queue. */
const MOST_REQUEST_BYTES = 16 * 0x100000;
const MOST_BYTES = 64 * 0x100000;
const MOST_REQUESTS = 32;

/** A request at the disk, with where its answer goes. */
interface Request extends DiskRequest {
  readonly head: number;
  /** Guest memory that is written to the disk. */
  readonly from: readonly Segment[];
  /** Guest memory that is read into, and the status byte behind it. */
  readonly to: readonly Segment[];
}

/** Room for MOST_REQUESTS of the longest chains, as encodeRequests writes them. */
const REQUESTS_BYTES = 1 << 20;
const schema = state("virtio-blk", 1, {
  ...virtioFields,
  ...prefixed("queue0", queueFields),
  sectorsLow: u32,
  sectorsHigh: u32,
  /** Requests at the disk, see encodeRequests. */
  requests: list(REQUESTS_BYTES),
});

export interface VirtioBlkOptions {
  /** Up to 20 characters, by which the guest tells its disks apart. */
  readonly serial: string;
}

export class VirtioBlk implements Device<typeof schema> {
  readonly schema = schema;
  readonly #disk: BlockDevice;
  readonly #virtio: VirtioPci;
  readonly #serial: Uint8Array;
  #board!: Board;
  #requests!: DiskRequests<Request>;

  /** `slot`: PCI device number. The disk has whole sectors. */
  constructor(slot: number, disk: BlockDevice, options: VirtioBlkOptions) {
    this.#disk = disk;
    this.#serial = new Uint8Array(ID_BYTES);
    new TextEncoder().encodeInto(options.serial, this.#serial);
    const features = [
      ...[Feature.SegMax, Feature.BlockSize, Feature.Flush, Feature.Topology],
      ...(disk.readOnly ? [Feature.ReadOnly] : [Feature.Discard, Feature.WriteZeroes]),
    ];
    this.#virtio = new VirtioPci(slot, {
      type: BLOCK_DEVICE,
      classCode: CLASS_CODE,
      features: features.reduce((bits, feature) => bits | (1n << BigInt(feature)), 0n),
      queues: [QUEUE_ENTRIES],
      config: configOf(disk),
      process: () => this.#process(),
      abandon: () => this.#requests.abandon(),
    });
  }

  get endpoint() {
    return this.#virtio.endpoint;
  }

  attach(board: Board): void {
    this.#board = board;
    this.#requests = new DiskRequests<Request>({
      disk: this.#disk,
      host: board.host,
      clock: board.clock,
      dataOf: ({ from }) => readSegments(board.dma, from),
      done: (request, outcome) => this.#done(request, outcome),
    });
    this.#virtio.attach(board);
  }

  reset(): void {
    this.#virtio.reset();
  }

  /** Takes requests from the queue, as many as may be under way at once. */
  #process(): void {
    while (this.#requests.all.length < MOST_REQUESTS && this.#requests.bytes < MOST_BYTES) {
      const chain = this.#virtio.take(QUEUE);
      if (!chain) return;
      this.#accept(chain);
    }
  }

  #accept(chain: Chain): void {
    const { dma } = this.#board;
    if (lengthOf(chain.outs) < HEADER_BYTES || lengthOf(chain.ins) < 1) {
      this.#virtio.fail("a request without header or without a place for its status");
      return;
    }
    const bytes = readSegments(dma, sliceSegments(chain.outs, 0, HEADER_BYTES));
    const header = new DataView(bytes.buffer);
    const type = header.getUint32(0, true);
    const sector = header.getUint32(12, true) * 2 ** 32 + header.getUint32(8, true);
    const from = sliceSegments(chain.outs, HEADER_BYTES, Number.MAX_SAFE_INTEGER);
    const room = lengthOf(chain.ins) - 1;
    switch (type) {
      case RequestType.Read:
        this.#transfer("read", chain, from, sector, room);
        return;
      case RequestType.Write:
        // Who does not know FLUSH cannot ask for durability: then every write is durable.
        this.#transfer(this.#virtio.has(Feature.Flush) ? "write" : "write-through", chain, from, sector, lengthOf(from));
        return;
      case RequestType.Flush:
        this.#submit("flush", chain, [], []);
        return;
      case RequestType.GetId:
        writeSegments(dma, sliceSegments(chain.ins, 0, Math.min(room, ID_BYTES)), this.#serial);
        this.#answer(chain, Status.Ok, Math.min(room, ID_BYTES));
        return;
      case RequestType.Discard:
      case RequestType.WriteZeroes:
        this.#trim(chain, from, type);
        return;
      default:
        this.#board.log.guest(`request of type ${type}, which this disk does not know`);
        this.#answer(chain, Status.Unsupported, 0);
    }
  }

  #transfer(operation: "read" | "write" | "write-through", chain: Chain, from: readonly Segment[], sector: number, length: number): void {
    const offset = sector * SECTOR_BYTES;
    const problem = this.#problemOf(operation, offset, length);
    if (!problem && length > 0) this.#submit(operation, chain, from, [{ offset, length }]);
    else {
      if (problem) this.#board.log.guest(`${operation === "read" ? "read" : "write"} of ${length} bytes at sector ${sector}: ${problem}`);
      this.#answer(chain, problem ? Status.IoError : Status.Ok, 0);
    }
  }

  /** Why a transfer is not possible. */
  #problemOf(operation: DiskRequest["operation"], offset: number, length: number): string | undefined {
    if (operation !== "read" && this.#disk.readOnly) return "the disk is read-only";
    if (length % SECTOR_BYTES !== 0) return "no whole sectors";
    if (length > MOST_REQUEST_BYTES) return `more than ${MOST_REQUEST_BYTES} bytes at once`;
    return offset + length > this.#disk.bytes ? "beyond the end of the disk" : undefined;
  }

  #trim(chain: Chain, from: readonly Segment[], type: number): void {
    const length = lengthOf(from);
    const count = length / RANGE_BYTES;
    const ranges: DiskRange[] = [];
    let status: number = Status.Ok;
    if (this.#disk.readOnly || !Number.isInteger(count) || count === 0 || count > MOST_RANGES) status = Status.IoError;
    else {
      const bytes = readSegments(this.#board.dma, from);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at < length && status === Status.Ok; at += RANGE_BYTES) {
        const offset = (view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)) * SECTOR_BYTES;
        const sectors = view.getUint32(at + 8, true);
        const flags = view.getUint32(at + 12, true);
        if ((flags & ~(type === RequestType.WriteZeroes ? UNMAP : 0)) !== 0) status = Status.Unsupported;
        else if (sectors > MOST_TRIM_SECTORS || offset + sectors * SECTOR_BYTES > this.#disk.bytes) status = Status.IoError;
        else if (sectors > 0) ranges.push({ offset, length: sectors * SECTOR_BYTES });
      }
    }
    if (status === Status.Ok && ranges.length > 0) this.#submit("trim", chain, [], ranges);
    else {
      if (status !== Status.Ok) this.#board.log.guest("a discard or write of zeros that is not possible");
      this.#answer(chain, status, 0);
    }
  }

  #submit(operation: DiskRequest["operation"], chain: Chain, from: readonly Segment[], ranges: readonly DiskRange[]): void {
    const request: Request = {
      ...{ operation, ranges, deadlineNs: undefined, hasFailed: false, isAbandoned: false },
      ...{ head: chain.head, from, to: chain.ins },
    };
    this.#requests.submit(request);
  }

  #done(request: Request, outcome: Outcome<Uint8Array | undefined>): void {
    const { operation, to, head } = request;
    const room = lengthOf(to) - 1;
    if ("error" in outcome) {
      const { error } = outcome;
      this.#board.log.info(`I/O error: ${error instanceof DiskFailed ? error.message : String(error)}`);
      this.#answer({ head, ins: to }, Status.IoError, 0);
    } else {
      if (operation === "read") writeSegments(this.#board.dma, sliceSegments(to, 0, room), outcome.value!);
      this.#answer({ head, ins: to }, Status.Ok, operation === "read" ? room : 0);
    }
    this.#process();
  }

  /** The status goes into the last byte that may be written. */
  #answer(chain: Pick<Chain, "head" | "ins">, status: number, written: number): void {
    if (!this.#virtio.isLive) return;
    writeSegments(this.#board.dma, sliceSegments(chain.ins, lengthOf(chain.ins) - 1, 1), Uint8Array.of(status));
    this.#virtio.give(QUEUE, chain.head, written + 1);
  }

  get #sectors(): number {
    return this.#disk.bytes / SECTOR_BYTES;
  }

  save(): StateOf<typeof schema> {
    return {
      ...(this.#virtio.save() as StateOf<typeof schema>),
      sectorsLow: this.#sectors >>> 0,
      sectorsHigh: Math.floor(this.#sectors / 2 ** 32),
      requests: encodeRequests(this.#requests.all),
    };
  }

  load(saved: StateOf<typeof schema>): void {
    if (saved.sectorsHigh * 2 ** 32 + saved.sectorsLow !== this.#sectors)
      throw new SnapshotIncompatible(
        "virtio-blk",
        `it belongs to a disk of ${saved.sectorsHigh * 2 ** 32 + saved.sectorsLow} sectors; disk ${this.#disk.name} has ${this.#sectors}.`,
      );
    const requests = decodeRequests(saved.requests, (request) => this.#isPossible(request));
    this.#virtio.load(saved);
    this.#requests.load(requests);
  }

  /** Whether this device could have made such a request: what is loaded is used without another look. */
  #isPossible(request: Request): boolean {
    const { operation, ranges, from, to } = request;
    const transfers = operation === "read" || operation.startsWith("write");
    if (lengthOf(to) < 1 || [...from, ...to].some(({ address, length }) => !this.#board.dma.contains(address, length))) return false;
    if (operation === "flush") return ranges.length === 0;
    if (operation === "trim")
      return ranges.length > 0 && ranges.every(({ offset, length }) => length > 0 && offset + length <= this.#disk.bytes);
    if (!transfers || ranges.length !== 1) return false;
    const { offset, length } = ranges[0]!;
    const memory = operation === "read" ? lengthOf(to) - 1 : lengthOf(from);
    return length > 0 && length === memory && this.#problemOf(operation, offset, length) === undefined;
  }
}

/** The configuration registers, virtio 1.1, 5.2.4. */
function configOf(disk: BlockDevice): Uint8Array {
  const config = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(config.buffer);
  const sectors = disk.bytes / SECTOR_BYTES;
  view.setUint32(0, sectors >>> 0, true);
  view.setUint32(4, Math.floor(sectors / 2 ** 32), true);
  view.setUint32(12, MOST_SEGMENTS, true);
  view.setUint32(20, SECTOR_BYTES, true);
  // Topology: blocks of 8 sectors are best, because backends read and write 4 KB at least as well as 512 bytes.
  config[24] = 3;
  view.setUint16(26, 8, true);
  view.setUint32(28, 0, true);
  view.setUint16(34, 1, true);
  view.setUint32(36, MOST_TRIM_SECTORS, true);
  view.setUint32(40, MOST_RANGES, true);
  view.setUint32(44, TRIM_SECTORS, true);
  view.setUint32(48, MOST_TRIM_SECTORS, true);
  view.setUint32(52, MOST_RANGES, true);
  config[56] = 1;
  return config;
}

/**
 * head u16, operation u8, flags u8 (1 begun, 2 failed, 4 abandoned), deadline f64, counts u16 of ranges, of `from` and of
 * `to`, then per range offset and length f64, per segment address and length f64.
 */
function encodeRequests(requests: readonly Request[]): number[] {
  const bytes: number[] = [];
  const scratch = new DataView(new ArrayBuffer(8));
  const number = (value: number, size: 2 | 8): void => {
    if (size === 2) scratch.setUint16(0, value, true);
    else scratch.setFloat64(0, value, true);
    for (let i = 0; i < size; i++) bytes.push(scratch.getUint8(i));
  };
  for (const { head, operation, deadlineNs, hasFailed, isAbandoned, ranges, from, to } of requests) {
    number(head, 2);
    bytes.push(DISK_OPERATIONS.indexOf(operation), (deadlineNs !== undefined ? 1 : 0) | (hasFailed ? 2 : 0) | (isAbandoned ? 4 : 0));
    number(deadlineNs ?? 0, 8);
    for (const { length } of [ranges, from, to]) number(length, 2);
    for (const { offset, length } of ranges) for (const value of [offset, length]) number(value, 8);
    for (const { address, length } of [...from, ...to]) for (const value of [address, length]) number(value, 8);
  }
  return bytes;
}

/** Throws SnapshotIncompatible for what encodeRequests would not have written, or what is not `isPossible`. */
function decodeRequests(bytes: readonly number[], isPossible: (request: Request) => boolean): Request[] {
  const view = new DataView(Uint8Array.from(bytes).buffer);
  const requests: Request[] = [];
  const refuse = (reason: string): never => {
    throw new SnapshotIncompatible("virtio-blk.requests", reason);
  };
  const whole = (at: number): number => {
    const value = view.getFloat64(at, true);
    return Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0) ? value : refuse("a number is not possible.");
  };
  for (let at = 0; at < view.byteLength; ) {
    if (view.byteLength - at < 18) refuse("they are cut short.");
    const counts = [12, 14, 16].map((offset) => view.getUint16(at + offset, true));
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (view.byteLength - at < 18 + 16 * total) refuse("they are cut short.");
    const pairs = Array.from({ length: total }, (_, i) => [whole(at + 18 + 16 * i), whole(at + 26 + 16 * i)] as const);
    const [rangeCount, fromCount] = counts as [number, number, number];
    const segments = pairs.slice(rangeCount).map(([address, length]) => ({ address, length }));
    const flags = view.getUint8(at + 3);
    const deadline = whole(at + 4);
    const hasBegun = (flags & 1) !== 0;
    const request: Request = {
      head: view.getUint16(at, true),
      operation: DISK_OPERATIONS[view.getUint8(at + 2)] ?? refuse("an operation does not exist."),
      ranges: pairs.slice(0, rangeCount).map(([offset, length]) => ({ offset, length })),
      from: segments.slice(0, fromCount),
      to: segments.slice(fromCount),
      deadlineNs: hasBegun ? deadline : undefined,
      hasFailed: (flags & 2) !== 0,
      isAbandoned: (flags & 4) !== 0,
    };
    if (flags > 7 || (!hasBegun && deadline !== 0) || !isPossible(request)) refuse("one is not possible on this disk.");
    requests.push(request);
    at += 18 + 16 * total;
  }
  if (requests.length > MOST_REQUESTS) refuse(`there are ${requests.length}, at most ${MOST_REQUESTS} are possible.`);
  return requests;
}

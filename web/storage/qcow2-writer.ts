/**
 * Writes a disk as a qcow2 image, version 3, clusters of 64 KB: header, refcounts, tables, then the clusters that hold
 * something, each once. The tables have their places before the first cluster is written, so that the disk is read once.
 */
import { type BlockDevice, CHUNK_BYTES, chunkLength } from "./block-device";
import { QCOW2_MAGIC } from "./qcow2";

/** Takes bytes by position; positions ascend, but for the tables, which come last. */
export interface FileSink {
  write(position: number, bytes: Uint8Array): Promise<void>;
}

export interface Qcow2WriteOptions {
  /** A cluster in raw deflate with a window of at most 4 KB (what QEMU reads); undefined: it does not get smaller. */
  readonly compress?: (cluster: Uint8Array) => Promise<Uint8Array | undefined>;
  readonly onProgress?: (done: number, total: number) => void;
}

const CLUSTER_BITS = 16;
const CLUSTER = CHUNK_BYTES;
const L2_ENTRIES = CLUSTER / 8;
/** 16 bits each. */
const REFCOUNTS = CLUSTER / 2;
const HEADER_BYTES = 112;
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const SECTOR = 512;

/** The sink is empty. Returns the bytes of the image. Rejects as disk and sink do. */
export async function writeQcow2(
  disk: Pick<BlockDevice, "bytes" | "read" | "dataChunks">,
  sink: FileSink,
  options: Qcow2WriteOptions = {},
): Promise<number> {
  const indices: number[] = [];
  for await (const index of disk.dataChunks()) indices.push(index);
  const tables = [...new Set(indices.map((index) => Math.floor(index / L2_ENTRIES)))];
  const l1Size = Math.max(1, Math.ceil(disk.bytes / (L2_ENTRIES * CLUSTER)));
  const l1Clusters = Math.ceil((l1Size * 8) / CLUSTER);
  const fixed = 1 + l1Clusters + tables.length + indices.length;
  // Refcount blocks count themselves and their table.
  let blocks = 1;
  let tableClusters = 1;
  for (let before = 0; before !== blocks + tableClusters; ) {
    before = blocks + tableClusters;
    blocks = Math.ceil((fixed + before) / REFCOUNTS);
    tableClusters = Math.ceil((blocks * 8) / CLUSTER);
  }
  const refcountTable = 1;
  const firstBlock = refcountTable + tableClusters;
  const l1At = firstBlock + blocks;
  const firstL2 = l1At + l1Clusters;
  const firstData = firstL2 + tables.length;

  const counts = new Uint16Array(blocks * REFCOUNTS).fill(1, 0, firstData);
  const l2 = new Map(tables.map((table) => [table, new BigUint64Array(L2_ENTRIES)]));
  const set = (index: number, entry: bigint): void => {
    l2.get(Math.floor(index / L2_ENTRIES))![index % L2_ENTRIES] = entry;
  };
  let end = firstData * CLUSTER;
  for (const [n, index] of indices.entries()) {
    options.onProgress?.(n, indices.length);
    let cluster = await disk.read(index * CHUNK_BYTES, chunkLength(disk.bytes, index));
    if (cluster.length < CLUSTER) {
      const whole = new Uint8Array(CLUSTER);
      whole.set(cluster);
      cluster = whole;
    }
    const packed = await options.compress?.(cluster);
    if (packed && packed.length < CLUSTER - SECTOR) {
      await sink.write(end, packed);
      const last = end + packed.length - 1;
      set(
        index,
        COMPRESSED | (BigInt(Math.floor(last / SECTOR) - Math.floor(end / SECTOR)) << BigInt(62 - (CLUSTER_BITS - 8))) | BigInt(end),
      );
      for (let host = Math.floor(end / CLUSTER); host * CLUSTER <= last; host++) counts[host]!++;
      end += packed.length;
    } else {
      end = Math.ceil(end / CLUSTER) * CLUSTER;
      await sink.write(end, cluster);
      set(index, COPIED | BigInt(end));
      counts[end / CLUSTER]!++;
      end += CLUSTER;
    }
  }
  // A file that ends within a cluster is allowed; one that ends within a sector is not read by everybody.
  const total = Math.ceil(end / CLUSTER) * CLUSTER;
  if (total > end) await sink.write(end, new Uint8Array(total - end));

  for (const [n, table] of tables.entries()) await sink.write((firstL2 + n) * CLUSTER, bigEndian(l2.get(table)!, CLUSTER));
  const l1 = new BigUint64Array(l1Size);
  for (const [n, table] of tables.entries()) l1[table] = COPIED | BigInt((firstL2 + n) * CLUSTER);
  await sink.write(l1At * CLUSTER, bigEndian(l1, l1Clusters * CLUSTER));
  const countBytes = new Uint8Array(counts.length * 2);
  const view = new DataView(countBytes.buffer);
  counts.forEach((count, n) => {
    view.setUint16(n * 2, count);
  });
  await sink.write(firstBlock * CLUSTER, countBytes);
  const blockPlaces = BigUint64Array.from({ length: blocks }, (_, n) => BigInt((firstBlock + n) * CLUSTER));
  await sink.write(refcountTable * CLUSTER, bigEndian(blockPlaces, tableClusters * CLUSTER));
  await sink.write(0, header(disk.bytes, { l1Size, l1At, refcountTable, tableClusters }));
  options.onProgress?.(indices.length, indices.length);
  return total;
}

function bigEndian(values: BigUint64Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, n) => {
    view.setBigUint64(n * 8, value);
  });
  return bytes;
}

interface Places {
  readonly l1Size: number;
  readonly l1At: number;
  readonly refcountTable: number;
  readonly tableClusters: number;
}

function header(bytes: number, { l1Size, l1At, refcountTable, tableClusters }: Places): Uint8Array {
  const result = new Uint8Array(CLUSTER);
  const view = new DataView(result.buffer);
  view.setUint32(0, QCOW2_MAGIC);
  view.setUint32(4, 3);
  view.setUint32(20, CLUSTER_BITS);
  view.setBigUint64(24, BigInt(bytes));
  view.setUint32(36, l1Size);
  view.setBigUint64(40, BigInt(l1At * CLUSTER));
  view.setBigUint64(48, BigInt(refcountTable * CLUSTER));
  view.setUint32(56, tableClusters);
  // Refcounts of 2^4 bits.
  view.setUint32(96, 4);
  view.setUint32(100, HEADER_BYTES);
  return result;
}

/**
 * Damaged and forged qcow2 images from a seed, the same ones every time. Used by the spec and, at full count, by
 * `npm run accept -- 8.6`.
 */
import { DiskFailed } from "../../web/lib/errors";
import { MemorySink, MemorySource } from "../../web/snapshot/byte-store";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { Qcow2Disk } from "../../web/storage/qcow2";
import { writeQcow2 } from "../../web/storage/qcow2-writer";
import { Random } from "../devices/random";

const SLOW_MS = 2000;
const STEP = 0x80000;
/** A forged size may be anything. */
const MOST_READ = 8 * 0x100000;
/** Header and tables, where most hits are to be. */
const HEADER_BYTES = 112;
const TABLES_BYTES = 6 * 65536;

export interface ForgedReport {
  readonly refused: number;
  readonly read: number;
  readonly longestMs: number;
  /** What must not happen, in words. */
  readonly objections: readonly string[];
}

/** So many images made of one that holds `contents`: each ends in a typed error, or in a disk that can be read. */
export async function tryForgedImages(contents: Uint8Array, count: number, seed = 3): Promise<ForgedReport> {
  const sink = new MemorySink();
  await writeQcow2(new MemoryDisk(contents.length, { contents }), sink);
  const whole = sink.toBytes();
  const random = new Random(seed);
  const report = { refused: 0, read: 0, longestMs: 0, objections: [] as string[] };
  for (let n = 0; n < count; n++) {
    const image = random.below(10) === 0 ? whole.slice(0, random.below(whole.length)) : whole.slice();
    for (let hits = 1 + random.below(4); hits > 0; hits--)
      image[random.below(random.below(2) === 0 ? HEADER_BYTES : TABLES_BYTES) % Math.max(1, image.length)] = random.below(256);
    const began = performance.now();
    try {
      const disk = await Qcow2Disk.open(new MemorySource(image), { name: "forged" });
      for (let offset = 0; offset < Math.min(disk.bytes, MOST_READ); offset += STEP)
        await disk.read(offset, Math.min(0x1000, disk.bytes - offset));
      report.read++;
    } catch (error) {
      if (error instanceof DiskFailed) report.refused++;
      else report.objections.push(`image ${n}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const ms = performance.now() - began;
    report.longestMs = Math.max(report.longestMs, ms);
    if (ms > SLOW_MS) report.objections.push(`image ${n} took ${Math.round(ms)} ms`);
  }
  return report;
}

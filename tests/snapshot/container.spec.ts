/** The snapshot file as a container: one form, lazy pages, parents, sinks that break, hosts without streams. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { SnapshotIncompatible } from "../../web/lib/errors";
import { BlobSource, type ByteSink, type ByteSource, MemorySink, MemorySource } from "../../web/snapshot/byte-store";
import { gunzip, gzip, storedGzip } from "../../web/snapshot/gzip";
import type { MachineRecord } from "../../web/snapshot/manifest";
import { kindOf, PageKind } from "../../web/snapshot/page-table";
import { SnapshotFile } from "../../web/snapshot/snapshot-file";
import { type ImageContents, type SnapshotContents, type SnapshotDetails, writeSnapshot } from "../../web/snapshot/writer";
import { random } from "../tools/core";

const PAGE = 4096;
const machine: MachineRecord = {
  memoryMb: 4,
  cpu: "pentium4",
  clock: { kind: "deterministic", ticksPerUs: 50 },
  shadow: "keep",
  com2: false,
  debugExitPort: null,
  epochSeconds: 1_735_689_600,
  boot: { kind: "sector", commandLine: null, images: [{ role: "image", size: 512, sha256: "ab".repeat(32) }] },
};
const details: SnapshotDetails = {
  build: "a test",
  title: "Two\nlines and \u001b[31mred",
  created: new Date("2025-01-31T12:00:00.123Z"),
  instructions: 12,
  ticks: 34,
  machine,
  components: [],
  terminal: ["# "],
};

/** Pages of RAM by number; what is not there is zero. */
type Pages = Map<number, Uint8Array>;

function somePages(seed: number, count: number, of: number): Pages {
  const next = random(seed);
  const pages: Pages = new Map();
  for (let n = 0; n < count; n++) {
    const kind = next() % 3;
    const page = next() % of;
    if (kind === 0 && pages.size > 0) pages.set(page, [...pages.values()][next() % pages.size]!.slice());
    else if (kind === 1) pages.set(page, new Uint8Array(PAGE).fill(next() % 255 || 1));
    else
      pages.set(
        page,
        Uint8Array.from({ length: PAGE }, () => next() >>> 24),
      );
  }
  return pages;
}

const ram = (pages: Pages, rest: Partial<ImageContents> = {}): ImageContents => ({
  name: "ram",
  pageCount: 1024,
  pageBytes: PAGE,
  read: (page) => pages.get(page),
  ...rest,
});

async function written(contents: Partial<SnapshotContents>, sink = new MemorySink()) {
  const result = await writeSnapshot({ sections: [], images: [ram(new Map())], ...contents }, details, sink);
  return { bytes: sink.toBytes(), ...result };
}

/** Comparing a string is quick. */
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const texts = (pages: Pages): [number, string][] =>
  [...pages].sort(([a], [b]) => a - b).map(([page, contents]) => [page, asText(contents)]);

async function loaded(file: SnapshotFile): Promise<[number, string][]> {
  const pages: Pages = new Map();
  await file.ram.load({
    write: (page, contents) => void pages.set(page, contents.slice()),
    clear: () => {},
    read: (page) => pages.get(page)!,
  });
  return texts(pages);
}

/** Counts what is read. */
function counting(source: ByteSource): ByteSource & { bytesRead: number } {
  const counted = {
    size: source.size,
    bytesRead: 0,
    read: (position: number, length: number) => {
      counted.bytesRead += length;
      return source.read(position, length);
    },
  };
  return counted;
}

afterEach(() => vi.unstubAllGlobals());

describe("container", () => {
  it("gives back what it was given: sections, pages, details", async () => {
    const pages = somePages(1, 700, 1024);
    const long = new Uint8Array(100_000).fill(7);
    const sections = [
      { name: "cpu", bytes: Uint8Array.of(1, 2, 3) },
      { name: "empty", bytes: new Uint8Array() },
      { name: "long", bytes: long, optional: true as const },
    ];
    const { bytes, manifest, id, size } = await written({ sections, images: [ram(pages)] });
    expect(size).toBe(bytes.length);
    const file = await SnapshotFile.open(new BlobSource(new Blob([bytes])));
    expect([file.id, file.manifest]).toEqual([id, manifest]);
    expect(file.manifest.title).toBe("Two lines and  [31mred");
    expect(file.manifest.created).toBe("2025-01-31T12:00:00Z");
    expect([...(await file.readState())].map(([name, contents]) => [name, asText(contents)])).toEqual(
      sections.map(({ name, bytes: contents }) => [name, asText(contents)]),
    );
    expect(await loaded(file)).toEqual(texts(pages));
    for (const page of [0, 1, 511, 1023]) expect(await file.ram.readPage(page)).toEqual(pages.get(page));
    await file.verify();
    const counts = await file.ram.countPages();
    expect(counts.zero + counts.same + counts.literal).toBe(1024);
    expect(counts.same).toBeGreaterThan(50);
  });

  it("is the same file for the same state", async () => {
    const [a, b] = [await written({ images: [ram(somePages(2, 300, 1024))] }), await written({ images: [ram(somePages(2, 300, 1024))] })];
    expect(a.id).toBe(b.id);
    expect(Buffer.from(a.bytes).equals(Buffer.from(b.bytes))).toBe(true);
  });

  it("reads one page without reading the others", async () => {
    const pages: Pages = new Map();
    const next = random(3);
    for (let page = 0; page < 1024; page++)
      pages.set(
        page,
        Uint8Array.from({ length: PAGE }, () => next() >>> 24),
      );
    const { bytes } = await written({ images: [ram(pages)] });
    const source = counting(new MemorySource(bytes));
    const file = await SnapshotFile.open(source);
    expect(await file.ram.readPage(900)).toEqual(pages.get(900));
    expect(source.bytesRead).toBeLessThan(bytes.length / 3);
  });

  it("holds disks beside RAM, in chunks of 64 KB", async () => {
    const disk = new Map([[2, new Uint8Array(65536).fill(9)]]);
    const sink = new MemorySink();
    await writeSnapshot(
      { sections: [], images: [ram(somePages(4, 10, 1024)), { name: "disk0", pageCount: 4, pageBytes: 65536, read: (n) => disk.get(n) }] },
      { ...details, machine: { ...machine, disks: [{ name: "virtio0", bytes: 3 * 65536 + 512, readOnly: false }] } },
      sink,
    );
    const file = await SnapshotFile.open(new MemorySource(sink.toBytes()));
    await file.verify();
    expect(await file.disk(0).readPage(2)).toEqual(disk.get(2));
    expect(await file.disk(0).countPages()).toEqual({ zero: 3, same: 0, literal: 1, parent: 0 });
  });

  it("builds upon a parent, and says so when it is missing or another", async () => {
    const base = somePages(5, 400, 1024);
    const first = await written({ images: [ram(base)] });
    const changed: Pages = new Map([...base, [3, new Uint8Array(PAGE).fill(1)]]);
    changed.delete([...base.keys()][0]!);
    const same = (page: number): boolean => base.get(page) === changed.get(page);
    const second = await written({ images: [ram(changed, { isParents: same })], parent: first.id });
    expect(second.bytes.length).toBeLessThan(first.bytes.length / 3);
    const open = (parent?: SnapshotFile): Promise<SnapshotFile> => SnapshotFile.open(new MemorySource(second.bytes), { parent });
    const parent = await SnapshotFile.open(new MemorySource(first.bytes));
    expect(await loaded(await open(parent))).toEqual(texts(changed));
    await (await open()).verify();
    await expect(loaded(await open())).rejects.toThrow(/builds upon another snapshot, which was not given/);
    const other = await SnapshotFile.open(new MemorySource((await written({})).bytes));
    await expect(open(other)).rejects.toThrow(/another snapshot than the one/);
    await expect(SnapshotFile.open(new MemorySource(first.bytes), { parent })).rejects.toThrow(/it is whole/);
  });

  it("leaves no snapshot behind when writing breaks off", async () => {
    for (const after of [0, 1, 3]) {
      const kept = new MemorySink();
      let writes = 0;
      const sink: ByteSink = {
        write: async (position, bytes) => {
          if (writes++ === after) throw new Error("the disk is full");
          await kept.write(position, bytes);
        },
      };
      await expect(writeSnapshot({ sections: [], images: [ram(somePages(6, 50, 1024))] }, details, sink)).rejects.toThrow(
        "the disk is full",
      );
      await expect(SnapshotFile.open(new MemorySource(kept.toBytes()))).rejects.toBeInstanceOf(SnapshotIncompatible);
    }
  });

  it("does not hold RAM: at most a few pages are asked for at a time, each at most three times", async () => {
    const asked = new Map<number, number>();
    const pages = somePages(7, 500, 1024);
    const read = (page: number): Uint8Array | undefined => {
      asked.set(page, (asked.get(page) ?? 0) + 1);
      return pages.get(page);
    };
    await written({ images: [ram(pages, { read })] });
    // Once to sort, once as the equal of others, once to write.
    const often = [...asked.values()].filter((times) => times > 3).length;
    expect(often).toBeLessThan(pages.size / 4);
  });

  it("works where the host has neither streams nor crypto.subtle, and across", async () => {
    const contents = { sections: [{ name: "long", bytes: new Uint8Array(70_000).fill(5) }], images: [ram(somePages(8, 100, 1024))] };
    const rich = await written(contents);
    vi.stubGlobal("crypto", {});
    for (const name of ["CompressionStream", "DecompressionStream"]) {
      const { [name as keyof typeof globalThis]: kept } = globalThis;
      vi.stubGlobal(name, kept);
      delete (globalThis as Record<string, unknown>)[name];
    }
    const poor = await written(contents);
    const pages = await loaded(await SnapshotFile.open(new MemorySource(rich.bytes)));
    expect(await loaded(await SnapshotFile.open(new MemorySource(poor.bytes)))).toEqual(pages);
    vi.unstubAllGlobals();
    expect(await loaded(await SnapshotFile.open(new MemorySource(poor.bytes)))).toEqual(pages);
  });
});

describe("gzip", () => {
  const refuse = (reason: string): never => {
    throw new Error(reason);
  };

  it.each([0, 1, 65535, 65536, 200_000])("stores %i bytes so that the host unpacks them", async (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
    expect(asText(await gunzip(storedGzip(bytes), length, refuse))).toBe(asText(bytes));
  });

  it("refuses more or less than was announced, and damage", async () => {
    const packed = await gzip(new Uint8Array(100_000));
    await expect(gunzip(packed, 99_999, refuse)).rejects.toThrow(/longer than the 99999 bytes/);
    await expect(gunzip(packed, 100_001, refuse)).rejects.toThrow(/100000 bytes long instead of/);
    await expect(gunzip(packed.slice(0, -9), 100_000, refuse)).rejects.toThrow(/damaged/);
    await expect(gunzip(Uint8Array.of(1, 2, 3), 100_000, refuse)).rejects.toThrow(/damaged/);
  });
});

it("page kinds are two bits", () => {
  expect(Object.values(PageKind).map((kind) => kindOf((kind << 30) >>> 0))).toEqual([0, 1, 2, 3]);
});

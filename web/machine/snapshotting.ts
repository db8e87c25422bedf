/**
 * A machine as a snapshot file and back (docs/snapshot-format.md): which sections there are beside the canonical state,
 * what the manifest says of the machine, and what a machine must be like to go on with it. The container itself is
 * web/snapshot/.
 */
import { BadArgument, ImageUnreadable, SnapshotIncompatible } from "../lib/errors";
import { sha256, toHex } from "../lib/sha256";
import { BUILD } from "../lib/version";
import type { ByteSink, ByteSource } from "../snapshot/byte-store";
import { diskImage, RAM, RAM_PAGE_BYTES } from "../snapshot/image-sections";
import {
  type BootRecord,
  type ComponentRecord,
  type DiskRecord,
  type FileRecord,
  type MachineRecord,
  MOST_SECTION_BYTES,
  MOST_TERMINAL_LINES,
  plainText,
} from "../snapshot/manifest";
import { SnapshotFile } from "../snapshot/snapshot-file";
import { type ImageContents, type SectionContents, type WrittenSnapshot, writeSnapshot } from "../snapshot/writer";
import { type BlockDevice, CHUNK_BYTES, chunkLength, type DiskChunk, isZero } from "../storage/block-device";
import { MemoryDisk } from "../storage/memory-disk";
import { ReadOnlyView } from "../storage/read-only-view";
import { planFirmware } from "./boot/firmware";
import {
  type Accel,
  type BootConfig,
  DEFAULT_POST_PORT,
  type MachineConfig,
  MOST_DISKS,
  type ResolvedConfig,
  resolveConfig,
} from "./config";
import { BOOT_DEVICES, type BootDevice, type DriveConfig } from "./drives";
import type { PendingInput } from "./serial";
import type { FrameReader } from "./state-hash";
import { plainLines } from "./terminal-tail";

/** Beside the canonical state: CPU, clock, devices. */
const PENDING_INPUT = "pending-input";
const TERMINAL = "terminal";
const SCREENSHOT = "screenshot";
/** The ROM of a machine that was started by one, which the guest still sees. */
const ROM = "rom";
/** The ROM of its screen. */
const VIDEO_ROM = "video-rom";
export const CPU_SECTION = "cpu";

const MB = 0x100000;
const DEFAULT_TITLE = "A machine without a name";

/** What the user of `Machine.saveSnapshot` may say. */
export interface SaveSnapshotOptions {
  /** One line for people. Default: the title of the snapshot that the machine came from. */
  readonly title?: string;
  /** Whose work the machine's memory may hold. Default: what the snapshot says that the machine came from. */
  readonly components?: readonly ComponentRecord[];
  /** Default: now. */
  readonly created?: Date;
  /** A picture of the screen, PNG. */
  readonly screenshot?: Uint8Array;
  /** Build upon this snapshot, which holds all pages that `isParents` says. */
  readonly parent?: {
    readonly id: string;
    readonly isParents: (frame: number) => boolean;
    /** Default: no chunk of a disk is as there. */
    readonly isParentsChunk?: (disk: number, index: number) => boolean;
  };
  /** Pages in runs of 32 KB instead of 1 MB: a little larger, for files that are fetched piece by piece. Default: no. */
  readonly smallRuns?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What the user of `Machine.fromSnapshot` may say. */
export interface LoadSnapshotOptions {
  /** What the machine booted from, so that it can be reset. Must be the images that the snapshot names. */
  readonly boot?: BootConfig;
  /** How guest code runs from here on: the host's choice, of which a snapshot says nothing. Default: that of a new machine. */
  readonly accel?: Accel;
  /** The snapshot that this one builds upon. */
  readonly parent?: SnapshotFile;
  /** Fetch each page of RAM when the guest first touches it. Default: all of RAM at once. */
  readonly lazy?: boolean;
  /** The disk that takes the contents of the snapshot's n-th, of its size. Default: in memory. */
  readonly disk?: (record: DiskRecord, n: number) => BlockDevice | Promise<BlockDevice>;
  /** The disks that `disk` gives hold their contents already: those of the moment of a `Machine.capture`. */
  readonly disksAreFilled?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A machine that stands still, as it is saved. */
export interface SavedParts {
  readonly config: ResolvedConfig;
  /** CPU, clock, devices. */
  readonly sections: ReadonlyMap<string, Uint8Array>;
  readonly readFrame: FrameReader;
  /** Hears that a frame will not be read again. */
  readonly releaseFrame?: ((frame: number) => void) | undefined;
  readonly pending: readonly PendingInput[];
  /** The end of the console's output. */
  readonly tail: Uint8Array;
  readonly instructions: number;
  readonly ticks: number;
  /** What a snapshot said that this machine came from. */
  readonly origin: SnapshotOrigin | undefined;
  /** What its disks held is kept elsewhere: here they are blank. */
  readonly leavesDisks?: boolean;
}

export interface SnapshotOrigin {
  readonly title: string;
  readonly components: readonly ComponentRecord[];
}

/** A machine's state as a file holds it, RAM aside. */
export interface LoadedParts {
  /** CPU, clock, devices. */
  readonly sections: ReadonlyMap<string, Uint8Array>;
  readonly pending: readonly PendingInput[];
  readonly tail: Uint8Array;
  readonly origin: SnapshotOrigin;
}

/** A machine's state of one moment, to be written while the machine goes on. */
export interface CapturedSnapshot {
  /** As `Machine.saveSnapshot`; once. */
  save(sink: ByteSink, options?: SaveSnapshotOptions): Promise<WrittenSnapshot>;
  /** It will not be saved: nothing is copied for it any more. */
  drop(): void;
}

/** Copies the frames that are not zero and not the parent's. `frames` may be read without waiting. */
export function captureFrames(frameCount: number, read: FrameReader, isParents: (frame: number) => boolean): FrameReader {
  const copies = new Map<number, Uint8Array>();
  for (let frame = 0; frame < frameCount; frame++) {
    if (isParents(frame)) continue;
    const contents = read(frame);
    if (contents instanceof Promise)
      throw new BadArgument("capture", "pages of this machine are still on their way; save it when they have come.");
    if (contents) copies.set(frame, contents);
  }
  return (frame) => copies.get(frame);
}

/** Writes the whole file into the empty `sink`. Rejects with BadArgument for details that a manifest cannot hold, and as the sink does. */
export async function saveParts(parts: SavedParts, sink: ByteSink, options: SaveSnapshotOptions): Promise<WrittenSnapshot> {
  const { config, origin } = parts;
  const sections: SectionContents[] = [...parts.sections].map(([name, bytes]) => ({ name, bytes }));
  const pending = encodePending(parts.pending);
  if (pending) sections.push({ name: PENDING_INPUT, bytes: pending });
  if (config.boot.kind === "firmware") sections.push({ name: ROM, bytes: config.boot.rom });
  if (config.boot.kind === "firmware" && config.boot.videoRom) sections.push({ name: VIDEO_ROM, bytes: config.boot.videoRom });
  sections.push({ name: TERMINAL, bytes: parts.tail, optional: true });
  if (options.screenshot) sections.push({ name: SCREENSHOT, bytes: options.screenshot, optional: true });
  const isChunk = options.parent?.isParentsChunk;
  const disks = await Promise.all(
    allDisks(config).map(async (disk, n) => ({
      ...(parts.leavesDisks ? blankDisk(disk, n) : await diskContents(disk, n)),
      ...(isChunk ? { isParents: (index: number) => isChunk(n, index) } : {}),
    })),
  );
  const ram = {
    name: RAM,
    pageCount: (config.memoryMb * MB) / RAM_PAGE_BYTES,
    pageBytes: RAM_PAGE_BYTES,
    read: parts.readFrame,
    release: parts.releaseFrame,
  };
  const { parent } = options;
  return writeSnapshot(
    {
      sections,
      images: [parent ? { ...ram, isParents: parent.isParents } : ram, ...disks],
      parent: parent?.id,
      runs: options.smallRuns ? "gzip-runs-32k" : undefined,
    },
    {
      build: BUILD,
      title: options.title ?? origin?.title ?? DEFAULT_TITLE,
      created: options.created ?? new Date(),
      instructions: parts.instructions,
      ticks: parts.ticks,
      machine: await machineRecord(config),
      components: options.components ?? origin?.components ?? [],
      terminal: plainLines(parts.tail, MOST_TERMINAL_LINES),
    },
    sink,
    options.onProgress,
  );
}

async function machineRecord(config: ResolvedConfig): Promise<MachineRecord> {
  const { memoryMb, cpu, clock, shadow, com2, debugExitPort, postPort, epochSeconds, boot, drives } = config;
  const disks = allDisks(config);
  return {
    ...{ memoryMb, cpu, clock, shadow, com2, debugExitPort: debugExitPort ?? null },
    ...(postPort === DEFAULT_POST_PORT ? {} : { postPort }),
    ...{ epochSeconds, boot: await bootRecord(boot) },
    ...(disks.length === 0
      ? {}
      : { disks: disks.map(({ name, bytes, readOnly }) => ({ name: plainText(fileName(name)), bytes, readOnly })) }),
    ...(drives.length === 0
      ? {}
      : { drives: drives.map(({ slot, media, disk }) => ({ slot, media, disk: disk ? disks.indexOf(disk) : null })) }),
    ...(boot.kind === "firmware" ? { firmware: { serialConsole: boot.serialConsole ?? false, bootOrder: boot.bootOrder ?? [] } } : {}),
  };
}

/** Of every controller, in the order of the snapshot's images. */
export const allDisks = (config: Pick<ResolvedConfig, "disks" | "drives">): BlockDevice[] => [
  ...config.disks,
  ...config.drives.map(({ disk }) => disk).filter((disk) => disk !== undefined),
];

/** Where a disk's file lies is nobody's business who is given the snapshot. */
const fileName = (path: string): string => path.split(/[/\\]/).at(-1) || path;

/** A disk's chunks as pages of an image; those that never held anything are not read. */
async function diskContents(disk: BlockDevice, n: number): Promise<ImageContents> {
  const chunks = new Set<number>();
  for await (const index of disk.dataChunks()) chunks.add(index);
  const read = async (index: number): Promise<Uint8Array | undefined> => {
    if (!chunks.has(index)) return undefined;
    const bytes = await disk.read(index * CHUNK_BYTES, chunkLength(disk.bytes, index));
    if (isZero(bytes)) return undefined;
    if (bytes.length === CHUNK_BYTES) return bytes;
    const whole = new Uint8Array(CHUNK_BYTES);
    whole.set(bytes);
    return whole;
  };
  return { name: diskImage(n), pageCount: Math.ceil(disk.bytes / CHUNK_BYTES), pageBytes: CHUNK_BYTES, read };
}

const blankDisk = (disk: BlockDevice, n: number): ImageContents => ({
  ...{ name: diskImage(n), pageCount: Math.ceil(disk.bytes / CHUNK_BYTES), pageBytes: CHUNK_BYTES },
  read: () => undefined,
});

/** Gives the disks of a machine that is made from `file` their contents. Throws SnapshotIncompatible, and as the disks do. */
export async function fillDisks(file: SnapshotFile, disks: readonly BlockDevice[]): Promise<void> {
  for (const [n, disk] of disks.entries()) await disk.replace(chunksOf(file, n, disk.bytes));
}

async function* chunksOf(file: SnapshotFile, n: number, bytes: number): AsyncGenerator<DiskChunk> {
  const image = file.disk(n);
  for (let index = 0; index * CHUNK_BYTES < bytes; index++) {
    const contents = await image.readPage(index);
    if (contents) yield { index, bytes: contents.subarray(0, chunkLength(bytes, index)) };
  }
}

async function disksFor({ disks = [] }: MachineRecord, give: NonNullable<LoadSnapshotOptions["disk"]>): Promise<BlockDevice[]> {
  const given: BlockDevice[] = [];
  for (const [n, record] of disks.entries()) {
    const disk = await give(record, n);
    if (disk.bytes !== record.bytes)
      throw new BadArgument("disk", `the snapshot's disk ${record.name} has ${record.bytes} bytes, the one given for it ${disk.bytes}.`);
    given.push(disk);
  }
  return given;
}

function inMemory({ bytes, name, readOnly }: DiskRecord): BlockDevice {
  const disk = new MemoryDisk(bytes, { name });
  return readOnly ? new ReadOnlyView(disk) : disk;
}

/** What a boot configuration is called in manifests. */
export async function bootRecord(boot: BootConfig): Promise<BootRecord> {
  switch (boot.kind) {
    case "sector":
      return { kind: "sector", commandLine: null, images: [await fileRecord("image", boot.image)] };
    case "linux": {
      const { kernel, bzImage, initrd, commandLine } = boot;
      const images = [await fileRecord("kernel", kernel)];
      if (bzImage) images.push(await fileRecord("setup header", bzImage));
      if (initrd) images.push(await fileRecord("initrd", initrd));
      return { kind: "linux", commandLine, images };
    }
    case "multiboot": {
      const images = [await fileRecord("kernel", boot.kernel)];
      for (const [n, { data }] of (boot.modules ?? []).entries()) images.push(await fileRecord(`module ${n + 1}`, data));
      return { kind: "multiboot", commandLine: boot.commandLine, images };
    }
    case "firmware":
      return { kind: "firmware", commandLine: null, images: await romRecords(boot) };
    case "snapshot":
      return boot.record;
    default: {
      const never: never = boot;
      return never;
    }
  }
}

async function romRecords({ rom, videoRom }: { readonly rom: Uint8Array; readonly videoRom?: Uint8Array }): Promise<FileRecord[]> {
  return [await fileRecord("ROM", rom), ...(videoRom ? [await fileRecord("video ROM", videoRom)] : [])];
}

/** Images do not change while a machine keeps them, and are large. */
const hashes = new WeakMap<Uint8Array, Promise<string>>();

async function fileRecord(role: string, bytes: Uint8Array): Promise<FileRecord> {
  let hash = hashes.get(bytes);
  if (!hash) {
    hash = sha256(bytes).then(toHex);
    hashes.set(bytes, hash);
  }
  return { role, size: bytes.length, sha256: await hash };
}

/**
 * Opens a snapshot, and says what machine goes on with it. Throws SnapshotIncompatible, and BadArgument when `boot` is not
 * what the snapshot's machine booted from.
 */
export async function openSnapshot(
  source: ByteSource | SnapshotFile,
  options: LoadSnapshotOptions,
): Promise<{ readonly file: SnapshotFile; readonly config: MachineConfig }> {
  const file = source instanceof SnapshotFile ? source : await SnapshotFile.open(source, { parent: options.parent });
  const config = configOf(file.manifest.machine);
  const boot = options.boot ?? (file.manifest.machine.boot.kind === "firmware" ? await firmwareOf(file) : config.boot);
  if (options.boot) demandSameImages(await bootRecord(boot), file.manifest.machine.boot);
  return {
    file,
    config: {
      ...config,
      boot,
      ...(options.accel ? { accel: options.accel } : {}),
      ...controllersOf(file.manifest.machine, await disksFor(file.manifest.machine, options.disk ?? inMemory)),
      ...(options.lazy ? { ramProvider: (frame) => pageOf(file, frame) } : {}),
    },
  };
}

async function firmwareOf(file: SnapshotFile): Promise<BootConfig> {
  const rom = await file.readSection(ROM);
  try {
    planFirmware(rom);
  } catch (error) {
    if (!(error instanceof ImageUnreadable)) throw error;
    throw new SnapshotIncompatible(ROM, `it is no ROM: it ${error.reason}.`);
  }
  const { firmware } = file.manifest.machine;
  return {
    ...{ kind: "firmware", rom },
    ...(file.has(VIDEO_ROM) ? { videoRom: await file.readSection(VIDEO_ROM) } : {}),
    ...(firmware ? { serialConsole: firmware.serialConsole, bootOrder: bootDevices(firmware.bootOrder) } : {}),
  };
}

const bootDevices = (names: readonly string[]): BootDevice[] =>
  BOOT_DEVICES.filter((device) => names.includes(device)).sort((a, b) => names.indexOf(a) - names.indexOf(b));

/** The machine's disks by controller. Throws SnapshotIncompatible. */
function controllersOf({ drives = [] }: MachineRecord, disks: readonly BlockDevice[]): Pick<MachineConfig, "disks" | "drives"> {
  const held = new Set(drives.map(({ disk }) => disk));
  return {
    disks: disks.filter((_, n) => !held.has(n)),
    drives: drives.map(({ slot, media, disk }) => {
      if (disk !== null && !disks[disk]) throw new SnapshotIncompatible("machine", `drive ${slot} holds a disk that is not there.`);
      return { slot, media, disk: disk === null ? undefined : disks[disk] } as DriveConfig;
    }),
  };
}

async function pageOf(file: SnapshotFile, frame: number): Promise<Uint8Array> {
  return (await file.ram.readPage(frame)) ?? new Uint8Array(RAM_PAGE_BYTES);
}

/** The configuration that a manifest describes. Throws SnapshotIncompatible for one that this build does not have. */
export function configOf(record: MachineRecord): MachineConfig {
  const { memoryMb, clock, com2, debugExitPort, postPort, epochSeconds } = record;
  const config = {
    memoryMb,
    cpu: record.cpu as ResolvedConfig["cpu"],
    clock,
    shadow: record.shadow as ResolvedConfig["shadow"],
    com2,
    ...(debugExitPort === null ? {} : { debugExitPort }),
    ...(postPort === undefined ? {} : { postPort }),
    epochSeconds,
    boot: { kind: "snapshot", record: record.boot },
  } as const;
  if ((record.disks?.length ?? 0) - (record.drives?.length ?? 0) > MOST_DISKS)
    throw new SnapshotIncompatible("machine", `it has more than ${MOST_DISKS} disks.`);
  try {
    resolveConfig(config, 0);
  } catch (error) {
    if (!(error instanceof BadArgument)) throw error;
    throw new SnapshotIncompatible("machine", `this build has no such machine (${error.message}) Use a newer Vitrine.`);
  }
  return config;
}

function demandSameImages(given: BootRecord, wanted: BootRecord): void {
  if (given.kind !== wanted.kind)
    throw new BadArgument("boot", `the snapshot's machine booted a ${wanted.kind} image, this is a ${given.kind} one.`);
  for (const image of wanted.images) {
    const mine = given.images.find(({ role }) => role === image.role);
    if (mine?.sha256 === image.sha256) continue;
    const what = mine ? `has SHA-256 ${mine.sha256.slice(0, 16)}…` : "is missing";
    throw new BadArgument(
      "boot",
      `the ${image.role} ${what}, but the snapshot's machine booted from one with ${image.sha256.slice(0, 16)}…. Give that file, or resume without images.`,
    );
  }
}

/** The state of a file, RAM aside. Throws SnapshotIncompatible. */
export async function loadParts(file: SnapshotFile): Promise<LoadedParts> {
  const sections = await file.readState();
  for (const { name, optional } of file.stateSections) if (optional && !KNOWN_OPTIONAL.has(name)) sections.delete(name);
  const pending = sections.get(PENDING_INPUT);
  const tail = sections.get(TERMINAL) ?? new Uint8Array();
  for (const name of [PENDING_INPUT, TERMINAL, SCREENSHOT, ROM, VIDEO_ROM]) sections.delete(name);
  const { title, components } = file.manifest;
  return { sections, pending: pending ? decodePending(pending) : [], tail, origin: { title, components } };
}

const KNOWN_OPTIONAL: ReadonlySet<string> = new Set([TERMINAL, SCREENSHOT]);

/** The screen when the snapshot was made, PNG; undefined: there is none. Throws SnapshotIncompatible. */
export async function screenshotOf(file: SnapshotFile): Promise<Uint8Array | undefined> {
  return file.has(SCREENSHOT) ? file.readSection(SCREENSHOT) : undefined;
}

/**
 * What waits for the chips of the serial ports; undefined: nothing.
 *
 *   for each port: u8 1 if it has been offered to the chip, else 0 | u32 count (little-endian) | bytes
 */
export function encodePending(ports: readonly PendingInput[]): Uint8Array | undefined {
  const length = ports.reduce((sum, { bytes }) => sum + 5 + bytes.length, 0);
  if (ports.every(({ bytes }) => bytes.length === 0)) return undefined;
  if (length > MOST_SECTION_BYTES)
    throw new BadArgument("snapshot", "more than 16 MB of typed input waits for the guest; let it read some of it first.");
  const result = new Uint8Array(length);
  const view = new DataView(result.buffer);
  let at = 0;
  for (const { bytes, isOffered } of ports) {
    result[at] = isOffered ? 1 : 0;
    view.setUint32(at + 1, bytes.length, true);
    result.set(bytes, at + 5);
    at += 5 + bytes.length;
  }
  return result;
}

function decodePending(section: Uint8Array): PendingInput[] {
  const refuse = (): never => {
    throw new SnapshotIncompatible(PENDING_INPUT, "it is cut short or has a flag that means nothing.");
  };
  const view = new DataView(section.buffer, section.byteOffset, section.length);
  const ports: PendingInput[] = [];
  for (let at = 0; at < section.length; ) {
    if (at + 5 > section.length || section[at]! > 1) refuse();
    const length = view.getUint32(at + 1, true);
    if (length > section.length - at - 5) refuse();
    ports.push({ isOffered: section[at] === 1, bytes: section.slice(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return ports;
}

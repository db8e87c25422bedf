/** `vitrine disk`: makes disk images, turns one into the other form, and says what is in one. */
import { open } from "node:fs/promises";
import { deflateRaw } from "node:zlib";
import { DiskFailed } from "../lib/errors";
import { type BlockDevice, CHUNK_BYTES, chunkLength, SECTOR_BYTES } from "../storage/block-device";
import { describeContents } from "../storage/describe-disk";
import { Qcow2Disk } from "../storage/qcow2";
import { writeQcow2 } from "../storage/qcow2-writer";
import { openImage } from "./disk-image";
import type { Environment } from "./environment";
import { diskFailure } from "./file-disk";

const HELP = `usage: vitrine disk create FILE SIZE
       vitrine disk convert [--compress] FROM TO
       vitrine disk info FILE
       vitrine disk check FILE

Images are raw or qcow2 (versions 2 and 3, compressed, with backing files in the same folder or below).

  create   makes a blank raw image; SIZE in bytes, or with K, M or G (1024 …). An existing file is left alone
  convert  writes all that FROM holds into the new image TO, in qcow2 if its name ends so, else raw
           --compress: qcow2 clusters by deflate
  info     size, space in use, partitions, file system
  check    reads all of it; status 1 if a part cannot be read or it is no whole number of sectors

vitrine run --disk FILE attaches it to a machine; a qcow2 image with ,ro behind it.
`;
const Status = { Ok: 0, Failed: 1, BadArguments: 2 } as const;
const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes that a size such as 64M means; undefined for what is none, or not a whole number of sectors. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+)([KMGT]?)(?:i?B)?$/i.exec(text);
  if (!match) return undefined;
  const bytes = Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
  return bytes > 0 && bytes % SECTOR_BYTES === 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  const [command, file, size, ...rest] = argv;
  if (argv.includes("--help")) {
    environment.stdout(HELP);
    return Status.Ok;
  }
  if (command === "convert") return convert(argv.slice(1), environment);
  const wants = command === "create" ? 3 : 2;
  if (!["create", "info", "check"].includes(command ?? "") || argv.length !== wants || rest.length > 0) {
    environment.stderr(HELP);
    return Status.BadArguments;
  }
  try {
    if (command === "create") return await create(file!, size!, environment);
    return await (command === "info" ? info(file!, environment) : check(file!, environment));
  } catch (error) {
    if (!(error instanceof DiskFailed)) throw error;
    environment.stderr(`vitrine disk: ${error.message}\n`);
    return Status.Failed;
  }
}

async function create(path: string, size: string, environment: Environment): Promise<number> {
  const bytes = parseSize(size);
  if (bytes === undefined) {
    environment.stderr(`vitrine disk: ${size}: give a size such as 64M, a multiple of ${SECTOR_BYTES} bytes\n`);
    return Status.BadArguments;
  }
  try {
    const file = await open(path, "wx");
    await file.truncate(bytes).finally(() => file.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new DiskFailed(path, "unwritable", "it exists already.", "Choose another name, or remove it.");
    throw diskFailure(path, error, "unwritable");
  }
  environment.stdout(`${path}: blank, ${bytes} bytes\n`);
  return Status.Ok;
}

async function convert(argv: readonly string[], environment: Environment): Promise<number> {
  const paths = argv.filter((arg) => arg !== "--compress");
  const isCompressed = paths.length < argv.length;
  const [from, to] = paths;
  if (paths.length !== 2 || paths.some((path) => path.startsWith("--")) || (isCompressed && !to!.endsWith(".qcow2"))) {
    environment.stderr(HELP);
    return Status.BadArguments;
  }
  let disk: BlockDevice | undefined;
  const target = await environment.createFile(to!);
  try {
    disk = await openImage(from!, true);
    if (to!.endsWith(".qcow2")) await writeQcow2(disk, target, isCompressed ? { compress } : {});
    else await writeRaw(disk, target);
    await target.commit();
    environment.stdout(`${to}: ${to!.endsWith(".qcow2") ? "qcow2" : "raw"} image of ${disk.bytes} bytes\n`);
    return Status.Ok;
  } catch (error) {
    environment.stderr(`vitrine disk: ${error instanceof Error ? error.message : String(error)}\n`);
    return Status.Failed;
  } finally {
    await target.discard();
    await disk?.close();
  }
}

/** QEMU unpacks clusters with a window of 4 KB. */
const WINDOW_BITS = 12;
const compress = (cluster: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    deflateRaw(cluster, { windowBits: WINDOW_BITS }, (error, packed) => (error ? reject(error) : resolve(packed)));
  });

/** What holds nothing is left out; the last byte gives the file its length. */
async function writeRaw(disk: BlockDevice, target: Parameters<typeof writeQcow2>[1]): Promise<void> {
  let end = 0;
  for await (const index of disk.dataChunks()) {
    const length = chunkLength(disk.bytes, index);
    await target.write(index * CHUNK_BYTES, await disk.read(index * CHUNK_BYTES, length));
    end = index * CHUNK_BYTES + length;
  }
  if (end < disk.bytes) await target.write(disk.bytes - 1, new Uint8Array(1));
}

async function info(path: string, environment: Environment): Promise<number> {
  const disk = await openImage(path, true);
  try {
    let used = 0;
    for await (const _ of disk.dataChunks()) used++;
    const lines = [
      `${path}: ${disk instanceof Qcow2Disk ? describeQcow2(disk) : "raw image"}, ${disk.bytes} bytes, ${disk.bytes / SECTOR_BYTES} sectors`,
      `in use: ${Math.min(used * CHUNK_BYTES, disk.bytes)} bytes, in chunks of ${CHUNK_BYTES / 1024} KB`,
      ...(await describeContents(disk)),
    ];
    environment.stdout(`${lines.join("\n")}\n`);
    return Status.Ok;
  } finally {
    await disk.close();
  }
}

function describeQcow2({ header: { version, clusterBits, backing, snapshots } }: Qcow2Disk): string {
  const upon = backing ? ` upon ${backing.name}` : "";
  const inside = snapshots > 0 ? `, ${snapshots} snapshots inside that are not read` : "";
  return `qcow2 image, version ${version}, clusters of ${2 ** clusterBits} bytes${upon}${inside}`;
}

async function check(path: string, environment: Environment): Promise<number> {
  const disk = await openImage(path, true);
  try {
    for await (const _ of disk.dataChunks());
    environment.stdout(`${path}: every sector can be read. File systems are checked by the guest: fsck.ext4 -f /dev/vda\n`);
    return Status.Ok;
  } finally {
    await disk.close();
  }
}

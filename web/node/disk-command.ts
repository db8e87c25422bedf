/** `vitrine disk`: makes raw disk images, and says what is in one. */
import { open } from "node:fs/promises";
import { DiskFailed } from "../lib/errors";
import { CHUNK_BYTES, SECTOR_BYTES } from "../storage/block-device";
import { describeContents } from "../storage/describe-disk";
import type { Environment } from "./environment";
import { diskFailure, FileDisk } from "./file-disk";

const HELP = `usage: vitrine disk create FILE SIZE
       vitrine disk info FILE
       vitrine disk check FILE

  create   makes a blank raw image; SIZE in bytes, or with K, M or G (1024 …). An existing file is left alone
  info     size, space in use, partitions, file system
  check    reads all of it; status 1 if a part cannot be read or it is no whole number of sectors

vitrine run --disk FILE attaches it to a machine.
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

async function info(path: string, environment: Environment): Promise<number> {
  const disk = await FileDisk.open(path, true);
  try {
    let used = 0;
    for await (const _ of disk.dataChunks()) used++;
    const lines = [
      `${path}: raw image, ${disk.bytes} bytes, ${disk.bytes / SECTOR_BYTES} sectors`,
      `in use: ${Math.min(used * CHUNK_BYTES, disk.bytes)} bytes, in chunks of ${CHUNK_BYTES / 1024} KB`,
      ...(await describeContents(disk)),
    ];
    environment.stdout(`${lines.join("\n")}\n`);
    return Status.Ok;
  } finally {
    await disk.close();
  }
}

async function check(path: string, environment: Environment): Promise<number> {
  const disk = await FileDisk.open(path, true);
  try {
    for await (const _ of disk.dataChunks());
    environment.stdout(`${path}: every sector can be read. File systems are checked by the guest: fsck.ext4 -f /dev/vda\n`);
    return Status.Ok;
  } finally {
    await disk.close();
  }
}

/** `vitrine publish`: a snapshot as a folder for any static web server, with the player, that starts before all of it is there. */
import { copyFile, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { emptyManifest, MANIFEST_NAME, manifestText } from "../guests/manifest";
import { defaultGuestsFolder } from "../guests/node/folder";
import { readManifest } from "../guests/node/store";
import { isEmulatorError } from "../lib/errors";
import { sizeText } from "../lib/size-text";
import { Machine } from "../machine/machine";
import { MemorySink } from "../snapshot/byte-store";
import { HEAD_PATH, headText, PUBLISHED_META, type PublishedFile, publishedPath } from "../snapshot/published";
import { snapshotDisk } from "../snapshot/snapshot-disk";
import { SnapshotFile } from "../snapshot/snapshot-file";
import { OverlayDisk } from "../storage/overlay-disk";
import type { Environment } from "./environment";
import { CannotPublish, planLicences, writeLicences } from "./publish-licences";

const HELP = `usage: vitrine publish SNAPSHOT FOLDER [option…]

Writes a folder for any static web server: the page as a player, and the machine. Whoever opens its address sees what it
is, and it runs as soon as the pages are there that it touches first; the rest comes while it runs. Files that do not
change have names that never mean other contents; only index.html and ${HEAD_PATH} do. Publishing again into the same folder is
possible. The server should answer range requests; one that does not is asked for the whole file.

  --source-offer TEXT    how to get the sources of the software inside (written to SOURCES.txt)
  --with-sources FOLDER  source packages, which are copied to SOURCES/
  --guests FOLDER        prepared guests, whose licence texts are copied to LICENSES/
  --type TEXT            typed while it is found out what the machine touches first (default: a small shell command)

The whole memory of the machine and its disks are in what you publish.
`;

const Status = { Ok: 0, Failed: 1, BadArguments: 2 } as const;
/** Places of the built page, from the built command line and from the sources. */
const PLAYER_PLACES = ["..", "../..", "../../dist"];
/** What a shell does for most lines; another guest's keys, in a machine that is thrown away. */
const TYPED = "echo $((6 * 7))\n";
/** How long the machine is watched, in seconds of host time. */
const WATCH_SECONDS = 4;

interface Options {
  readonly snapshot: string;
  readonly folder: string;
  readonly offer: string | undefined;
  readonly sources: string | undefined;
  readonly guests: string;
  readonly type: string;
}

function parse(argv: readonly string[]): Options | string {
  const values = new Map<string, string>();
  const files: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith("--")) files.push(word);
    else if (!["--source-offer", "--with-sources", "--guests", "--type"].includes(word)) return `unknown option ${word}`;
    else if (argv[i + 1] === undefined) return `${word} needs a value`;
    else values.set(word, argv[++i]!);
  }
  if (files.length !== 2) return "a snapshot and a folder are needed";
  return {
    snapshot: files[0]!,
    folder: files[1]!,
    offer: values.get("--source-offer"),
    sources: values.get("--with-sources"),
    guests: values.get("--guests") ?? defaultGuestsFolder(),
    type: values.get("--type") ?? TYPED,
  };
}

export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (argv.includes("--help")) {
    environment.stdout(HELP);
    return Status.Ok;
  }
  const options = parse(argv);
  if (typeof options === "string") {
    environment.stderr(`vitrine publish: ${options}\n${HELP}`);
    return Status.BadArguments;
  }
  try {
    await publish(options, environment);
    return Status.Ok;
  } catch (error) {
    if (
      !(error instanceof CannotPublish) &&
      !isEmulatorError(error) &&
      !(error instanceof Error && error.message.startsWith(options.snapshot))
    )
      throw error;
    environment.stderr(`vitrine publish: ${(error as Error).message}\n`);
    return Status.Failed;
  }
}

async function publish(options: Options, environment: Environment): Promise<void> {
  const { snapshot, folder } = options;
  const player = await findPlayer();
  const source = await environment.openFile(snapshot);
  try {
    const file = await SnapshotFile.open(source);
    if (file.manifest.parent !== null) throw new CannotPublish("the snapshot builds upon another one. Save one that is whole.");
    await file.verify();
    const { components } = file.manifest;
    if (components.length === 0)
      environment.stderr("vitrine publish: the snapshot does not say whose software it holds; mind its licences yourself\n");
    const guests = { manifest: await readManifest(options.guests), folder: options.guests };
    const plan = await planLicences(components, options, guests, await readFile(join(player.folder, "licences.txt"), "utf8"));

    const { whole, hot, pages, chunks } = await parts(file, options.type, environment);
    await copyPlayer(player, folder);
    await writeLicences(folder, plan);
    for (const part of [whole, hot]) await writeNew(join(folder, publishedPath(part)), part.contents);
    // Last: until then the folder is what it was.
    await writeFile(join(folder, HEAD_PATH), headText({ title: file.manifest.title, whole: named(whole), hot: named(hot) }));
    environment.stdout(
      `${folder}: ${file.manifest.title}, ${sizeText(whole.bytes)}; it starts with ${sizeText(hot.bytes)} (${pages} pages, ${chunks} disk chunks)\n`,
    );
  } finally {
    await source.close();
  }
}

/** A file whose name says what is in it is written once, and as a whole. */
async function writeNew(path: string, contents: Uint8Array): Promise<void> {
  if (await stat(path).catch(() => undefined)) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, contents);
  await rename(`${path}.part`, path);
}

interface Part extends PublishedFile {
  readonly contents: Uint8Array;
}

const named = ({ id, bytes }: Part): PublishedFile => ({ id, bytes });

interface Parts {
  /** The snapshot in small runs. */
  readonly whole: Part;
  /** What the machine touches, upon `whole`. */
  readonly hot: Part;
  readonly pages: number;
  readonly chunks: number;
}

/** Runs the machine for a moment, and packs what it touches into a snapshot that builds upon the whole one. */
async function parts(file: SnapshotFile, type: string, environment: Environment): Promise<Parts> {
  const wasm = await environment.loadWasm();
  const chunks = new Set<string>();
  const disksOf = (hear: (key: string) => void): Parameters<typeof Machine.fromSnapshot>[1] => ({
    wasm,
    disk: (record, n) =>
      new OverlayDisk(
        snapshotDisk(file.disk(n), record, (index) => hear(`${n}/${index}`)),
        record.readOnly,
      ),
    disksAreFilled: true,
  });
  const watched = await Machine.fromSnapshot(file, { ...disksOf((key) => chunks.add(key)), lazy: true });
  await watched.run({ wallSeconds: WATCH_SECONDS / 2 });
  if (!watched.exit) {
    watched.serial(0).write(type);
    await watched.run({ wallSeconds: WATCH_SECONDS / 2 });
  }
  const frames = new Set(watched.frames.presentFrames);
  const machine = await Machine.fromSnapshot(
    file,
    disksOf(() => {}),
  );
  const { manifest } = file;
  const save = async (options: Parameters<Machine["saveSnapshot"]>[1]): Promise<Part> => {
    const sink = new MemorySink();
    const { id, size } = await machine.saveSnapshot(sink, {
      title: manifest.title,
      components: manifest.components,
      created: new Date(manifest.created),
      ...options,
    });
    return { id, bytes: size, contents: sink.toBytes() };
  };
  const whole = await save({ smallRuns: true });
  const hot = await save({
    ...(file.has("screenshot") ? { screenshot: await file.readSection("screenshot") } : {}),
    parent: {
      id: whole.id,
      isParents: (frame) => !frames.has(frame),
      isParentsChunk: (disk, index) => !chunks.has(`${disk}/${index}`),
    },
  });
  return { whole, hot, pages: frames.size, chunks: chunks.size };
}

interface Player {
  readonly folder: string;
  readonly files: readonly string[];
}

async function findPlayer(): Promise<Player> {
  for (const place of PLAYER_PLACES) {
    const folder = fileURLToPath(new URL(place, import.meta.url));
    try {
      const { files } = JSON.parse(await readFile(join(folder, "build.json"), "utf8")) as { files: string[] };
      return { folder, files };
    } catch {}
  }
  throw new CannotPublish("the page has not been built: run npm run build first.");
}

async function copyPlayer({ folder, files }: Player, target: string): Promise<void> {
  for (const file of files) {
    const copy = join(target, file);
    await mkdir(dirname(copy), { recursive: true });
    if (file !== "index.html") await copyFile(join(folder, file), copy);
  }
  const page = await readFile(join(folder, "index.html"), "utf8");
  await writeFile(join(target, "index.html"), page.replace("</head>", `<meta name="${PUBLISHED_META}" content="${HEAD_PATH}"></head>`));
  await mkdir(join(target, "guests"), { recursive: true });
  await writeFile(join(target, "guests", MANIFEST_NAME), manifestText(emptyManifest("")));
}

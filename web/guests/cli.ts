/** `vitrine guests`: what is prepared, prepare it, carry it to another machine, check it. */
import { loadCatalog } from "./catalog";
import { GuestsError } from "./guests-error";
import { allFiles, type Manifest, type SignatureStatus } from "./manifest";
import { defaultGuestsFolder } from "./node/folder";
import { readManifest, verifyFiles } from "./node/store";
import { exportGuests, importGuests } from "./node/transfer";
import { prepareGuests, type System } from "./prepare";
import type { GuestsProgress, OnProgress } from "./progress";
import { GUESTS } from "./recipes";

const ids = (onRequest: boolean): string =>
  GUESTS.filter((guest) => (guest.onRequest ?? false) === onRequest)
    .map(({ id }) => id)
    .join(", ");

export const GUESTS_HELP = `usage: vitrine guests [list]
       vitrine guests prepare [--only ID,...] [--mirror URL] [--offline] [--refresh]
       vitrine guests export FILE [--only ID,...]
       vitrine guests import FILE
       vitrine guests verify

Prepares guests from Debian packages: no apt, no dpkg, no root, and nothing is changed outside the guests folder.
  list            what can be prepared, what is, and where its files are
  prepare         fetch and unpack what is missing; goes on where an interrupted run stopped
  export FILE     everything prepared as one tar file, for a machine without a mirror or a network
  import FILE     take such a file; every SHA-256 is checked
  verify          compare every prepared file with its SHA-256
  --only ID,...   these guests only (${ids(false)}; on request: ${ids(true)})
  --mirror URL    a Debian mirror (the folder that holds dists/ and pool/); otherwise DEBIAN_MIRROR,
                  otherwise the mirror in apt's configuration
  --offline       use only what was fetched before
  --refresh       look for newer packages and check every file, even if everything is prepared
  --dir FOLDER    the guests folder (otherwise VITRINE_GUESTS, otherwise guests/ in the checkout)

Proxies are taken from http_proxy, https_proxy and no_proxy. Exit status: 0, 1 if it failed, 2 for bad arguments.
`;

export interface GuestsIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** The user wants to stop. */
  onInterrupt?(listener: () => void): void;
  /** Is stderr a terminal, where a line can be overwritten? */
  readonly terminal?: boolean;
  readonly system?: Partial<System>;
}

interface Arguments {
  verb: string;
  file?: string;
  only?: string[];
  mirror?: string;
  dir?: string;
  offline: boolean;
  refresh: boolean;
}

const FAILED = 1;
const BAD_ARGUMENTS = 2;

/** Which options a verb takes beside --dir. */
const VERBS: Readonly<Record<string, readonly string[]>> = {
  list: [],
  prepare: ["--only", "--mirror", "--offline", "--refresh"],
  export: ["--only"],
  import: [],
  verify: [],
};

/** The result is the exit status. Never throws for what the user can cause. */
export async function main(argv: readonly string[], io: GuestsIo): Promise<number> {
  if (argv.includes("--help") || argv.includes("-h")) {
    io.stdout(GUESTS_HELP);
    return 0;
  }
  const args = parse(argv);
  if (typeof args === "string") {
    io.stderr(`vitrine guests: ${args}; see vitrine guests --help\n`);
    return BAD_ARGUMENTS;
  }
  const stop = new AbortController();
  io.onInterrupt?.(() => stop.abort());
  const progress = progressPrinter(io);
  try {
    return await run(args, io, stop.signal, progress.print);
  } catch (error) {
    progress.endLine();
    if (!(error instanceof GuestsError)) throw error;
    io.stderr(`vitrine guests: ${error.message}\n`);
    return FAILED;
  }
}

async function run(args: Arguments, io: GuestsIo, signal: AbortSignal, onProgress: OnProgress): Promise<number> {
  const folder = args.dir ?? defaultGuestsFolder(io.system?.env);
  if (args.verb === "list") return list(folder, io);
  if (args.verb === "verify") return verify(folder, io, signal);
  if (args.verb === "export") {
    const manifest = await exportGuests(args.file!, { folder, only: args.only, signal, onProgress });
    io.stdout(`${args.file}: ${manifest.guests.map((guest) => guest.id).join(", ")}\n`);
    return 0;
  }
  if (args.verb === "import") {
    const manifest = await importGuests(args.file!, { folder, signal, onProgress });
    io.stdout(`imported: ${manifest.guests.map((guest) => guest.id).join(", ")}\n`);
    return 0;
  }
  const { only, mirror, offline, refresh } = args;
  const manifest = await prepareGuests({ folder, only, mirror, offline, refresh, signal, onProgress, system: io.system ?? {} });
  io.stdout(`prepared: ${manifest.guests.map((guest) => guest.id).join(", ")}\n`);
  reportSignatures(manifest, io);
  return 0;
}

async function list(folder: string, io: GuestsIo): Promise<number> {
  const manifest = await readManifest(folder);
  const catalog = await loadCatalog(folder);
  const others = catalog.filter((guest) => !GUESTS.some(({ id }) => id === guest.id));
  for (const { id, title, description } of [...GUESTS, ...others]) {
    const guest = catalog.find((prepared) => prepared.id === id);
    io.stdout(`${id.padEnd(12)} ${title}: ${description}\n`);
    if (!guest) {
      io.stdout(
        `${" ".repeat(13)}${GUESTS.find((recipe) => recipe.id === id)?.onRequest ? `on request: vitrine guests prepare --only ${id}` : "not prepared"}\n`,
      );
      continue;
    }
    for (const file of [guest.kernel, guest.vmlinux, guest.initrd, ...(guest.diskInitrds ?? [])])
      if (file) io.stdout(`${" ".repeat(13)}${file.role.padEnd(8)} ${file.file}\n`);
    const packages = manifest!.components.filter((component) => guest.components.includes(component.id));
    io.stdout(`${" ".repeat(13)}${packages.map(({ package: name, version, licence }) => `${name} ${version} (${licence})`).join(", ")}\n`);
    io.stdout(`${" ".repeat(13)}${guest.memoryMb} MB, ${guest.commandLine}\n`);
  }
  return 0;
}

async function verify(folder: string, io: GuestsIo, signal: AbortSignal): Promise<number> {
  const manifest = await readManifest(folder);
  if (!manifest) throw new GuestsError("not-prepared", "nothing is prepared: run `vitrine guests prepare`");
  const problems = await verifyFiles(folder, allFiles(manifest), signal);
  for (const problem of problems) io.stderr(`vitrine guests: ${problem}\n`);
  if (problems.length > 0) {
    io.stderr("vitrine guests: `vitrine guests prepare --refresh` makes them again\n");
    return FAILED;
  }
  io.stdout(`all files are as they were prepared: ${manifest.guests.map((guest) => guest.id).join(", ")}\n`);
  reportSignatures(manifest, io);
  return 0;
}

function reportSignatures(manifest: Manifest, io: GuestsIo): void {
  const describe = (signature: SignatureStatus): string =>
    signature.status === "verified" ? `signature verified with ${signature.keyring}` : `signature not verifiable: ${signature.reason}`;
  for (const text of new Set(manifest.components.map((component) => describe(component.signature))))
    io.stdout(`package index: ${text}; SHA-256 checked\n`);
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** On a terminal a download is one line that counts up; elsewhere each step is a line of its own. */
function progressPrinter(io: GuestsIo): { print: (progress: GuestsProgress) => void; endLine: () => void } {
  let open = false;
  let lastPackage = "";
  const endLine = (): void => {
    if (open) io.stderr("\n");
    open = false;
  };
  const line = (text: string): void => {
    endLine();
    io.stderr(`${text}\n`);
  };
  const print = (progress: GuestsProgress): void => {
    switch (progress.step) {
      case "index":
        line(`package index from ${progress.mirror}`);
        break;
      case "unpack":
        line(`unpacking ${progress.package}`);
        break;
      case "ready":
        line(`ready: ${progress.title}`);
        break;
      case "warning":
        line(`note: ${progress.message}`);
        break;
      case "download": {
        const text = `fetching ${progress.package}: ${megabytes(progress.receivedBytes)} of ${megabytes(progress.totalBytes)} MB`;
        if (io.terminal) {
          io.stderr(`\r\x1b[K${text}`);
          open = true;
        } else if (progress.package !== lastPackage) line(text);
        lastPackage = progress.package;
        break;
      }
      default:
        progress satisfies never;
    }
  };
  return { print, endLine };
}

/** A text is what is wrong with the arguments. */
function parse(argv: readonly string[]): Arguments | string {
  const words: string[] = [];
  const args: Arguments = { verb: "list", offline: false, refresh: false };
  const given: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const [word, inline] = splitOption(argv[at]!);
    if (!word.startsWith("-")) {
      words.push(argv[at]!);
      continue;
    }
    given.push(word);
    if (word === "--offline" || word === "--refresh") {
      if (inline !== undefined) return `${word} takes no value`;
      args[word === "--offline" ? "offline" : "refresh"] = true;
      continue;
    }
    if (word !== "--only" && word !== "--mirror" && word !== "--dir") return `unknown option ${word}`;
    const value = inline ?? argv[++at];
    if (value === undefined || value === "" || (inline === undefined && value.startsWith("--"))) return `${word} needs a value`;
    if (word === "--only") args.only = value.split(",").filter((id) => id !== "");
    else args[word === "--mirror" ? "mirror" : "dir"] = value;
  }
  const [verb = "list", file, ...rest] = words;
  const allowed = VERBS[verb];
  if (!allowed) return `unknown command "${verb}"`;
  const stray = given.find((option) => option !== "--dir" && !allowed.includes(option));
  if (stray !== undefined) return `${stray} is not for "${verb}"`;
  const wantsFile = verb === "export" || verb === "import";
  if (wantsFile && file === undefined) return `${verb} needs a file name`;
  if (rest.length > 0 || (!wantsFile && file !== undefined)) return `too many arguments: ${(wantsFile ? rest : [file, ...rest]).join(" ")}`;
  const unknown = args.only?.find((id) => !GUESTS.some((guest) => guest.id === id));
  if (unknown !== undefined) return `there is no guest "${unknown}"`;
  if (args.only?.length === 0) return "--only needs at least one guest";
  return { ...args, verb, ...(file === undefined ? {} : { file }) };
}

/** "--name=value" or a word. */
function splitOption(word: string): [word: string, value?: string] {
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}

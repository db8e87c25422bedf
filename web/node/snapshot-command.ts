/** `vitrine snapshot info|verify|diff`: looks into snapshot files without running them. */
import { SnapshotIncompatible } from "../lib/errors";
import { sizeText } from "../lib/size-text";
import type { Manifest } from "../snapshot/manifest";
import type { PageCounts } from "../snapshot/saved-image";
import { SnapshotFile } from "../snapshot/snapshot-file";
import type { Environment } from "./environment";
import { progressLine } from "./run-snapshot";
import { type Difference, differences } from "./snapshot-diff";
import type { OpenFile } from "./snapshot-files";
import { openWithParents } from "./snapshot-library";
import { flatten, remove, TREE_FLAGS, TreeProblem, tree } from "./snapshot-tree-command";

const HELP = `usage: vitrine snapshot info FILE [--json]
       vitrine snapshot verify FILE… [--json]
       vitrine snapshot diff FILE FILE [--json]
       vitrine snapshot tree [FOLDER] [--json]
       vitrine snapshot remove FILE [--with-children] [--yes]
       vitrine snapshot flatten FILE NEW

  info     what a snapshot holds: machine, guests and their licences, the last lines of its console, sections
  verify   reads every byte and compares it with its SHA-256
  diff     what changed from the first to the second: registers, devices, pages of memory

  tree     the snapshots of a folder and which builds upon which (vitrine run --load-snapshot A --save-snapshot B --incremental)
  remove   says what removing it frees; with --yes it is done. What others build upon stays, unless --with-children
  flatten  the same state in a new file that builds upon nothing

  --json   for programs

Exit status: 0 all is well, for diff no difference; 1 diff found some; 2 bad arguments, or a file that is no whole snapshot.
`;

const Status = { Ok: 0, Different: 1, Bad: 2 } as const;

class Bad extends Error {}

export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  const fail = (text: string): number => {
    environment.stderr(`vitrine snapshot: ${text}\n`);
    return Status.Bad;
  };
  if (argv.includes("--help")) {
    environment.stdout(HELP);
    return Status.Ok;
  }
  const [verb, ...rest] = argv;
  if (verb === undefined) {
    environment.stderr(HELP);
    return Status.Bad;
  }
  const flags = new Set(rest.filter((word) => word.startsWith("--")));
  const verbs = {
    ...{ info, verify, diff },
    tree: (names: readonly string[], json: boolean) => done(tree(names, json, environment)),
    remove: (names: readonly string[]) => done(remove(names, flags, environment)),
    flatten: (names: readonly string[]) => done(flatten(names, environment)),
  } as const;
  if (!Object.hasOwn(verbs, verb)) return fail(`there is no "${verb}"; give info, verify, diff, tree, remove or flatten`);
  const unknown = [...flags].find((word) => word !== "--json" && !(verb === "remove" && (TREE_FLAGS as readonly string[]).includes(word)));
  if (unknown) return fail(`unknown option ${unknown}; vitrine snapshot --help explains`);
  const files = rest.filter((word) => !word.startsWith("--"));
  try {
    return await verbs[verb as keyof typeof verbs](files, rest.includes("--json"), environment);
  } catch (error) {
    if (error instanceof Bad || error instanceof TreeProblem) return fail(error.message);
    if (verb === "flatten" && error instanceof Error) return fail(error.message);
    throw error;
  }
}

const done = async (work: Promise<void>): Promise<number> => {
  await work;
  return Status.Ok;
};

/** Calls `use` with the open file. Throws Bad, with the file's name, for one that cannot be read or is no snapshot. */
async function withFile<T>(
  path: string,
  environment: Environment,
  use: (file: SnapshotFile) => Promise<T>,
  withParents = false,
): Promise<T> {
  let source: OpenFile | undefined;
  try {
    source = await environment.openFile(path);
    const file = await SnapshotFile.open(source);
    if (!withParents || file.manifest.parent === null) return await use(file);
    const whole = await openWithParents(path, environment);
    return await use(whole.file).finally(whole.close);
  } catch (error) {
    if (error instanceof Bad) throw error;
    if (error instanceof SnapshotIncompatible) throw new Bad(`${path}: ${error.section}: ${error.reason}`);
    throw new Bad(error instanceof Error ? error.message : String(error));
  } finally {
    await source?.close();
  }
}

async function info(files: readonly string[], json: boolean, environment: Environment): Promise<number> {
  const [path] = files;
  if (path === undefined || files.length > 1) throw new Bad("info needs one file");
  return withFile(path, environment, async (file) => {
    const ram = await file.ram.countPages();
    const text = json
      ? JSON.stringify({ file: path, id: file.id, bytes: file.size, ramPages: ram, manifest: file.manifest }, undefined, 2)
      : describe(path, file, ram);
    environment.stdout(`${text}\n`);
    return Status.Ok;
  });
}

function describe(path: string, file: SnapshotFile, ram: PageCounts): string {
  const { manifest } = file;
  const { machine } = manifest;
  const row = (name: string, value: string): string => `${name.padEnd(14)}${value}`;
  const clock = machine.clock.kind === "realtime" ? "real time" : `deterministic, ${machine.clock.ticksPerUs} ticks a microsecond`;
  const lines = [
    row("file", `${path}, ${sizeText(file.size)}`),
    row("title", manifest.title),
    row("saved", `${manifest.created} by ${manifest.build}`),
    row("id", file.id),
    ...(manifest.parent === null ? [] : [row("builds upon", manifest.parent)]),
    row("machine", `${machine.memoryMb} MB, ${machine.cpu}, ${clock}`),
    row("instructions", manifest.instructions.toLocaleString("en")),
    row(
      "memory",
      `${ram.literal} pages of 4 KB, ${ram.same} equal to others, ${ram.zero} zero${ram.parent ? `, ${ram.parent} of the parent` : ""}`,
    ),
    ...(machine.disks ?? []).map(({ name, bytes, readOnly }) => row("disk", `${name}, ${sizeText(bytes)}${readOnly ? ", read-only" : ""}`)),
    row("booted", `${machine.boot.kind}${machine.boot.commandLine ? `: ${machine.boot.commandLine}` : ""}`),
    ...machine.boot.images.map(({ role, size, sha256 }) => row("", `${role}, ${sizeText(size)}, SHA-256 ${sha256}`)),
    ...componentLines(manifest),
  ];
  if (manifest.terminal.length > 0) lines.push("", "console:", ...manifest.terminal.slice(-10).map((line) => `  ${line}`));
  lines.push("", "sections:");
  for (const { name, codec, rawLength, length, optional } of manifest.sections)
    lines.push(
      `  ${name.padEnd(20)}${String(rawLength).padStart(10)} bytes, ${String(length).padStart(10)} here${codec === "none" ? "" : `, ${codec}`}${optional ? ", optional" : ""}`,
    );
  return lines.join("\n");
}

function componentLines({ components }: Manifest): string[] {
  if (components.length === 0) return ["components    not known: ask whoever made it for their licences"];
  return components.map(({ id, licence, package: name, version, source }, n) => {
    const origin =
      name === undefined ? "" : ` from ${name} ${version ?? ""}${source ? `, source ${source.package} ${source.version}` : ""}`;
    return `${(n === 0 ? "components" : "").padEnd(14)}${id}: ${licence}${origin}`;
  });
}

async function verify(files: readonly string[], json: boolean, environment: Environment): Promise<number> {
  if (files.length === 0) throw new Bad("verify needs a file");
  const results: { file: string; ok: boolean; reason: string | null }[] = [];
  for (const path of files) {
    try {
      const size = await withFile(path, environment, async (file) => {
        await file.verify(progressLine(environment, `Reading ${path}`));
        return file.size;
      });
      results.push({ file: path, ok: true, reason: null });
      if (!json) environment.stdout(`${path}: whole (${sizeText(size)})\n`);
    } catch (error) {
      if (!(error instanceof Bad)) throw error;
      results.push({ file: path, ok: false, reason: error.message });
      if (!json) environment.stderr(`vitrine snapshot: ${error.message}\n`);
    }
  }
  if (json) environment.stdout(`${JSON.stringify(results, undefined, 2)}\n`);
  return results.every(({ ok }) => ok) ? Status.Ok : Status.Bad;
}

async function diff(files: readonly string[], json: boolean, environment: Environment): Promise<number> {
  const [first, second] = files;
  if (first === undefined || second === undefined || files.length > 2) throw new Bad("diff needs two files");
  const compare = async (before: SnapshotFile, after: SnapshotFile): Promise<number> => {
    const found = await differences(before, after, progressLine(environment, "Comparing"));
    if (json) environment.stdout(`${JSON.stringify(found, undefined, 2)}\n`);
    else environment.stdout(found.length === 0 ? "no difference\n" : `${found.map(line).join("\n")}\n`);
    return found.length === 0 ? Status.Ok : Status.Different;
  };
  return withFile(first, environment, (before) => withFile(second, environment, (after) => compare(before, after), true), true);
}

function line(found: Difference): string {
  switch (found.kind) {
    case "manifest":
      return `${found.field}: ${found.before} → ${found.after}`;
    case "section":
      return `${found.section}: ${found.before === null ? "only in the second" : found.after === null ? "only in the first" : "differs"}`;
    case "field":
      return `${found.section}.${found.field}: ${found.before} → ${found.after}`;
    case "pages":
      return `${found.image}: ${found.count} of ${found.of} pages differ${found.ranges.length === 0 ? "" : `: ${found.ranges.map(range).join(" ")}${found.isCut ? " …" : ""}`}`;
    default: {
      const never: never = found;
      return never;
    }
  }
}

const range = ([first, last]: readonly [number, number]): string =>
  first === last ? first.toString(16) : `${first.toString(16)}-${last.toString(16)}`;

/** `vitrine run --load-snapshot` and `--save-snapshot`: the machine from a file, and into one. */
import { dirname, resolve } from "node:path";
import { findBuiltInGuest } from "../../bios/index";
import { loadCatalog } from "../guests/catalog";
import { builtInRecord, componentRecords } from "../guests/component-records";
import { defaultGuestsFolder } from "../guests/node/folder";
import { readManifest } from "../guests/node/store";
import { SnapshotIncompatible } from "../lib/errors";
import { sizeText } from "../lib/size-text";
import { type BootConfig, DEFAULT_POST_PORT } from "../machine/config";
import { Machine, type MachineOptions } from "../machine/machine";
import { bootRecord, type SaveSnapshotOptions } from "../machine/snapshotting";
import type { WriteTracker } from "../machine/write-tracker";
import type { ComponentRecord, MachineRecord } from "../snapshot/manifest";
import { SnapshotFile } from "../snapshot/snapshot-file";
import type { BootFiles } from "./boot-files";
import type { Environment } from "./environment";
import { BadOption, type RunOptions } from "./run-options";
import type { NewFile } from "./snapshot-files";
import { type OpenSnapshot, openWithParents } from "./snapshot-library";

/** A line on a terminal that is written over, at most ten times a second. */
export function progressLine(environment: Environment, what: string): (done: number, total: number) => void {
  let shownAt = 0;
  return (done, total) => {
    if (!environment.terminal) return;
    const now = performance.now();
    if (done < total && now - shownAt < 100) return;
    shownAt = now;
    environment.stderr(done < total ? `\r${what}: ${Math.floor((done / total) * 100)} %` : `\r${" ".repeat(what.length + 8)}\r`);
  };
}

/**
 * The machine of `--load-snapshot`; `files` are the images given beside it. Throws BadOption where an option contradicts the
 * file, and SnapshotIncompatible, whose message then begins with the file's name.
 */
export async function loadMachine(
  path: string,
  options: RunOptions,
  files: BootFiles | undefined,
  core: MachineOptions,
  environment: Environment,
): Promise<Machine> {
  let opened: OpenSnapshot | undefined;
  try {
    opened = await openWithParents(path, environment).catch((error) => {
      if (error instanceof SnapshotIncompatible) throw error;
      throw new BadOption(`--load-snapshot ${messageOf(error)}`);
    });
    const { file } = opened;
    demandAgreement(options, file.manifest.machine);
    const boot = files && withCommandLine(files.boot, options.append, file.manifest.machine);
    const machine = await Machine.fromSnapshot(file, {
      ...core,
      ...(boot ? { boot } : {}),
      ...(options.accel ? { accel: options.accel } : {}),
      onProgress: progressLine(environment, `Loading ${path}`),
    });
    if (options.incremental) loaded.set(machine, { id: file.id, changed: machine.trackWrites() });
    return machine;
  } catch (error) {
    if (error instanceof SnapshotIncompatible) throw new BadOption(`--load-snapshot ${path}: ${error.section}: ${error.reason}`);
    throw error;
  } finally {
    await opened?.close();
  }
}

/** What a machine of `--incremental` was loaded from, and what it has written since. */
const loaded = new WeakMap<Machine, { readonly id: string; readonly changed: WriteTracker }>();

function parentOf(machine: Machine): Pick<SaveSnapshotOptions, "parent"> {
  const from = loaded.get(machine);
  return from ? { parent: { id: from.id, isParents: (frame) => !from.changed.has(frame) } } : {};
}

/** Options that say what the machine is made of may be given, if they say what the snapshot says. */
function demandAgreement(options: RunOptions, machine: MachineRecord): void {
  const clock = ({ kind, ticksPerUs }: { kind: string; ticksPerUs?: number }): string =>
    kind === "realtime" ? "real" : `deterministic=${ticksPerUs}`;
  const given: readonly (readonly [flag: string, given: string | undefined, saved: string])[] = [
    ["--memory", options.memoryMb?.toString(), String(machine.memoryMb)],
    ["--cpu", options.cpu, machine.cpu],
    ["--clock", options.clock && clock(options.clock), clock(machine.clock)],
    ["--shadow", options.shadow, machine.shadow],
    ["--debug-exit", options.debugExitPort?.toString(), machine.debugExitPort === null ? "none" : String(machine.debugExitPort)],
    ["--post-port", options.postPort?.toString(), String(machine.postPort ?? DEFAULT_POST_PORT)],
  ];
  for (const [flag, value, saved] of given)
    if (value !== undefined && value !== saved)
      throw new BadOption(`${flag} ${value} contradicts --load-snapshot: the snapshot's machine has ${saved}; leave ${flag} out`);
}

/** Whether the snapshot's machine has disks: then a prepared guest booted with the tools for them. False for what is no snapshot. */
export async function hasSavedDisks(path: string, environment: Environment): Promise<boolean> {
  const source = await environment.openFile(path).catch(() => undefined);
  if (!source) return false;
  try {
    return ((await SnapshotFile.open(source)).manifest.machine.disks?.length ?? 0) > 0;
  } catch {
    // Loading it gives the reason.
    return false;
  } finally {
    await source.close();
  }
}

/** A reset boots with the command line that the snapshot's machine had, unless another is given. */
function withCommandLine(boot: BootConfig, append: string | undefined, { boot: { commandLine } }: MachineRecord): BootConfig {
  const takesOne = boot.kind === "linux" || boot.kind === "multiboot";
  return takesOne && append === undefined && commandLine !== null ? { ...boot, commandLine } : boot;
}

/** A path that cannot be written should not be found out after an hour. Throws BadOption. */
export async function openTarget(path: string, options: RunOptions, environment: Environment): Promise<NewFile> {
  if (options.incremental && resolve(dirname(path)) !== resolve(dirname(options.loadSnapshot!)))
    throw new BadOption("--incremental: the two files must be in one folder, because the new one needs the other");
  if (options.incremental && resolve(path) === resolve(options.loadSnapshot!))
    throw new BadOption("--incremental: give --save-snapshot another name, because the new file needs the loaded one");
  return environment.createFile(path).catch((error) => {
    throw new BadOption(`--save-snapshot ${messageOf(error)}`);
  });
}

/** Writes the file and says so. Throws BadOption when it cannot be written. */
export async function saveMachine(
  machine: Machine,
  path: string,
  target: NewFile,
  options: RunOptions,
  environment: Environment,
): Promise<void> {
  try {
    const written = await machine.saveSnapshot(target, {
      ...(await descriptionOf(machine, options)),
      ...parentOf(machine),
      onProgress: progressLine(environment, `Saving ${path}`),
    });
    await target.commit();
    environment.stderr(
      `vitrine: saved ${path} (${sizeText(written.size)}); it holds all of the machine's memory and disks, with whatever was typed there\n`,
    );
  } catch (error) {
    await target.discard();
    throw new BadOption(`--save-snapshot ${messageOf(error)}`);
  }
}

/** Title and components; a machine that came from a snapshot keeps those. */
async function descriptionOf(machine: Machine, options: RunOptions): Promise<{ title?: string; components?: readonly ComponentRecord[] }> {
  if (options.loadSnapshot !== undefined) return {};
  const { images } = await bootRecord(machine.config.boot);
  const builtIn = options.guest === undefined ? undefined : findBuiltInGuest(options.guest);
  if (builtIn) return { title: builtIn.title, components: [builtInRecord(builtIn.id, images)] };
  const manifest = await readManifest(defaultGuestsFolder()).catch(() => undefined);
  const guest = options.guest === undefined ? undefined : (await loadCatalog().catch(() => [])).find(({ id }) => id === options.guest);
  const title = guest?.title ?? fileName(options.kernel ?? options.image ?? "");
  // The machine has its archives joined: they are known by the pieces.
  const hasDisks = machine.disks.length > 0;
  const pieces = guest ? [guest.initrd, ...(hasDisks ? (guest.diskInitrds ?? []) : [])].filter((file) => file !== undefined) : [];
  return { title, components: componentRecords(manifest, [...images, ...pieces]) };
}

const fileName = (path: string): string => path.split(/[/\\]/).at(-1) ?? path;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** `vitrine run`: a machine without a page. COM1 is the terminal; the exit status tells how it ended. */
import { BadArgument, BusOverlap, DiskFailed, ImageUnreadable, OutOfMemory } from "../lib/errors";
import { readSymbols, type Symbols } from "../lib/symbols";
import { CD_BLOCK } from "../machine/devices/atapi";
import { Machine, type RunResult } from "../machine/machine";
import type { BlockDevice } from "../storage/block-device";
import { MemoryDisk } from "../storage/memory-disk";
import { ReadOnlyView } from "../storage/read-only-view";
import { type BootFiles, readBootFiles } from "./boot-files";
import type { Environment, Keyboard } from "./environment";
import { openGdbSession } from "./gdb-session";
import { loadGuest } from "./guest-files";
import { attachDebug, breakpoints, stopText, traceReasons } from "./run-debug";
import { BadOption, parseRunOptions, RUN_HELP, type RunOptions } from "./run-options";
import { hasSavedDisks, loadMachine, openTarget, saveMachine } from "./run-snapshot";
import { kernelOf } from "./symbols-command";
import { KEYS_HELP, terminalKeys } from "./terminal-keys";

export const Status = { Ok: 0, BadArguments: 2, GuestFailed: 3, EmulatorFailed: 4, Timeout: 124, Interrupted: 130 } as const;

/** Why a run ended, for `--stats` and for people. */
interface Outcome {
  readonly reason: string;
  readonly status: number;
  /** For standard error; empty: nothing to say. */
  readonly message: string;
}

/** Runs the verb; the result is the exit status. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (argv.includes("--help")) {
    environment.stdout(RUN_HELP);
    return Status.Ok;
  }
  if (argv.length === 0) {
    environment.stderr(RUN_HELP);
    return Status.BadArguments;
  }
  try {
    return await run(parseRunOptions(argv), environment);
  } catch (error) {
    if (error instanceof BadOption || isUsersFault(error)) {
      environment.stderr(`vitrine run: ${error.message}\n`);
      return Status.BadArguments;
    }
    environment.stderr(`vitrine run: ${error instanceof Error ? error.message : String(error)}\n`);
    return Status.EmulatorFailed;
  }
}

const isUsersFault = (error: unknown): error is ImageUnreadable | BadArgument | OutOfMemory | BusOverlap | DiskFailed =>
  // The only ports that a user can place are those of --debug-exit and --post-port.
  error instanceof BusOverlap ||
  error instanceof ImageUnreadable ||
  error instanceof BadArgument ||
  error instanceof OutOfMemory ||
  error instanceof DiskFailed;

async function run(options: RunOptions, environment: Environment): Promise<number> {
  const usageBefore = environment.usage();
  const files = await filesOf(options, environment);
  const saving = options.saveSnapshot;
  const target = saving === undefined ? undefined : await openTarget(saving, options, environment);
  try {
    return await runFiles(options, files, environment, usageBefore, async (machine) => {
      if (saving !== undefined) await saveMachine(machine, saving, target!, options, environment);
    });
  } finally {
    await target?.discard();
  }
}

async function runFiles(
  options: RunOptions,
  files: BootFiles | undefined,
  environment: Environment,
  usageBefore: ReturnType<Environment["usage"]>,
  save: (machine: Machine) => Promise<void>,
): Promise<number> {
  const symbols = options.symbols === undefined ? undefined : await symbolsOf(options.symbols, options.guest, environment);
  const debugging = {
    symbols,
    breakAt: options.break === undefined ? undefined : breakpoints(options.break, symbols),
    trace: options.trace === undefined ? undefined : traceReasons(options.trace),
    traceFile: options.traceFile,
  };
  // A path that cannot be written should not be found out after an hour.
  if (options.stats !== undefined) await writeStats(options.stats, "", environment);
  const disks = await openDisks(options, environment);
  try {
    return await runMachine(options, files, disks, usageBefore, environment, { debugging, save });
  } finally {
    // What the guest has written is flushed, whatever ended the run.
    for (const disk of disks) await disk.close();
  }
}

/** Throws BadArgument, BadOption. */
async function symbolsOf(given: string, guest: string | undefined, environment: Environment): Promise<Symbols> {
  const file = given === "guest" && guest !== undefined ? await kernelOf(guest) : given;
  const bytes = await environment.readFile(file).catch((error: unknown) => {
    throw new BadOption(`--symbols ${error instanceof Error ? error.message : String(error)}`);
  });
  return readSymbols(bytes, file);
}

/** Throws DiskFailed; then none stays open. */
async function openDisks(options: RunOptions, environment: Environment): Promise<BlockDevice[]> {
  const disks: BlockDevice[] = [];
  try {
    for (const { path, readOnly } of [...options.disks, ...options.drives]) disks.push(await environment.openDisk(path, readOnly));
    return disks;
  } catch (error) {
    for (const disk of disks) await disk.close();
    throw error;
  }
}

async function runMachine(
  options: RunOptions,
  files: BootFiles | undefined,
  disks: readonly BlockDevice[],
  usageBefore: ReturnType<Environment["usage"]>,
  environment: Environment,
  { debugging, save }: { debugging: Parameters<typeof attachDebug>[1]; save: (machine: Machine) => Promise<void> },
): Promise<number> {
  const machine = await createMachine(options, files, disks, environment);
  machine.onLog(({ device, level, message }) => {
    if (level === "info" && device.startsWith("virtio-blk")) environment.stderr(`vitrine: ${message}\r\n`);
  });
  machine.serial(0).onData((bytes) => environment.writeOutput(bytes));
  if (options.postPort !== undefined) machine.post.onCode((code) => environment.stderr(`POST ${postText(code)}\n`));
  const debug = await attachDebug(machine, debugging, environment);
  const outcome = await drive(machine, options, environment, debugging.symbols);
  await debug.close();
  await showScreen(machine, options, environment);
  await save(machine);
  if (options.stats !== undefined) {
    const stats = await machine.stats({ hash: true });
    const usage = environment.usage();
    const cpuSeconds = usage.cpuSeconds - usageBefore.cpuSeconds;
    const text = JSON.stringify({ ...stats, cpuSeconds, peakRssMb: usage.peakRssMb, exitReason: outcome.reason }, null, 2);
    await writeStats(options.stats, `${text}\n`, environment);
  }
  if (outcome.message) environment.stderr(`vitrine: ${outcome.message}\n`);
  return outcome.status;
}

/** Undefined: a snapshot without its images. */
async function filesOf(options: RunOptions, environment: Environment): Promise<BootFiles | undefined> {
  if (options.guest !== undefined) {
    const hasDisks = options.loadSnapshot === undefined ? options.disks.length > 0 : await hasSavedDisks(options.loadSnapshot, environment);
    return loadGuest(options.guest, options.append, hasDisks, environment);
  }
  const hasNothing = options.kernel === undefined && options.image === undefined && options.bios === undefined;
  if (hasNothing && options.drives.length === 0) {
    if (options.loadSnapshot !== undefined) return undefined;
    throw new BadOption(
      "nothing to boot: give --kernel FILE, --image FILE, --cdrom FILE, --hda FILE, --fda FILE, --bios FILE or --guest NAME; vitrine run --help explains",
    );
  }
  return readBootFiles(options, environment);
}

async function writeStats(path: string, text: string, environment: Environment): Promise<void> {
  try {
    await environment.writeFile(path, new TextEncoder().encode(text));
  } catch (error) {
    throw new BadOption(`--stats ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function createMachine(
  options: RunOptions,
  files: BootFiles | undefined,
  disks: readonly BlockDevice[],
  environment: Environment,
): Promise<Machine> {
  const core = environment.core ? { core: environment.core } : { wasm: await environment.loadWasm() };
  if (options.loadSnapshot !== undefined) return loadMachine(options.loadSnapshot, options, files, core, environment);
  if (!files) throw new BadOption("nothing to boot");
  try {
    return await Machine.create(
      {
        boot: files.boot,
        memoryMb: options.memoryMb ?? files.memoryMb,
        clock: options.clock,
        disks: disks.slice(0, options.disks.length),
        drives: [
          ...options.drives.map(({ slot, media }, n) => ({ slot, media, disk: disks[options.disks.length + n] })),
          ...(files.cdrom ? [{ slot: "hdc" as const, media: "cdrom" as const, disk: cdOf(files.cdrom) }] : []),
        ],
        cpu: options.cpu,
        shadow: options.shadow,
        accel: options.accel,
        debugExitPort: options.debugExitPort,
        postPort: options.postPort,
      },
      core,
    );
  } catch (error) {
    // The loaders know roles; the user knows files.
    const name = error instanceof ImageUnreadable ? files.names.get(error.image) : undefined;
    if (error instanceof ImageUnreadable && name !== undefined)
      throw new ImageUnreadable(`${error.image} ${name}`, error.reason, error.hint);
    throw error;
  }
}

/** `--screenshot` and `--screen-text`. Throws BadOption. */
async function showScreen(machine: Machine, options: RunOptions, environment: Environment): Promise<void> {
  if (options.screenshot === undefined && !options.screenText) return;
  if (!machine.screen) throw new BadOption("this machine has no screen: only those that start with firmware have one");
  if (options.screenshot !== undefined) {
    await environment.writeFile(options.screenshot, await machine.screen.screenshot()).catch((error: unknown) => {
      throw new BadOption(`--screenshot ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  if (!options.screenText) return;
  const text = machine.screen.text();
  environment.stdout(text ? `${text.join("\n").trimEnd()}\n` : "(the screen shows graphics)\n");
}

/** A CD's image in memory, as whole blocks. */
const cdOf = (image: Uint8Array): BlockDevice =>
  new ReadOnlyView(new MemoryDisk(Math.ceil(image.length / CD_BLOCK) * CD_BLOCK, { name: "CD", contents: image }));

async function drive(machine: Machine, options: RunOptions, environment: Environment, symbols: Symbols | undefined): Promise<Outcome> {
  const keyboard = environment.openKeyboard();
  let left: Outcome | undefined;
  let endSession = (): void => {};
  const leave = (outcome: Outcome): void => {
    left ??= outcome;
    machine.pause();
    endSession();
  };
  try {
    connectKeyboard(keyboard, machine, environment, () => leave({ reason: "quit", status: Status.Ok, message: "" }));
    if (options.gdb !== undefined) {
      const session = await openGdbSession(machine, options.gdb, environment);
      endSession = session.close;
      if ((await session.ended) === "killed") return left ?? { reason: "quit", status: Status.Ok, message: "" };
      if (machine.exit) return machine.exit;
    }
    environment.onInterrupt(() => leave({ reason: "interrupted", status: Status.Interrupted, message: "interrupted." }));
    const result = await machine.run({
      text: options.until,
      postCode: options.postUntil,
      wallSeconds: options.timeoutSeconds,
      instructions: options.maxInstructions,
      sliceInstructions: options.sliceInstructions,
    });
    if (result.reason === "breakpoint") return left ?? { reason: "breakpoint", status: Status.Ok, message: stopText(machine, symbols) };
    return left ?? outcomeOf(result, options, machine.post.last);
  } finally {
    keyboard.close();
  }
}

function connectKeyboard(keyboard: Keyboard, machine: Machine, environment: Environment, quit: () => void): void {
  const send = (bytes: Uint8Array): void => machine.serial(0).write(bytes);
  if (!keyboard.isTerminal) {
    keyboard.onData(send);
    return;
  }
  environment.stderr(`${machine.bootSummary}\r\n${KEYS_HELP}\r\n`);
  keyboard.onData(terminalKeys({ send, quit, help: () => environment.stderr(`\r\n${KEYS_HELP}\r\n`) }));
}

const postText = (code: number): string => `0x${code.toString(16).padStart(2, "0")}`;

function outcomeOf(result: RunResult, options: RunOptions, postCode: number | null): Outcome {
  if (result.exit?.status === Status.Ok && options.postUntil !== undefined) {
    const at = postCode === null ? "before any POST code" : `at POST code ${postText(postCode)}`;
    return { ...result.exit, status: Status.GuestFailed, message: `The guest ended ${at}, not ${postText(options.postUntil)}.` };
  }
  if (result.exit) return result.exit;
  switch (result.reason) {
    case "timeout":
      return { reason: "timeout", status: Status.Timeout, message: `timeout: ${options.timeoutSeconds} s have passed.` };
    case "text":
      return { reason: "until", status: Status.Ok, message: "" };
    case "post-code":
      return { reason: "post-until", status: Status.Ok, message: "" };
    case "instructions":
      return { reason: "max-insns", status: Status.Ok, message: "" };
    default:
      return { reason: result.reason, status: Status.Ok, message: "" };
  }
}

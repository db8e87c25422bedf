/**
 * The arguments of `vitrine run`, in QEMU's vocabulary (docs/api.md "Command line"). Parsing is pure: the result is
 * options or one line that says what is wrong. Flags of parts that are not built yet are known by name and refused.
 */
import {
  ACCELS,
  type Accel,
  CPU_MODELS,
  type CpuModel,
  DEFAULT_MEMORY_MB,
  DEFAULT_TICKS_PER_US,
  MOST_DISKS,
  MOST_MEMORY_MB,
  type ShadowMode,
  WHY_NOT_MORE,
} from "../machine/config";
import { type BootDevice, type DriveSlot, isFloppySlot } from "../machine/drives";

export interface RunOptions {
  readonly guest: string | undefined;
  readonly image: string | undefined;
  readonly bios: string | undefined;
  readonly kernel: string | undefined;
  /** A path; for multiboot kernels "path arguments,path arguments". */
  readonly initrd: string | undefined;
  readonly append: string | undefined;
  readonly memoryMb: number | undefined;
  readonly cpu: CpuModel | undefined;
  /** Undefined: keep. */
  readonly shadow: ShadowMode | undefined;
  readonly accel: Accel | undefined;
  /** Undefined: realtime. */
  readonly clock: { readonly kind: "realtime" } | { readonly kind: "deterministic"; readonly ticksPerUs: number } | undefined;
  readonly loadSnapshot: string | undefined;
  readonly saveSnapshot: string | undefined;
  /** The saved snapshot builds upon the loaded one. */
  readonly incremental: boolean;
  readonly debugExitPort: number | undefined;
  /** In the guest's order. */
  readonly disks: readonly { readonly path: string; readonly readOnly: boolean }[];
  /** By slot: fda to hdd. */
  readonly drives: readonly { readonly slot: DriveSlot; readonly media: BootDevice; readonly path: string; readonly readOnly: boolean }[];
  readonly videoBios: string | undefined;
  /** Undefined: as the drives were given. */
  readonly bootOrder: readonly BootDevice[] | undefined;
  readonly postPort: number | undefined;
  readonly postUntil: number | undefined;
  readonly until: string | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly maxInstructions: number | undefined;
  readonly sliceInstructions: number | undefined;
  readonly stats: string | undefined;
  readonly screenshot: string | undefined;
  readonly screenText: boolean;
  /** As typed; web/node/run-debug.ts reads them. */
  readonly break: string | undefined;
  readonly trace: string | undefined;
  readonly traceFile: string | undefined;
  /** A file, for names in `break` and `trace`. */
  readonly symbols: string | undefined;
  readonly gdb: number | undefined;
}

export const RUN_HELP = `usage: vitrine run --kernel FILE [--initrd FILE] [--append TEXT] [option…]
       vitrine run --image FILE [option…]
       vitrine run --guest NAME [option…]
       vitrine run --cdrom FILE | --hda FILE | --fda FILE [option…]
       vitrine run --bios FILE [option…]

Boots a guest without a page. The terminal is its serial port COM1: Ctrl-A X leaves, Ctrl-A Ctrl-A sends Ctrl-A.

What to boot
  --kernel FILE       Linux bzImage or unpacked vmlinux, or a multiboot 1 kernel; told apart by content
  --initrd FILE       initial RAM disk; for multiboot the modules: "FILE ARGS,FILE ARGS"
  --append TEXT       kernel command line
  --image FILE        raw image, loaded at 0000:7C00 and entered in real mode (no BIOS)
  --bios FILE         ROM of whole 64 KB that ends below 4 GB and below 1 MB; entered at the reset vector.
                      Of UEFI firmware the whole image, such as OVMF.fd of Debian's package ovmf
  --cdrom FILE        CD image; booted through SeaBIOS, as disks and floppy disks are (vitrine guests prepare --only grub)
  --hda FILE[,ro]     raw image of an IDE disk; --hdb, --hdc, --hdd (--cdrom is hdc, or hdd where that is taken)
  --fda FILE[,ro]     image of a floppy disk; --fdb
  --boot LETTERS      what to try first: a floppy, c disk, d CD-ROM (default: as the drives were given)
  --video-bios FILE   with --bios: the ROM of the screen
  --guest NAME        a prepared or built-in guest; vitrine guests lists them
  --load-snapshot FILE  go on where a snapshot was saved, with its machine, its disks in memory; one of the options above
                      gives the images that it booted from, which a reset needs

Machine
  --memory MB         RAM, 1 to ${MOST_MEMORY_MB} (default ${DEFAULT_MEMORY_MB}, or what the guest wants)
  --cpu MODEL         ${CPU_MODELS.join(", ")} (default pentium4; x86-64-v2 for a 64-bit kernel)
  --clock MODE        real (default), or deterministic[=TICKS_PER_US] (default ${DEFAULT_TICKS_PER_US}): the same run each time
  --shadow MODE       keep (default) or flush the shadow page tables at each CR3 write
  --accel MODE        interp (default), or jit: hot code is translated to WebAssembly
  --disk FILE[,ro]    raw image as a virtio disk, /dev/vda in Linux; again for /dev/vdb …; ,ro: not to be written to
  --debug-exit PORT   a write of v to this port ends with status (v << 1) | 1
  --post-port PORT    tell the POST codes that the guest writes to this port (default 0x80, untold)

When to stop
  --until TEXT        when COM1 has sent this text
  --post-until CODE   when the guest writes this POST code; a halt at another one is status 3
  --timeout SECONDS   after so much time, with status 124
  --max-insns N       after exactly N instructions
  --break ADDR,…      before the instruction at one of these linear addresses (hexadecimal), or names with --symbols (do_exit,
                      schedule+1c); registers and who called go to standard error.
                      "ADDR if CONDITION" stops only then: "c0100000 if eax == 5 and dword(esp + 4) > 0x1000"
  --slice N           cut the run every N instructions; changes nothing, for tests

Output
  --save-snapshot FILE  save the machine when the run ends, however it ends; vitrine snapshot looks into such files
  --incremental       with --load-snapshot and --save-snapshot, of one folder: save only what has changed since. The file then needs
                      the loaded one beside it; vitrine snapshot tree shows which builds upon which
  --screenshot FILE   the screen when the run ends, as PNG; --screen-text prints it, where it shows text
  --stats FILE        write counters and the state hash as JSON
  --trace KIND,…      a line for each exit: tick, CPL, RIP, reason, what; to standard error. Kinds: all, io, mmio, exceptions,
                      interrupts, paging, registers, or exits by name
  --trace-file FILE   the same to a file, complete when the run has ended
  --symbols FILE      names for --break, --trace and where it stopped: an unpacked kernel (vmlinux), an ELF file with symbols, a
                      System.map; "guest": the kernel of --guest
  --gdb PORT          waits for gdb at this TCP port of this computer (0: any) before the first instruction; linear addresses,
                      also backwards (reverse-stepi, reverse-continue). npx vitrine symbols makes a file with symbols for it

Exit status: 0 the guest powered off, halted, --until or --post-until was seen, --max-insns or --break reached; (v << 1) | 1
from the debug-exit port; 2 bad arguments or unreadable images; 3 the guest crashed; 4 the emulator did; 124 timeout.
`;

/** Known flags of parts that do not exist yet. */
const NOT_YET: ReadonlySet<string> = new Set(["--smp"]);
/** Flags without a value. */
const WITHOUT_VALUE: ReadonlySet<string> = new Set(["--screen-text", "--incremental"]);
/** Set by those. */
const SWITCHES: Readonly<Record<string, Partial<RunOptions>>> = {
  "--screen-text": { screenText: true },
  "--incremental": { incremental: true },
};

/** What one flag's value sets. Throws BadOption. */
type Setter = (value: string, flag: string, before: RunOptions) => Partial<RunOptions>;

/** Why the arguments mean nothing, as one line. */
export class BadOption extends Error {}

const SETTERS: Readonly<Record<string, Setter>> = {
  "--guest": (guest) => ({ guest }),
  "--image": (image) => ({ image }),
  "--bios": (bios) => ({ bios }),
  "--kernel": (kernel) => ({ kernel }),
  "--initrd": (initrd) => ({ initrd }),
  "--append": (append) => ({ append }),
  "--memory": (value, flag) => {
    if (/^\d+$/.test(value) && Number(value) > MOST_MEMORY_MB)
      throw new BadOption(`${flag} ${value}: give at most ${MOST_MEMORY_MB}: ${WHY_NOT_MORE}`);
    return { memoryMb: integer(flag, value, 1, MOST_MEMORY_MB) };
  },
  "--cpu": (value, flag) => ({ cpu: oneOf(flag, value, CPU_MODELS) }),
  "--shadow": (value, flag) => ({ shadow: oneOf<ShadowMode>(flag, value, ["keep", "flush"]) }),
  "--clock": (value) => ({ clock: clock(value) }),
  "--accel": (value, flag) => ({ accel: oneOf(flag, value, ACCELS) }),
  "--disk": (value, flag, { disks }) => {
    if (disks.length === MOST_DISKS) throw new BadOption(`${flag} ${value}: at most ${MOST_DISKS} disks`);
    const path = value.replace(/,ro$/, "");
    if (path === "") throw new BadOption(`${flag} needs the name of an image file`);
    return { disks: [...disks, { path, readOnly: path !== value }] };
  },
  ...Object.fromEntries(
    (["--fda", "--fdb", "--hda", "--hdb", "--hdc", "--hdd", "--cdrom"] as const).map((flag): [string, Setter] => [flag, drive]),
  ),
  "--video-bios": (videoBios) => ({ videoBios }),
  "--boot": (value) => ({ bootOrder: bootOrder(value) }),
  "--debug-exit": (value, flag) => ({ debugExitPort: integer(flag, value, 0, 0xffff) }),
  "--post-port": (value, flag) => ({ postPort: integer(flag, value, 0, 0xffff) }),
  "--post-until": (value, flag) => ({ postUntil: integer(flag, value, 0, 0xff) }),
  "--until": (until) => {
    if (until === "") throw new BadOption("--until needs a text of at least one character");
    return { until };
  },
  "--timeout": (value) => ({ timeoutSeconds: seconds(value) }),
  "--max-insns": (value, flag) => ({ maxInstructions: integer(flag, value, 1, Number.MAX_SAFE_INTEGER) }),
  "--slice": (value, flag) => ({ sliceInstructions: integer(flag, value, 1, Number.MAX_SAFE_INTEGER) }),
  "--load-snapshot": (loadSnapshot) => ({ loadSnapshot }),
  "--save-snapshot": (saveSnapshot) => ({ saveSnapshot }),
  "--stats": (stats) => ({ stats }),
  "--screenshot": (screenshot) => ({ screenshot }),
  "--break": (value) => ({ break: value }),
  "--trace": (trace) => ({ trace }),
  "--trace-file": (traceFile) => ({ traceFile }),
  "--symbols": (symbols) => ({ symbols }),
  "--gdb": (value, flag) => ({ gdb: integer(flag, value, 0, 0xffff) }),
};

const NOTHING_GIVEN: RunOptions = {
  guest: undefined,
  image: undefined,
  bios: undefined,
  kernel: undefined,
  initrd: undefined,
  append: undefined,
  memoryMb: undefined,
  cpu: undefined,
  shadow: undefined,
  accel: undefined,
  clock: undefined,
  loadSnapshot: undefined,
  saveSnapshot: undefined,
  incremental: false,
  debugExitPort: undefined,
  disks: [],
  drives: [],
  videoBios: undefined,
  bootOrder: undefined,
  postPort: undefined,
  postUntil: undefined,
  until: undefined,
  timeoutSeconds: undefined,
  maxInstructions: undefined,
  sliceInstructions: undefined,
  stats: undefined,
  screenshot: undefined,
  screenText: false,
  break: undefined,
  trace: undefined,
  traceFile: undefined,
  symbols: undefined,
  gdb: undefined,
};

/** Throws BadOption. `--flag value` and `--flag=value` mean the same. */
export function parseRunOptions(argv: readonly string[]): RunOptions {
  let options = NOTHING_GIVEN;
  const seen = new Set<string>();
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (!word.startsWith("--")) throw new BadOption(`"${word}" belongs to no option; vitrine run --help lists them`);
    const equals = word.indexOf("=");
    const flag = equals < 0 ? word : word.slice(0, equals);
    if (NOT_YET.has(flag)) throw new BadOption(`${flag}: not yet${flag === "--smp" ? "; there is one CPU" : ""}`);
    if (Object.hasOwn(SWITCHES, word)) {
      options = { ...options, ...SWITCHES[word] };
      continue;
    }
    const set = Object.hasOwn(SETTERS, flag) ? SETTERS[flag] : undefined;
    if (!set) throw new BadOption(`unknown option ${flag}; vitrine run --help lists them`);
    if (seen.has(flag) && flag !== "--disk" && flag !== "--cdrom") throw new BadOption(`${flag} is given twice`);
    seen.add(flag);
    const value = equals < 0 ? argv[++at] : word.slice(equals + 1);
    if (value === undefined || (equals < 0 && isFlag(value))) throw new BadOption(`${flag} needs a value`);
    options = { ...options, ...set(value, flag, options) };
  }
  checkTogether(options);
  return options;
}

/** A forgotten value shows as the next flag; texts may begin with dashes in any other way. */
const isFlag = (word: string): boolean => Object.hasOwn(SETTERS, word) || NOT_YET.has(word) || WITHOUT_VALUE.has(word);

function checkTogether(options: RunOptions): void {
  if (options.traceFile !== undefined && options.trace === undefined) throw new BadOption("--trace-file needs --trace: which exits?");
  if (options.disks.length > 0 && options.loadSnapshot !== undefined)
    throw new BadOption("--disk: a snapshot brings its machine's disks along, in memory; leave out --disk");
  if (options.incremental && (options.loadSnapshot === undefined || options.saveSnapshot === undefined))
    throw new BadOption("--incremental needs --load-snapshot and --save-snapshot: what has changed since when, and where to?");
  if (options.drives.length > 0 && options.loadSnapshot !== undefined)
    throw new BadOption("drives: a snapshot brings its machine's disks along, in memory; leave them out");
  if (options.videoBios !== undefined && options.bios === undefined) throw new BadOption("--video-bios belongs to --bios");
  if (options.bootOrder !== undefined && (options.kernel ?? options.image ?? options.guest) !== undefined)
    throw new BadOption("--boot chooses what firmware tries; the other options boot directly");
  const sources = [options.kernel && "--kernel", options.image && "--image", options.bios && "--bios", options.guest && "--guest"].filter(
    Boolean,
  );
  if (sources.length > 1) throw new BadOption(`${sources.join(" and ")} contradict each other; give one`);
  if (options.kernel !== undefined || options.guest !== undefined) {
    if (options.guest !== undefined && options.initrd !== undefined)
      throw new BadOption("--initrd belongs to --kernel; the guest has its own");
    return;
  }
  if (options.initrd !== undefined) throw new BadOption("--initrd needs --kernel");
  if (options.append !== undefined) throw new BadOption("--append needs --kernel or --guest");
}

function drive(value: string, flag: string, { drives }: RunOptions): Partial<RunOptions> {
  const path = value.replace(/,ro$/, "");
  if (path === "") throw new BadOption(`${flag} needs the name of an image file`);
  const isCd = flag === "--cdrom";
  const slot = isCd ? (drives.some((each) => each.slot === "hdc") ? "hdd" : "hdc") : (flag.slice(2) as DriveSlot);
  if (drives.some((each) => each.slot === slot)) throw new BadOption(`${flag}: there is a drive ${slot} already`);
  const media = isCd ? "cdrom" : isFloppySlot(slot) ? "floppy" : "disk";
  return { drives: [...drives, { slot, media, path, readOnly: isCd || path !== value }] };
}

const BOOT_LETTERS: Readonly<Record<string, BootDevice>> = { a: "floppy", c: "disk", d: "cdrom" };

function bootOrder(value: string): BootDevice[] {
  const devices = [...value].map((letter) => BOOT_LETTERS[letter]);
  if (devices.some((device) => device === undefined) || new Set(devices).size !== devices.length || devices.length === 0)
    throw new BadOption(`--boot ${value}: give the letters a (floppy), c (disk), d (CD-ROM), each at most once`);
  return devices as BootDevice[];
}

function integer(flag: string, value: string, least: number, most: number): number {
  const number = /^(0x[0-9a-fA-F]+|\d+)$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) throw new BadOption(`${flag} ${value}: give a whole number, ${least} to ${most}`);
  return number;
}

function seconds(value: string): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (!(number > 0 && number < 1e9)) throw new BadOption(`--timeout ${value}: give a number of seconds above 0`);
  return number;
}

function oneOf<T extends string>(flag: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new BadOption(`${flag} ${value}: give ${choices.join(" or ")}`);
  return choice;
}

function clock(value: string): NonNullable<RunOptions["clock"]> {
  if (value === "real" || value === "realtime") return { kind: "realtime" };
  const match = /^deterministic(?:=(\d+(?:\.\d+)?))?$/.exec(value);
  if (!match) throw new BadOption(`--clock ${value}: give real or deterministic[=TICKS_PER_US]`);
  const ticksPerUs = match[1] === undefined ? DEFAULT_TICKS_PER_US : Number(match[1]);
  if (!(ticksPerUs > 0 && ticksPerUs <= 100_000))
    throw new BadOption(`--clock ${value}: give more than 0 and at most 100000 ticks per microsecond`);
  return { kind: "deterministic", ticksPerUs };
}

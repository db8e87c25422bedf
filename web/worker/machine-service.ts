/**
 * Drives one machine for the page: loads its images, runs it, and reports output, status and its end. It knows
 * nothing of workers: messages come and go through the functions it is given, so that tests need no browser.
 */
import { AssertionFailed, ImageUnreadable, OutOfMemory, toWire } from "../lib/errors";
import { type BootConfig, type MachineConfig, MOST_MEMORY_MB } from "../machine/config";
import { Machine, type MachineExit, type MachineOptions } from "../machine/machine";
import type { Handlers, Send } from "../protocol/channel";
import type { Created } from "../protocol/commands";
import type { RunState } from "../protocol/events";
import { detectImage, HEAD_BYTES } from "../protocol/image-kind";
import { type DriveBoot, type ImageSource, isDriveBoot, type Recipe } from "../protocol/recipe";
import { AttachedDisks, joined } from "./attached-disks";
import { DriveService } from "./drive-handlers";
import { firmwareMachine } from "./firmware-machine";
import { ImageStore, type OnProgress } from "./image-store";
import { InspectService } from "./inspect-handlers";
import { ScreenFeed } from "./screen-feed";
import { SerialOutlet } from "./serial-outlet";
import { SnapshotService } from "./snapshot-handlers";

const STATUS_MS = 250;
/** ESC c: a terminal's reset. */
const CLEAR_TERMINAL = [0x1b, 0x63];

export interface ServiceOptions {
  readonly send: Send;
  readonly images: ImageStore;
  /** The core's WebAssembly, compiled. */
  readonly wasm: () => Promise<WebAssembly.Module>;
  /** Tests give a core and a clock of their own. */
  readonly machine?: MachineOptions;
}

export class MachineService {
  readonly #options: ServiceOptions;
  readonly #outlet: SerialOutlet;
  readonly #inspect: InspectService;
  readonly #snapshots: SnapshotService;
  readonly #screen: ScreenFeed;
  readonly #drives: DriveService;
  /** How many snapshots are being written or captured. */
  #holds = 0;
  readonly #disks: AttachedDisks;
  #machine: Machine | undefined;
  /** What the user wants; the machine may stand still nevertheless while the page catches up. */
  #wantsToRun = false;
  #isHeld = false;
  #figures = { ms: 0, instructions: 0, busyMs: 0 };

  constructor(options: ServiceOptions) {
    this.#options = options;
    const hold = (on: boolean): void => {
      this.#holds += on ? 1 : -1;
      this.#applyRun();
    };
    this.#disks = new AttachedDisks(options.send, hold);
    this.#outlet = new SerialOutlet({
      now: () => performance.now(),
      setTimer: (callback, ms) => void setTimeout(callback, ms),
      post: (bytes) => options.send({ type: "serial", port: 0, bytes }, [bytes.buffer as ArrayBuffer]),
      hold: (held) => {
        this.#isHeld = held;
        this.#applyRun();
      },
    });
    this.#screen = new ScreenFeed(options.send, () => this.#machine);
    this.#drives = new DriveService({
      machine: () => this.#existing,
      load: (source) => options.images.load(source, (progress) => options.send({ type: "progress", progress })),
      hold,
    });
    this.#inspect = new InspectService({
      machine: () => this.#existing,
      setRunning: (on) => this.#setRunning(on),
      send: options.send,
    });
    this.#snapshots = new SnapshotService({
      send: options.send,
      machine: () => this.#machine,
      machineOptions: async () => options.machine ?? { wasm: await options.wasm() },
      adopt: (machine) => this.#adopt(machine),
      disks: this.#disks,
      hold,
    });
    this.handlers = { ...this.#handlers, ...this.#drives.handlers, ...this.#inspect.handlers, ...this.#snapshots.handlers };
    setInterval(() => {
      if (this.#machine?.state === "running") void this.#sendStatus();
    }, STATUS_MS);
  }

  readonly handlers: Handlers;
  readonly #handlers: Omit<
    Handlers,
    keyof DriveService["handlers"] | keyof InspectService["handlers"] | keyof SnapshotService["handlers"]
  > = {
    create: async ({ recipe }) => {
      const tell: OnProgress = (progress) => this.#options.send({ type: "progress", progress });
      const config = await this.#configuration(recipe, tell);
      tell({ step: "start", name: "", done: 0, total: 0 });
      return this.#adopt(await this.#create(config));
    },
    start: () => this.#setRunning(true),
    pause: () => {
      this.#inspect.cancel();
      return this.#setRunning(false);
    },
    reset: () => {
      this.#existing.reset();
      this.#wantsToRun = true;
      // A reset asked for within a slice happens at its end; the machine then goes on by itself.
      this.#applyRun();
      return this.#sendStatus();
    },
    prefetch: async ({ images }) => {
      if (!ImageStore.isPersistent) return { stored: false };
      for (const image of images) await this.#options.images.load(image, () => {});
      return { stored: true };
    },
    "serial-input": ({ port, bytes }) => this.#existing.serial(port).write(bytes),
    keys: ({ codes }) => this.#existing.pressKeys(codes),
    mouse: ({ right, up, buttons }) => this.#existing.moveMouse(right, up, buttons),
    "power-button": () => this.#existing.pressPowerButton(),
    "watch-screen": ({ on }) => this.#screen.watch(on),
    "screen-shown": () => this.#screen.shown(),
    "serial-shown": ({ bytes }) => this.#outlet.shown(bytes),
  };

  /** What a machine from a snapshot had sent before is sent once more, so that its terminal is as it was. */
  #adopt(machine: Machine): Created {
    this.#machine = machine;
    this.#disks.follow(machine);
    this.#listen(machine);
    this.#inspect.attach(machine);
    if (machine.terminal.length > 0) this.#outlet.add(machine.terminal);
    return { summary: machine.bootSummary, memoryMb: machine.config.memoryMb, hasScreen: machine.screen !== undefined };
  }

  get #existing(): Machine {
    if (!this.#machine) throw new AssertionFailed("the page commands a machine that exists");
    return this.#machine;
  }

  /** For consoles and tests: the machine of docs/api.md, once there is one. */
  get machine(): Machine | undefined {
    return this.#machine;
  }

  #setRunning(on: boolean): Promise<null> {
    this.#wantsToRun = on;
    this.#applyRun();
    if (!on) {
      this.#outlet.flush();
      this.#inspect.refresh();
      this.#snapshots.stopped();
    }
    return this.#sendStatus();
  }

  #applyRun(): void {
    const machine = this.#machine;
    if (!machine || machine.state === "ended") return;
    if (this.#wantsToRun && !this.#isHeld && this.#holds === 0) machine.start();
    else machine.pause();
  }

  async #configuration(recipe: Recipe, tell: OnProgress): Promise<MachineConfig> {
    const load = (source: ImageSource): Promise<Uint8Array> => this.#options.images.load(source, tell);
    const attached = recipe.disks ?? [];
    const initrds = [recipe.initrd, ...(attached.length > 0 ? (recipe.diskInitrds ?? []) : [])].filter((each) => each !== undefined);
    const [image, ...parts] = await Promise.all([recipe.image, ...initrds].map(load));
    const disks = await this.#disks.open(attached);
    const kind = recipe.boot === "auto" ? detected(recipe.image.name, image!) : recipe.boot;
    if (isDriveBoot(kind)) return firmwareMachine({ ...recipe, boot: kind }, image!, disks, load);
    const boot = bootConfig(recipe, kind, image!, joined(parts));
    return { boot, memoryMb: recipe.memoryMb, cpu: recipe.cpu, accel: recipe.isTranslated ? "jit" : "interp", disks };
  }

  async #create(config: MachineConfig): Promise<Machine> {
    try {
      return await Machine.create(config, this.#options.machine ?? { wasm: await this.#options.wasm() });
    } catch (error) {
      // A WebAssembly memory that cannot grow so far, or an array that cannot be had.
      if (error instanceof RangeError && (config.memoryMb ?? 0) <= MOST_MEMORY_MB)
        throw new OutOfMemory(config.memoryMb ?? 0, "Give the machine less memory, or close other tabs and try again.");
      throw error;
    }
  }

  #listen(machine: Machine): void {
    machine.serial(0).onData((bytes) => this.#outlet.add(bytes));
    machine.onTravel(() => {
      // The terminal begins anew, with what had been sent by then.
      this.#outlet.flush();
      this.#outlet.add(Uint8Array.from([...CLEAR_TERMINAL, ...machine.terminal]));
      this.#outlet.flush();
    });
    machine.onReset(() => {
      this.#outlet.flush();
      this.#options.send({ type: "machine-reset" });
    });
    machine.onExit((exit) => {
      this.#wantsToRun = false;
      this.#outlet.flush();
      void this.#sendStatus();
      this.#options.send({ type: "ended", exit: exitReport(exit) });
      this.#snapshots.stopped();
    });
  }

  /** Resolves to null, the answer of the commands that end with it. */
  async #sendStatus(): Promise<null> {
    const machine = this.#existing;
    const stats = await machine.stats();
    const ms = stats.wallSeconds * 1000;
    const busyMs = stats.mips > 0 ? stats.instructions / stats.mips / 1000 : 0;
    const elapsed = Math.max(1, ms - this.#figures.ms);
    const instructions = Math.max(0, stats.instructions - this.#figures.instructions);
    const idle = Math.min(1, Math.max(0, 1 - (busyMs - this.#figures.busyMs) / elapsed));
    this.#figures = { ms, instructions: stats.instructions, busyMs };
    this.#options.send({
      type: "status",
      status: {
        state: this.#state(machine),
        mips: instructions / elapsed / 1000,
        idle,
        instructions: stats.instructions,
        guestSeconds: stats.guestSeconds,
        memoryMb: machine.config.memoryMb,
        ...(machine.config.accel === "jit" ? { translated: stats.jit.instructionsInJit / Math.max(1, stats.instructions) } : {}),
        ...(machine.media.drives.length > 0 ? { drives: this.#drives.look() } : {}),
        unimplemented: stats.unimplemented,
      },
    });
    return null;
  }

  #state(machine: Machine): RunState {
    if (machine.state === "ended") return "ended";
    return this.#wantsToRun ? "running" : "paused";
  }
}

function exitReport(exit: MachineExit): Extract<Parameters<Send>[0], { readonly type: "ended" }>["exit"] {
  return { reason: exit.reason, status: exit.status, message: exit.message, ...(exit.error ? { error: toWire(exit.error) } : {}) };
}

type LoadedKind = "sector" | "linux" | "multiboot";

/** What the machine loads itself. Throws ImageUnreadable. */
function bootConfig(recipe: Recipe, kind: LoadedKind, image: Uint8Array, initrd: Uint8Array | undefined): BootConfig {
  const { commandLine } = recipe;
  switch (kind) {
    case "sector":
      if (initrd) throw new ImageUnreadable(recipe.initrd!.name, "A boot sector takes no initrd.", "Remove it, or choose a Linux kernel.");
      return { kind: "sector", image };
    case "linux":
      return { kind: "linux", kernel: image, commandLine, ...(initrd ? { initrd } : {}) };
    case "multiboot":
      return { kind: "multiboot", kernel: image, commandLine, modules: initrd ? [{ data: initrd, commandLine: recipe.initrd!.name }] : [] };
  }
}

/** For an image whose kind the user did not say, by its first bytes. Throws ImageUnreadable. */
function detected(name: string, image: Uint8Array): LoadedKind | DriveBoot {
  const { kind, description } = detectImage(image.subarray(0, HEAD_BYTES), image.length);
  switch (kind) {
    case "linux-kernel":
    case "elf":
      return "linux";
    case "multiboot":
      return "multiboot";
    case "boot-sector":
      return "sector";
    case "cd":
      return "cdrom";
    case "floppy":
    case "disk":
      return kind;
    case "initrd":
      throw new ImageUnreadable(name, `It is an ${description}, not a kernel.`, "Choose a kernel to boot, and this file as its initrd.");
    case "unknown":
      throw new ImageUnreadable(
        name,
        `It is ${description}, which cannot be booted.`,
        "Choose a Linux kernel (vmlinuz, bzImage, vmlinux), a multiboot kernel, a boot sector, or an image of a CD or disk.",
      );
  }
}

/**
 * The board: an i440FX/PIIX3 PC. The only file that knows all devices and connects chip to chip and chip to
 * processor. It does not run anything: the machine drives it with the core's callbacks, fires due alarms, and serves
 * its requests between two `run()` calls.
 */
import { SnapshotIncompatible } from "../lib/errors";
import { hex } from "../lib/hex";
import { decodeState, encodeState } from "../snapshot/codec";
import type { Schema, StateOf } from "../snapshot/schema";
import type { BlockDevice } from "../storage/block-device";
import { Apics, messageOf } from "./apic";
import { type AccessCounts, Bus } from "./bus";
import { type ClockAdjustment, GuestClock } from "./clock";
import { cmosCells } from "./cmos";
import type { Core } from "./core";
import type { AccessSize, Board, Device, Dma, Line } from "./device";
import { CoprocessorError } from "./devices/coprocessor-error";
import { DebugConsole, DebugExit, POST_PORT, PostPort } from "./devices/debug-ports";
import { BYTE_DMA, Dma8237, WORD_DMA } from "./devices/dma";
import { FloppyController } from "./devices/floppy";
import { FwCfg } from "./devices/fw-cfg";
import { Hpet } from "./devices/hpet";
import { I8042 } from "./devices/i8042";
import { Ide } from "./devices/ide";
import { Keyboard } from "./devices/keyboard";
import { Mouse } from "./devices/mouse";
import { PciHostBridge } from "./devices/pci";
import { Pic } from "./devices/pic";
import { Piix3 } from "./devices/piix3";
import { Piix4Pm } from "./devices/piix4-pm";
import { Pit } from "./devices/pit";
import { Rtc } from "./devices/rtc";
import { SystemControl } from "./devices/system-control";
import { Uart } from "./devices/uart";
import { VGA_WINDOW, Vga } from "./devices/vga";
import { VirtioBlk } from "./devices/virtio-blk";
import { type BootDevice, type DriveConfig, type DriveSlot, floppyDisks, idePlaces, isFloppySlot } from "./drives";
import { firmwareItems } from "./firmware-items";
import { HostWorks } from "./host-work";
import { InterruptController, SwitchedLine } from "./irq";
import { ShadowRom } from "./shadow-rom";
import { CoreVideoMemory } from "./video-memory";

/** What the board needs to know; a machine's resolved configuration has it all. */
export interface PcOptions {
  /** RAM in MB, for the CMOS cells that tell the guest. */
  readonly memoryMb: number;
  /** Ticks in a microsecond of guest time (realtime: the rate until the first `clock.adjust`). */
  readonly clock: { readonly kind: "realtime" | "deterministic"; readonly ticksPerUs: number };
  /** Seconds since 1970 (UTC) at power-on: a logged input. */
  readonly epochSeconds: number;
  /** Local APIC and I/O APIC are fitted: the CPU model has one. Default no. */
  readonly apic?: boolean | undefined;
  /** COM2 beside COM1. With firmware there are all four. */
  readonly com2?: boolean | undefined;
  /** First of the four ports of the debug exit; left out, it is not fitted. */
  readonly debugExitPort?: number | undefined;
  /** Port at which `postPort` hears POST codes. Default 80h, where there is a latch in any case. */
  readonly postPort?: number | undefined;
  /** Disks on virtio-blk, in the guest's order. */
  readonly disks?: readonly BlockDevice[] | undefined;
  /** Drives on IDE and floppy drives. */
  readonly drives?: readonly DriveConfig[] | undefined;
  /** What runs at the reset vector: then the board has all that firmware expects, with a screen. */
  readonly firmware?: FirmwareOptions | undefined;
  readonly log?: ((entry: LogEntry) => void) | undefined;
  /** Hears every adjustment of the clock, for the input log. */
  readonly onClockAdjusted?: ((adjustment: ClockAdjustment) => void) | undefined;
}

export interface FirmwareOptions {
  readonly rom: Uint8Array;
  readonly videoRom?: Uint8Array | undefined;
  readonly serialConsole?: boolean | undefined;
  readonly bootOrder?: readonly BootDevice[] | undefined;
}

export interface LogEntry {
  readonly device: string;
  /** `guest`: the guest did something wrong or in vain; `info`: worth knowing. */
  readonly level: "guest" | "info";
  readonly message: string;
  /** Guest time. */
  readonly ns: number;
}

/** What a device asks of the machine; served between two `run()` calls. */
export type PcRequest =
  /** The processor's RESET# pin was pulled by `source`: call `pc.reset()` and `core.reset()`. */
  | { readonly kind: "reset"; readonly source: string }
  /** The guest turned the machine off. */
  | { readonly kind: "power-off" }
  /** The guest wrote `value` to the debug exit: exit status (value << 1) | 1. */
  | { readonly kind: "debug-exit"; readonly value: number };

/** The part of the core that the board drives. */
export type CpuPins = Pick<Core, "ticks" | "limit" | "stop" | "setIntr" | "setA20" | "setIgnne" | "pulseNmi" | "memory"> &
  Partial<Pick<Core, "mapRam" | "mapDevice" | "protect" | "beginWriteEpoch" | "frameEpoch">>;

export interface DeviceStats extends AccessCounts {
  /** What the guest did wrong, by `DeviceLog.guest`. */
  guestErrors: number;
}

/** A device under the name it has in snapshots, logs and `--stats`. */
export interface NamedDevice {
  readonly name: string;
  readonly device: Device;
}

/** PCI device number of the first disk; 2 and 3 are left to the screen and the network. */
const FIRST_DISK_SLOT = 4;

/** Real time is measured in slices and never exact: what is less is left as it is. */
const LEAST_LATE_SECONDS = 2;
/** 50 years: nobody's snapshot is older, and a forged one gets no date beyond all calendars. */
const MOST_LATE_SECONDS = 50 * 365.2425 * 86_400;

/** The floppy controller's channel of the first DMA controller. */
const FLOPPY_CHANNEL = 2;

/** COM1 to COM4 at IBM's and everybody's places: first port and interrupt request, of which two share each. */
const SERIAL_PORTS = [
  [0x3f8, 4],
  [0x2f8, 3],
  [0x3e8, 4],
  [0x2e8, 3],
] as const;

/** Entries of one device that reach the log; further ones are only counted. */
const LOGGED_PER_DEVICE = 100;

/** Ports that systems probe for hardware which this board does not have: [first, count]. */
const ABSENT_PORTS: readonly (readonly [number, number])[] = [
  [0x22, 2], // Cyrix configuration, IMCR
  [0x62, 2],
  [0x65, 3],
  [0xed, 1], // alternative delay port
  [0xf1, 1], // coprocessor reset of the 80286
  [0x170, 8], // IDE
  [0x1f0, 8],
  [0x279, 1], // ISA Plug and Play
  [0xa79, 1],
  [0x203, 1],
  [0x278, 8], // parallel ports
  [0x378, 8],
  [0x3bc, 4],
  [0x2e8, 8], // COM4, COM2, COM3
  [0x2f8, 8],
  [0x3e8, 8],
  [0x376, 1],
  [0x3b0, 0x30], // VGA
  [0x1ce, 3],
  [0x3f0, 8], // floppy
  [0x510, 12], // fw_cfg
  [0x84, 3], // page registers without a channel
  [0x88, 1],
  [0x8c, 3],
  [0xb2, 2], // APM
  [0xcfa, 2],
];

export class Pc {
  readonly bus: Bus;
  readonly clock: GuestClock;
  /** What the host does for devices meanwhile. */
  readonly works: HostWorks;
  /** COM1, and what else is fitted of COM2 to COM4. */
  readonly serial: readonly Uart[];
  readonly keyboard = new Keyboard();
  readonly mouse = new Mouse();
  readonly debugConsole = new DebugConsole();
  /** Hears the POST codes: the latch at port 80h, or one at another port. */
  readonly postPort: PostPort;
  readonly interrupts: InterruptController;
  /** The screen, where there is firmware to set it up. */
  readonly vga: Vga | undefined;
  readonly videoMemory: CoreVideoMemory | undefined;
  readonly ide: Ide | undefined;
  readonly floppy: FloppyController | undefined;
  /** Hears that the guest opens a drive's tray. */
  onTray: (slot: DriveSlot) => void = () => {};
  readonly #pm: Piix4Pm | undefined;
  readonly #shadow: ShadowRom | undefined;
  /** Where the CPU model has them. */
  readonly apics: Apics | undefined;
  /** In the fixed order of snapshots. The 8259As and APICs come last: when the others drive their lines on load, they are overwritten. */
  readonly devices: readonly NamedDevice[];
  readonly #rtc: Rtc;
  readonly #piix3: Piix3;
  readonly #cards: readonly { readonly name: string; readonly device: VirtioBlk }[];
  readonly #log: ((entry: LogEntry) => void) | undefined;
  readonly #guestErrors = new Map<string, number>();
  /** What the HPET takes the place of: the requests of the 8254 and the RTC. */
  readonly #replaced: SwitchedLine[] = [];
  readonly #core: CpuPins;
  readonly #coprocessorError: CoprocessorError;
  #request: PcRequest | undefined;

  /** `core` asks this board through `portRead` and its like; the machine hands these calls on. */
  constructor(core: CpuPins, options: PcOptions) {
    this.#core = core;
    this.#log = options.log;
    this.bus = new Bus((message) => this.#report("bus", "guest", message));
    for (const [first, count] of ABSENT_PORTS) this.bus.expectAbsent(first, count);
    this.clock = new GuestClock({
      ticksPerUs: options.clock.ticksPerUs,
      realtime: options.clock.kind === "realtime",
      epochSeconds: options.epochSeconds,
      ticks: () => core.ticks,
      onAdjust: options.onClockAdjusted,
    });
    this.works = new HostWorks({ clock: this.clock, realtime: options.clock.kind === "realtime" });
    this.clock.onEarlier = (tick) => core.limit(tick);

    const master = new Pic(0x20, 0x4d0, 0x07, true);
    const slave = new Pic(0xa0, 0x4d1, 0x21, false);
    const apics = options.apic
      ? new Apics({
          intr: (level) => core.setIntr(level),
          nmi: () => core.pulseNmi(),
          acknowledgeExternal: () => this.interrupts.acknowledge(),
        })
      : undefined;
    this.apics = apics;
    this.interrupts = new InterruptController(
      master,
      slave,
      (level) => (apics ? apics.setExternal(level) : core.setIntr(level)),
      (request, level) => apics?.setRequest(request, level),
    );
    const pit = new Pit();
    const system = new SystemControl({
      setTimer2Gate: (level) => pit.setGate2(level),
      timer2Output: () => pit.out2,
      refreshToggle: () => pit.refreshToggle,
      a20: { set: (level) => core.setA20(level) },
      requestReset: () => this.#ask({ kind: "reset", source: "port 92h" }),
    });
    const { firmware, drives = [] } = options;
    const hasFloppies = firmware !== undefined || drives.some(({ slot }) => isFloppySlot(slot));
    this.#rtc = new Rtc(cmosCells(options.memoryMb * 0x100000, drives, hasFloppies));
    const piix3 = new Piix3(
      () => this.#ask({ kind: "reset", source: "port CF9h" }),
      (n, level) => apics?.setPirq(n, level),
    );
    this.#piix3 = piix3;
    const i8042 = new I8042(this.keyboard, this.mouse, system.a20Gate, () => this.#ask({ kind: "reset", source: "keyboard controller" }));
    this.#coprocessorError = new CoprocessorError({ set: (level) => core.setIgnne(level) });
    this.serial = SERIAL_PORTS.slice(0, firmware ? SERIAL_PORTS.length : options.com2 ? 2 : 1).map(
      ([port, request], n) => new Uart(`COM${n + 1}`, port, request),
    );

    const latch = new PostPort();
    const elsewhere = options.postPort !== undefined && options.postPort !== POST_PORT;
    this.postPort = elsewhere ? new PostPort(options.postPort) : latch;
    this.#cards = (options.disks ?? []).map((disk, n) => ({
      name: `virtio-blk${n}`,
      device: new VirtioBlk(FIRST_DISK_SLOT + n, disk, { serial: `vitrine-${n}` }),
    }));

    const memoryBytes = options.memoryMb * 0x100000;
    this.vga = firmware ? new Vga() : undefined;
    // What RAM lies there is no more.
    if (this.vga) core.mapDevice?.(VGA_WINDOW.first, VGA_WINDOW.bytes);
    this.#pm = firmware ? new Piix4Pm(() => this.#ask({ kind: "power-off" })) : undefined;
    const shadow = firmware ? new ShadowRom(core, firmware.rom) : undefined;
    this.#shadow = shadow;
    const hasIde = firmware !== undefined || drives.some(({ slot }) => !isFloppySlot(slot));
    this.ide = hasIde ? new Ide(idePlaces(drives, (slot) => this.onTray(slot))) : undefined;
    const byteDma = new Dma8237(BYTE_DMA);
    this.floppy = hasFloppies
      ? new FloppyController(floppyDisks(drives), {
          ready: (toMemory) => byteDma.ready(FLOPPY_CHANNEL, toMemory),
          toMemory: (data) => byteDma.writeMemory(FLOPPY_CHANNEL, data),
          fromMemory: (length) => byteDma.readMemory(FLOPPY_CHANNEL, length),
        })
      : undefined;
    const functions = [
      piix3,
      ...(this.ide ? [this.ide.endpoint] : []),
      ...(this.#pm ? [this.#pm] : []),
      ...(this.vga ? [this.vga.endpoint] : []),
    ];
    const bridge = new PciHostBridge([...functions, ...this.#cards.map(({ device }) => device.endpoint)], (segments, isLoaded) =>
      shadow?.apply(segments, isLoaded),
    );

    const devices: NamedDevice[] = [
      { name: "dma1", device: byteDma },
      { name: "dma2", device: new Dma8237(WORD_DMA) },
      { name: "pit", device: pit },
      { name: "system-control", device: system },
      { name: "rtc", device: this.#rtc },
      { name: "keyboard", device: this.keyboard },
      { name: "mouse", device: this.mouse },
      { name: "i8042", device: i8042 },
      ...this.serial.map((device, n) => ({ name: `com${n + 1}`, device })),
      ...this.#cards,
      { name: "pci", device: bridge },
      { name: "piix3", device: piix3 },
      { name: "coprocessor-error", device: this.#coprocessorError },
      { name: "debug-console", device: this.debugConsole },
      { name: "post", device: latch },
    ];
    if (firmware) {
      const items = firmwareItems({
        ...{ memoryBytes, drives, videoRom: firmware.videoRom, serialConsole: firmware.serialConsole ?? false },
        ...{ bootOrder: firmware.bootOrder ?? [], virtioSlots: this.#cards.map((_, n) => FIRST_DISK_SLOT + n) },
      });
      devices.push({ name: "fw-cfg", device: new FwCfg(items) });
    }
    if (this.floppy) devices.push({ name: "floppy", device: this.floppy });
    if (this.ide) devices.push({ name: "ide", device: this.ide });
    if (this.#pm) devices.push({ name: "power-management", device: this.#pm });
    if (this.vga) devices.push({ name: "vga", device: this.vga });
    if (firmware) devices.push({ name: "hpet", device: new Hpet((replaces) => this.#replace(replaces)) });
    if (elsewhere) devices.push({ name: "post-codes", device: this.postPort });
    if (options.debugExitPort !== undefined) {
      const debugExit = new DebugExit(options.debugExitPort, (value) => this.#ask({ kind: "debug-exit", value }));
      devices.push({ name: "debug-exit", device: debugExit });
    }
    devices.push({ name: "pic2", device: slave }, { name: "pic1", device: master });
    if (apics) devices.push({ name: "io-apic", device: apics.io }, { name: "local-apic", device: apics.local });
    this.devices = devices;
    for (const { name, device } of devices) device.attach(this.#boardFor(name));
  }

  /** The processor's FERR# output. */
  ferr(level: boolean): void {
    this.#coprocessorError.setFerr(level);
  }

  /** IN and INS. The hot path of a boot: these five allocate nothing. */
  portRead(port: number, size: AccessSize): number {
    return this.bus.readPort(port, size);
  }

  portWrite(port: number, value: number, size: AccessSize): void {
    this.bus.writePort(port, value, size);
  }

  mmioRead(address: number, size: AccessSize): number {
    return this.bus.readMmio(address, size);
  }

  mmioWrite(address: number, value: number, size: AccessSize): void {
    this.bus.writeMmio(address, value, size);
  }

  acknowledgeInterrupt(): number {
    return this.apics ? this.apics.local.acknowledge() : this.interrupts.acknowledge();
  }

  /** The first request stands until it is served. */
  #ask(request: PcRequest): void {
    this.#request ??= request;
    this.#core.stop();
  }

  /** The request that made the core stop, if one did; asking clears it. */
  takeRequest(): PcRequest | undefined {
    const request = this.#request;
    this.#request = undefined;
    return request;
  }

  /** The board's RESET# line: every device to power-on, battery aside. The machine resets the core itself. */
  reset(): void {
    for (const { device } of this.devices) device.reset();
    this.#request = undefined;
  }

  /** The world's time is this: the clock of the board that runs on its battery catches up. Returns by how many seconds. */
  catchUpDate(utcSeconds: number): number {
    const seconds = Math.floor(utcSeconds - this.clock.utcSeconds);
    if (!(seconds >= LEAST_LATE_SECONDS && seconds <= MOST_LATE_SECONDS)) return 0;
    this.skipDate(seconds);
    return seconds;
  }

  /** A replay gives what `catchUpDate` returned. */
  skipDate(seconds: number): void {
    this.#rtc.skip(seconds);
    this.clock.skipDate(seconds);
  }

  /** The NMI button. Port 70h bit 7 keeps it from the processor: then false. */
  nmi(): boolean {
    if (this.#rtc.nmiMasked) return false;
    if (this.apics) this.apics.local.nmi();
    else this.#core.pulseNmi();
    return true;
  }

  #boardFor(name: string): Board {
    this.#guestErrors.set(name, 0);
    return {
      ports: (first, count, handler) => this.bus.claimPorts(name, first, count, handler),
      mmio: (first, bytes, handler) => this.bus.claimPages(name, first, bytes, handler),
      region: (space, length, handler) => this.bus.claimRegion(name, space, length, handler),
      videoMemory: (bytes) => this.#newVideoMemory(bytes),
      irq: (request) => this.#requestOf(name, request),
      pciInterrupt: (device, pin) => this.#piix3.interruptPin(device, pin),
      messageInterrupt: (address, data) => {
        const message = messageOf(address, data);
        if (!message || !this.apics?.local.deliver(message))
          this.#report(name, "guest", `message-signalled interrupt ${hex(data)} to ${hex(address)} reaches nobody`);
      },
      clock: this.clock,
      dma: this.#dma,
      host: { begin: (deadlineNs, work, done) => this.works.begin(name, deadlineNs, work, done) },
      log: {
        guest: (message) => this.#report(name, "guest", message),
        info: (message) => this.#report(name, "info", message),
      },
    };
  }

  #requestOf(name: string, request: number): Line {
    const driver = this.interrupts.driver(request);
    if (name !== "pit" && name !== "rtc") return driver;
    const line = new SwitchedLine(driver);
    this.#replaced.push(line);
    return line;
  }

  #replace(isReplaced: boolean): void {
    for (const line of this.#replaced) line.connect(!isReplaced);
  }

  #newVideoMemory(bytes: number): CoreVideoMemory {
    const memory = new CoreVideoMemory(this.#core, bytes);
    (this as { videoMemory: CoreVideoMemory | undefined }).videoMemory = memory;
    return memory;
  }

  /** The button on the case. False: this board has none. */
  pressPowerButton(): boolean {
    this.#pm?.pressPowerButton();
    return this.#pm !== undefined;
  }

  /** Whether the machine has PCI devices that firmware would set up. */
  get hasPciCards(): boolean {
    return this.#cards.length > 0 || this.ide !== undefined;
  }

  /** Beyond RAM, reads give ones and writes are lost, as on a bus where nobody answers. */
  readonly #dma: Dma = {
    read: (address, length) => {
      const memory = this.#core.memory;
      if (address >= 0 && address + length <= memory.ramBytes) return memory.read(address, length);
      this.#report("bus", "guest", `DMA read outside RAM at ${hex(address)}`);
      return new Uint8Array(length).fill(0xff);
    },
    write: (address, data) => {
      const memory = this.#core.memory;
      if (address >= 0 && address + data.length <= memory.ramBytes) {
        if (!this.#shadow?.isTouchedBy(address, data.length)) memory.write(address, data);
        else
          for (const { first, bytes } of this.#shadow.writable(address, data.length))
            memory.write(first, data.subarray(first - address, first - address + bytes));
      } else this.#report("bus", "guest", `DMA write outside RAM at ${hex(address)}`);
    },
    contains: (address, length) => address >= 0 && address + length <= this.#core.memory.ramBytes,
  };

  #report(device: string, level: LogEntry["level"], message: string): void {
    const count = (this.#guestErrors.get(device) ?? 0) + (level === "guest" ? 1 : 0);
    this.#guestErrors.set(device, count);
    if (!this.#log || count > LOGGED_PER_DEVICE) return;
    this.#log({ device, level, message, ns: this.clock.now() });
    if (level === "guest" && count === LOGGED_PER_DEVICE) {
      this.#log({ device, level: "info", message: "further complaints are only counted", ns: this.clock.now() });
    }
  }

  /** Counters by device name for `--stats`; `bus` holds the accesses that nobody took. */
  counters(): Record<string, DeviceStats> {
    const result: Record<string, DeviceStats> = {};
    for (const { name } of this.devices) result[name] = { ...this.bus.countsOf(name), guestErrors: this.#guestErrors.get(name) ?? 0 };
    result.bus = { ...this.bus.unclaimed, guestErrors: this.#guestErrors.get("bus") ?? 0 };
    return result;
  }

  /** Canonical state of clock and devices by name, in order: the same machine gives the same bytes. Call between two `run()` calls. */
  save(): [name: string, bytes: Uint8Array][] {
    const sections = this.devices.map(({ name, device }): [string, Uint8Array] => [name, encodeState(device.schema, device.save())]);
    return [["clock", encodeState(this.clock.schema, this.clock.save())], ...sections];
  }

  /**
   * Takes over what `save` gave on a board of the same configuration; the core's ticks are set beforehand. `lenient`: a
   * device without a section stays as it is after a reset, because earlier builds did not have it. Throws
   * SnapshotIncompatible; a section that cannot be decoded leaves the board as it was.
   */
  load(sections: ReadonlyMap<string, Uint8Array>, lenient = false): void {
    const left = new Set(sections.keys());
    const decode = <S extends Schema>(name: string, device: { readonly schema: S }): StateOf<S> | undefined => {
      const bytes = sections.get(name);
      if (!bytes && lenient && name !== "clock") return undefined;
      if (!bytes) throw new SnapshotIncompatible(name, "the snapshot is of a machine without this device.");
      left.delete(name);
      return decodeState(device.schema, bytes);
    };
    const clock = decode("clock", this.clock);
    const states = this.devices.map(({ name, device }) => decode(name, device));
    for (const name of left) throw new SnapshotIncompatible(name, "this machine has no such device.");
    this.works.clear();
    this.clock.load(clock!);
    this.devices.forEach(({ device }, i) => {
      // What stays as it is has heard from the chips before it in the meantime.
      if (states[i]) device.load(states[i]);
    });
    this.#request = undefined;
  }
}

/** Builds a board around a core that is not running yet. */
export function createPc(core: CpuPins, options: PcOptions): Pc {
  return new Pc(core, options);
}

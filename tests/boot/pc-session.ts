/** A PC with firmware, used as a person would: read the screen and the serial port, type. */
import type { BootDevice, DriveConfig, DriveSlot } from "../../web/machine/drives";
import { Machine } from "../../web/machine/machine";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { scanCodes, typingCodes } from "../../web/ui/key-codes";
import { coreWasm } from "../tools/core";
import { pcFile } from "./pc-files";

export interface PcParts {
  /** By slot; `cd`: a CD in hdc. */
  readonly images: Readonly<Partial<Record<DriveSlot | "cd", Uint8Array | MemoryDisk>>>;
  readonly boot: BootDevice;
  readonly memoryMb?: number;
  readonly accel?: "interp" | "jit";
  readonly wasm?: Uint8Array<ArrayBuffer>;
}

/** Instructions between two looks, and after a key. */
const LOOK = 4_000_000;
const AFTER_KEY = 1_500_000;

export class PcSession {
  /** All that came over COM1. */
  serial = "";

  private constructor(readonly machine: Machine) {
    machine.serial(0).onData((bytes) => {
      this.serial += String.fromCharCode(...bytes);
    });
  }

  static async start({ images, boot, memoryMb = 64, accel = "interp", wasm = coreWasm() }: PcParts): Promise<PcSession> {
    const rom = await pcFile("seabios", "bios-256k.bin");
    const videoRom = await pcFile("seabios", "vgabios-stdvga.bin");
    const drives = Object.entries(images).map(([place, image]): DriveConfig => {
      const slot = place === "cd" ? "hdc" : (place as DriveSlot);
      const media = place === "cd" ? "cdrom" : slot.startsWith("fd") ? "floppy" : "disk";
      const unit = media === "cdrom" ? 2048 : 512;
      const disk =
        image instanceof MemoryDisk ? image : new MemoryDisk(Math.ceil(image.length / unit) * unit, { name: place, contents: image });
      return { slot, media, disk };
    });
    const machine = await Machine.create(
      { boot: { kind: "firmware", rom, videoRom, bootOrder: [boot] }, memoryMb, drives, accel, clock: { kind: "deterministic" } },
      { wasm },
    );
    return new PcSession(machine);
  }

  /** The text screen, a line a row; empty while it shows graphics. */
  get screen(): string {
    return (this.machine.screen?.text() ?? []).map((row) => row.trimEnd()).join("\n");
  }

  /** Until the screen or COM1 says this, at most so many guest seconds; what came over COM1 before `from` does not count. */
  async sees(text: string | RegExp, seconds: number, from = 0): Promise<boolean> {
    const end = this.machine.guestSeconds + seconds;
    const has = (where: string): boolean => (typeof text === "string" ? where.includes(text) : text.test(where));
    for (;;) {
      if (has(this.screen) || has(this.serial.slice(from))) return true;
      if (this.machine.guestSeconds >= end || this.machine.exit) return false;
      await this.machine.run({ instructions: this.machine.instructions + LOOK, tick: this.#tick(0.2) });
    }
  }

  /** Lets so many guest seconds pass, or the machine end. */
  async wait(seconds: number): Promise<void> {
    const end = this.machine.guestSeconds + seconds;
    while (this.machine.guestSeconds < end && !this.machine.exit)
      await this.machine.run({ instructions: this.machine.instructions + LOOK, tick: this.#tick(0.2) });
  }

  #tick(seconds: number): number {
    return Math.ceil((this.machine.guestSeconds + seconds) * 50_000_000);
  }

  /** By keyboard, as characters of a US layout. */
  async type(text: string): Promise<void> {
    for (const codes of typingCodes(text)) await this.#press(codes);
  }

  /** Keys by name (KeyboardEvent.code), held together. */
  async keys(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.#press(scanCodes(name, true));
    for (const name of [...names].reverse()) await this.#press(scanCodes(name, false));
  }

  async #press(codes: readonly number[]): Promise<void> {
    this.machine.pressKeys(codes);
    await this.machine.run({ instructions: this.machine.instructions + AFTER_KEY, tick: this.#tick(0.1) });
  }

  /** Over COM1. */
  send(text: string): void {
    this.machine.serial(0).write(new TextEncoder().encode(text));
  }
}

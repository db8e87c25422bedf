/** The pictures that QEMU and Vitrine make of the same floppy, with the same SeaBIOS and video BIOS. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Machine } from "../../web/machine/machine";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { coreWasm } from "../tools/core";
import type { Seabios } from "./seabios";

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel. */
  readonly rgb: Uint8Array;
}

const POLL_MS = 50;

async function until(condition: () => boolean, seconds: number, what: string): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} took more than ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** QEMU's screendump when the program has said `!`. */
export async function qemuScreen(floppy: Uint8Array, { bios, vgabios }: Seabios, seconds = 100): Promise<Pixels> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-screen-"));
  const [image, serial, dump] = ["floppy.img", "serial", "screen.ppm"].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(image, floppy);
  const machine = ["-M", "pc", "-m", "16", "-nodefaults", "-display", "none", "-bios", bios];
  const parts = ["-device", `VGA,romfile=${vgabios}`, "-drive", `if=floppy,format=raw,file=${image}`, "-boot", "a"];
  const qemu = spawn("qemu-system-i386", [...machine, ...parts, "-serial", `file:${serial}`, "-monitor", "stdio"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  try {
    await until(() => existsSync(serial) && readFileSync(serial, "latin1").includes("!"), seconds, "QEMU");
    qemu.stdin.write(`screendump ${dump}\n`);
    let pixels: Pixels | undefined;
    const isThere = (): boolean => {
      pixels = existsSync(dump) ? parsePpm(readFileSync(dump)) : undefined;
      return pixels !== undefined;
    };
    await until(isThere, seconds, "QEMU's screendump");
    return pixels!;
  } finally {
    qemu.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A binary PPM; undefined while it is not complete. */
function parsePpm(file: Buffer): Pixels | undefined {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(file.subarray(0, 64).toString("latin1"));
  if (!header) return undefined;
  const [width, height] = [Number(header[1]), Number(header[2])];
  const rgb = new Uint8Array(file.subarray(header[0].length));
  return rgb.length === 3 * width * height ? { width, height, rgb } : undefined;
}

export async function vitrineMachine(floppy: Uint8Array, { bios, vgabios }: Seabios): Promise<Machine> {
  const [rom, videoRom] = [bios, vgabios].map((path) => new Uint8Array(readFileSync(path))) as [Uint8Array, Uint8Array];
  const disk = new MemoryDisk(floppy.length, { name: "floppy", contents: floppy });
  return Machine.create(
    {
      boot: { kind: "firmware", rom, videoRom, bootOrder: ["floppy"] },
      ...{ memoryMb: 16, drives: [{ slot: "fda", media: "floppy", disk }], clock: { kind: "deterministic" } },
    },
    { wasm: coreWasm() },
  );
}

export async function vitrineScreen(floppy: Uint8Array, seabios: Seabios, seconds = 100): Promise<Pixels> {
  const machine = await vitrineMachine(floppy, seabios);
  const { reason } = await machine.run({ text: "!", wallSeconds: seconds });
  if (reason !== "text") throw new Error(`the machine ended by ${reason}`);
  const { width, height, rgba } = machine.screen!.picture();
  const rgb = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) rgb.set(rgba.subarray(4 * pixel, 4 * pixel + 3), 3 * pixel);
  return { width, height, rgb };
}

/** "equal", or the first difference as a sentence. */
export function compareScreens(ours: Pixels, theirs: Pixels): string {
  if (ours.width !== theirs.width || ours.height !== theirs.height)
    return `ours is ${ours.width} x ${ours.height}, QEMU's ${theirs.width} x ${theirs.height}`;
  let count = 0;
  let first = -1;
  for (let pixel = 0; pixel < ours.width * ours.height; pixel++) {
    if ([0, 1, 2].every((part) => ours.rgb[3 * pixel + part] === theirs.rgb[3 * pixel + part])) continue;
    if (first < 0) first = pixel;
    count++;
  }
  if (count === 0) return "equal";
  const at = ({ rgb }: Pixels) => [...rgb.subarray(3 * first, 3 * first + 3)].join(",");
  return `${count} pixels differ, the first at ${first % ours.width},${Math.floor(first / ours.width)}: ours ${at(ours)}, QEMU's ${at(theirs)}`;
}

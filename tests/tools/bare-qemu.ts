/** QEMU's `pc` without firmware's devices, for images that talk by the debug console and end by debug-exit. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const qemuMissing = spawnSync("qemu-system-i386", ["--version"]).status === 0 ? undefined : "qemu-system-i386 is not installed";

/** Arguments for 16 MB, translated (TCG), with nothing that the machine does not need. */
export const bareMachine = (cpu: string): string[] =>
  `-machine pc -accel tcg -cpu ${cpu} -m 16 -display none -nodefaults -no-reboot -net none`.split(" ");

export interface BareRun {
  /** All that went to port E9h. */
  readonly output: Uint8Array;
  /** QEMU's exit status; null where it had to be stopped. */
  readonly status: number | null;
}

/** A multiboot kernel until it writes to port F4h, or for `timeout` ms. `long`: by the emulator that has 64-bit mode. */
export function runBareImage(
  image: Uint8Array,
  choice: { readonly cpu: string; readonly timeout: number; readonly long?: boolean },
): BareRun {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-qemu-"));
  try {
    const kernel = join(folder, "image.bin");
    const log = join(folder, "log");
    writeFileSync(kernel, image);
    writeFileSync(log, "");
    const devices = ["-debugcon", `file:${log}`, "-device", "isa-debug-exit,iobase=0xf4,iosize=1"];
    const program = choice.long ? "qemu-system-x86_64" : "qemu-system-i386";
    const { status } = spawnSync(program, [...bareMachine(choice.cpu), ...devices, "-kernel", kernel], { timeout: choice.timeout });
    return { output: new Uint8Array(readFileSync(log)), status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a test image on the core and, where it is installed, in QEMU; both give the text written to port E9. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCore } from "../tools/core";
import { ORG } from "./image";

const FLAT_CODE = 0xc9bn;
const FLAT_DATA = 0xc93n;

export async function runOnCore(image: { bytes: Uint8Array; entry: number }, ticks = 2_000_000): Promise<string> {
  let log = "";
  let done = false;
  const core = await createCore(
    { ramBytes: 8 << 20 },
    {
      portWrite: (port, value) => {
        if (port === 0xe9) log += String.fromCharCode(value);
        if (port === 0xf4) {
          done = true;
          core.stop();
        }
      },
    },
  );
  core.memory.write(ORG, image.bytes);
  const flat: Record<string, bigint> = { cr0: 0x11n, rip: BigInt(image.entry), eflags: 2n, cs_selector: 8n, cs_base: 0n, cs_limit: 0xffffffffn, cs_attributes: FLAT_CODE };
  for (const name of ["ds", "es", "ss"]) Object.assign(flat, { [`${name}_selector`]: 16n, [`${name}_base`]: 0n, [`${name}_limit`]: 0xffffffffn, [`${name}_attributes`]: FLAT_DATA });
  core.setRegisters(flat);
  const end = core.run(ticks);
  if (!done) throw new Error(`the image did not finish: run ended with ${end} at ${core.getRegister("rip").toString(16)}\n${log}`);
  return log;
}

export const qemuMissing = spawnSync("qemu-system-i386", ["--version"]).status === 0 ? undefined : "qemu-system-i386 is not installed";

export function runInQemu(image: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-vmm-"));
  try {
    const kernel = join(folder, "image.bin");
    const log = join(folder, "log");
    writeFileSync(kernel, image);
    const options = ["-machine", "pc", "-accel", "tcg", "-cpu", "pentium3", "-m", "16", "-display", "none", "-nodefaults", "-no-reboot", "-net", "none"];
    const devices = ["-debugcon", `file:${log}`, "-device", "isa-debug-exit,iobase=0xf4,iosize=1"];
    spawnSync("qemu-system-i386", [...options, ...devices, "-kernel", kernel], { timeout: 30_000 });
    return readFileSync(log, "latin1");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** QEMU as a second machine for the built-in guests: what they print on COM1. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemble } from "../../web/assembler/assemble";

const QEMU = "qemu-system-i386";

/** undefined if QEMU can be used, else why not. Under REQUIRE_TOOLS=1 a missing tool is an error. */
export function qemuMissing(): string | undefined {
  if (spawnSync(QEMU, ["--version"]).error === undefined) return undefined;
  if (process.env.REQUIRE_TOOLS === "1") throw new Error(`${QEMU} is required (REQUIRE_TOOLS=1): install the package qemu-system-x86`);
  return `${QEMU} is not installed`;
}

/** First sector of a floppy: moves away from 7C00 and reads the image behind it there, sector by sector, by INT 13h. */
const LOADER = `
        org 0
        bits 16
        mov ax, 0x07c0
        mov ds, ax
        mov ax, 0x9000
        mov es, ax
        mov ss, ax
        mov sp, 0x1000
        xor si, si
        xor di, di
        mov cx, 256
        rep movsw
        jmp 0x9000:moved
moved:  mov ds, ax
        xor ax, ax
        mov es, ax
        mov bx, 0x7c00
        mov si, 1
read:   mov ax, si              ; sector, head and cylinder of a 1.44 MB floppy
        xor dx, dx
        mov cx, 18
        div cx
        mov cx, dx
        inc cx
        xor dx, dx
        mov di, 2
        div di
        mov ch, al
        mov dh, dl
        mov dl, 0
        mov ax, 0x0201
        int 0x13
        jc read
        add bx, 512
        inc si
        cmp si, [count]
        jbe read
        jmp 0x0000:0x7c00
        times 508 - ($ - $$) db 0
count:  dw 0
        dw 0xaa55
`;

/** A floppy that loads the image as Vitrine does: whole, to 0000:7C00. */
function floppy(image: Uint8Array): Uint8Array {
  const loader = assemble(LOADER);
  if (loader.errors.length > 0) throw new Error(JSON.stringify(loader.errors));
  const disk = new Uint8Array(1_474_560);
  disk.set(loader.bytes);
  new DataView(disk.buffer).setUint16(508, image.length / 512, true);
  disk.set(image, 512);
  return disk;
}

export interface Boot {
  readonly image: Uint8Array;
  readonly boot: "sector" | "multiboot";
  readonly commandLine?: string;
  /** Typed on COM1 when this has been printed. */
  readonly input?: { readonly after: string; readonly text: string };
}

/** Boots under QEMU until `until` has been printed (or 30 s have passed); the result is all that was printed. */
export async function runInQemu(guest: Boot, until: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-qemu-"));
  const file = join(folder, "image");
  writeFileSync(file, guest.boot === "sector" ? floppy(guest.image) : guest.image);
  const device =
    guest.boot === "sector"
      ? ["-drive", `file=${file},format=raw,if=floppy`, "-boot", "a"]
      : ["-kernel", file, "-append", guest.commandLine ?? ""];
  const qemu = spawn(QEMU, ["-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", "-m", "32", ...device]);
  let output = "";
  let typed = false;
  try {
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(resolve, 30_000);
      const finish = (): void => {
        clearTimeout(limit);
        resolve();
      };
      qemu.on("error", reject);
      qemu.on("exit", finish);
      qemu.stderr.on("data", (data: Buffer) => {
        output += `[qemu: ${data}]`;
      });
      qemu.stdout.on("data", (data: Buffer) => {
        output += data.toString("latin1");
        if (guest.input && !typed && output.includes(guest.input.after)) {
          typed = true;
          qemu.stdin.write(guest.input.text);
        }
        if (output.includes(until)) finish();
      });
    });
  } finally {
    qemu.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
  return output;
}

/**
 * i386 programs of the host's, run in the prepared Debian guest from its initramfs: the files come as a second cpio archive
 * behind the guest's own, which Linux unpacks over it; what a program printed comes back over the serial port, packed, with
 * its SHA-256 and exit status.
 */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type CpioEntry, writeCpio } from "../../web/guests/cpio";
import type { CpuModel } from "../../web/machine/config";
import type { Accel } from "../../web/machine/core-host";
import { bootToShell, type Shell } from "../boot/linux";
import type { LinuxGuest } from "../boot/prepared-guests";

export interface GuestFile {
  /** Relative to the root, "suite/test". */
  readonly path: string;
  readonly data: Uint8Array;
  /** A symbolic link to this instead. */
  readonly target?: string;
}

export interface ProgramRun {
  readonly status: number;
  readonly output: Uint8Array;
}

/** An output too long to be carried out of the guest is compared by this. */
export interface ProgramDigest {
  readonly status: number;
  readonly sha256: string;
}

/** Where programs leave their output. */
const OUTPUT = "/tmp/out";
/** Instructions that the longest of them may take. */
const LONG = 200_000_000_000;

const archive = (files: readonly GuestFile[]): Uint8Array => {
  const entries: CpioEntry[] = [];
  const directories = new Set<string>();
  for (const { path, data, target } of files) {
    const parts = path.split("/");
    for (let n = 1; n < parts.length; n++) directories.add(parts.slice(0, n).join("/"));
    entries.push(target === undefined ? { type: "file", path, mode: 0o755, data } : { type: "symlink", path, target });
  }
  return writeCpio([...[...directories].map((path): CpioEntry => ({ type: "directory", path, mode: 0o755 })), ...entries]);
};

/** A second archive begins at a multiple of four; Linux skips the zeros between. */
function append(first: Uint8Array, second: Uint8Array): Uint8Array {
  const at = Math.ceil(first.length / 512) * 512;
  const both = new Uint8Array(at + second.length);
  both.set(first);
  both.set(second, at);
  return both;
}

export class GuestPrograms {
  readonly #shell: Shell;

  private constructor(shell: Shell) {
    this.#shell = shell;
  }

  static async boot(
    guest: LinuxGuest,
    files: readonly GuestFile[],
    options: { readonly cpu?: CpuModel; readonly accel?: Accel } = {},
  ): Promise<GuestPrograms> {
    const initrd = append(guest.initrd!, archive(files));
    return new GuestPrograms(await bootToShell({ ...guest, initrd }, options));
  }

  /** One line from the shell. */
  command(line: string, instructions?: number): Promise<string> {
    return this.#shell.command(line, instructions);
  }

  /** Runs a command line in `folder`; standard output and error as one. */
  async run(folder: string, line: string): Promise<ProgramRun> {
    const status = await this.#run(folder, line);
    const packed = await this.command(`gzip -c ${OUTPUT} | base64`);
    return { status, output: new Uint8Array(gunzipSync(Buffer.from(packed, "base64"))) };
  }

  /** The same for long outputs: only their hash leaves the guest. */
  async digest(folder: string, line: string): Promise<ProgramDigest> {
    const answer = await this.command(`(cd ${folder} && ${line} 2>&1; echo $? >${OUTPUT}.status) | sha256sum; cat ${OUTPUT}.status`, LONG);
    // The echo of a long line is wrapped, so that its end stands before the answer.
    const match = /(?:^|\n)([0-9a-f]{64}) [^\n]*\n(\d+)\n$/.exec(answer);
    if (!match) throw new Error(`the guest answered ${JSON.stringify(answer.slice(0, 200))}`);
    return { sha256: match[1]!, status: Number(match[2]) };
  }

  async #run(folder: string, line: string): Promise<number> {
    const answer = await this.command(`(cd ${folder} && ${line}) >${OUTPUT} 2>&1; echo $?`);
    // Kernel messages may come between.
    const status = /(\d+)\n$/.exec(answer)?.[1];
    if (status === undefined) throw new Error(`the guest answered ${JSON.stringify(answer.slice(0, 200))}`);
    return Number(status);
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * Checks the OpenPGP signature of an InRelease file with gpgv and the keyrings of this machine, where both are
 * there. Where they are not, the reason is recorded; a signature that is there and wrong is always an error.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { GuestsError } from "../guests-error";
import type { SignatureStatus } from "../manifest";
import { signedText } from "../release";
import { fileSize, onDisk } from "./files";

export interface SignatureTools {
  /** Keyring files to use if the mirror's source names none. */
  readonly keyrings: readonly string[];
  /** The gpgv program. */
  readonly gpgv: string;
}

const TIME_OUT_MS = 30_000;

/** Debian's keyring package and apt's own keyrings. */
export async function systemKeyrings(): Promise<string[]> {
  const trusted = "/etc/apt/trusted.gpg.d";
  const names = await readdir(trusted).catch(() => []);
  const candidates = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    ...names.filter((name) => name.endsWith(".gpg")).map((name) => join(trusted, name)),
  ];
  return existing(candidates);
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const sizes = await Promise.all(paths.map(fileSize));
  return paths.filter((_, index) => sizes[index] !== undefined);
}

/**
 * The signed text and how far it can be trusted. `staging` is a folder for temporary files; `what` names the file.
 * Throws GuestsError "signature" or "damaged".
 */
export async function checkInRelease(
  inRelease: Uint8Array,
  mirrorKeyrings: readonly string[],
  tools: SignatureTools,
  staging: string,
  what: string,
): Promise<{ text: string; signature: SignatureStatus }> {
  const text = new TextDecoder().decode(inRelease);
  const unsigned = (reason: string): { text: string; signature: SignatureStatus } => ({
    text: signedText(text, what),
    signature: { status: "not-verifiable", reason },
  });
  // Armoured keyrings are for newer tools than gpgv.
  const own = await existing(mirrorKeyrings.filter((path) => !path.endsWith(".asc")));
  const keyrings = own.length > 0 ? own : tools.keyrings;
  if (keyrings.length === 0) return unsigned("there is no Debian keyring on this machine");

  const folder = await onDisk(`write to ${staging}`, async () => {
    await mkdir(staging, { recursive: true });
    return mkdtemp(join(staging, "release-"));
  });
  try {
    const input = join(folder, "InRelease");
    const output = join(folder, "Release");
    await onDisk(`write ${input}`, () => writeFile(input, inRelease));
    const lines = await runGpgv(tools.gpgv, [...keyrings.flatMap((path) => ["--keyring", path]), "--output", output, input]);
    if (lines === undefined) return unsigned("gpgv is not installed");
    const status = (name: string): boolean => new RegExp(`^\\[GNUPG:\\] ${name} `, "m").test(lines);
    if (status("BADSIG")) throw new GuestsError("signature", `${what} has a wrong signature: do not trust this mirror, try another`);
    // Several keys sign: one that is known and right is enough, the others may be newer than the keyring.
    if (status("GOODSIG") && (await fileSize(output)) !== undefined)
      return { text: await readFile(output, "utf8"), signature: { status: "verified", keyring: basename(keyrings[0]!) } };
    if (status("NO_PUBKEY")) return unsigned("it is signed with a key that this machine's keyring does not have");
    if (status("EXPKEYSIG") || status("EXPSIG")) return unsigned("it is signed with a key that has expired");
    throw new GuestsError("signature", `${what} has a signature that gpgv refuses: try another mirror`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The status lines; undefined if the program is not there. */
function runGpgv(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["--status-fd", "1", ...args], { stdio: ["ignore", "pipe", "ignore"], timeout: TIME_OUT_MS });
    let status = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      status += text;
    });
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "EACCES") resolve(undefined);
      else reject(new GuestsError("signature", `gpgv could not be run: ${error.message}`, { cause: error }));
    });
    child.once("close", () => resolve(status));
  });
}

/**
 * Debian's own i386 programs `openssl` and `bc`, run by their packages' loader and libraries: natively on this machine's
 * processor and in the Debian guest. Digests and ciphers that Node's crypto knows are held to it as well.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createCipheriv, createHash, getCiphers, getHashes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { LinuxGuest } from "../boot/prepared-guests";
import { packageFiles } from "../tools/debian-packages";
import { type GuestFile, GuestPrograms } from "./guest-programs";

const PACKAGES = ["libc6", "openssl", "libssl3", "bc", "libreadline8", "libtinfo6"];
const LIB = "lib/i386-linux-gnu";
const WANTED = new RegExp(
  `^(usr/bin/(openssl|bc)|(usr/)?${LIB}/(ld-linux\\.so\\.2|lib(c|m|dl|crypto|ssl|readline|tinfo)\\.so\\.[\\d.]+|ossl-modules/.*))$`,
);
const LOADER = `${LIB}/ld-linux.so.2 --library-path ${LIB}:usr/${LIB}`;
const PROVIDERS = "-provider legacy -provider default";
const KEY = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, "0")).join("");
const IV = Array.from({ length: 16 }, (_, n) => (n + 16).toString(16)).join("");
/** A multiple of every block size, for the modes without padding. */
const TEXT = new Uint8Array(1008).map((_, n) => (n * 7 + Math.floor(n / 251)) & 0xff);

/** One line for each name: the name, the exit status, the digest or the ciphertext's SHA-256. */
const SCRIPT = `export OPENSSL_MODULES=$PWD/usr/${LIB}/ossl-modules OPENSSL_CONF=/dev/null
openssl() { ${LOADER} usr/bin/openssl "$@"; }
kind=$1
shift
for name; do
  case $kind in
  digest) answer=$(openssl dgst ${PROVIDERS} -r "-$name" text 2>/dev/null) ;;
  mac) answer=$(openssl mac $MACOPT -in text "$name" 2>/dev/null) ;;
  cipher) answer=$(openssl enc ${PROVIDERS} "-$name" -K ${KEY} -iv ${IV} -in text 2>/dev/null >/tmp/cipher.$$) ;;
  esac
  status=$?
  test $kind = cipher && answer=$(sha256sum </tmp/cipher.$$)
  echo "$name $status \${answer%% *}"
done
rm -f /tmp/cipher.$$
`;
const MACS: readonly (readonly [name: string, options: string])[] = [
  ["HMAC", `-macopt digest:SHA2-256 -macopt hexkey:${KEY}`],
  ["HMAC", `-macopt digest:SHA2-512 -macopt hexkey:${KEY}`],
  ["CMAC", `-macopt cipher:AES-256-CBC -macopt hexkey:${KEY}`],
  ["GMAC", `-macopt cipher:AES-256-GCM -macopt hexkey:${KEY} -macopt hexiv:${IV}`],
  ["KMAC-128", `-macopt hexkey:${KEY}`],
  ["KMAC-256", `-macopt hexkey:${KEY}`],
  ["SIPHASH", `-macopt hexkey:${IV}`],
  ["POLY1305", `-macopt hexkey:${KEY}`],
  ["BLAKE2BMAC", `-macopt hexkey:${KEY}`],
  ["BLAKE2SMAC", `-macopt hexkey:${KEY}`],
];

export interface DebianToolsResult {
  readonly digests: number;
  readonly ciphers: number;
  readonly macs: number;
  /** Names that the program itself refuses, the same in both places (AEAD and key wrap in \`openssl enc\`). */
  readonly refused: readonly string[];
  /** Names whose answer is another one each time, natively too (DES3-WRAP draws a random value): nothing to compare. */
  readonly random: readonly string[];
  /** Answers that Node's crypto confirms. */
  readonly confirmed: number;
  readonly piDigits: number;
  /** What is not equal, one line each. */
  readonly differences: readonly string[];
}

export interface DebianToolsChoice {
  /** Only these; otherwise every digest, cipher and MAC. */
  readonly only?: { readonly digests: readonly string[]; readonly ciphers: readonly string[] };
  readonly piDigits: number;
}

/** The packages' files under their names as libraries are looked for. Throws GuestsError where they cannot be had. */
export async function debianTools(): Promise<GuestFile[]> {
  const files = await packageFiles(PACKAGES, (path) => WANTED.test(path));
  const result: GuestFile[] = files.map(({ name, data }) => ({ path: name, data }));
  for (const { name } of files) {
    // libreadline.so.8.2 is looked for as libreadline.so.8.
    const soname = /^(.*\.so\.\d+)\.[\d.]+$/.exec(name)?.[1];
    if (soname) result.push({ path: soname, data: new Uint8Array(), target: basename(name) });
  }
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  return [...result, { path: "kat.sh", data: encode(SCRIPT) }, { path: "text", data: TEXT }];
}

export async function runDebianTools(guest: LinuxGuest, choice: DebianToolsChoice): Promise<DebianToolsResult> {
  const files = await debianTools();
  const folder = mkdtempSync(join(tmpdir(), "vitrine-debian-tools-"));
  try {
    for (const { path, data, target } of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      if (target === undefined) writeFileSync(join(folder, path), data, { mode: 0o755 });
      else symlinkSync(target, join(folder, path));
    }
    const native = (line: string): string => {
      const { stdout, status, stderr } = spawnSync("sh", ["-c", `{ ${line}; } 2>&1`], {
        cwd: folder,
        encoding: "utf8",
        maxBuffer: 1 << 26,
      });
      if (status !== 0) throw new Error(`natively: ${line}: status ${status}: ${stdout}${stderr}`);
      return stdout;
    };
    const programs = await GuestPrograms.boot(
      guest,
      files.map((file) => ({ ...file, path: `suite/${file.path}` })),
      { cpu: "max" },
    );
    const differences: string[] = [];
    const answers: string[][] = [];
    const random: string[] = [];
    /** Runs a line in both places; the native answer's lines. */
    const both = async (line: string): Promise<string[]> => {
      const expected = native(line);
      const again = native(line).split("\n");
      const { output } = await programs.run("/suite", line);
      const got = Buffer.from(output).toString("latin1");
      const [a, b] = [got.split("\n"), expected.split("\n")];
      for (let n = 0; n < Math.max(a.length, b.length); n++)
        if (b[n] !== again[n]) random.push(b[n]!.split(" ")[0]!);
        else if (a[n] !== b[n]) differences.push(`${line.slice(0, 60)}: "${a[n] ?? "(end)"}", natively "${b[n] ?? "(end)"}"`);
      return b.filter((each) => each !== "");
    };
    const digests = choice.only?.digests ?? algorithms(native, "digest");
    const ciphers = choice.only?.ciphers ?? algorithms(native, "cipher");
    for (const some of chunks(digests)) answers.push(...(await both(`sh kat.sh digest ${some.join(" ")}`)).map((each) => each.split(" ")));
    for (const some of chunks(ciphers)) answers.push(...(await both(`sh kat.sh cipher ${some.join(" ")}`)).map((each) => each.split(" ")));
    const macs = choice.only ? [] : MACS;
    for (const [name, options] of macs)
      answers.push(...(await both(`MACOPT="${options}" sh kat.sh mac ${name}`)).map((each) => each.split(" ")));
    const pi = await both(
      `echo "scale=${choice.piDigits}; 4*a(1)" | BC_LINE_LENGTH=0 ${LOADER.replaceAll(LIB, `$PWD/${LIB}`)} $PWD/usr/bin/bc -l`,
    );
    if (!pi[0]?.startsWith("3.14159265358979")) differences.push(`bc gave ${pi[0]?.slice(0, 20)} for pi`);
    const { confirmed, wrong } = confirm(answers);
    return {
      digests: digests.length,
      ciphers: ciphers.length,
      macs: macs.length,
      refused: answers.filter(([, status]) => status !== "0").map(([name]) => name!),
      random,
      confirmed,
      piDigits: (pi[0]?.length ?? 0) - 2,
      differences: [...differences, ...wrong],
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const chunks = (names: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(names.length / 10) }, (_, n) => names.slice(n * 10, n * 10 + 10));

/** What the program says it has, each by one of its names. */
function algorithms(native: (line: string) => string, kind: "digest" | "cipher"): string[] {
  const text = native(`OPENSSL_MODULES=usr/${LIB}/ossl-modules ${LOADER} usr/bin/openssl list -${kind}-algorithms ${PROVIDERS}`);
  const names = new Set<string>();
  for (const line of text.slice(text.indexOf("Provided:")).split("\n")) {
    const choices = /^\s*\{?([^}@]*)\}? @/.exec(line)?.[1]?.split(",") ?? [];
    const name = choices.map((choice) => choice.trim()).find((choice) => !/^[\d.]+$/.test(choice));
    if (name) names.add(name);
  }
  return [...names].sort();
}

/** Holds answers to Node's crypto where it has the algorithm under that name. */
function confirm(answers: readonly (readonly string[])[]): { confirmed: number; wrong: string[] } {
  let confirmed = 0;
  const wrong: string[] = [];
  const simple = (name: string): string => name.toLowerCase().replace(/[-/]/g, "");
  const hashes = new Map(getHashes().map((name) => [simple(name), name]));
  const ciphers = new Map(getCiphers().map((name) => [simple(name), name]));
  for (const [name, status, answer] of answers) {
    if (status !== "0") continue;
    const hash = hashes.get(simple(name!));
    const cipher = ciphers.get(simple(name!));
    let expected: string | undefined;
    try {
      if (hash) expected = createHash(hash).update(TEXT).digest("hex");
      else if (cipher) expected = enciphered(cipher);
    } catch {}
    if (expected === undefined) continue;
    if (expected === answer) confirmed++;
    else wrong.push(`${name}: ${answer}, Node's crypto has ${expected}`);
  }
  return { confirmed, wrong };
}

function enciphered(name: string): string {
  const lengths = { key: Number(/128|192|256/.exec(name)?.[0] ?? (name === "chacha20" ? 256 : 0)) / 8 };
  if (lengths.key === 0) throw new RangeError(`the key's length of ${name} is not in its name`);
  const key = Buffer.from(KEY, "hex").subarray(0, lengths.key);
  const cipher = createCipheriv(name, key, /ecb/i.test(name) ? null : Buffer.from(IV, "hex"));
  return createHash("sha256")
    .update(Buffer.concat([cipher.update(TEXT), cipher.final()]))
    .digest("hex");
}

/** Why Debian's i386 programs cannot run here, or undefined. */
export const nativeMissing = (() => {
  if (process.arch !== "x64" && process.arch !== "ia32") return `this machine is no PC (${process.arch})`;
  try {
    return execFileSync("uname", ["-s"], { encoding: "utf8" }).trim() === "Linux" ? undefined : "this machine does not run Linux";
  } catch {
    return "this machine does not run Linux";
  }
})();

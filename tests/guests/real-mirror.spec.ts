/**
 * The real thing: packages from the mirror that this machine's apt uses, prepared in a process of its own (whose
 * memory is measured), then booted in QEMU. Skips without a mirror or QEMU; not in the quick tier.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { busyboxApplets } from "../../web/guests/applets";
import { findGuest } from "../../web/guests/catalog";
import { debFiles } from "../../web/guests/deb";
import { allFiles, type Manifest } from "../../web/guests/manifest";
import { cachedPath } from "../../web/guests/node/download";
import { fetchBytes } from "../../web/guests/node/http";
import { findMirrors } from "../../web/guests/node/mirrors";
import { readManifest, verifyFiles } from "../../web/guests/node/store";
import { needTools, text } from "./tools";

const PEAK_LIMIT_MB = 300;
const COLD_LOAD_LIMIT = 15e6;
/** What the page itself may add to the guest's files in a cold load. */
const PAGE_ALLOWANCE = 3e6;

let folder: string;
let manifest: Manifest | undefined;
let peakMb = 0;
let whyNot = "";

async function findReason(): Promise<string> {
  if (process.env.TEST_TIER === "quick") return "fetches 110 MB: not in the quick tier";
  try {
    const [mirror] = await findMirrors({ env: process.env, aptFolder: "/etc/apt" });
    await fetchBytes(`${mirror!.url}/dists/bookworm/InRelease`, { env: process.env, idleMs: 10_000 });
    return "";
  } catch (error) {
    return `no mirror can be reached: ${(error as Error).message}`;
  }
}

/** The command line as one file, as it is shipped. */
async function bundle(): Promise<string> {
  const entry = join(folder, "entry.ts");
  const cli = resolve(import.meta.dirname, "../../web/guests/cli.ts");
  writeFileSync(
    entry,
    `import { main } from ${JSON.stringify(cli)};
const io = { stdout: (t: string) => process.stdout.write(t), stderr: (t: string) => process.stderr.write(t) };
process.exitCode = await main(process.argv.slice(2), io as never);
process.stdout.write("peak " + process.resourceUsage().maxRSS + "\\n");`,
  );
  await build({
    configFile: false,
    logLevel: "silent",
    root: folder,
    ssr: { noExternal: true },
    build: { ssr: entry, outDir: join(folder, "bundle"), rollupOptions: { output: { entryFileNames: "cli.mjs" } } },
  });
  return join(folder, "bundle/cli.mjs");
}

const guestsFolder = (): string => join(folder, "guests");

beforeAll(async () => {
  whyNot = await findReason();
  if (whyNot !== "") return;
  folder = mkdtempSync(join(tmpdir(), "vitrine-real-"));
  const result = spawnSync(process.execPath, [await bundle(), "prepare", "--dir", guestsFolder()], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(result.stderr);
  peakMb = Number(/^peak (\d+)$/m.exec(result.stdout)![1]) / 1024;
  manifest = await readManifest(guestsFolder());
}, 600_000);

afterAll(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const prepared = (context: TestContext): Manifest => {
  if (!manifest) context.skip(whyNot);
  return manifest!;
};

describe("packages from the real mirror", () => {
  it(`are prepared in under ${PEAK_LIMIT_MB} MB of memory`, (context) => {
    prepared(context);
    console.log(`peak resident memory of a cold preparation: ${peakMb.toFixed(0)} MB`);
    expect(peakMb).toBeLessThan(PEAK_LIMIT_MB);
  });

  it("give kernels, initrd and memtest that are what the manifest says", async (context) => {
    const { guests, components } = prepared(context);
    expect(guests.map(({ id }) => id)).toEqual(["debian", "memtest", "debian-pae"]);
    expect(await verifyFiles(guestsFolder(), allFiles(manifest!))).toEqual([]);
    for (const { id, licence } of components) expect(`${id}: ${licence}`).toMatch(/: (L?GPL-2(\.1)?\+?)$/);
    expect(components.find(({ id }) => id === "linux-image-686")?.licence).toBe("GPL-2");
    for (const flavour of ["686", "686-pae"]) {
      const kernel = components.find(({ id }) => id === `linux-image-${flavour}`)!;
      expect(kernel.package).toMatch(new RegExp(`^linux-image-6\\..*-${flavour}$`));
      expect(kernel.files.map(({ role }) => role)).toEqual(["kernel", "vmlinux", "modules"]);
    }
  });

  it("leave room for the page in a cold load of 15 MB", async (context) => {
    prepared(context);
    for (const id of ["debian", "debian-pae"]) {
      const guest = await findGuest(id, guestsFolder());
      const transferred = guest.vmlinux!.gzip!.size + guest.initrd!.gzip!.size;
      console.log(`${id}: ${(transferred / 1e6).toFixed(2)} MB over HTTP`);
      expect(transferred).toBeLessThan(COLD_LOAD_LIMIT - PAGE_ALLOWANCE);
    }
  });

  it("hold a busybox whose commands are those it lists when it is run", async (context) => {
    const deb = prepared(context).components.find(({ id }) => id === "busybox-static")!.download;
    for await (const { data } of debFiles(
      createReadStream(cachedPath(guestsFolder(), deb.sha256)),
      (name) => name.endsWith("bin/busybox"),
      "busybox",
    )) {
      const program = join(folder, "busybox");
      writeFileSync(program, data, { mode: 0o755 });
      const listed = spawnSync(program, ["--list"]);
      if (listed.status !== 0) context.skip("this machine does not run i386 programs");
      expect(busyboxApplets(data)).toEqual(text(listed.stdout).trim().split("\n"));
    }
  });
});

/** A guest in QEMU, by its serial line. */
class Qemu {
  readonly #process: ChildProcessWithoutNullStreams;
  #seen = "";

  constructor(args: readonly string[]) {
    this.#process = spawn("qemu-system-i386", ["-nographic", "-no-reboot", "-monitor", "none", ...args]);
    this.#process.stdout.on("data", (chunk: Uint8Array) => {
      this.#seen += text(chunk);
    });
  }

  type(keys: string): void {
    this.#process.stdin.write(keys);
  }

  /** Everything up to and including `pattern`, which is then behind. */
  async until(pattern: RegExp, seconds = 60): Promise<string> {
    for (const end = Date.now() + seconds * 1000; ; ) {
      const found = pattern.exec(this.#seen);
      if (found) {
        const before = this.#seen.slice(0, found.index + found[0].length);
        this.#seen = this.#seen.slice(before.length);
        return before;
      }
      if (Date.now() > end) throw new Error(`no ${pattern} within ${seconds} s; the end of the output:\n${this.#seen.slice(-2000)}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }
}

const PROMPT = /vitrine:~# /;

const boot = async (context: TestContext, id: string): Promise<Qemu> => {
  prepared(context);
  needTools(context, "qemu-system-i386");
  const { kernel, initrd, commandLine, memoryMb } = await findGuest(id, guestsFolder());
  const append = initrd ? `${commandLine} acpi=off` : commandLine;
  const guest = new Qemu([
    "-m",
    String(memoryMb),
    "-cpu",
    "qemu32,+pae,+nx",
    "-kernel",
    kernel.file,
    ...(initrd ? ["-initrd", initrd.file] : []),
    "-append",
    append,
  ]);
  context.onTestFinished(() => guest.stop());
  return guest;
};

describe("in QEMU", () => {
  for (const id of ["debian", "debian-pae"])
    it(`${id} boots to a shell with job control, and switches off`, async (context) => {
      const guest = await boot(context, id);
      const answer = async (command: string): Promise<string> => {
        guest.type(`${command}\n`);
        return guest.until(PROMPT);
      };
      const log = await guest.until(PROMPT);
      expect(log).toMatch(/Linux version 6\./);
      expect(log).not.toMatch(/can't access tty|not found|No such file/);
      expect(await answer("uname -a")).toMatch(/Linux vitrine 6\..* i686/);
      expect(await answer("ls / | wc -l; tty; whoami")).toMatch(/\b1[0-9]\r\n\/dev\/ttyS0\r\nroot\r\n/);
      expect(await answer("cat /proc/mounts")).toMatch(/devtmpfs \/dev .*devpts \/dev\/pts/s);
      if (id === "debian-pae") expect(await answer("dmesg | grep NX")).toMatch(/NX \(Execute Disable\) protection: active/);
      guest.type("sleep 1000\n");
      await guest.until(/sleep 1000/);
      await new Promise((done) => setTimeout(done, 500));
      guest.type("\x03");
      await guest.until(PROMPT, 10);
      guest.type("exit\n");
      await guest.until(PROMPT, 10);
      guest.type("poweroff\n");
      await guest.until(/reboot: System halted/, 20);
    });

  it("memtest begins to test", async (context) => {
    const guest = await boot(context, "memtest");
    await guest.until(/Memtest86\+/i);
    await guest.until(/Errors: 0/);
  });
});

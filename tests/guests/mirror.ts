/** A Debian mirror on a local port, with synthetic packages, that can be told to misbehave. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach } from "vitest";
import { DISK_MODULES } from "../../web/guests/modules";
import { sha256Of } from "../../web/guests/node/files";
import { fakeBusybox, fakeVmlinux, makeBzImage, makeDeb } from "./synthetic";
import { bytes, numbers } from "./tools";

export type Answer = (request: IncomingMessage, response: ServerResponse, data: Uint8Array | undefined) => void;

/** Answers like any web server, with ranges. */
export const normally: Answer = (request, response, data) => {
  if (!data) {
    response.writeHead(404).end("not here");
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= data.length && from > 0) {
    response.writeHead(416).end();
    return;
  }
  const rest = data.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    "Content-Length": rest.length,
    ...(from > 0 ? { "Content-Range": `bytes ${from}-${data.length - 1}/${data.length}` } : {}),
  });
  response.end(rest);
};

export interface TestMirror {
  readonly url: string;
  /** By path below the mirror's address. */
  readonly files: Map<string, Uint8Array>;
  /** Paths in the order they were asked for. */
  readonly requests: string[];
  /** How a path is answered, if not normally. */
  readonly special: Map<string, Answer>;
}

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** `handle` gets every request. The server ends with the test. */
export async function startServer(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export async function startMirror(files: Map<string, Uint8Array>): Promise<TestMirror> {
  const requests: string[] = [];
  const special = new Map<string, Answer>();
  const { url } = await startServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, "http://x").pathname).replace(/^\/debian\//, "");
    requests.push(path);
    (special.get(path) ?? normally)(request, response, files.get(path));
  });
  return { url: `${url}/debian`, files, requests, special };
}

export interface SyntheticPackage {
  readonly name: string;
  readonly version: string;
  /** Otherwise i386. */
  readonly architecture?: "i386" | "amd64";
  readonly files?: readonly (readonly [name: string, data: Uint8Array])[];
  readonly fields?: string;
}

const copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2\n";
/** Bytes that gzip cannot shrink, so that downloads take several chunks. */
const ballast = (seed: number): Uint8Array => {
  const next = numbers(seed);
  return Uint8Array.from({ length: 300_000 }, () => next(256));
};

/** As far as it is looked at: what it depends on. */
const fakeModule = (path: string): string => `module ${path}\0depends=${path.endsWith("/ext4") ? "jbd2,mbcache,crc16" : ""}\0`;

const LIBRARIES = [
  ["libext2fs2", "libext2fs.so.2.4", "libe2p.so.2.3"],
  ["libcom-err2", "libcom_err.so.2.1"],
  ["libblkid1", "libblkid.so.1.1.0"],
  ["libuuid1", "libuuid.so.1.3.0"],
  ["libc6", "libc.so.6", "ld-linux.so.2"],
];

/** What the 64-bit recipes need. The kernel has ext4, and what belongs to it, built in. */
export function amd64Packages(): SyntheticPackage[] {
  const builtIn = DISK_MODULES.filter((path) => path.startsWith("fs/") || path.endsWith("crc16") || path.includes("crc32c"));
  return syntheticPackages()
    .filter(({ name }) => !name.includes("686") && !name.includes("memtest"))
    .concat({
      name: "linux-image-cloud-amd64",
      version: "6.1.50-1",
      fields: "Depends: linux-image-6.1.0-50-cloud-amd64 (= 6.1.50-1)\n",
    })
    .concat({
      name: "linux-image-6.1.0-50-cloud-amd64",
      version: "6.1.50-1",
      files: [
        ["./boot/vmlinuz-6.1.0-50-cloud-amd64", makeBzImage(fakeVmlinux("cloud"))],
        ["./lib/modules/6.1.0-50-cloud-amd64/modules.builtin", bytes(builtIn.map((path) => `kernel/${path}.ko\n`).join(""))],
        ...DISK_MODULES.filter((path) => !builtIn.includes(path)).map(
          (path) => [`./lib/modules/6.1.0-50-cloud-amd64/kernel/${path}.ko`, bytes(fakeModule(path))] as const,
        ),
      ],
    })
    .map((each) => ({
      ...each,
      architecture: "amd64",
      files: each.files?.map(([name, data]) => [name.replace("ld-linux.so", "ld-linux-x86-64.so"), data] as const) ?? [],
    }));
}

/** What a mirror has for the recipes, as of kernel ABI `abi`. */
export function syntheticPackages(abi = 50, busyboxNote = "one"): SyntheticPackage[] {
  const kernel = (flavour: string): SyntheticPackage[] => [
    { name: `linux-image-${flavour}`, version: `6.1.${abi}-1`, fields: `Depends: linux-image-6.1.0-${abi}-${flavour} (= 6.1.${abi}-1)\n` },
    {
      name: `linux-image-6.1.0-${abi}-${flavour}`,
      version: `6.1.${abi}-1`,
      fields: `Source: linux-signed-i386 (6.1.${abi}+1)\nBuilt-Using: linux (= 6.1.${abi}-1)\n`,
      files: [
        ["./lib/modules/ballast.ko", ballast(abi)],
        [`./lib/modules/6.1.0-${abi}-${flavour}/modules.builtin`, bytes("kernel/fs/binfmt_elf.ko\n")],
        [`./boot/vmlinuz-6.1.0-${abi}-${flavour}`, makeBzImage(fakeVmlinux(`${flavour} ${abi}`))],
        ...DISK_MODULES.map((path) => [`./lib/modules/6.1.0-${abi}-${flavour}/kernel/${path}.ko`, bytes(fakeModule(path))] as const),
      ],
    },
  ];
  return [
    { name: "aardvark", version: "1" },
    ...kernel("686"),
    ...kernel("686-pae"),
    {
      name: "busybox-static",
      version: "1:1.35.0-4+b1",
      fields: "Source: busybox (1:1.35.0-4)\n",
      files: [["./bin/busybox", fakeBusybox(busyboxNote)]],
    },
    { name: "memtest86+", version: "6.10-4", files: [["./boot/memtest86+ia32.bin", bytes("memtest")]] },
    { name: "zsh", version: "5" },
    {
      name: "e2fsprogs",
      version: "1.47.0-2",
      files: ["sbin/mke2fs", "sbin/e2fsck", "etc/mke2fs.conf"].map((path) => [`./${path}`, bytes(path)] as const),
    },
    ...LIBRARIES.map(
      ([name, ...files]): SyntheticPackage => ({
        name: name!,
        version: "1.0-1",
        files: files.map((file) => [`./lib/i386-linux-gnu/${file}`, bytes(file)] as const),
      }),
    ),
  ];
}

const debPath = (name: string, version: string, architecture: string): string =>
  `pool/main/${name[0]}/${name}/${name}_${version.replace(/^\d+:/, "")}_${architecture}.deb`;

/** All files of a mirror that has these packages. */
export function mirrorFiles(packages: readonly SyntheticPackage[], codename = "bookworm"): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let sums = "";
  for (const architecture of ["i386", "amd64"] as const) {
    const those = packages.filter((each) => (each.architecture ?? "i386") === architecture);
    if (those.length === 0) continue;
    const stanzas = those.map(({ name, version, files: contents = [], fields = "" }) => {
      const deb = makeDeb([...contents, [`./usr/share/doc/${name}/copyright`, bytes(copyright)]]);
      const path = debPath(name, version, architecture);
      files.set(path, deb);
      return `Package: ${name}\nArchitecture: ${architecture}\nVersion: ${version}\n${fields}Filename: ${path}\nSize: ${deb.length}\nSHA256: ${sha256Of(deb)}\n`;
    });
    const index = new Uint8Array(gzipSync(stanzas.join("\n")));
    const name = `main/binary-${architecture}/Packages.gz`;
    files.set(`dists/bookworm/${name}`, index);
    files.set(`dists/bookworm/main/binary-${architecture}/by-hash/SHA256/${sha256Of(index)}`, index);
    sums += ` ${sha256Of(index)} ${index.length} ${name}\n`;
  }
  const release = `Origin: Test\nCodename: ${codename}\nDate: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n${sums}`;
  files.set("dists/bookworm/InRelease", bytes(clearSigned(release)));
  return files;
}

/** In the form of a signed text, but without a signature in it. */
const clearSigned = (text: string): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${text}-----BEGIN PGP SIGNATURE-----\n\nnone\n-----END PGP SIGNATURE-----\n`;

export const pathOf = (mirror: TestMirror, part: string): string => [...mirror.files.keys()].find((path) => path.includes(part))!;

/**
 * SeaBIOS and its VGA BIOS, which v86 needs to boot, out of Debian's package `seabios`: by the guests' package reader into
 * the guests' cache, without apt and without root.
 */
import { createReadStream, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { debFiles } from "../../web/guests/deb";
import { packageStanzas, type Stanza } from "../../web/guests/deb822";
import { download } from "../../web/guests/node/download";
import { defaultGuestsFolder } from "../../web/guests/node/folder";
import { fetchBytes } from "../../web/guests/node/http";
import { findMirrors } from "../../web/guests/node/mirrors";
import { checkInRelease, systemKeyrings } from "../../web/guests/node/signature";
import { SUITE } from "../../web/guests/recipes";
import { parseRelease } from "../../web/guests/release";
import { unxz } from "../../web/guests/xz";

const INSTALLED = "/usr/share/seabios";
const BIOS = "bios.bin";
const VGA_BIOS = "vgabios-stdvga.bin";
const INDEX = "main/binary-i386/Packages.xz";

export interface Seabios {
  readonly bios: string;
  readonly vgabios: string;
}

/** The installed package's files, else the cache's, else fetched now. Throws GuestsError. */
export async function findSeabios(folder = defaultGuestsFolder(), installed = INSTALLED): Promise<Seabios> {
  const cached = join(folder, ".cache/seabios");
  for (const place of [installed, cached])
    if ([BIOS, VGA_BIOS].every((name) => existsSync(join(place, name)))) return { bios: join(place, BIOS), vgabios: join(place, VGA_BIOS) };
  await fetchSeabios(folder, cached);
  return { bios: join(cached, BIOS), vgabios: join(cached, VGA_BIOS) };
}

async function fetchSeabios(folder: string, target: string): Promise<void> {
  const options = { env: process.env, idleMs: 30_000, retryMs: 1000 };
  const [mirror] = await findMirrors({ env: process.env, aptFolder: "/etc/apt" });
  const { url, keyrings } = mirror!;
  const base = `${url}/dists/${SUITE}`;
  mkdirSync(target, { recursive: true });
  const signed = await fetchBytes(`${base}/InRelease`, options);
  const tools = { keyrings: await systemKeyrings(), gpgv: "gpgv" };
  const { text } = await checkInRelease(signed, keyrings, tools, target, "InRelease");
  const index = parseRelease(text, "InRelease").indexes.get(INDEX)!;
  const packages = await download(folder, { path: INDEX, sha256: index.sha256, size: index.size }, [`${base}/${INDEX}`], options);
  let found: Stanza | undefined;
  for await (const stanza of packageStanzas(decoded(unxz(createReadStream(packages), INDEX)), (name) => name === "seabios")) found = stanza;
  if (!found) throw new Error(`${url} has no package seabios`);
  const path = found.get("filename")!;
  const file = { path, sha256: found.get("sha256")!, size: Number(found.get("size")) };
  const deb = await download(folder, file, [`${url}/${path}`], options);
  const wanted = (name: string): boolean => name.endsWith(`seabios/${BIOS}`) || name.endsWith(`seabios/${VGA_BIOS}`);
  for await (const { name, data } of debFiles(createReadStream(deb), wanted, path)) writeFileSync(join(target, basename(name)), data);
}

async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

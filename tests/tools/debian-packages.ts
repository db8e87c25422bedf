/**
 * Files out of Debian's i386 packages, for tests that need more than the prepared guests: by the guests' package reader into
 * the guests' cache, without apt and without root. The index is the mirror's present one, checked as for the guests.
 */
import { createReadStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type DebFile, debFiles } from "../../web/guests/deb";
import { packageStanzas, type Stanza } from "../../web/guests/deb822";
import { download } from "../../web/guests/node/download";
import { defaultGuestsFolder } from "../../web/guests/node/folder";
import { fetchBytes } from "../../web/guests/node/http";
import { findMirrors } from "../../web/guests/node/mirrors";
import { checkInRelease, systemKeyrings } from "../../web/guests/node/signature";
import { SUITE } from "../../web/guests/recipes";
import { parseRelease } from "../../web/guests/release";
import { unxz } from "../../web/guests/xz";

const INDEX = "main/binary-i386/Packages.xz";

/** The wanted files of these packages, by the path without a leading slash. Throws GuestsError. */
export async function packageFiles(
  packages: readonly string[],
  wanted: (path: string) => boolean,
  folder = defaultGuestsFolder(),
): Promise<DebFile[]> {
  const options = { env: process.env, idleMs: 30_000, retryMs: 1000 };
  const [mirror] = await findMirrors({ env: process.env, aptFolder: "/etc/apt" });
  const { url, keyrings } = mirror!;
  const base = `${url}/dists/${SUITE}`;
  const staging = join(folder, ".cache/test-packages");
  mkdirSync(staging, { recursive: true });
  const signed = await fetchBytes(`${base}/InRelease`, options);
  const { text } = await checkInRelease(signed, keyrings, { keyrings: await systemKeyrings(), gpgv: "gpgv" }, staging, "InRelease");
  const index = parseRelease(text, "InRelease").indexes.get(INDEX)!;
  const list = await download(folder, { path: INDEX, sha256: index.sha256, size: index.size }, [`${base}/${INDEX}`], options);
  const found = new Map<string, Stanza>();
  const names = (name: string): boolean => packages.includes(name);
  for await (const stanza of packageStanzas(decoded(unxz(createReadStream(list), INDEX)), names)) found.set(stanza.get("package")!, stanza);
  const files: DebFile[] = [];
  for (const name of packages) {
    const stanza = found.get(name);
    if (!stanza) throw new Error(`${url} has no package ${name}`);
    const path = stanza.get("filename")!;
    const file = { path, sha256: stanza.get("sha256")!, size: Number(stanza.get("size")) };
    const deb = await download(folder, file, [`${url}/${path}`], options);
    for await (const each of debFiles(createReadStream(deb), wanted, path)) files.push(each);
  }
  return files;
}

async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

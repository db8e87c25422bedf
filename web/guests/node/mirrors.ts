/**
 * Where packages come from: the mirror that was asked for, else DEBIAN_MIRROR, else what apt on this machine uses.
 * There is no built-in address.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Mirror, mirrorsFrom, trimSlash } from "../apt-sources";
import { GuestsError } from "../guests-error";
import { SUITE } from "../recipes";
import type { Environment } from "./proxy";

export interface MirrorSearch {
  readonly mirror?: string | undefined;
  readonly env: Environment;
  /** Normally /etc/apt. */
  readonly aptFolder: string;
}

/** At least one, in the order to try them. Throws GuestsError "no-mirror". */
export async function findMirrors(search: MirrorSearch): Promise<Mirror[]> {
  const named = search.mirror ?? search.env.DEBIAN_MIRROR;
  if (named !== undefined && named.trim() !== "")
    return named
      .trim()
      .split(/[\s,]+/)
      .map((url) => ({ url: checkedUrl(url), keyrings: [] }));
  const mirrors = mirrorsFrom(await aptFiles(search.aptFolder), SUITE);
  if (mirrors.length === 0)
    throw new GuestsError(
      "no-mirror",
      "no Debian mirror is known: give the address of one with --mirror URL or DEBIAN_MIRROR=URL (it ends in /debian and holds dists/ and pool/)",
    );
  return mirrors;
}

function checkedUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new GuestsError("no-mirror", `"${url}" is no mirror: give an address that begins with http:// or https://`);
  return trimSlash(url);
}

/** sources.list and sources.list.d/*.list, *.sources, in apt's order; what cannot be read is not there. */
async function aptFiles(aptFolder: string): Promise<{ name: string; text: string }[]> {
  const parts = join(aptFolder, "sources.list.d");
  const names = await readdir(parts).catch(() => []);
  const paths = [
    join(aptFolder, "sources.list"),
    ...names
      .filter((name) => /\.(list|sources)$/.test(name))
      .sort()
      .map((name) => join(parts, name)),
  ];
  const files = await Promise.all(
    paths.map(async (name) => {
      const text = await readFile(name, "utf8").catch(() => undefined);
      return text === undefined ? undefined : { name, text };
    }),
  );
  return files.filter((file) => file !== undefined);
}

/**
 * Package sources as apt is told of them (sources.list(5)): one-line lists and deb822 files. Only what leads to a
 * Debian archive with the wanted suite is taken; text in, mirrors out.
 */
import { parseStanzas } from "./deb822";

export interface Mirror {
  /** Without a trailing slash. */
  readonly url: string;
  /** Keyring files that apt trusts for it; empty: the system's. */
  readonly keyrings: readonly string[];
}

/** Suites found on every Debian archive: where one of them is, the others are. */
const DEBIAN_SUITES = /^(bullseye|bookworm|trixie|forky|sid|unstable|testing|stable|oldstable|oldoldstable)$/;

interface Source {
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly keyrings: readonly string[];
}

/** Mirrors that list `suite` first, then other Debian mirrors. Duplicates are dropped. */
export function mirrorsFrom(files: readonly { readonly name: string; readonly text: string }[], suite: string): Mirror[] {
  const sources = files
    .flatMap((file) => (file.name.endsWith(".sources") ? parseDeb822(file.text) : parseOneLine(file.text)))
    .filter((source) => /^https?:\/\//.test(source.url) && source.components.includes("main"));
  const exact = sources.filter((source) => source.suites.includes(suite));
  const related = sources.filter((source) => source.suites.some((name) => DEBIAN_SUITES.test(name)));
  const mirrors = new Map<string, Mirror>();
  for (const { url, keyrings } of [...exact, ...related]) {
    const plain = trimSlash(url);
    if (!mirrors.has(plain)) mirrors.set(plain, { url: plain, keyrings });
  }
  return [...mirrors.values()];
}

export const trimSlash = (url: string): string => url.replace(/\/+$/, "");

const isKeyringFile = (value: string): boolean => value.startsWith("/");

/** `deb [option=value ...] URL SUITE COMPONENT...` */
function parseOneLine(text: string): Source[] {
  const sources: Source[] = [];
  for (const line of text.split(/\r?\n/)) {
    const parts = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!parts) continue;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(parts[1] ?? "")?.[1] ?? "";
    sources.push({
      url: parts[2]!,
      suites: [parts[3]!],
      components: words(parts[4]!),
      keyrings: signedBy.split(",").filter(isKeyringFile),
    });
  }
  return sources;
}

function parseDeb822(text: string): Source[] {
  return parseStanzas(text)
    .filter((stanza) => words(stanza.get("types")).includes("deb") && !/^(no|false|off|0)$/i.test(stanza.get("enabled") ?? "yes"))
    .flatMap((stanza) =>
      words(stanza.get("uris")).map((url) => ({
        url,
        suites: words(stanza.get("suites")),
        components: words(stanza.get("components")),
        keyrings: words(stanza.get("signed-by")).filter(isKeyringFile),
      })),
    );
}

const words = (text: string | undefined): string[] => (text ?? "").split(/\s+/).filter((word) => word !== "");

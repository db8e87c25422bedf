/**
 * A mirror's InRelease file: a clear-signed (RFC 9580, "Cleartext Signature Framework") list of the SHA-256 of every
 * index. Everything else that is fetched hangs from it.
 */
import { parseStanza } from "./deb822";
import { GuestsError } from "./guests-error";

const BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE = "-----BEGIN PGP SIGNATURE-----";

export interface Release {
  readonly codename: string;
  /** As written: "Sat, 11 Jan 2025 10:04:00 UTC". */
  readonly date: string;
  readonly validUntil: string | undefined;
  /** By path relative to dists/SUITE/. */
  readonly indexes: ReadonlyMap<string, { readonly sha256: string; readonly size: number }>;
}

/** The text that the signature covers, and nothing around it. `what` names the file. Throws GuestsError "damaged". */
export function signedText(inRelease: string, what: string): string {
  const lines = inRelease.split(/\r?\n/);
  const begin = lines.indexOf(BEGIN);
  const blank = lines.indexOf("", begin);
  const end = lines.indexOf(SIGNATURE, blank);
  if (begin !== 0 || blank < 0 || end < 0)
    throw new GuestsError("damaged", `${what} is not a clear-signed InRelease: check the mirror's address`);
  return lines
    .slice(blank + 1, end)
    .map((line) => line.replace(/^- /, ""))
    .join("\n");
}

/** `text` is what signedText or gpgv gave. Throws GuestsError "damaged". */
export function parseRelease(text: string, what: string): Release {
  const stanza = parseStanza(text);
  const indexes = new Map<string, { sha256: string; size: number }>();
  for (const line of (stanza.get("sha256") ?? "").split("\n")) {
    const entry = /^([0-9a-f]{64})\s+(\d+)\s+(\S+)$/.exec(line);
    if (entry) indexes.set(entry[3]!, { sha256: entry[1]!, size: Number(entry[2]) });
  }
  if (indexes.size === 0) throw new GuestsError("damaged", `${what} lists no SHA-256 sums: check the mirror's address`);
  return { codename: stanza.get("codename") ?? "", date: stanza.get("date") ?? "", validUntil: stanza.get("valid-until"), indexes };
}

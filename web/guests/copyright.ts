/**
 * A short licence name out of a package's debian/copyright: the machine-readable form (DEP-5) where it is used,
 * otherwise the common licence that the text points to.
 */
import { parseStanzas } from "./deb822";

/** "GPL-2", or a pointer to the file when it does not say so briefly. */
export function licenceName(copyright: string): string {
  if (/^Format:/m.test(copyright)) {
    const everything = parseStanzas(copyright).find((stanza) => (stanza.get("files") ?? "").split(/\s+/).includes("*"));
    const name = everything?.get("license")?.split("\n")[0]?.trim();
    if (name) return name;
  }
  const common = /\/usr\/share\/common-licenses\/([A-Za-z0-9.+-]+?)[.'`]*(?:\s|$)/m.exec(copyright)?.[1];
  return common ?? "see the licence file";
}

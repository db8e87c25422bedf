/**
 * Recipe links: `#m=` and base64url(deflate(JSON)). They say how to make a machine, not what is in it: the guest's files by
 * SHA-256, memory, command line, what is typed. The fragment never reaches a server. They come from strangers: everything
 * is bounded and checked, and nothing runs before a click.
 */
import { inflateRaw } from "../lib/inflate";
import { gzip } from "../snapshot/gzip";
import type { TypedStep } from "./typed-input";

export interface RecipeFile {
  readonly role: "image" | "initrd";
  /** As its maker called it. */
  readonly name: string;
  readonly sha256: string;
}

export interface RecipeLink {
  readonly title: string;
  readonly memoryMb: number;
  readonly commandLine: string;
  readonly files: readonly RecipeFile[];
  readonly typed: readonly TypedStep[];
}

/** Why a link cannot be used, as one sentence and what to do. */
export class BadLink extends Error {}

const VERSION = 1;
const MOST_CHARACTERS = 32_768;
const MOST_BYTES = 65_536;
const MOST_TEXT = 4096;
const MOST_STEPS = 32;
const GZIP_HEADER_BYTES = 10;
const GZIP_TRAILER_BYTES = 8;
const LEAST_MEMORY_MB = 1;
const MOST_MEMORY_MB = 2048;

/** The fragment without its #. */
export async function encodeLink(link: RecipeLink): Promise<string> {
  const json = new TextEncoder().encode(JSON.stringify({ v: VERSION, ...link }));
  const packed = await gzip(json);
  return `m=${toBase64Url(packed.subarray(GZIP_HEADER_BYTES, -GZIP_TRAILER_BYTES))}`;
}

/** Undefined: the fragment is no recipe. Throws BadLink. */
export function decodeLink(fragment: string): RecipeLink | undefined {
  const match = /^#?m=(.*)$/s.exec(fragment);
  if (!match) return undefined;
  if (fragment.length > MOST_CHARACTERS) throw new BadLink("The link is longer than any that Vitrine makes. Ask for it again.");
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(inflateRaw(fromBase64Url(match[1]!), MOST_BYTES)));
  } catch {
    throw new BadLink("The link is damaged: a part of it may have been lost when it was copied. Ask for it again.");
  }
  return checked(json);
}

function checked(json: unknown): RecipeLink {
  const wrong = (what: string): never => {
    throw new BadLink(`The link is not one that this Vitrine can use: ${what}. Ask for it again, or use a newer Vitrine.`);
  };
  const object = (value: unknown, what: string): Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : wrong(`${what} is missing`);
  const text = (value: unknown, what: string): string =>
    typeof value === "string" && value.length <= MOST_TEXT ? value : wrong(`${what} is no text`);
  const list = (value: unknown, what: string): unknown[] =>
    Array.isArray(value) && value.length <= MOST_STEPS ? value : wrong(`${what} are no list`);
  const link = object(json, "its contents");
  if (link.v !== VERSION) wrong("it is of another version");
  const memoryMb = link.memoryMb;
  const isMemory = Number.isInteger(memoryMb) && (memoryMb as number) >= LEAST_MEMORY_MB && (memoryMb as number) <= MOST_MEMORY_MB;
  if (!isMemory) wrong("its memory is not possible");
  const files = list(link.files, "its files").map((item): RecipeFile => {
    const file = object(item, "a file");
    const sha256 = text(file.sha256, "a SHA-256");
    if (!/^[0-9a-f]{64}$/.test(sha256)) wrong("a SHA-256 is malformed");
    if (file.role !== "image" && file.role !== "initrd") wrong("a file has no role");
    return { role: file.role as RecipeFile["role"], name: text(file.name, "a file's name"), sha256 };
  });
  if (files.filter(({ role }) => role === "image").length !== 1 || files.length > 2) wrong("it names no kernel or image");
  const typed = list(link.typed, "its typed texts").map((item): TypedStep => {
    const step = object(item, "a typed text");
    return { after: text(step.after, "a text to wait for"), text: text(step.text, "a typed text") };
  });
  return {
    title: text(link.title, "its title"),
    memoryMb: memoryMb as number,
    commandLine: text(link.commandLine, "its command line"),
    files,
    typed,
  };
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64Url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

/**
 * Tar archives as a stream: the ustar and GNU forms that dpkg writes, with pax headers for long names and sizes
 * (POSIX pax, "ustar Interchange Format"). Reading checks every header; writing makes plain ustar with time 0 and
 * owner 0, so that the same files give the same archive.
 */
import { ByteReader, type ByteStream } from "./byte-reader";
import { GuestsError } from "./guests-error";

const BLOCK = 512;
/** Names and pax records longer than this are not names. */
const META_LIMIT = 1 << 16;

export type TarEntryType = "file" | "directory" | "symlink" | "link" | "other";

export interface TarEntry {
  /** As in the archive, without a leading "./". Not checked for "..". */
  readonly name: string;
  readonly type: TarEntryType;
  readonly mode: number;
  readonly size: number;
  /** Target of a link. */
  readonly target: string;
  /** To be drained before the next entry is asked for; what is left is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
}

interface Header {
  readonly name: string;
  readonly typeFlag: string;
  readonly mode: number;
  readonly size: number;
  readonly target: string;
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "5": "directory",
  "2": "symlink",
  "1": "link",
};

const utf8 = new TextDecoder();

/** `what` names the archive in errors. Throws GuestsError "damaged". */
export async function* tarEntries(source: ByteStream, what: string): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(source, what);
  let override: { name?: string; target?: string; size?: number } = {};
  try {
    while (!(await reader.atEnd())) {
      const block = await reader.read(BLOCK);
      if (block.every((byte) => byte === 0)) return;
      const header = parseHeader(block, what);
      const padding = -header.size & (BLOCK - 1);
      if ("LKxg".includes(header.typeFlag)) {
        if (header.size > META_LIMIT) throw new GuestsError("damaged", `${what} has a tar name of ${header.size} bytes: it is damaged`);
        const meta = await reader.read(header.size);
        await reader.skip(padding);
        if (header.typeFlag === "L") override.name = untilNul(meta);
        else if (header.typeFlag === "K") override.target = untilNul(meta);
        else if (header.typeFlag === "x") override = { ...override, ...paxRecords(meta, what) };
        continue;
      }
      const size = override.size ?? header.size;
      let left = size;
      yield {
        name: (override.name ?? header.name).replace(/^(\.\/)+/, ""),
        type: TYPES[header.typeFlag] ?? "other",
        mode: header.mode,
        size,
        target: override.target ?? header.target,
        body: (async function* () {
          for await (const chunk of reader.take(left)) {
            left -= chunk.length;
            yield chunk;
          }
        })(),
      };
      override = {};
      await reader.skip(left + (-size & (BLOCK - 1)));
    }
  } finally {
    await reader.close();
  }
}

function untilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function parseHeader(block: Uint8Array, what: string): Header {
  const text = (start: number, length: number): string => untilNul(block.subarray(start, start + length));
  const number = (start: number, length: number): number => {
    // GNU: a set top bit means big-endian binary instead of octal text.
    if (block[start]! & 0x80) return block.subarray(start + 1, start + length).reduce((value, byte) => value * 256 + byte, 0);
    const digits = text(start, length).trim();
    if (!/^[0-7]*$/.test(digits)) throw new GuestsError("damaged", `${what} has a damaged tar header: delete it and fetch it again`);
    return digits === "" ? 0 : Number.parseInt(digits, 8);
  };
  // The checksum counts its own field as spaces.
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (number(148, 8) !== sum)
    throw new GuestsError("damaged", `${what} has a tar header with a wrong checksum: delete it and fetch it again`);
  const posix = text(257, 6) === "ustar" && block[262] === 0;
  const prefix = posix ? text(345, 155) : "";
  return {
    name: (prefix === "" ? "" : `${prefix}/`) + text(0, 100),
    typeFlag: String.fromCharCode(block[156]!),
    mode: number(100, 8),
    size: number(124, 12),
    target: text(157, 100),
  };
}

/** Records "LENGTH KEY=VALUE\n", the length counting itself. */
function paxRecords(meta: Uint8Array, what: string): { name?: string; target?: string; size?: number } {
  const found: { name?: string; target?: string; size?: number } = {};
  for (let at = 0; at < meta.length; ) {
    const head = /^(\d{1,6}) ([^=]{1,64})=/.exec(utf8.decode(meta.subarray(at, at + 80)));
    const length = Number(head?.[1] ?? 0);
    if (!head || length <= head[0].length || at + length > meta.length)
      throw new GuestsError("damaged", `${what} has a damaged pax header: delete it and fetch it again`);
    const value = utf8.decode(meta.subarray(at + head[0].length, at + length - 1));
    if (head[2] === "path") found.name = value;
    else if (head[2] === "linkpath") found.target = value;
    else if (head[2] === "size") found.size = Number(value);
    at += length;
  }
  return found;
}

/** The ustar header of a regular file. `name` has at most 100 bytes, or 255 with a "/" at a fitting place. */
export function tarFileHeader(name: string, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  const [prefix, short] = splitName(name);
  put(0, short);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\x0000");
  put(345, prefix);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

function splitName(name: string): [prefix: string, short: string] {
  if (name.length <= 100) return ["", name];
  const cut = name.indexOf("/", name.length - 101);
  if (cut < 0 || cut > 155) throw new GuestsError("unsupported", `the name ${name} is too long for a tar archive`);
  return [name.slice(0, cut), name.slice(cut + 1)];
}

/** Zeros that fill a file of `size` bytes up to a whole block. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array(-size & (BLOCK - 1));

/** Two zero blocks end an archive. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * BLOCK);

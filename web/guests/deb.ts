/**
 * Files out of a Debian package (deb(5)) in one pass: ar, then the compressed data.tar, then only the entries that
 * are wanted. Nothing of the rest is kept, so memory does not grow with the package.
 */
import { arMembers } from "./ar";
import { ByteReader, type ByteStream, collect } from "./byte-reader";
import { GuestsError } from "./guests-error";
import { tarEntries } from "./tar";
import { unxz } from "./xz";

/** No wanted file is larger. */
const FILE_LIMIT = 64 << 20;

export interface DebFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** `wanted` decides by path without a leading "/" or "./". Throws GuestsError "damaged" or "unsupported". */
export async function* debFiles(deb: ByteStream, wanted: (name: string) => boolean, what: string): AsyncGenerator<DebFile> {
  for await (const member of arMembers(deb, what)) {
    if (member.name === "debian-binary") {
      const version = new TextDecoder().decode(await collect(member.body, 64, what));
      if (!version.startsWith("2."))
        throw new GuestsError("unsupported", `${what} has package format ${version.trim()}; only 2.x is known`);
    }
    if (!member.name.startsWith("data.tar")) continue;
    for await (const entry of tarEntries(unpack(member.name, member.body, what), what)) {
      if (entry.type === "file" && wanted(entry.name)) yield { name: entry.name, data: await readEntry(entry.body, entry.size, what) };
    }
    return;
  }
  throw new GuestsError("damaged", `${what} holds no data.tar: delete it and fetch it again`);
}

async function readEntry(body: AsyncIterable<Uint8Array>, size: number, what: string): Promise<Uint8Array> {
  if (size > FILE_LIMIT) throw new GuestsError("damaged", `${what} has a file of ${size} bytes, more than any guest needs`);
  return new ByteReader(body, what).read(size);
}

function unpack(name: string, body: AsyncIterable<Uint8Array>, what: string): AsyncIterable<Uint8Array> {
  if (name === "data.tar") return body;
  if (name === "data.tar.xz") return unxz(body, what);
  if (name === "data.tar.gz") return gunzip(body, what);
  throw new GuestsError("unsupported", `${what} is packed as ${name}; only xz, gzip and no compression are known`);
}

async function* gunzip(body: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  const gzip = new DecompressionStream("gzip");
  const writer = gzip.writable.getWriter();
  let sourceError: unknown;
  const feeding = (async () => {
    try {
      for await (const chunk of body) await writer.write(chunk.slice());
      await writer.close();
    } catch (error) {
      sourceError = error;
      await writer.abort(error).catch(() => {});
    }
  })();
  const reader = gzip.readable.getReader();
  try {
    for (;;) {
      const next = await reader.read().catch(() => {
        throw sourceError instanceof GuestsError
          ? sourceError
          : new GuestsError("damaged", `${what} is damaged or truncated (gzip): delete it and fetch it again`);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
    await feeding;
  }
}

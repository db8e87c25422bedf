/**
 * The `ar` archive that a Debian package is (deb(5)): a magic, then members with 60-byte headers of padded decimal
 * text. Only the common form: short names, as dpkg writes them.
 */
import { ByteReader, type ByteStream } from "./byte-reader";
import { GuestsError } from "./guests-error";

const MAGIC = "!<arch>\n";
const HEADER_BYTES = 60;

export interface ArMember {
  readonly name: string;
  readonly size: number;
  /** To be drained before the next member is asked for; what is left is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** `what` names the archive in errors. Throws GuestsError "damaged". */
export async function* arMembers(source: ByteStream, what: string): AsyncGenerator<ArMember> {
  const reader = new ByteReader(source, what);
  try {
    if (latin1(await reader.read(MAGIC.length)) !== MAGIC)
      throw new GuestsError("damaged", `${what} is not an ar archive: delete it and fetch it again`);
    while (!(await reader.atEnd())) {
      const header = latin1(await reader.read(HEADER_BYTES));
      const size = header.slice(48, 58).trim();
      if (!/^\d+$/.test(size) || header.slice(58) !== "`\n")
        throw new GuestsError("damaged", `${what} has a damaged ar header: delete it and fetch it again`);
      let left = Number(size);
      const body = countDown(reader.take(left), (bytes) => {
        left -= bytes;
      });
      yield { name: header.slice(0, 16).trim().replace(/\/$/, ""), size: left, body };
      await reader.skip(left);
      // Members begin at even offsets; the last one's padding may be missing.
      if (Number(size) % 2 === 1 && !(await reader.atEnd())) await reader.skip(1);
    }
  } finally {
    await reader.close();
  }
}

async function* countDown(chunks: AsyncIterable<Uint8Array>, used: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    used(chunk.length);
    yield chunk;
  }
}

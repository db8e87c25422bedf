/**
 * XZ decompression as a stream, by the `xz-decompress` package (WebAssembly, in Node and in the page). It knows LZMA2
 * only; a stream with a branch filter first goes through xz-block.ts.
 */
import * as xzDecompress from "xz-decompress";
import type { ByteStream } from "./byte-reader";
import { GuestsError } from "./guests-error";

type XzModule = typeof xzDecompress;
/** A CommonJS package: Node gives its exports as the default, bundlers by name. */
const { XzReadableStream } = ((xzDecompress as XzModule & { default?: XzModule }).default ?? xzDecompress) as XzModule;

/** The package decodes one stream at a time, and counts wrongly when one is cancelled at its end: streams take turns here. */
let lastTurn: Promise<void> = Promise.resolve();

async function takeTurn(): Promise<() => void> {
  const before = lastTurn;
  let end = (): void => {};
  lastTurn = new Promise((resolve) => {
    end = resolve;
  });
  await before;
  return end;
}

/** `what` names the data in errors. Throws GuestsError "damaged"; errors of the source pass through. */
export async function* unxz(source: ByteStream, what: string): AsyncGenerator<Uint8Array> {
  const endTurn = await takeTurn();
  const chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let sourceError: unknown;
  const compressed = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          let next = await chunks.next();
          // An empty chunk would not wake the reader.
          while (!next.done && next.value.length === 0) next = await chunks.next();
          if (next.done) controller.close();
          else controller.enqueue(next.value);
        } catch (error) {
          sourceError = error;
          controller.error(error);
        }
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  const reader = new XzReadableStream(compressed).getReader();
  let ended = false;
  try {
    for (;;) {
      const next = await reader.read().catch((error: unknown) => {
        ended = true;
        throw (
          sourceError ?? new GuestsError("damaged", `${what} is damaged or truncated (xz): delete it and fetch it again`, { cause: error })
        );
      });
      if (next.done) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // A stream that has just delivered its last bytes refuses to be cancelled; it has freed everything by then.
    if (!ended) await reader.cancel().catch(() => {});
    await chunks.return?.();
    endTurn();
  }
}

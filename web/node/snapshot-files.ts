/** Snapshot files on this computer: read by position, and written under another name until they are whole. */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import type { ByteSink, ByteSource } from "../snapshot/byte-store";

export interface OpenFile extends ByteSource {
  close(): Promise<void>;
}

/** A file that appears under its name when it is whole, in the place of an older one. */
export interface NewFile extends ByteSink {
  commit(): Promise<void>;
  /** Leaves nothing behind, and an older file as it was. Without effect after `commit`. */
  discard(): Promise<void>;
}

/** Makes an error's text one for people; the path is in it. */
export type InWords = (path: string, error: unknown) => Error;

export async function openFile(path: string, inWords: InWords): Promise<OpenFile> {
  try {
    const file = await open(path, "r");
    const { size, ...stat } = await file.stat();
    if (stat.mode !== undefined && (stat.mode & 0o170000) === 0o040000) {
      await file.close();
      throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
    }
    return {
      size,
      read: (position, length) => readFully(file, position, length).catch((error) => Promise.reject(inWords(path, error))),
      close: () => file.close(),
    };
  } catch (error) {
    throw inWords(path, error);
  }
}

async function readFully(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    at += bytesRead;
  }
  return bytes;
}

export async function createFile(path: string, inWords: InWords): Promise<NewFile> {
  const partial = `${path}.part`;
  let file: FileHandle | undefined;
  try {
    file = await open(partial, "w");
  } catch (error) {
    throw inWords(path, error);
  }
  const discard = async (): Promise<void> => {
    if (!file) return;
    const closing = file;
    file = undefined;
    await closing.close();
    await rm(partial, { force: true });
  };
  return {
    async write(position, bytes) {
      try {
        for (let at = 0; at < bytes.length; ) at += (await file!.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
      } catch (error) {
        throw inWords(path, error);
      }
    },
    async commit() {
      try {
        await file!.sync();
        await file!.close();
        file = undefined;
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw inWords(path, error);
      }
    },
    discard,
  };
}

/** The command line's environment over Node: files, standard streams, the terminal in raw mode. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { openImage } from "./disk-image";
import type { Connection, Environment, Keyboard } from "./environment";
import { createFile, openFile } from "./snapshot-files";

/** Places of the core, from the built command line (dist/node) and from the sources (web/node). */
const CORE_PLACES = ["../lib/core.wasm", "../core/core.wasm", "../../dist/lib/core.wasm", "../../dist/core/core.wasm"];

/** Node's error codes in words; the path is named by the caller's flag. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOSPC: "no space left on the device",
  EROFS: "the file system is read-only",
};

function inWords(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return new Error(`${path}: ${REASONS[code] ?? (error instanceof Error ? error.message : String(error))}`);
}

export function nodeEnvironment(): Environment {
  const { stdin, stdout, stderr } = process;
  // A closed pipe (`vitrine run … | head`) is no error of ours.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  return {
    terminal: stderr.isTTY === true,
    readFile: async (path) => {
      try {
        return await readFile(path);
      } catch (error) {
        throw inWords(path, error);
      }
    },
    writeFile: async (path, bytes) => {
      try {
        await writeFile(path, bytes);
      } catch (error) {
        throw inWords(path, error);
      }
    },
    openFile: (path) => openFile(path, inWords),
    createFile: (path) => createFile(path, inWords),
    stdout: (text) => void stdout.write(text),
    stderr: (text) => void stderr.write(text),
    writeOutput: (bytes) => void stdout.write(bytes),
    openKeyboard: () => openKeyboard(stdin),
    onInterrupt: (listener) => void process.once("SIGINT", listener),
    loadWasm,
    openDisk: openImage,
    serve: (port, onConnection) => serve(port, onConnection),
    usage() {
      const { user, system } = process.cpuUsage();
      return { cpuSeconds: (user + system) / 1e6, peakRssMb: process.resourceUsage().maxRSS / 1024 };
    },
  };
}

function openKeyboard(stdin: NodeJS.ReadStream): Keyboard {
  const isTerminal = stdin.isTTY === true;
  if (isTerminal) stdin.setRawMode(true);
  return {
    isTerminal,
    onData(listener) {
      stdin.on("data", (data) => listener(typeof data === "string" ? new TextEncoder().encode(data) : data));
      // A closed standard input is simply silent.
      stdin.on("error", () => {});
      stdin.resume();
    },
    close() {
      if (isTerminal) stdin.setRawMode(false);
      stdin.pause();
      // Otherwise an open pipe keeps the process waiting.
      (stdin as { unref?(): void }).unref?.();
    },
  };
}

function serve(port: number, onConnection: (connection: Connection) => void): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.setNoDelay(true).setEncoding("latin1");
    // A connection that breaks closes, too.
    socket.on("error", () => {});
    onConnection({
      send: (text) => void socket.write(text, "latin1"),
      onData: (listener) => void socket.on("data", (text) => listener(String(text))),
      onClose: (listener) => void socket.on("close", listener),
      close: () => void socket.end(),
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(error.code === "EADDRINUSE" ? "the port is in use; give another one" : error.message)),
    );
    server.listen(port, "127.0.0.1", () => resolve({ port: (server.address() as AddressInfo).port, close: () => void server.close() }));
  });
}

async function loadWasm(): Promise<Uint8Array<ArrayBuffer>> {
  const path = CORE_PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error("the CPU core is not built: run npm run build");
  return Uint8Array.from(await readFile(path));
}

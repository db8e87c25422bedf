/**
 * What the command line does to the outside, as one object: files, terminal, core, host figures. The real one is over
 * Node; tests give their own.
 */
import type { CommandIo } from "../disasm/command-io";
import type { CoreFactory } from "../machine/machine";
import type { BlockDevice } from "../storage/block-device";
import type { NewFile, OpenFile } from "./snapshot-files";

/** Keys from the user, or a pipe. */
export interface Keyboard {
  /** A terminal: every key comes as it is typed, Ctrl-C included, until `close()`. */
  readonly isTerminal: boolean;
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** One TCP connection; text is Latin-1, a character a byte. */
export interface Connection {
  send(text: string): void;
  onData(listener: (text: string) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

export interface Environment extends CommandIo {
  /** Standard error is a terminal, where a line of progress can be overwritten. */
  readonly terminal?: boolean;
  /** A large file, read by position; rejects as `readFile` does. */
  openFile(path: string): Promise<OpenFile>;
  /** A large file, written by position; it takes its name when it is whole. Rejects as `writeFile` does. */
  createFile(path: string): Promise<NewFile>;
  /** Bytes of COM1, unchanged. */
  writeOutput(bytes: Uint8Array): void;
  openKeyboard(): Keyboard;
  /** The user wants to stop (Ctrl-C without a terminal in raw mode). */
  onInterrupt(listener: () => void): void;
  /** The core's WebAssembly; rejects with a line that says how to build it. */
  loadWasm(): Promise<Uint8Array<ArrayBuffer>>;
  /** A raw image as a disk, or a qcow2 image, which can only be read. Throws DiskFailed. */
  openDisk(path: string, readOnly: boolean): Promise<BlockDevice>;
  /** Tests: a core instead of the WebAssembly. */
  readonly core?: CoreFactory;
  /** Listens on a TCP port of this machine only; 0: any free one. Rejects with a reason in words. */
  serve?(port: number, onConnection: (connection: Connection) => void): Promise<{ readonly port: number; close(): void }>;
  /** CPU seconds of this process so far, and its largest resident memory in MB. */
  usage(): { cpuSeconds: number; peakRssMb: number };
}

/** The command line's environment in memory: files, captured output, typed keys, and the fake core. */
import { DiskFailed } from "../../web/lib/errors";
import type { Environment, Keyboard } from "../../web/node/environment";
import type { NewFile, OpenFile } from "../../web/node/snapshot-files";
import { MemorySink, MemorySource } from "../../web/snapshot/byte-store";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { FakeCore, type Op } from "../machine/fake-core";

export class FakeEnvironment implements Environment {
  out = "";
  err = "";
  readonly files = new Map<string, Uint8Array>();
  interrupt: () => void = () => {};
  type: (text: string) => void = () => {};
  keyboardClosed = false;
  readonly core: NonNullable<Environment["core"]>;
  /** Called with everything COM1 has sent so far. */
  onOutput: (all: string) => void = () => {};

  constructor(
    readonly program: readonly Op[] = [],
    readonly isTerminal = false,
  ) {
    this.core = async (callbacks, config) => new FakeCore(callbacks, { program, ramBytes: config.memoryMb * 0x100000 });
    const sector = new Uint8Array(512);
    sector.set([0x55, 0xaa], 510);
    this.files.set("boot.bin", sector);
  }

  async readFile(path: string): Promise<Uint8Array> {
    const bytes = this.files.get(path);
    if (!bytes) throw new Error(`${path}: no such file`);
    return bytes;
  }
  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    if (path.startsWith("/full/")) throw new Error(`${path}: no space left on the device`);
    this.files.set(path, bytes);
  }
  async openFile(path: string): Promise<OpenFile> {
    return Object.assign(new MemorySource(await this.readFile(path)), { close: async () => {} });
  }
  async createFile(path: string): Promise<NewFile> {
    if (path.startsWith("/full/")) throw new Error(`${path}: no space left on the device`);
    const sink = new MemorySink();
    return Object.assign(sink, { commit: () => this.writeFile(path, sink.toBytes()), discard: async () => {} });
  }
  /** Images that were opened, by path. */
  readonly disks = new Map<string, MemoryDisk>();
  async openDisk(path: string, readOnly: boolean): Promise<MemoryDisk> {
    const contents = this.files.get(path);
    if (!contents) throw new DiskFailed(path, "missing", "there is no such file.", "");
    const disk = new MemoryDisk(contents.length, { name: path, readOnly, contents });
    this.disks.set(path, disk);
    return disk;
  }
  stdout(text: string): void {
    this.out += text;
  }
  stderr(text: string): void {
    this.err += text;
  }
  writeOutput(bytes: Uint8Array): void {
    this.out += new TextDecoder().decode(bytes);
    this.onOutput(this.out);
  }
  openKeyboard(): Keyboard {
    return {
      isTerminal: this.isTerminal,
      onData: (listener) => {
        this.type = (text) => listener(new TextEncoder().encode(text));
      },
      close: () => {
        this.keyboardClosed = true;
      },
    };
  }
  onInterrupt(listener: () => void): void {
    this.interrupt = listener;
  }
  loadWasm(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.reject(new Error("the fake core is used instead"));
  }
  usage() {
    return { cpuSeconds: 1.5, peakRssMb: 77 };
  }
}

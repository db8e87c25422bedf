/** The page's side of the disks in this browser: the list, what is attached to the next machine, import and export. */
import { DiskFailed, isEmulatorError } from "../lib/errors";
import { CHUNK_BYTES, chunkLength, type DiskChunk, isZero, SECTOR_BYTES } from "../storage/block-device";
import { DiskLibrary, type DiskRecord } from "../storage/disk-library";
import { Store } from "./store";

export interface DisksState {
  /** Undefined until the list has been read, or where there is none. */
  readonly disks: readonly DiskRecord[] | undefined;
  /** Ids, in the guest's order. */
  readonly attached: readonly string[];
  /** What is going on, with its progress from 0 to 1. */
  readonly busy: { readonly text: string; readonly done: number } | undefined;
  readonly message: string;
}

const ATTACHED = "vitrine.disks";
export const MOST_ATTACHED = 8;

export class Disks {
  readonly state = new Store<DisksState>({ disks: undefined, attached: remembered(), busy: undefined, message: "" });
  readonly #library: DiskLibrary;

  constructor(library = new DiskLibrary()) {
    this.#library = library;
  }

  async refresh(): Promise<void> {
    await this.#attempt(async () => {
      const disks = await this.#library.list();
      this.#attach(
        this.state.value.attached.filter((id) => disks.some((disk) => disk.id === id)),
        disks,
      );
    });
  }

  get attached(): readonly DiskRecord[] {
    const { disks, attached } = this.state.value;
    return attached.map((id) => disks?.find((disk) => disk.id === id)).filter((disk) => disk !== undefined);
  }

  toggle(id: string): void {
    const { attached } = this.state.value;
    this.#attach(attached.includes(id) ? attached.filter((other) => other !== id) : [...attached, id].slice(0, MOST_ATTACHED));
  }

  #attach(attached: readonly string[], disks = this.state.value.disks): void {
    try {
      localStorage.setItem(ATTACHED, JSON.stringify(attached));
    } catch {}
    this.state.patch({ attached, disks });
  }

  /** A blank disk is attached at once: that is what it is made for. */
  async create(name: string, megabytes: number): Promise<void> {
    await this.#attempt(async () => {
      const { id } = await this.#library.create(name, megabytes * 0x100000);
      await this.refresh();
      if (!this.state.value.attached.includes(id)) this.toggle(id);
    });
  }

  /** A raw image from a file. Its last sector is filled up with zeros. */
  async import(file: File): Promise<void> {
    await this.#attempt(async () => {
      if (file.size === 0) throw new DiskFailed(file.name, "damaged", "it is empty.", "Choose a raw disk image.");
      const bytes = Math.ceil(file.size / SECTOR_BYTES) * SECTOR_BYTES;
      const { id } = await this.#library.create(file.name, bytes, this.#chunksOf(file, bytes));
      await this.refresh();
      if (!this.state.value.attached.includes(id)) this.toggle(id);
    });
  }

  async *#chunksOf(file: File, bytes: number): AsyncGenerator<DiskChunk> {
    for (let index = 0; index * CHUNK_BYTES < bytes; index++) {
      const chunk = new Uint8Array(chunkLength(bytes, index));
      const part = await file
        .slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
        .arrayBuffer()
        .catch(() => {
          throw new DiskFailed(file.name, "unreadable", "the browser cannot read the file any more.", "Choose it again.");
        });
      chunk.set(new Uint8Array(part));
      if (index % 16 === 0) this.#progress(`Importing ${file.name}`, (index * CHUNK_BYTES) / bytes);
      if (!isZero(chunk)) yield { index, bytes: chunk };
    }
  }

  /** The disk as a raw image, of which the browser keeps the pieces: never all of it in memory at once. */
  async export(record: DiskRecord): Promise<void> {
    await this.#attempt(async () => {
      const disk = await this.#library.open(record.id, { readOnly: true });
      try {
        const parts: Blob[] = [];
        for (let offset = 0; offset < disk.bytes; offset += 16 * CHUNK_BYTES) {
          parts.push(new Blob([(await disk.read(offset, Math.min(16 * CHUNK_BYTES, disk.bytes - offset))) as Uint8Array<ArrayBuffer>]));
          this.#progress(`Exporting ${record.name}`, offset / disk.bytes);
        }
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob(parts));
        link.download = /\.[a-z0-9]{1,5}$/i.test(record.name) ? record.name : `${record.name}.img`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      } finally {
        await disk.close();
      }
    });
  }

  async remove(record: DiskRecord): Promise<void> {
    await this.#attempt(async () => {
      await this.#library.remove(record.id);
      await this.refresh();
    });
  }

  #progress(text: string, done: number): void {
    this.state.patch({ busy: { text, done } });
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    this.state.patch({ message: "" });
    try {
      if (!this.#library.isAvailable) return;
      await action();
    } catch (error) {
      this.state.patch({ message: isEmulatorError(error) ? error.message : `Disks cannot be kept here: ${String(error)}` });
    } finally {
      this.state.patch({ busy: undefined });
    }
  }
}

function remembered(): string[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(ATTACHED) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, MOST_ATTACHED) : [];
  } catch {
    return [];
  }
}

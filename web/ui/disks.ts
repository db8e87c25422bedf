/** The page's side of the disks in this browser: the list, what is attached to the next machine, import and export. */
import { DiskFailed, isEmulatorError } from "../lib/errors";
import { BlobSource } from "../snapshot/byte-store";
import { type BlockDevice, CHUNK_BYTES, chunkLength, type DiskChunk, isZero, SECTOR_BYTES } from "../storage/block-device";
import { DiskLibrary, type DiskRecord } from "../storage/disk-library";
import { isQcow2, Qcow2Disk } from "../storage/qcow2";
import { writeQcow2 } from "../storage/qcow2-writer";
import { Store } from "./store";

/** How an exported disk is written. */
export type ExportForm = "raw" | "qcow2";

export interface DisksState {
  /** Undefined until the list has been read, or where there is none. */
  readonly disks: readonly DiskRecord[] | undefined;
  /** By id: bytes that the browser stores for it. */
  readonly stored: ReadonlyMap<string, number>;
  /** What the browser has given to this site and gives at most, in bytes. */
  readonly quota: { readonly usage: number; readonly quota: number } | undefined;
  /** Ids, in the guest's order. */
  readonly attached: readonly string[];
  /** What is going on, with its progress from 0 to 1. */
  readonly busy: { readonly text: string; readonly done: number } | undefined;
  readonly message: string;
}

const ATTACHED = "vitrine.disks";
export const MOST_ATTACHED = 8;

export class Disks {
  readonly state = new Store<DisksState>({
    disks: undefined,
    stored: new Map(),
    quota: undefined,
    attached: remembered(),
    busy: undefined,
    message: "",
  });
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
      const stored = await Promise.all(disks.map(async ({ id }) => [id, await this.#library.storedBytes(id)] as const));
      this.state.patch({ stored: new Map(stored), quota: await this.#library.quota() });
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

  /** A disk that begins with what this one holds, and is attached in its place. */
  async branch(record: DiskRecord): Promise<void> {
    await this.#attempt(async () => {
      const { disks = [], attached } = this.state.value;
      let n = 1;
      while (disks.some(({ name }) => name === `${record.name}, branch ${n}`)) n++;
      const { id } = await this.#library.branch(record.id, `${record.name}, branch ${n}`);
      const isInPlace = attached.includes(record.id);
      await this.refresh();
      this.#attach(isInPlace ? attached.map((other) => (other === record.id ? id : other)) : [...attached, id].slice(0, MOST_ATTACHED));
    });
  }

  /** It gets copies of what it has from the disks below. */
  async flatten(record: DiskRecord): Promise<void> {
    await this.#attempt(async () => {
      await this.#library.flatten(record.id, (done, total) => this.#progress(`Copying to ${record.name}`, done / Math.max(1, total)));
      await this.refresh();
    });
  }

  /** A raw or qcow2 image from a file, told apart by its first bytes. A raw one's last sector is filled up with zeros. */
  async import(file: File): Promise<void> {
    await this.#attempt(async () => {
      if (file.size === 0) throw new DiskFailed(file.name, "damaged", "it is empty.", "Choose a raw or qcow2 disk image.");
      const source = new BlobSource(file);
      if (isQcow2(await source.read(0, Math.min(4, file.size)))) {
        const image = await Qcow2Disk.open(source, { name: file.name });
        const { id } = await this.#library.create(file.name.replace(/\.qcow2$/i, ""), image.bytes, this.#chunksOfDisk(image));
        await this.refresh();
        if (!this.state.value.attached.includes(id)) this.toggle(id);
        return;
      }
      const bytes = Math.ceil(file.size / SECTOR_BYTES) * SECTOR_BYTES;
      const { id } = await this.#library.create(file.name, bytes, this.#chunksOf(file, bytes));
      await this.refresh();
      if (!this.state.value.attached.includes(id)) this.toggle(id);
    });
  }

  async *#chunksOfDisk(disk: BlockDevice): AsyncGenerator<DiskChunk> {
    for await (const index of disk.dataChunks()) {
      if (index % 16 === 0) this.#progress(`Importing ${disk.name}`, (index * CHUNK_BYTES) / disk.bytes);
      yield { index, bytes: await disk.read(index * CHUNK_BYTES, chunkLength(disk.bytes, index)) };
    }
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

  /** The disk as an image, of which the browser keeps the pieces: never all of it in memory at once. */
  async export(record: DiskRecord, form: ExportForm): Promise<void> {
    await this.#attempt(async () => {
      const disk = await this.#library.open(record.id, { readOnly: true });
      try {
        const blob = await (form === "raw" ? this.#rawImage(disk) : this.#qcow2Image(disk));
        const link = document.createElement("a");
        link.href = URL.createObjectURL(blob);
        const name = record.name.replace(/\.qcow2$/i, "");
        if (form === "qcow2") link.download = `${name}.qcow2`;
        else link.download = /\.[a-z0-9]{1,5}$/i.test(name) ? name : `${name}.img`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      } finally {
        await disk.close();
      }
    });
  }

  async #rawImage(disk: BlockDevice): Promise<Blob> {
    const parts: Blob[] = [];
    for (let offset = 0; offset < disk.bytes; offset += 16 * CHUNK_BYTES) {
      parts.push(new Blob([(await disk.read(offset, Math.min(16 * CHUNK_BYTES, disk.bytes - offset))) as Uint8Array<ArrayBuffer>]));
      this.#progress(`Exporting ${disk.name}`, offset / disk.bytes);
    }
    return new Blob(parts);
  }

  async #qcow2Image(disk: BlockDevice): Promise<Blob> {
    const pieces: { readonly position: number; readonly blob: Blob }[] = [];
    const write = async (position: number, bytes: Uint8Array): Promise<void> => {
      pieces.push({ position, blob: new Blob([bytes as Uint8Array<ArrayBuffer>]) });
    };
    const onProgress = (done: number, total: number): void => this.#progress(`Exporting ${disk.name}`, done / Math.max(1, total));
    await writeQcow2(disk, { write }, { onProgress });
    // Clusters leave no gaps.
    return new Blob(pieces.sort((a, b) => a.position - b.position).map(({ blob }) => blob));
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

/**
 * Everything that the page does with snapshots and links: saving to a file, opening from a file or an address, sharing how
 * a machine is made, continuing what this browser has kept. Nothing that came from outside runs before a click.
 */
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { builtInRecord, componentRecords } from "../guests/component-records";
import type { Manifest as GuestManifest } from "../guests/manifest";
import { SnapshotIncompatible } from "../lib/errors";
import type { KeptHead } from "../lib/kept";
import { sha256, toHex } from "../lib/sha256";
import type { SaveHandle, SnapshotSource } from "../protocol/snapshots";
import { BlobSource } from "../snapshot/byte-store";
import type { Manifest } from "../snapshot/manifest";
import { PUBLISHED_META, parseHead, publishedPath } from "../snapshot/published";
import { SnapshotFile } from "../snapshot/snapshot-file";
import { CannotFetch, fetchSnapshot, snapshotAddress } from "./fetch-snapshot";
import { forgetKept, keptMachines } from "./kept-machines";
import { bootImages, type MachineEntry, type MachineSettings } from "./machines";
import { BadLink, decodeLink, encodeLink, type RecipeFile, type RecipeLink } from "./recipe-link";
import type { Session } from "./session";
import { Store } from "./store";

/** What the desk needs of the page around it. */
export interface DeskHost {
  readonly base: string;
  session(): Session | undefined;
  machines(): readonly MachineEntry[];
  guests(): GuestManifest | undefined;
  /** Boots, switching off what runs. */
  replace(entry: MachineEntry, settings: MachineSettings): void;
  announce(text: string): void;
}

export interface SnapshotPreview {
  readonly manifest: Manifest;
  readonly bytes: number;
  /** An object URL of its picture of the screen. */
  readonly screenshot: string | undefined;
  readonly source: SnapshotSource;
}

export type DeskDialog =
  | { readonly kind: "save" }
  | { readonly kind: "share" }
  | { readonly kind: "fetching"; readonly host: string; readonly done: number; readonly total: number }
  | { readonly kind: "preview"; readonly preview: SnapshotPreview }
  | { readonly kind: "link"; readonly link: RecipeLink; readonly entry: MachineEntry }
  | { readonly kind: "refused"; readonly title: string; readonly text: string };

export interface DeskState {
  readonly dialog: DeskDialog | undefined;
  /** A snapshot is being written. */
  readonly saving: { readonly done: number; readonly total: number } | undefined;
  /** Bytes of memory in use, when they have been counted. */
  readonly memoryInUse: number | undefined;
  readonly kept: readonly KeptHead[];
}

/** Where the browser keeps no locks, a tab that died shows only after a while. */
const LOOK_AGAIN_MS = 5000;
const LOOKS = 5;
const EXTENSION = ".vitrine";
const MIME = "application/octet-stream";

interface FilePickerWindow {
  showSaveFilePicker?(options: object): Promise<SaveHandle>;
}

export class SnapshotDesk {
  readonly state = new Store<DeskState>({ dialog: undefined, saving: undefined, memoryInUse: undefined, kept: [] });
  readonly #host: DeskHost;
  #fetching: AbortController | undefined;

  constructor(host: DeskHost) {
    this.#host = host;
  }

  /** What the page's address asks for, and what was kept. */
  async begin(): Promise<void> {
    addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#host.session()?.keepNow();
    });
    addEventListener("hashchange", () => void this.#openFragment());
    void this.#lookForKept();
    const address = new URLSearchParams(location.search).get("snapshot");
    const published = document.querySelector(`meta[name="${PUBLISHED_META}"]`)?.getAttribute("content");
    if (address !== null) await this.openAddress(address);
    else if (published) await this.#openPublished(published);
    else await this.#openFragment();
  }

  async #lookForKept(): Promise<void> {
    for (let look = 0; look < (navigator.locks ? 1 : LOOKS); look++) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      this.state.patch({ kept: await keptMachines() });
    }
  }

  /** A dialog that gives way to the next one closes late: then another kind is open already. */
  close(kind?: DeskDialog["kind"]): void {
    const { dialog } = this.state.value;
    if (kind !== undefined && dialog?.kind !== kind) return;
    this.#fetching?.abort();
    if (dialog?.kind === "preview" && dialog.preview.screenshot) URL.revokeObjectURL(dialog.preview.screenshot);
    this.state.patch({ dialog: undefined });
  }

  askSave(): void {
    this.state.patch({ dialog: { kind: "save" }, memoryInUse: undefined });
    void this.#host
      .session()
      ?.measure()
      .then((memoryInUse) => this.state.patch({ memoryInUse }));
  }

  askShare(): void {
    this.state.patch({ dialog: { kind: "share" } });
  }

  /** Must begin within the user's click, or browsers open no file dialog. */
  async save(title: string): Promise<void> {
    const session = this.#host.session();
    if (!session || this.state.value.saving) return;
    const picker = (globalThis as FilePickerWindow).showSaveFilePicker?.bind(globalThis);
    const name = `${fileName(title)}${EXTENSION}`;
    let target: SaveHandle | null = null;
    if (picker) {
      try {
        target = await picker({ suggestedName: name, types: [{ description: "Vitrine snapshot", accept: { [MIME]: [EXTENSION] } }] });
      } catch (error) {
        if (error instanceof DOMException && error.name === "AbortError") return;
        target = null;
      }
    }
    this.state.patch({ saving: { done: 0, total: 1 } });
    session.onSaving = (done, total) => this.state.patch({ saving: { done, total: Math.max(1, total) } });
    try {
      const { blob } = await session.saveSnapshot({ title, components: await this.componentsOf(session.entry), target });
      if (blob) download(blob, name);
      this.state.patch({ dialog: undefined, saving: undefined });
      this.#host.announce(`Snapshot ${name} saved.`);
    } catch (error) {
      this.state.patch({ saving: undefined });
      this.#refuse("The snapshot could not be saved", `${messageOf(error)} The machine goes on; try again, or another place.`);
    }
  }

  /** Whose work is in the machine's memory; undefined: what its snapshot says. */
  async componentsOf(entry: MachineEntry): Promise<readonly object[] | undefined> {
    if (entry.resume) return undefined;
    if (entry.group === "builtin") return [builtInRecord(entry.id, [])];
    const files = bootImages(entry).filter((image) => image.kind === "url");
    return componentRecords(
      this.#host.guests(),
      files.map(({ name, bytes, sha256: hash }) => ({ role: name, size: bytes, sha256: hash })),
    );
  }

  /** A file of the user's. */
  openFile(file: File): Promise<void> {
    return this.#open({ kind: "blob", blob: file });
  }

  async openAddress(address: string): Promise<void> {
    this.#fetching?.abort();
    const fetching = new AbortController();
    this.#fetching = fetching;
    try {
      const url = snapshotAddress(address, this.#host.base);
      const show = (done: number, total: number): void => this.state.patch({ dialog: { kind: "fetching", host: url.host, done, total } });
      show(0, 0);
      const blob = await fetchSnapshot(url, show, fetching.signal);
      if (!fetching.signal.aborted) await this.#open({ kind: "blob", blob });
    } catch (error) {
      if (fetching.signal.aborted) return;
      this.#refuse("The snapshot could not be fetched", error instanceof CannotFetch ? error.message : messageOf(error));
    }
  }

  /** This page is the player of a published machine. */
  async #openPublished(path: string): Promise<void> {
    const { base } = this.#host;
    const fetching = new AbortController();
    this.#fetching = fetching;
    try {
      const response = await fetch(new URL(path, base), { cache: "no-cache", signal: fetching.signal });
      if (!response.ok)
        throw new CannotFetch(`${path} is not there (HTTP status ${response.status}): the folder was not copied as a whole.`);
      const { hot, whole } = parseHead(await response.text());
      const url = new URL(publishedPath(hot), base);
      const show = (done: number, total: number): void => this.state.patch({ dialog: { kind: "fetching", host: url.host, done, total } });
      show(0, hot.bytes);
      const blob = await fetchSnapshot(url, show, fetching.signal);
      if (!fetching.signal.aborted)
        await this.#open({ kind: "published", hot: blob, whole: { ...whole, url: new URL(publishedPath(whole), base).href } });
    } catch (error) {
      if (fetching.signal.aborted) return;
      this.#refuse("The machine could not be fetched", messageOf(error));
    }
  }

  async #open(source: Exclude<SnapshotSource, { kind: "kept" }>): Promise<void> {
    try {
      const blob = source.kind === "blob" ? source.blob : source.hot;
      const file = await SnapshotFile.open(new BlobSource(blob));
      if (source.kind === "blob" && file.manifest.parent !== null)
        throw new SnapshotIncompatible("file", "it builds upon another snapshot, which a page cannot open. Ask for one that is whole.");
      const picture = file.has("screenshot") ? await file.readSection("screenshot") : undefined;
      const bytes = file.size + (source.kind === "published" ? source.whole.bytes : 0);
      const screenshot = picture && URL.createObjectURL(new Blob([picture as Uint8Array<ArrayBuffer>], { type: "image/png" }));
      this.state.patch({ dialog: { kind: "preview", preview: { manifest: file.manifest, bytes, screenshot, source } } });
    } catch (error) {
      this.#refuse("This snapshot cannot be opened", error instanceof SnapshotIncompatible ? capital(error.reason) : messageOf(error));
    }
  }

  /** `keepDisks`: its disks become disks of this browser. */
  runPreview(keepDisks: boolean): void {
    const { dialog } = this.state.value;
    if (dialog?.kind !== "preview") return;
    const { manifest, source } = dialog.preview;
    this.close();
    this.#resume(manifest.title, manifest.machine.memoryMb, source.kind === "blob" ? { ...source, keepDisks } : source);
  }

  continueKept(head: KeptHead): void {
    this.state.patch({ kept: this.state.value.kept.filter(({ slot }) => slot !== head.slot) });
    this.#resume(head.title, head.memoryMb, { kind: "kept", slot: head.slot });
  }

  discardKept(head: KeptHead): void {
    this.state.patch({ kept: this.state.value.kept.filter(({ slot }) => slot !== head.slot) });
    void forgetKept(head.slot);
    this.#host.announce(`${head.title}: discarded.`);
  }

  #resume(title: string, memoryMb: number, resume: SnapshotSource): void {
    const defaults = { memoryMb, commandLine: "" };
    this.#host.replace(
      {
        ...{ id: "snapshot", group: "own", title, description: "A snapshot", licence: "", boot: "auto", defaults, takesCommandLine: false },
        image: { kind: "builtin", name: title, id: "" },
        resume,
      },
      defaults,
    );
  }

  /** The link that makes this machine elsewhere. Throws BadLink when a link cannot carry it. */
  async linkFor(session: Session, typed: RecipeLink["typed"]): Promise<string> {
    const { entry, settings } = session;
    if (entry.resume || entry.group === "own")
      throw new BadLink("A link cannot carry your own files or a machine from a snapshot. Save a snapshot and send that file instead.");
    const fragment = await encodeLink({ ...settings, title: entry.title, files: await filesOf(entry), typed });
    return `${this.#host.base}#${fragment}`;
  }

  async #openFragment(): Promise<void> {
    try {
      const link = decodeLink(location.hash);
      if (link) this.state.patch({ dialog: { kind: "link", link, entry: await this.#entryFor(link) } });
    } catch (error) {
      this.#refuse("This link cannot be used here", messageOf(error));
    }
  }

  /** The machine here that has exactly the link's files. Throws BadLink, naming the one that differs. */
  async #entryFor(link: RecipeLink): Promise<MachineEntry> {
    let nearest: string | undefined;
    for (const entry of this.#host.machines()) {
      const mine = await filesOf(entry);
      const other = link.files.find(({ role, sha256: hash }) => mine.find((file) => file.role === role)?.sha256 !== hash);
      if (!other && mine.length === link.files.length) return entry;
      if (other && entry.title === link.title) {
        const here = mine.find(({ role }) => role === other.role)?.sha256.slice(0, 16) ?? "no such file";
        nearest = `its ${other.role} has SHA-256 ${other.sha256.slice(0, 16)}… in the link, and ${here}… here`;
      }
    }
    throw new BadLink(
      nearest
        ? `${link.title} is another version here: ${nearest}. Ask for a snapshot file, or have the server prepare the same guests.`
        : `${link.title} is not among the machines of this server. Prepare the guests first, or ask for a snapshot file.`,
    );
  }

  runLink(): void {
    const { dialog } = this.state.value;
    if (dialog?.kind !== "link") return;
    const { link, entry } = dialog;
    this.close();
    this.#host.replace({ ...entry, typed: link.typed }, { memoryMb: link.memoryMb, commandLine: link.commandLine });
  }

  #refuse(title: string, text: string): void {
    this.state.patch({ dialog: { kind: "refused", title, text } });
  }
}

async function filesOf(entry: MachineEntry): Promise<RecipeFile[]> {
  const files: RecipeFile[] = [];
  for (const role of ["image", "initrd"] as const) {
    const image = entry[role];
    if (image?.kind === "url") files.push({ role, name: image.name, sha256: image.sha256 });
    const builtIn = image?.kind === "builtin" ? findBuiltInGuest(image.id) : undefined;
    if (builtIn) files.push({ role, name: builtIn.title, sha256: toHex(await sha256(assembleGuest(builtIn))) });
  }
  return files;
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A file's name on any system. */
const fileName = (title: string): string =>
  title
    .replace(/[^\p{L}\p{N} ._-]/gu, "")
    .trim()
    .slice(0, 80) || "machine";
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

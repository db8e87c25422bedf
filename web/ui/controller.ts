/**
 * What the page can do, and the state it shows: the one object behind all components. Components call its methods and
 * watch its store; nothing else changes the state.
 */

import type { Manifest } from "../guests/manifest";
import type { StepKind } from "../lib/inspection";
import { Channel, type WorkerPort } from "../protocol/channel";
import { detectImage, HEAD_BYTES } from "../protocol/image-kind";
import { MAGIC, startsWith } from "../snapshot/layout";
import { BUILTIN_MACHINES } from "./builtin-machines";
import { Disks } from "./disks";
import { type NextStep, NO_ANSWER } from "./explain";
import { type Features, probeFeatures } from "./features";
import { createInspectLayout } from "./inspect-layout";
import { fetchManifest, type MachineEntry, type MachineSettings, type ManifestAnswer, preparedMachines } from "./machines";
import { NO_FILES, needsFirmware, type OwnFiles, ownMachine, programMachine } from "./own-files";
import { loadSettings, saveSettings } from "./preferences";
import { PreparationClient } from "./preparation";
import { Session } from "./session";
import { SnapshotDesk } from "./snapshot-desk";
import { Store } from "./store";

export interface AppState {
  readonly view: "machines" | "machine";
  readonly machines: readonly MachineEntry[];
  readonly guests: "loading" | ManifestAnswer["kind"];
  /** Why the list of guests could not be read. */
  readonly guestsMessage: string;
  readonly session: Session | undefined;
  /** The machine whose settings are open. */
  readonly editing: string | undefined;
  /** Booting this one needs the running one switched off first. */
  readonly asking: MachineEntry | undefined;
  readonly own: OwnFiles;
  /** Read aloud by screen readers. */
  readonly announcement: string;
}

const PREFETCH_DELAY_MS = 3000;

export class Controller {
  readonly features: Features = probeFeatures();
  readonly preparation: PreparationClient;
  readonly disks = new Disks();
  readonly inspectLayout = createInspectLayout();
  readonly snapshots: SnapshotDesk;
  #guests: Manifest | undefined;
  readonly state = new Store<AppState>({
    view: "machines",
    machines: BUILTIN_MACHINES,
    guests: "loading",
    guestsMessage: "",
    session: undefined,
    editing: undefined,
    asking: undefined,
    own: NO_FILES,
    announcement: "",
  });
  readonly #base: string;
  readonly #createWorker: () => WorkerPort;
  /** A worker that has loaded and waits for its machine, so that a click boots at once. */
  #spare: Channel | undefined;

  /** `base`: the page's address up to its last slash. */
  constructor(base: string, createWorker: () => WorkerPort) {
    this.#base = base;
    this.#createWorker = createWorker;
    this.snapshots = new SnapshotDesk({
      base,
      session: () => this.state.value.session,
      machines: () => this.state.value.machines,
      guests: () => this.#guests,
      replace: (entry, settings) => this.#bootNow(entry, settings),
      announce: (text) => this.announce(text),
    });
    this.preparation = new PreparationClient(base);
    this.preparation.onReady = () => void this.loadGuests();
  }

  /** Reads the list of guests, and has the first one fetched when nothing else is going on. */
  async begin(): Promise<void> {
    if (this.features.lacking.length > 0) return;
    this.#makeSpare();
    void this.preparation.follow();
    await this.loadGuests();
    void this.snapshots.begin();
    void this.disks.refresh();
    setTimeout(() => this.#prefetch(), PREFETCH_DELAY_MS);
  }

  async loadGuests(): Promise<void> {
    const folder = `${this.#base}guests/`;
    const answer = await fetchManifest(folder);
    this.#guests = answer.kind === "found" ? answer.manifest : undefined;
    const prepared = answer.kind === "found" ? preparedMachines(answer.manifest, folder) : [];
    this.state.patch({
      machines: [...prepared, ...BUILTIN_MACHINES],
      guests: answer.kind,
      guestsMessage: answer.kind === "damaged" ? answer.message : "",
    });
  }

  settingsOf(entry: MachineEntry): MachineSettings {
    return loadSettings(entry.id) ?? entry.defaults;
  }

  /** `undefined`: as the machine comes. */
  changeSettings(entry: MachineEntry, settings: MachineSettings | undefined): void {
    saveSettings(entry.id, settings);
    this.state.patch({ machines: [...this.state.value.machines] });
  }

  edit(entry: MachineEntry | undefined): void {
    this.state.patch({ editing: entry?.id });
  }

  /** Boots, or asks first when another machine is alive. */
  boot(entry: MachineEntry): void {
    if (this.state.value.session?.isAlive) this.state.patch({ asking: entry });
    else this.#bootNow(entry);
  }

  answerAsking(yes: boolean): void {
    const entry = this.state.value.asking;
    this.state.patch({ asking: undefined });
    if (yes && entry) this.#bootNow(entry);
  }

  #bootNow(wanted: MachineEntry, settings = this.settingsOf(wanted)): void {
    const takesDisks = wanted.group !== "builtin" && !wanted.resume;
    const entry = takesDisks ? { ...wanted, disks: this.disks.attached.map(({ id, name }) => ({ id, name })) } : wanted;
    const before = this.state.value.session;
    before?.powerOff(entry.resume?.kind === "kept" && entry.resume.slot === before.slot);
    const channel = this.#spare ?? this.#newChannel();
    this.#spare = undefined;
    const session = new Session(entry, settings, channel, (of) => this.snapshots.componentsOf(of));
    let told = "";
    session.onKeepFailed = (reason) => this.announce(reason);
    session.onStop = (text) => this.announce(`${entry.title}: ${text}`);
    session.state.onChange(() => {
      const news = this.#newsOf(session);
      if (news === told || this.state.value.session !== session) return;
      told = news;
      this.announce(news);
    });
    this.state.patch({ session, view: "machine", editing: undefined, announcement: `${entry.title}: loading.` });
  }

  /** A machine that has ended goes on in its worker; one whose worker is gone gets a new one. */
  restart(): void {
    const { session } = this.state.value;
    if (!session) return;
    const { phase, notice } = session.state.value;
    const isWell = (phase === "running" || phase === "paused" || phase === "ended") && notice !== NO_ANSWER;
    // A machine from a snapshot has no boot images: it begins again where the snapshot was saved.
    if (isWell && !session.entry.resume) void session.reset();
    else this.#bootNow(session.entry, session.settings);
  }

  toggleRun(): void {
    const { session } = this.state.value;
    const phase = session?.state.value.phase;
    if (phase === "running") void session!.pause();
    else if (phase === "paused") void session!.run();
  }

  /** Only while it is paused: steps of a running machine mean nothing. */
  step(how: StepKind): void {
    const { session } = this.state.value;
    if (session?.state.value.phase === "paused") void session.inspect.step(how);
  }

  /** One instruction back, or to where it would last have stopped. */
  back(to: "step" | "stop"): void {
    const { session } = this.state.value;
    const phase = session?.state.value.phase;
    if (phase === "paused" || phase === "ended") void session!.inspect.back(to);
  }

  toggleInspect(): void {
    this.inspectLayout.patch({ open: !this.inspectLayout.value.open });
  }

  powerOff(): void {
    this.state.value.session?.powerOff();
    this.#makeSpare();
  }

  /** Closing the page would lose the user's work. */
  get hasSomethingToLose(): boolean {
    const { session } = this.state.value;
    return session?.isAlive === true && session.hasInput;
  }

  show(view: AppState["view"]): void {
    this.state.patch({ view });
    // A machine may have put its own among them.
    if (view === "machines") void this.disks.refresh();
  }

  take(step: NextStep): void {
    const { session } = this.state.value;
    switch (step) {
      case "restart":
        this.restart();
        return;
      case "edit":
        this.state.patch({ view: "machines", editing: session?.entry.id });
        return;
      case "choose-file":
      case "machines":
        this.show("machines");
        return;
      case "reload":
        location.reload();
        return;
      case "save-report":
        saveText("vitrine-report.json", session?.state.value.notice?.report ?? "");
        return;
      default:
        step satisfies never;
    }
  }

  /** Files dropped or picked: each goes where its contents say. */
  async addFiles(files: readonly File[]): Promise<void> {
    let { own } = this.state.value;
    const refused: string[] = [];
    for (const file of files) {
      const head = await headOf(file);
      if (isSnapshot(head, file.name)) {
        await this.snapshots.openFile(file);
        return;
      }
      const detected = detectImage(head, file.size);
      if (detected.kind === "unknown") refused.push(`${file.name} is ${detected.description}.`);
      else if (detected.kind === "initrd") own = { ...own, initrd: { file, ...detected } };
      else own = { ...own, image: { file, ...detected } };
    }
    const message =
      refused.length === 0
        ? ""
        : `${refused.join(" ")} Choose a Linux kernel, a multiboot kernel, a boot sector, an initrd, a snapshot, or an image of a CD or disk.`;
    this.state.patch({
      own: { ...own, message },
      view: "machines",
      announcement: message || `${files.length === 1 ? "File" : "Files"} taken.`,
    });
  }

  removeFile(role: "image" | "initrd"): void {
    this.state.patch({ own: { ...this.state.value.own, [role]: undefined, message: "" } });
  }

  bootOwn(settings: MachineSettings): void {
    const { own } = this.state.value;
    if (!own.image) {
      const message = own.initrd ? "An initrd alone cannot boot: choose a kernel, too." : "Choose a kernel or boot image first.";
      this.state.patch({ own: { ...own, message }, announcement: message });
      return;
    }
    const firmware = this.state.value.machines.find((machine) => machine.firmware)?.firmware;
    if (needsFirmware(own.image) && !firmware) {
      const message = `${own.image.file.name} is booted by firmware, which is not prepared on this server: vitrine guests prepare --only grub.`;
      this.state.patch({ own: { ...own, message }, announcement: message });
      return;
    }
    const entry = ownMachine(own.image, own.initrd, settings, firmware);
    saveSettings(entry.id, settings);
    this.boot(entry);
  }

  /** A program of the Assembler tab, in a machine of its own. One that came from there before gives way without asking. */
  bootProgram(image: Uint8Array<ArrayBuffer>, kind: "sector" | "flat32", paused: boolean): void {
    const entry = programMachine(image, kind, paused);
    if (this.state.value.session?.entry.id === entry.id) this.#bootNow(entry);
    else this.boot(entry);
  }

  announce(announcement: string): void {
    this.state.patch({ announcement });
  }

  /** Said once, when it changes: figures that change all the time are for the eyes. */
  #newsOf(session: Session): string {
    const { phase, notice } = session.state.value;
    const { title } = session.entry;
    const texts = {
      loading: "loading",
      running: "running",
      paused: "paused",
      ended: "ended",
      failed: "failed",
      off: "switched off",
    } as const;
    return notice ? `${title}: ${notice.title}. ${notice.text}` : `${title}: ${texts[phase]}.`;
  }

  #newChannel(): Channel {
    return new Channel(this.#createWorker());
  }

  #makeSpare(): void {
    if (this.#spare || this.state.value.session?.isAlive) return;
    const spare = this.#newChannel();
    // One that breaks before it is used is forgotten; booting makes another and shows what is wrong with that.
    spare.onEvent = (event) => {
      if (event.type === "crashed" && this.#spare === spare) this.#spare = undefined;
    };
    this.#spare = spare;
  }

  /** The first prepared guest, so that it boots without the server next time; not on metered connections. */
  #prefetch(): void {
    const connection = (navigator as { connection?: { saveData?: boolean } }).connection;
    const first = this.state.value.machines.find(({ group }) => group === "prepared");
    if (!first || connection?.saveData || !this.#spare) return;
    const images = [first.image, first.initrd].filter((image) => image !== undefined);
    // Only a convenience: what fails here is told when somebody boots.
    this.#spare.request({ type: "prefetch", images }).catch(() => {});
  }
}

/** By contents; one that lost its beginning is known by its name, so that it is told what is wrong with it. */
const isSnapshot = (head: Uint8Array, name: string): boolean => startsWith(head, MAGIC) || name.endsWith(".vitrine");

async function headOf(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  } catch {
    return new Uint8Array(0);
  }
}

export function saveText(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

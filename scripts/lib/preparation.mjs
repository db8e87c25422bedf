/**
 * The preparation of guests as the server sees it: at most one at a time, its state for the page, and the manifest of
 * what is there. The work itself is web/guests/prepare.ts.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";

export class Preparation {
  #guests;
  #folder;
  #offline;
  #onProgress;
  #running;
  #abort = new AbortController();
  #served;
  #state = { running: false, failed: false, message: "", receivedBytes: 0, totalBytes: 0, ready: 0 };

  /**
   * @param {object} options
   * @param {typeof import("../../web/guests/prepare") & typeof import("../../web/guests/catalog") & typeof import("../../web/guests/manifest") & typeof import("../../web/guests/node/store")} options.guests
   * @param {string} options.folder
   * @param {boolean} options.offline use the cache only
   * @param {(state: object) => void} [options.onProgress] at every change
   */
  constructor({ guests, folder, offline, onProgress = () => {} }) {
    this.#guests = guests;
    this.#folder = folder;
    this.#offline = offline;
    this.#onProgress = onProgress;
  }

  get state() {
    return this.#state;
  }

  /** Resolves to the number of guests that can be booted; a failure is told in `state`. */
  begin(mirror = "") {
    this.#running ??= this.#prepare(mirror).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Ends one that runs; what is complete stays. */
  async stop() {
    this.#abort.abort();
    await this.#running;
  }

  async #prepare(mirror) {
    this.#set({ running: true, failed: false, message: "Looking for the packages", receivedBytes: 0, totalBytes: 0 });
    try {
      await this.#guests.prepareGuests({
        folder: this.#folder,
        offline: this.#offline,
        mirror: mirror || undefined,
        signal: this.#abort.signal,
        onProgress: (progress) => this.#told(progress),
      });
      this.#set({ running: false, message: "", ready: await this.#count() });
    } catch (error) {
      this.#set({ running: false, failed: true, message: error.message, ready: await this.#count() });
    }
    return this.#state.ready;
  }

  #told(progress) {
    switch (progress.step) {
      case "index":
        return this.#set({ message: "Reading the package list" });
      case "download":
        return this.#set({
          message: `Downloading ${progress.package}`,
          receivedBytes: progress.receivedBytes,
          totalBytes: progress.totalBytes,
        });
      case "unpack":
        return this.#set({ message: `Unpacking ${progress.package}` });
      case "ready":
        return this.#set({ message: `${progress.title} is ready`, ready: this.#state.ready + 1 });
      case "warning":
        return this.#set({ warning: progress.message });
    }
  }

  #set(fields) {
    this.#state = { ...this.#state, ...fields };
    this.#onProgress(this.#state);
  }

  async #count() {
    return (await this.#guests.loadCatalog(this.#folder).catch(() => [])).length;
  }

  /** The manifest's text; that of nothing while nothing is prepared. */
  async manifestText() {
    return this.#guests.manifestText(await this.#manifest());
  }

  /** Addresses below guests/ and the files behind them. */
  async servedFiles() {
    const { mtimeMs } = (await stat(join(this.#folder, this.#guests.MANIFEST_NAME)).catch(() => undefined)) ?? { mtimeMs: 0 };
    if (this.#served?.mtimeMs !== mtimeMs)
      this.#served = { mtimeMs, files: this.#guests.servedFiles(await this.#manifest(), this.#folder) };
    return this.#served.files;
  }

  /** A damaged one counts as none; preparing replaces it. */
  async #manifest() {
    return (await this.#guests.readManifest(this.#folder).catch(() => undefined)) ?? this.#guests.emptyManifest("");
  }
}

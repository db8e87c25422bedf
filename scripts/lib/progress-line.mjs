/** Progress on a terminal: one line, written over; elsewhere only when the words change. */

const MEGABYTE = 1_000_000;
const INTERVAL_MS = 100;

export class ProgressLine {
  #stream;
  #last = "";
  #lastMs = 0;
  #width = 0;

  constructor(stream = process.stdout) {
    this.#stream = stream;
  }

  /** @param {{ message: string, receivedBytes: number, totalBytes: number }} state */
  show({ message, receivedBytes, totalBytes }) {
    const now = Date.now();
    const isNew = message !== this.#last;
    if (!this.#stream.isTTY) {
      if (isNew && message) this.#stream.write(`guests: ${message}\n`);
    } else if (isNew || now - this.#lastMs >= INTERVAL_MS) {
      this.#lastMs = now;
      const size = totalBytes > 0 ? `, ${(receivedBytes / MEGABYTE).toFixed(1)} of ${(totalBytes / MEGABYTE).toFixed(1)} MB` : "";
      this.#overwrite(message ? `guests: ${message}${size}` : "");
    }
    this.#last = message;
  }

  /** Makes room for ordinary lines. */
  clear() {
    if (this.#stream.isTTY) this.#overwrite("");
  }

  #overwrite(text) {
    const cut = text.slice(0, Math.max(20, (this.#stream.columns ?? 80) - 1));
    this.#stream.write(`\r${cut.padEnd(this.#width)}${cut === "" ? "\r" : ""}`);
    this.#width = cut.length;
  }
}

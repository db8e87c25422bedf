/**
 * The end of what the guest has sent on its console, as bytes that draw it again on a fresh terminal, and as plain lines
 * for people. Snapshots carry both.
 */

/** So much is kept: the scrollback of an evening, little beside RAM. */
export const TAIL_BYTES = 0x40000;
/** A character of UTF-8 or an escape sequence that the beginning cuts through ends within so many bytes. */
const LONGEST_LINE_SEARCHED = 4096;
const LINE_FEED = 0x0a;

export class TerminalTail {
  readonly #ring = new Uint8Array(TAIL_BYTES);
  /** Bytes since the beginning of time, kept or not. */
  #written = 0;

  add(bytes: Uint8Array): void {
    const kept = bytes.length > TAIL_BYTES ? bytes.subarray(bytes.length - TAIL_BYTES) : bytes;
    this.#written += bytes.length - kept.length;
    const at = this.#written % TAIL_BYTES;
    const first = kept.subarray(0, TAIL_BYTES - at);
    this.#ring.set(first, at);
    this.#ring.set(kept.subarray(first.length), 0);
    this.#written += kept.length;
  }

  /** What is kept, from the beginning of a line where something was lost before. The bytes are the caller's. */
  bytes(): Uint8Array {
    if (this.#written <= TAIL_BYTES) return this.#ring.slice(0, this.#written);
    const at = this.#written % TAIL_BYTES;
    const all = new Uint8Array(TAIL_BYTES);
    all.set(this.#ring.subarray(at));
    all.set(this.#ring.subarray(0, at), TAIL_BYTES - at);
    const end = all.subarray(0, LONGEST_LINE_SEARCHED).indexOf(LINE_FEED);
    return end < 0 ? all : all.slice(end + 1);
  }

  /** Forgets everything and begins with these bytes. */
  restore(bytes: Uint8Array): void {
    this.#written = 0;
    this.add(bytes);
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for (ECMA-48 5.4; OSC ends with BEL or ST).
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;

/** The last `most` lines as they stand on a terminal without control sequences; empty ones at the end are left out. */
export function plainLines(bytes: Uint8Array, most: number): string[] {
  const text = new TextDecoder().decode(bytes).replace(ESCAPES, "");
  const lines = text.split("\n").map((line) => {
    // A carriage return goes back to the first column; what follows is written over.
    const parts = line.split("\r").filter((part) => part !== "");
    return erase(parts.at(-1) ?? "").trimEnd();
  });
  while (lines.at(-1) === "") lines.pop();
  return lines.slice(-most);
}

/** Carries out backspaces. */
function erase(line: string): string {
  if (!line.includes("\b")) return line;
  const characters: string[] = [];
  for (const character of line)
    if (character === "\b") characters.pop();
    else characters.push(character);
  return characters.join("");
}

/**
 * xterm.js on a serial port: keys out, bytes in, and what people expect of a terminal around it (copy, paste, search,
 * resize, scrollback, screen reader). The guest owns the keyboard only while the terminal has the focus, and
 * Ctrl+Shift+F12 always gives it back.
 */
import { FitAddon } from "@xterm/addon-fit";
import { type ISearchOptions, SearchAddon } from "@xterm/addon-search";
import { type ITheme, Terminal } from "@xterm/xterm";
import { Emitter } from "../lib/disposable";
import { drawOnlyWhatChanges } from "./terminal-innards";
import { measureFrame, TerminalPacer } from "./terminal-pacer";
import { terminalTheme } from "./terminal-theme";

const SCROLLBACK_LINES = 10_000;
const FONT = 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace';
const FONT_PIXELS = 14;
/** WCAG 2.2, 1.4.3: the guest's colours are shifted as far as reading needs. */
const CONTRAST = 4.5;

/** Anywhere in the page: what they do is drawn before more output. Keys are not among them, whose echo is what they do. */
const POINTER = ["pointerdown", "pointerup", "click"] as const;

export interface SearchResult {
  /** 1-based; 0: the match shown is beyond the counted ones. */
  readonly index: number;
  readonly count: number;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export class TerminalView {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #resizes: ResizeObserver;
  readonly #scheme = matchMedia("(prefers-color-scheme: dark)");
  readonly #encoder = new TextEncoder();
  readonly #pacer: TerminalPacer;
  #isDisposed = false;
  /** Matches are marked. */
  #hasSearched = false;

  /** Bytes for the guest. */
  readonly onInput = new Emitter<Uint8Array>();
  readonly onSearchResult = new Emitter<SearchResult>();
  readonly onSize = new Emitter<TerminalSize>();
  /** The user wants the search field. */
  readonly onSearchWanted = new Emitter<void>();
  /** The user wants the keyboard back. */
  readonly onLeave = new Emitter<void>();
  /** A short word for the live region, about copying and pasting. */
  readonly onMessage = new Emitter<string>();

  constructor(parent: HTMLElement, screenReaderMode: boolean) {
    this.#terminal = new Terminal({
      allowProposedApi: true,
      convertEol: false,
      // A blinking one keeps the page drawing for ever; the focus shows in its shape.
      cursorBlink: false,
      fontFamily: FONT,
      fontSize: FONT_PIXELS,
      lineHeight: 1.15,
      minimumContrastRatio: CONTRAST,
      screenReaderMode,
      scrollback: SCROLLBACK_LINES,
      smoothScrollDuration: 0,
      theme: this.#theme(),
    });
    this.#pacer = new TerminalPacer({
      now: () => performance.now(),
      setTimer: (callback, ms) => void setTimeout(callback, ms),
      write: (bytes, taken) => {
        if (!this.#isDisposed) this.#terminal.write(bytes, taken);
      },
      measureFrame,
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(this.#search);
    this.#terminal.open(parent);
    drawOnlyWhatChanges(this.#terminal);
    this.#terminal.textarea?.setAttribute("aria-label", "Serial console. Control Shift F12 leaves it.");
    this.#terminal.onData((text) => this.onInput.emit(this.#encoder.encode(text)));
    this.#terminal.onBinary((text) => this.onInput.emit(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    this.#terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) =>
      this.onSearchResult.emit({ index: resultIndex + 1, count: resultCount }),
    );
    this.#resizes = new ResizeObserver(() => this.fit());
    this.#resizes.observe(parent);
    this.#scheme.addEventListener("change", this.#recolour);
    for (const type of POINTER) document.addEventListener(type, this.#yield, { capture: true, passive: true });
    this.fit();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#resizes.disconnect();
    this.#scheme.removeEventListener("change", this.#recolour);
    for (const type of POINTER) document.removeEventListener(type, this.#yield, { capture: true });
    this.#terminal.dispose();
  }

  write(bytes: Uint8Array, shown: () => void): void {
    this.#pacer.add(bytes, shown);
  }

  focus(): void {
    this.#terminal.focus();
  }

  set screenReaderMode(on: boolean) {
    this.#terminal.options.screenReaderMode = on;
  }

  /** As many rows and columns as fit; not while hidden, when nothing fits. */
  fit(): void {
    const size = this.#fit.proposeDimensions();
    if (!size || !(size.cols > 1) || !(size.rows > 1)) return;
    this.#fit.fit();
    this.onSize.emit({ columns: this.#terminal.cols, rows: this.#terminal.rows });
  }

  /** The selection, or everything when nothing is selected. */
  async copy(): Promise<void> {
    const isSelection = this.#terminal.hasSelection();
    if (!isSelection) this.#terminal.selectAll();
    const text = this.#terminal.getSelection();
    const done = await writeClipboard(text);
    if (!isSelection) this.#terminal.clearSelection();
    this.onMessage.emit(
      done
        ? isSelection
          ? "Selection copied."
          : "All output copied."
        : "The browser does not allow copying here: select the text and use its menu.",
    );
  }

  async paste(): Promise<void> {
    const text = await readClipboard();
    if (text === undefined)
      this.onMessage.emit("The browser does not let the page read the clipboard: press Ctrl+Shift+V in the terminal.");
    else this.#terminal.paste(text);
    this.focus();
  }

  find(text: string, direction: "next" | "previous", incremental = false): void {
    const options: ISearchOptions = { incremental, decorations: this.#isDark ? DARK_MATCHES : LIGHT_MATCHES };
    if (text === "") {
      this.endSearch();
      return;
    }
    this.#hasSearched = true;
    if (direction === "next") this.#search.findNext(text, options);
    else this.#search.findPrevious(text, options);
  }

  endSearch(): void {
    if (!this.#hasSearched) return;
    this.#hasSearched = false;
    this.#search.clearDecorations();
    this.#terminal.clearSelection();
  }

  clear(): void {
    this.#terminal.reset();
  }

  /** All lines as text, for tests and for saving. */
  text(): string {
    const { active } = this.#terminal.buffer;
    const lines: string[] = [];
    for (let row = 0; row < active.length; row++) {
      const line = active.getLine(row)!;
      const text = line.translateToString(true);
      if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return lines.join("\n").trimEnd();
  }

  /** Returns false for keys that the guest must not get. */
  #key(event: KeyboardEvent): boolean {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return true;
    switch (event.code) {
      case "KeyC":
        event.preventDefault();
        if (this.#terminal.hasSelection()) void this.copy();
        return false;
      case "KeyV":
        // Left to the browser, whose paste event needs no permission and works over plain http, too.
        return false;
      case "KeyF":
        event.preventDefault();
        this.onSearchWanted.emit();
        return false;
      case "F12":
        event.preventDefault();
        this.onLeave.emit();
        return false;
      default:
        return true;
    }
  }

  get #isDark(): boolean {
    return this.#scheme.matches;
  }

  #theme(): ITheme {
    return terminalTheme(this.#isDark);
  }

  readonly #yield = (): void => this.#pacer.yieldToUser();

  readonly #recolour = (): void => {
    this.#terminal.options.theme = this.#theme();
  };
}

const LIGHT_MATCHES = {
  matchBackground: "#ffe08a",
  activeMatchBackground: "#ffb02e",
  matchOverviewRuler: "#b07900",
  activeMatchColorOverviewRuler: "#7a4b00",
};
const DARK_MATCHES = {
  matchBackground: "#5a4a12",
  activeMatchBackground: "#8a6a00",
  matchOverviewRuler: "#d0a93c",
  activeMatchColorOverviewRuler: "#ffd866",
};

async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text);
  }
}

/** Over plain http there is no clipboard interface; the old command works within a user's action. */
function copyByCommand(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

async function readClipboard(): Promise<string | undefined> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return undefined;
  }
}

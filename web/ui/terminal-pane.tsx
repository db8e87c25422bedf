/** The serial console with its bar: search, copy, paste, screen reader, clear. The terminal itself is terminal-view.ts. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button";
import type { Controller } from "./controller";
import { FindBar } from "./find-bar";
import { loadScreenReaderMode, saveScreenReaderMode } from "./preferences";
import type { Session } from "./session";
import { type SearchResult, type TerminalSize, TerminalView } from "./terminal-view";

export interface TerminalPaneProps {
  readonly controller: Controller;
  readonly session: Session;
  /** Shown, and to be given the keyboard. */
  readonly isVisible: boolean;
  /** Where the keyboard goes when the user leaves the terminal. */
  readonly onLeave: () => void;
}

export function TerminalPane({ controller, session, isVisible, onLeave }: TerminalPaneProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<TerminalView | null>(null);
  const [screenReader, setScreenReader] = useState(loadScreenReaderMode);
  const [isFinding, setFinding] = useState(false);
  const [result, setResult] = useState<SearchResult>({ index: 0, count: 0 });
  const [size, setSize] = useState<TerminalSize>();

  useEffect(() => {
    const terminal = new TerminalView(host.current!, loadScreenReaderMode());
    view.current = terminal;
    terminal.onInput.on((bytes) => session.type(bytes));
    terminal.onSearchResult.on(setResult);
    terminal.onSize.on(setSize);
    terminal.onSearchWanted.on(() => setFinding(true));
    terminal.onLeave.on(onLeave);
    terminal.onMessage.on((message) => controller.announce(message));
    terminal.fit();
    terminal.focus();
    session.connect((bytes, shown) => terminal.write(bytes, shown));
    exposeText(host.current!, terminal);
    return () => terminal.dispose();
  }, [session]);

  useEffect(() => {
    if (!isVisible) return;
    view.current?.fit();
    view.current?.focus();
  }, [isVisible]);

  const closeFind = (): void => {
    setFinding(false);
    view.current?.endSearch();
    view.current?.focus();
  };

  return (
    <section class="terminal-pane" aria-label="Serial console">
      <div class="pane-bar">
        <h2>
          Serial 1 <span class="dim">COM1{size && `, ${size.columns} × ${size.rows}`}</span>
        </h2>
        <div class="pane-tools">
          <Button
            icon="search"
            kind="quiet"
            keepsKeyboard
            name="Search"
            shortcut="Control+Shift+F"
            expanded={isFinding}
            controls="find-bar"
            onClick={() => (isFinding ? closeFind() : setFinding(true))}
          />
          <Button
            icon="copy"
            kind="quiet"
            keepsKeyboard
            name="Copy selection or all output"
            shortcut="Control+Shift+C"
            onClick={() => void view.current?.copy()}
          />
          <Button
            icon="paste"
            kind="quiet"
            keepsKeyboard
            name="Paste"
            shortcut="Control+Shift+V"
            onClick={() => void view.current?.paste()}
          />
          <Button
            icon="speak"
            kind="quiet"
            keepsKeyboard
            name="Screen reader mode"
            pressed={screenReader}
            onClick={() => {
              view.current!.screenReaderMode = !screenReader;
              saveScreenReaderMode(!screenReader);
              setScreenReader(!screenReader);
            }}
          />
          <Button icon="clear" kind="quiet" keepsKeyboard name="Clear the terminal" onClick={() => view.current?.clear()} />
        </div>
      </div>
      <div class="terminal-area">
        <div class="terminal-frame">
          <div class="terminal-host" ref={host} />
        </div>
        {isFinding && (
          <FindBar
            result={result}
            onFind={(text, direction, incremental) => view.current?.find(text, direction, incremental)}
            onClose={closeFind}
          />
        )}
      </div>
      <p class="terminal-hint">
        While the terminal has the focus, every key goes to the guest. <kbd>Ctrl</kbd> <kbd>Shift</kbd> <kbd>F12</kbd> leaves it.
      </p>
    </section>
  );
}

/** Tests and screen scripts read the text from the element; nothing is copied until they ask. */
function exposeText(element: HTMLElement, terminal: TerminalView): void {
  Object.defineProperty(element, "terminalText", { configurable: true, get: () => terminal.text() });
}

/**
 * The guest's screen: a canvas that is drawn when a picture comes, with the text of text modes over it, to be selected and
 * read. While it has the focus, keys go to the guest by their place on the keyboard.
 */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button";
import type { Controller } from "./controller";
import { scanCodes, typingCodes } from "./key-codes";
import { useMouseCapture } from "./mouse-capture";
import type { Session } from "./session";

export interface ScreenPaneProps {
  readonly controller: Controller;
  readonly session: Session;
  readonly isVisible: boolean;
  /** Where the keyboard goes when the user leaves the screen. */
  readonly onLeave: () => void;
}

/** Between pasted characters: a guest's BIOS keeps 16 of them. */
const TYPING_MS = 40;
const CTRL_ALT_DEL = ["ControlLeft", "AltLeft", "Delete"] as const;

export function ScreenPane({ controller, session, isVisible, onLeave }: ScreenPaneProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const pressed = useRef(new Set<string>());
  const [text, setText] = useState<readonly string[]>();
  const [size, setSize] = useState({ width: 640, height: 400 });

  useEffect(() => {
    session.onScreen = (picture) => {
      setSize((before) => (before.width === picture.width && before.height === picture.height ? before : picture));
      setText((before) => (before && picture.text && before.join("\n") === picture.text.join("\n") ? before : picture.text));
      const element = canvas.current!;
      if (element.width !== picture.width) element.width = picture.width;
      if (element.height !== picture.height) element.height = picture.height;
      element.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(picture.rgba), picture.width, picture.height), 0, 0);
    };
    return () => {
      session.onScreen = undefined;
    };
  }, [session]);

  useEffect(() => {
    session.watchScreen(isVisible);
    if (isVisible) frame.current?.focus();
  }, [session, isVisible]);

  const mouse = useMouseCapture(session, canvas, (message) => controller.announce(message));
  const releaseAll = (): void => {
    for (const code of pressed.current) session.pressKeys(scanCodes(code, false));
    pressed.current.clear();
  };
  const onKey = (event: KeyboardEvent, isDown: boolean): void => {
    if (event.code === "F12" && event.ctrlKey && event.shiftKey) {
      if (isDown) {
        releaseAll();
        mouse.release();
        onLeave();
      }
      return;
    }
    const codes = scanCodes(event.code, isDown);
    if (codes.length === 0) return;
    event.preventDefault();
    if (isDown) pressed.current.add(event.code);
    else if (!pressed.current.delete(event.code)) return;
    session.pressKeys(codes);
  };
  const paste = async (): Promise<void> => {
    const clipboard = await navigator.clipboard?.readText().catch(() => undefined);
    if (clipboard === undefined) {
      controller.announce("The browser does not let the page read the clipboard.");
      return;
    }
    for (const codes of typingCodes(clipboard)) {
      session.pressKeys(codes);
      await new Promise((resolve) => setTimeout(resolve, TYPING_MS));
    }
  };
  const chord = (): void => {
    session.pressKeys(CTRL_ALT_DEL.flatMap((code) => scanCodes(code, true)));
    session.pressKeys([...CTRL_ALT_DEL].reverse().flatMap((code) => scanCodes(code, false)));
    frame.current?.focus();
  };
  const copy = async (): Promise<void> => {
    await navigator.clipboard?.writeText((text ?? []).join("\n")).then(
      () => controller.announce("The screen's text is in the clipboard."),
      () => controller.announce("The browser does not let the page write to the clipboard."),
    );
  };

  return (
    <section class="screen-pane" aria-label="Screen">
      <div class="pane-bar">
        <h2>
          Screen{" "}
          <span class="dim">
            {size.width} × {size.height}
            {text && ", text"}
          </span>
        </h2>
        <div class="pane-tools">
          {mouse.isPossible && (
            <Button kind="quiet" name="Give the mouse to the guest" pressed={mouse.isCaptured} onClick={mouse.capture}>
              Mouse
            </Button>
          )}
          <Button kind="quiet" name="Ctrl Alt Del" onClick={chord}>
            Ctrl Alt Del
          </Button>
          <Button
            icon="power"
            kind="quiet"
            name="Power button: asks the guest to switch itself off"
            onClick={() => session.pressPowerButton()}
          />
          <Button icon="copy" kind="quiet" name="Copy the screen's text" disabled={!text} onClick={() => void copy()} />
          <Button icon="paste" kind="quiet" name="Paste as keystrokes" onClick={() => void paste()} />
        </div>
      </div>
      <div
        class="screen-frame"
        ref={frame}
        role="application"
        aria-label="The guest's screen; keys go to the guest"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the guest's keyboard is here.
        tabIndex={0}
        onKeyDown={(event) => onKey(event, true)}
        onKeyUp={(event) => onKey(event, false)}
        onBlur={releaseAll}
      >
        <div class="screen-sheet" style={`aspect-ratio:${size.width}/${size.height}; --rows:${text?.length ?? 25}`}>
          <canvas ref={canvas} width={size.width} height={size.height} onClick={text ? undefined : mouse.capture} />
          {text && <pre class="screen-text">{text.join("\n")}</pre>}
        </div>
      </div>
      <p class="terminal-hint">
        {mouse.isCaptured ? (
          <>
            The mouse is the guest's. <kbd>Escape</kbd> takes it back.
          </>
        ) : (
          <>
            While the screen has the focus, every key goes to the guest. <kbd>Ctrl</kbd> <kbd>Shift</kbd> <kbd>F12</kbd> leaves it.
          </>
        )}
      </p>
    </section>
  );
}

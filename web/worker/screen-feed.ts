/** The screen on its way to the page: a picture when it has changed and the page has shown the one before, at most 30 a second. */
import type { Machine } from "../machine/machine";
import type { Send } from "../protocol/channel";

const FRAME_MS = 33;

export class ScreenFeed {
  readonly #send: Send;
  readonly #machine: () => Machine | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isShown = true;
  /** The page has nothing to show yet, whether or not something has changed. */
  #isFirst = true;

  constructor(send: Send, machine: () => Machine | undefined) {
    this.#send = send;
    this.#machine = machine;
  }

  /** The page shows the screen, or does not. */
  watch(on: boolean): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#isShown = this.#isFirst = true;
    if (on) this.#timer = setInterval(() => this.#look(), FRAME_MS);
  }

  shown(): void {
    this.#isShown = true;
  }

  #look(): void {
    const screen = this.#machine()?.screen;
    if (!screen || !this.#isShown) return;
    const picture = screen.takePicture() ?? (this.#isFirst ? screen.picture() : undefined);
    if (!picture) return;
    this.#isFirst = this.#isShown = false;
    const { width, height, rgba } = picture;
    this.#send({ type: "screen", width, height, rgba: rgba.buffer, text: screen.text() }, [rgba.buffer]);
  }
}

/** A machine's screen as its clients see it: pictures, text, and whether anything has changed since they looked. */
import type { Vga } from "../devices/vga";
import type { CoreVideoMemory } from "../video-memory";
import { drawPicture, type Picture, pictureRange, screenText } from "./picture";
import { encodePng } from "./png";
import { screenMode } from "./screen-mode";

/** Guest time in which a cursor is on, or off: 16 frames of 70 Hz for both. */
const CURSOR_HALF_NS = 8 * 14.27e6;

export class Screen {
  #drawn = -1;
  #phase = -1;

  constructor(
    private readonly vga: Vga,
    private readonly memory: CoreVideoMemory,
    private readonly now: () => number,
  ) {}

  /** The picture if it may be another than at the last call, else undefined. Costs next to nothing then. */
  takePicture(): Picture | undefined {
    const { registers, generation } = this.vga.view;
    const range = pictureRange(registers, this.memory.bytes);
    const phase = screenMode(registers).kind === "text" ? Math.floor(this.now() / CURSOR_HALF_NS) % 4 : 0;
    const isSame = !this.memory.takeWritten(range.offset, range.length) && generation === this.#drawn && phase === this.#phase;
    if (isSame) return undefined;
    this.#drawn = generation;
    this.#phase = phase;
    return drawPicture(this.vga.view, { cursor: (phase & 1) === 0, text: phase < 2 });
  }

  /** The picture with all that blinks. */
  picture(): Picture {
    return drawPicture(this.vga.view);
  }

  /** PNG. */
  screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    return encodePng(this.picture());
  }

  /** A string a row; undefined while it shows graphics, or nothing. */
  text(): string[] | undefined {
    return screenText(this.vga.view);
  }
}

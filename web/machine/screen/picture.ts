/**
 * The picture of a VGA as pixels: a pure function of its registers and memory (IBM VGA Technical Reference; sizes as QEMU's
 * screendump has them: modes of 320 pixels and of doubled lines at twice their size).
 */
import type { VideoMemory } from "../device";
import { Attribute, AttributeMode, Crtc, isVbeOn, Sequencer, type VgaRegisters } from "../devices/vga-registers";
import { lineCompare, palette16, palette256, type ScreenMode, screenMode, startAddress } from "./screen-mode";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, 255, from the top left. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface ScreenView {
  readonly registers: VgaRegisters;
  readonly memory: VideoMemory;
}

/** What blinks is to be seen. Cursors blink at twice the rate of characters. */
export interface BlinkPhase {
  readonly cursor: boolean;
  readonly text: boolean;
}
const ALL_SHOWN: BlinkPhase = { cursor: true, text: true };

const OFF = { width: 640, height: 400 } as const;
/** Character tables are 8 KB a plane apart, in this order of the map select bits. */
const FONT_BYTES = 0x2000;

export function drawPicture({ registers, memory }: ScreenView, phase: BlinkPhase = ALL_SHOWN): Picture {
  const mode = screenMode(registers);
  const { width, height } = sizeOf(mode);
  const pixels = new Uint32Array(width * height);
  if (mode.kind === "off") pixels.fill(0xff000000);
  else if (mode.kind === "text") drawText(registers, memory, mode, pixels, phase);
  else if (mode.kind === "linear") drawLinear(registers, memory, mode, pixels);
  else drawGraphics(registers, memory, mode, pixels);
  return { width, height, rgba: new Uint8ClampedArray(pixels.buffer) };
}

export function sizeOf(mode: ScreenMode): { readonly width: number; readonly height: number } {
  if (mode.kind === "off") return OFF;
  if (mode.kind === "text") return { width: mode.columns * mode.cellWidth, height: mode.rows * mode.cellHeight };
  return mode;
}

/** Bytes of memory that the picture is made from. */
export function pictureRange(s: VgaRegisters, memoryBytes: number): { readonly offset: number; readonly length: number } {
  const mode = screenMode(s);
  if (mode.kind === "off") return { offset: 0, length: 0 };
  if (mode.kind !== "linear") return { offset: 0, length: Math.min(memoryBytes, 0x40000 * (isVbeOn(s) ? 32 : 1)) };
  const offset = Math.min(s.vbeStart, memoryBytes);
  return { offset, length: Math.min(memoryBytes - offset, s.vbeLineBytes * mode.height) };
}

/** A character and its attribute, and whether the cursor is on it. */
export interface Cell {
  readonly character: number;
  readonly attribute: number;
  readonly hasCursor: boolean;
}

/** Calls `visit` for every cell of a text screen. */
export function eachCell(
  s: VgaRegisters,
  memory: VideoMemory,
  mode: Extract<ScreenMode, { kind: "text" }>,
  visit: (column: number, row: number, cell: Cell) => void,
): void {
  const contents = memory.read(0, Math.min(memory.bytes, 0x40000));
  const cursorAt = (s.crtc[Crtc.CursorHigh]! << 8) | s.crtc[Crtc.CursorLow]!;
  const compare = lineCompare(s);
  let line = startAddress(s);
  for (let row = 0; row < mode.rows; row++) {
    if (row * mode.cellHeight > compare && (row - 1) * mode.cellHeight <= compare) line = 0;
    for (let column = 0; column < mode.columns; column++) {
      const address = (line + column) & 0xffff;
      const at = address * 4;
      visit(column, row, { character: contents[at] ?? 0, attribute: contents[at + 1] ?? 0, hasCursor: address === cursorAt });
    }
    line += s.crtc[Crtc.Offset]! * 2;
  }
}

function drawText(
  s: VgaRegisters,
  memory: VideoMemory,
  mode: Extract<ScreenMode, { kind: "text" }>,
  pixels: Uint32Array,
  phase: BlinkPhase,
): void {
  const { cellWidth, cellHeight } = mode;
  const width = mode.columns * cellWidth;
  const colors = palette16(s);
  const map = s.sequencer[Sequencer.CharacterMap]!;
  // Attribute bit 3 chooses the table: A when set, B when not.
  const tables = [((map & 3) << 1) | ((map >> 4) & 1), ((map >> 1) & 6) | ((map >> 5) & 1)].map((n) => n * FONT_BYTES);
  const font = memory.read(0, Math.min(memory.bytes, 0x40000));
  const attributes = s.attributes[Attribute.Mode]!;
  const blinks = (attributes & AttributeMode.Blink) !== 0;
  const joins = (attributes & AttributeMode.LineGraphics) !== 0;
  const [first, last] = [s.crtc[Crtc.CursorStart]! & 0x1f, s.crtc[Crtc.CursorEnd]! & 0x1f];
  const cursorShown = phase.cursor && (s.crtc[Crtc.CursorStart]! & 0x20) === 0;
  const doubled = cellWidth === 16;
  eachCell(s, memory, mode, (column, row, { character, attribute, hasCursor }) => {
    const isBright = (attribute & 8) !== 0;
    const table = tables[isBright && tables[0] !== tables[1] ? 1 : 0]!;
    const background = colors[blinks ? (attribute >> 4) & 7 : attribute >> 4]!;
    const isHidden = blinks && (attribute & 0x80) !== 0 && !phase.text;
    const foreground = isHidden ? background : colors[attribute & 15]!;
    // The ninth column of line graphics repeats the eighth; IBM names C0h-DFh, QEMU begins with the shades at B0h, and so do we.
    const joined = joins && character >= 0xb0 && character <= 0xdf;
    for (let y = 0; y < cellHeight; y++) {
      let bits = font[(table + character * 32 + y) * 4 + 2] ?? 0;
      if (hasCursor && cursorShown && y >= first && y <= Math.min(last, cellHeight - 1)) bits = 0x1ff;
      let at = (row * cellHeight + y) * width + column * cellWidth;
      for (let x = 0; x < 8; x++) {
        const color = (bits >> (7 - x)) & 1 ? foreground : background;
        pixels[at++] = color;
        if (doubled) pixels[at++] = color;
      }
      if (cellWidth === 9) pixels[at] = bits === 0x1ff || (joined && bits & 1) ? foreground : background;
    }
  });
}

/** Modes of the VGA itself, whose lines follow the CRT controller. */
function drawGraphics(
  s: VgaRegisters,
  memory: VideoMemory,
  mode: Extract<ScreenMode, { kind: "planar" | "cga" | "packed" }>,
  pixels: Uint32Array,
): void {
  const isVbe = isVbeOn(s);
  const contents = memory.read(0, isVbe ? memory.bytes : Math.min(memory.bytes, 0x40000));
  const mask = contents.length - 1;
  const crtcMode = s.crtc[Crtc.Mode]!;
  const maxScan = s.crtc[Crtc.MaxScanLine]!;
  // Each row scan is shown once or twice; after the last one of a row the address goes on.
  const shown = 1 << (maxScan >> 7);
  const rowScans = (maxScan & 0x1f) + 1;
  const compare = lineCompare(s);
  const lineBytes = isVbe ? s.vbeLineBytes : s.crtc[Crtc.Offset]! * 8;
  const panning = isVbe ? 0 : s.attributes[Attribute.Panning]!;
  const colors = mode.kind === "packed" ? palette256(s) : palette16(s);
  const line = new Uint8Array(mode.width + 32);
  let start = isVbe ? s.vbeStart : (startAddress(s) + ((s.crtc[Crtc.PresetRowScan]! >> 5) & 3)) * 4;
  let shift = mode.kind === "packed" ? (panning & 7) >> 1 : panning & 7;
  let [scan, times] = [0, 0];
  for (let y = 0; y < mode.height; y++) {
    let address = start;
    if ((crtcMode & 1) === 0) {
      const bit = 14 + ((crtcMode >> 6) & 1);
      address = (address & ~(1 << bit)) | ((scan & 1) << bit);
    }
    if ((crtcMode & 2) === 0) address = (address & ~0x8000) | ((scan & 2) << 14);
    const count = mode.doubled ? mode.width >> 1 : mode.width;
    if (mode.kind === "planar") planarLine(s, contents, mask, address, count + 8, line);
    else if (mode.kind === "cga") cgaLine(s, contents, mask, address, count + 8, line);
    else for (let x = 0; x < count + 8; x++) line[x] = contents[(address + x) & mask]!;
    const to = y * mode.width;
    if (mode.doubled) for (let x = 0; x < mode.width; x++) pixels[to + x] = colors[line[shift + (x >> 1)]!]!;
    else for (let x = 0; x < mode.width; x++) pixels[to + x] = colors[line[shift + x]!]!;
    if (++times === shown) {
      times = 0;
      if (++scan === rowScans) {
        scan = 0;
        start += lineBytes;
      }
    }
    if (y === compare) {
      start = scan = times = 0;
      // The lower part of a split screen may stand still.
      if (s.attributes[Attribute.Mode]! & AttributeMode.PanningCompatibility) shift = 0;
    }
  }
}

/** Eight pixels in four bytes, one of each plane. */
function planarLine(s: VgaRegisters, contents: Uint8Array, mask: number, address: number, count: number, line: Uint8Array): void {
  const planes = s.attributes[Attribute.PlaneEnable]! & 15;
  for (let x = 0; x < count; x += 8) {
    const at = address + (x >> 1);
    for (let n = 0; n < 8; n++) {
      let color = 0;
      for (let plane = 0; plane < 4; plane++) color |= ((contents[(at + plane) & mask]! >> (7 - n)) & 1) << plane;
      line[x + n] = color & planes;
    }
  }
}

/** Pixels of two bits, eight in two bytes of planes 0 and 1, with the upper two bits from planes 2 and 3. */
function cgaLine(s: VgaRegisters, contents: Uint8Array, mask: number, address: number, count: number, line: Uint8Array): void {
  const planes = s.attributes[Attribute.PlaneEnable]! & 15;
  for (let x = 0; x < count; x += 8) {
    const at = address + (x >> 1);
    for (let n = 0; n < 8; n++) {
      const low = n >> 2;
      const shift = 6 - 2 * (n & 3);
      const part = (plane: number): number => (planes & (1 << plane) ? (contents[(at + plane) & mask]! >> shift) & 3 : 0);
      line[x + n] = part(low) | (part(low + 2) << 2);
    }
  }
}

function drawLinear(s: VgaRegisters, memory: VideoMemory, mode: Extract<ScreenMode, { kind: "linear" }>, pixels: Uint32Array): void {
  const { width, height, depth } = mode;
  const { offset, length } = pictureRange(s, memory.bytes);
  const contents = memory.read(offset, length);
  const colors = depth === 8 ? palette256(s) : undefined;
  // QEMU's screendump widens 15-bit colours with zeros, 16-bit ones with their upper bits.
  const five = (value: number): number => (depth === 15 ? value << 3 : (value << 3) | (value >> 2));
  let to = 0;
  for (let y = 0; y < height; y++) {
    let at = y * s.vbeLineBytes;
    for (let x = 0; x < width; x++) {
      if (colors) pixels[to++] = colors[contents[at++] ?? 0]!;
      else if (depth >= 24) {
        pixels[to++] = 0xff000000 | ((contents[at] ?? 0) << 16) | ((contents[at + 1] ?? 0) << 8) | (contents[at + 2] ?? 0);
        at += depth >> 3;
      } else {
        const word = (contents[at] ?? 0) | ((contents[at + 1] ?? 0) << 8);
        at += 2;
        const blue = five(word & 31);
        const green = depth === 16 ? (((word >> 5) & 63) << 2) | ((word >> 9) & 3) : five((word >> 5) & 31);
        const red = five((word >> (depth === 16 ? 11 : 10)) & 31);
        pixels[to++] = 0xff000000 | (blue << 16) | (green << 8) | red;
      }
    }
  }
}

/** What a screen of text says, a string a row; undefined: it shows graphics, or nothing. */
export function screenText({ registers, memory }: ScreenView): string[] | undefined {
  const mode = screenMode(registers);
  if (mode.kind !== "text") return undefined;
  const rows: string[] = new Array(mode.rows).fill("");
  eachCell(registers, memory, mode, (_column, row, { character }) => {
    rows[row] += CODE_PAGE_437[character];
  });
  return rows.map((row) => row.replace(/ +$/, ""));
}

/** IBM's character set, whose control codes are signs of their own. */
const CODE_PAGE_437 = [
  ...(" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼" +
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~⌂" +
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ "),
];

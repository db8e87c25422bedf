/** What a VGA's registers say of its picture: which kind it is, its size, and where in memory it lies. */
import {
  Attribute,
  AttributeMode,
  Clocking,
  Crtc,
  Graphics,
  isVbeOn,
  Misc,
  Sequencer,
  Vbe,
  type VgaRegisters,
  vbeRegister,
} from "../devices/vga-registers";

/** `off`: the sequencer shows nothing. Depths of `linear` are bits a pixel; 15 and 16 take two bytes. */
export type ScreenMode =
  | { readonly kind: "off" }
  | { readonly kind: "text"; readonly columns: number; readonly rows: number; readonly cellWidth: number; readonly cellHeight: number }
  | { readonly kind: "planar" | "cga" | "packed"; readonly doubled: boolean; readonly width: number; readonly height: number }
  | { readonly kind: "linear"; readonly depth: number; readonly width: number; readonly height: number };

const MOST_LINES = 2048;

/** Lines shown, from 11 bits in three registers. */
function verticalEnd({ crtc }: VgaRegisters): number {
  const overflow = crtc[Crtc.Overflow]!;
  return (crtc[Crtc.VerticalDisplayEnd]! | ((overflow & 0x02) << 7) | ((overflow & 0x40) << 3)) + 1;
}

export function screenMode(s: VgaRegisters): ScreenMode {
  const clocking = s.sequencer[Sequencer.Clocking]!;
  if (isVbeOn(s)) {
    const [width, height, depth] = [vbeRegister(s, Vbe.Width), vbeRegister(s, Vbe.Height), vbeRegister(s, Vbe.Depth)];
    if (width === 0 || height === 0) return { kind: "off" };
    return depth === 4 ? { kind: "planar", doubled: false, width, height } : { kind: "linear", depth, width, height };
  }
  if ((clocking & Clocking.ScreenOff) !== 0 || s.sequencer[Sequencer.Reset] === 0 || (s.misc & Misc.MemoryEnable) === 0)
    return { kind: "off" };
  const characters = s.crtc[Crtc.HorizontalDisplayEnd]! + 1;
  const lines = Math.min(MOST_LINES, verticalEnd(s));
  if ((s.graphics[Graphics.Misc]! & 1) === 0) {
    const cellHeight = (s.crtc[Crtc.MaxScanLine]! & 0x1f) + 1;
    const cellWidth = (clocking & Clocking.HalfDotClock) !== 0 ? 16 : (clocking & Clocking.EightDots) !== 0 ? 8 : 9;
    return { kind: "text", columns: characters, rows: Math.max(1, Math.floor(lines / cellHeight)), cellWidth, cellHeight };
  }
  const width = characters * 8;
  const shift = (s.graphics[Graphics.Mode]! >> 5) & 3;
  const doubled = (clocking & Clocking.HalfDotClock) !== 0;
  if (shift >= 2) return { kind: "packed", doubled: true, width, height: lines };
  return { kind: shift === 0 ? "planar" : "cga", doubled, width: doubled ? 2 * width : width, height: lines };
}

/** First display address of the picture, in bytes of a plane. */
export const startAddress = ({ crtc }: VgaRegisters): number => (crtc[Crtc.StartHigh]! << 8) | crtc[Crtc.StartLow]!;

/** The line at which the picture begins again at address 0 (split screen). */
export function lineCompare(s: VgaRegisters): number {
  if (isVbeOn(s)) return 0xffff;
  return s.crtc[Crtc.LineCompare]! | ((s.crtc[Crtc.Overflow]! & 0x10) << 4) | ((s.crtc[Crtc.MaxScanLine]! & 0x40) << 3);
}

const wide = (value: number): number => ((value & 0x3f) << 2) | ((value & 1) * 3);

/** Entry `n` of the DAC as 0xAABBGGRR: what an RGBA array holds as little-endian words. */
function dacColor(s: VgaRegisters, n: number, eightBits: boolean): number {
  const [red, green, blue] = [0, 1, 2].map((part) => (eightBits ? s.palette[3 * n + part]! : wide(s.palette[3 * n + part]!))) as [
    number,
    number,
    number,
  ];
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

const hasEightBitDac = (s: VgaRegisters): boolean => isVbeOn(s) && (vbeRegister(s, Vbe.Enable) & 0x20) !== 0;

export function palette256(s: VgaRegisters): Uint32Array {
  const eightBits = hasEightBitDac(s);
  return Uint32Array.from({ length: 256 }, (_, n) => dacColor(s, n & s.pelMask, eightBits));
}

/** The sixteen colours that attributes and planes choose from. */
export function palette16(s: VgaRegisters): Uint32Array {
  const eightBits = hasEightBitDac(s);
  const select = s.attributes[Attribute.ColorSelect]!;
  const isSplit = (s.attributes[Attribute.Mode]! & AttributeMode.Palette54) !== 0;
  return Uint32Array.from({ length: 16 }, (_, n) => {
    const index = s.attributes[n]!;
    const full = isSplit ? ((select & 0x0f) << 4) | (index & 0x0f) : ((select & 0x0c) << 4) | (index & 0x3f);
    return dacColor(s, full & s.pelMask, eightBits);
  });
}

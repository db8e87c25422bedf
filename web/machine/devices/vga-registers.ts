/**
 * Registers of the VGA (IBM VGA Technical Reference; Bochs VBE interface as QEMU's vga-std has it), with the bits that
 * devices and picture maker share. All of it is plain state; vga.ts moves it, screen/ draws from it.
 */
import { bool, bytes, initially, initialState, type StateOf, state, u8, u16, u32 } from "../../snapshot/schema";

export const SEQUENCER_COUNT = 8;
export const CRTC_COUNT = 0x40;
export const GRAPHICS_COUNT = 16;
export const ATTRIBUTE_COUNT = 0x20;
export const PALETTE_BYTES = 768;
export const VBE_COUNT = 11;

export const Misc = { Color: 0x01, MemoryEnable: 0x02, HighPage: 0x20 } as const;
export const Sequencer = { Reset: 0, Clocking: 1, MapMask: 2, CharacterMap: 3, MemoryMode: 4 } as const;
export const Clocking = { EightDots: 0x01, HalfDotClock: 0x08, ScreenOff: 0x20 } as const;
export const MemoryMode = { Chain4: 0x08 } as const;
export const Crtc = {
  HorizontalDisplayEnd: 0x01,
  Overflow: 0x07,
  PresetRowScan: 0x08,
  MaxScanLine: 0x09,
  CursorStart: 0x0a,
  CursorEnd: 0x0b,
  StartHigh: 0x0c,
  StartLow: 0x0d,
  CursorHigh: 0x0e,
  CursorLow: 0x0f,
  RetraceEnd: 0x11,
  VerticalDisplayEnd: 0x12,
  Offset: 0x13,
  Mode: 0x17,
  LineCompare: 0x18,
} as const;
export const Graphics = {
  SetReset: 0,
  EnableSetReset: 1,
  Compare: 2,
  Rotate: 3,
  ReadMap: 4,
  Mode: 5,
  Misc: 6,
  DontCare: 7,
  BitMask: 8,
} as const;
export const Attribute = { Mode: 0x10, Overscan: 0x11, PlaneEnable: 0x12, Panning: 0x13, ColorSelect: 0x14 } as const;
export const AttributeMode = { Graphics: 0x01, LineGraphics: 0x04, Blink: 0x08, PanningCompatibility: 0x20, Palette54: 0x80 } as const;
/** Bochs's display interface. */
export const Vbe = {
  Id: 0,
  Width: 1,
  Height: 2,
  Depth: 3,
  Enable: 4,
  Bank: 5,
  VirtualWidth: 6,
  VirtualHeight: 7,
  OffsetX: 8,
  OffsetY: 9,
  Memory64K: 10,
} as const;
export const VbeEnable = { Enabled: 0x01, GetCapabilities: 0x02, Dac8: 0x20, Linear: 0x40, NoClear: 0x80 } as const;

export const vgaFields = {
  misc: u8,
  feature: u8,
  sequencerIndex: u8,
  sequencer: bytes(SEQUENCER_COUNT),
  crtcIndex: u8,
  crtc: bytes(CRTC_COUNT),
  graphicsIndex: u8,
  graphics: bytes(GRAPHICS_COUNT),
  attributeIndex: u8,
  attributes: bytes(ATTRIBUTE_COUNT),
  /** The next write to 3C0h is data, not an index. */
  attributeData: bool,
  palette: bytes(PALETTE_BYTES),
  pelMask: initially(u8, 0xff),
  dacReadIndex: u8,
  dacWriteIndex: u8,
  /** Which of a colour's three bytes comes next. */
  dacPart: u8,
  /** What 3C7h gives: 3 after a read index, 0 after a write index. */
  dacState: u8,
  dacFirst: u8,
  dacSecond: u8,
  /** One byte of each plane, plane 0 lowest. */
  latch: u32,
  vbeIndex: u16,
  vbe: bytes(2 * VBE_COUNT),
  /** Bytes from one line to the next, and the first byte shown: while the VBE interface is on. */
  vbeLineBytes: u32,
  vbeStart: u32,
};
export const vgaRegisterSchema = state("VGA registers", 1, vgaFields);
export type VgaRegisters = StateOf<typeof vgaRegisterSchema>;

export const vbeRegister = (s: Pick<VgaRegisters, "vbe">, index: number): number => s.vbe[2 * index]! | (s.vbe[2 * index + 1]! << 8);
export function setVbeRegister(s: Pick<VgaRegisters, "vbe">, index: number, value: number): void {
  s.vbe[2 * index] = value & 0xff;
  s.vbe[2 * index + 1] = (value >> 8) & 0xff;
}
export const isVbeOn = (s: Pick<VgaRegisters, "vbe">): boolean => (vbeRegister(s, Vbe.Enable) & VbeEnable.Enabled) !== 0;
export const initialVga = (): VgaRegisters => initialState(vgaRegisterSchema);

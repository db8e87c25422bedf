/** The Bochs display interface (Bochs VBE_DISPI, QEMU docs/specs/standard-vga): modes beyond VGA's, chosen by a few registers. */
import { Crtc, Graphics, isVbeOn, Sequencer, setVbeRegister, Vbe, VbeEnable, type VgaRegisters, vbeRegister } from "./vga-registers";

export const VBE_FIRST_ID = 0xb0c0;
export const VBE_LAST_ID = 0xb0c5;
const MOST = { width: 16000, height: 12000, depth: 32 } as const;
const DEPTHS: readonly number[] = [4, 8, 15, 16, 24, 32];

const bitsOf = (depth: number): number => (depth === 15 ? 16 : depth);

export function readVbe(s: VgaRegisters, memoryBytes: number): number {
  const index = s.vbeIndex;
  if (index === Vbe.Memory64K) return memoryBytes >> 16;
  if (index > Vbe.Memory64K) return 0;
  if (vbeRegister(s, Vbe.Enable) & VbeEnable.GetCapabilities) {
    if (index === Vbe.Width) return MOST.width;
    if (index === Vbe.Height) return MOST.height;
    if (index === Vbe.Depth) return MOST.depth;
  }
  return vbeRegister(s, index);
}

/** Returns how many bytes of memory from its start are to be cleared. */
export function writeVbe(s: VgaRegisters, value: number, memoryBytes: number): number {
  const index = s.vbeIndex;
  let clear = 0;
  switch (index) {
    case Vbe.Id:
      if (value >= VBE_FIRST_ID && value <= VBE_LAST_ID) setVbeRegister(s, index, value);
      break;
    case Vbe.Width:
    case Vbe.Height:
    case Vbe.VirtualWidth:
    case Vbe.OffsetX:
    case Vbe.OffsetY:
      setVbeRegister(s, index, value);
      settle(s, memoryBytes);
      shape(s);
      break;
    case Vbe.Depth:
      setVbeRegister(s, index, value);
      settle(s, memoryBytes);
      break;
    case Vbe.Bank:
      // In units of 64 KB; beyond the memory there is nothing.
      setVbeRegister(s, index, value & ((memoryBytes >> 16) - 1));
      break;
    case Vbe.Enable: {
      const turnsOn = (value & VbeEnable.Enabled) !== 0 && !isVbeOn(s);
      if (turnsOn) {
        for (const register of [Vbe.VirtualWidth, Vbe.OffsetX, Vbe.OffsetY]) setVbeRegister(s, register, 0);
        setVbeRegister(s, Vbe.Enable, vbeRegister(s, Vbe.Enable) | VbeEnable.Enabled);
        settle(s, memoryBytes);
        if ((value & VbeEnable.NoClear) === 0) clear = Math.min(memoryBytes, vbeRegister(s, Vbe.Height) * s.vbeLineBytes);
      } else if ((value & VbeEnable.Enabled) === 0) setVbeRegister(s, Vbe.Bank, 0);
      setVbeRegister(s, Vbe.Enable, value);
      shape(s);
      break;
    }
    default:
      break;
  }
  return clear;
}

/** Makes the registers mean something that the memory can hold. */
function settle(s: VgaRegisters, memoryBytes: number): void {
  if (!isVbeOn(s)) return;
  let depth = vbeRegister(s, Vbe.Depth);
  if (!DEPTHS.includes(depth)) depth = 8;
  setVbeRegister(s, Vbe.Depth, depth);
  const bits = bitsOf(depth);
  const lineOf = (width: number): number => (width * bits) >> 3;
  let width = Math.min(MOST.width, Math.max(8, vbeRegister(s, Vbe.Width) & ~7));
  const virtual = (): number => Math.min(MOST.width, Math.max(width, vbeRegister(s, Vbe.VirtualWidth) & ~7));
  let height = Math.min(MOST.height, Math.max(1, vbeRegister(s, Vbe.Height)));
  if (lineOf(virtual()) * height > memoryBytes) {
    setVbeRegister(s, Vbe.VirtualWidth, width);
    height = Math.min(height, Math.max(1, Math.floor(memoryBytes / lineOf(width))));
    if (lineOf(width) > memoryBytes) width = 8;
  }
  const line = lineOf(virtual());
  const lines = Math.floor(memoryBytes / line);
  const x = Math.min(vbeRegister(s, Vbe.OffsetX), virtual() - width);
  const y = Math.min(vbeRegister(s, Vbe.OffsetY), lines - height);
  const values = { Width: width, Height: height, VirtualWidth: virtual(), VirtualHeight: Math.min(0xffff, lines), OffsetX: x, OffsetY: y };
  for (const [name, value] of Object.entries(values)) setVbeRegister(s, Vbe[name as keyof typeof values], value);
  s.vbeLineBytes = line;
  s.vbeStart = y * line + ((x * bits) >> 3);
}

/** The VGA's own registers follow the mode: software that does not know the interface still finds graphics, chained. */
function shape(s: VgaRegisters): void {
  if (!isVbeOn(s)) return;
  s.graphics[Graphics.Misc] = (s.graphics[Graphics.Misc]! & ~0x0c) | 0x05;
  s.crtc[Crtc.Mode]! |= 0x03;
  s.crtc[Crtc.Offset] = (s.vbeLineBytes >> 3) & 0xff;
  s.crtc[Crtc.HorizontalDisplayEnd] = ((vbeRegister(s, Vbe.Width) >> 3) - 1) & 0xff;
  const last = vbeRegister(s, Vbe.Height) - 1;
  s.crtc[Crtc.VerticalDisplayEnd] = last & 0xff;
  s.crtc[Crtc.Overflow] = (s.crtc[Crtc.Overflow]! & ~0x42) | ((last >> 7) & 0x02) | ((last >> 3) & 0x40);
  s.crtc[Crtc.Overflow]! |= 0x10;
  s.crtc[Crtc.MaxScanLine] = (s.crtc[Crtc.MaxScanLine]! | 0x40) & ~0x9f;
  const isPlanar = vbeRegister(s, Vbe.Depth) === 4;
  if (isPlanar) s.sequencer[Sequencer.Clocking]! &= ~0x08;
  else {
    s.sequencer[Sequencer.MemoryMode]! |= 0x08;
    s.sequencer[Sequencer.MapMask]! |= 0x0f;
  }
  s.graphics[Graphics.Mode] = (s.graphics[Graphics.Mode]! & ~0x60) | (isPlanar ? 0 : 0x40);
}

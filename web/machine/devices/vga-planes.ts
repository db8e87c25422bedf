/**
 * How the window at A0000h-BFFFFh reaches video memory (IBM VGA Technical Reference, "Graphics Controller"). A byte of
 * plane p at display address a lies at memory offset 4a + p, so that chained 256-colour memory is linear.
 */
import type { VideoMemory } from "../device";
import { Graphics, isVbeOn, MemoryMode, Sequencer, Vbe, type VgaRegisters, vbeRegister } from "./vga-registers";

const PAGE_64K = 0x10000;
/** A nibble's bits as bytes: which planes. */
const PLANES = Array.from(
  { length: 16 },
  (_, bits) => ((bits & 1) * 0xff + ((bits >> 1) & 1) * 0xff00 + ((bits >> 2) & 1) * 0xff0000 + ((bits >> 3) & 1) * 0xff000000) >>> 0,
);
const spread = (byte: number): number => Math.imul(byte, 0x01010101) >>> 0;

/** Display address of an offset into the window's 128 KB, or -1 where the map does not reach. */
function displayAddress(s: VgaRegisters, offset: number): number {
  switch ((s.graphics[Graphics.Misc]! >> 2) & 3) {
    case 0:
      return offset;
    case 1:
      return offset < PAGE_64K ? offset + (isVbeOn(s) ? vbeRegister(s, Vbe.Bank) * PAGE_64K : 0) : -1;
    case 2:
      return offset >= 0x10000 && offset < 0x18000 ? offset - 0x10000 : -1;
    default:
      return offset >= 0x18000 ? offset - 0x18000 : -1;
  }
}

const isChained = (s: VgaRegisters): boolean => (s.sequencer[Sequencer.MemoryMode]! & MemoryMode.Chain4) !== 0;
const isOddEven = (s: VgaRegisters): boolean => (s.graphics[Graphics.Mode]! & 0x10) !== 0;

export function readWindow(s: VgaRegisters, memory: VideoMemory, offset: number): number {
  const address = displayAddress(s, offset);
  if (address < 0) return 0xff;
  if (isChained(s)) return address < memory.bytes ? memory.get(address) : 0xff;
  if (isOddEven(s)) {
    const plane = (s.graphics[Graphics.ReadMap]! & 2) | (address & 1);
    const at = ((address & ~1) << 1) | plane;
    return at < memory.bytes ? memory.get(at) : 0xff;
  }
  const at = address * 4;
  if (at + 4 > memory.bytes) return 0xff;
  const latch = (memory.get(at) | (memory.get(at + 1) << 8) | (memory.get(at + 2) << 16) | (memory.get(at + 3) << 24)) >>> 0;
  s.latch = latch;
  if ((s.graphics[Graphics.Mode]! & 0x08) === 0) return (latch >>> (8 * (s.graphics[Graphics.ReadMap]! & 3))) & 0xff;
  // Read mode 1: ones where the planes that care equal the colour.
  const differs = (latch ^ PLANES[s.graphics[Graphics.Compare]! & 15]!) & PLANES[s.graphics[Graphics.DontCare]! & 15]!;
  return ~(differs | (differs >>> 8) | (differs >>> 16) | (differs >>> 24)) & 0xff;
}

export function writeWindow(s: VgaRegisters, memory: VideoMemory, offset: number, value: number): void {
  const address = displayAddress(s, offset);
  if (address < 0) return;
  const mask = s.sequencer[Sequencer.MapMask]!;
  if (isChained(s)) {
    if (address < memory.bytes && mask & (1 << (address & 3))) memory.set(address, value);
    return;
  }
  if (isOddEven(s)) {
    const plane = (s.graphics[Graphics.ReadMap]! & 2) | (address & 1);
    const at = ((address & ~1) << 1) | plane;
    if (at < memory.bytes && mask & (1 << plane)) memory.set(at, value);
    return;
  }
  const at = address * 4;
  if (at + 4 > memory.bytes) return;
  const data = combined(s, value);
  for (let plane = 0; plane < 4; plane++) if (mask & (1 << plane)) memory.set(at + plane, (data >>> (8 * plane)) & 0xff);
}

/** Write modes 0 to 3, rotation, logic and bit mask: what goes to the four planes. */
function combined(s: VgaRegisters, value: number): number {
  const g = s.graphics;
  const rotate = g[Graphics.Rotate]! & 7;
  const rotated = ((value >> rotate) | (value << (8 - rotate))) & 0xff;
  let bitMask = g[Graphics.BitMask]!;
  let data: number;
  switch (g[Graphics.Mode]! & 3) {
    case 0: {
      const enable = PLANES[g[Graphics.EnableSetReset]! & 15]!;
      data = (spread(rotated) & ~enable) | (PLANES[g[Graphics.SetReset]! & 15]! & enable);
      break;
    }
    case 1:
      return s.latch;
    case 2:
      data = PLANES[value & 15]!;
      break;
    default:
      data = PLANES[g[Graphics.SetReset]! & 15]!;
      bitMask &= rotated;
      // Mode 3 has no logic of its own but keeps the function selected.
      break;
  }
  switch ((g[Graphics.Rotate]! >> 3) & 3) {
    case 1:
      data &= s.latch;
      break;
    case 2:
      data |= s.latch;
      break;
    case 3:
      data ^= s.latch;
      break;
    default:
      break;
  }
  const bits = spread(bitMask);
  return ((data & bits) | (s.latch & ~bits)) >>> 0;
}

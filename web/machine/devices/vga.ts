/**
 * A VGA with the Bochs display interface: QEMU's vga-std, 1234:1111 at 00:02.0 (IBM VGA Technical Reference; QEMU,
 * docs/specs/standard-vga). BAR 0 is its memory, BAR 2 its registers once more. It makes no picture: screen/ does, from
 * these registers and the memory. Retrace is a function of guest time.
 */

import { SnapshotIncompatible } from "../../lib/errors";
import { blob, bytes, copyState, type StateOf, state } from "../../snapshot/schema";
import type { AccessSize, Board, Clock, Device, RegisterHandler, VideoMemory } from "../device";
import { PciEndpoint } from "./pci-endpoint";
import { readWindow, writeWindow } from "./vga-planes";
import { Crtc, initialVga, Misc, setVbeRegister, Vbe, type VgaRegisters, vgaFields, vgaRegisterSchema } from "./vga-registers";
import { readVbe, VBE_LAST_ID, writeVbe } from "./vga-vbe";

const DEVICE_NUMBER = 2;
export const VGA_WINDOW = { first: 0xa0000, bytes: 0x20000 } as const;
/** Enough for 1920 x 1080 at 32 bits a pixel. */
export const VIDEO_BYTES = 0x800000;
/** Where registers are in BAR 2: the VGA's ports from 3C0h, the display interface as words. */
const Mmio = { Vga: 0x400, Vbe: 0x500, Length: 0x1000 } as const;
/** 31.469 kHz lines, of which 449 make a frame (640 x 400 at 70 Hz); shown are the first 400. */
const LINE_NS = 31_778;
const FRAME_LINES = 449;
const SHOWN_LINES = 400;
const RETRACE = { first: 412, last: 413 } as const;
const SHOWN_OF_LINE = 0.8;
const Status1 = { NotShown: 0x01, VerticalRetrace: 0x08 } as const;

const SEQUENCER_BITS = [0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0xff] as const;
const GRAPHICS_BITS = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0] as const;
/** Bits of attribute registers 10h-14h. */
const ATTRIBUTE_BITS = [0xef, 0xff, 0x3f, 0x0f, 0x0f] as const;

const schemaOf = (memoryBytes: number) => state("VGA", 1, { ...vgaFields, config: bytes(256), memory: blob(memoryBytes) });
type VgaSchema = ReturnType<typeof schemaOf>;

export class Vga implements Device<VgaSchema>, RegisterHandler {
  readonly schema: VgaSchema;
  readonly endpoint: PciEndpoint;
  #s: VgaRegisters = initialVga();
  #memory!: VideoMemory;
  #clock!: Clock;
  /** Changes whenever registers do, so that a picture made before may be another now. */
  #generation = 0;

  constructor(private readonly memoryBytes = VIDEO_BYTES) {
    this.schema = schemaOf(memoryBytes);
    this.endpoint = new PciEndpoint({
      ...{ device: DEVICE_NUMBER, vendorId: 0x1234, deviceId: 0x1111, revision: 2, classCode: 0x030000, interrupt: false },
      ...{ subsystemVendorId: 0x1af4, subsystemId: 0x1100 },
      bars: [
        { index: 0, space: "mmio", length: memoryBytes, prefetchable: true, onPlaced: (first) => this.#memory?.place(first) },
        {
          ...{ index: 2, space: "mmio", length: Mmio.Length },
          handler: {
            sizes: 1 | 2 | 4,
            read: (offset, size) => this.#readMmio(offset, size),
            write: (offset, value, size) => this.#writeMmio(offset, value, size),
          },
        },
      ],
    });
    this.#powerOn();
  }

  attach(board: Board): void {
    this.#memory = board.videoMemory(this.memoryBytes);
    this.#clock = board.clock;
    this.endpoint.attach(board);
    for (const [first, count] of [
      [0x3b4, 2],
      [0x3ba, 1],
      [0x3c0, 0x10],
      [0x3d4, 2],
      [0x3da, 1],
    ] as const)
      board.ports(first, count, {
        read: (offset) => this.#readPort(first + offset),
        write: (offset, value) => this.#writePort(first + offset, value),
      });
    board.ports(0x1ce, 2, {
      sizes: 2,
      read: (offset) => (offset === 0 ? this.#s.vbeIndex : readVbe(this.#s, this.memoryBytes)),
      write: (offset, value) => {
        if (offset === 0) this.#s.vbeIndex = value;
        else this.#writeVbe(value);
      },
    });
    board.mmio(VGA_WINDOW.first, VGA_WINDOW.bytes, this);
  }

  #powerOn(): void {
    this.#s = initialVga();
    setVbeRegister(this.#s, Vbe.Id, VBE_LAST_ID);
    this.#generation++;
  }

  /** Memory keeps what it holds. */
  reset(): void {
    this.#powerOn();
    this.endpoint.reset();
  }

  /** For the picture: registers that must not be changed, the memory, and a number that changes with the registers. */
  get view(): { readonly registers: VgaRegisters; readonly memory: VideoMemory; readonly generation: number } {
    return { registers: this.#s, memory: this.#memory, generation: this.#generation };
  }

  read(offset: number, size: AccessSize): number {
    let value = 0;
    for (let i = 0; i < size; i++) value += readWindow(this.#s, this.#memory, offset + i) * 2 ** (8 * i);
    return value;
  }

  write(offset: number, value: number, size: AccessSize): void {
    for (let i = 0; i < size; i++) writeWindow(this.#s, this.#memory, offset + i, (value >>> (8 * i)) & 0xff);
  }

  #writeVbe(value: number): void {
    const clear = writeVbe(this.#s, value, this.memoryBytes);
    if (clear > 0) this.#memory.write(0, new Uint8Array(clear));
    this.#generation++;
  }

  #readMmio(offset: number, size: AccessSize): number {
    if (offset >= Mmio.Vbe && offset < Mmio.Vbe + 22 && size === 2) {
      this.#s.vbeIndex = (offset - Mmio.Vbe) >> 1;
      return readVbe(this.#s, this.memoryBytes);
    }
    let value = 0;
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      const byte = at >= Mmio.Vga && at < Mmio.Vga + 0x20 ? this.#readPort(0x3c0 + at - Mmio.Vga) : at < Mmio.Vga ? 0 : 0xff;
      value += byte * 2 ** (8 * i);
    }
    return value;
  }

  #writeMmio(offset: number, value: number, size: AccessSize): void {
    if (offset >= Mmio.Vbe && offset < Mmio.Vbe + 22 && size === 2) {
      this.#s.vbeIndex = (offset - Mmio.Vbe) >> 1;
      this.#writeVbe(value);
      return;
    }
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      if (at >= Mmio.Vga && at < Mmio.Vga + 0x20) this.#writePort(0x3c0 + at - Mmio.Vga, (value >>> (8 * i)) & 0xff);
    }
  }

  /** Of the ports at 3Bxh and 3Dxh, those answer that the miscellaneous output register chooses. */
  #isElsewhere(port: number): boolean {
    const isColor = (this.#s.misc & Misc.Color) !== 0;
    return isColor ? port < 0x3c0 : port >= 0x3d0;
  }

  #readPort(port: number): number {
    const s = this.#s;
    if (this.#isElsewhere(port)) return 0xff;
    switch (port) {
      case 0x3c0:
        return s.attributeData ? 0 : s.attributeIndex;
      case 0x3c1:
        return s.attributes[s.attributeIndex & 0x1f]!;
      case 0x3c2:
        return 0;
      case 0x3c4:
        return s.sequencerIndex;
      case 0x3c5:
        return s.sequencer[s.sequencerIndex]!;
      case 0x3c6:
        return s.pelMask;
      case 0x3c7:
        return s.dacState;
      case 0x3c8:
        return s.dacWriteIndex;
      case 0x3c9: {
        const value = s.palette[s.dacReadIndex * 3 + s.dacPart]!;
        if (++s.dacPart === 3) {
          s.dacPart = 0;
          s.dacReadIndex = (s.dacReadIndex + 1) & 0xff;
        }
        return value;
      }
      case 0x3ca:
        return s.feature;
      case 0x3cc:
        return s.misc;
      case 0x3ce:
        return s.graphicsIndex;
      case 0x3cf:
        return s.graphics[s.graphicsIndex]!;
      case 0x3b4:
      case 0x3d4:
        return s.crtcIndex;
      case 0x3b5:
      case 0x3d5:
        return s.crtc[s.crtcIndex]!;
      case 0x3ba:
      case 0x3da:
        s.attributeData = false;
        return this.#status1();
      default:
        return 0xff;
    }
  }

  #status1(): number {
    const line = (this.#clock.now() / LINE_NS) % FRAME_LINES;
    const isShown = line < SHOWN_LINES && line % 1 < SHOWN_OF_LINE;
    const isRetrace = line >= RETRACE.first && line < RETRACE.last + 1;
    return (isShown ? 0 : Status1.NotShown) | (isRetrace ? Status1.VerticalRetrace : 0);
  }

  #writePort(port: number, value: number): void {
    const s = this.#s;
    if (this.#isElsewhere(port)) return;
    this.#generation++;
    switch (port) {
      case 0x3c0:
        if (s.attributeData) this.#writeAttribute(s.attributeIndex & 0x1f, value);
        else s.attributeIndex = value & 0x3f;
        s.attributeData = !s.attributeData;
        break;
      case 0x3c2:
        s.misc = value & ~0x10;
        break;
      case 0x3c4:
        s.sequencerIndex = value & 7;
        break;
      case 0x3c5:
        s.sequencer[s.sequencerIndex] = value & SEQUENCER_BITS[s.sequencerIndex]!;
        break;
      case 0x3c6:
        s.pelMask = value;
        break;
      case 0x3c7:
        s.dacReadIndex = value;
        s.dacPart = 0;
        s.dacState = 3;
        break;
      case 0x3c8:
        s.dacWriteIndex = value;
        s.dacPart = 0;
        s.dacState = 0;
        break;
      case 0x3c9:
        this.#writeDac(value);
        break;
      case 0x3ce:
        s.graphicsIndex = value & 0x0f;
        break;
      case 0x3cf:
        s.graphics[s.graphicsIndex] = value & GRAPHICS_BITS[s.graphicsIndex]!;
        break;
      case 0x3b4:
      case 0x3d4:
        s.crtcIndex = value & 0x3f;
        break;
      case 0x3b5:
      case 0x3d5:
        this.#writeCrtc(s.crtcIndex, value);
        break;
      case 0x3ba:
      case 0x3da:
        s.feature = value & 0x10;
        break;
      default:
        break;
    }
  }

  #writeAttribute(index: number, value: number): void {
    if (index < 0x10) this.#s.attributes[index] = value & 0x3f;
    else if (index < 0x15) this.#s.attributes[index] = value & ATTRIBUTE_BITS[index - 0x10]!;
  }

  /** A colour changes when its third byte has come. */
  #writeDac(value: number): void {
    const s = this.#s;
    if (s.dacPart === 0) s.dacFirst = value;
    else if (s.dacPart === 1) s.dacSecond = value;
    else {
      s.palette.set([s.dacFirst, s.dacSecond, value], s.dacWriteIndex * 3);
      s.dacWriteIndex = (s.dacWriteIndex + 1) & 0xff;
    }
    s.dacPart = (s.dacPart + 1) % 3;
  }

  #writeCrtc(index: number, value: number): void {
    const { crtc } = this.#s;
    const isProtected = (crtc[Crtc.RetraceEnd]! & 0x80) !== 0 && index <= Crtc.Overflow;
    if (!isProtected) crtc[index] = value;
    // Bit 8 of the line compare is not protected.
    else if (index === Crtc.Overflow) crtc[index] = (crtc[index]! & ~0x10) | (value & 0x10);
  }

  save(): StateOf<VgaSchema> {
    const contents = this.#memory.read(0, this.memoryBytes);
    let length = contents.length;
    while (length > 0 && contents[length - 1] === 0) length--;
    return { ...copyState(vgaRegisterSchema, this.#s), config: this.endpoint.save(), memory: contents.slice(0, length) };
  }

  load(from: StateOf<VgaSchema>): void {
    if (from.memory.at(-1) === 0) throw new SnapshotIncompatible("VGA.memory", "it ends in zeros, which are left out.");
    if (from.dacPart > 2 || from.sequencerIndex > 7 || from.graphicsIndex > 15 || from.crtcIndex > 0x3f || from.attributeIndex > 0x3f)
      throw new SnapshotIncompatible("VGA", "an index points to no register.");
    const { memory, config, ...registers } = from;
    this.#s = copyState(vgaRegisterSchema, registers as VgaRegisters);
    this.endpoint.load(config, false);
    const contents = new Uint8Array(this.memoryBytes);
    contents.set(memory);
    this.#memory.write(0, contents);
    this.#generation++;
  }
}

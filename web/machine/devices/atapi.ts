/**
 * Packet commands of a CD-ROM drive (SFF-8020i, MMC-3), as pure functions over the drive's few facts: what a packet of 12
 * bytes answers. What has to be read from the disc, or changes the drive, is said to the caller.
 */
export const CD_BLOCK = 2048;
const Code = {
  TestUnitReady: 0x00,
  RequestSense: 0x03,
  Inquiry: 0x12,
  ModeSelect6: 0x15,
  ModeSense6: 0x1a,
  StartStop: 0x1b,
  PreventRemoval: 0x1e,
  ReadCapacity: 0x25,
  Read10: 0x28,
  Seek: 0x2b,
  SubChannel: 0x42,
  Toc: 0x43,
  Configuration: 0x46,
  EventStatus: 0x4a,
  DiscInformation: 0x51,
  ModeSense10: 0x5a,
  Read12: 0xa8,
  SetSpeed: 0xbb,
  MechanismStatus: 0xbd,
  ReadCd: 0xbe,
} as const;

/** Sense key, additional code. */
export interface Sense {
  readonly key: number;
  readonly asc: number;
}
export const Senses = {
  None: { key: 0, asc: 0 },
  NoMedium: { key: 2, asc: 0x3a },
  MediumError: { key: 3, asc: 0x11 },
  IllegalCommand: { key: 5, asc: 0x20 },
  OutOfRange: { key: 5, asc: 0x21 },
  InvalidField: { key: 5, asc: 0x24 },
  RemovalPrevented: { key: 5, asc: 0x53 },
  MediumChanged: { key: 6, asc: 0x28 },
} as const;

export interface CdFacts {
  /** Blocks of 2048 bytes, or undefined without a disc. */
  readonly blocks: number | undefined;
  readonly sense: Sense;
  /** The medium was changed, and nobody has been told. */
  readonly changed: boolean;
  /** Same for GET EVENT STATUS NOTIFICATION. */
  readonly mediaEvent: number;
  readonly locked: boolean;
}

export type PacketAnswer =
  | { readonly kind: "data"; readonly bytes: Uint8Array; readonly clears?: "sense" | "event" }
  | { readonly kind: "read"; readonly block: number; readonly count: number }
  | { readonly kind: "done"; readonly lock?: boolean; readonly tray?: "eject" | "load" }
  | { readonly kind: "fail"; readonly sense: Sense; readonly clearsChange?: boolean };

const fail = (sense: Sense): PacketAnswer => ({ kind: "fail", sense });

/** Commands that work whether or not the medium has changed. */
const UNAFFECTED: readonly number[] = [Code.RequestSense, Code.Inquiry, Code.Configuration, Code.EventStatus];
const NEEDS_MEDIUM: readonly number[] = [
  ...[
    Code.TestUnitReady,
    Code.ReadCapacity,
    Code.Read10,
    Code.Read12,
    Code.ReadCd,
    Code.Seek,
    Code.SubChannel,
    Code.Toc,
    Code.DiscInformation,
  ],
];

export function answerPacket(packet: Uint8Array, cd: CdFacts): PacketAnswer {
  const code = packet[0]!;
  const word = (at: number): number => (packet[at]! << 8) | packet[at + 1]!;
  const long = (at: number): number => word(at) * 0x10000 + word(at + 2);
  const data = (bytes: readonly number[], length: number): PacketAnswer => ({
    kind: "data",
    bytes: Uint8Array.from(bytes).subarray(0, length),
  });
  if (cd.changed && !UNAFFECTED.includes(code)) return { kind: "fail", sense: Senses.MediumChanged, clearsChange: true };
  if (cd.blocks === undefined && NEEDS_MEDIUM.includes(code)) return fail(Senses.NoMedium);
  switch (code) {
    case Code.TestUnitReady:
    case Code.Seek:
    case Code.SetSpeed:
    case Code.ModeSelect6:
      return { kind: "done" };
    case Code.RequestSense: {
      const { key, asc } = cd.sense;
      const answer = data([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, 0, 0, 0, 0, 0], packet[4]!);
      return { ...answer, clears: "sense" } as PacketAnswer;
    }
    case Code.Inquiry: {
      const text = [..."VITRINE CD-ROM          1.0 "].map((letter) => letter.charCodeAt(0));
      return data([0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0, ...text], packet[4]!);
    }
    case Code.StartStop: {
      const bits = packet[4]! & 3;
      if (bits === 2) return cd.locked ? fail(Senses.RemovalPrevented) : { kind: "done", tray: "eject" };
      return { kind: "done", ...(bits === 3 ? { tray: "load" as const } : {}) };
    }
    case Code.PreventRemoval:
      return { kind: "done", lock: (packet[4]! & 1) !== 0 };
    case Code.ReadCapacity:
      return data([...big(cd.blocks! - 1, 4), ...big(CD_BLOCK, 4)], 8);
    case Code.Read10:
    case Code.Read12: {
      const count = code === Code.Read10 ? word(7) : long(6);
      return read(long(2), count, cd.blocks!);
    }
    case Code.ReadCd: {
      const count = packet[6]! * 0x10000 + word(7);
      // User data of mode 1 only.
      const wants = packet[9]! & 0xf8;
      if (wants === 0) return { kind: "done" };
      return wants === 0x10 ? read(long(2), count, cd.blocks!) : fail(Senses.InvalidField);
    }
    case Code.SubChannel:
      return data([0, 0x15, 0, 0], word(7));
    case Code.Toc:
      return toc(packet, cd.blocks!, word(7));
    case Code.Configuration:
      return data(configuration(cd.blocks !== undefined), word(7));
    case Code.EventStatus: {
      // Polled only, and only for media events.
      if ((packet[1]! & 1) === 0) return fail(Senses.InvalidField);
      if ((packet[4]! & 0x10) === 0) return data([0, 2, 0x80, 0x10], word(7));
      const answer = data([0, 6, 4, 0x10, cd.mediaEvent, cd.blocks === undefined ? 0 : 2, 0, 0], word(7));
      return { ...answer, clears: "event" } as PacketAnswer;
    }
    case Code.DiscInformation:
      // Complete, last session complete.
      return data([0, 32, 0x0e, 1, 1, 1, 1, 0x20, ...new Array(26).fill(0)], word(7));
    case Code.ModeSense6:
      return modeSense(packet[2]!, packet[4]!, 4);
    case Code.ModeSense10:
      return modeSense(packet[2]!, word(7), 8);
    case Code.MechanismStatus:
      return data([0, 0, 0, 0, 0, 1, 0, 0], word(8));
    default:
      return fail(Senses.IllegalCommand);
  }
}

function read(block: number, count: number, blocks: number): PacketAnswer {
  if (count === 0) return { kind: "done" };
  return block + count <= blocks ? { kind: "read", block, count } : fail(Senses.OutOfRange);
}

const big = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * (bytes - 1 - i))) & 0xff);

/** Minute, second, frame of a block. */
const msf = (block: number): number[] => {
  const frames = block + 150;
  return [0, Math.floor(frames / 75 / 60) & 0xff, Math.floor(frames / 75) % 60, frames % 75];
};

/** One data track, one session (MMC-3, 5.23). */
function toc(packet: Uint8Array, blocks: number, length: number): PacketAnswer {
  const inTime = (packet[1]! & 2) !== 0;
  const address = (block: number): number[] => (inTime ? msf(block) : big(block, 4));
  const format = packet[2]! & 0x0f || packet[9]! >> 6;
  const start = packet[6]!;
  const whole = (bytes: number[]): PacketAnswer => ({
    kind: "data",
    bytes: Uint8Array.from([...big(bytes.length, 2), ...bytes]).subarray(0, length),
  });
  if (format === 0) {
    if (start > 1 && start !== 0xaa) return fail(Senses.InvalidField);
    const first = start <= 1 ? [0, 0x14, 1, 0, ...address(0)] : [];
    return whole([1, 1, ...first, 0, 0x14, 0xaa, 0, ...address(blocks)]);
  }
  if (format === 1) return whole([1, 1, 0, 0x14, 1, 0, ...address(0)]);
  if (format === 2) {
    const entry = (point: number, at: readonly number[]): number[] => [1, 0x14, 0, point, 0, 0, 0, ...at];
    return whole([1, 1, ...entry(0xa0, [0, 1, 0, 0]), ...entry(0xa1, [0, 1, 0, 0]), ...entry(0xa2, msf(blocks)), ...entry(1, msf(0))]);
  }
  return fail(Senses.InvalidField);
}

/** Profiles CD-ROM; core; removable medium (MMC-3, 5.5). */
function configuration(hasMedium: boolean): number[] {
  const features = [0, 0, 3, 4, 0, 8, hasMedium ? 1 : 0, 0, 0, 1, 3, 8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 3, 4, 0x39, 0, 0, 0];
  return [...big(4 + features.length, 4), 0, 0, 0, hasMedium ? 8 : 0, ...features];
}

/** Pages 01h (error recovery), 0Eh (audio), 2Ah (capabilities). */
function modeSense(page: number, length: number, header: 4 | 8): PacketAnswer {
  const pages: Record<number, number[]> = {
    1: [0x01, 6, 0, 5, 0, 0, 0, 0],
    14: [0x0e, 14, 4, 0, 0, 0, 0, 75, ...new Array(8).fill(0)],
    42: [0x2a, 18, 0, 0, 0, 0, 0x29, 0, ...big(706, 2), 0, 2, ...big(512, 2), ...big(706, 2), 0, 0, 0, 0],
  };
  const code = page & 0x3f;
  if (page >> 6 === 3) return fail({ key: 5, asc: 0x39 });
  const body = code === 0x3f ? Object.values(pages).flat() : pages[code];
  if (!body) return fail(Senses.InvalidField);
  const total = header + body.length;
  const head = header === 4 ? [total - 1, 1, 0, 0] : [...big(total - 2, 2), 1, 0, 0, 0, 0, 0];
  return { kind: "data", bytes: Uint8Array.from([...head, ...body]).subarray(0, length) };
}

/** The commands of hard disks (ATA/ATAPI-6, chapter 8) and of CD-ROM drives, over ide-drive.ts. */
import { SECTOR_BYTES } from "../../storage/block-device";
import { identifyDisk, identifyPacketDevice, MOST_MULTIPLE } from "./ata-identity";
import { answerPacket, CD_BLOCK, type PacketAnswer, type Sense, Senses } from "./atapi";
import { type DriveCommands, ErrorBit, type IdeDrive, Status, Transfer } from "./ide-drive";

const DEVICE_LBA = 0x40;
const HEADS = 0x0f;
const DMA_FEATURE = 0x01;

/** How a command that moves sectors does it. */
interface Mover {
  readonly transfer: number;
  readonly long?: boolean;
  /** Blocks of SET MULTIPLE MODE. */
  readonly multiple?: boolean;
}
const MOVERS: Readonly<Record<number, Mover>> = {
  32: { transfer: Transfer.PioIn },
  33: { transfer: Transfer.PioIn },
  36: { transfer: Transfer.PioIn, long: true },
  41: { transfer: Transfer.PioIn, long: true, multiple: true },
  196: { transfer: Transfer.PioIn, multiple: true },
  48: { transfer: Transfer.PioOut },
  49: { transfer: Transfer.PioOut },
  52: { transfer: Transfer.PioOut, long: true },
  57: { transfer: Transfer.PioOut, long: true, multiple: true },
  197: { transfer: Transfer.PioOut, multiple: true },
  200: { transfer: Transfer.DmaIn },
  201: { transfer: Transfer.DmaIn },
  37: { transfer: Transfer.DmaIn, long: true },
  202: { transfer: Transfer.DmaOut },
  203: { transfer: Transfer.DmaOut },
  53: { transfer: Transfer.DmaOut, long: true },
};

/** Codes that both kinds know, or that are told apart below. */
const Code = {
  Nop: 0x00,
  DeviceReset: 0x08,
  Verify: 0x40,
  VerifyNoRetry: 0x41,
  VerifyExt: 0x42,
  Seek: 0x70,
  Diagnostics: 0x90,
  Geometry: 0x91,
  Packet: 0xa0,
  IdentifyPacket: 0xa1,
  SetMultiple: 0xc6,
  Flush: 0xe7,
  FlushExt: 0xea,
  Identify: 0xec,
  SetFeatures: 0xef,
  NativeMax: 0xf8,
  NativeMaxExt: 0x27,
} as const;
/** Power management: the drive is always awake. */
const CHECK_POWER: readonly number[] = [0xe5, 0x98];
const POWER: readonly number[] = [0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0x94, 0x95, 0x96, 0x97, 0x99];
const AWAKE = 0xff;
const Feature = { TransferMode: 0x03 } as const;
const ACCEPTED_FEATURES: readonly number[] = [0x02, 0x05, 0x42, 0x55, 0x66, 0x67, 0x82, 0x85, 0xaa, 0xc2, 0xcc];

/** Commands that both kinds carry out alike. False: it is none of them. */
function common(drive: IdeDrive, code: number): boolean {
  const { s } = drive;
  if (CHECK_POWER.includes(code)) s.count = AWAKE;
  else if (code === Code.SetFeatures) {
    if (s.features === Feature.TransferMode) s.transferMode = s.count;
    else if (!ACCEPTED_FEATURES.includes(s.features)) {
      drive.fail(ErrorBit.Aborted);
      return true;
    }
  } else if (code === Code.Diagnostics) {
    drive.softReset();
    drive.setInterrupt(true);
    return true;
  } else if (!POWER.includes(code)) return false;
  drive.complete();
  return true;
}

export class AtaDisk implements DriveCommands {
  readonly isPacketDevice = false;
  constructor(private readonly serial: string) {}

  execute(drive: IdeDrive, code: number): void {
    if (common(drive, code)) return;
    const { s } = drive;
    const mover = MOVERS[code];
    if (mover) this.#move(drive, mover);
    else if (code === Code.Identify) drive.answer(identifyDisk({ ...s, sectors: sectorsOf(drive), serial: this.serial }));
    else if (code >= 0x10 && code <= 0x1f) {
      // RECALIBRATE.
      s.mid = s.high = 0;
      drive.complete();
    } else if (code === Code.Seek || code === Code.Verify || code === Code.VerifyNoRetry || code === Code.VerifyExt) {
      const range = code === Code.Seek ? { first: address(s, false), count: 1 } : rangeOf(s, code === Code.VerifyExt);
      if (range.first !== undefined && range.first + range.count <= sectorsOf(drive)) drive.complete();
      else drive.fail(ErrorBit.IdNotFound);
    } else if (code === Code.Geometry) {
      s.heads = (s.device & HEADS) + 1;
      if (s.count === 0) drive.fail(ErrorBit.Aborted);
      else {
        s.sectorsPerTrack = s.count;
        drive.complete();
      }
    } else if (code === Code.SetMultiple) {
      if (s.count > MOST_MULTIPLE || (s.count & (s.count - 1)) !== 0) drive.fail(ErrorBit.Aborted);
      else {
        s.multiple = s.count;
        drive.complete();
      }
    } else if (code === Code.Flush || code === Code.FlushExt) drive.flush();
    else if (code === Code.NativeMax || code === Code.NativeMaxExt) {
      setAddress(s, sectorsOf(drive) - 1, code === Code.NativeMaxExt);
      drive.complete();
    } else {
      if (code === Code.IdentifyPacket || code === Code.Packet || code === Code.DeviceReset) drive.resetSignature();
      drive.fail(ErrorBit.Aborted);
    }
  }

  #move(drive: IdeDrive, { transfer, long = false, multiple = false }: Mover): void {
    const { s } = drive;
    const { first, count } = rangeOf(s, long);
    const isWrite = transfer === Transfer.PioOut || transfer === Transfer.DmaOut;
    if ((multiple && s.multiple === 0) || (isWrite && drive.disk!.readOnly)) drive.fail(ErrorBit.Aborted);
    else if (first === undefined || first + count > sectorsOf(drive)) drive.fail(ErrorBit.IdNotFound);
    else drive.move(transfer, first * SECTOR_BYTES, count * SECTOR_BYTES, (multiple ? s.multiple : 1) * SECTOR_BYTES);
  }

  packet(): void {}
  diskFailed(drive: IdeDrive): void {
    drive.fail(ErrorBit.Uncorrectable | ErrorBit.Aborted);
  }
}

const sectorsOf = (drive: IdeDrive): number => Math.floor((drive.disk?.bytes ?? 0) / SECTOR_BYTES);

function rangeOf(s: IdeDrive["s"], long: boolean): { first: number | undefined; count: number } {
  const count = long ? s.countBefore * 256 + s.count || 65536 : s.count || 256;
  return { first: address(s, long), count };
}

/** The sector that the task file names; undefined for a cylinder, head, sector that does not exist. */
function address(s: IdeDrive["s"], long: boolean): number | undefined {
  if (long) return ((s.highBefore * 256 + s.midBefore) * 256 + s.lowBefore) * 2 ** 24 + s.high * 65536 + s.mid * 256 + s.low;
  if (s.device & DEVICE_LBA) return (s.device & HEADS) * 2 ** 24 + s.high * 65536 + s.mid * 256 + s.low;
  const head = s.device & HEADS;
  if (s.low === 0 || s.low > s.sectorsPerTrack || head >= s.heads) return undefined;
  return ((s.high * 256 + s.mid) * s.heads + head) * s.sectorsPerTrack + s.low - 1;
}

function setAddress(s: IdeDrive["s"], sector: number, long: boolean): void {
  const byte = (n: number): number => Math.floor(sector / 2 ** (8 * n)) & 0xff;
  Object.assign(s, { low: byte(0), mid: byte(1), high: byte(2) });
  if (long) Object.assign(s, { lowBefore: byte(3), midBefore: byte(4), highBefore: byte(5) });
  else s.device = (s.device & ~HEADS) | (Math.min(sector, 0x0fffffff) >>> 24);
}

export class CdRom implements DriveCommands {
  readonly isPacketDevice = true;
  /** `onTray` hears that the guest wants the disc out (true), or the tray closed. */
  constructor(
    private readonly serial: string,
    private readonly onTray: (drive: IdeDrive, isOut: boolean) => void = () => {},
  ) {}

  execute(drive: IdeDrive, code: number): void {
    if (common(drive, code)) return;
    const { s } = drive;
    if (code === Code.Packet) {
      // The bus master or PIO, and for PIO the most bytes in one DRQ block.
      s.block = (s.mid | (s.high << 8)) & 0xfffe;
      drive.awaitPacket();
    } else if (code === Code.IdentifyPacket) {
      s.block = 0;
      drive.answer(identifyPacketDevice(s.transferMode, this.serial));
    } else if (code === Code.DeviceReset) drive.softReset();
    else if (code === Code.Flush || code === Code.FlushExt) drive.complete();
    else {
      // So IDENTIFY DEVICE finds that this is a packet device.
      drive.resetSignature();
      drive.fail(ErrorBit.Aborted);
    }
  }

  packet(drive: IdeDrive, packet: Uint8Array): void {
    const { s } = drive;
    const blocks = drive.disk ? Math.floor(drive.disk.bytes / CD_BLOCK) : undefined;
    const sense = { key: s.senseKey, asc: s.senseCode };
    const answer = answerPacket(packet, { blocks, sense, changed: s.mediumChanged, mediaEvent: s.mediaEvent, locked: s.locked });
    if (answer.kind !== "fail" && !(answer.kind === "data" && answer.clears)) setSense(s, Senses.None);
    this.#carryOut(drive, answer);
  }

  #carryOut(drive: IdeDrive, answer: PacketAnswer): void {
    const { s } = drive;
    const isDma = (s.features & DMA_FEATURE) !== 0;
    switch (answer.kind) {
      case "data":
        if (answer.clears === "sense") setSense(s, Senses.None);
        if (answer.clears === "event") s.mediaEvent = 0;
        if (answer.bytes.length === 0) drive.complete();
        else drive.answer(answer.bytes.slice(), isDma ? Transfer.DmaIn : Transfer.PioIn);
        break;
      case "read":
        drive.move(isDma ? Transfer.DmaIn : Transfer.PioIn, answer.block * CD_BLOCK, answer.count * CD_BLOCK, s.block);
        break;
      case "done":
        if (answer.lock !== undefined) s.locked = answer.lock;
        drive.complete();
        if (answer.tray) this.onTray(drive, answer.tray === "eject");
        break;
      default:
        if (answer.clearsChange) s.mediumChanged = false;
        this.#refuse(drive, answer.sense);
    }
  }

  #refuse(drive: IdeDrive, sense: Sense): void {
    setSense(drive.s, sense);
    drive.fail((sense.key << 4) | ErrorBit.Aborted);
  }

  diskFailed(drive: IdeDrive): void {
    this.#refuse(drive, drive.disk ? Senses.MediumError : Senses.NoMedium);
  }
}

function setSense(s: IdeDrive["s"], { key, asc }: Sense): void {
  s.senseKey = key;
  s.senseCode = asc;
}

export { Status };

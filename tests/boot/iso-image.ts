/**
 * A small CD image for tests: ISO 9660 (ECMA-119) level 1 with one root directory, made bootable by El Torito without emulation,
 * with the boot information table that isolinux wants at its bytes 8-63. Names are of the form NAME.EXT, upper case.
 */
const SECTOR = 2048;
const VOLUME_SECTOR = 16;
const BOOT_RECORD_SECTOR = 17;
const END_SECTOR = 18;
const CATALOG_SECTOR = 19;
const PATHS_LITTLE = 20;
const PATHS_BIG = 21;
const ROOT_SECTOR = 22;
/** A directory of this many sectors has room for some hundred files. */
const ROOT_SECTORS = 4;
const FIRST_FILE = ROOT_SECTOR + ROOT_SECTORS;
/** Sectors of 512 bytes that firmware loads; the loader loads the rest itself. */
const LOADED_SECTORS = 4;
const LOAD_SEGMENT = 0x7c0;
const BOOT_TABLE = { first: 8, checksummed: 64 } as const;

const sectorsOf = (bytes: number): number => Math.ceil(bytes / SECTOR);

/** `boot` is the name of the file that the CD boots. */
export function isoImage(files: Readonly<Record<string, Uint8Array>>, boot: string): Uint8Array {
  const entries = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  let next = FIRST_FILE;
  const placed = entries.map(([name, data]) => {
    const sector = next;
    next += Math.max(1, sectorsOf(data.length));
    return { name, data, sector };
  });
  const image = new Uint8Array(next * SECTOR);
  const view = new DataView(image.buffer);
  const text = (at: number, value: string, length: number): void => {
    image.fill(0x20, at, at + length);
    image.set(new TextEncoder().encode(value), at);
  };
  /** A number in both byte orders. */
  const both = (at: number, value: number, bytes: 2 | 4): void => {
    if (bytes === 2) {
      view.setUint16(at, value, true);
      view.setUint16(at + 2, value);
    } else {
      view.setUint32(at, value, true);
      view.setUint32(at + 4, value);
    }
  };
  /** Returns the length of the record. */
  const record = (at: number, name: Uint8Array, sector: number, bytes: number, isFolder: boolean): number => {
    const length = 33 + name.length + (name.length % 2 === 0 ? 1 : 0);
    image[at] = length;
    both(at + 2, sector, 4);
    both(at + 10, bytes, 4);
    image.set([100, 1, 1, 0, 0, 0, 0], at + 18);
    image[at + 25] = isFolder ? 2 : 0;
    both(at + 28, 1, 2);
    image[at + 32] = name.length;
    image.set(name, at + 33);
    return length;
  };

  const volume = VOLUME_SECTOR * SECTOR;
  image[volume] = 1;
  text(volume + 1, "CD001", 5);
  image[volume + 6] = 1;
  text(volume + 8, "", 32);
  text(volume + 40, "VITRINE_TEST", 32);
  both(volume + 80, next, 4);
  both(volume + 120, 1, 2);
  both(volume + 124, 1, 2);
  both(volume + 128, SECTOR, 2);
  both(volume + 132, 10, 4);
  view.setUint32(volume + 140, PATHS_LITTLE, true);
  view.setUint32(volume + 148, PATHS_BIG);
  record(volume + 156, Uint8Array.of(0), ROOT_SECTOR, ROOT_SECTORS * SECTOR, true);
  text(volume + 190, "", 623);
  image[volume + 881] = 1;

  const bootRecord = BOOT_RECORD_SECTOR * SECTOR;
  text(bootRecord + 1, "CD001", 5);
  image[bootRecord + 6] = 1;
  image.set(new TextEncoder().encode("EL TORITO SPECIFICATION"), bootRecord + 7);
  view.setUint32(bootRecord + 0x47, CATALOG_SECTOR, true);
  image[END_SECTOR * SECTOR] = 255;
  text(END_SECTOR * SECTOR + 1, "CD001", 5);
  image[END_SECTOR * SECTOR + 6] = 1;

  for (const [sector, little] of [
    [PATHS_LITTLE, true],
    [PATHS_BIG, false],
  ] as const) {
    image[sector * SECTOR] = 1;
    view.setUint32(sector * SECTOR + 2, ROOT_SECTOR, little);
    view.setUint16(sector * SECTOR + 6, 1, little);
  }

  let at = ROOT_SECTOR * SECTOR;
  for (const self of [0, 1]) at += record(at, Uint8Array.of(self), ROOT_SECTOR, ROOT_SECTORS * SECTOR, true);
  for (const { name, data, sector } of placed) {
    const bytes = new TextEncoder().encode(`${name};1`);
    // A record does not cross a sector.
    if ((at % SECTOR) + 34 + bytes.length > SECTOR) at = Math.ceil(at / SECTOR) * SECTOR;
    at += record(at, bytes, sector, data.length, false);
    image.set(data, sector * SECTOR);
  }

  const loader = placed.find(({ name }) => name === boot);
  if (!loader) throw new Error(`the CD has no file ${boot}`);
  const catalog = CATALOG_SECTOR * SECTOR;
  image[catalog] = 1;
  image.set([0x55, 0xaa], catalog + 30);
  let sum = 0;
  for (let i = 0; i < 32; i += 2) sum += view.getUint16(catalog + i, true);
  view.setUint16(catalog + 28, -sum & 0xffff, true);
  image[catalog + 32] = 0x88;
  view.setUint16(catalog + 34, LOAD_SEGMENT, true);
  view.setUint16(catalog + 38, LOADED_SECTORS, true);
  view.setUint32(catalog + 40, loader.sector, true);

  const start = loader.sector * SECTOR;
  let checksum = 0;
  for (let i = BOOT_TABLE.checksummed; i < loader.data.length; i += 4) checksum = (checksum + view.getUint32(start + i, true)) >>> 0;
  image.fill(0, start + BOOT_TABLE.first, start + BOOT_TABLE.checksummed);
  [VOLUME_SECTOR, loader.sector, loader.data.length, checksum].forEach((value, i) => {
    view.setUint32(start + BOOT_TABLE.first + 4 * i, value, true);
  });
  return image;
}

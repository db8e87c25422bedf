/** Formats of floppy disks, told from an image's size, and the drive that each wants (type as CMOS cell 10h has it). */
export interface FloppyGeometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
  readonly driveType: number;
}

const KB = 1024;
/** By capacity, the smallest first. */
const FORMATS: readonly FloppyGeometry[] = [
  { cylinders: 40, heads: 1, sectors: 8, driveType: 1 },
  { cylinders: 40, heads: 1, sectors: 9, driveType: 1 },
  { cylinders: 40, heads: 2, sectors: 8, driveType: 1 },
  { cylinders: 40, heads: 2, sectors: 9, driveType: 1 },
  { cylinders: 80, heads: 2, sectors: 9, driveType: 3 },
  { cylinders: 80, heads: 2, sectors: 15, driveType: 2 },
  { cylinders: 80, heads: 2, sectors: 18, driveType: 4 },
  { cylinders: 80, heads: 2, sectors: 21, driveType: 4 },
  { cylinders: 80, heads: 2, sectors: 36, driveType: 5 },
];
export const MOST_FLOPPY_BYTES = 2880 * KB;
export const DEFAULT_FLOPPY: FloppyGeometry = FORMATS[6]!;
export const floppyBytes = ({ cylinders, heads, sectors }: FloppyGeometry): number => cylinders * heads * sectors * 512;

/** An image of exactly a format's size has it; one cut short is a 1.44 MB disk, or the next larger. Undefined: too large. */
export function floppyGeometry(bytes: number): FloppyGeometry | undefined {
  return (
    FORMATS.find((format) => floppyBytes(format) === bytes) ??
    FORMATS.slice(6).find((format) => format.sectors !== 21 && floppyBytes(format) >= bytes)
  );
}

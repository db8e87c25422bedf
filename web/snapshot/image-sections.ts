/**
 * Images: what a snapshot holds in pages, RAM and disks alike. Each takes three sections, named after it:
 *
 *   ram-table   page-table.ts, in gzip: what each page is
 *   ram-runs    page-runs.ts: length and SHA-256 of each run of literal pages
 *   ram-pages   page-runs.ts: the runs
 *
 * Every other section belongs to one part of the machine.
 */

export const RAM = "ram";
export const RAM_PAGE_BYTES = 4096;
/** A disk's pages are what its store calls chunks. */
export const DISK_PAGE_BYTES = 65536;

/** The image of disk number n of the machine's list. */
export const diskImage = (n: number): string => `disk${n}`;

export interface ImageSections {
  readonly table: string;
  readonly runs: string;
  readonly pages: string;
}

export const sectionsOf = (image: string): ImageSections => ({ table: `${image}-table`, runs: `${image}-runs`, pages: `${image}-pages` });

const IMAGE_SECTION = /^(ram|disk\d{1,2})-(table|runs|pages)$/;
export const isImageSection = (name: string): boolean => IMAGE_SECTION.test(name);

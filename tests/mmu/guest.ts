/** Small hand-made address spaces for the specs: 32-bit paging, tables written as a kernel would. */
import { Cr0, type Mmu } from "./harness";

export const PTE = { P: 1, W: 2, U: 4, A: 0x20, D: 0x40, PS: 0x80, G: 0x100, RW: 7 } as const;

/** An address space whose page directory is `directory`; tables and pages are guest frames. */
export class Space {
  constructor(
    readonly mmu: Mmu,
    readonly directory: number,
  ) {
    mmu.frame(directory).fill(0);
    mmu.x.dmaWriteNotice(directory, 0, 4095);
  }
  /** PDE for the 4 MB of `linear`. */
  table(linear: number, frame: number, rights: number = PTE.RW): void {
    this.mmu.dma32(this.directory * 4096 + (linear >>> 22) * 4, ((frame << 12) | rights) >>> 0);
  }
  /** PTE in table frame `table`. */
  page(table: number, linear: number, frame: number, rights: number = PTE.RW): void {
    this.mmu.dma32(table * 4096 + ((linear >>> 12) & 1023) * 4, ((frame << 12) | rights) >>> 0);
  }
  enter(cpl = 0): void {
    this.mmu.control({ cr0: (Cr0.PE | Cr0.PG | Cr0.WP) >>> 0, cr3: this.directory * 4096, cpl }, true);
  }
}

/** A kernel space: 4 MB from C0000000 mapped one to one by table frame `table`. */
export function kernel(mmu: Mmu, directory: number, table: number): Space {
  const space = new Space(mmu, directory);
  space.table(0xc0000000, table, 3);
  for (let n = 0; n < 1024; n++) space.page(table, 0xc0000000 + n * 4096, n, 3);
  return space;
}

/** The MMU under test and the model side by side, fed alike. */
import { type Ending, Mmu } from "./harness";
import { type Access, Model } from "./model";

export class Pair {
  readonly mmu: Mmu;
  readonly model: Model;
  constructor(frames: number) {
    this.mmu = new Mmu(frames * 4096);
    this.model = new Model(frames);
  }
  /** Writes a table entry on both sides. */
  entry32(physical: number, value: number): void {
    this.mmu.dma32(physical, value);
    new DataView((this.model.pages.get(physical >>> 12) as Uint8Array).buffer).setUint32(physical & 0xfff, value, true);
  }
  entry64(physical: number, low: number, high: number): void {
    this.entry32(physical, low);
    this.entry32(physical + 4, high);
  }
  /** The model's control state goes to the MMU. */
  apply(): void {
    const m = this.model;
    this.mmu.control({ cr0: m.cr0, cr3: m.cr3, cr4: m.cr4, efer: m.nxe ? 0x800 : 0, cpl: m.cpl, ac: m.ac });
  }
  /** PDPTE registers from `cr3` on both sides. */
  pdptes(cr3: number): [Ending, Ending] {
    const expected = this.model.loadPdptes(cr3);
    this.mmu.x.loadPdptes(BigInt(cr3));
    return [this.mmu.ending(), expected];
  }
  /** One access of four bytes (a fetch of one) on both sides. */
  access(linear: number, access: Access, privilege: "current" | "system" = "current"): [Ending, Ending] {
    const x = this.mmu.x;
    if (access === "fetch") {
      const expected = this.model.fetch(linear).ending;
      x.fetchHost(linear);
      return [this.mmu.ending(), expected];
    }
    if (access === "read") {
      const expected = this.model.load(linear, 4, privilege).ending;
      if (privilege === "system") x.loadSystem32(linear);
      else x.load32(linear);
      return [this.mmu.ending(), expected];
    }
    const bytes = new Uint8Array([0x78, 0x56, 0x34, 0x12]);
    const expected = this.model.store(linear, bytes, privilege);
    if (privilege === "system") x.storeSystem32(linear, 0x12345678);
    else x.store32(linear, 0x12345678);
    return [this.mmu.ending(), expected];
  }
}

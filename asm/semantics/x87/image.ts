/** Memory operands that one access cannot take: tried for faults in the order that hardware's CR2 shows, before anything changes. */
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Linear } from "../../mmu/access";
import { probeAlignment } from "../../mmu/slow-access";
import { Operand } from "../operand";

export class Image {
  /** Raises the fault that an access to this byte would. */
  static probe(linear: u64, write: bool): void {
    if (write) Linear.loadForWrite<u8>(linear);
    else Linear.load<u8>(linear);
  }
  /** Linear address of an environment or state image of at most a page: its first byte is tried, then its last. */
  static linear(i: Insn, size: u32, write: bool): u64 {
    const linear = Operand.linear(i, size, write);
    if (faulted()) return 0;
    // The image is aligned to the items of its environment; the registers after them need not be.
    probeAlignment(linear, i.width == 2 ? 2 : 4);
    if (faulted()) return 0;
    const last = linear + (size - 1);
    Image.probe(linear, write);
    if (!faulted() && (linear ^ last) & ~(<u64>0xfff)) Image.probe(last, write);
    return linear;
  }
  /** Linear address of an operand to be written: where it crosses into a second page, that page's first byte is tried too. */
  static operand(i: Insn, size: u32): u64 {
    const linear = Operand.linear(i, size, true);
    if (faulted()) return 0;
    const last = linear + (size - 1);
    Image.probe(linear, true);
    if (!faulted() && (linear ^ last) & ~(<u64>0xfff)) Image.probe(last & ~(<u64>0xfff), true);
    return linear;
  }
}

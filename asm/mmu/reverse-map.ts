import { HostFrame } from "./host-frame";
import { Tlb } from "./tlb";

export class ReverseMap {
  /** Takes every write tag that leads to `frame` away. */
  static revokeWrites(frame: HostFrame): void {
    Tlb.revokeAllWrites();
  }
}

/**
 * Write epochs: which frames have been written since a moment, and the last chance to copy what they held then. Whoever
 * writes to a frame calls this before it does; stores by a write tag need not, because a frame with one is of this epoch.
 */
import { hostKeepFrame } from "../core/host";
import { HostFrame } from "./host-frame";
import { Physical } from "./physical";

// @ts-ignore: decorator
@inline export function beforeWrite(frame: HostFrame): void {
  if (frame.epoch < Physical.keptEpoch) hostKeepFrame(frame.guestFrame);
  frame.epoch = Physical.epoch;
}

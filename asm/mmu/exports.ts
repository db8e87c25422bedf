/** The MMU's part of the ABI: mapping, guest memory, probes for panels, the checker. */
import { cpu } from "../core/cpu";
import { Physical, FrameKind } from "./physical";
import { pagingChanged } from "./shadow";
import { noteWrite } from "./write-tracking";

export function setA20(enabled: u32): void {
  cpu.a20 = enabled;
  pagingChanged();
}
/** Host address of a guest frame's bytes: RAM, ROM; 0 for devices, nothing, and absent frames. */
export function guestFrameHost(frame: u32): u32 {
  const kind = Physical.kind(frame);
  return kind == FrameKind.Ram || kind == FrameKind.Rom ? <u32>Physical.hostPage(frame) : 0;
}
export function dmaWriteNotice(frame: u32, first: u32, last: u32): void {
  if (guestFrameHost(frame)) noteWrite(Physical.hostPage(frame), first, last, false);
}

/** What a store must tell: decoded code in the frame, and shadow tables made from it. */
import { notifyCodeWritten } from "../core/hooks";
import { granules } from "./code-frames";
import { FrameFlag, HostFrame } from "./host-frame";
import { Physical } from "./physical";

/**
 * Bytes first … last of the host frame at `host` have been written, by a store (`cpuStore`) or from outside (DMA,
 * loader, debugger).
 */
export function noteWrite(host: usize, first: u32, last: u32, cpuStore: bool): void {
  const frame = HostFrame.of(host);
  frame.epoch = Physical.epoch;
  if (frame.flags & FrameFlag.Code && frame.code & granules(first, last)) notifyCodeWritten(frame.index, first, last);
}

/**
 * Bookkeeping for decoded code: which 64-byte granules of a host frame hold some, so that stores beside code cost a slow
 * store but drop nothing.
 */
import { FrameFlag, HostFrame, Pool } from "./host-frame";
import { ReverseMap } from "./reverse-map";

/** The granules that bytes first … last of a frame touch. */
export function granules(first: u32, last: u32): u64 {
  const from = first >>> 6;
  const to = last >>> 6;
  return (<u64>-1 << from) & (<u64>-1 >> (63 - to));
}

/** `bytes` from host address `host` (inside one frame) hold decoded code from now on: stores there give notice. */
export function markCode(host: usize, bytes: u32): void {
  if (bytes == 0) return;
  const frame = HostFrame.of(host);
  const first = <u32>host & 0xfff;
  frame.code |= granules(first, first + bytes - 1);
  if (frame.flags & FrameFlag.Code) return;
  frame.flags |= FrameFlag.Code;
  ReverseMap.revokeWrites(frame);
}

/** No decoded code is left in host frame `index`. */
export function clearCode(index: u32): void {
  const frame = Pool.at(index);
  frame.code = 0;
  frame.flags &= ~FrameFlag.Code;
}

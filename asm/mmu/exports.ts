/**
 * The MMU's part of the ABI: the physical map, guest memory for DMA and loaders, probes for panels and tests, the
 * checker. Guest frames are numbers (guest-physical address / 4096); host addresses are offsets in the core's memory.
 */
import { cpu } from "../core/cpu";
import { checkShadow as check, findingAddress } from "./checker";
import { HostFrame } from "./host-frame";
import { Mutation, Seeded } from "./mutation";
import { Walk, WalkEnd } from "./page-walk";
import { ContextKind, PagingMode } from "./paging-entry";
import { FrameKind, Physical } from "./physical";
import { Remap } from "./remap";
import { Paging, pagingChanged } from "./shadow";
import { noteWrite } from "./write-tracking";
import { beforeWrite } from "./write-epoch";

export { describeWalk, walkRecordAddress } from "./describe";

/** The A20 gate: 0 masks physical address bit 20 of CPU accesses. */
export function setA20(enabled: u32): void {
  cpu.a20 = enabled ? 1 : 0;
  pagingChanged();
}
/** 1 = `--shadow flush`: CR3 writes and INVLPG drop what the textbook says; 0 = keep. */
export function setShadowMode(flush: u32): void {
  Paging.flush = flush;
}

/** Maps zeroed RAM (or video memory); 0 if the pool ran dry. */
export function mapRam(frame: u32, count: u32): u32 {
  return <u32>Remap.ram(frame, count);
}
/** Maps zeroed ROM, to be filled through `guestFrameHost`; 0 if the pool ran dry. */
export function mapRom(frame: u32, count: u32): u32 {
  return <u32>Remap.rom(frame, count);
}
/** Makes frames of RAM read-only (1) or writable (0); they keep what they hold. */
export function protectRam(frame: u32, count: u32, readOnly: u32): void {
  Remap.protect(frame, count, readOnly != 0);
}
/** Leaves frames to the machine's devices, or to nobody. */
export function mapMmio(frame: u32, count: u32): void {
  Remap.mmio(frame, count);
}
/** Makes frames absent, contents forgotten: the first touch ends `run()` with FrameMissing. */
export function mapAbsent(frame: u32, count: u32): void {
  Remap.absent(frame, count);
}
/** An absent frame has come: it is zeroed RAM now; the host address for its contents. 0: it was not absent. */
export function deliverFrame(frame: u32): u32 {
  return <u32>Remap.deliver(frame);
}

/** Host address of a guest frame's bytes: RAM, ROM; 0 for devices, nothing, and absent frames. */
export function guestFrameHost(frame: u32): u32 {
  const kind = Physical.kind(frame);
  return kind == FrameKind.Ram || kind == FrameKind.Rom ? <u32>Physical.hostPage(frame) : 0;
}
/** 0 device or nothing, 1 RAM, 2 ROM, 3 absent. */
export function guestFrameKind(frame: u32): u32 {
  return Physical.kind(frame);
}
/** The host has written bytes first … last of a guest frame (DMA, loader, debugger). */
export function dmaWriteNotice(frame: u32, first: u32, last: u32): void {
  if (Seeded.is(Mutation.DmaWrite) || !guestFrameHost(frame)) return;
  noteWrite(Physical.hostPage(frame), first, last, false);
}
/**
 * What the MMU knows of a guest frame: FrameFlag (bit 0 decoded code, bit 1 a shadowed page table), and bit 8 written since the
 * present write epoch began. 0 also for what is no RAM or ROM.
 */
export function guestFrameState(frame: u32): u32 {
  if (!guestFrameHost(frame)) return 0;
  const host = HostFrame.of(Physical.hostPage(frame));
  return host.flags | (host.epoch >= Physical.epoch ? 0x100 : 0);
}
/** Begins a write epoch and returns its number: `frameEpoch` of every frame written from now on. */
export function beginWriteEpoch(): u32 {
  return Remap.beginEpoch();
}
/** Gives frames whose last write is of an epoch before `epoch` to the host (`keepFrame`) before they are written; 0: none. */
export function keepFramesBefore(epoch: u32): void {
  Physical.keptEpoch = epoch;
}
/** The host is about to write to a guest frame. */
export function hostWillWrite(frame: u32): void {
  if (guestFrameHost(frame)) beforeWrite(HostFrame.of(Physical.hostPage(frame)));
}
/** Write epoch of a guest frame's last write; 0 = never written. */
export function frameEpoch(frame: u32): u32 {
  return guestFrameHost(frame) ? HostFrame.of(Physical.hostPage(frame)).epoch : 0;
}

/**
 * Guest-physical address that an access to `linear` at the current privilege would reach, without any effect. `want`: 1
 * read, 2 write, 4 fetch. Negative: -(1 + error code) = it would fault so; -65536 - frame = that frame is absent.
 */
export function translate(linear: u32, want: u32): f64 {
  if (Paging.mode == PagingMode.None) return <f64>((<u64>Physical.masked(linear >>> 12) << 12) | <u64>(linear & 0xfff));
  const end = Walk.run(linear, want, cpu.context & ContextKind.Mask, Paging.role, false);
  if (end == WalkEnd.Fault) return -1.0 - <f64>Walk.error;
  if (end == WalkEnd.Missing) return -65536.0 - <f64>Walk.frame;
  return <f64>((<u64>Walk.frame << 12) | <u64>(linear & 0xfff));
}

/** 0 if every shadow and cache entry equals what the guest's tables and the physical map give; else what is wrong. */
export function checkShadow(): u32 {
  return check();
}
/** Five u32 of the last finding: what, entry's address, linear address, found, expected. */
export function checkReportAddress(): u32 {
  return findingAddress();
}
/** Test only: makes the MMU make the mistake `kind` (asm/mmu/mutation.ts); 0 = none. */
export function seedMutation(kind: u32): void {
  Seeded.mutation = kind;
}

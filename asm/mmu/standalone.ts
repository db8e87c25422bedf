/**
 * The MMU alone as a WebAssembly module, without the rooms above it: the entry that tests/mmu compiles and drives. No
 * other file imports it.
 */
import { cpu } from "../core/cpu";
import { onCodeWritten, onMappingChanged } from "../core/hooks";
import { resetCounters } from "../core/exits";
import { COUNTERS, CPU, MEMORY_BASE } from "../core/memory-map";
import { Access } from "./access";
import { loadPdptes as load } from "./page-walk";
import { frameIndexOf, initPhysical } from "./physical";
import * as shadow from "./shadow";
import * as slow from "./slow-access";

export * from "./exports";
export { abort } from "../core/assert";
export { frameIndexOf };
export { clearCode, markCode } from "./slow-access";

let codeFrame: u32 = 0;
let codeFirst: u32 = 0;
let codeLast: u32 = 0;
let codeNotices: u32 = 0;
let mappingNotices: u32 = 0;

export function init(ramBytes: u32): void {
  memory.fill(CPU, 0, MEMORY_BASE - CPU);
  resetCounters();
  initPhysical(ramBytes);
  onCodeWritten((frame: u32, first: u32, last: u32): void => {
    codeFrame = frame;
    codeFirst = first;
    codeLast = last;
    codeNotices++;
    slow.clearCode(frame);
  });
  onMappingChanged((): void => {
    mappingNotices++;
  });
  cpu.a20 = 1;
  shadow.pagingChanged();
}
export function codeNoticeCount(): u32 {
  return codeNotices;
}
export function codeNoticeFirst(): u32 {
  return codeFirst;
}
export function codeNoticeLast(): u32 {
  return codeLast;
}
export function codeNoticeFrame(): u32 {
  return codeFrame;
}
export function mappingNoticeCount(): u32 {
  return mappingNotices;
}
export function stateAddress(): u32 {
  return <u32>CPU;
}
export function countersAddress(): u32 {
  return <u32>COUNTERS;
}
export function pagingChanged(cr3Written: u32): void {
  shadow.pagingChanged(cr3Written != 0);
}
export function updateContext(): void {
  shadow.updateContext();
}
export function invalidatePage(linear: u32): void {
  shadow.invalidatePage(linear);
}
export function loadPdptes(cr3: u64): u32 {
  return <u32>load(cr3);
}

export function fetchHost(linear: u32): u32 {
  return <u32>slow.fetchHost(linear);
}
export function hostForRead(linear: u32): u32 {
  return <u32>slow.hostForRead(linear);
}
export function hostForWrite(linear: u32): u32 {
  return <u32>slow.hostForWrite(linear);
}
export function probeRead(linear: u32, bytes: u32, system: u32): void {
  slow.probeRead(linear, bytes, system != 0);
}
export function probeWrite(linear: u32, bytes: u32, system: u32): void {
  slow.probeWrite(linear, bytes, system != 0);
}

export function load8(linear: u32): u32 {
  return Access.load<u8>(linear);
}
export function load16(linear: u32): u32 {
  return Access.load<u16>(linear);
}
export function load32(linear: u32): u32 {
  return Access.load<u32>(linear);
}
export function load64(linear: u32): u64 {
  return Access.load<u64>(linear);
}
/** Upper half of a 16-byte load. */
export function load128High(linear: u32): u64 {
  return i64x2.extract_lane(Access.load<v128>(linear), 1);
}
export function store8(linear: u32, value: u32): void {
  Access.store<u8>(linear, <u8>value);
}
export function store16(linear: u32, value: u32): void {
  Access.store<u16>(linear, <u16>value);
}
export function store32(linear: u32, value: u32): void {
  Access.store<u32>(linear, value);
}
export function store64(linear: u32, value: u64): void {
  Access.store<u64>(linear, value);
}
export function store128(linear: u32, low: u64, high: u64): void {
  Access.store<v128>(linear, i64x2.replace_lane(i64x2.splat(low), 1, high));
}
/** A read-modify-write, as XADD does it. */
export function add32(linear: u32, value: u32): u32 {
  const old = Access.loadForWrite<u32>(linear);
  if (cpu.stop & 1) return 0;
  Access.storeBack<u32>(old + value);
  return old;
}
export function loadSystem32(linear: u32): u32 {
  return Access.loadSystem<u32>(linear);
}
export function storeSystem32(linear: u32, value: u32): void {
  Access.storeSystem<u32>(linear, value);
}
/** `count` loads of the same address after dropping nothing: for timing. */
export function timeLoads(linear: u32, stride: u32, count: u32): u32 {
  let sum: u32 = 0;
  let at = linear;
  for (let n: u32 = 0; n < count; n++) {
    sum += Access.load<u32>(at);
    at += stride;
    if (at - linear >= 0x4000000) at = linear;
  }
  return sum;
}

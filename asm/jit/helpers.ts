/**
 * Core functions that translated code calls through the table: the verbs of `Emit` that are not written inline. Each
 * does what `Run` does, by calling it.
 */
import { Flag, condition as evaluate } from "../core/eflags";
import { Insn } from "../decode/insn";
import { Nil } from "../semantics/backend";
import { Operand } from "../semantics/operand";
import { Pure } from "../semantics/pure";
import { Run } from "../semantics/run";

/** Function types of an emitted module, in order: type 0 is that of the functions it defines. Parameters, then results. */
export const TYPES: StaticArray<u8> = [
  0x60, 0, 0,
  0x60, 1, 0x7f, 1, 0x7f,
  0x60, 1, 0x7f, 1, 0x7e,
  0x60, 2, 0x7f, 0x7f, 0,
  0x60, 2, 0x7f, 0x7e, 0,
  0x60, 1, 0x7f, 0,
  0x60, 1, 0x7e, 0,
  0x60, 0, 1, 0x7f,
  0x60, 3, 0x7e, 0x7f, 0x7f, 1, 0x7e,
  0x60, 3, 0x7e, 0x7f, 0x7f, 1, 0x7f,
  0x60, 3, 0x7e, 0x7e, 0x7f, 1, 0x7e,
  0x60, 3, 0x7e, 0x7e, 0x7f, 1, 0x7f,
  0x60, 2, 0x7e, 0x7e, 1, 0x7e,
  0x60, 1, 0x7e, 1, 0x7e,
  0x60, 2, 0x7e, 0x7e, 0,
];
export const TYPE_COUNT: u32 = 15;

export const enum Callee {
  load8,
  load16,
  load32,
  load64,
  store8,
  store16,
  store32,
  store64,
  loadForWrite8,
  loadForWrite16,
  loadForWrite32,
  loadForWrite64,
  storeBack8,
  storeBack16,
  storeBack32,
  storeBack64,
  offset,
  push16,
  push32,
  peek16,
  peek32,
  release,
  peekFrame16,
  peekFrame32,
  rcl8,
  rcl16,
  rcl32,
  rcl64,
  rclOut8,
  rclOut16,
  rclOut32,
  rclOut64,
  rcr8,
  rcr16,
  rcr32,
  rcr64,
  rcrOut8,
  rcrOut16,
  rcrOut32,
  rcrOut64,
  shld16,
  shld32,
  shld64,
  shldOut16,
  shldOut32,
  shldOut64,
  shrd16,
  shrd32,
  shrd64,
  mulHigh64,
  mulHighSigned64,
  swap16,
  swap32,
  swap64,
  keepFlags64,
  setZero,
  lowFlags,
  setLowFlags,
  setCarry,
  carryOverflow,
  condition,
  jump,
  jumpIf16,
  jumpIf32,
}

function load8(i: u32): u32 {
  return Nil.of<Run>().load<u8, u32>(changetype<Insn>(<usize>i));
}
function load16(i: u32): u32 {
  return Nil.of<Run>().load<u16, u32>(changetype<Insn>(<usize>i));
}
function load32(i: u32): u32 {
  return Nil.of<Run>().load<u32, u32>(changetype<Insn>(<usize>i));
}
function load64(i: u32): u64 {
  return Nil.of<Run>().load<u64, u64>(changetype<Insn>(<usize>i));
}
function store8(i: u32, v: u32): void {
  Nil.of<Run>().store<u8, u32>(changetype<Insn>(<usize>i), v);
}
function store16(i: u32, v: u32): void {
  Nil.of<Run>().store<u16, u32>(changetype<Insn>(<usize>i), v);
}
function store32(i: u32, v: u32): void {
  Nil.of<Run>().store<u32, u32>(changetype<Insn>(<usize>i), v);
}
function store64(i: u32, v: u64): void {
  Nil.of<Run>().store<u64, u64>(changetype<Insn>(<usize>i), v);
}
function loadForWrite8(i: u32): u32 {
  return Nil.of<Run>().loadForWrite<u8, u32>(changetype<Insn>(<usize>i));
}
function loadForWrite16(i: u32): u32 {
  return Nil.of<Run>().loadForWrite<u16, u32>(changetype<Insn>(<usize>i));
}
function loadForWrite32(i: u32): u32 {
  return Nil.of<Run>().loadForWrite<u32, u32>(changetype<Insn>(<usize>i));
}
function loadForWrite64(i: u32): u64 {
  return Nil.of<Run>().loadForWrite<u64, u64>(changetype<Insn>(<usize>i));
}
function storeBack8(v: u32): void {
  Nil.of<Run>().storeBack<u8, u32>(v);
}
function storeBack16(v: u32): void {
  Nil.of<Run>().storeBack<u16, u32>(v);
}
function storeBack32(v: u32): void {
  Nil.of<Run>().storeBack<u32, u32>(v);
}
function storeBack64(v: u64): void {
  Nil.of<Run>().storeBack<u64, u64>(v);
}
function offset(i: u32): u32 {
  return Operand.offset(changetype<Insn>(<usize>i));
}
function push16(v: u32): void {
  Nil.of<Run>().push<u16, u32>(v);
}
function push32(v: u32): void {
  Nil.of<Run>().push<u32, u32>(v);
}
function peek16(): u32 {
  return Nil.of<Run>().peek<u16, u32>();
}
function peek32(): u32 {
  return Nil.of<Run>().peek<u32, u32>();
}
function release(bytes: u32): void {
  Nil.of<Run>().release(bytes);
}
function peekFrame16(): u32 {
  return Nil.of<Run>().peekFrame<u16, u32>();
}
function peekFrame32(): u32 {
  return Nil.of<Run>().peekFrame<u32, u32>();
}
function rcl8(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcl<u8>(x, count, carry);
}
function rcl16(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcl<u16>(x, count, carry);
}
function rcl32(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcl<u32>(x, count, carry);
}
function rcl64(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcl<u64>(x, count, carry);
}
function rclOut8(x: u64, count: u32, carry: u32): u32 {
  return Pure.rclOut<u8>(x, count, carry);
}
function rclOut16(x: u64, count: u32, carry: u32): u32 {
  return Pure.rclOut<u16>(x, count, carry);
}
function rclOut32(x: u64, count: u32, carry: u32): u32 {
  return Pure.rclOut<u32>(x, count, carry);
}
function rclOut64(x: u64, count: u32, carry: u32): u32 {
  return Pure.rclOut<u64>(x, count, carry);
}
function rcr8(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcr<u8>(x, count, carry);
}
function rcr16(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcr<u16>(x, count, carry);
}
function rcr32(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcr<u32>(x, count, carry);
}
function rcr64(x: u64, count: u32, carry: u32): u64 {
  return Pure.rcr<u64>(x, count, carry);
}
function rcrOut8(x: u64, count: u32, carry: u32): u32 {
  return Pure.rcrOut<u8>(x, count, carry);
}
function rcrOut16(x: u64, count: u32, carry: u32): u32 {
  return Pure.rcrOut<u16>(x, count, carry);
}
function rcrOut32(x: u64, count: u32, carry: u32): u32 {
  return Pure.rcrOut<u32>(x, count, carry);
}
function rcrOut64(x: u64, count: u32, carry: u32): u32 {
  return Pure.rcrOut<u64>(x, count, carry);
}
function shld16(x: u64, y: u64, count: u32): u64 {
  return Pure.shld<u16>(x, y, count);
}
function shld32(x: u64, y: u64, count: u32): u64 {
  return Pure.shld<u32>(x, y, count);
}
function shld64(x: u64, y: u64, count: u32): u64 {
  return Pure.shld<u64>(x, y, count);
}
function shldOut16(x: u64, y: u64, count: u32): u32 {
  return Pure.shldOut<u16>(x, y, count);
}
function shldOut32(x: u64, y: u64, count: u32): u32 {
  return Pure.shldOut<u32>(x, y, count);
}
function shldOut64(x: u64, y: u64, count: u32): u32 {
  return Pure.shldOut<u64>(x, y, count);
}
function shrd16(x: u64, y: u64, count: u32): u64 {
  return Pure.shrd<u16>(x, y, count);
}
function shrd32(x: u64, y: u64, count: u32): u64 {
  return Pure.shrd<u32>(x, y, count);
}
function shrd64(x: u64, y: u64, count: u32): u64 {
  return Pure.shrd<u64>(x, y, count);
}
function mulHigh64(x: u64, y: u64): u64 {
  return Pure.mulHigh(x, y);
}
function mulHighSigned64(x: u64, y: u64): u64 {
  return Pure.mulHighSigned(<i64>x, <i64>y);
}
function swap16(x: u64): u64 {
  return <u64>bswap<u16>(<u16>x);
}
function swap32(x: u64): u64 {
  return <u64>bswap<u32>(<u32>x);
}
function swap64(x: u64): u64 {
  return <u64>bswap<u64>(<u64>x);
}
function keepFlags64(r: u64, carries: u64): void {
  Flag.keep<u64, u64>(r, carries);
}
function setZero(z: u32): void {
  Flag.setZero(z);
}
function lowFlags(): u32 {
  return Nil.of<Run>().lowFlags<u32>();
}
function setLowFlags(image: u32): void {
  Nil.of<Run>().setLowFlags<u32>(image);
}
function setCarry(c: u32): void {
  Flag.setCarry(c);
}
function carryOverflow(c: u32, o: u32): void {
  Nil.of<Run>().flagsCarryOverflow<u32>(c, o);
}
function condition(code: u32): u32 {
  return evaluate(code);
}
function jump(target: u32): void {
  Nil.of<Run>().jump<u32, u32>(target);
}
function jumpIf16(c: u32, i: u32): void {
  Nil.of<Run>().jumpIf<u16, u32>(c, changetype<Insn>(<usize>i));
}
function jumpIf32(c: u32, i: u32): void {
  Nil.of<Run>().jumpIf<u32, u32>(c, changetype<Insn>(<usize>i));
}

/** Table index and type of each callee. */
const INDEX: StaticArray<u32> = [load8.index, load16.index, load32.index, load64.index, store8.index, store16.index, store32.index, store64.index, loadForWrite8.index, loadForWrite16.index, loadForWrite32.index, loadForWrite64.index, storeBack8.index, storeBack16.index, storeBack32.index, storeBack64.index, offset.index, push16.index, push32.index, peek16.index, peek32.index, release.index, peekFrame16.index, peekFrame32.index, rcl8.index, rcl16.index, rcl32.index, rcl64.index, rclOut8.index, rclOut16.index, rclOut32.index, rclOut64.index, rcr8.index, rcr16.index, rcr32.index, rcr64.index, rcrOut8.index, rcrOut16.index, rcrOut32.index, rcrOut64.index, shld16.index, shld32.index, shld64.index, shldOut16.index, shldOut32.index, shldOut64.index, shrd16.index, shrd32.index, shrd64.index, mulHigh64.index, mulHighSigned64.index, swap16.index, swap32.index, swap64.index, keepFlags64.index, setZero.index, lowFlags.index, setLowFlags.index, setCarry.index, carryOverflow.index, condition.index, jump.index, jumpIf16.index, jumpIf32.index];
const TYPE: StaticArray<u8> = [1, 1, 1, 2, 3, 3, 3, 4, 1, 1, 1, 2, 5, 5, 5, 6, 1, 5, 5, 7, 7, 5, 7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 11, 11, 11, 10, 10, 10, 12, 12, 13, 13, 13, 14, 5, 7, 5, 5, 3, 1, 5, 3, 3];

export class Helpers {
  static index(callee: Callee): u32 {
    return INDEX[<i32>callee];
  }
  static type(callee: Callee): u32 {
    return TYPE[<i32>callee];
  }
}

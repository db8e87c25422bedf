/**
 * Core functions that translated code calls through the table: slow paths, and pure functions that are not written
 * inline.
 */
import { Flag } from "../core/eflags";
import { Nil } from "../semantics/backend";
import { Run } from "../semantics/run";
import { Pure } from "../semantics/pure";
import { settle } from "./flag-kinds";
import {
  interpret,
  longLoad16,
  longLoad32,
  longLoad64,
  longLoad8,
  longModify,
  longStore16,
  longStore32,
  longStore64,
  longStore8,
  quiet,
  slowLoad16,
  slowLoad32,
  slowLoad64,
  slowLoad8,
  slowModify,
  slowSegment,
  slowStore16,
  slowStore32,
  slowStore64,
  slowStore8,
} from "./slow";

/** Function types of an emitted module, in order: type 0 is that of the functions it defines. Parameters, then results. */
export const TYPES: StaticArray<u8> = [
  0x60, 0, 0,
  0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f,
  0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7e,
  0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 0,
  0x60, 4, 0x7f, 0x7e, 0x7f, 0x7f, 0,
  0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f,
  0x60, 3, 0x7e, 0x7f, 0x7f, 1, 0x7e,
  0x60, 3, 0x7e, 0x7f, 0x7f, 1, 0x7f,
  0x60, 3, 0x7e, 0x7e, 0x7f, 1, 0x7e,
  0x60, 3, 0x7e, 0x7e, 0x7f, 1, 0x7f,
  0x60, 2, 0x7e, 0x7e, 1, 0x7e,
  0x60, 1, 0x7e, 1, 0x7e,
  0x60, 1, 0x7f, 0,
  0x60, 0, 1, 0x7f,
  0x60, 4, 0x7e, 0x7f, 0x7f, 0x7f, 0,
  0x60, 4, 0x7e, 0x7e, 0x7f, 0x7f, 0,
  0x60, 4, 0x7e, 0x7f, 0x7f, 0x7f, 1, 0x7f,
  0x60, 2, 0x7f, 0x7f, 1, 0x7f,
  0x60, 3, 0x7f, 0x7f, 0x7f, 0,
];
export const TYPE_COUNT: u32 = 19;
/** Of functions without result: on an i32, on three. */
export const TYPE_ONE: u32 = 12;
export const TYPE_THREE: u32 = 18;

export const enum Callee {
  slowLoad8,
  slowLoad16,
  slowLoad32,
  slowLoad64,
  slowStore8,
  slowStore16,
  slowStore32,
  slowStore64,
  slowModify,
  slowSegment,
  interpret,
  settle,
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
  swap64,
  setZero,
  setLowFlags,
  lowFlags,
  longLoad8,
  longLoad16,
  longLoad32,
  longLoad64,
  longStore8,
  longStore16,
  longStore32,
  longStore64,
  longModify,
  quiet,
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
function setZero(z: u32): void {
  Flag.setZero(z);
}
function lowFlags(): u32 {
  return Nil.of<Run>().lowFlags<u32>();
}
function setLowFlags(image: u32): void {
  Nil.of<Run>().setLowFlags<u32>(image);
}
function mulHigh64(x: u64, y: u64): u64 {
  return Pure.mulHigh(x, y);
}
function mulHighSigned64(x: u64, y: u64): u64 {
  return Pure.mulHighSigned(<i64>x, <i64>y);
}
function swap64(x: u64): u64 {
  return bswap<u64>(x);
}

/** Table index and type of each callee. */
const INDEX: StaticArray<u32> = [slowLoad8.index, slowLoad16.index, slowLoad32.index, slowLoad64.index, slowStore8.index, slowStore16.index, slowStore32.index, slowStore64.index, slowModify.index, slowSegment.index, interpret.index, settle.index, rcl8.index, rcl16.index, rcl32.index, rcl64.index, rclOut8.index, rclOut16.index, rclOut32.index, rclOut64.index, rcr8.index, rcr16.index, rcr32.index, rcr64.index, rcrOut8.index, rcrOut16.index, rcrOut32.index, rcrOut64.index, shld16.index, shld32.index, shld64.index, shldOut16.index, shldOut32.index, shldOut64.index, shrd16.index, shrd32.index, shrd64.index, mulHigh64.index, mulHighSigned64.index, swap64.index, setZero.index, setLowFlags.index, lowFlags.index, longLoad8.index, longLoad16.index, longLoad32.index, longLoad64.index, longStore8.index, longStore16.index, longStore32.index, longStore64.index, longModify.index, quiet.index];
const TYPE: StaticArray<u8> = [1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 1, 3, 6, 6, 6, 6, 7, 7, 7, 7, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 9, 9, 9, 8, 8, 8, 10, 10, 11, 12, 12, 13, 7, 7, 7, 6, 14, 14, 14, 15, 16, 17];

export class Helpers {
  static index(callee: Callee): u32 {
    return INDEX[<i32>callee];
  }
  static type(callee: Callee): u32 {
    return TYPE[<i32>callee];
  }
}

/**
 * The mode key: everything decoded (and later translated) code depends on besides its bytes. Two pieces of code with
 * equal bytes and equal keys decode alike. Recomputed by `updateMode()` whenever CS, SS, DS, ES, CR0, CR4, EFLAGS.VM
 * or CPL change.
 */
import { Cr0, Cr4, Efer } from "./control-registers";
import { cpu } from "./cpu";
import { Eflags } from "./eflags";
import { Attr, Seg, Segment } from "./segment";

export namespace Mode {
  /** CS.D: 32-bit default operand and address size. */
  export const Code32: u32 = 1;
  /** 64-bit code (CS.L in long mode). */
  export const Code64: u32 = 2;
  /** SS.B: ESP, else SP, is the stack pointer. */
  export const Stack32: u32 = 4;
  /** DS / ES / SS: base 0, limit 4 GB, writable, expand-up: no check, no base. */
  export const FlatDS: u32 = 8;
  export const FlatES: u32 = 0x10;
  export const FlatSS: u32 = 0x20;
  /** CS: base 0, limit 4 GB. */
  export const FlatCS: u32 = 0x40;
  export const User: u32 = 0x80; // CPL = 3
  export const Protected: u32 = 0x100; // CR0.PE and not virtual-8086
  export const Virtual8086: u32 = 0x200;
  export const Paging: u32 = 0x400;
  /** CR0.TS or CR0.EM: x87, MMX, SSE decode to #NM/#UD checks. */
  export const FpuTrap: u32 = 0x800;
  export const Osfxsr: u32 = 0x1000;
  /** Long mode active (also compatibility mode). */
  export const Long: u32 = 0x2000;
  /** CPL is not 0: privileged instructions are refused, at levels 1 and 2 too. */
  export const Unprivileged: u32 = 0x4000;
}

/** Base 0, limit FFFFFFFF, present, usable, data writable and expand-up. */
function flatData(n: u32): bool {
  const s = Segment.of(n);
  const a = <u32>s.attributes;
  return (
    s.base == 0 && s.limit == 0xffffffff && (a & (Attr.P | Attr.S | Attr.Unusable)) == (Attr.P | Attr.S) &&
    (a & Attr.Code) == 0 && (a & Attr.ExpandDown) == 0 && (a & Attr.Writable) != 0
  );
}

/** Recomputes `cpu.modeKey` from the architectural state. */
export function updateMode(): void {
  let key: u32 = 0;
  const cs = Segment.of(Seg.CS);
  const protectedMode = (cpu.cr0 & Cr0.PE) != 0;
  const virtual8086 = protectedMode && (cpu.eflags & Eflags.VM) != 0;
  const long = (cpu.efer & Efer.LMA) != 0;
  if (<u32>cs.attributes & Attr.DB) key |= Mode.Code32;
  if (long && (<u32>cs.attributes & Attr.L)) key |= Mode.Code64;
  if (long) key |= Mode.Long;
  if (<u32>Segment.of(Seg.SS).attributes & Attr.DB) key |= Mode.Stack32;
  if (key & Mode.Code64) {
    // No limits, no bases but those of FS and GS, and the stack pointer is RSP: SS.B is not looked at.
    key = (key & ~Mode.Stack32) | Mode.Protected | Mode.FlatDS | Mode.FlatES | Mode.FlatSS | Mode.FlatCS;
  } else if (protectedMode && !virtual8086) {
    key |= Mode.Protected;
    if (flatData(Seg.DS)) key |= Mode.FlatDS;
    if (flatData(Seg.ES)) key |= Mode.FlatES;
    if (flatData(Seg.SS)) key |= Mode.FlatSS;
    if (cs.base == 0 && cs.limit == 0xffffffff) key |= Mode.FlatCS;
  }
  if (virtual8086) key |= Mode.Virtual8086;
  if (cpu.cpl == 3) key |= Mode.User;
  if (cpu.cpl != 0) key |= Mode.Unprivileged;
  if (cpu.cr0 & Cr0.PG) key |= Mode.Paging;
  if (cpu.cr0 & (Cr0.TS | Cr0.EM)) key |= Mode.FpuTrap;
  if (cpu.cr4 & Cr4.OSFXSR) key |= Mode.Osfxsr;
  cpu.modeKey = key;
}

/** Linear address of the next instruction: CS has no base in 64-bit code, and elsewhere addresses wrap at 4 GB. */
export function linearRip(): u64 {
  return cpu.modeKey & Mode.Code64 ? cpu.rip : <u64>(<u32>Segment.of(Seg.CS).base + <u32>cpu.rip);
}

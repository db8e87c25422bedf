/**
 * FLDENV, FNSTENV, FRSTOR, FNSAVE: the four memory layouts of SDM Vol 1 Figures "Protected/Real Mode x87 FPU State
 * Image in Memory, 32/16-Bit Format". An image lies in at most two pages: its ends are tried before anything changes.
 */
import { cpu } from "../../core/cpu";
import { Mode } from "../../core/mode";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Linear } from "../../mmu/access";
import { exemptFromAlignment } from "../../mmu/slow-access";
import { Kind, kind80 } from "./float80";
import { CONTROL_FIXED, CONTROL_WRITABLE, Fpu } from "./fpu";
import { Image } from "./image";

const REGISTERS_BYTES: u32 = 80;

/** The tag word as software sees it: 0 valid, 1 zero, 2 special, 3 empty. SDM Vol 1 "x87 FPU Tag Word". */
export function tagWord(): u32 {
  let tags: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    const shift = ((Fpu.top + n) & 7) << 1;
    let tag: u32 = 3;
    if (!Fpu.empty(n)) {
      const kind = kind80(Fpu.low(n), Fpu.high(n));
      tag = kind == Kind.Normal ? 0 : kind == Kind.Zero ? 1 : 2;
    }
    tags |= tag << shift;
  }
  return tags;
}
/** Only empty or not is kept of a loaded tag word. */
export function setTagWord(tags: u32): void {
  const empty = tags & (tags >> 1) & 0x5555;
  cpu.fpuTag = <u16>(empty | (empty << 1));
}

/** Instruction and operand pointers are selector:offset in protected mode, linear addresses elsewhere. */
// @ts-ignore: decorator
@inline function isProtected(): bool {
  return (cpu.modeKey & Mode.Protected) != 0;
}

function storeEnvironment(linear: u64, wide: bool): void {
  const ip = <u32>cpu.fpuIp;
  const dp = <u32>cpu.fpuDp;
  const cs = <u32>cpu.fpuCs;
  const ds = <u32>cpu.fpuDs;
  const opcode = <u32>cpu.fpuOpcode;
  if (wide) {
    Linear.store<u32>(linear, 0xffff0000 | <u32>cpu.fpuControl);
    Linear.store<u32>(linear + 4, 0xffff0000 | <u32>cpu.fpuStatus);
    Linear.store<u32>(linear + 8, 0xffff0000 | tagWord());
    if (isProtected()) {
      Linear.store<u32>(linear + 12, ip);
      Linear.store<u32>(linear + 16, cs | (opcode << 16));
      Linear.store<u32>(linear + 20, dp);
      Linear.store<u32>(linear + 24, 0xffff0000 | ds);
    } else {
      const code = (cs << 4) + ip;
      const data = (ds << 4) + dp;
      Linear.store<u32>(linear + 12, 0xffff0000 | (code & 0xffff));
      Linear.store<u32>(linear + 16, ((code >> 16) << 12) | opcode);
      Linear.store<u32>(linear + 20, 0xffff0000 | (data & 0xffff));
      Linear.store<u32>(linear + 24, (data >> 16) << 12);
    }
    return;
  }
  Linear.store<u16>(linear, cpu.fpuControl);
  Linear.store<u16>(linear + 2, cpu.fpuStatus);
  Linear.store<u16>(linear + 4, <u16>tagWord());
  if (isProtected()) {
    Linear.store<u16>(linear + 6, <u16>ip);
    Linear.store<u16>(linear + 8, <u16>cs);
    Linear.store<u16>(linear + 10, <u16>dp);
    Linear.store<u16>(linear + 12, <u16>ds);
  } else {
    const code = (cs << 4) + ip;
    const data = (ds << 4) + dp;
    Linear.store<u16>(linear + 6, <u16>code);
    Linear.store<u16>(linear + 8, <u16>(((code >> 4) & 0xf000) | opcode));
    Linear.store<u16>(linear + 10, <u16>data);
    Linear.store<u16>(linear + 12, <u16>((data >> 4) & 0xf000));
  }
}

function loadEnvironment(linear: u64, wide: bool): void {
  const step: u32 = wide ? 4 : 2;
  cpu.fpuControl = <u16>((<u32>Linear.load<u16>(linear) & CONTROL_WRITABLE) | CONTROL_FIXED);
  cpu.fpuStatus = Linear.load<u16>(linear + step);
  setTagWord(<u32>Linear.load<u16>(linear + 2 * step));
  const pointers = linear + 3 * step;
  if (isProtected()) {
    if (wide) {
      const code = Linear.load<u32>(pointers + 4);
      cpu.fpuIp = <u64>Linear.load<u32>(pointers);
      cpu.fpuCs = <u16>code;
      cpu.fpuOpcode = <u16>((code >> 16) & 0x7ff);
      cpu.fpuDp = <u64>Linear.load<u32>(pointers + 8);
      cpu.fpuDs = Linear.load<u16>(pointers + 12);
    } else {
      cpu.fpuIp = <u64>Linear.load<u16>(pointers);
      cpu.fpuCs = Linear.load<u16>(pointers + 2);
      cpu.fpuDp = <u64>Linear.load<u16>(pointers + 4);
      cpu.fpuDs = Linear.load<u16>(pointers + 6);
      cpu.fpuOpcode = 0;
    }
  } else {
    cpu.fpuCs = 0;
    cpu.fpuDs = 0;
    if (wide) {
      const code = Linear.load<u32>(pointers + 4);
      cpu.fpuIp = <u64>(<u32>Linear.load<u16>(pointers) | ((code << 4) & 0xffff0000));
      cpu.fpuOpcode = <u16>(code & 0x7ff);
      cpu.fpuDp = <u64>(<u32>Linear.load<u16>(pointers + 8) | ((Linear.load<u32>(pointers + 12) << 4) & 0xffff0000));
    } else {
      const code = <u32>Linear.load<u16>(pointers + 2);
      cpu.fpuIp = <u64>(<u32>Linear.load<u16>(pointers) | ((code << 4) & 0xf0000));
      cpu.fpuOpcode = <u16>(code & 0x7ff);
      cpu.fpuDp = <u64>(<u32>Linear.load<u16>(pointers + 4) | ((<u32>Linear.load<u16>(pointers + 6) << 4) & 0xf0000));
    }
  }
  Fpu.summarize();
}

/** Operand size 32 has the 28-byte environment, 16 the 14-byte one. */
// @ts-ignore: decorator
@inline function isWide(i: Insn): bool {
  return i.width != 2;
}

/** Stores the environment and then masks all exceptions. */
export function FNSTENV(i: Insn): void {
  if (!Fpu.beginControl()) return;
  const wide = isWide(i);
  const linear = Image.linear(i, wide ? 28 : 14, true);
  if (faulted()) return;
  storeEnvironment(linear, wide);
  cpu.fpuControl = <u16>(<u32>cpu.fpuControl | 0x3f);
  Fpu.summarize();
}
export function FLDENV(i: Insn): void {
  if (!Fpu.begin()) return;
  const wide = isWide(i);
  const linear = Image.linear(i, wide ? 28 : 14, false);
  if (!faulted()) loadEnvironment(linear, wide);
}
/** Environment and registers ST(0) to ST(7), then FNINIT. */
export function FNSAVE(i: Insn): void {
  if (!Fpu.beginControl()) return;
  const wide = isWide(i);
  const environment: u32 = wide ? 28 : 14;
  const linear = Image.linear(i, environment + REGISTERS_BYTES, true);
  if (faulted()) return;
  storeEnvironment(linear, wide);
  const context = exemptFromAlignment();
  for (let n: u32 = 0; n < 8; n++) {
    Linear.store<u64>(linear + environment + n * 10, Fpu.low(n));
    Linear.store<u16>(linear + environment + n * 10 + 8, <u16>Fpu.high(n));
  }
  cpu.context = context;
  Fpu.initialize();
}
export function FRSTOR(i: Insn): void {
  if (!Fpu.begin()) return;
  const wide = isWide(i);
  const environment: u32 = wide ? 28 : 14;
  const linear = Image.linear(i, environment + REGISTERS_BYTES, false);
  if (faulted()) return;
  loadEnvironment(linear, wide);
  const context = exemptFromAlignment();
  for (let n: u32 = 0; n < 8; n++) {
    const at = Fpu.at(n);
    store<u64>(at, Linear.load<u64>(linear + environment + n * 10));
    store<u16>(at, Linear.load<u16>(linear + environment + n * 10 + 8), 8);
  }
  cpu.context = context;
}

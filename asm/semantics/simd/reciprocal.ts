/**
 * RCP and RSQRT, SDM Vol 2 "RCPPS", "RSQRTSS": approximations with a relative error up to 1.5 × 2^-12, different in every maker's
 * chips; here the nearest single. Denormal operands count as zero and tiny results become zero whatever MXCSR says; no
 * exceptions.
 */
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Xmm } from "./registers";
import { isDenormal32, isNaN32 } from "./soft-float";

function reciprocal(x: u32): u32 {
  if (isNaN32(x)) return x | 0x400000;
  const sign = x & 0x80000000;
  if (isDenormal32(x)) return sign | 0x7f800000;
  const r = reinterpret<u32>(<f32>(1.0 / <f64>reinterpret<f32>(x)));
  return isDenormal32(r) ? sign : r;
}
function reciprocalRoot(x: u32): u32 {
  if (isNaN32(x)) return x | 0x400000;
  if ((x & 0x7fffffff) < 0x800000) return (x & 0x80000000) | 0x7f800000;
  if (x & 0x80000000) return 0xffc00000;
  return reinterpret<u32>(<f32>(1.0 / sqrt<f64>(<f64>reinterpret<f32>(x))));
}

const LANES: usize = memory.data(16, 16);

export function RCPPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  v128.store(LANES, y);
  for (let at = LANES; at < LANES + 16; at += 4) store<u32>(at, reciprocal(load<u32>(at)));
  Xmm.set(i.reg, v128.load(LANES));
}
export function RCPSS(i: Insn): void {
  const y = Xmm.operand32(i);
  if (!faulted()) Xmm.set32(i.reg, reciprocal(y));
}
export function RSQRTPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  v128.store(LANES, y);
  for (let at = LANES; at < LANES + 16; at += 4) store<u32>(at, reciprocalRoot(load<u32>(at)));
  Xmm.set(i.reg, v128.load(LANES));
}
export function RSQRTSS(i: Insn): void {
  const y = Xmm.operand32(i);
  if (!faulted()) Xmm.set32(i.reg, reciprocalRoot(y));
}

/**
 * Call gates: to the same level, and by CALL to an inner level with a stack switch and parameter copy. SDM 3A "Call
 * Gates", "Stack Switching".
 */
import { cpu } from "../core/cpu";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Seg } from "../core/segment";
import { Raw, Selector, SystemType, assign, checkStack, fetchDescriptor, markAccessed } from "./descriptors";
import { pushReturn } from "./far-transfer";
import { Frame, StackTop } from "./stack-frame";
import { enterCode, insideCode, modeChanged } from "./transfer";
import { Tss } from "./tss";

/** Code descriptor that the gate leads to; a JMP may not reach an inner level unless it is conforming. */
function gateTarget(gate: u64, jump: bool): u64 {
  const selector = Raw.gateSelector(gate);
  if (Selector.isNull(selector)) {
    raiseError(Vector.GP, 0);
    return 0;
  }
  const d = fetchDescriptor(selector, Vector.GP, 0);
  if (faulted()) return 0;
  const dpl = Raw.dpl(d);
  const ok = Raw.isCode(d) && (jump && !Raw.isConforming(d) ? dpl == cpu.cpl : dpl <= cpu.cpl);
  if (!ok) raiseError(Vector.GP, Selector.error(selector, 0));
  else if (!Raw.isPresent(d)) raiseError(Vector.NP, Selector.error(selector, 0));
  return d;
}

export function jumpThroughGate(gate: u64): void {
  const code = gateTarget(gate, true);
  if (faulted()) return;
  const selector = Raw.gateSelector(gate);
  const target = Raw.gateOffset(gate);
  if (!insideCode(target, Raw.limit(code), 0)) return;
  markAccessed(selector, code);
  if (faulted()) return;
  enterCode(selector, code, cpu.cpl, target);
  modeChanged();
}

export function callThroughGate(gate: u64, next: u32): void {
  const code = gateTarget(gate, false);
  if (faulted()) return;
  const selector = Raw.gateSelector(gate);
  const target = Raw.gateOffset(gate);
  const size: u32 = Raw.kind(gate) & SystemType.Wide ? 4 : 2;
  const dpl = Raw.dpl(code);
  if (!Raw.isConforming(code) && dpl < cpu.cpl) {
    toInnerLevel(gate, code, dpl, size, next);
    return;
  }
  if (!insideCode(target, Raw.limit(code), 0)) return;
  markAccessed(selector, code);
  if (faulted() || !pushReturn(size, next)) return;
  enterCode(selector, code, cpu.cpl, target);
  modeChanged();
}

/** At most 31 parameters, read from the old stack before anything changes. */
const PARAMETERS: usize = memory.data(128, 4);

function toInnerLevel(gate: u64, code: u64, level: u32, size: u32, next: u32): void {
  const selector = Raw.gateSelector(gate);
  const target = Raw.gateOffset(gate);
  if (!Tss.readInnerStack(level, 0)) return;
  const pointer = Tss.innerPointer;
  const stackSelector = Tss.innerSelector;
  const stack = checkStack(stackSelector, level, Vector.TS, 0);
  if (faulted()) return;
  const count = Raw.gateParameters(gate);
  Frame.onNew(stack, pointer, level, Selector.error(stackSelector, 0));
  if (!Frame.reserve(size, 4 + count)) return;
  if (!insideCode(target, Raw.limit(code), 0)) return;
  for (let n: u32 = 0; n < count; n++) {
    store<u32>(PARAMETERS + (<usize>n << 2), <u32>StackTop.item(size, n));
    if (faulted()) return;
  }
  markAccessed(selector, code);
  if (faulted()) return;
  Frame.pushSelector(size, Seg.SS);
  Frame.push(size, cpu.rsp);
  for (let n = count; n > 0; n--) Frame.push(size, load<u32>(PARAMETERS + (<usize>(n - 1) << 2)));
  Frame.pushSelector(size, Seg.CS);
  Frame.push(size, next);
  assign(Seg.SS, stackSelector, stack);
  cpu.rsp = Frame.pointer;
  enterCode(selector, code, level, target);
  modeChanged();
}

/**
 * Who called: along the frame pointers, as compilers lay frames out with them (System V ABI i386 "The Stack Frame"). A function
 * that keeps none is left out of the list, and its caller, too, until it has made its frame or after it has dropped it; the
 * beginning and the end of a function are recognised by their instructions.
 */
import { linearRip } from "../lib/linear";
import type { Inspector } from "./inspect";

/** One activation. */
export interface Frame {
  /** Linear address of its next instruction: where it stands, or returns to. */
  readonly linear: number;
}

const MOST_FRAMES = 32;
/** A frame is no larger than a kernel's stack. */
const MOST_FRAME_BYTES = 0x10000;

/** The innermost first; the present function alone where the stack cannot be followed, and in 16-bit code. */
export function backtrace(inspect: Inspector, most = MOST_FRAMES): Frame[] {
  const { core, isLong } = inspect;
  const frames: Frame[] = [{ linear: inspect.linear }];
  const bits = isLong
    ? 64
    : (core.getRegister("cs_attributes") & 0x400n) !== 0n && (core.getRegister("eflags") & 0x20000n) === 0n
      ? 32
      : 16;
  if (bits === 16 || (core.getRegister("cr0") & 1n) === 0n) return frames;
  const word = bits / 8;
  const codeBase = core.getRegister("cs_base");
  const stack = (register: string): number => linearRip(core.getRegister("ss_base"), core.getRegister(register), isLong);
  const read = (linear: number): bigint | undefined => {
    const bytes = inspect.memory(linear, word).flatMap((piece) => (piece.bytes ? [...piece.bytes] : []));
    if (bytes.length < word) return undefined;
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
  const returned = (at: number): boolean => {
    const value = read(at);
    if (value === undefined || value === 0n || frames.length >= most) return false;
    frames.push({ linear: linearRip(codeBase, value, isLong) });
    return true;
  };
  const sp = stack("rsp");
  // Before its frame is made, or after it was dropped, the return address lies at the top of the stack.
  const here = inspect.instruction(inspect.linear)?.text ?? "";
  const pointer = isLong ? "rbp" : "ebp";
  if (here === `push ${pointer}` || /^ret\b/.test(here)) returned(sp);
  else if (here === `mov ${pointer},${isLong ? "rsp" : "esp"}`) returned(sp + word);
  let frame = stack("rbp");
  let below = sp;
  while (frame >= below && frame - below < MOST_FRAME_BYTES) {
    const next = read(frame);
    if (next === undefined || !returned(frame + word)) break;
    below = frame + 2 * word;
    frame = linearRip(core.getRegister("ss_base"), next, isLong);
  }
  return frames;
}

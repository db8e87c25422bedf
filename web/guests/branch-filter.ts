/**
 * Undoes the x86 branch filter of the .xz format (filter 4). Before compression it turned the relative operand of
 * CALL (E8) and JMP (E9) into an absolute address, so that calls to one function look alike; here they become
 * relative again. Operands count only if their top byte is 00 or FF, that is, if the target is near.
 *
 * An opcode byte may itself lie in the operand of an earlier one that was left alone. Then encoder and decoder agree
 * on: at most one such earlier byte within 3, whose own top byte must not be 00 or FF, neither before nor after.
 */

const CALL_OR_JMP_MASK = 0xfe;
const CALL = 0xe8;
const OPERAND_BYTES = 4;
const FAR_BEFORE = -OPERAND_BYTES - 1;

const isSignByte = (byte: number): boolean => byte === 0x00 || byte === 0xff;

/** Works in place. `data` is the whole filtered stream, from its first byte. */
export function undoX86BranchFilter(data: Uint8Array): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  /** The two nearest opcode bytes that were left alone. */
  let last = FAR_BEFORE;
  let lastButOne = FAR_BEFORE;
  for (let at = 0; at + OPERAND_BYTES < data.length; at++) {
    if ((data[at]! & CALL_OR_JMP_MASK) !== CALL) continue;
    const overlap = at - last < OPERAND_BYTES ? at - last : 0;
    const ambiguous = at - lastButOne < OPERAND_BYTES || (overlap > 0 && isSignByte(data[last + OPERAND_BYTES]!));
    if (ambiguous || !isSignByte(data[at + OPERAND_BYTES]!)) {
      lastButOne = last;
      last = at;
      continue;
    }
    const relative = toRelative(view.getUint32(at + 1, true), at + 1 + OPERAND_BYTES, overlap);
    // Bits 25-31 repeat bit 24: the filter keeps 25 bits of the distance.
    view.setUint32(at + 1, (relative << 7) >> 7, true);
    at += OPERAND_BYTES;
  }
}

/**
 * `next` is the offset of the following instruction. With an overlap of 1-3 bytes, the byte shared with the earlier
 * opcode's operand may not become 00 or FF; the encoder then inverted the bits up to and including that byte and
 * went on from there. Twice is never needed: the second result would be the inverse of a byte known to be neither.
 */
function toRelative(absolute: number, next: number, overlap: number): number {
  const relative = (absolute - next) >>> 0;
  if (overlap === 0) return relative;
  const sharedShift = 24 - 8 * overlap;
  if (!isSignByte((relative >>> sharedShift) & 0xff)) return relative;
  const inverted = relative ^ (2 ** (sharedShift + 8) - 1);
  return (inverted - next) >>> 0;
}

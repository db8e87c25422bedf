/** A run of code bytes as lines: address, bytes, instruction. What cannot be decoded is listed byte by byte. */
import type { DecodedInstruction } from "./decoded";
import type { CodeBits, Decode } from "./decoder";
import { format } from "./format";

export interface ListedLine {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** Absent where the bytes are no instruction, or end within one. */
  readonly decoded: DecodedInstruction | undefined;
}

/** Disassembles `code`, which lies at offset `org` of its code segment; at most `limit` lines. */
export function list(code: Uint8Array, decode: Decode, bits: CodeBits, org = 0n, limit = Number.POSITIVE_INFINITY): ListedLine[] {
  const lines: ListedLine[] = [];
  for (let at = 0; at < code.length && lines.length < limit; ) {
    const address = org + BigInt(at);
    const found = decode(code.subarray(at), bits);
    const decoded = found && found.row >= 0 ? found : undefined;
    const bytes = decoded ? decoded.bytes : code.slice(at, at + 1);
    const text = decoded ? format(decoded, address, bits) : `db 0x${bytes[0]!.toString(16).padStart(2, "0")}`;
    lines.push({ address, bytes, text, decoded });
    at += bytes.length;
  }
  return lines;
}

/** `00007c00  b80500                mov ax,0x5` */
export function listingText(line: ListedLine): string {
  const bytes = Array.from(line.bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${line.address.toString(16).padStart(8, "0")}  ${bytes.padEnd(22)}${line.text}`;
}

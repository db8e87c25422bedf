/** Memory by linear address, as the core's guest walk finds it: bytes, what lies behind each page, pointers to follow. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hex } from "../lib/hex";
import type { Inspection, MemoryPiece } from "../lib/inspection";
import { linearText, signedLinear } from "../lib/linear";
import { parseAddress } from "./address";

export const ROW_BYTES = 16;
export const MEMORY_ROWS = 32;
const PAGE = 4096;
const POINTER_BYTES = 4;
const PRINTABLE = { first: 0x20, last: 0x7e };
const QUICK = ["esp", "eip", "ebp"];

const WORDS: Readonly<Record<MemoryPiece["kind"], string>> = {
  ram: "RAM",
  rom: "ROM",
  absent: "RAM that has not come yet",
  device: "a device's memory: reading it could have effects",
  "not-mapped": "not mapped",
};

export interface MemoryPanelProps {
  readonly memory: NonNullable<Inspection["memory"]>;
  readonly registers: Readonly<Record<string, bigint>>;
  readonly onShow: (linear: number) => void;
}

interface Row {
  readonly linear: number;
  readonly bytes: Uint8Array | undefined;
  readonly piece: MemoryPiece;
  /** The first one of its piece: says what it is. */
  readonly isFirst: boolean;
}

function rowsOf(pieces: readonly MemoryPiece[]): Row[] {
  return pieces.flatMap((piece) =>
    Array.from({ length: Math.ceil(piece.length / ROW_BYTES) }, (_, n) => ({
      linear: piece.linear + n * ROW_BYTES,
      bytes: piece.bytes?.subarray(n * ROW_BYTES, (n + 1) * ROW_BYTES),
      piece,
      isFirst: n === 0,
    })),
  );
}

const hexBytes = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
const letters = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => (byte >= PRINTABLE.first && byte <= PRINTABLE.last ? String.fromCharCode(byte) : "·")).join("");

export function MemoryPanel({ memory, registers, onShow }: MemoryPanelProps): JSX.Element {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const show = (typed: string): void => {
    const linear = parseAddress(typed, registers);
    setWrong(linear === undefined);
    if (linear !== undefined) onShow(linear);
  };
  const rows = rowsOf(memory.pieces);
  const first = rows[0]?.bytes;
  const pointer =
    first && first.length >= POINTER_BYTES
      ? signedLinear(BigInt(new DataView(first.buffer, first.byteOffset).getUint32(0, true)))
      : undefined;
  return (
    <div class="memory-panel" data-panel="memory" data-linear={memory.linear}>
      <form
        class="panel-tools"
        onSubmit={(event) => {
          event.preventDefault();
          show(text);
        }}
      >
        <label for="memory-address">Linear address</label>
        <input
          id="memory-address"
          class="mono walk-address"
          type="text"
          data-goto
          spellcheck={false}
          autocomplete="off"
          placeholder={hex(memory.linear)}
          aria-invalid={wrong}
          aria-describedby={wrong ? "memory-wrong" : undefined}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button small">
          Show
        </button>
        {QUICK.map((name) => (
          <button type="button" class="button small" key={name} onClick={() => show(name)}>
            {name.toUpperCase()}
          </button>
        ))}
        <button type="button" class="button small" onClick={() => onShow(memory.linear - PAGE)}>
          Page before
        </button>
        <button type="button" class="button small" onClick={() => onShow(memory.linear + PAGE)}>
          Next page
        </button>
        <button
          type="button"
          class="button small"
          disabled={pointer === undefined}
          onClick={() => pointer !== undefined && onShow(pointer)}
        >
          Follow the pointer{pointer === undefined ? "" : ` to ${linearText(pointer)}`}
        </button>
      </form>
      {wrong && (
        <p class="hint wrong" id="memory-wrong" role="alert">
          Give the address in hexadecimal, or the name of a register.
        </p>
      )}
      <table class="memory-table mono">
        <caption class="visually-hidden">Memory from {linearText(memory.linear)} on</caption>
        <thead>
          <tr>
            <th scope="col">Address</th>
            <th scope="col">Bytes</th>
            <th scope="col">Text</th>
            <th scope="col">Page</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ linear, bytes, piece, isFirst }) => (
            <tr key={linear} data-row={linear} data-kind={piece.kind} data-bytes={bytes && hexBytes(bytes)}>
              <th scope="row">{linearText(linear)}</th>
              <td class={bytes?.every((byte) => byte === 0) ? "muted" : ""}>{bytes ? hexBytes(bytes) : "--"}</td>
              <td>{bytes ? letters(bytes) : ""}</td>
              <td>
                {isFirst && (
                  <>
                    {WORDS[piece.kind]}
                    {piece.physical !== undefined && ` at ${hex(piece.physical)}`}
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">
        On real hardware a hypervisor reads its guest's memory in the same way: through the guest's page tables, in software. What is a
        device's is not read, because reading could change it.
      </p>
    </div>
  );
}

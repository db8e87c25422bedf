/** Memory by linear address, as the core's guest walk finds it: bytes, what lies behind each page, pointers to follow. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hex } from "../lib/hex";
import type { Inspection, MemoryPiece, PageState } from "../lib/inspection";
import { linearText, signedLinear } from "../lib/linear";
import { parseAddress } from "./address";
import { parseBytes } from "./bytes-text";

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
  /** The address that was asked for, in the first row; null: none was. */
  readonly asked: number | null;
  readonly running: boolean;
  readonly onShow: (linear: number) => void;
  /** Looks for bytes from an address on. */
  readonly onFind: (from: number, bytes: Uint8Array) => void;
  readonly onWrite: (linear: number, bytes: Uint8Array) => void;
}

/** In the order of the page column. */
const STATES: readonly (readonly [keyof PageState, string])[] = [
  ["zero", "all zero"],
  ["code", "decoded code"],
  ["table", "a page table that is shadowed"],
  ["written", "written since the last snapshot or moment"],
];

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

export function MemoryPanel({ memory, registers, asked, running, onShow, onFind, onWrite }: MemoryPanelProps): JSX.Element {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const show = (typed: string): void => {
    const linear = parseAddress(typed, registers);
    setWrong(linear === undefined);
    if (linear !== undefined) onShow(linear);
  };
  const isInRow = asked !== null && asked >= memory.linear && asked < memory.linear + ROW_BYTES;
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
      <BytesForm at={isInRow ? asked : memory.linear} running={running} onFind={onFind} onWrite={onWrite} />
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
            <tr
              key={linear}
              class={piece.page ? STATES.flatMap(([state]) => (piece.page![state] ? [`page-${state}`] : [])).join(" ") : ""}
              data-row={linear}
              data-kind={piece.kind}
              data-bytes={bytes && hexBytes(bytes)}
            >
              <th scope="row">{linearText(linear)}</th>
              <td class={bytes?.every((byte) => byte === 0) ? "muted" : ""}>{bytes ? hexBytes(bytes) : "--"}</td>
              <td>{bytes ? letters(bytes) : ""}</td>
              <td>
                {isFirst && (
                  <>
                    {WORDS[piece.kind]}
                    {piece.physical !== undefined && ` at ${hex(piece.physical)}`}
                    {STATES.map(([state, words]) => piece.page?.[state] && <PageMark key={state} state={state} words={words} />)}
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

function PageMark({ state, words }: { readonly state: keyof PageState; readonly words: string }): JSX.Element {
  return (
    <>
      {" "}
      <span class={`page-mark mark-${state}`} data-page-state={state}>
        {words}
      </span>
    </>
  );
}

type BytesFormProps = Pick<MemoryPanelProps, "running" | "onFind" | "onWrite"> & { readonly at: number };

/** Bytes to look for behind an address, or to write there. */
function BytesForm({ at, running, onFind, onWrite }: BytesFormProps): JSX.Element {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const withBytes = (act: (bytes: Uint8Array) => void): void => {
    const bytes = parseBytes(text);
    setWrong(bytes === undefined);
    if (bytes) act(bytes);
  };
  return (
    <>
      <form
        class="panel-tools"
        onSubmit={(event) => {
          event.preventDefault();
          withBytes((bytes) => onFind(at + 1, bytes));
        }}
      >
        <label for="memory-bytes">Bytes</label>
        <input
          id="memory-bytes"
          class="mono"
          type="text"
          spellcheck={false}
          autocomplete="off"
          placeholder={'0f 20 d8 or "text"'}
          aria-invalid={wrong}
          aria-describedby={wrong ? "memory-bytes-wrong" : undefined}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button small">
          Find next
        </button>
        <button
          type="button"
          class="button small"
          disabled={running}
          title={running ? "Pause the machine first" : undefined}
          onClick={() => withBytes((bytes) => onWrite(at, bytes))}
        >
          Write at {linearText(at)}
        </button>
      </form>
      {wrong && (
        <p class="hint wrong" id="memory-bytes-wrong" role="alert">
          Give bytes as pairs of hexadecimal digits, or a text in double quotes.
        </p>
      )}
    </>
  );
}

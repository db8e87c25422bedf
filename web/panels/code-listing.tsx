/** Code around the instruction pointer, or from any address: breakpoints by click or F9, arrow keys from line to line. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { stopWords } from "../lib/exit-words";
import type { CodeLine, StopSpec } from "../lib/inspection";
import { linearText } from "../lib/linear";
import { parseAddress } from "./address";
import { Wide } from "./wide";

export interface CodeListingProps {
  readonly listing: readonly CodeLine[];
  /** Linear address of the next instruction. */
  readonly next: number;
  readonly stops: readonly StopSpec[];
  readonly at: number | null;
  readonly onGoto: (linear: number | null) => void;
  readonly onToggle: (spec: StopSpec) => void;
  /** The address of a name, where names are known. */
  readonly onFind: (name: string) => Promise<number | undefined>;
}

const address = linearText;

export function CodeListing({ listing, next, stops, at, onGoto, onToggle, onFind }: CodeListingProps): JSX.Element {
  const [chosen, setChosen] = useState<number>();
  const body = useRef<HTMLTableSectionElement>(null);
  const breakpoints = new Set(stops.flatMap((stop) => (stop.kind === "execute" ? [stop.address] : [])));
  const toggle = (linear: number): void => onToggle({ kind: "execute", address: linear });
  const active = listing.some(({ linear }) => linear === chosen)
    ? chosen
    : listing.some(({ linear }) => linear === next)
      ? next
      : listing[0]?.linear;

  const onKeyDown = (event: KeyboardEvent): void => {
    const place = listing.findIndex(({ linear }) => linear === active);
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: listing.length - 1 }[event.key];
    const line = to === undefined ? undefined : listing[to];
    if (!line) return;
    event.preventDefault();
    setChosen(line.linear);
    body.current?.querySelector<HTMLElement>(`[data-linear="${line.linear}"] button`)?.focus();
  };

  return (
    <>
      <div class="panel-tools">
        <h3>Code</h3>
        <Goto onGoto={onGoto} onFind={onFind} />
        <button
          type="button"
          class="button quiet small"
          aria-pressed={at === null}
          onClick={() => onGoto(at === null ? (listing[0]?.linear ?? 0) : null)}
        >
          Follow
        </button>
      </div>
      <Wide label="Code">
        <table class="listing" data-follow={at === null}>
          <caption class="visually-hidden">Code; a button in each line sets a breakpoint</caption>
          <thead class="visually-hidden">
            <tr>
              <th scope="col">Breakpoint</th>
              <th scope="col">Address</th>
              <th scope="col">Bytes</th>
              <th scope="col">Instruction</th>
            </tr>
          </thead>
          <tbody ref={body} onKeyDown={onKeyDown}>
            {listing.map((line) => {
              const isNext = line.linear === next;
              const isSet = breakpoints.has(line.linear);
              return (
                <tr
                  key={line.linear}
                  class={`${isNext ? "next" : ""} ${line.kind}`}
                  data-linear={line.linear}
                  aria-current={isNext ? "step" : undefined}
                >
                  <td class="gutter">
                    <button
                      type="button"
                      class={isSet ? "breakpoint set" : "breakpoint"}
                      aria-pressed={isSet}
                      aria-label={`Breakpoint at ${address(line.linear)}`}
                      tabIndex={line.linear === active ? 0 : -1}
                      data-breakpoint={line.linear}
                      onFocus={() => setChosen(line.linear)}
                      onClick={() => toggle(line.linear)}
                    />
                  </td>
                  <td class="code-address">
                    <span aria-hidden="true" class="arrow">
                      {isNext ? "▸" : ""}
                    </span>
                    {address(line.linear)}
                    {isNext && <span class="visually-hidden"> next instruction</span>}
                    {line.name !== undefined && <span class="code-name"> {line.name}:</span>}
                  </td>
                  <td class="code-bytes">{Array.from(line.bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}</td>
                  <td class="code-text">
                    {line.text}
                    {line.target !== undefined && <span class="code-target"> {line.target}</span>}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Wide>
      {stops.length > 0 && (
        <ul class="stops" aria-label="Where to stop">
          {stops.map((stop) => (
            <li key={JSON.stringify(stop)}>
              <span class="breakpoint set" aria-hidden="true" />
              {stop.kind === "execute" ? (
                <button type="button" class="link mono" onClick={() => onGoto(stop.address)}>
                  {address(stop.address)}
                </button>
              ) : (
                stopWords(stop)
              )}
              <button type="button" class="button quiet small" aria-label={`Remove: ${stopWords(stop)}`} onClick={() => onToggle(stop)}>
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Goto({ onGoto, onFind }: Pick<CodeListingProps, "onFind"> & { readonly onGoto: (linear: number) => void }): JSX.Element {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  return (
    <form
      class="goto"
      onSubmit={(event) => {
        event.preventDefault();
        const go = (linear: number | undefined): void => {
          setWrong(linear === undefined);
          if (linear !== undefined) onGoto(linear);
        };
        // A name may consist of the letters a to f: it comes first.
        void onFind(text.trim()).then((found) => go(found ?? parseAddress(text, {})));
      }}
    >
      <input
        type="text"
        class="mono"
        data-goto
        aria-label="Go to address or name"
        aria-invalid={wrong}
        placeholder="address"
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="button quiet small">
        Go
      </button>
    </form>
  );
}

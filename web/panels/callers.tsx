/** Who called, by frame pointers; and where names for addresses come from. */
import type { JSX } from "preact";
import type { Caller } from "../lib/inspection";
import { linearText } from "../lib/linear";

export interface CallersProps {
  readonly callers: readonly Caller[];
  /** How many names are known. */
  readonly names: number;
  readonly running: boolean;
  readonly onGoto: (linear: number) => void;
  readonly onSymbols: (file?: { readonly name: string; readonly bytes: Uint8Array }) => void;
}

export function Callers({ callers, names, running, onGoto, onSymbols }: CallersProps): JSX.Element {
  return (
    <>
      <div class="panel-tools">
        <h3>Called from</h3>
        <button type="button" class="button quiet small" onClick={() => onSymbols()}>
          Names from the guest's kernel
        </button>
        <label class="check">
          or a file{" "}
          <input
            type="file"
            aria-label="File with symbols"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) void file.arrayBuffer().then((bytes) => onSymbols({ name: file.name, bytes: new Uint8Array(bytes) }));
            }}
          />
        </label>
      </div>
      {running ? (
        <p class="hint">While the machine runs there is no list; pause it.</p>
      ) : (
        <ol class="callers" data-names={names}>
          {callers.map(({ linear, name }, n) => (
            <li key={n} data-caller={linear}>
              <button type="button" class="link mono" onClick={() => onGoto(linear)}>
                {linearText(linear)}
              </button>{" "}
              {name}
            </li>
          ))}
        </ol>
      )}
      <p class="hint">
        {names > 0 ? `${names.toLocaleString("en-US")} names are known. ` : "No names are known yet. "}
        Callers are followed by frame pointers (EBP): a function that keeps none is left out.
      </p>
    </>
  );
}

/** The translator: its regions by heat, and one of them as guest code beside the WebAssembly that it became. */
import type { JSX } from "preact";
import type { JitPicture, JitRegion } from "../lib/inspection";
import { linearText } from "../lib/linear";
import { Wide } from "./wide";

export interface JitPanelProps {
  readonly jit: JitPicture;
  readonly onChoose: (number: number | null) => void;
}

const count = (value: number): string => value.toLocaleString("en-US");

const FIGURES = [
  ["regions", "regions, those that have ended included"],
  ["modules", "WebAssembly modules"],
  ["bytes", "bytes of WebAssembly"],
  ["links", "exits linked to another region"],
  ["invalidations", "regions ended because their code was written to"],
  ["evictions", "times all regions were forgotten, for lack of room or because memory was replaced"],
  ["instructionsInJit", "instructions retired by translated code"],
] as const;

const RETURNS = [
  ["target", "the code it leads to has no translation yet, or lies elsewhere than when the link was made"],
  ["instruction", "it came to an instruction that the interpreter does"],
  ["pending", "something was pending: a fault, an interrupt, the host, code that has changed"],
  ["budget", "the time until the next event may not be enough for the next region"],
] as const;

export function JitPanel({ jit, onChoose }: JitPanelProps): JSX.Element {
  const { isOn, stats, regions, chosen } = jit;
  return (
    <div class="panel jit-panel" data-panel="jit" data-jit-on={isOn}>
      {!isOn && (
        <p>
          This machine is interpreted. With <em>Translate hot code</em> in its settings, code that has run often enough becomes WebAssembly,
          where the browser has tail calls.
        </p>
      )}
      <Wide label="Counters of the translator">
        <table class="facts">
          <caption class="visually-hidden">Counters of the translator</caption>
          <tbody>
            {FIGURES.map(([name, words]) => (
              <tr key={name} data-jit-counter={name} data-value={stats[name]}>
                <th scope="row">{words}</th>
                <td class="number count">{count(stats[name])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {isOn && regions.length === 0 && <p class="hint">No code has run often enough yet.</p>}
      {regions.length > 0 && <Regions regions={regions} chosen={chosen?.region.number} onChoose={onChoose} />}
      {chosen && <Chosen {...chosen} onClose={() => onChoose(null)} />}
      <p class="hint">
        Addresses are physical: all address spaces that map a page share its regions. Entries are those from the core's loop; a linked
        region goes on in the next one by a tail call, and what retires there counts for the region that was entered. On real hardware:
        under VT-x and SVM the processor runs the guest's own instructions, and nothing is translated; VMware's binary translation of 1999
        and QEMU's TCG do what this panel shows.
      </p>
    </div>
  );
}

interface RegionsProps {
  readonly regions: readonly JitRegion[];
  readonly chosen: number | undefined;
  readonly onChoose: (number: number) => void;
}

function Regions({ regions, chosen, onChoose }: RegionsProps): JSX.Element {
  return (
    <>
      <h3>Regions, the hottest first</h3>
      <Wide label="Regions of translated code">
        <table class="facts">
          <thead>
            <tr>
              {["Code", "Blocks", "Guest instructions", "Bytes of wasm", "Entries", "Retired", "Links to it", "State"].map((each) => (
                <th scope="col" key={each}>
                  {each}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {regions.map((region) => (
              <tr
                key={region.number}
                data-region={region.number}
                data-entries={region.entries}
                data-retired={region.instructions}
                data-links={region.links}
                data-wasm-bytes={region.wasmBytes}
              >
                <th scope="row">
                  <button
                    type="button"
                    class="link mono"
                    aria-pressed={region.number === chosen}
                    aria-label={`Region at ${linearText(region.blocks[0]?.physical ?? 0)}`}
                    onClick={() => onChoose(region.number)}
                  >
                    {linearText(region.blocks[0]?.physical ?? 0)}
                  </button>
                </th>
                <td class="number count">{region.blocks.length}</td>
                <td class="number count">{region.guestInstructions}</td>
                <td class="number count">{count(region.wasmBytes)}</td>
                <td class="number count">{count(region.entries)}</td>
                <td class="number count">{count(region.instructions)}</td>
                <td class="number count">{count(region.links)}</td>
                <td>{region.ended ? "ended: written to" : "alive"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

type ChosenProps = NonNullable<JitPicture["chosen"]> & { readonly onClose: () => void };

function Chosen({ region, guest, wasm, onClose }: ChosenProps): JSX.Element {
  return (
    <section data-chosen-region={region.number} aria-label="The chosen region">
      <div class="panel-tools">
        <h3>Region at {linearText(region.blocks[0]?.physical ?? 0)}</h3>
        <button type="button" class="button quiet small" onClick={onClose}>
          Close
        </button>
      </div>
      <ul>
        {RETURNS.map(([name, words]) => (
          <li key={name} data-return={name} data-value={region.returns[name]}>
            {count(region.returns[name])} times it came back because {words}.
          </li>
        ))}
      </ul>
      <div class="both-codes">
        <Wide label="Guest code">
          <h4>Guest code</h4>
          {guest ? (
            guest.map((lines, n) => (
              <pre key={n} class="mono" data-block={region.blocks[n]?.physical}>
                {lines.map(({ linear, text }) => `${linearText(linear)}  ${text}`).join("\n")}
              </pre>
            ))
          ) : (
            <p class="hint">It has been written to since.</p>
          )}
        </Wide>
        <Wide label="WebAssembly">
          <h4>WebAssembly</h4>
          {wasm ? (
            <pre class="mono" data-wasm-lines={wasm.length}>
              {wasm.map(({ depth, text }) => `${"  ".repeat(depth)}${text}`).join("\n")}
            </pre>
          ) : (
            <p class="hint">Its module is not kept any more.</p>
          )}
        </Wide>
      </div>
    </section>
  );
}

/** The words of the panels, to look up. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { GLOSSARY } from "../lib/glossary";

export function GlossaryPanel(): JSX.Element {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const shown = GLOSSARY.filter(({ term, meaning }) => `${term} ${meaning}`.toLowerCase().includes(wanted));
  return (
    <div class="panel" data-panel="glossary">
      <div class="panel-tools">
        <label for="glossary-search">Look up</label>
        <input
          id="glossary-search"
          type="search"
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      {shown.length === 0 ? (
        <p class="hint" role="status">
          No word here has that.
        </p>
      ) : (
        <dl class="glossary">
          {shown.map(({ term, meaning, source }) => (
            <div key={term} data-term={term}>
              <dt>{term}</dt>
              <dd>
                {meaning} <span class="hint">({source})</span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

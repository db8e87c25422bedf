/** Shown where the prepared guests would be: how to get them, or how getting them goes. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./button";
import type { AppState, Controller } from "./controller";
import { Icon } from "./icons";
import { sizeText } from "./machines";
import { ProgressBar } from "./progress-bar";
import { useStore } from "./store";

export interface PreparePanelProps {
  readonly controller: Controller;
  readonly guests: AppState["guests"];
  readonly guestsMessage: string;
  readonly count: number;
}

/** Nothing when all is well. */
export function PreparePanel({ controller, guests, guestsMessage, count }: PreparePanelProps): JSX.Element | null {
  const preparation = useStore(controller.preparation.state);
  if (preparation.running)
    return (
      <div class="prepare" data-prepare="running">
        <p>
          <strong>Preparing guests.</strong> {preparation.message}
        </p>
        <ProgressBar name="Preparing guests" done={preparation.receivedBytes} total={preparation.totalBytes} />
        {preparation.totalBytes > 0 && (
          <p class="hint">
            {sizeText(preparation.receivedBytes)} of {sizeText(preparation.totalBytes)}
          </p>
        )}
      </div>
    );
  if (guests === "loading") return <p class="prepare hint">Looking for prepared guests…</p>;
  if (count > 0 && !preparation.failed) return null;
  return (
    <div class="prepare" data-prepare={guests}>
      {preparation.failed && (
        <p class="own-message">
          <Icon name="warning" />
          {preparation.message}
        </p>
      )}
      {count === 0 && <p>{guestsMessage || REASONS[guests]}</p>}
      {preparation.allowed ? (
        <MirrorForm controller={controller} />
      ) : (
        count === 0 && <p class="hint">The built-in machines and your own files work without.</p>
      )}
    </div>
  );
}

const REASONS: Readonly<Record<Exclude<AppState["guests"], "loading">, string>> = {
  found: "No guest is prepared yet. Debian's kernel and a shell come as packages from a Debian mirror.",
  none: "No guests are prepared on this server. With npm start they are fetched from a Debian mirror.",
  unreachable: "The server does not answer, so its guests cannot be listed. Start it again with npm start, then reload.",
  damaged: "The server's list of guests cannot be read: prepare the guests again.",
};

function MirrorForm({ controller }: { readonly controller: Controller }): JSX.Element {
  const [mirror, setMirror] = useState("");
  const begin = (): void => void controller.preparation.begin(mirror.trim());
  return (
    <form
      class="mirror"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        begin();
      }}
    >
      <div class="field">
        <label for="mirror">Debian mirror</label>
        <input
          id="mirror"
          type="url"
          class="mono"
          spellcheck={false}
          autocomplete="off"
          value={mirror}
          placeholder="as this computer's apt has it"
          onInput={(event) => setMirror(event.currentTarget.value)}
        />
        <span class="hint">Leave it empty to use the mirror this computer knows. About 55 MB are fetched once; nothing is installed.</span>
      </div>
      <Button icon="download" kind="solid" onClick={begin}>
        Prepare guests
      </Button>
    </form>
  );
}

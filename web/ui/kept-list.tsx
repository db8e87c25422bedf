/** "Continue where you left off": machines that this browser has kept, first on the page when there are any. */
import type { JSX } from "preact";
import { Button } from "./button";
import { Icon } from "./icons";
import { sizeText } from "./machines";
import type { SnapshotDesk } from "./snapshot-desk";
import { useStore } from "./store";

export function KeptList({ desk }: { readonly desk: SnapshotDesk }): JSX.Element | null {
  const { kept } = useStore(desk.state);
  if (kept.length === 0) return null;
  return (
    <section aria-labelledby="kept-title">
      <h2 id="kept-title">Continue where you left off</h2>
      <p class="section-note">Kept by this browser while the machine ran, at least every 30 seconds.</p>
      <ul class="machines">
        {kept.map((head) => (
          <li class="machine" key={head.slot} data-kept={head.slot}>
            <span class="machine-icon">
              <Icon name="save" />
            </span>
            <div class="machine-text">
              <h3>{head.title}</h3>
              <p class="mono">{head.terminal.findLast((line) => line.trim() !== "") ?? ""}</p>
              <ul class="facts" aria-label="Facts">
                <li>{new Date(head.savedAt).toLocaleString()}</li>
                <li>{head.memoryMb} MB memory</li>
                <li>{sizeText(head.bytes)} kept</li>
              </ul>
            </div>
            <div class="machine-actions">
              <Button icon="clear" kind="quiet" name={`Discard ${head.title}`} onClick={() => desk.discardKept(head)}>
                Discard
              </Button>
              <Button icon="run" kind="solid" name={`Continue ${head.title}`} onClick={() => desk.continueKept(head)}>
                Continue
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** For a lecture room: everything larger, and with stronger contrast (styles/tokens.css). Remembered in this browser. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { loadProjector, saveProjector } from "./preferences";

/** As it was left the last time. */
export function applyProjector(on = loadProjector()): void {
  document.documentElement.classList.toggle("projector", on);
}

export function ProjectorSwitch(): JSX.Element {
  const [on, setOn] = useState(loadProjector);
  return (
    <p>
      <label class="check">
        <input
          type="checkbox"
          checked={on}
          onChange={({ currentTarget: { checked } }) => {
            setOn(checked);
            saveProjector(checked);
            applyProjector(checked);
          }}
        />{" "}
        Projector: larger type and stronger contrast
      </label>
    </p>
  );
}

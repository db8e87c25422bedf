/** The Lab tab's place in the Inspect pane. Texts and programs of the labs come when it is opened first, not with the page. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Controller } from "../controller";

type View = ComponentType<{ readonly controller: Controller }>;
let loaded: View | undefined;

export function LabTab({ controller }: { readonly controller: Controller }): JSX.Element {
  const [view, setView] = useState<{ readonly View: View | undefined; readonly hasFailed: boolean }>({ View: loaded, hasFailed: false });
  useEffect(() => {
    if (loaded) return;
    import("./lab-view").then(
      ({ LabView }) => {
        loaded = LabView;
        setView({ View: LabView, hasFailed: false });
      },
      () => setView({ View: undefined, hasFailed: true }),
    );
  }, []);
  if (view.hasFailed)
    return <p class="inspect-refusal">The labs could not be loaded. Check that the server is running, then reload the page.</p>;
  return view.View ? <view.View controller={controller} /> : <p class="inspect-empty">Loading the labs.</p>;
}

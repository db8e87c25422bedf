/** The page as a whole: bar, machines at the side, the guest in the centre, status at the bottom, dialogs above. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./button";
import type { Controller } from "./controller";
import { FeaturesDialog, HelpDialog, SwitchDialog, UnimplementedDialog } from "./dialogs";
import { useFileDrop } from "./file-drop";
import { Icon, Logo } from "./icons";
import { useInspectKeys } from "./inspect-keys";
import { InspectPane } from "./inspect-pane";
import { MachineList } from "./machine-list";
import { MachineView } from "./machine-view";
import { Sidebar } from "./sidebar";
import { SnapshotDialogs } from "./snapshot-dialogs";
import { StatusLine } from "./status-line";
import { useStore } from "./store";
import { Toolbar } from "./toolbar";
import { UntilDialog } from "./until-dialog";

type OpenDialog = "help" | "features" | "unimplemented" | "until" | undefined;

export function App({ controller }: { readonly controller: Controller }): JSX.Element {
  const state = useStore(controller.state);
  const [dialog, setDialog] = useState<OpenDialog>();
  const isDropping = useFileDrop((files) => void controller.addFiles(files));
  const { session } = state;
  const close = (): void => setDialog(undefined);

  useInspectKeys(controller);
  const layout = useStore(controller.inspectLayout);

  const view = session ? state.view : "machines";
  return (
    <div class={`app ${session ? "with-session" : ""} ${layout.open ? "inspecting" : ""}`} data-view={view}>
      <a class="skip-link" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <div class="brand">
          <Logo />
          <span class="brand-name">Vitrine</span>
        </div>
        {session && (
          <>
            <span class="bar-title">{session.entry.title}</span>
            <Toolbar controller={controller} session={session} onUntil={() => setDialog("until")} />
          </>
        )}
        <div class="bar-end">
          {session &&
            (view === "machine" ? (
              <Button icon="list" kind="quiet" shrinks onClick={() => controller.show("machines")}>
                Machines
              </Button>
            ) : (
              <Button icon="run" kind="quiet" shrinks onClick={() => controller.show("machine")}>
                {`Back to ${session.entry.title}`}
              </Button>
            ))}
          <Button icon="inspect" kind="quiet" shrinks pressed={layout.open} name="Inspect" onClick={() => controller.toggleInspect()}>
            Inspect
          </Button>
          <Button icon="help" kind="quiet" name="Keys and hints" onClick={() => setDialog("help")} />
        </div>
      </header>
      <div class="body">
        {session && view === "machine" && <Sidebar controller={controller} state={state} session={session} />}
        <main id="main" tabIndex={-1}>
          <div class="centre">
            {controller.features.lacking.length > 0 ? (
              <Lacking controller={controller} />
            ) : (
              view === "machines" && <MachineList controller={controller} state={state} />
            )}
            {session && <MachineView controller={controller} session={session} isVisible={view === "machine"} onLeave={leaveTerminal} />}
          </div>
          {layout.open && <InspectPane key={session} controller={controller} session={session} />}
        </main>
      </div>
      <StatusLine
        session={session}
        features={controller.features}
        onFeatures={() => setDialog("features")}
        onUnimplemented={() => setDialog("unimplemented")}
      />
      <output class="visually-hidden" aria-live="polite">
        {state.announcement}
      </output>
      {isDropping && (
        <div class="drop-veil">
          <Icon name="file" />
          Drop kernels, initrds, boot images or snapshots here
        </div>
      )}
      {dialog === "until" && session && <UntilDialog session={session} onClose={close} />}
      {dialog === "help" && <HelpDialog onClose={close} />}
      {dialog === "features" && <FeaturesDialog features={controller.features} onClose={close} />}
      {dialog === "unimplemented" && <UnimplementedDialog list={session?.state.value.status?.unimplemented ?? []} onClose={close} />}
      <SnapshotDialogs desk={controller.snapshots} session={session} />
      {state.asking && session && (
        <SwitchDialog running={session.entry} wanted={state.asking} onAnswer={(yes) => controller.answerAsking(yes)} />
      )}
    </div>
  );
}

/** Its ring is shown even though the keys that led here had modifiers, which browsers do not take for keyboard use. */
function leaveTerminal(): void {
  const next = document.querySelector<HTMLButtonElement>("#toolbar button:not(:disabled), .bar-end button");
  if (!next) return;
  next.dataset.ring = "";
  next.addEventListener("blur", () => delete next.dataset.ring, { once: true });
  next.focus();
}

function Lacking({ controller }: { readonly controller: Controller }): JSX.Element {
  return (
    <section class="notice failure lacking" role="alert">
      <Icon name="warning" />
      <div class="notice-text">
        <h1>This browser cannot run Vitrine</h1>
        <p>
          It lacks: {controller.features.lacking.map(({ name }) => name).join(", ")}. Use a current version of Chrome, Edge, Firefox or
          Safari.
        </p>
      </div>
    </section>
  );
}

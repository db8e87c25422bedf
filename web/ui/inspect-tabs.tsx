/**
 * The tabs of the Inspect pane, in their order. A tab is a component that is given controller and session; one more line
 * makes one more tab. A tab that needs a machine's inside tells `session.inspect.show` what it draws, and nothing else is
 * computed.
 */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { causeWords } from "../lib/exit-words";
import type { InspectView } from "../lib/inspection";
import { exitsSvg, logCsv, type TrapRecord, trapsJson } from "../lib/trap-export";
import { CpuPanel } from "../panels/cpu-panel";
import { DevicesPanel } from "../panels/devices-panel";
import { GlossaryPanel } from "../panels/glossary-panel";
import { JitPanel } from "../panels/jit-panel";
import { MEMORY_ROWS, MemoryPanel, ROW_BYTES } from "../panels/memory-panel";
import { PagingPanel } from "../panels/paging-panel";
import { type TrapForm, TrapsPanel } from "../panels/traps-panel";
import { AssemblerTab } from "./assembler-tab";
import { Button } from "./button";
import { type Controller, saveText } from "./controller";
import type { InspectData } from "./inspect-session";
import { LabTab } from "./lab/lab-tab";
import type { Session } from "./session";
import { useStore } from "./store";

export interface TabProps {
  readonly controller: Controller;
  /** None: no machine has been booted yet. */
  readonly session: Session | undefined;
}

export interface InspectTab {
  readonly id: string;
  readonly label: string;
  readonly body: ComponentType<TabProps>;
  /** It shows nothing of the machine's inside: nothing is computed for it. */
  readonly isBlind?: true;
}

/** Lines of code that the CPU panel shows. */
const CODE_LINES = 24;

/** What was last looked at, so that it is there again when the tab is. Null: follow the instruction pointer. */
const shown: { code: number | null; linear: number | null; memory: number | null; device: string } = {
  ...{ code: null, linear: null, memory: null },
  device: "pit",
};

function CpuTab({ session }: TabProps): JSX.Element {
  const [at, setState] = useState<number | null>(shown.code);
  const setAt = (linear: number | null): void => {
    shown.code = linear;
    setState(linear);
  };
  return (
    <WithMachine session={session} view={{ cpu: { at, lines: CODE_LINES } }}>
      {(data, { inspect }) =>
        data.picture?.cpu && (
          <CpuPanel
            cpu={data.picture.cpu}
            before={data.before}
            running={data.picture.running}
            stops={data.stops}
            at={at}
            onGoto={setAt}
            onToggle={(spec) => void inspect.toggle(spec)}
            onSymbols={(file) => void inspect.symbols(file)}
            onFind={(name) => inspect.find(name)}
          />
        )
      }
    </WithMachine>
  );
}

function TrapsTab({ controller, session }: TabProps): JSX.Element {
  return (
    <WithMachine session={session} view={{ traps: {} }}>
      {(data, { inspect }) =>
        data.picture?.traps && (
          <TrapsPanel
            traps={data.picture.traps}
            log={data.log}
            lost={data.lost}
            stops={data.stops}
            onToggle={(spec) => void inspect.toggle(spec)}
            onSave={(form) => saveTraps(form, session!.entry.title, { ...data.picture!.traps!, log: data.log, lost: data.lost })}
            onCode={(linear) => {
              shown.code = linear;
              controller.inspectLayout.patch({ tab: "cpu" });
            }}
          />
        )
      }
    </WithMachine>
  );
}

function saveTraps(form: TrapForm, title: string, record: TrapRecord): void {
  const text = { csv: () => logCsv(record), json: () => trapsJson(record), svg: () => exitsSvg(record, title) }[form]();
  saveText(`exits.${form}`, text);
}

function GlossaryTab(): JSX.Element {
  return <GlossaryPanel />;
}

function PagingTab({ session }: TabProps): JSX.Element {
  const [linear, setState] = useState(shown.linear);
  const setLinear = (address: number): void => {
    shown.linear = address;
    setState(address);
  };
  return (
    <WithMachine session={session} view={{ cpu: { at: 0, lines: 0 }, paging: { linear } }}>
      {(data, { inspect }) =>
        data.picture?.paging && (
          <PagingPanel
            paging={data.picture.paging}
            registers={data.picture.cpu?.registers ?? {}}
            running={data.picture.running}
            onWalk={setLinear}
            check={data.check}
            onCheck={() => void inspect.check()}
          />
        )
      }
    </WithMachine>
  );
}

function MemoryTab({ session }: TabProps): JSX.Element {
  const [linear, setState] = useState(shown.memory);
  const setLinear = (address: number): void => {
    shown.memory = address;
    setState(address);
  };
  return (
    <WithMachine session={session} view={{ cpu: { at: 0, lines: 0 }, memory: { linear, length: MEMORY_ROWS * ROW_BYTES } }}>
      {(data, { inspect }) =>
        data.picture?.memory && (
          <MemoryPanel
            memory={data.picture.memory}
            registers={data.picture.cpu?.registers ?? {}}
            asked={linear}
            running={data.picture.running}
            onShow={setLinear}
            onFind={(from, bytes) =>
              void inspect.findBytes(from, bytes).then((found) => {
                if (found !== undefined) setLinear(found);
              })
            }
            onWrite={(at, bytes) => void inspect.poke(at, bytes)}
          />
        )
      }
    </WithMachine>
  );
}

function DevicesTab({ session }: TabProps): JSX.Element {
  const [chosen, setState] = useState(shown.device);
  const setChosen = (name: string): void => {
    shown.device = name;
    setState(name);
  };
  return (
    <WithMachine session={session} view={{ devices: { chosen }, traps: {} }}>
      {(data) => data.picture?.devices && <DevicesPanel board={data.picture.devices} log={data.log} onChoose={setChosen} />}
    </WithMachine>
  );
}

function JitTab({ session }: TabProps): JSX.Element {
  const [chosen, setChosen] = useState<number | null>(null);
  return (
    <WithMachine session={session} view={{ jit: { chosen } }}>
      {(data) => data.picture?.jit && <JitPanel jit={data.picture.jit} onChoose={setChosen} />}
    </WithMachine>
  );
}

export const INSPECT_TABS: readonly InspectTab[] = [
  { id: "cpu", label: "CPU", body: CpuTab },
  { id: "traps", label: "Traps", body: TrapsTab },
  { id: "paging", label: "Paging", body: PagingTab },
  { id: "memory", label: "Memory", body: MemoryTab },
  { id: "devices", label: "Devices", body: DevicesTab },
  { id: "jit", label: "JIT", body: JitTab },
  { id: "assembler", label: "Assembler", body: AssemblerTab, isBlind: true },
  { id: "lab", label: "Lab", body: LabTab, isBlind: true },
  { id: "glossary", label: "Glossary", body: GlossaryTab, isBlind: true },
];

interface WithMachineProps {
  readonly session: Session | undefined;
  readonly view: InspectView;
  readonly children: (data: InspectData, session: Session) => JSX.Element | undefined | false;
}

/** A panel of a machine that exists: asks for its view, and says what went wrong. */
function WithMachine({ session, view, children }: WithMachineProps): JSX.Element {
  if (!session) return <p class="inspect-empty">Boot a machine to look inside it.</p>;
  return (
    <Panel session={session} view={view}>
      {children}
    </Panel>
  );
}

function Panel({ session, view, children }: WithMachineProps & { readonly session: Session }): JSX.Element {
  const data = useStore(session.inspect.data);
  const { phase } = useStore(session.state);
  const key = JSON.stringify(view);
  // The view by value: a new object each time means nothing.
  useEffect(() => session.inspect.show(view), [session, key]);
  if (phase === "off" || phase === "failed") return <p class="inspect-empty">The machine is gone, and its inside with it.</p>;
  return (
    <>
      {data.refusal && (
        <p class="inspect-refusal" role="alert">
          {data.refusal}
        </p>
      )}
      {(phase === "paused" || phase === "ended") && data.picture && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form fields; this is a bar of buttons.
        <div class="inspect-time" role="group" aria-label="Back in time">
          <Button icon="back" kind="quiet" shortcut="Shift+F8" onClick={() => void session.inspect.back("step")}>
            Step back
          </Button>
          <Button
            icon="last"
            kind="quiet"
            shortcut="L"
            disabled={data.stops.length === 0}
            onClick={() => void session.inspect.back("stop")}
          >
            Back to the last stop
          </Button>
          <span data-instructions={data.picture.instructions}>at instruction {data.picture.instructions.toLocaleString("en")}</span>
        </div>
      )}
      {data.cause && phase === "paused" && (
        <p class="inspect-cause" data-cause={data.cause.kind}>
          {causeWords(data.cause)}
        </p>
      )}
      {children(data, session) || <p class="inspect-empty">{phase === "loading" ? "The machine is loading." : "Looking …"}</p>}
    </>
  );
}

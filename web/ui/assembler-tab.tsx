/** The Assembler tab: its program is remembered in this browser; the assembler is fetched when the tab is opened first. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AssemblerPanelProps, Program } from "../panels/assembler-panel";
import type { TabProps } from "./inspect-tabs";

const KEY = "vitrine.program";

interface Loaded {
  readonly Panel: ComponentType<AssemblerPanelProps>;
  readonly sample: string;
}

export function AssemblerTab({ controller }: TabProps): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded | "failed">();
  const [program, setProgram] = useState(load);
  useEffect(() => {
    import("../panels/assembler-panel").then(
      ({ AssemblerPanel, SAMPLES }) => setLoaded({ Panel: AssemblerPanel, sample: SAMPLES.sector }),
      () => setLoaded("failed"),
    );
  }, []);
  if (loaded === "failed")
    return (
      <p class="inspect-refusal" role="alert">
        The assembler could not be fetched. Check that the server is running, then open this tab again.
      </p>
    );
  if (!loaded) return <p class="inspect-empty">Fetching the assembler …</p>;
  return (
    <loaded.Panel
      program={program ?? { kind: "sector", source: loaded.sample }}
      onChange={(changed) => {
        save(changed);
        setProgram(changed);
      }}
      onBoot={(image, kind, paused) => controller.bootProgram(image, kind, paused)}
    />
  );
}

function load(): Program | undefined {
  try {
    const { kind, source } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Program>;
    return (kind === "sector" || kind === "flat32") && typeof source === "string" ? { kind, source } : undefined;
  } catch {
    return undefined;
  }
}

function save(program: Program): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(program));
  } catch {}
}

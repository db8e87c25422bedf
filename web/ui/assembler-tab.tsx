/**
 * The Assembler tab: its program is remembered in this browser, or comes with a link; the assembler is fetched when the
 * tab is opened first.
 */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AssemblerPanelProps, Program } from "../panels/assembler-panel";
import type { TabProps } from "./inspect-tabs";
import { programLink, programOf } from "./program-link";

const KEY = "vitrine.program";
const EARLIER_KEY = "vitrine.program-before";

interface Loaded {
  readonly Panel: ComponentType<AssemblerPanelProps>;
  readonly sample: string;
}

export function AssemblerTab({ controller }: TabProps): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded | "failed">();
  const [program, setProgram] = useState(() => load(KEY));
  const [earlier, setEarlier] = useState(() => load(EARLIER_KEY));
  const [link, setLink] = useState("");
  const [message, setMessage] = useState("");
  const change = (changed: Program): void => {
    save(KEY, changed);
    setProgram(changed);
    setLink("");
  };
  useEffect(() => {
    import("../panels/assembler-panel").then(
      ({ AssemblerPanel, SAMPLES }) => setLoaded({ Panel: AssemblerPanel, sample: SAMPLES.sector }),
      () => setLoaded("failed"),
    );
    programOf(location.hash).then(
      (linked) => {
        if (!linked) return;
        history.replaceState(null, "", location.pathname + location.search);
        const mine = load(KEY);
        if (mine && mine.source !== linked.source) {
          save(EARLIER_KEY, mine);
          setEarlier(mine);
        }
        change(linked);
        controller.announce("The program of the link is in the editor.");
      },
      (error: Error) => setMessage(error.message),
    );
  }, []);
  if (loaded === "failed")
    return (
      <p class="inspect-refusal" role="alert">
        The assembler could not be fetched. Check that the server is running, then open this tab again.
      </p>
    );
  if (!loaded) return <p class="inspect-empty">Fetching the assembler …</p>;
  const current: Program = program ?? { kind: "sector", source: loaded.sample };
  return (
    <>
      {message && (
        <p class="inspect-refusal" role="alert">
          {message}
        </p>
      )}
      <loaded.Panel
        program={current}
        onChange={change}
        onBoot={(image, kind, paused) => controller.bootProgram(image, kind, paused)}
        onShare={() => void programLink(location.href.replace(/#.*/, ""), current).then(setLink)}
        {...(earlier && {
          onEarlier: () => {
            save(EARLIER_KEY, undefined);
            setEarlier(undefined);
            change(earlier);
          },
        })}
      />
      {link && <ShareLink link={link} />}
    </>
  );
}

/** Copied at a click; where the browser does not allow that, it is there to be copied by hand. */
function ShareLink({ link }: { readonly link: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  return (
    <div class="panel share-link">
      <label for="program-link">Whoever opens this link has the program in the editor. It is in the link itself, and on no server.</label>
      <div class="goto">
        <input id="program-link" class="mono" type="text" readOnly value={link} onFocus={(event) => event.currentTarget.select()} />
        <button
          type="button"
          class="button small"
          disabled={!navigator.clipboard}
          onClick={() => void navigator.clipboard?.writeText(link).then(() => setCopied(true))}
        >
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
    </div>
  );
}

function load(key: string): Program | undefined {
  try {
    const { kind, source } = JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Program>;
    return (kind === "sector" || kind === "flat32") && typeof source === "string" ? { kind, source } : undefined;
  } catch {
    return undefined;
  }
}

function save(key: string, program: Program | undefined): void {
  try {
    if (program) localStorage.setItem(key, JSON.stringify(program));
    else localStorage.removeItem(key);
  } catch {}
}

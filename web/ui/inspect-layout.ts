/** Where the Inspect pane is and what it shows, remembered in this browser. */
import { Store } from "./store";

export interface InspectLayout {
  readonly open: boolean;
  /** In CSS pixels, of the pane beside the machine. */
  readonly width: number;
  readonly tab: string;
}

export const LEAST_WIDTH = 300;
export const DEFAULT_WIDTH = 520;
/** Left for the machine, at least. */
export const LEAST_REST = 320;
const KEY = "vitrine.inspect";

function load(): InspectLayout {
  const layout: InspectLayout = { open: false, width: DEFAULT_WIDTH, tab: "cpu" };
  try {
    const saved = JSON.parse(localStorage.getItem(KEY) ?? "null") as Partial<InspectLayout> | null;
    if (saved === null || typeof saved !== "object") return layout;
    return {
      open: saved.open === true,
      width: typeof saved.width === "number" && saved.width >= LEAST_WIDTH && saved.width < 10_000 ? saved.width : layout.width,
      tab: typeof saved.tab === "string" ? saved.tab : layout.tab,
    };
  } catch {
    return layout;
  }
}

export function createInspectLayout(): Store<InspectLayout> {
  // A link to a program opens where programs are.
  const store = new Store(location.hash.startsWith("#program=") ? { ...load(), open: true, tab: "assembler" } : load());
  store.onChange((layout) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(layout));
    } catch {}
  });
  return store;
}

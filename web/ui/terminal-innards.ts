/**
 * Where xterm.js 6 draws more than changes, and with that takes half of the page's time while a guest boots. Both places are
 * behind its public interface: where a later version has other innards, it draws as it likes and nothing else changes.
 */
import type { Terminal } from "@xterm/xterm";

interface Innards {
  readonly _core?: {
    readonly _selectionService?: { refresh?: (isLinuxMouseSelection?: boolean) => void };
    readonly _renderService?: { readonly _renderer?: { readonly value?: { handleBlur?: () => void } } };
  };
}

export function drawOnlyWhatChanges(terminal: Terminal): void {
  drawSelectionOnlyWhenThereIsOne(terminal);
  drawOnlyTheCursorOnBlur(terminal);
}

/** It draws its selection anew at every scroll, and with it all rows a second time, also where nothing is selected. */
function drawSelectionOnlyWhenThereIsOne(terminal: Terminal): void {
  const service = (terminal as Innards)._core?._selectionService;
  const refresh = service?.refresh?.bind(service);
  if (!service || !refresh) return;
  let isDrawn = false;
  service.refresh = (isLinuxMouseSelection) => {
    const isThere = terminal.hasSelection();
    if (isThere || isDrawn) refresh(isLinuxMouseSelection);
    isDrawn = isThere;
  };
}

/** When it loses the focus it draws all rows, for the selection's other colour; the cursor's row it draws besides. */
function drawOnlyTheCursorOnBlur(terminal: Terminal): void {
  const renderer = (terminal as Innards)._core?._renderService?._renderer?.value;
  const handleBlur = renderer?.handleBlur?.bind(renderer);
  const focused = terminal.element?.getElementsByClassName("xterm-focus");
  if (!renderer || !handleBlur || !focused) return;
  renderer.handleBlur = () => {
    if (terminal.hasSelection()) handleBlur();
    else focused[0]?.classList.remove("xterm-focus");
  };
}

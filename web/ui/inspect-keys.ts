/**
 * Keys of run control. The guest owns the keyboard while its terminal has the focus; the single letters work only within
 * the Inspect pane, and not while something is typed there.
 */

import { useEffect } from "preact/hooks";
import { modeWords } from "../lib/cpu-bits";
import { linearRip } from "../lib/linear";
import type { Controller } from "./controller";

const inside = (target: EventTarget | null, selector: string): boolean => target instanceof Element && target.closest(selector) !== null;

export function useInspectKeys(controller: Controller): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      if (event.shiftKey && event.key !== "F8") return;
      if (inside(event.target, ".terminal-host") || inside(event.target, "dialog")) return;
      const typing = inside(event.target, "input, textarea, select, [contenteditable]");
      const letters = inside(event.target, ".inspect") && !typing;
      const key = event.shiftKey ? `Shift+${event.key}` : event.key;
      const action = GLOBAL[key] ?? (letters ? IN_PANE[event.key] : undefined);
      if (!action) return;
      event.preventDefault();
      action(controller, event.target as Element);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [controller]);
}

type Action = (controller: Controller, target: Element) => void;

const GLOBAL: Readonly<Record<string, Action>> = {
  F8: (controller) => controller.toggleRun(),
  F9: (controller, target) => toggleBreakpoint(controller, target),
  "Shift+F8": (controller) => controller.back("step"),
  F10: (controller) => controller.step("into"),
};
const IN_PANE: Readonly<Record<string, Action>> = {
  b: (controller) => controller.back("step"),
  l: (controller) => controller.back("stop"),
  s: (controller) => controller.step("into"),
  n: (controller) => controller.step("over"),
  f: (controller) => controller.step("out"),
  g: () => document.querySelector<HTMLInputElement>("[data-goto]")?.focus(),
};

/** In the listing, of the line that has the focus; else of the next instruction. */
function toggleBreakpoint(controller: Controller, target: Element): void {
  const { session } = controller.state.value;
  const registers = session?.inspect.data.value.picture?.cpu?.registers;
  const line = target.closest<HTMLElement>("[data-linear]")?.dataset.linear;
  const address =
    line !== undefined ? Number(line) : registers && linearRip(registers.cs_base!, registers.rip!, modeWords(registers).codeBits === 64);
  if (session && address !== undefined) void session.inspect.toggle({ kind: "execute", address });
}

/**
 * Reads walkthroughs out of the README: a `diff` block changes the file in its first line, a `ts` block is the whole of
 * the file that the text before it names last, a `sh` block is commands. And carries them out in a copy of the checkout.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Checkout } from "../tools/checkout";

export type Step =
  | { readonly kind: "change"; readonly file: string; readonly hunks: readonly Hunk[] }
  | { readonly kind: "write"; readonly file: string; readonly text: string }
  | { readonly kind: "run"; readonly command: string };

export interface Hunk {
  readonly before: string;
  readonly after: string;
}

/** The steps below the heading `## title`, in order. */
export function stepsOf(markdown: string, title: string): Step[] {
  const section = new RegExp(`^## ${title}\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m").exec(markdown)?.[1];
  if (section === undefined) throw new Error(`the README has no section "${title}"`);
  const steps: Step[] = [];
  let prose = "";
  for (const part of section.split(/^(?=```)/m)) {
    const block = /^```(\w+)\n([\s\S]*)$/.exec(part);
    if (!block) {
      prose = part.replace(/^```\n/, "");
      continue;
    }
    const [, language, text] = block as unknown as [string, string, string];
    if (language === "diff") steps.push(change(text));
    else if (language === "sh") for (const command of text.trim().split("\n")) steps.push({ kind: "run", command });
    else if (language === "ts") {
      const file = [...prose.matchAll(/file `([^`]+\.ts)`/g)].at(-1)?.[1];
      if (file === undefined) throw new Error(`${title}: no file is named before ${text.split("\n")[0]}`);
      steps.push({ kind: "write", file, text });
    }
  }
  return steps;
}

function change(diff: string): Step {
  const [first = "", ...lines] = diff.trimEnd().split("\n");
  const file = /^--- (\S+)$/.exec(first)?.[1];
  if (file === undefined) throw new Error(`a diff must begin with "--- file", not with "${first}"`);
  const hunks: Hunk[] = [];
  for (const hunk of lines.join("\n").split(/^@@\n/m)) {
    const rows = hunk.replace(/\n$/, "").split("\n");
    const keep = (mark: string): string =>
      rows
        .filter((row) => row === "" || row[0] === " " || row[0] === mark)
        .map((row) => row.slice(1))
        .join("\n");
    hunks.push({ before: keep("-"), after: keep("+") });
  }
  return { kind: "change", file, hunks };
}

/** The file with the hunks applied. Each must fit at exactly one place. */
export function patched(text: string, file: string, hunks: readonly Hunk[]): string {
  let result = text;
  for (const { before, after } of hunks) {
    const places = `\n${result}`.split(`\n${before}\n`).length - 1;
    if (places !== 1) throw new Error(`${file} has ${places} places that read\n${before}`);
    result = `\n${result}`.replace(`\n${before}\n`, () => `\n${after}\n`).slice(1);
  }
  return result;
}

/** Carries one step out in a copy of the checkout. Rejects with what a command printed if it fails. */
export async function carryOut(step: Step, checkout: Checkout): Promise<void> {
  if (step.kind === "run") {
    await checkout.run("sh", ["-c", step.command]);
    return;
  }
  const path = join(checkout.folder, step.file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, step.kind === "write" ? step.text : patched(readFileSync(path, "utf8"), step.file, step.hunks));
}

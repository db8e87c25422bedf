/**
 * Reads walkthroughs out of the README: a `diff` block changes the file in its first line, a `ts` block is the whole of
 * the file that the text before it names last, a `sh` block is commands. And carries them out in a copy of the checkout.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

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

/** At the top of the checkout, what is no source. */
const NOT_COPIED = new Set(["node_modules", "dist", "guests", "test-results", "playwright-report", ".git", ".cache"]);

export class Checkout {
  readonly folder = mkdtempSync(join(tmpdir(), "vitrine-readme-"));
  readonly touched: string[] = [];

  constructor() {
    cpSync(ROOT, this.folder, { recursive: true, filter: (path) => !NOT_COPIED.has(relative(ROOT, path)) });
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"), "dir");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Rejects with what a command printed if it fails. */
  async carryOut(step: Step): Promise<void> {
    if (step.kind === "run") {
      await this.run("sh", ["-c", step.command]);
      return;
    }
    const path = join(this.folder, step.file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, step.kind === "write" ? step.text : patched(readFileSync(path, "utf8"), step.file, step.hunks));
    this.touched.push(step.file);
  }

  /** Output of a command in the copy. */
  run(program: string, args: readonly string[]): Promise<string> {
    // The test runner's own variables would confuse one that is started inside.
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST|^TEST$/.test(name)));
    return new Promise((resolve, reject) => {
      execFile(program, args, { cwd: this.folder, env: environment, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${[program, ...args].join(" ")}:\n${stdout}${stderr}`));
        else resolve(stdout + stderr);
      });
    });
  }
}

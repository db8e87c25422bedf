/**
 * A lab's text: a small part of Markdown as data, so that the page draws elements and the command line prints words,
 * and no HTML is in between. Steps begin with `## Title`; paragraphs, `- lists`, `> notes`, ``` blocks; in a line
 * `code`, **strong**, *stressed*, [links](address). On a line alone: [[task id]], [[source file]].
 */

export type Inline =
  | { readonly kind: "text" | "code" | "strong" | "stressed"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly address: string };

export type Part =
  | { readonly kind: "paragraph" | "note"; readonly text: string }
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "list"; readonly numbered: boolean; readonly items: readonly string[] }
  | { readonly kind: "block"; readonly text: string }
  | { readonly kind: "table"; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: "task"; readonly id: string }
  | { readonly kind: "source"; readonly file: string };

export interface Step {
  readonly title: string;
  readonly parts: readonly Part[];
}

/** What stands before the first `##` belongs to no step and is left out. */
export function splitText(text: string): Step[] {
  const steps: { title: string; lines: string[] }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const title = /^## (.+)/.exec(line)?.[1];
    if (title !== undefined) steps.push({ title: title.trim(), lines: [] });
    else steps.at(-1)?.lines.push(line);
  }
  return steps.map(({ title, lines }) => ({ title, parts: [...partsOf(lines)] }));
}

const ITEM = /^(?:[-*]|(\d+)\.) +(.*)/;

function* partsOf(lines: readonly string[]): Generator<Part> {
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const directive = /^\[\[(task|source) ([\w.-]+)\]\]\s*$/.exec(line);
    const item = ITEM.exec(line);
    if (line.trim() === "") at++;
    else if (directive) {
      yield directive[1] === "task" ? { kind: "task", id: directive[2]! } : { kind: "source", file: directive[2]! };
      at++;
    } else if (line.startsWith("```")) {
      const from = ++at;
      while (at < lines.length && !lines[at]!.startsWith("```")) at++;
      yield { kind: "block", text: lines.slice(from, at++).join("\n") };
    } else if (line.startsWith("### ")) {
      yield { kind: "heading", text: line.slice(4).trim() };
      at++;
    } else if (line.startsWith("|")) {
      const rows: string[][] = [];
      for (; lines[at]?.startsWith("|"); at++) rows.push(cells(lines[at]!));
      const [head = [], ...rest] = rows.filter((row) => !row.every((cell) => /^:?-+:?$/.test(cell)));
      yield { kind: "table", head, rows: rest };
    } else if (item) {
      const items: string[] = [];
      for (; at < lines.length && lines[at]!.trim() !== ""; at++) {
        const next = ITEM.exec(lines[at]!);
        if (next) items.push(next[2]!);
        else items.push(`${items.pop() ?? ""} ${lines[at]!.trim()}`);
      }
      yield { kind: "list", numbered: item[1] !== undefined, items };
    } else {
      const isNote = line.startsWith(">");
      const words: string[] = [];
      for (; at < lines.length && lines[at]!.trim() !== "" && !/^(```|\[\[|### |\|)/.test(lines[at]!); at++)
        words.push(lines[at]!.replace(/^> ?/, "").trim());
      yield { kind: isNote ? "note" : "paragraph", text: words.join(" ") };
    }
  }
}

const cells = (line: string): string[] =>
  line
    .replace(/^\||\|\s*$/g, "")
    // The bar in {{value | hex32}} separates nothing.
    .split(/\|(?![^{|]*\}\})/)
    .map((cell) => cell.trim());

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

export function inlineOf(text: string): Inline[] {
  const found: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) found.push({ kind: "text", text: text.slice(from, match.index) });
    const [whole, code, strong, stressed, link, address] = match;
    if (code !== undefined) found.push({ kind: "code", text: code });
    else if (strong !== undefined) found.push({ kind: "strong", text: strong });
    else if (stressed !== undefined) found.push({ kind: "stressed", text: stressed });
    else found.push({ kind: "link", text: link!, address: address! });
    from = match.index + whole.length;
  }
  if (from < text.length) found.push({ kind: "text", text: text.slice(from) });
  return found;
}

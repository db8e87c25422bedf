/** Counts and log of exits as files: CSV for spreadsheets, JSON for programs, SVG for slides. */
import { EXITS } from "./events.generated";
import { hardwareWords, qualificationWords } from "./exit-words";
import type { TrapEvent } from "./inspection";

export interface TrapRecord {
  /** By index in EXITS. */
  readonly exits: readonly number[];
  readonly total: number;
  /** Oldest first. */
  readonly log: readonly TrapEvent[];
  readonly lost: number;
}

const nameOf = (reason: number): string => EXITS[reason]?.name ?? "?";
const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The log, oldest first; addresses and qualification in hexadecimal. */
export function logCsv({ log }: TrapRecord): string {
  const rows = log.map((event) => [
    ...[String(event.number), String(event.tick), nameOf(event.reason), String(event.cpl)],
    ...[BigInt.asUintN(64, BigInt(event.rip)).toString(16), event.where ?? "", event.qualification.toString(16)],
    qualificationWords(nameOf(event.reason), event.qualification),
  ]);
  return [["number", "tick", "reason", "cpl", "rip", "in", "qualification", "what"], ...rows]
    .map((row) => `${row.map(quoted).join(",")}\n`)
    .join("");
}

export function trapsJson({ exits, total, log, lost }: TrapRecord): string {
  const reasons = EXITS.map(({ name, gloss }, reason) => ({ reason: name, count: exits[reason] ?? 0, gloss, ...hardwareWords(reason) }));
  const events = log.map(({ number, tick, reason, cpl, rip, qualification, where }) => ({
    ...{ number, tick, reason: nameOf(reason), cpl, rip: `0x${BigInt.asUintN(64, BigInt(rip)).toString(16)}` },
    ...{ qualification: `0x${qualification.toString(16)}`, what: qualificationWords(nameOf(reason), qualification) },
    ...(where ? { in: where } : {}),
  }));
  return `${JSON.stringify({ total, reasons, log: { missing: lost, events } }, undefined, 2)}\n`;
}

const BAR = { row: 24, label: 190, width: 420, number: 120, margin: 16, title: 40 } as const;

/** A bar for each reason that has exits, the most first. */
export function exitsSvg({ exits, total }: TrapRecord, title: string): string {
  const rows = EXITS.map(({ name }, reason) => ({ name, count: exits[reason] ?? 0 }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
  const most = Math.max(1, ...rows.map(({ count }) => count));
  const width = 2 * BAR.margin + BAR.label + BAR.width + BAR.number;
  const height = 2 * BAR.margin + BAR.title + BAR.row * rows.length;
  const bars = rows.map(({ name, count }, n) => {
    const y = BAR.margin + BAR.title + BAR.row * n;
    const length = Math.max(1, Math.round((count / most) * BAR.width));
    return [
      `<text x="${BAR.margin + BAR.label - 8}" y="${y + 16}" text-anchor="end">${name}</text>`,
      `<rect x="${BAR.margin + BAR.label}" y="${y + 4}" width="${length}" height="${BAR.row - 8}" fill="#0b6670"/>`,
      `<text x="${BAR.margin + BAR.label + length + 8}" y="${y + 16}">${count.toLocaleString("en-US")}</text>`,
    ].join("\n");
  });
  const words = `${escaped(title)}: ${total.toLocaleString("en-US")} exits by reason`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${words}" font-family="sans-serif" font-size="13" fill="#1a2127">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${BAR.margin}" y="${BAR.margin + 18}" font-size="16" font-weight="bold">${words}</text>
${bars.join("\n")}
</svg>
`;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Exits as files: what spreadsheets, programs and slides are given; and the glossary's order. */
import { expect, it } from "vitest";
import { EXITS } from "../../web/lib/events.generated";
import { hardwareWords } from "../../web/lib/exit-words";
import { GLOSSARY } from "../../web/lib/glossary";
import { exitsSvg, logCsv, type TrapRecord, trapsJson } from "../../web/lib/trap-export";

const reason = (name: string): number => EXITS.findIndex((row) => row.name === name);
const COUNTS: Readonly<Record<string, number>> = { IoWrite: 1234, Cpuid: 1 };
const exits = EXITS.map(({ name }) => COUNTS[name] ?? 0);
const record: TrapRecord = {
  ...{ exits, total: 1235, lost: 7 },
  log: [
    { number: 8, reason: reason("IoWrite"), cpl: 0, rip: 0x7c05, qualification: 0x103f8n, tick: 12, where: 'a,"b"' },
    { number: 9, reason: reason("Cpuid"), cpl: 3, rip: -4096, qualification: 1n, tick: 13 },
  ],
};

it("are CSV with quoted texts", () => {
  expect(logCsv(record)).toBe(
    'number,tick,reason,cpl,rip,in,qualification,what\n8,12,IoWrite,0,7c05,"a,""b""",103f8,"port 3f8, 1 byte"\n9,13,Cpuid,3,fffffffffffff000,,1,leaf 1\n',
  );
});

it("are JSON with every reason, whose counts add up, and what real hardware would do", () => {
  const read = JSON.parse(trapsJson(record));
  expect(read.reasons.map((row: { reason: string }) => row.reason)).toEqual(EXITS.map(({ name }) => name));
  expect(read.reasons.reduce((sum: number, row: { count: number }) => sum + row.count, 0)).toBe(read.total);
  expect(read.reasons[reason("Cpuid")]).toMatchObject({ count: 1, ...hardwareWords(reason("Cpuid")), vtx: "always" });
  expect(read.log).toMatchObject({ missing: 7, events: [{ in: 'a,"b"', what: "port 3f8, 1 byte" }, { rip: "0xfffffffffffff000" }] });
});

it("are a chart with a bar for each reason that has exits, the most first", () => {
  const svg = exitsSvg(record, "<Hello>");
  expect(svg.match(/<rect [^>]*fill="#0b6670"/g)).toHaveLength(2);
  expect(svg.indexOf("IoWrite")).toBeLessThan(svg.indexOf("Cpuid"));
  expect(svg).toContain("&lt;Hello&gt;: 1,235 exits by reason");
  expect(exitsSvg({ ...record, exits: [], total: 0 }, "x")).toContain("0 exits");
});

it("has words once, in their order, each with its meaning and source", () => {
  const terms = GLOSSARY.map(({ term }) => term.toLowerCase());
  expect(terms).toEqual([...new Set(terms)].toSorted((a, b) => a.localeCompare(b)));
  for (const { term, meaning, source } of GLOSSARY) expect(meaning.length > 20 && source.length > 3, term).toBe(true);
});

/** What two snapshots have not in common: facts of the manifest, fields of CPU and devices, pages of RAM and disks. */
import { fieldsOf, schemasOf } from "../machine/describe-state";
import { equalBytes } from "../snapshot/page-table";
import { imageForms, type SnapshotFile } from "../snapshot/snapshot-file";

export type Difference =
  | { readonly kind: "manifest"; readonly field: string; readonly before: string; readonly after: string }
  /** Null: the section is not there. */
  | { readonly kind: "section"; readonly section: string; readonly before: number | null; readonly after: number | null }
  | { readonly kind: "field"; readonly section: string; readonly field: string; readonly before: string; readonly after: string }
  | {
      readonly kind: "pages";
      readonly image: string;
      readonly count: number;
      readonly of: number;
      /** First and last page, in the order of their numbers. */
      readonly ranges: readonly (readonly [first: number, last: number])[];
      /** There are more ranges than are listed. */
      readonly isCut: boolean;
    };

const MOST_RANGES = 100;
const FACTS = ["title", "created", "build", "instructions", "ticks", "parent"] as const;

/** Throws SnapshotIncompatible. */
export async function differences(
  before: SnapshotFile,
  after: SnapshotFile,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const field of FACTS) compare(found, field, before.manifest[field], after.manifest[field]);
  compare(found, "machine", before.manifest.machine, after.manifest.machine);
  await compareSections(found, before, after);
  for (const form of imageForms(before.manifest)) {
    const other = imageForms(after.manifest).find(({ name }) => name === form.name);
    if (other?.pageCount !== form.pageCount) continue;
    const image = { name: form.name, pageCount: form.pageCount };
    found.push(...(await comparePages(image, before, after, onProgress)));
  }
  return found;
}

function compare(found: Difference[], field: string, before: unknown, after: unknown): void {
  const [a, b] = [before, after].map((value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)));
  if (a !== b) found.push({ kind: "manifest", field, before: a!, after: b! });
}

async function compareSections(found: Difference[], before: SnapshotFile, after: SnapshotFile): Promise<void> {
  const [first, second] = [await before.readState(), await after.readState()];
  const [schemasBefore, schemasAfter] = [schemasOf(before.manifest.machine), schemasOf(after.manifest.machine)];
  for (const section of new Set([...first.keys(), ...second.keys()])) {
    const [a, b] = [first.get(section), second.get(section)];
    if (a && b && equalBytes(a, b)) continue;
    const fieldsBefore = a && fieldsOf(section, a, schemasBefore);
    const fieldsAfter = b && fieldsOf(section, b, schemasAfter);
    if (!fieldsBefore || !fieldsAfter) {
      found.push({ kind: "section", section, before: a?.length ?? null, after: b?.length ?? null });
      continue;
    }
    for (const field of new Set([...fieldsBefore.keys(), ...fieldsAfter.keys()])) {
      const [was, is] = [fieldsBefore.get(field) ?? "absent", fieldsAfter.get(field) ?? "absent"];
      if (was !== is) found.push({ kind: "field", section, field, before: was, after: is });
    }
  }
}

async function comparePages(
  { name, pageCount }: { readonly name: string; readonly pageCount: number },
  before: SnapshotFile,
  after: SnapshotFile,
  onProgress: (done: number, total: number) => void,
): Promise<Difference[]> {
  const [first, second] = [before.image(name), after.image(name)];
  const ranges: [number, number][] = [];
  let count = 0;
  for (let page = 0; page < pageCount; page++) {
    if (page % 256 === 0) onProgress(page, pageCount);
    const [a, b] = [await first.readPage(page), await second.readPage(page)];
    if (a && b ? equalBytes(a, b) : !a && !b) continue;
    count++;
    const last = ranges.at(-1);
    if (last?.[1] === page - 1) last[1] = page;
    else ranges.push([page, page]);
  }
  onProgress(pageCount, pageCount);
  if (count === 0) return [];
  return [{ kind: "pages", image: name, count, of: pageCount, ranges: ranges.slice(0, MOST_RANGES), isCut: ranges.length > MOST_RANGES }];
}

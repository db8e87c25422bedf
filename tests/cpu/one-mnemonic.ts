/**
 * Everything there is for one mnemonic: recordings, bare-metal cases against their golden files, and both backends on random
 * states. `npm run test:cpu -- SHLD` prints it; the first difference comes as a sentence.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { ROWS, type Row } from "../../asm/isa/index";
import { list } from "../../web/disasm/listing";
import { MooMachine } from "../../web/node/moo-vectors";
import { VectorMachine } from "../../web/node/vectors";
import { Backends } from "../fuzz/backends";
import { randomCase, randomRegime } from "../fuzz/generate";
import { coreWasm, random } from "../tools/core";
import { CASE_SETS } from "../vmm/cases/index";
import { buildImage, splitLog } from "../vmm/image";
import { runOnCore } from "../vmm/run-image";
import { bytesOf, casesWith, decoder, isStagedRow, namesOf, opcodeText, type Recorded, recorded, rowsNamed, vectorFiles } from "./evidence";

export interface MnemonicReport {
  /** Lines for people: rows, then one line for each kind of test. */
  readonly lines: string[];
  /** The first difference of each kind. */
  readonly failures: string[];
}

const RANDOM_CASES = 2000;
const FLAG_NAMES: Readonly<Record<string, string>> = {
  o: "OF",
  s: "SF",
  z: "ZF",
  a: "AF",
  p: "PF",
  c: "CF",
  d: "DF",
  i: "IF",
  t: "TF",
  n: "NT",
  r: "RF",
};

/** A row and its rule in a line: "0F A4 SHLD Ev,Gv,Ib: writes OF SF ZF PF CF; AF undefined (SDM Vol. 2 "SHLD")". */
export function ruleText(row: Row): string {
  const flags = (letters: string | undefined): string => [...(letters ?? "")].map((letter) => FLAG_NAMES[letter] ?? letter).join(" ");
  const parts = [
    row.writes ? `writes ${flags(row.writes)}` : "writes no flag",
    row.undefined ? `${flags(row.undefined)} undefined` : "",
    row.lock ? "may be locked" : "",
    row.cpl0 ? "CPL 0 only" : "",
    row.protectedOnly ? "#UD outside protected mode" : "",
    row.feature ? `CPUID ${row.feature}` : "",
    isStagedRow(row) ? "staged" : "helper",
  ];
  return `${opcodeText(row)} ${row.mnemonic} ${row.operands.join(",")}: ${parts.filter(Boolean).join("; ")} (SDM Vol. 2 "${row.mnemonic}")`;
}

/** Undefined if there is no such mnemonic. */
export async function testMnemonic(mnemonic: string, wasm: BufferSource = coreWasm()): Promise<MnemonicReport | undefined> {
  const rows = rowsNamed(mnemonic);
  if (rows.length === 0) return undefined;
  const report: MnemonicReport = { lines: rows.map((n) => ruleText(ROWS[n]!)), failures: [] };
  await recordings(new Set(rows), wasm, report);
  await programs(mnemonic, rows, report);
  await backends(rows, report);
  return report;
}

/** Mnemonics that begin alike, for a typing mistake. */
export function similarMnemonics(mnemonic: string): string[] {
  const wanted = mnemonic.toUpperCase().slice(0, 2);
  return [...new Set(ROWS.flatMap(namesOf))].filter((name) => name.startsWith(wanted)).sort();
}

async function recordings(rows: ReadonlySet<number>, wasm: BufferSource, report: MnemonicReport): Promise<void> {
  const decode = await decoder();
  const vectors = await VectorMachine.create(wasm);
  const captures = await MooMachine.create(wasm);
  const counts = { vector: { passed: 0, failed: 0, faults: 0 }, capture: { passed: 0, failed: 0, faults: 0 } };
  const skipped = new Map<string, number>();
  let first: string | undefined;
  const run = (each: Recorded): readonly string[] => {
    if (each.kind === "vector") {
      if (each.vector.sig !== undefined) counts.vector.faults++;
      return vectors.run(each.vector);
    }
    if (each.test.exception) counts.capture.faults++;
    const { differences, rule } = captures.run(each.test);
    if (differences.length === 0 || !rule) return differences;
    skipped.set(rule.name, (skipped.get(rule.name) ?? 0) + 1);
    return [];
  };
  for (const each of recorded(vectorFiles({ sampleOnly: false }), decode)) {
    if (!rows.has(each.row)) continue;
    const differences = run(each);
    counts[each.kind][differences.length === 0 ? "passed" : "failed"]++;
    if (differences.length === 0 || first !== undefined) continue;
    const code = each.kind === "vector" ? bytesOf(each.vector.c) : Uint8Array.from(each.test.bytes);
    const text = list(code, decode, each.kind === "vector" ? 32 : 16, 0n, 1)[0]?.text ?? "";
    first = `${basename(each.file)}, ${each.place}: ${text} (${Buffer.from(code).toString("hex")}): ${differences.join("; ")}. Its row is ${ruleText(ROWS[each.row]!)}.`;
  }
  const { vector, capture } = counts;
  report.lines.push(`recorded vectors: ${vector.passed} passed, ${vector.failed} failed; ${vector.faults} of them end in an exception`);
  const rules = [...skipped].map(([rule, n]) => `${n} by rule "${rule}"`).join(", ");
  report.lines.push(
    `80286 captures: ${capture.passed} passed, ${capture.failed} failed; ${capture.faults} exceptions${rules ? `; ${rules}` : ""}`,
  );
  if (first !== undefined) report.failures.push(first);
}

async function programs(mnemonic: string, rows: readonly number[], report: MnemonicReport): Promise<void> {
  const found = casesWith([...new Set([mnemonic, ...rows.flatMap((n) => namesOf(ROWS[n]!))])]);
  let passed = 0;
  for (const set of new Set(found.map((each) => each.set))) {
    const cases = found.filter((each) => each.set === set).map(({ one }) => one);
    const golden = splitLog(readFileSync(fileURLToPath(new URL(`../vmm/golden/${set}.txt`, import.meta.url)), "latin1"));
    // The whole set: addresses in the golden file are those of its image.
    const log = splitLog((await runOnCore(buildImage(CASE_SETS[set]!))).log);
    for (const { name } of cases) {
      if (log.get(name) === golden.get(name)) passed++;
      else
        report.failures.push(`bare-metal case "${name}" (${set}): ${log.get(name) ?? "no log"}, expected ${golden.get(name) ?? "no log"}`);
    }
  }
  report.lines.push(`bare-metal cases: ${passed} passed, ${found.length - passed} failed`);
}

async function backends(rows: readonly number[], report: MnemonicReport): Promise<void> {
  const staged = rows.map((n) => ROWS[n]!).filter((row) => isStagedRow(row) && !row.alias && !row.o64);
  if (staged.length === 0) {
    report.lines.push("backends: not staged; Run and translated code call the same function");
    return;
  }
  const pair = await Backends.create();
  const next = random(1);
  for (let n = 0; n < RANDOM_CASES; n++) {
    const regime = randomRegime(next);
    const difference = pair.run(regime, randomCase(next, regime, staged));
    if (difference === undefined) continue;
    report.failures.push(`Run and Emit differ: ${difference}`);
    break;
  }
  report.lines.push(`backends: ${pair.compared} random instructions by Run and by Emit`);
}

/** The coverage page: every row and what outside evidence the repository itself holds for it. Pure function of rows, samples and cases. */
import { ROWS, type Row } from "../../asm/isa/index";
import { casesWith, decoder, isStagedRow, namesOf, opcodeText, recorded, vectorFiles } from "./evidence";

interface Evidence {
  vectors: number;
  /** Vectors and captures that end in an exception. */
  faults: number;
  captures: number;
}

const MAPS: Readonly<Record<number, string>> = { 1: "One-byte opcodes", 2: "0F", 3: "0F 38", 4: "0F 3A" };

export async function coveragePage(): Promise<string> {
  const evidence: Evidence[] = ROWS.map(() => ({ vectors: 0, faults: 0, captures: 0 }));
  for (const each of recorded(vectorFiles({ sampleOnly: true }), await decoder())) {
    const found = evidence[each.row];
    if (!found) continue;
    if (each.kind === "vector") {
      found.vectors++;
      if (each.vector.sig !== undefined) found.faults++;
    } else {
      found.captures++;
      if (each.test.exception) found.faults++;
    }
  }
  const shown = ROWS.map((row, n) => ({ row, ...evidence[n]!, cases: casesWith(namesOf(row)).length })).filter(
    ({ row }) => !row.alias && !row.o64,
  );
  const recordedRows = shown.filter(({ vectors, captures }) => vectors + captures > 0).length;
  const programs = shown.filter(({ vectors, captures, cases }) => vectors + captures === 0 && cases > 0).length;
  const neither = shown.filter(({ vectors, captures, cases }) => vectors + captures + cases === 0);
  const parts = [1, 2, 3, 4].map((map) =>
    table(
      MAPS[map]!,
      shown.filter(({ row }) => row.map === map),
    ),
  );
  return `# Coverage of the instruction rows

Generated from the rows and from what lies in this repository; a test keeps it up to date
(\`UPDATE_COVERAGE=1 npx vitest run tests/cpu/coverage.spec.ts\` writes it). The recordings are the samples in \`tests/cpu/vectors/\`;
whole sets have ten times as many. Rows of 64-bit mode alone are not shown.

${shown.length} rows: ${recordedRows} are held to recordings of a real processor, ${programs} to bare-metal programs compared with QEMU,
${neither.length} to neither: ${neither.length === 0 ? "none" : [...new Set(neither.map(({ row }) => row.mnemonic))].sort().join(", ")}.

- *vectors*: instructions recorded in 32-bit user mode; *80286*: captures in real mode; *faults*: those of both that end in an exception.
- *programs*: there are bare-metal cases in \`tests/vmm/cases\` whose code has the mnemonic.
- *backends*: \`Run, Emit\`: staged, run by both from one meaning and compared by the self-differential; \`helper\`: one function that both call.

${parts.join("\n")}`;
}

function table(title: string, rows: readonly ({ readonly row: Row; readonly cases: number } & Readonly<Evidence>)[]): string {
  const lines = rows.map(({ row, vectors, captures, faults, cases }) => {
    const name = `${row.mnemonic} ${row.operands.join(",")}`.trim();
    const cell = (n: number): string => (n === 0 ? "" : String(n));
    const place = `${opcodeText(row)}${row.mod === "mem" ? " mem" : row.mod === "reg" ? " reg" : ""}`;
    return `| ${place} | ${name} | ${cell(vectors)} | ${cell(captures)} | ${cell(faults)} | ${cases > 0 ? "yes" : ""} | ${isStagedRow(row) ? "Run, Emit" : "helper"} |`;
  });
  return `## ${title}\n\n| opcode | row | vectors | 80286 | faults | programs | backends |\n|---|---|---:|---:|---:|---|---|\n${lines.join("\n")}\n`;
}

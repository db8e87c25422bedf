/**
 * What is known about each row from outside: recorded vectors, captures of an 80286, bare-metal cases, and by which backend
 * it is run. For `npm run test:cpu` and the coverage page (docs/coverage.md).
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROWS, type Row } from "../../asm/isa/index";
import { createDecoder, type Decode } from "../../web/disasm/decoder";
import { mnemonicOf } from "../../web/disasm/mnemonics";
import { isMoo, type MooTest, readMoo } from "../../web/node/moo-file";
import { expand, readVectors } from "../../web/node/vector-file";
import type { Vector } from "../../web/node/vectors";
import { decodingCore } from "../tools/decoding-core";
import { CASE_SETS } from "../vmm/cases/index";
import type { Case } from "../vmm/image";

const SAMPLES = fileURLToPath(new URL("vectors", import.meta.url));

/** Recordings of 64-bit code are of another form and are not looked at here. */
const OF_LONG_MODE = /^long\b/;

/** The sample in the repository and, unless `sampleOnly`, the files in VITRINE_SUITES. */
export function vectorFiles(options: { readonly sampleOnly: boolean }): string[] {
  const suites = process.env.VITRINE_SUITES;
  const folders = options.sampleOnly || !suites ? [] : [join(suites, "i386-user"), join(suites, "real-mode-80286")];
  return [SAMPLES, ...folders.filter(existsSync)].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(jsonl|MOO)(\.gz)?$/i.test(name) && !OF_LONG_MODE.test(name))
      .sort()
      .map((name) => join(folder, name)),
  );
}

export type Recorded =
  | { readonly kind: "vector"; readonly file: string; readonly place: string; readonly row: number; readonly vector: Vector }
  | { readonly kind: "capture"; readonly file: string; readonly place: string; readonly row: number; readonly test: MooTest };

export const bytesOf = (hexadecimal: string): Uint8Array =>
  Uint8Array.from(hexadecimal.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** Everything recorded in these files, with the row that the decoder gives it; -1 for none. */
export function* recorded(files: readonly string[], decode: Decode): Generator<Recorded> {
  for (const file of files) {
    const bytes = expand(file, readFileSync(file));
    if (isMoo(bytes))
      for (const test of readMoo(file, bytes)) {
        const row = decode(Uint8Array.from(test.bytes), 16)?.row ?? -1;
        yield { kind: "capture", file, place: `test ${test.index}`, row, test };
      }
    else
      for (const { line, vector } of readVectors(file, bytes)) {
        const row = decode(bytesOf(vector.c), 32)?.row ?? -1;
        yield { kind: "vector", file, place: `line ${line}`, row, vector };
      }
  }
}

export async function decoder(): Promise<Decode> {
  return createDecoder(await decodingCore());
}

/** All names that a row has in assembly, in capitals. */
export function namesOf(row: Row): string[] {
  const names = new Set([row.mnemonic, ...(row.names ?? [])]);
  for (const size of [2, 4] as const) names.add(mnemonicOf(row, size, size, size).toUpperCase());
  return [...names].map((name) => name.toUpperCase());
}

/** Rows of this mnemonic, as indexes. */
export function rowsNamed(mnemonic: string): number[] {
  const wanted = mnemonic.toUpperCase();
  return ROWS.flatMap((row, n) => (namesOf(row).includes(wanted) ? [n] : []));
}

export interface FoundCase {
  readonly set: string;
  readonly one: Case;
}

/** Bare-metal cases whose code has one of these mnemonics. */
export function casesWith(names: readonly string[]): FoundCase[] {
  const word = new RegExp(`\\b(${names.join("|")})\\b`, "i");
  return Object.entries(CASE_SETS).flatMap(([set, cases]) => cases.filter(({ code }) => word.test(code)).map((one) => ({ set, one })));
}

/** Opcode as the SDM's maps have it: "0F A4", "80 /5", "F2 0F 38 F0". */
export function opcodeText(row: Row): string {
  const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0");
  const map = ["", "", "0F ", "0F 38 ", "0F 3A "][row.map];
  const prefix = row.prefix && row.prefix !== "none" ? `${row.prefix} ` : "";
  return `${prefix}${map}${hex(row.opcode)}${row.reg === undefined ? "" : ` /${row.reg}`}${row.rm === undefined ? "" : ` rm ${row.rm}`}`;
}

/** Is it run by Emit's own code, or does translated code call the same function? */
export const isStagedRow = (row: Row): boolean => row.form !== undefined && row.form !== "helper" && row.form !== "vector";

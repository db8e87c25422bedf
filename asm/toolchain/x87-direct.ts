/**
 * Which x87 rows translated code calls directly: those on registers, whose meaning needs only the instruction, and those on
 * memory for whose meaning there is an entry `…_AT` that takes the operand's host address. asm/jit/x87.ts writes the calls.
 */
import type { Row } from "../isa/row";

const binding = (row: Row): string => row.binding ?? row.mnemonic;
const sizeOf = (row: Row): number => {
  const memory = row.operands.map((operand) => /^m(16|32|64)(?:fp|int)$/.exec(operand)).find((match) => match);
  return memory ? Number(memory[1]) / 8 : 0;
};
const isRegister = (row: Row): boolean => row.operands.every((operand) => operand === "ST0" || operand === "STi");

/** Name of the function that is called for a row. */
function functionOf(row: Row, known: ReadonlyMap<string, string>): string | undefined {
  if (row.unit !== "x87") return undefined;
  const name = isRegister(row) ? binding(row) : `${binding(row)}_AT`;
  return known.has(name) && (isRegister(row) || sizeOf(row) > 0) ? name : undefined;
}
const functionsOf = (rows: readonly Row[], known: ReadonlyMap<string, string>): string[] => [
  ...new Set(rows.flatMap((row) => functionOf(row, known) ?? [])),
];

/** Per row: 0, or number of its function + 1, size of its memory operand << 8, 1 << 12 if that is written. */
export function directRows(rows: readonly Row[], known: ReadonlyMap<string, string>): number[] {
  const functions = functionsOf(rows, known);
  if (functions.length > 255) throw new Error(`x87: ${functions.length} functions to call directly, at most 255`);
  return rows.map((row) => {
    const name = functionOf(row, known);
    return name === undefined
      ? 0
      : (functions.indexOf(name) + 1) | (sizeOf(row) << 8) | (sizeOf(row) > 0 && /^FI?ST/.test(binding(row)) ? 1 << 12 : 0);
  });
}

/** `semantics/direct.generated.ts`: table indexes of the functions, by number. */
export function printDirect(rows: readonly Row[], known: ReadonlyMap<string, string>): string {
  const functions = functionsOf(rows, known);
  const modules = new Map<string, string[]>();
  for (const name of functions) modules.set(known.get(name) as string, [...(modules.get(known.get(name) as string) ?? []), name]);
  return [
    "// Generated from asm/isa/ by asm/toolchain/x87-direct.ts. Do not edit.",
    ...[...modules].map(([module, names]) => `import { ${names.sort().join(", ")} } from "${module}";`),
    "",
    "/** Table index of each function that translated code calls directly. */",
    `export const DIRECT: StaticArray<u32> = [${functions.map((name) => `${name}.index`).join(", ")}];`,
    "",
  ].join("\n");
}

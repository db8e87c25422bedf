/** `npm run test:cpu -- SHLD`: everything there is for one mnemonic; what it does is in tests/cpu/one-mnemonic.ts. */
import { join } from "node:path";
import { runnerImport } from "vite";
import { ROOT } from "./lib/paths.mjs";

const HELP = `usage: npm run test:cpu -- MNEMONIC…

Runs all there is for an instruction: recordings of real processors (the sample in the repository, and whole sets from the folder
in VITRINE_SUITES), bare-metal programs, and random states through both backends. Says the first difference as a sentence with the
instruction's row and its rule. The core must have been built: npm run build:core -- --dev.

  npm run test:cpu -- SHLD
  npm run test:cpu -- add adc pshufb

Exit status: 0 all passed, 1 a difference, 2 no such instruction.
`;

const names = process.argv.slice(2);
if (names.length === 0 || names.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(names.length === 0 ? 2 : 0);
}
const { module } = await runnerImport(join(ROOT, "tests/cpu/one-mnemonic.ts"), { root: ROOT, configFile: false, logLevel: "error" });
let status = 0;
for (const name of names) {
  const report = await module.testMnemonic(name);
  if (!report) {
    const similar = module.similarMnemonics(name).join(" ");
    process.stderr.write(`test:cpu: there is no instruction "${name}"${similar ? `; there are ${similar}` : ""}\n`);
    process.exit(2);
  }
  console.log(`${name.toUpperCase()}\n${report.lines.map((line) => `  ${line}`).join("\n")}`);
  for (const failure of report.failures.slice(0, 3)) console.log(`  FAILED: ${failure}`);
  if (report.failures.length > 3) console.log(`  … and ${report.failures.length - 3} more`);
  if (report.failures.length > 0) status = 1;
}
process.exit(status);

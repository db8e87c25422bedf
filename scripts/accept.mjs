/**
 * `npm run accept -- 2.6`: one acceptance line at full count (line 6 of issue 2). Prints its figure in one line, appends it
 * to docs/acceptance.json, and ends with exit status 0 if the line holds, 1 if it does not. docs/acceptance.md explains.
 */
import { loadavg } from "node:os";
import { LINES, linesNamed } from "./accept/lines.mjs";
import { latest, record } from "./accept/record.mjs";
import { prepare } from "./accept/tools.mjs";

const HELP = `usage: npm run accept -- LINE… [--no-build] [--no-record]
       npm run accept -- --list

Shows acceptance lines at full count: 2.6 is line 6 of issue 2, 2 all lines of that issue, all every line there is.
The first issue's own text counts itself as 1; 1.6 is the same line as 2.6. Several lines end with a table.
Exit status 0 if all hold, 1 if one does not.
  --no-build    take dist/ as it is
  --no-record   leave docs/acceptance.json as it is
  --list        the last recorded figure of each line, without measuring anything

${LINES.map(({ line, title }) => `  ${line.padEnd(6)}${title}`).join("\n")}
`;
const FLAGS = ["--no-build", "--no-record", "--list"];

const args = process.argv.slice(2);
if (args.length === 0 || args.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(args.length === 0 ? 2 : 0);
}
const wanted = args.filter((arg) => !arg.startsWith("--"));
const unknown = args.find((arg) => arg.startsWith("--") && !FLAGS.includes(arg)) ?? wanted.find((name) => linesNamed(name).length === 0);
if (unknown !== undefined || (wanted.length === 0 && !args.includes("--list"))) {
  process.stderr.write(`accept: ${unknown ?? "no line"} is not known\n${HELP}`);
  process.exit(2);
}
const named = new Set(wanted.flatMap(linesNamed));
const chosen = named.size > 0 ? LINES.filter((line) => named.has(line)) : LINES;

function table(rows) {
  for (const [line, holds, figure] of rows) console.log(`${line.padEnd(6)}${holds.padEnd(16)}${figure}`);
}
const word = (passed) => (passed ? "holds" : "DOES NOT HOLD");

if (args.includes("--list")) {
  const known = latest();
  table(
    chosen.map(({ line, title }) => {
      const last = known.get(line);
      return last ? [line, word(last.passed), `${last.commit} ${last.date.slice(0, 16)}  ${last.figure}`] : [line, "not recorded", title];
    }),
  );
  process.exit(0);
}

/** An error is a line that does not hold; its first line is the figure. */
async function show({ line, run }) {
  const started = performance.now();
  const loadBefore = loadavg()[0];
  let result;
  try {
    result = await run();
  } catch (error) {
    result = { passed: false, figure: String(error instanceof Error ? error.message : error).split("\n")[0] };
    console.error(error);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`${line} ${word(result.passed)}: ${result.figure} (${seconds} s)`);
  if (!args.includes("--no-record")) record(line, { ...result, seconds, loadBefore });
  return [line, word(result.passed), result.figure];
}

prepare({ build: !args.includes("--no-build") });
const rows = [];
for (const line of chosen) rows.push(await show(line));
if (rows.length > 1) {
  console.log("");
  table(rows);
}
process.exit(rows.every(([, holds]) => holds === word(true)) ? 0 : 1);

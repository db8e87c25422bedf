/**
 * `npm run accept -- 1.6`: one acceptance line of milestone 1, "Boot a real Linux", at full count. Prints its figure in one
 * line, appends it to docs/acceptance.json, and ends with exit status 0 if the line holds, 1 if it does not.
 */
import { LINES } from "./accept/lines.mjs";
import { record } from "./accept/record.mjs";
import { prepare } from "./accept/tools.mjs";

const HELP = `usage: npm run accept -- LINE… [--no-build] [--no-record]

Shows acceptance lines at full count; 1 stands for all of them. Exit status 0 if all hold, 1 if one does not.
  --no-build    take dist/ as it is
  --no-record   leave docs/acceptance.json as it is

${LINES.map(({ line, title }) => `  ${line.padEnd(6)}${title}`).join("\n")}
`;
const FLAGS = ["--no-build", "--no-record"];

const args = process.argv.slice(2);
if (args.length === 0 || args.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(args.length === 0 ? 2 : 0);
}
const wanted = args.filter((arg) => !arg.startsWith("--"));
const chosen = wanted.includes("1") ? LINES : LINES.filter(({ line }) => wanted.includes(line));
const unknown =
  args.find((arg) => arg.startsWith("--") && !FLAGS.includes(arg)) ??
  wanted.find((arg) => arg !== "1" && !LINES.some(({ line }) => line === arg));
if (unknown !== undefined || chosen.length === 0) {
  process.stderr.write(`accept: ${unknown ?? "no line"} is not known\n${HELP}`);
  process.exit(2);
}

/** An error is a line that does not hold; its first line is the figure. */
async function show({ line, run }) {
  const started = performance.now();
  let result;
  try {
    result = await run();
  } catch (error) {
    result = { passed: false, figure: String(error instanceof Error ? error.message : error).split("\n")[0] };
    console.error(error);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${line} ${result.passed ? "holds" : "DOES NOT HOLD"}: ${result.figure} (${seconds} s)`);
  if (!args.includes("--no-record")) record(line, result);
  return result.passed;
}

prepare({ build: !args.includes("--no-build") });
let holds = true;
for (const line of chosen) holds = (await show(line)) && holds;
process.exit(holds ? 0 : 1);

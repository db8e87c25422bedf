/** Issue 3, "Share and see": the lines about snapshots. */
import { page } from "./page.mjs";
import { guest, load, verdict } from "./tools.mjs";

const INSTANTS = 200;
const MUTANTS = 2000;

async function instants() {
  const { checkInstants } = await load("tests/snapshot/instants.ts");
  const { unequalFiles, unequalStates, largestFile } = await checkInstants(await guest("debian"), INSTANTS);
  if (unequalFiles.length + unequalStates.length > 0) console.error({ unequalFiles, unequalStates });
  return verdict(
    { "equal bytes": unequalFiles.length === 0, "the run that never stopped": unequalStates.length === 0 },
    `${INSTANTS} instants of Debian's boot: save, load, save gives equal bytes at ${INSTANTS - unequalFiles.length}, the same state hash 10 million instructions later at ${INSTANTS - unequalStates.length}; largest file ${(largestFile / 1e6).toFixed(1)} MB`,
  );
}

async function hostileFiles() {
  const { mutants, tryMutant } = await load("tests/snapshot/mutations.ts");
  const { boot, snapshotBytes } = await load("tests/snapshot/small-machine.ts");
  const machine = await boot("teaching");
  await machine.run({ instructions: 200_000 });
  const whole = await snapshotBytes(machine, { components: [{ id: "x", licence: "MIT", files: [] }] });
  const outcomes = { refused: 0, loaded: 0 };
  let objections = 0;
  let longest = 0;
  for await (const mutant of mutants(whole, MUTANTS)) {
    const { outcome, objection, ms } = await tryMutant(mutant);
    outcomes[outcome]++;
    longest = Math.max(longest, ms);
    if (objection) {
      objections++;
      console.error(`${mutant.name}: ${objection}`);
    }
  }
  return verdict(
    { "typed and clear": objections === 0 },
    `${MUTANTS} damaged and forged files: ${outcomes.refused} refused with their reason, ${outcomes.loaded} loaded and ran, ${objections} otherwise; the longest took ${Math.round(longest)} ms`,
  );
}

/** Titles of page tests. */
const SNAPSHOTS = [
  "Debian with a disk: variable and file survive",
  "a machine that was saved goes on in a fresh profile and in Node",
  "opens an address of another origin that allows it",
  "names the header that is missing",
];

export const SHARE = [
  { line: "3.1", title: "saved in the page, resumed in a fresh profile, in Node and from another origin", run: () => page(...SNAPSHOTS) },
  { line: "3.2", title: "save, load, save gives equal bytes at 200 instants; the run that never stopped", run: instants },
  { line: "3.3", title: "2,000 tampered, truncated, newer, oversized or empty snapshots are refused", run: hostileFiles },
];

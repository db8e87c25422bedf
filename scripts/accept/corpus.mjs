/** Line 2.10: truncated and random files, each given to a `vitrine run` of its own. */
import { guest, load, verdict } from "./tools.mjs";

const CUTS = 24;
const RANDOM_FILES = 20;
const LEAST = 200;

export async function badFiles() {
  const { corpus } = await load("tests/corpus/files.ts");
  const { builtInOriginals, preparedOriginals } = await load("tests/corpus/originals.ts");
  const { tryAll } = await load("tests/corpus/verdict.ts");
  const debian = await guest("debian");
  const originals = [...builtInOriginals(), ...preparedOriginals(debian, await guest("memtest"))];
  const tried = await tryAll(corpus(originals, CUTS, RANDOM_FILES), debian.files.kernel.file);
  const bad = tried.filter(({ objection }) => objection);
  for (const { file, objection } of bad) console.error(`${file.role}, ${file.name}: ${objection}`);
  const by = (status) => tried.filter(({ finished }) => finished.status === status).length;
  const longest = Math.max(...tried.map(({ finished }) => finished.seconds));
  const conditions = { [`at least ${LEAST} files`]: tried.length >= LEAST, "one clear line each": bad.length === 0 };
  return verdict(
    conditions,
    `${tried.length} files, ${by(2)} end with status 2 and ${by(3)} with 3, ${bad.length} otherwise; the longest took ${longest.toFixed(1)} s`,
  );
}

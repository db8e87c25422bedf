/** Issue 8's lines about snapshots: beside v86, at many instants, and files that strangers made. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { guest, load, median, verdict } from "./tools.mjs";

const INSTANTS = 1000;
const LINUX_GUESTS = ["debian", "debian-pae"];
/** 100,000 in all. */
const FORGED = { snapshots: 60_000, images: 30_000, texts: 10_000 };
const MOST_RSS_MB = 1500;
const MEMORY_MB = 256;
const ANSWERS = 5;

function side(...args) {
  const script = join(ROOT, "scripts/accept/snapshot-side.mjs");
  const { stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", script, ...args], { encoding: "utf8", timeout: 900_000 });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) throw new Error(stderr || line);
  console.error(`${args[0]} ${args[1]} ${line}`);
  return JSON.parse(line);
}

async function besideV86() {
  const { findSeabios } = await load("tests/boot/seabios.ts");
  const { PROMPT } = await load("tests/boot/prepared-guests.ts");
  const { bios, vgabios } = await findSeabios();
  const { files, commandLine } = await guest("debian");
  const images = ["--kernel", files.kernel.file, "--initrd", files.initrd.file, "--append", commandLine];
  const options = [...images, "--memory", String(MEMORY_MB), "--prompt", PROMPT];
  const firmware = ["--bios", bios, "--vgabios", vgabios];
  const folder = mkdtempSync(join(tmpdir(), "vitrine-beside-"));
  try {
    const [mine, theirs] = [join(folder, "ours.vitrine"), join(folder, "v86.bin")];
    const ours = side("ours", "save", mine, ...options);
    const v86 = side("v86", "save", theirs, ...options, ...firmware);
    const answers = { ours: [], v86: [] };
    let loadAboveMb = 0;
    for (let n = 0; n < ANSWERS; n++) {
      const { answerMs, loadAboveMb: above } = side("ours", "answer", mine);
      answers.ours.push(answerMs);
      loadAboveMb = Math.max(loadAboveMb, above);
      answers.v86.push(side("v86", "answer", theirs, ...options, ...firmware).answerMs);
    }
    const share = ours.bytes / v86.bytes;
    const answer = { ours: median(answers.ours), v86: median(answers.v86) };
    const mb = (bytes) => (bytes / 1e6).toFixed(1);
    return verdict(
      {
        "at most 0.4 of v86's size": share <= 0.4,
        "paused at most 50 ms": ours.pauseMs <= 50 && ours.incrementalPauseMs <= 50,
        "answering no later": answer.ours <= answer.v86,
        "100 MB of memory for saving": ours.saveAboveMb <= 100,
        "100 MB of memory for loading": loadAboveMb - MEMORY_MB <= 100,
        "an increment under 200 KB": ours.incrementalBytes < 200e3,
      },
      `${MEMORY_MB} MB at a shell: file ${mb(ours.bytes)} MB, v86's ${mb(v86.bytes)} MB (${share.toFixed(2)}); longest pause while saving ${ours.pauseMs.toFixed(0)} ms, v86 ${v86.pauseMs.toFixed(0)} ms; a fresh process answers after ${answer.ours.toFixed(0)} ms, v86's after ${answer.v86.toFixed(0)} ms; memory while saving +${ours.saveAboveMb.toFixed(0)} MB, v86 +${v86.saveAboveMb.toFixed(0)} MB, while loading +${loadAboveMb.toFixed(0)} MB with the machine's own; 5 s later ${(ours.incrementalBytes / 1e3).toFixed(0)} KB`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function instants() {
  const { checkInstants } = await load("tests/snapshot/instants.ts");
  const conditions = {};
  const figures = [];
  for (const id of LINUX_GUESTS) {
    const { unequalFiles, unequalStates } = await checkInstants(await guest(id), INSTANTS);
    if (unequalFiles.length + unequalStates.length > 0) console.error(id, { unequalFiles, unequalStates });
    conditions[`${id}: equal bytes`] = unequalFiles.length === 0;
    conditions[`${id}: the run that never stopped`] = unequalStates.length === 0;
    figures.push(`${id} ${INSTANTS - unequalFiles.length} and ${INSTANTS - unequalStates.length}`);
  }
  return verdict(
    conditions,
    `of ${INSTANTS} instants each, equal bytes and the same state 10 million instructions later: ${figures.join(", ")}`,
  );
}

async function forged() {
  const { mutants, tryMutant } = await load("tests/snapshot/mutations.ts");
  const { boot, snapshotBytes } = await load("tests/snapshot/small-machine.ts");
  const { tryForgedImages } = await load("tests/storage/forged-images.ts");
  const { tryForgedTexts } = await load("tests/snapshot/forged-texts.ts");
  const machine = await boot("teaching");
  await machine.run({ instructions: 200_000 });
  const whole = await snapshotBytes(machine, { components: [{ id: "x", licence: "MIT", files: [] }] });
  const snapshots = { refused: 0, read: 0, longestMs: 0, objections: [] };
  let rss = 0;
  for await (const mutant of mutants(whole, FORGED.snapshots, 8)) {
    const { outcome, objection, ms } = await tryMutant(mutant);
    snapshots[outcome === "loaded" ? "read" : "refused"]++;
    snapshots.longestMs = Math.max(snapshots.longestMs, ms);
    if (objection) snapshots.objections.push(`${mutant.name}: ${objection}`);
    rss = Math.max(rss, process.memoryUsage.rss() / 1e6);
  }
  const disk = Uint8Array.from({ length: 0x180000 }, (_, n) => ((n >> 16) % 3 === 0 ? 0 : n * 7));
  const reports = { snapshots, images: await tryForgedImages(disk, FORGED.images, 8), texts: await tryForgedTexts(FORGED.texts, 8) };
  rss = Math.max(rss, process.memoryUsage.rss() / 1e6);
  const objections = Object.values(reports).flatMap((report) => report.objections);
  for (const objection of objections.slice(0, 50)) console.error(objection);
  const text = Object.entries(reports).map(
    ([what, { refused, read, longestMs }]) => `${what} ${refused} refused, ${read} read, the longest ${Math.round(longestMs)} ms`,
  );
  return verdict(
    { "a typed error or a correct load": objections.length === 0, [`within ${MOST_RSS_MB} MB`]: rss <= MOST_RSS_MB },
    `${text.join("; ")}; ${objections.length} otherwise; at most ${Math.round(rss)} MB of memory`,
  );
}

export const SNAPSHOTS = [
  { line: "8.2", title: "a snapshot beside v86's: size, pause, memory, how soon a fresh process answers, the next one", run: besideV86 },
  { line: "8.4", title: "save, load, save gives equal bytes at 1,000 instants; the run that never stopped", run: instants },
  { line: "8.6", title: "100,000 damaged and forged snapshots, disk images, heads and links", run: forged },
];

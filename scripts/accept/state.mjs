/** Lines 2.7 to 2.9: the state hash, the shadow tables, the exits. */
import { guest, load, verdict } from "./tools.mjs";

const million = (n) => `${(n / 1e6).toFixed(1)} million`;

/** Boots by the command line, saved and moved boots and flipped bits in this process. */
export async function determinism() {
  const { vitrineRun } = await load("tests/boot/command-line.ts");
  const { PROMPT } = await load("tests/boot/prepared-guests.ts");
  const boot = ["--guest", "debian", "--clock", "deterministic", "--until", PROMPT, "--timeout", "900"];
  const ends = [];
  for (const slice of [[], [], ["--slice", "1000"], ["--slice", "1000000"], ["--slice", "12347"]]) {
    const { status, stats } = await vitrineRun([...boot, ...slice]);
    ends.push({ status, hash: stats?.stateHash, instructions: stats?.instructions });
  }
  const same = (list) => list.every((end) => end.status === 0 && end.hash && end.hash === list[0].hash);
  const { bootTo } = await load("tests/determinism/boots.ts");
  const moved = [];
  for (const id of ["debian", "debian-pae"]) {
    const files = await guest(id);
    const moves = [5_000_000, 50_000_000, 123_456_789, 250_000_001];
    const [straight, interrupted] = [await bootTo(files), await bootTo(files, { moveAt: moves })];
    moved.push(straight.reachedPrompt && straight.hash === interrupted.hash);
  }
  const { teachingUnderWay, flipRam, ramAddresses, flipRegisters, flipFlags, flipDevices } = await load("tests/determinism/flips.ts");
  const booted = await teachingUnderWay();
  const flips = {
    "RAM byte": await flipRam(booted, ramAddresses(1)),
    "register bit": await flipRegisters(booted, false),
    "arithmetic flag": await flipFlags(booted),
    "device field": await flipDevices(booted, false),
  };
  const conditions = {
    "the same twice": same(ends.slice(0, 2)),
    "the same in slices": same(ends),
    "the same when saved and loaded on the way": moved.every(Boolean),
  };
  for (const [what, { unseen }] of Object.entries(flips)) {
    conditions[`changed by every ${what}`] = unseen.length === 0;
    if (unseen.length > 0) console.error(`${what}: ${unseen.join("; ")}`);
  }
  const counted = Object.entries(flips).map(([what, report]) => `${report.flips} ${what}s`);
  return verdict(
    conditions,
    `5 boots of ${million(ends[0].instructions)} instructions (whole, whole, slices of 1000, of 1,000,000 and of 12,347) end in ${ends[0].hash?.slice(0, 16)}…; ` +
      `2 kernels the same when moved 4 times on the way; the hash sees ${counted.join(", ")}`,
  );
}

const EVERY = 100_000;
/** Pipe between two processes of Debian, after as many of warm-up. */
const PIPE_INSTRUCTIONS = 50_000_000;

export async function shadow() {
  const { checkedBoot } = await load("tests/shadow/checked-boot.ts");
  const { MUTATIONS, runMutation } = await load("tests/shadow/seeded-mutations.ts");
  const { switchCost, linuxSwitchCost, freedTableCost } = await load("tests/shadow/costs.ts");
  const { bootWithAbsentFrames, bootWithAllFrames } = await load("tests/shadow/absent-frames.ts");
  const guests = { debian: await guest("debian"), "debian-pae": await guest("debian-pae") };
  const conditions = {};
  let checks = 0;
  for (const [id, files] of Object.entries(guests)) {
    const boot = await checkedBoot(files, { every: EVERY });
    checks += boot.checks;
    conditions[`without a finding in ${id}`] = boot.reachedPrompt && !boot.finding;
    if (boot.finding) console.error(id, boot.finding);
  }
  for (const mutation of MUTATIONS) {
    const { sound, seeded } = await runMutation(mutation, guests[mutation.guest], EVERY);
    conditions[`failing on "${mutation.name}"`] = seeded !== undefined && sound === undefined;
    console.error(
      `${mutation.name}: ${seeded ? `finding ${seeded.what} after ${million(seeded.instructions)} instructions` : "no finding"}`,
    );
  }
  const pingpong = await switchCost(5000);
  const pipe = await linuxSwitchCost(guests.debian, PIPE_INSTRUCTIONS, "keep");
  const flushed = await linuxSwitchCost(guests.debian, PIPE_INSTRUCTIONS, "flush");
  conditions["at most 2 hidden faults a switch"] = pingpong.hiddenFaultsPerSwitch <= 2 && pipe.hiddenFaultsPerSwitch <= 2;
  const freed = await freedTableCost();
  conditions["free of slow stores after 64"] = freed.tracked <= 64 && freed.later === 0;
  const all = await bootWithAllFrames(guests.debian);
  const absent = await bootWithAbsentFrames(guests.debian, 1);
  conditions["the same with absent frames"] = all.reachedPrompt && absent.hash === all.hash;
  return verdict(
    conditions,
    `${checks} checks every ${EVERY} instructions without a finding (686 and 686-pae), ${MUTATIONS.length} seeded mutations found; ` +
      `hidden faults a switch: ping-pong ${pingpong.hiddenFaultsPerSwitch}, Debian's pipe ${pipe.hiddenFaultsPerSwitch.toFixed(3)} (flushing ${flushed.hiddenFaultsPerSwitch.toFixed(1)}); ` +
      `a freed page table is slow for ${freed.tracked} stores, then ${freed.later} in 8000; ${absent.frames} absent frames delivered late, same hash`,
  );
}

const COUNTS = [
  { cpuid: 100, in: 7, out: 5, movcr3: 3, invlpg: 9, hlt: 4, rdmsr: 6, pf: 11 },
  { cpuid: 12345, in: 2345, out: 3456, movcr3: 4567, invlpg: 5678, hlt: 67, rdmsr: 7890, pf: 8901 },
  { cpuid: 0, in: 1, out: 2, movcr3: 0, invlpg: 0, hlt: 1, rdmsr: 0, pf: 0 },
];

export async function exits() {
  const { vitrineRun } = await load("tests/boot/command-line.ts");
  const { countByRing, exitsCommandLine, expectedExits, sumOf } = await load("tests/boot/exits.ts");
  const conditions = {};
  let total = 0;
  for (const counts of COUNTS) {
    const name = exitsCommandLine(counts);
    const { status, stats } = await vitrineRun(["--guest", "exits", "--append", name, "--clock", "deterministic", "--timeout", "60"]);
    const { ring, movCr3 } = await countByRing(counts);
    const expected = Object.entries(expectedExits(counts));
    conditions[`exact in --stats (${name})`] = status === 0 && expected.every(([reason, count]) => stats.exits[reason] === count);
    conditions[`equal to the ring (${name})`] =
      movCr3 === counts.movcr3 && Object.entries(stats.exits).every(([reason, count]) => ring[reason] === count);
    conditions[`the sum of the reasons (${name})`] = sumOf(stats.exits) === stats.exitsTotal;
    total += stats.exitsTotal;
  }
  return verdict(
    conditions,
    `${COUNTS.length} command lines, ${total} exits: --stats, event ring and command line agree, totals are the sums`,
  );
}

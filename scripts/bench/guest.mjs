/**
 * The bench guest: the prepared Debian guest's kernel and initrd, with a second archive behind the initrd that holds the
 * compiled programs of tests/bench/programs. Kept under dist/bench, by what it is made of.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { guest, load } from "../accept/tools.mjs";
import { DIST, ROOT } from "../lib/paths.mjs";

const PROGRAMS = join(ROOT, "tests/bench/programs");
const COMMON = "-m32 -static -O2 -march=i686 -fno-pie -fcf-protection=none -fno-tree-vectorize -fno-math-errno".split(" ");
/** Object → source and options of its own. */
const OBJECTS = {
  main: ["main.c"],
  integer: ["integer.c"],
  memory: ["memory.c"],
  system: ["system.c"],
  simd: ["simd.c", "-msse2"],
  orbit387: ["orbit.c", "-DNAME=nbody387", "-mfpmath=387", "-mno-sse"],
  orbitSse: ["orbit.c", "-DNAME=nbodysse", "-msse2", "-mfpmath=sse"],
};
/** Functions of `bigcode`: more code than any cache of translations likes. */
const FUNCTIONS = 4000;

/** C source of FUNCTIONS different functions, each called once a round. */
export function bigcode() {
  let seed = 7;
  const pick = (most) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % most;
  };
  const statements = [
    () => `x = x * ${pick(1 << 20) * 2 + 1}u + m[${pick(64)}];`,
    () => `if (x & ${1 << pick(16)}) x ^= ${pick(1 << 20)}u; else x += m[${pick(64)}];`,
    () => `x = x << ${pick(15) + 1} | x >> 16; m[${pick(64)}] += x;`,
    () => "for (int i = 0; i < 3; i++) x = x >> 1 ^ m[(x + i) & 63];",
    () => `x -= m[${pick(64)}] ^ ${pick(1 << 20)}u;`,
  ];
  const bodies = Array.from({ length: FUNCTIONS }, (_, n) => {
    const lines = Array.from({ length: 3 + pick(6) }, () => statements[pick(statements.length)]());
    return `__attribute__((noinline)) static uint32_t f${n}(uint32_t x, uint32_t *m) { ${lines.join(" ")} return x; }`;
  });
  const names = bodies.map((_, n) => `f${n}`).join(", ");
  return `#include "bench.h"
${bodies.join("\n")}
static uint32_t (*const all[])(uint32_t, uint32_t *) = {${names}};
uint32_t bigcode(uint32_t rounds) {
  static uint32_t m[64];
  uint32_t x = 1;
  while (rounds-- > 0) for (int n = 0; n < ${FUNCTIONS}; n++) x = all[n](x, m);
  return x ^ m[0];
}
`;
}

function gcc(...args) {
  const { status, stderr, error } = spawnSync("gcc", args, { encoding: "utf8", cwd: PROGRAMS });
  if (status !== 0) throw new Error(`the bench guest needs gcc with 32-bit libraries (gcc-multilib): ${error?.message ?? stderr}`);
}

/** Paths of the guest's images, its command line and memory. Throws if gcc or the prepared guest is missing. */
export async function benchGuest() {
  const { files, commandLine } = await guest("debian");
  const sources = readdirSync(PROGRAMS).map((name) => readFileSync(join(PROGRAMS, name)));
  const hash = createHash("sha256");
  for (const part of [...sources, bigcode(), JSON.stringify([COMMON, OBJECTS]), readFileSync(files.initrd.file)]) hash.update(part);
  const folder = join(DIST, "bench", hash.digest("hex").slice(0, 16));
  const initrd = join(folder, "initrd.gz");
  if (!existsSync(initrd)) {
    mkdirSync(folder, { recursive: true });
    const objects = Object.entries(OBJECTS).map(([name, [source, ...options]]) => {
      gcc(...COMMON, ...options, "-c", source, "-o", join(folder, `${name}.o`));
      return join(folder, `${name}.o`);
    });
    writeFileSync(join(folder, "bigcode.c"), bigcode());
    gcc(...COMMON, "-O1", `-I${PROGRAMS}`, "-c", join(folder, "bigcode.c"), "-o", join(folder, "bigcode.o"));
    gcc("-m32", "-static", "-s", ...objects, join(folder, "bigcode.o"), "-o", join(folder, "bench"));
    const { writeCpio } = await load("web/guests/cpio.ts");
    const archive = writeCpio([
      { type: "directory", path: "bench", mode: 0o755 },
      { type: "file", path: "bench/bench", mode: 0o755, data: readFileSync(join(folder, "bench")) },
    ]);
    writeFileSync(initrd, Buffer.concat([readFileSync(files.initrd.file), gzipSync(archive, { level: 9 })]));
  }
  const memoryMb = Math.max(256, files.memoryMb);
  return { kernel: files.kernel.file, vmlinux: files.vmlinux?.file, initrd, commandLine: `${commandLine} mitigations=off`, memoryMb };
}

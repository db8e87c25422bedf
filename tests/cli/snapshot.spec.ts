/** Snapshots on the command line: `run --save-snapshot`, `--load-snapshot`, and the verb `snapshot`; on the real core. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sizeText } from "../../web/lib/size-text";
import { main } from "../../web/node/cli";
import { nodeEnvironment } from "../../web/node/node-environment";
import { coreWasm } from "../tools/core";

const environment = nodeEnvironment();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-snapshot-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): string => join(folder, name);

/** The real environment with what it prints kept, and no keyboard. */
async function vitrine(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const status = await main(argv, {
    ...environment,
    terminal: false,
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    writeOutput: (bytes) => void out.push(Buffer.from(bytes).toString("latin1")),
    openKeyboard: () => ({ isTerminal: false, onData: () => {}, close: () => {} }),
    onInterrupt: () => {},
    loadWasm: async () => coreWasm(),
  });
  return { status, out: out.join(""), err: err.join("") };
}

const teaching = (...rest: string[]): Promise<{ status: number; out: string; err: string }> =>
  vitrine("run", "--guest", "teaching", "--memory", "16", "--clock", "deterministic", ...rest);

describe("run", () => {
  it("saves at the end, whatever ended it, and goes on to the same end as a run that never stopped", async () => {
    const whole = await teaching("--stats", file("whole.json"));
    expect(whole.status).toBe(0);
    const saved = await teaching("--max-insns", "600000", "--save-snapshot", file("half.vitrine"));
    expect([saved.status, saved.err]).toEqual([
      0,
      expect.stringMatching(/^vitrine: saved .*half\.vitrine \(\d+ KB\); it holds all of the machine's memory/),
    ]);
    const rest = await vitrine(
      "run",
      "--load-snapshot",
      file("half.vitrine"),
      "--stats",
      file("rest.json"),
      "--save-snapshot",
      file("end.vitrine"),
    );
    expect(rest.status).toBe(0);
    expect(saved.out + rest.out).toBe(whole.out);
    const hashOf = (name: string): string => (JSON.parse(readFileSync(file(name), "utf8")) as { stateHash: string }).stateHash;
    expect(hashOf("rest.json")).toBe(hashOf("whole.json"));
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("takes options that agree with the file, and refuses those that contradict it", async () => {
    await teaching("--max-insns", "1000", "--save-snapshot", file("a.vitrine"));
    const load = ["run", "--load-snapshot", file("a.vitrine"), "--max-insns", "2000"];
    expect((await vitrine(...load, "--memory", "16", "--clock", "deterministic", "--guest", "teaching")).status).toBe(0);
    for (const [args, message] of [
      [["--memory", "32"], /--memory 32 contradicts --load-snapshot: the snapshot's machine has 16; leave --memory out/],
      [["--clock", "real"], /--clock real contradicts .* has deterministic=50/],
      [["--cpu", "486"], /--cpu 486 contradicts .* has pentium4/],
      [["--debug-exit", "0xf4"], /--debug-exit 244 contradicts .* has none/],
      [["--guest", "hello"], /boot: the image has SHA-256 .* but the snapshot's machine booted from one with/],
    ] as const) {
      const { status, err } = await vitrine(...load, ...args);
      expect([status, err]).toEqual([2, expect.stringMatching(message)]);
      expect(err).toMatch(/^vitrine run: [^\n]+\n$/);
    }
  });

  it("leaves an older file as it was when saving fails or nothing runs", async () => {
    writeFileSync(file("kept.vitrine"), "precious");
    const { status } = await vitrine("run", "--image", file("missing"), "--save-snapshot", file("kept.vitrine"));
    expect([status, readFileSync(file("kept.vitrine"), "utf8"), existsSync(file("kept.vitrine.part"))]).toEqual([2, "precious", false]);
  });
});

describe("snapshot", () => {
  it("info shows the machine, its guests and their licences, for people and for programs", async () => {
    await teaching("--max-insns", "600000", "--save-snapshot", file("i.vitrine"));
    const { status, out } = await vitrine("snapshot", "info", file("i.vitrine"));
    expect(status).toBe(0);
    expect(out).toMatch(/^title +Teaching kernel$/m);
    expect(out).toMatch(/^machine +16 MB, pentium4, deterministic, 50 ticks a microsecond$/m);
    expect(out).toMatch(/^components +teaching: MIT$/m);
    expect(out).toMatch(/^instructions +600,000$/m);
    const json = JSON.parse((await vitrine("snapshot", "info", "--json", file("i.vitrine"))).out);
    expect(json).toMatchObject({ manifest: { instructions: 600000, parent: null }, ramPages: { parent: 0 } });
  });

  it("verify reads every byte", async () => {
    await teaching("--max-insns", "500", "--save-snapshot", file("v.vitrine"));
    expect(await vitrine("snapshot", "verify", file("v.vitrine"))).toMatchObject({
      status: 0,
      out: expect.stringContaining("v.vitrine: whole ("),
    });
    const bytes = readFileSync(file("v.vitrine"));
    bytes[bytes.length - 200]! ^= 1;
    writeFileSync(file("bad.vitrine"), bytes);
    const { status, out, err } = await vitrine("snapshot", "verify", file("v.vitrine"), file("bad.vitrine"));
    expect([status, out, err]).toEqual([
      2,
      expect.stringContaining("v.vitrine: whole"),
      expect.stringMatching(/bad\.vitrine: ram-pages: run 0: .*damaged/),
    ]);
    const json = JSON.parse((await vitrine("snapshot", "verify", "--json", file("v.vitrine"), file("bad.vitrine"))).out);
    expect(json.map(({ ok }: { ok: boolean }) => ok)).toEqual([true, false]);
  });

  it("diff names registers, devices and pages that changed", async () => {
    await teaching("--max-insns", "600000", "--save-snapshot", file("d1.vitrine"));
    await teaching("--max-insns", "600100", "--save-snapshot", file("d2.vitrine"));
    const same = await vitrine("snapshot", "diff", file("d1.vitrine"), file("d1.vitrine"));
    expect([same.status, same.out]).toEqual([0, "no difference\n"]);
    const { status, out } = await vitrine("snapshot", "diff", file("d1.vitrine"), file("d2.vitrine"));
    expect(status).toBe(1);
    expect(out).toMatch(/^instructions: 600000 → 600100$/m);
    expect(out).toMatch(/^cpu\.instructions: [0-9a-f]+ → [0-9a-f]+$/m);
    const json = JSON.parse((await vitrine("snapshot", "diff", "--json", file("d1.vitrine"), file("d2.vitrine"))).out);
    expect(json).toContainEqual({ kind: "manifest", field: "instructions", before: "600000", after: "600100" });
  });

  it("grows a tree of snapshots, which can be shown, compared, flattened and removed", async () => {
    const at = (name: string): string => join(folder, "tree", name);
    mkdirSync(join(folder, "tree"));
    await teaching("--max-insns", "400000", "--save-snapshot", at("root.vitrine"));
    const grow = (from: string, to: string, insns: number) =>
      vitrine("run", "--load-snapshot", at(from), "--max-insns", String(insns), "--save-snapshot", at(to), "--incremental");
    expect(await grow("root.vitrine", "left.vitrine", 600_000)).toMatchObject({ status: 0 });
    expect(await grow("root.vitrine", "right.vitrine", 500_000)).toMatchObject({ status: 0 });
    expect(await grow("left.vitrine", "leaf.vitrine", 700_000)).toMatchObject({ status: 0 });
    const rows = (await vitrine("snapshot", "tree", join(folder, "tree"))).out.trimEnd().split("\n");
    expect(rows.map((row) => row.match(/^ *\S+/)![0])).toEqual(["root.vitrine", "  left.vitrine", "    leaf.vitrine", "  right.vitrine"]);
    // The same state as a run that was saved whole.
    await teaching("--max-insns", "700000", "--save-snapshot", at("whole.vitrine"));
    expect(await vitrine("snapshot", "flatten", at("leaf.vitrine"), at("flat.vitrine"))).toMatchObject({ status: 0 });
    const different = (await vitrine("snapshot", "diff", at("whole.vitrine"), at("flat.vitrine"))).out.trimEnd().split("\n");
    expect(different.filter((row) => !row.startsWith("created: ") && row !== "no difference")).toEqual([]);
    expect((await vitrine("snapshot", "diff", at("leaf.vitrine"), at("flat.vitrine"))).out).toMatch(/^parent: [^\n]+\n$/);
    // What others build upon stays; the preview is what is freed.
    expect(await vitrine("snapshot", "remove", at("left.vitrine"), "--yes")).toMatchObject({
      status: 2,
      err: expect.stringContaining("leaf.vitrine builds upon it"),
    });
    const preview = await vitrine("snapshot", "remove", at("left.vitrine"), "--with-children");
    const bytes = ["left", "leaf"].reduce((sum, name) => sum + readFileSync(at(`${name}.vitrine`)).length, 0);
    expect(preview.out).toContain(`removing them frees ${sizeText(bytes)}; give --yes`);
    expect(readdirSync(join(folder, "tree"))).toHaveLength(6);
    await vitrine("snapshot", "remove", at("left.vitrine"), "--with-children", "--yes");
    expect(readdirSync(join(folder, "tree")).sort()).toEqual(["flat.vitrine", "right.vitrine", "root.vitrine", "whole.vitrine"]);
    rmSync(at("root.vitrine"));
    expect(await vitrine("run", "--load-snapshot", at("right.vitrine"), "--max-insns", "600000")).toMatchObject({
      status: 2,
      err: expect.stringMatching(/right\.vitrine: file: it builds upon the snapshot [0-9a-f]{16}…, which is not in its folder/),
    });
    expect((await vitrine("snapshot", "tree", join(folder, "tree"))).out).toContain("which is not here");
    for (const [args, message] of [
      [["--load-snapshot", at("flat.vitrine"), "--incremental"], /--incremental needs --load-snapshot and --save-snapshot/],
      [["--load-snapshot", at("flat.vitrine"), "--save-snapshot", file("x.vitrine"), "--incremental"], /in one folder/],
      [["--load-snapshot", at("flat.vitrine"), "--save-snapshot", at("flat.vitrine"), "--incremental"], /another name/],
    ] as const)
      expect(await vitrine("run", ...args)).toMatchObject({ status: 2, err: expect.stringMatching(message) });
  });

  it.each([
    [["snapshot"], /^usage: vitrine snapshot/],
    [["snapshot", "frobnicate"], /there is no "frobnicate"; give info, verify, diff, tree, remove or flatten/],
    [["snapshot", "info"], /info needs one file/],
    [["snapshot", "info", "nowhere.vitrine"], /nowhere\.vitrine: no such file/],
    [["snapshot", "info", "--jsno", "x"], /unknown option --jsno/],
    [["snapshot", "diff", "a"], /diff needs two files/],
    [["snapshot", "info", "package.json"], /package\.json: file: it is not a snapshot of Vitrine/],
    [["snapshot", "info", "."], /\.: it is a directory/],
  ])("%j: status 2 and what to do", async (argv, message) => {
    const { status, err } = await vitrine(...argv);
    expect([status, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it("--help explains", async () => {
    expect(await vitrine("snapshot", "--help")).toMatchObject({ status: 0, out: expect.stringMatching(/^usage: vitrine snapshot info/) });
  });
});

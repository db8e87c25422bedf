/** `npm run test:cpu`: what it runs for a mnemonic, and that it tells a difference as a sentence. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterEach, expect, it } from "vitest";
import type { Vector } from "../../web/node/vectors";
import { similarMnemonics, testMnemonic } from "./one-mnemonic";

const SAMPLE = fileURLToPath(new URL("vectors/int.sample.jsonl.gz", import.meta.url));
const suites = process.env.VITRINE_SUITES;
const folders: string[] = [];
afterEach(() => {
  if (suites === undefined) delete process.env.VITRINE_SUITES;
  else process.env.VITRINE_SUITES = suites;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

it("runs recordings, captures, programs and both backends", async () => {
  delete process.env.VITRINE_SUITES;
  const report = (await testMnemonic("shl"))!;
  expect(report.failures).toEqual([]);
  const text = report.lines.join("\n");
  expect(text).toContain('D3 /4 SHL Ev,CL: writes OF SF ZF PF CF; AF undefined; staged (SDM Vol. 2 "SHL")');
  expect(text).toMatch(/recorded vectors: [1-9]\d+ passed, 0 failed; [1-9]\d* of them end in an exception/);
  expect(text).toMatch(/80286 captures: [1-9]\d* passed, 0 failed/);
  expect(text).toMatch(/backends: [1-9]\d{2,} random instructions by Run and by Emit/);
  expect((await testMnemonic("arpl"))!.lines.join("\n")).toMatch(/bare-metal cases: [1-9]\d* passed, 0 failed/);
}, 120_000);

it("tells the first difference as a sentence, with the row's rule", async () => {
  const lines = gunzipSync(readFileSync(SAMPLE)).toString().trim().split("\n");
  const vector = lines.map((line) => JSON.parse(line) as Vector).find(({ c, sig }) => /^0fa4c./.test(c) && sig === undefined)!;
  const folder = mkdtempSync(join(tmpdir(), "vitrine-test-cpu-"));
  folders.push(folder);
  mkdirSync(join(folder, "i386-user"));
  writeFileSync(join(folder, "i386-user/wrong.jsonl"), `${JSON.stringify({ ...vector, e: vector.e + 1 })}\n`);
  process.env.VITRINE_SUITES = folder;
  const { failures } = (await testMnemonic("SHLD"))!;
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(
    /^wrong\.jsonl, line 1: shld e\w+,e\w+,0x\w+ \(0fa4\w+\): EIP \+0*4, expected \+0*5\. Its row is 0F A4 SHLD Ev,Gv,Ib: /,
  );
}, 60_000);

it("knows which mnemonics there are", async () => {
  expect(await testMnemonic("SHLX")).toBeUndefined();
  expect(similarMnemonics("SHLX")).toEqual(expect.arrayContaining(["SHL", "SHLD"]));
});

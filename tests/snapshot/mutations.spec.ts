/** Damaged and forged snapshots are refused with their reason, or load and run: no crash, no hang. */
import { describe, expect, it } from "vitest";
import { tryForgedTexts } from "./forged-texts";
import { mutants, tryMutant } from "./mutations";
import { boot, snapshotBytes } from "./small-machine";

/** `npm run accept -- 3.3` takes 2,000. */
const COUNT = Number(process.env.SNAPSHOT_MUTANTS ?? 500);

describe("hostile files", () => {
  it(`${COUNT} mutants: a typed refusal or a machine that runs`, { timeout: 600_000 }, async () => {
    const machine = await boot("teaching");
    await machine.run({ instructions: 200_000 });
    const whole = await snapshotBytes(machine, { components: [{ id: "x", licence: "MIT", files: [] }] });
    const objections: string[] = [];
    const outcomes = { refused: 0, loaded: 0 };
    for await (const mutant of mutants(whole, COUNT)) {
      const { outcome, objection } = await tryMutant(mutant);
      outcomes[outcome]++;
      if (objection) objections.push(`${mutant.name}: ${objection}`);
    }
    expect(objections).toEqual([]);
    expect(outcomes.refused).toBeGreaterThan(COUNT / 2);
  });

  it("heads of published machines and recipe links: a typed refusal or a value", async () => {
    const report = await tryForgedTexts(3000);
    expect(report.objections).toEqual([]);
    expect(report.refused).toBeGreaterThan(1000);
    expect(report.read).toBeGreaterThan(50);
  });

  it("says what is wrong and what to do next", async () => {
    const whole = await snapshotBytes(await boot("hello"));
    const message = async (bytes: Uint8Array): Promise<string> => (await tryMutant({ name: "", bytes })).message;
    const with8 = (change: (view: DataView) => void): Uint8Array => {
      const copy = whole.slice();
      change(new DataView(copy.buffer));
      return copy;
    };
    expect(await message(new Uint8Array())).toMatch(/it is empty\. Save or download it again/);
    expect(await message(new TextEncoder().encode("<!doctype html>"))).toMatch(/not a snapshot of Vitrine\. Choose/);
    expect(await message(whole.slice(0, -100))).toMatch(/cut short: \d+ of \d+ bytes are there\. Copy or download it again/);
    expect(await message(new Uint8Array([...whole, 0]))).toMatch(/1 bytes follow its end/);
    expect(await message(with8((view) => view.setUint32(8, 2, true)))).toMatch(/format version 2 is newer .* Use a newer Vitrine/);
    expect(await message(with8((view) => view.setUint32(8, 0, true)))).toMatch(/format version 0 does not exist/);
    expect(await message(with8((view) => view.setUint32(12, 0xffffffff, true)))).toMatch(/length of its manifest is impossible/);
    expect(await message(with8((view) => view.setUint8(whole.length - 5000, view.getUint8(whole.length - 5000) ^ 1)))).toMatch(/damaged/);
  });
});

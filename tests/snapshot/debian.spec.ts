/** Debian's boot, saved and continued at random instants. `npm run accept -- 3.2` takes 200. */
import { expect, it } from "vitest";
import { needGuest } from "../boot/prepared-guests";
import { checkInstants } from "./instants";

const COUNT = 3;

it(`${COUNT} random instants: the same bytes again, and the run that never stopped`, { timeout: 600_000 }, async (context) => {
  const report = await checkInstants(await needGuest(context, "debian"), COUNT);
  expect(report).toMatchObject({ instants: COUNT, unequalFiles: [], unequalStates: [] });
});

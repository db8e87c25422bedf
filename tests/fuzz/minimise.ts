/** Makes a failing case smaller: fewer instructions, plainer state. All candidates of a round go into one image. */
import { type FuzzCase, VM } from "./case";

/** Does each of these still fail? */
export type Judge = (candidates: readonly FuzzCase[]) => Promise<readonly boolean[]>;

const MOST_ROUNDS = 12;

function candidates(one: FuzzCase): FuzzCase[] {
  const result: FuzzCase[] = [];
  const add = (change: Partial<FuzzCase>): void => {
    result.push({ ...one, ...change });
  };
  if (one.instructions.length > 1)
    for (let n = 0; n < one.instructions.length; n++) add({ instructions: one.instructions.filter((_, k) => k !== n) });
  one.registers.forEach((value, n) => {
    if (value !== 0 && n !== 4) add({ registers: one.registers.map((each, k) => (k === n ? 0 : each)) });
  });
  if (one.offset !== 0x800) add({ offset: 0x800 });
  const plain = 0x202 | (one.eflags & VM);
  if (one.eflags !== plain) add({ eflags: plain });
  if (one.segments.some((selector) => selector !== one.segments[0])) add({ segments: one.segments.map(() => one.segments[0]!) });
  return result;
}

export async function minimise(failing: FuzzCase, judge: Judge): Promise<FuzzCase> {
  let smallest = failing;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const tries = candidates(smallest);
    const failed = await judge(tries);
    const first = failed.indexOf(true);
    if (first < 0) break;
    smallest = tries[first]!;
  }
  return smallest;
}

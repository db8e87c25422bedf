import { it } from "vitest";
import { RandomMachine } from "./random-machine";

it("stat", () => {
  for (const seed of [1, 2, 3]) {
    const m = new RandomMachine(seed, false);
    const kinds: Record<string, number> = {};
    const old = m.mmu.ending.bind(m.mmu);
    m.mmu.ending = () => {
      const e = old();
      const k = m.log.split(" ")[0] + ":" + m.model.paging + ":" + e.kind;
      kinds[k] = (kinds[k] ?? 0) + 1;
      return e;
    };
    for (let n = 0; n < 10000; n++) m.step();
    console.log(
      kinds,
      ["hiddenFaults", "trueFaults", "rootsLive", "rootSwitches", "tables", "entriesDropped", "walks", "slowStores"]
        .map((c) => c + " " + m.mmu.counter(c as never))
        .join(", "),
      m.mmu.mmio.length,
      m.mmu.x.codeNoticeCount(),
    );
  }
});

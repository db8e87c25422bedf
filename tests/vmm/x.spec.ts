import { it } from "vitest";
import { EXCEPTIONS } from "./cases/exceptions";
import { SEGMENTS } from "./cases/segments";
import { SYSTEM } from "./cases/system";
import { TASKS } from "./cases/tasks";
import { TRANSFERS } from "./cases/transfers";
import { VIRTUAL8086 } from "./cases/virtual8086";
import { buildImage, splitLog } from "./image";
import { runInQemu, runOnCore } from "./run-image";
const all = { EXCEPTIONS, SEGMENTS, SYSTEM, TASKS, TRANSFERS, VIRTUAL8086 };
it("x", async () => {
  for (const name of (process.env.SETS ?? "EXCEPTIONS").split(",")) {
  const cases = all[name as keyof typeof all].filter((c) => process.env.ALL || !c.qemuDiffers);
  const image = buildImage(cases);
  const q = splitLog(runInQemu(image.bytes));
  let o = new Map<string,string>();
  try { o = splitLog(await runOnCore(image)); } catch (e) { const m = String(e); console.log(m.slice(0, 300)); o = splitLog(m); }
  let same = 0;
  for (const c of cases) {
    if (q.get(c.name) === o.get(c.name)) same++;
    else console.log(`${c.name}${c.qemuDiffers ? " (expected)" : ""}\n q ${q.get(c.name)}\n o ${o.get(c.name)}`);
  }
  console.log(name, same, cases.length, q.size, o.size);
  }
}, 60000);

/** A lab's run as an image for the page's machine: the same programs, the same exits. */
import { expect, it } from "vitest";
import { bootable } from "../../web/labs/bootable";
import { findLab } from "../../web/labs/catalog";
import { checkTask } from "../../web/labs/engine/check";
import { labFor } from "../../web/labs/format";
import { Machine } from "../../web/machine/machine";
import { coreWasm } from "../tools/core";
import { MODELS } from "./models";

it.each([
  ["lab1", "provoke"],
  ["lab1", "monitor"],
  ["lab3", "build"],
  ["lab3", "faults"],
])("%s %s makes the same exits in a machine that boots it", async (id, name) => {
  const lab = findLab(id)!;
  const student = labFor(lab, "s1");
  const task = lab.tasks.find((each) => each.id === name)!;
  const source = MODELS[id]!.answers(student.constants)[name] as string;
  const wasm = await WebAssembly.compile(coreWasm());
  const { counted } = await checkTask({ wasm }, student, task, source);
  const { image, kind } = bootable(student, task.runs.run!, source);
  const machine = await Machine.create(
    {
      boot: kind === "sector" ? { kind, image } : { kind: "multiboot", kernel: image, commandLine: "" },
      memoryMb: 16,
      clock: { kind: "deterministic" },
    },
    { wasm },
  );
  await machine.run({ instructions: 1_000_000 });
  expect(machine.exit?.reason).toBe("halted");
  expect((await machine.stats()).exits).toEqual(counted[0]!.exits);
});

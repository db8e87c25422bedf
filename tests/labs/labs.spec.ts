/** Every lab: the model answer passes whoever gives it; wrong answers fail for the stated reason; teachers' pages are there. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { findLab, labIds } from "../../web/labs/catalog";
import { checkTask } from "../../web/labs/engine/check";
import type { Engine } from "../../web/labs/engine/execute";
import { labFor } from "../../web/labs/format";
import { coreWasm } from "../tools/core";
import { MODELS, wrongAnswer } from "./models";

const STUDENTS = ["", "s1001", "Anna"];
let engine: Engine;

beforeAll(async () => {
  engine = { wasm: await WebAssembly.compile(coreWasm()) };
});

it("has a model for every lab", () => {
  expect(labIds()).toEqual(Object.keys(MODELS));
});

describe.each(labIds())("%s", (id) => {
  const lab = findLab(id)!;
  const model = MODELS[id]!;

  it("has steps for 15 to 30 minutes and a page for the instructor", () => {
    expect(lab.minutes).toBeGreaterThanOrEqual(15);
    expect(lab.minutes).toBeLessThanOrEqual(30);
    const path = fileURLToPath(new URL(`../../web/labs/${id}/instructor.md`, import.meta.url));
    expect(existsSync(path)).toBe(true);
    const page = readFileSync(path, "utf8");
    for (const heading of ["minutes", "Answers in words", "Common mistakes"]) expect(page).toContain(heading);
  });

  it.each(lab.tasks.map((task) => task.id))("task %s has three wrong answers or more", (task) => {
    expect(model.wrong.filter((wrong) => wrong.task === task).length).toBeGreaterThanOrEqual(3);
  });

  it.each(STUDENTS)('passes the model answers of student "%s"', async (name) => {
    const student = labFor(lab, name);
    const answers = model.answers(student.constants);
    for (const task of lab.tasks) {
      const verdict = await checkTask(engine, student, task, answers[task.id]);
      expect([task.id, verdict.reason]).toEqual([task.id, ""]);
      expect(verdict.passed).toBe(true);
    }
  });

  it.each(model.wrong.map((wrong, n) => [`${n} ${wrong.task} ${wrong.reason.source.slice(0, 50)}`, wrong] as const))(
    "wrong answer %s",
    async (_name, wrong) => {
      const student = labFor(lab, "s1001");
      const task = lab.tasks.find((each) => each.id === wrong.task)!;
      const verdict = await checkTask(engine, student, task, wrongAnswer(wrong, model, student.constants));
      expect(verdict.passed).toBe(false);
      expect(verdict.reason).toMatch(wrong.reason);
      expect(verdict.reason).not.toMatch(/undefined|NaN|\{\{/);
    },
  );

  it("differs between students, and is the same for the same ID", () => {
    expect(labFor(lab, "s1").constants).not.toEqual(labFor(lab, "s2").constants);
    expect(labFor(lab, " S1 ").constants).toEqual(labFor(lab, "s1").constants);
  });
});

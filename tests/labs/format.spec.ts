/** Labs as teachers write them: a folder of text files, every mistake told with its place. */
import { describe, expect, it } from "vitest";
import { AnswersUnreadable, readAnswers, writeAnswers } from "../../web/labs/answer-file";
import { checkTask } from "../../web/labs/engine/check";
import { LabUnreadable, labFor, readLab } from "../../web/labs/format";
import { parseNumber } from "../../web/labs/number";
import { inlineOf, splitText } from "../../web/labs/text";
import { coreWasm } from "../tools/core";

const JSON_TEXT = {
  format: 1,
  title: "Small",
  summary: "One program, one question.",
  minutes: 15,
  constants: { loops: { from: 3, to: 9 }, twice: { is: "loops * 2" } },
  tasks: [
    {
      id: "write",
      title: "Write",
      kind: "program",
      start: "start.asm",
      run: {},
      checks: [{ name: "AX", that: "reg.eax == twice", why: "EAX is {{reg.eax}}." }],
    },
    {
      id: "ask",
      title: "Ask",
      kind: "answers",
      run: { given: ["given.asm"] },
      fields: [{ name: "hlt", label: "HLT", is: "exits.Hlt", why: "No." }],
    },
  ],
};
const FILES = {
  "lab.json": JSON.stringify(JSON_TEXT),
  "text.md": "# Small\n\n## One\n\n[[task write]]\n\n## Two\n\n[[task ask]]\n",
  "start.asm": "hlt",
  "given.asm": "cli\nhlt",
};
const problems = (
  change: (lab: typeof JSON_TEXT & Record<string, unknown>) => void,
  files: Record<string, string> = {},
): readonly string[] => {
  const lab = structuredClone(JSON_TEXT);
  change(lab);
  try {
    readLab("small", { ...FILES, "lab.json": JSON.stringify(lab), ...files });
  } catch (error) {
    if (error instanceof LabUnreadable) return error.problems;
    throw error;
  }
  return [];
};

describe("readLab", () => {
  it("reads a lab that is right, and its checks work", async () => {
    const lab = readLab("small", FILES);
    const student = labFor(lab, "x");
    const engine = { wasm: await WebAssembly.compile(coreWasm()) };
    const { loops } = student.constants;
    expect(loops).toBeGreaterThanOrEqual(3);
    expect(await checkTask(engine, student, lab.tasks[0]!, "mov ax, twice\ncli\nhlt")).toMatchObject({ passed: true, reason: "" });
    expect(await checkTask(engine, student, lab.tasks[0]!, "mov ax, 1\ncli\nhlt")).toMatchObject({ passed: false, reason: "EAX is 1." });
    expect(await checkTask(engine, student, lab.tasks[1]!, { hlt: "1" })).toMatchObject({ passed: true });
  });

  it.each<[string, (lab: typeof JSON_TEXT & Record<string, unknown>) => void]>([
    ["lab.json: format is 2; this version reads 1", (lab) => Object.assign(lab, { format: 2 })],
    ["lab.json: minuets is not known here", (lab) => Object.assign(lab, { minuets: 3 })],
    ["lab.json: minutes: a whole number from 1 to 600 is wanted", (lab) => Object.assign(lab, { minutes: "long" })],
    ["lab.json.constants.exits: not a possible name of a constant", (lab) => Object.assign(lab.constants, { exits: { from: 1, to: 2 } })],
    [
      "lab.json.constants.b: unlike c, which is not defined before it",
      (lab) => Object.assign(lab.constants, { b: { from: 1, to: 2, unlike: ["c"] } }),
    ],
    ["lab.json.constants: there is no fact named later", (lab) => Object.assign(lab.constants, { b: { is: "later" } })],
    ['lab.json.tasks[0]: kind: "quiz" is none of program, answers', (lab) => Object.assign(lab.tasks[0]!, { kind: "quiz" })],
    ["lab.json.tasks[0].start: there is no file other.asm", (lab) => Object.assign(lab.tasks[0]!, { start: "other.asm" })],
    [
      'lab.json.tasks[0].checks[0]: that: "reg.eax =": unexpected "="',
      (lab) => Object.assign(lab.tasks[0]!.checks![0]!, { that: "reg.eax =" }),
    ],
    [
      'lab.json.tasks[0].checks[0]: why: "reg.eax +": it ends too early',
      (lab) => Object.assign(lab.tasks[0]!.checks![0]!, { why: "{{reg.eax +}}" }),
    ],
    ["lab.json.tasks[1].run: nothing is loaded: give given, or answer: true", (lab) => Object.assign(lab.tasks[1]!, { run: {} })],
    [
      'lab.json.tasks[1].run: ends: "dead" is none of halted, triple-fault, no-handler, asleep, reset, instructions',
      (lab) => Object.assign(lab.tasks[1]!.run, { ends: ["dead"] }),
    ],
    [
      "lab.json.tasks[1].run: memoryMb: a whole number from 1 to 64 is wanted",
      (lab) => Object.assign(lab.tasks[1]!.run, { memoryMb: 4096 }),
    ],
    [
      "lab.json.tasks[1].fields[0]: a choice, and only a choice, has two options or more",
      (lab) => Object.assign(lab.tasks[1]!.fields![0]!, { type: "choice" }),
    ],
    ["text.md: the task ask is nowhere: write [[task ask]] on a line", (lab) => Object.assign(lab, {})],
  ])("%s", (problem, change) => {
    const files: Record<string, string> = problem.startsWith("text.md") ? { "text.md": "## One\n[[task write]]" } : {};
    expect(problems(change, files)).toContain(problem);
  });

  it("tells a teacher that a check asks for what is not there, when it is used", async () => {
    const lab = readLab("small", { ...FILES, "lab.json": FILES["lab.json"].replace("exits.Hlt", "exits.Halt") });
    const engine = { wasm: await WebAssembly.compile(coreWasm()) };
    await expect(checkTask(engine, labFor(lab, ""), lab.tasks[1]!, { hlt: "1" })).rejects.toThrow(
      "task ask: there is no part of exits named Halt",
    );
  });

  it("refuses what is no JSON, and a folder without lab.json", () => {
    expect(() => readLab("x", { "lab.json": "{" })).toThrow(/^The lab x cannot be used: lab.json: /);
    expect(() => readLab("x", {})).toThrow("there is no lab.json");
  });
});

describe("answer files", () => {
  const lab = readLab("small", FILES);
  const file = {
    lab: "small",
    student: "s1",
    read: [1, 2],
    answers: { write: "a:\n=== not a section\n=== ask\n\thlt", ask: { hlt: "1" } },
  };

  it("come back as they were", () => {
    const text = writeAnswers(file, lab);
    expect(readAnswers(text, lab)).toEqual({ ...file, answers: { ...file.answers, write: "a:\n=== not a section\n === ask\n\thlt" } });
    expect(readAnswers(text.replaceAll("\n", "\r\n"), lab).answers.ask).toEqual({ hlt: "1" });
  });

  it.each([
    ["lab: other\n", "is for other, not for small"],
    ["mov ax, 1\n", 'does not begin with the line "lab: small"'],
    ["lab: small\n=== nothing\n", 'There is no task "nothing" in small; its tasks are write, ask.'],
    ["lab: small\n=== ask\n=== ask\n", "stands in the file twice"],
    ["lab: small\n\0", "not a text file"],
    [`lab: small\n${" ".repeat(300_000)}`, "at most 262144"],
  ])("%j: %s", (text, message) => {
    expect(() => readAnswers(text, lab)).toThrow(AnswersUnreadable);
    expect(() => readAnswers(text, lab)).toThrow(message);
  });
});

describe("text", () => {
  it("splits into steps and parts", () => {
    const [first, second] = splitText(
      "lost\n## A\n\nwords\non two lines\n\n- a\n- b\n  more\n\n> note\n\n```\ncode\n\nmore\n```\n\n## B\n| x | y |\n|---|---|\n| 1 | 2 |\n[[source a.asm]]\n1. one\n2. two",
    );
    expect(first).toEqual({
      title: "A",
      parts: [
        { kind: "paragraph", text: "words on two lines" },
        { kind: "list", numbered: false, items: ["a", "b more"] },
        { kind: "note", text: "note" },
        { kind: "block", text: "code\n\nmore" },
      ],
    });
    expect(second?.parts).toEqual([
      { kind: "table", head: ["x", "y"], rows: [["1", "2"]] },
      { kind: "source", file: "a.asm" },
      { kind: "list", numbered: true, items: ["one", "two"] },
    ]);
  });

  it("knows code, stress and links in a line", () => {
    expect(inlineOf("a `b` **c** *d* [e](panel:traps) 2 * 3")).toEqual([
      { kind: "text", text: "a " },
      { kind: "code", text: "b" },
      { kind: "text", text: " " },
      { kind: "strong", text: "c" },
      { kind: "text", text: " " },
      { kind: "stressed", text: "d" },
      { kind: "text", text: " " },
      { kind: "link", text: "e", address: "panel:traps" },
      { kind: "text", text: " 2 * 3" },
    ]);
  });
});

it.each([
  ["12", 10, 12],
  [" 0x1F ", 10, 31],
  ["1fh", 10, 31],
  ["0b101", 10, 5],
  ["1 000", 10, 1000],
  ["0020_0000", 16, 0x200000],
  ["1f", 10, undefined],
  ["", 10, undefined],
  ["-1", 10, undefined],
  ["0xfffffffffffffffff", 16, undefined],
] as const)("number %j", (text, radix, wanted) => expect(parseNumber(text, radix)).toBe(wanted));

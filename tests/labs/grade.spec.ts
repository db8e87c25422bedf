/** `vitrine grade`: folders of answers, hostile ones among them; what it prints and how it ends. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeAnswers } from "../../web/labs/answer-file";
import { findLab } from "../../web/labs/catalog";
import { labFor } from "../../web/labs/format";
import type { Environment } from "../../web/node/environment";
import { main } from "../../web/node/grade";
import { FakeEnvironment } from "../cli/fake-environment";
import { coreWasm } from "../tools/core";
import { MODELS } from "./models";

const lab = findLab("lab1")!;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-grade-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function grade(...argv: string[]): Promise<{ status: number; out: string; err: string; files: Map<string, Uint8Array> }> {
  const fake = new FakeEnvironment();
  const environment: Environment = Object.assign(fake, { core: undefined, loadWasm: async () => coreWasm() });
  const status = await main(argv, environment);
  return { status, out: fake.out, err: fake.err, files: fake.files };
}

const model = (student: string): Readonly<Record<string, string | Readonly<Record<string, string>>>> =>
  MODELS.lab1!.answers(labFor(lab, student).constants);
const file = (student: string, change: Record<string, string> = {}): string =>
  writeAnswers({ lab: "lab1", student, read: [], answers: { ...model(student), ...change } }, lab);

describe("a class", () => {
  /** What each does, and what its row must say. Everyone's other tasks are right. */
  const HOSTILE: Readonly<Record<string, readonly [string, RegExp]>> = {
    loops: ["again: jmp again", /did not end within 1000000 instructions; it was stopped at 0x7c00, again, line 1/],
    huge: ["times 1 << 40 db 0", /would be larger than 256 KB/],
    nothing: ['times 1 << 40 db ""', /assembles to no bytes/],
    wide: [`db ${"1,".repeat(31_000)}1\n`.repeat(1), /interrupt or exception|did not end|triple/],
    long: ["nop\n".repeat(20_000), /The source has 79999 characters; at most 65536/],
    nested: [`dd ${"(".repeat(30_000)}1`, /nested too deeply|does not assemble/],
    circles: ["a equ b\nb equ a\ndb a", /does not assemble/],
    wrong: ["mov eax", /does not assemble: line 1/],
    crash: ["lidt [none]\nint3\nnone: dw 0\ndd 0", /triple fault|exception/],
    resets: ["mov al, 0xfe\nout 0x64, al\ncli\nhlt", /reset the machine|one-byte writes|Cpuid/],
    sleeps: ["sti\nhlt", /sleeps for ever/],
    copies: ["mov ecx, -1\nagain: mov ecx, -1\nrep movsb\njmp again", /did not end/],
    floods: ["again: mov dx, 0x3f8\nmov al, 65\nout dx, al\njmp again", /did not end/],
    exits: ["mov ecx, 120000\nagain: out 0x84, al\na32 loop again\ncli\nhlt", /more exits than are kept \(100000\)/],
    org: ["org 0x9000\nhlt", /loaded at 0x7c00/],
  };

  it("costs only the rows of those who are hostile", { timeout: 120_000 }, async () => {
    const submissions = join(folder, "class");
    mkdirSync(submissions);
    writeFileSync(join(submissions, "good.txt"), file("good"));
    for (const [name, [source]] of Object.entries(HOSTILE))
      writeFileSync(join(submissions, `${name}.txt`), file(name, { provoke: source }));
    writeFileSync(join(submissions, "binary.txt"), Uint8Array.of(1, 0, 2));
    writeFileSync(join(submissions, "large.txt"), "x".repeat(300_000));
    writeFileSync(join(submissions, "other.txt"), "lab: lab3\n");
    writeFileSync(join(submissions, "empty.txt"), "");
    symlinkSync("/etc/passwd", join(submissions, "link.txt"));
    mkdirSync(join(submissions, "bob"));
    for (const [task, answer] of Object.entries(model("bob")))
      writeFileSync(
        join(submissions, "bob", `${task}.${typeof answer === "string" ? "asm" : "txt"}`),
        typeof answer === "string"
          ? answer
          : Object.entries(answer)
              .map(([name, value]) => `${name} = ${value}`)
              .join("\n"),
      );
    for (const task of ["provoke", "first"]) writeFileSync(join(submissions, `carol.${task}.asm`), model("carol")[task] as string);

    const { status, out, err } = await grade("lab1", submissions, "--json");
    expect(status).toBe(1);
    expect(err).toContain("1 of ");
    const report = JSON.parse(out) as {
      students: { student: string; file: string; passed: boolean; reason: string; tasks: { task: string; passed: boolean }[] }[];
    };
    const row = (student: string) => report.students.find((each) => each.student === student)!;
    expect(row("good")).toMatchObject({ passed: true, reason: "" });
    expect(row("bob")).toMatchObject({ passed: true, reason: "" });
    for (const [name, [, reason]] of Object.entries(HOSTILE)) {
      expect([name, row(name).reason]).toEqual([name, expect.stringMatching(reason)]);
      expect(row(name).tasks.map(({ passed }) => passed)).toEqual([false, true, true, true, true]);
    }
    expect(row("binary").reason).toMatch(/not a text file/);
    expect(row("large").reason).toMatch(/at most 262144/);
    expect(row("other").reason).toMatch(/is for lab3, not for lab1/);
    expect(row("empty").reason).toMatch(/does not begin with the line "lab: lab1"/);
    expect(row("link").reason).toMatch(/not a file but a link/);
    expect(row("carol").tasks.map(({ passed }) => passed)).toEqual([true, false, true, false, false]);
    expect(report.students).toHaveLength(Object.keys(HOSTILE).length + 8);
  });
});

describe("the report", () => {
  it("is CSV that a spreadsheet takes for text", async () => {
    const submissions = join(folder, "csv");
    mkdirSync(submissions);
    writeFileSync(join(submissions, "a.txt"), file("=SUM(A1)"));
    writeFileSync(join(submissions, "b.txt"), file('q"uote, comma', { first: "gp_handler: cli\nhlt" }));
    const { status, files, out } = await grade("lab1", submissions, "--csv", "--out", "grades.csv");
    expect([status, out]).toEqual([1, ""]);
    const lines = new TextDecoder().decode(files.get("grades.csv")).split("\r\n");
    expect(lines[0]).toBe("file,student,lab,passed,tasks_passed,tasks,provoke,predict,first,monitor,hole,reason");
    expect(lines[1]).toBe("a.txt,'=SUM(A1),lab1,yes,5,5,passed,passed,passed,passed,passed,");
    expect(lines[2]).toMatch(/^b\.txt,"q""uote, comma",lab1,no,4,5,passed,passed,failed,passed,passed,"first: Nothing was written to SEEN/);
  });

  it("is the same twice, and status 0 where everybody passed", async () => {
    const path = join(folder, "one.txt");
    writeFileSync(path, file("anna"));
    const first = await grade("lab1", path);
    expect(first.status).toBe(0);
    expect(first.out).toBe("anna      5 of 5  passed\n\nlab1, Trap and emulate: 1 of 1 passed.\n");
    expect((await grade("lab1", path)).out).toBe(first.out);
  });

  it("uses other constants for another student, and says whose answers are there twice", async () => {
    const submissions = join(folder, "twice");
    mkdirSync(submissions);
    writeFileSync(join(submissions, "x.txt"), file("anna"));
    writeFileSync(join(submissions, "y.txt"), file("anna"));
    expect((await grade("lab1", submissions)).err).toContain('x.txt and y.txt are all for the student "anna"');
    const other = await grade("lab1", join(submissions, "x.txt"), "--student", "bert");
    expect(other.status).toBe(1);
    expect(other.out).toMatch(/^bert {6}4 of 5 {2}NOT YET {2}predict: /);
  });
});

describe("a teacher's own lab", () => {
  it("is graded from its folder", async () => {
    const own = join(folder, "my-lab");
    mkdirSync(own);
    writeFileSync(
      join(own, "lab.json"),
      JSON.stringify({
        format: 1,
        title: "Mine",
        summary: "One HLT.",
        minutes: 15,
        tasks: [
          { id: "halt", title: "Halt", kind: "program", run: {}, checks: [{ name: "One HLT", that: "exits.Hlt == 1", why: "No HLT." }] },
        ],
      }),
    );
    writeFileSync(join(own, "text.md"), "## Halt\n\nWrite it.\n\n[[task halt]]\n");
    writeFileSync(join(folder, "halt.asm"), "cli\nhlt\n");
    const { status, out } = await grade(own, join(folder, "halt.asm"));
    expect([status, out]).toEqual([0, "halt      1 of 1  passed\n\nmy-lab, Mine: 1 of 1 passed.\n"]);
    writeFileSync(join(own, "text.md"), "no steps");
    const broken = await grade(own, join(folder, "halt.asm"));
    expect(broken.status).toBe(2);
    expect(broken.err).toContain("The lab my-lab cannot be used: text.md: the task halt is nowhere");
  });
});

describe("what is not grading", () => {
  it("prints the lab, an answer file to fill in, the instructor's page, and the list", async () => {
    const text = await grade("lab3", "--text", "--student", "anna");
    expect(text.status).toBe(0);
    expect(text.out).toContain("Page walks and shadow tables (lab3, about 30 minutes, for anna)");
    expect(text.out).not.toContain("{{");
    expect(text.out).not.toContain("[[");
    const template = await grade("lab1", "--template", "--student", "anna");
    expect(template.out).toContain("lab: lab1\nstudent: anna\n");
    expect(template.out).toContain("=== predict\niowrite = \n");
    expect((await grade("lab1", "--instructor")).out).toContain("## Answers in words");
    expect((await grade("--list")).out).toMatch(/^lab1 {3}Trap and emulate \(30 minutes\)/m);
    expect((await grade("--help")).out).toMatch(/^usage: vitrine grade LAB SUBMISSIONS/);
  });

  it.each<[string[], string]>([
    [["lab9", "x"], 'there is no lab "lab9" and no folder of that name; there are lab0, lab1, lab2, lab3, lab4, lab5, lab6, lab7'],
    [["lab1"], "give a file or folder of submissions"],
    [["lab1", "/nowhere"], "/nowhere: no such file or folder"],
    [["lab1", "x", "--csv", "--json"], "one of --csv and --json"],
    [["lab1", "x", "--out"], "--out needs a value"],
    [["lab1", "x", "--text"], "--text grades nothing"],
    [["lab1", "x", "--fast"], "unknown option --fast"],
  ])("refuses %j", async (argv, message) => {
    const { status, err } = await grade(...argv);
    expect(status).toBe(2);
    expect(err).toContain(message);
  });

  it("tells before grading that the report cannot be written", async () => {
    const path = join(folder, "one.txt");
    writeFileSync(path, file("anna"));
    const { status, err } = await grade("lab1", path, "--out", "/full/x.csv");
    expect(status).toBe(2);
    expect(err).toBe("vitrine grade: --out /full/x.csv: no space left on the device\n");
  });
});

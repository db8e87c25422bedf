/** The Lab tab: a student who does what the text says passes; wrong answers are told why; work survives a reload and travels as a file. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import type { Lab, Task } from "../../web/labs/format";
import { labFor } from "../../web/labs/format";
import { labFolders, labFromFolder } from "../labs/lab-files";
import { MODELS } from "../labs/models";
import { expect, needsChromium, test, Vitrine } from "./support/fixtures";
import { ROOT } from "./support/site";

needsChromium();

/** Fresh machines on a busy computer. */
const CHECK_MS = 60_000;

async function openLabs(vitrine: Vitrine): Promise<Page> {
  await vitrine.button("Inspect").click();
  await vitrine.page.getByRole("tab", { name: "Lab" }).click();
  await expect(vitrine.page.getByRole("heading", { name: "Labs", level: 3 })).toBeVisible();
  return vitrine.page;
}

const openLab = (page: Page, { id, title }: Lab): Promise<void> => page.getByRole("button", { name: `Open ${id}: ${title}` }).click();

const taskBox = (page: Page, task: Task): Locator => page.locator(`[data-task=${task.id}]`);

/** Types the answer and asks for the check. */
async function answer(page: Page, task: Task, given: string | Readonly<Record<string, string>>): Promise<void> {
  const box = taskBox(page, task);
  if (task.kind === "program") await box.getByLabel("Your program").fill(given as string);
  else
    for (const field of task.fields) {
      const input = box.locator(`#task-${task.id}-${field.name}`);
      const value = (given as Readonly<Record<string, string>>)[field.name]!;
      if (field.type === "choice") await input.selectOption(value);
      else await input.fill(value);
    }
  await box.getByRole("button", { name: /^Check my/ }).click();
  await expect(box.locator("[data-verdict]")).toBeVisible({ timeout: CHECK_MS });
}

for (const id of labFolders())
  test(`a student who does what the text of ${id} says passes`, async ({ vitrine }) => {
    test.setTimeout(300_000);
    const lab = labFromFolder(id);
    const page = await openLabs(vitrine);
    await openLab(page, lab);
    await page.getByLabel("Student ID").fill("s1001");
    await page.getByRole("button", { name: "Use" }).click();
    const student = labFor(lab, "s1001");
    const answers = MODELS[id]!.answers(student.constants);
    for (const [n, step] of lab.steps.entries()) {
      await expect(page.getByRole("heading", { name: `${n + 1}. ${step.title}`, level: 3 })).toBeVisible();
      await expect(page.locator(".lab-step")).not.toContainText("{{");
      for (const part of step.parts) {
        if (part.kind !== "task") continue;
        const task = lab.tasks.find((each) => each.id === part.id)!;
        await answer(page, task, answers[task.id]!);
        await expect(taskBox(page, task)).toHaveAttribute("data-passed", "true");
      }
      if (n + 1 < lab.steps.length) await page.getByRole("button", { name: "Next step" }).click();
    }
    await page.getByRole("button", { name: "All labs" }).click();
    await expect(page.getByText(`${lab.tasks.length} of ${lab.tasks.length} tasks passed`)).toBeVisible();
  });

test("wrong answers are told why, and what the core counted", async ({ vitrine }) => {
  const lab = labFromFolder("lab1");
  const page = await openLabs(vitrine);
  await openLab(page, lab);
  const provoke = lab.tasks[0]!;
  const box = taskBox(page, provoke);
  await answer(page, provoke, "xor eax, eax\ncpuid\ncli\nhlt");
  await expect(box.locator(".lab-verdict")).toContainText("CPUID ran once");
  await expect(box).toHaveAttribute("data-passed", "false");
  await box.getByText("What the core counted").click();
  await expect(box.getByRole("row", { name: "Cpuid 1" })).toBeVisible();
  await expect(vitrine.announcement).toContainText("Provoke exits: not yet. CPUID ran once");
  await answer(page, provoke, "mov ax");
  await expect(box.locator(".lab-verdict")).toContainText("does not assemble: line 1");
  await answer(page, provoke, "again: jmp again");
  await expect(box.locator(".lab-verdict")).toContainText("did not end within 1000000 instructions");

  await page.getByRole("button", { name: "Next step" }).click();
  const predict = lab.tasks[1]!;
  await taskBox(page, predict).locator("#task-predict-iowrite").fill("3");
  await taskBox(page, predict).getByRole("button", { name: "Check my answers" }).click();
  await expect(taskBox(page, predict).locator("#task-predict-iowrite")).toHaveAttribute("aria-invalid", "true", { timeout: CHECK_MS });
  await expect(page.locator("#task-predict-iret-why")).toContainText("Nothing is entered.");
});

test("answers survive a reload, and go to another browser as a file that grade takes", async ({ vitrine, browser, site }, info) => {
  const lab = labFromFolder("lab1");
  const page = await openLabs(vitrine);
  await openLab(page, lab);
  await page.getByLabel("Student ID").fill("anna");
  await page.getByRole("button", { name: "Use" }).click();
  const model = MODELS.lab1!.answers(labFor(lab, "anna").constants);
  await answer(page, lab.tasks[0]!, model.provoke!);
  await page.getByRole("button", { name: "Next step" }).click();
  await taskBox(page, lab.tasks[1]!).locator("#task-predict-iowrite").fill("0x7");

  await page.reload();
  await expect(page.getByRole("heading", { name: "2. Predict before you measure" })).toBeVisible();
  await expect(page.locator("#task-predict-iowrite")).toHaveValue("0x7");
  await expect(page.getByLabel("Student ID")).toHaveValue("anna");
  await page.getByRole("navigation", { name: "Steps" }).getByRole("button", { name: /^1\./ }).click();
  await expect(taskBox(page, lab.tasks[0]!)).toHaveAttribute("data-passed", "true");

  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export answers" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("lab1-anna.txt");
  const path = info.outputPath("lab1-anna.txt");
  await download.saveAs(path);
  expect(readFileSync(path, "utf8")).toContain("student: anna\n");

  const other = await Vitrine.inContext(await browser.newContext(), site.url);
  const elsewhere = await openLabs(other);
  await openLab(elsewhere, lab);
  await elsewhere.getByLabel("Answer file").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
  await expect(elsewhere.locator(".lab-message")).toContainText('does not begin with the line "lab: lab1"');
  await elsewhere.getByLabel("Answer file").setInputFiles(path);
  await expect(elsewhere.getByLabel("Student ID")).toHaveValue("anna");
  await expect(taskBox(elsewhere, lab.tasks[0]!).getByLabel("Your program")).toHaveValue((model.provoke as string).trimEnd());
  await other.page.context().close();
});

test("a student's program boots in the page's machine, paused at its first instruction", async ({ vitrine }) => {
  const lab = labFromFolder("lab1");
  const page = await openLabs(vitrine);
  await openLab(page, lab);
  const { constants } = labFor(lab, "");
  await taskBox(page, lab.tasks[0]!)
    .getByLabel("Your program")
    .fill(MODELS.lab1!.answers(constants).provoke as string);
  await page.getByRole("button", { name: "Step through it" }).click();
  await expect(vitrine.figure("state")).toHaveText(/paused/i);
  await expect(vitrine.figure("instructions")).toHaveText(/^0\b/);
  await page.getByRole("tab", { name: "CPU" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("mov si");
  // The monitor of step 4: given code and the student's in one image.
  await page.getByRole("tab", { name: "Lab" }).click();
  await page.getByRole("navigation", { name: "Steps" }).getByRole("button", { name: /^4\./ }).click();
  await page.getByRole("button", { name: "Step through it" }).click();
  await expect(vitrine.figure("state")).toHaveText(/paused/i);
  await page.getByRole("tab", { name: "CPU" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("lgdt");
});

test("another student has other numbers, and a passed task has to be checked again", async ({ vitrine }) => {
  const lab = labFromFolder("lab1");
  const page = await openLabs(vitrine);
  await openLab(page, lab);
  await answer(page, lab.tasks[0]!, MODELS.lab1!.answers(labFor(lab, "").constants).provoke!);
  await expect(taskBox(page, lab.tasks[0]!)).toHaveAttribute("data-passed", "true");
  const before = await page.locator(".lab-step > ul").first().innerText();
  await page.getByLabel("Student ID").fill("someone else");
  await page.getByLabel("Student ID").press("Enter");
  await expect(taskBox(page, lab.tasks[0]!)).toHaveAttribute("data-passed", "false");
  expect(await page.locator(".lab-step > ul").first().innerText()).not.toBe(before);
});

test("the labs work by keyboard, and their text opens a panel", async ({ vitrine }) => {
  const page = await openLabs(vitrine);
  const lab = labFromFolder("lab1");
  await page.getByRole("tab", { name: "Lab" }).focus();
  const reach = async (name: string): Promise<void> => {
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(
        () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "",
      );
      if (focused.trim() === name) return;
    }
    throw new Error(`"${name}" cannot be reached by Tab`);
  };
  await reach(`Open ${lab.id}: ${lab.title}`);
  await page.keyboard.press("Enter");
  await reach("Check my program");
  await page.keyboard.press("Enter");
  await expect(taskBox(page, lab.tasks[0]!).locator("[data-verdict=failed]")).toBeVisible({ timeout: CHECK_MS });
  await reach("Next step");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "2. Predict before you measure" })).toBeFocused();
  await page.getByRole("navigation", { name: "Steps" }).getByRole("button", { name: /^1\./ }).click();
  await page.getByRole("button", { name: "Traps panel" }).click();
  await expect(page.getByRole("tab", { name: "Lab" })).toHaveAttribute("aria-selected", "false");
});

for (const colorScheme of ["light", "dark"] as const)
  test(`axe finds nothing in the labs, ${colorScheme}`, async ({ browser, site }) => {
    test.setTimeout(180_000);
    const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    const vitrine = await Vitrine.inContext(context, site.url);
    const clean = async (): Promise<void> => {
      const { violations } = await new AxeBuilder({ page: vitrine.page }).include("#inspect-pane").analyze();
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`),
      ).toEqual([]);
    };
    const page = await openLabs(vitrine);
    await clean();
    const lab = labFromFolder("lab1");
    await openLab(page, lab);
    await answer(page, lab.tasks[0]!, "hlt");
    await clean();
    await page.getByRole("button", { name: "Next step" }).click();
    await taskBox(page, lab.tasks[1]!).locator("#task-predict-iret").fill("1");
    await taskBox(page, lab.tasks[1]!).getByRole("button", { name: "Check my answers" }).click();
    await expect(page.locator("#task-predict-iret")).toHaveAttribute("aria-invalid", "true", { timeout: CHECK_MS });
    await clean();
    await page.getByRole("navigation", { name: "Steps" }).getByRole("button", { name: /^4\./ }).click();
    await clean();
    await context.close();
  });

test("model answers and instructors' pages are not in the built page", () => {
  const folder = join(ROOT, "dist/assets");
  const built = readdirSync(folder)
    .filter((name) => /\.(js|css|html)$/.test(name))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  // That the search would find something: the text of a lab is there.
  expect(built).toContain("Popek and Goldberg");
  for (const [id, { answers }] of Object.entries(MODELS)) {
    const model = answers(labFor(labFromFolder(id), "").constants);
    for (const source of Object.values(model)) {
      if (typeof source !== "string") continue;
      // Five lines of a program in a row are its own; fewer are anybody's.
      const given = Object.values(labFromFolder(id).files).join("\n");
      const lines = source.split("\n").map((line) => line.trim());
      for (let n = 0; n + 5 <= lines.length; n++) {
        const five = lines.slice(n, n + 5);
        if (five.some((line) => line === "") || containsLines(given, five)) continue;
        expect(containsLines(built.replaceAll("\\n", "\n"), five), five.join(" / ")).toBe(false);
      }
    }
  }
  expect(built).not.toContain("Answers in words");
  expect(built).not.toContain("Common mistakes");
});

const containsLines = (text: string, lines: readonly string[]): boolean =>
  text
    .split("\n")
    .map((line) => line.trim().replace(/\s*;.*$/, ""))
    .join("\n")
    .includes(lines.join("\n"));

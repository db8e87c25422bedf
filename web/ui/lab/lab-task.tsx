/** One task: the editor or the questions, the check, and what it says. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Bootable, bootable } from "../../labs/bootable";
import { type AnswersTask, fileFor, type ProgramTask, type Run, type StudentLab, type Task } from "../../labs/format";
import { fill } from "../../lib/expression";
import type { LabVerdict } from "../../protocol/lab-check";
import { Button } from "../button";
import { useStore } from "../store";
import { askLabWorker } from "./lab-checker";
import { labProgress } from "./lab-progress";

export interface LabTaskProps {
  readonly task: Task;
  readonly student: StudentLab;
  readonly announce: (text: string) => void;
  readonly onBoot: (program: Bootable) => void;
}

type Outcome = { readonly verdict: LabVerdict } | { readonly error: string };

export function LabTask({ task, student, announce, onBoot }: LabTaskProps): JSX.Element {
  const { lab } = student;
  const { labs } = useStore(labProgress.state);
  const [outcome, setOutcome] = useState<Outcome>();
  const [isChecking, setIsChecking] = useState(false);
  const answer = labs[lab.id]?.answers[task.id];
  const isPassed = labs[lab.id]?.passed.includes(task.id) === true;
  const id = `task-${task.id}`;

  const check = async (): Promise<void> => {
    const asked = answer ?? (task.kind === "program" ? fileFor(student, task.start) : {});
    setIsChecking(true);
    announce("Checking.");
    try {
      const verdict = await askLabWorker({ lab: lab.id, task: task.id, student: student.student, answer: asked });
      // Typed on meanwhile: the verdict is on what was asked.
      if (verdict.passed && (labProgress.of(lab.id).answers[task.id] ?? asked) === asked) labProgress.pass(lab.id, task.id);
      setOutcome({ verdict });
      announce(verdict.passed ? `${task.title}: passed.` : `${task.title}: not yet. ${verdict.reason}`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      setOutcome({ error: message });
      announce(message);
    }
    setIsChecking(false);
  };
  /** Questions about a program are answered before it is seen. */
  const shownRun =
    task.kind === "program" || isPassed ? Object.values(task.runs).find((run) => run.answer === (task.kind === "program")) : undefined;
  const boot = (run: Run): void => {
    try {
      onBoot(
        bootable(student, run, typeof answer === "string" ? answer : task.kind === "program" ? fileFor(student, task.start) : undefined),
      );
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      setOutcome({ error: message });
      announce(message);
    }
  };
  const verdict = outcome && "verdict" in outcome ? outcome.verdict : undefined;
  return (
    <section class={isPassed ? "lab-task passed" : "lab-task"} aria-labelledby={`${id}-title`} data-task={task.id} data-passed={isPassed}>
      <h4 id={`${id}-title`}>
        {task.title}
        {isPassed && <span class="lab-badge">✓ passed</span>}
      </h4>
      {task.kind === "program" ? (
        <Editor id={id} task={task} student={student} answer={answer} />
      ) : (
        <Questions id={id} task={task} student={student} answer={answer} verdict={verdict} />
      )}
      <div class="lab-actions">
        <Button kind="solid" disabled={isChecking} onClick={() => void check()}>
          {isChecking ? "Checking …" : task.kind === "program" ? "Check my program" : "Check my answers"}
        </Button>
        {shownRun && (
          <Button disabled={isChecking} onClick={() => boot(shownRun)}>
            Step through it
          </Button>
        )}
        <Button
          kind="quiet"
          disabled={answer === undefined || isChecking}
          onClick={() => {
            if (!confirm("Your answer to this task is deleted. Start over?")) return;
            labProgress.forget(lab.id, task.id);
            setOutcome(undefined);
          }}
        >
          Start over
        </Button>
      </div>
      {outcome && "error" in outcome && <p class="lab-error">{outcome.error}</p>}
      {verdict && <Result verdict={verdict} task={task} />}
    </section>
  );
}

interface EditorProps {
  readonly id: string;
  readonly task: ProgramTask;
  readonly student: StudentLab;
  readonly answer: unknown;
}

function Editor({ id, task, student, answer }: EditorProps): JSX.Element {
  const source = typeof answer === "string" ? answer : fileFor(student, task.start);
  const rows = Math.min(40, Math.max(10, source.split("\n").length + 2));
  return (
    <>
      <label class="lab-label" for={`${id}-source`}>
        Your program
      </label>
      <textarea
        id={`${id}-source`}
        class="lab-source"
        rows={rows}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        value={source}
        onInput={(event) => labProgress.answer(student.lab.id, task.id, event.currentTarget.value)}
      />
    </>
  );
}

interface QuestionsProps {
  readonly id: string;
  readonly task: AnswersTask;
  readonly student: StudentLab;
  readonly answer: unknown;
  readonly verdict: LabVerdict | undefined;
}

function Questions({ id, task, student, answer, verdict }: QuestionsProps): JSX.Element {
  const given = (typeof answer === "object" ? answer : {}) as Readonly<Record<string, string>>;
  const set = (name: string, value: string): void => labProgress.answer(student.lab.id, task.id, { ...given, [name]: value });
  return (
    <div class="lab-questions">
      {task.fields.map(({ name, label, group, type, options }) => {
        const result = verdict?.checks.find(({ field }) => field === name);
        const input = `${id}-${name}`;
        const common = {
          id: input,
          value: given[name] ?? "",
          "aria-invalid": result?.passed === false,
          "aria-describedby": `${input}-why`,
        };
        return (
          <>
            {group !== "" && <h5>{fill(group, student.constants)}</h5>}
            <div class="lab-question" key={name} data-passed={result?.passed}>
              <label for={input}>{fill(label, student.constants)}</label>
              {type === "choice" ? (
                <select {...common} onInput={(event) => set(name, event.currentTarget.value)}>
                  <option value="">choose</option>
                  {options.map((option) => (
                    <option value={option}>{option}</option>
                  ))}
                </select>
              ) : (
                <input
                  {...common}
                  type="text"
                  class="mono"
                  inputMode={type === "number" ? "numeric" : "text"}
                  placeholder={type === "hex" ? "hexadecimal" : ""}
                  spellcheck={false}
                  autocapitalize="off"
                  autocomplete="off"
                  onInput={(event) => set(name, event.currentTarget.value)}
                />
              )}
              <span id={`${input}-why`} class="lab-why">
                {result && (result.passed ? "✓ right" : `✗ ${result.why}`)}
              </span>
            </div>
          </>
        );
      })}
    </div>
  );
}

function Result({ verdict, task }: { readonly verdict: LabVerdict; readonly task: Task }): JSX.Element {
  // Those of questions stand beside the questions.
  const whole = verdict.checks.filter(({ field }) => field === "");
  const left = verdict.checks.filter(({ passed }) => !passed).length;
  return (
    <div class="lab-result" data-verdict={verdict.passed ? "passed" : "failed"}>
      <p class={verdict.passed ? "lab-verdict good" : "lab-verdict bad"}>
        {verdict.passed
          ? "Passed."
          : task.kind === "program"
            ? `Not yet. ${verdict.reason}`
            : `Not yet: ${left} of ${verdict.checks.length} answers are not right.`}
      </p>
      {whole.length > 0 && (
        <ul class="lab-checks">
          {whole.map(({ name, passed, why }) => (
            <li data-passed={passed}>
              <span aria-hidden="true">{passed ? "✓" : "✗"}</span>
              <span>
                <span class="visually-hidden">{passed ? "holds: " : "does not hold: "}</span>
                {name}
                {why !== "" && why !== verdict.reason && <span class="lab-why">{why}</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
      {verdict.counted.map(({ run, exits, instructions, serial }) => (
        <details class="lab-counted" key={run}>
          <summary>What the core counted</summary>
          <table>
            <tbody>
              <tr>
                <th scope="row">Instructions</th>
                <td>{instructions}</td>
              </tr>
              {Object.entries(exits)
                .filter(([, count]) => count > 0)
                .map(([name, count]) => (
                  <tr>
                    <th scope="row">{name}</th>
                    <td>{count}</td>
                  </tr>
                ))}
            </tbody>
          </table>
          {serial !== "" && <pre>{serial}</pre>}
        </details>
      ))}
    </div>
  );
}

/** The Lab tab: the list of labs, or the one that is open, step by step. Loaded when the tab is opened for the first time. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { AnswersUnreadable, MOST_FILE_CHARACTERS, readAnswers, writeAnswers } from "../../labs/answer-file";
import { allLabs } from "../../labs/catalog";
import { fileFor, type Lab, LabUnreadable, labFor, type StudentLab } from "../../labs/format";
import { Button } from "../button";
import { type Controller, saveText } from "../controller";
import { useStore } from "../store";
import { labProgress, NOTHING_DONE } from "./lab-progress";
import { LabTask } from "./lab-task";
import { LabPart } from "./lab-words";

export function LabView({ controller }: { readonly controller: Controller }): JSX.Element {
  const { open } = useStore(labProgress.state);
  const lab = open === undefined ? undefined : allLabs().find((each): each is Lab => !(each instanceof LabUnreadable) && each.id === open);
  return lab ? <OpenLab key={lab.id} lab={lab} controller={controller} /> : <LabList />;
}

function LabList(): JSX.Element {
  const { labs } = useStore(labProgress.state);
  return (
    <div class="lab">
      <h3>Labs</h3>
      <p class="lab-intro">Guided work with programs that you write, checked over what the machine really counted.</p>
      <ul class="lab-list">
        {allLabs().map((lab) => {
          if (lab instanceof LabUnreadable)
            return (
              <li class="lab-row lab-error" key={lab.lab}>
                {lab.message}
              </li>
            );
          const { id, title, summary, minutes, tasks } = lab;
          const passed = labs[id]?.passed.length ?? 0;
          return (
            <li class="lab-row">
              <div>
                <h4>
                  {id}: {title}
                </h4>
                <p>{summary}</p>
                <p class="hint">
                  about {minutes} minutes; {passed === 0 ? `${tasks.length} tasks` : `${passed} of ${tasks.length} tasks passed`}
                </p>
              </div>
              <Button name={`Open ${id}: ${title}`} onClick={() => labProgress.open(id)}>
                Open
              </Button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function OpenLab({ lab, controller }: { readonly lab: Lab; readonly controller: Controller }): JSX.Element {
  const { student: name, labs } = useStore(labProgress.state);
  const { step: at, read, passed } = labs[lab.id] ?? NOTHING_DONE;
  const student = labFor(lab, name);
  const step = lab.steps[Math.min(Math.max(0, at), lab.steps.length - 1)]!;
  const index = lab.steps.indexOf(step);
  const heading = useRef<HTMLHeadingElement>(null);
  const [hasMoved, setHasMoved] = useState(false);
  const goTo = (to: number): void => {
    if (to > index) labProgress.finish(lab.id, index);
    setHasMoved(true);
    labProgress.goTo(lab.id, to);
  };
  // Whoever goes to a step is taken to its beginning; opening the tab moves no focus.
  useEffect(() => {
    if (hasMoved) heading.current?.focus();
  }, [index, hasMoved]);

  return (
    <div class="lab" data-lab={lab.id}>
      <div class="lab-head">
        <Button kind="quiet" onClick={() => labProgress.open(undefined)}>
          All labs
        </Button>
        <h3>
          {lab.id}: {lab.title}
        </h3>
      </div>
      <StudentAndFile lab={lab} controller={controller} />
      <nav aria-label="Steps">
        <ol class="lab-steps">
          {lab.steps.map((each, n) => {
            const tasks = each.parts.flatMap((part) => (part.kind === "task" ? [part.id] : []));
            const isDone = tasks.length > 0 ? tasks.every((id) => passed.includes(id)) : read.includes(n + 1);
            return (
              <li>
                <button type="button" aria-current={n === index ? "step" : undefined} onClick={() => goTo(n)}>
                  {n + 1}. {each.title}
                  {isDone && (
                    <span class="lab-done">
                      {" "}
                      ✓<span class="visually-hidden"> done</span>
                    </span>
                  )}
                </button>
              </li>
            );
          })}
        </ol>
      </nav>
      <article class="lab-step" aria-labelledby="lab-step-title">
        <h3 id="lab-step-title" tabIndex={-1} ref={heading}>
          {index + 1}. {step.title}
        </h3>
        {step.parts.map((part, n) =>
          part.kind === "task" ? (
            <LabTask
              key={`${part.id} ${name}`}
              task={lab.tasks.find(({ id }) => id === part.id)!}
              student={student}
              announce={(text) => controller.announce(text)}
              onBoot={({ image, kind }) => controller.bootProgram(image, kind, true)}
            />
          ) : (
            <LabPart key={n} part={part} student={student} onPanel={(tab) => controller.inspectLayout.patch({ tab })} />
          ),
        )}
      </article>
      <div class="lab-actions">
        <Button disabled={index === 0} onClick={() => goTo(index - 1)}>
          Step before
        </Button>
        <Button kind="solid" disabled={index === lab.steps.length - 1} onClick={() => goTo(index + 1)}>
          Next step
        </Button>
      </div>
    </div>
  );
}

function StudentAndFile({ lab, controller }: { readonly lab: Lab; readonly controller: Controller }): JSX.Element {
  const { student } = useStore(labProgress.state);
  const [draft, setDraft] = useState(student);
  const [message, setMessage] = useState("");
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => setDraft(student), [student]);
  const say = (text: string): void => {
    setMessage(text);
    controller.announce(text);
  };
  const isChanged = draft.trim() !== student;
  const exportAnswers = (): void => {
    saveText(`${lab.id}-${student.replace(/[^\w.-]+/g, "_") || "answers"}.txt`, writeAnswers(withStarts(labFor(lab, student)), lab));
    say("The answers were saved as a file: this is what you hand in.");
  };
  const importAnswers = async (file: File): Promise<void> => {
    try {
      if (file.size > MOST_FILE_CHARACTERS) throw new AnswersUnreadable(`${file.name} has ${file.size} bytes: that is no answer file.`);
      labProgress.import(readAnswers(await file.text(), lab));
      say(`The answers in ${file.name} are here. Check them to see which pass.`);
    } catch (error) {
      say(error instanceof AnswersUnreadable ? error.message : `${file.name} could not be read. Choose it again.`);
    }
  };
  return (
    <div class="lab-student">
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault();
          labProgress.setStudent(draft.trim());
          say(draft.trim() === "" ? "The lab has its standard numbers." : `The lab has the numbers of ${draft.trim()}.`);
        }}
      >
        <label for="lab-student">Student ID</label>
        <span class="lab-id">
          <input
            id="lab-student"
            type="text"
            value={draft}
            autocomplete="off"
            spellcheck={false}
            aria-describedby="lab-student-hint"
            onInput={(event) => setDraft(event.currentTarget.value)}
          />
          <button type="submit" class="button plain" disabled={!isChanged}>
            <span class="button-text">Use</span>
          </button>
        </span>
        <span class="hint" id="lab-student-hint">
          The numbers in the tasks follow from it.
        </span>
      </form>
      <div class="lab-actions">
        <Button onClick={exportAnswers}>Export answers</Button>
        <Button onClick={() => picker.current?.click()}>Import answers</Button>
        <input
          ref={picker}
          type="file"
          hidden
          accept=".txt,text/plain"
          aria-label="Answer file"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) void importAnswers(file);
          }}
        />
      </div>
      {message !== "" && <p class="hint lab-message">{message}</p>}
      {!labProgress.isKept && <p class="hint wrong">This browser keeps nothing here: export your answers before you leave.</p>}
    </div>
  );
}

/** Programs that were not touched are handed in as they stood in the editor. */
function withStarts(student: StudentLab): ReturnType<typeof labProgress.export> {
  const file = labProgress.export(student.lab.id);
  const starts = student.lab.tasks.map((task) => [task.id, task.kind === "program" ? fileFor(student, task.start).trimEnd() : {}]);
  return { ...file, answers: { ...Object.fromEntries(starts), ...file.answers } };
}

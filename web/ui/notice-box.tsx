/** A message about the machine with what to do next. Screen readers hear it from the live region. */
import type { JSX } from "preact";
import { Button } from "./button";
import { type NextStep, type Notice, STEP_LABELS } from "./explain";
import { Icon } from "./icons";

export interface NoticeBoxProps {
  readonly notice: Notice;
  readonly onStep: (step: NextStep) => void;
}

export function NoticeBox({ notice, onStep }: NoticeBoxProps): JSX.Element {
  const [first, ...others] = notice.steps;
  return (
    <section class={`notice ${notice.tone}`} aria-label={notice.title}>
      <Icon name={notice.tone === "done" ? "done" : "warning"} />
      <div class="notice-text">
        <h2>{notice.title}</h2>
        <p>{notice.text}</p>
      </div>
      <div class="notice-actions">
        {first && (
          <Button kind="solid" onClick={() => onStep(first)}>
            {STEP_LABELS[first]}
          </Button>
        )}
        {others.map((step) => (
          <Button key={step} onClick={() => onStep(step)}>
            {STEP_LABELS[step]}
          </Button>
        ))}
      </div>
    </section>
  );
}

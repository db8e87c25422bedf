/** A modal dialog: the browser's own, which keeps the focus inside and gives it back. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "./button";

export interface DialogProps {
  readonly id: string;
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Instead of the one button that closes. */
  readonly actions?: ComponentChildren;
}

export function Dialog({ id, title, onClose, children, actions }: DialogProps): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current!;
    if (!dialog.open) dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog ref={ref} class="dialog" aria-labelledby={`${id}-title`} onClose={onClose}>
      <h2 id={`${id}-title`}>{title}</h2>
      <div class="dialog-body">{children}</div>
      <div class="dialog-actions">{actions ?? <Button onClick={onClose}>Close</Button>}</div>
    </dialog>
  );
}

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
  /** The browser tells of a dialog's end later than it ends: by then another one may be open, which is not to be closed. */
  const isGone = useRef(false);
  useEffect(() => {
    const dialog = ref.current!;
    if (!dialog.open) dialog.showModal();
    return () => {
      isGone.current = true;
      dialog.close();
    };
  }, []);
  return (
    <dialog ref={ref} class="dialog" aria-labelledby={`${id}-title`} onClose={() => isGone.current || onClose()}>
      <h2 id={`${id}-title`}>{title}</h2>
      <div class="dialog-body">{children}</div>
      <div class="dialog-actions">{actions ?? <Button onClick={onClose}>Close</Button>}</div>
    </dialog>
  );
}

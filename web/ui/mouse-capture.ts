/** The mouse as the guest's PS/2 mouse: relative movements, while the browser locks the pointer to the screen. */
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Session } from "./session";

/** The most that one packet of a PS/2 mouse can say. */
const MOST_COUNTS = 255;

export interface MouseCapture {
  /** False where the browser has no pointer lock, as on most devices without a mouse. */
  readonly isPossible: boolean;
  readonly isCaptured: boolean;
  readonly capture: () => void;
  readonly release: () => void;
}

/** DOM's and PS/2's buttons are the same bits: left, right, middle. */
const buttonsOf = (event: MouseEvent): number => event.buttons & 7;

const clamped = (counts: number): number => Math.max(-MOST_COUNTS, Math.min(MOST_COUNTS, Math.round(counts)));

export function useMouseCapture(
  session: Session,
  target: RefObject<HTMLElement | null>,
  announce: (message: string) => void,
): MouseCapture {
  const [isCaptured, setCaptured] = useState(false);

  useEffect(() => {
    const onLock = (): void => {
      const is = target.current != null && document.pointerLockElement === target.current;
      setCaptured(is);
      // Whatever was held is let go: the page does not hear of it any more.
      if (!is) session.moveMouse(0, 0, 0);
    };
    const onMouse = (event: MouseEvent): void => {
      if (target.current == null || document.pointerLockElement !== target.current) return;
      event.preventDefault();
      const isMove = event.type === "mousemove";
      session.moveMouse(isMove ? clamped(event.movementX) : 0, isMove ? clamped(-event.movementY) : 0, buttonsOf(event));
    };
    const events = ["mousemove", "mousedown", "mouseup"] as const;
    document.addEventListener("pointerlockchange", onLock);
    for (const name of events) document.addEventListener(name, onMouse);
    return () => {
      document.removeEventListener("pointerlockchange", onLock);
      for (const name of events) document.removeEventListener(name, onMouse);
      if (document.pointerLockElement === target.current && target.current) document.exitPointerLock();
    };
  }, [session, target]);

  const capture = (): void => {
    const refused = (): void => announce("The browser does not give the mouse to the guest.");
    try {
      // Older browsers answer nothing, newer ones a promise.
      const answer: unknown = target.current?.requestPointerLock();
      if (answer instanceof Promise) answer.catch(refused);
    } catch {
      refused();
    }
  };
  const release = (): void => {
    if (document.pointerLockElement) document.exitPointerLock();
  };
  return { isPossible: "requestPointerLock" in Element.prototype, isCaptured, capture, release };
}

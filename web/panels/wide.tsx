/** What may be wider than its pane: it scrolls by itself, and by keyboard wherever it does. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface WideProps {
  /** What it is, for screen readers. */
  readonly label: string;
  readonly children: ComponentChildren;
}

export function Wide({ label, children }: WideProps): JSX.Element {
  const frame = useRef<HTMLElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const element = frame.current!;
    const measure = (): void => setScrolls(element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);
  // What does not scroll is no stop on the way of the Tab key.
  return (
    <section class="wide" aria-label={scrolls ? label : undefined} tabIndex={scrolls ? 0 : undefined} ref={frame}>
      {children}
    </section>
  );
}

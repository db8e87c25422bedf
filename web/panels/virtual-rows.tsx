/** A long table of which only the rows in sight are in the document; screen readers are told how many there are. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

export interface VirtualRow {
  readonly key: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly cells: readonly JSX.Element[];
}

export interface VirtualRowsProps {
  readonly label: string;
  readonly columns: readonly string[];
  readonly count: number;
  readonly row: (n: number) => VirtualRow;
}

/** CSS gives every row this height (panels.css `.virtual tr`). */
const ROW_PX = 22;
const HEIGHT_PX = 352;
const MORE_ROWS = 4;

export function VirtualRows({ label, columns, count, row }: VirtualRowsProps): JSX.Element {
  const [top, setTop] = useState(0);
  const frame = useRef<HTMLDivElement>(null);
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX) - MORE_ROWS, count - 1));
  const last = Math.min(count, first + Math.ceil(HEIGHT_PX / ROW_PX) + 2 * MORE_ROWS);
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, n) => ({ place: first + n, ...row(first + n) }));
  return (
    <section
      class="virtual"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
      tabIndex={0}
      ref={frame}
      style={{ maxHeight: `${HEIGHT_PX}px` }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <table aria-rowcount={count + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr class="spacer" style={{ height: `${first * ROW_PX}px` }} />}
          {rows.map(({ place, key, attributes, cells }) => (
            <tr key={key} aria-rowindex={place + 2} {...attributes}>
              {cells}
            </tr>
          ))}
          {last < count && <tr class="spacer" style={{ height: `${(count - last) * ROW_PX}px` }} />}
        </tbody>
      </table>
    </section>
  );
}

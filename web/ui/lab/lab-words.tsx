/** A lab's text as elements: no HTML is made from strings. */
import type { JSX } from "preact";
import { fileFor, type StudentLab } from "../../labs/format";
import { inlineOf, type Part } from "../../labs/text";
import { fill } from "../../lib/expression";
import { Wide } from "../../panels/wide";

export interface WordsProps {
  readonly text: string;
  readonly student: StudentLab;
  readonly onPanel: (id: string) => void;
}

export function Words({ text, student, onPanel }: WordsProps): JSX.Element {
  return (
    <>
      {inlineOf(fill(text, student.constants)).map((piece) => {
        switch (piece.kind) {
          case "code":
            return <code>{piece.text}</code>;
          case "strong":
            return <strong>{piece.text}</strong>;
          case "stressed":
            return <em>{piece.text}</em>;
          case "link":
            return piece.address.startsWith("panel:") ? (
              <button type="button" class="lab-link" onClick={() => onPanel(piece.address.slice("panel:".length))}>
                {piece.text}
              </button>
            ) : (
              <a href={piece.address} target="_blank" rel="noreferrer">
                {piece.text}
              </a>
            );
          default:
            return piece.text;
        }
      })}
    </>
  );
}

export interface LabPartProps {
  readonly part: Exclude<Part, { readonly kind: "task" }>;
  readonly student: StudentLab;
  readonly onPanel: (id: string) => void;
}

export function LabPart({ part, student, onPanel }: LabPartProps): JSX.Element {
  const words = (text: string): JSX.Element => <Words text={text} student={student} onPanel={onPanel} />;
  switch (part.kind) {
    case "paragraph":
      return <p>{words(part.text)}</p>;
    case "note":
      return <p class="lab-note">{words(part.text)}</p>;
    case "heading":
      return <h4>{words(part.text)}</h4>;
    case "list": {
      const items = part.items.map((item) => <li>{words(item)}</li>);
      return part.numbered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case "block":
      return <Code name="Example">{fill(part.text, student.constants)}</Code>;
    case "source":
      return <Code name={`Given program ${part.file}`}>{fileFor(student, part.file).trimEnd()}</Code>;
    case "table":
      return (
        <Wide label="Table">
          <table>
            <thead>
              <tr>
                {part.head.map((cell) => (
                  <th scope="col">{words(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {part.rows.map((row) => (
                <tr>
                  {row.map((cell) => (
                    <td>{words(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      );
  }
}

/** What may be wider than the pane scrolls, by keyboard too. */
function Code({ name, children }: { readonly name: string; readonly children: string }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="lab-code" aria-label={name} tabIndex={0}>
      <pre>{children}</pre>
    </section>
  );
}

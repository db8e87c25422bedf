/** An editor for the CPU's own assembler: errors by line, the listing, and the program in a machine of its own. */
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { assemble } from "../assembler/assemble";
import { bootImage, PROGRAM_KINDS, type ProgramKind } from "../assembler/boot-image";
import type { LineError } from "../assembler/source-error";
import { Wide } from "./wide";

export interface Program {
  readonly kind: ProgramKind;
  readonly source: string;
}

export interface AssemblerPanelProps {
  readonly program: Program;
  readonly onChange: (program: Program) => void;
  /** `paused`: before the first instruction. */
  readonly onBoot: (image: Uint8Array<ArrayBuffer>, kind: ProgramKind, paused: boolean) => void;
  /** Makes a link of it. */
  readonly onShare: () => void;
  /** Brings back what was in the editor before a link was opened. */
  readonly onEarlier?: () => void;
}

const LABELS: Readonly<Record<ProgramKind, string>> = {
  sector: "16-bit boot sector, real mode, at 7c00",
  flat32: "32-bit, protected mode, at 100000",
};

export const SAMPLES: Readonly<Record<ProgramKind, string>> = {
  sector: `; A boot sector: real mode, loaded at 0000:7C00. There is no BIOS; COM1 is port 3F8h.
bits 16
org 0x7c00

start:
    cli
    mov si, text
next:
    cs lodsb
    test al, al
    jz done
    call put
    jmp next
done:
    hlt                 ; with interrupts off: the machine stops

put:                    ; AL to COM1, when its transmitter is empty
    mov ah, al
    mov dx, 0x3fd
wait_empty:
    in al, dx
    test al, 0x20
    jz wait_empty
    mov al, ah
    mov dx, 0x3f8
    out dx, al
    ret

text:
    db "Assembled in the page.", 13, 10, 0
`,
  flat32: `; 32-bit code with flat segments. It turns paging on: 4 MB mapped to themselves, and page 5 left out.
bits 32
org 0x100000

directory equ 0x200000
table     equ 0x201000

    mov edi, table      ; 1024 entries: present, writable
    mov eax, 3
    mov ecx, 1024
fill:
    mov [edi], eax
    add eax, 0x1000
    add edi, 4
    loop fill
    mov dword [table + 5 * 4], 0
    mov dword [directory], table + 3
    mov eax, directory
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax        ; now look at the Paging tab

    mov eax, [0x4000]   ; a hidden page fault: the shadow is made
    mov eax, [0x4000]   ; no exit any more
    mov eax, [0x5000]   ; a true one: without an IDT, the end
    hlt
`,
};

export function AssemblerPanel({ program, onChange, onBoot, onShare, onEarlier }: AssemblerPanelProps): JSX.Element {
  const { kind, source } = program;
  const assembled = assemble(source, PROGRAM_KINDS[kind]);
  const image = assembled.errors.length === 0 ? bootImage(assembled, kind) : undefined;
  const errors: readonly LineError[] = image && !(image instanceof Uint8Array) ? [image] : assembled.errors;
  const boot = (paused: boolean): void => {
    if (image instanceof Uint8Array) onBoot(image, kind, paused);
  };
  const isSample = source === SAMPLES[kind];
  return (
    <div class="panel assembler-panel" data-panel="assembler">
      <div class="panel-tools">
        <select
          aria-label="Kind of program"
          value={kind}
          onChange={(event) => {
            const to = event.currentTarget.value as ProgramKind;
            // An untouched sample gives way to the other; what somebody wrote stays.
            onChange({ kind: to, source: isSample ? SAMPLES[to] : source });
          }}
        >
          {(Object.keys(LABELS) as ProgramKind[]).map((name) => (
            <option key={name} value={name}>
              {LABELS[name]}
            </option>
          ))}
        </select>
        <button type="button" class="button small solid" disabled={errors.length > 0} onClick={() => boot(false)}>
          Run
        </button>
        <button type="button" class="button small" disabled={errors.length > 0} onClick={() => boot(true)}>
          Run, paused at the start
        </button>
        <button type="button" class="button quiet small" disabled={isSample} onClick={() => onChange({ kind, source: SAMPLES[kind] })}>
          Example
        </button>
        <button type="button" class="button quiet small" onClick={onShare}>
          Share
        </button>
        {onEarlier && (
          <button type="button" class="button quiet small" onClick={onEarlier}>
            My earlier program
          </button>
        )}
      </div>
      <Editor source={source} errors={errors} onChange={(text) => onChange({ kind, source: text })} />
      <p class="hint" data-assembled={assembled.bytes.length} data-errors={errors.length} aria-live="polite">
        {errors.length === 0
          ? `${assembled.bytes.length} bytes at ${assembled.org.toString(16)}, ${assembled.labels.size} labels. It runs in a machine of its own; the other tabs show its inside.`
          : errors.length === 1
            ? "One line is wrong:"
            : `${errors.length} lines are wrong:`}
      </p>
      {errors.length > 0 && <Errors errors={errors} />}
      <details>
        <summary>Listing</summary>
        <Listing source={source} assembled={assembled} />
      </details>
    </div>
  );
}

interface EditorProps {
  readonly source: string;
  readonly errors: readonly LineError[];
  readonly onChange: (source: string) => void;
}

function Editor({ source, errors, onChange }: EditorProps): JSX.Element {
  const gutter = useRef<HTMLDivElement>(null);
  const wrong = new Map(errors.map(({ line, message }) => [line, message]));
  const lines = source.split("\n").length;
  return (
    <div class="editor">
      <div class="editor-gutter" ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, n) => (
          <div key={n} class={wrong.has(n + 1) ? "wrong" : ""} title={wrong.get(n + 1)}>
            {wrong.has(n + 1) ? "✗" : ""}
            {n + 1}
          </div>
        ))}
      </div>
      <textarea
        aria-label="Program"
        aria-invalid={errors.length > 0}
        class="mono"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        wrap="off"
        value={source}
        onInput={(event) => onChange(event.currentTarget.value)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}

const MOST_ERRORS = 20;

function Errors({ errors }: { readonly errors: readonly LineError[] }): JSX.Element {
  return (
    <ul class="assembler-errors">
      {errors.slice(0, MOST_ERRORS).map(({ line, message }) => (
        <li key={`${line} ${message}`} data-line={line}>
          <button type="button" class="link" onClick={() => goToLine(line)}>
            line {line}
          </button>
          : {message}
        </li>
      ))}
      {errors.length > MOST_ERRORS && <li>and {errors.length - MOST_ERRORS} more</li>}
    </ul>
  );
}

function goToLine(line: number): void {
  const editor = document.querySelector<HTMLTextAreaElement>(".editor textarea");
  if (!editor) return;
  const before =
    editor.value
      .split("\n")
      .slice(0, line - 1)
      .join("\n").length + (line > 1 ? 1 : 0);
  const end = editor.value.indexOf("\n", before);
  editor.focus();
  editor.setSelectionRange(before, end < 0 ? editor.value.length : end);
}

function Listing({ source, assembled }: { readonly source: string; readonly assembled: ReturnType<typeof assemble> }): JSX.Element {
  const texts = source.split(/\r?\n/);
  return (
    <Wide label="Addresses and bytes of the program">
      <table class="listing">
        <caption class="visually-hidden">Addresses and bytes of the program</caption>
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Line</th>
            <th scope="col">Address</th>
            <th scope="col">Bytes</th>
            <th scope="col">Source</th>
          </tr>
        </thead>
        <tbody>
          {assembled.lines.map(({ line, address, length }) => (
            <tr key={line} data-address={address}>
              <td class="gutter">{line}</td>
              <td class="code-address">{address.toString(16).padStart(8, "0")}</td>
              <td class="code-bytes">
                {Array.from(assembled.bytes.subarray(address - assembled.org, address - assembled.org + length), (byte) =>
                  byte.toString(16).padStart(2, "0"),
                ).join(" ")}
              </td>
              <td class="code-text">{texts[line - 1]?.trim()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

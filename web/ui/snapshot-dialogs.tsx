/** Saving, opening and sharing: the dialogs of the snapshot desk. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { downloadBytes, type MachineEntry, sizeText } from "./machines";
import { ProgressBar } from "./progress-bar";
import type { RecipeLink } from "./recipe-link";
import type { Session } from "./session";
import type { SnapshotDesk, SnapshotPreview } from "./snapshot-desk";
import { useStore } from "./store";

interface DialogsProps {
  readonly desk: SnapshotDesk;
  readonly session: Session | undefined;
}

export function SnapshotDialogs({ desk, session }: DialogsProps): JSX.Element | null {
  const { dialog } = useStore(desk.state);
  switch (dialog?.kind) {
    case "save":
      return session ? <SaveDialog desk={desk} session={session} /> : null;
    case "share":
      return session ? <ShareDialog desk={desk} session={session} /> : null;
    case "fetching":
      return (
        <Dialog
          id="fetching"
          title="Fetching a snapshot"
          onClose={() => desk.close("fetching")}
          actions={<Button onClick={() => desk.close()}>Cancel</Button>}
        >
          <p>
            From {dialog.host}: {sizeText(dialog.done)}
            {dialog.total > 0 && ` of ${sizeText(dialog.total)}`}. Nothing runs before you say so.
          </p>
          <ProgressBar name="Fetching" done={dialog.done} total={dialog.total} />
        </Dialog>
      );
    case "preview":
      return <PreviewDialog desk={desk} preview={dialog.preview} running={runningTitle(session)} />;
    case "link":
      return <LinkDialog desk={desk} link={dialog.link} entry={dialog.entry} running={runningTitle(session)} />;
    case "refused":
      return (
        <Dialog id="refused" title={dialog.title} onClose={() => desk.close("refused")}>
          <p role="alert">{dialog.text}</p>
        </Dialog>
      );
    default:
      return null;
  }
}

const runningTitle = (session: Session | undefined): string | undefined => (session?.isAlive ? session.entry.title : undefined);

/** What a compressed page is of its contents, as Linux guests go. */
const [LEAST_SHARE, MOST_SHARE] = [0.25, 0.6];

function SaveDialog({ desk, session }: { readonly desk: SnapshotDesk; readonly session: Session }): JSX.Element {
  const { saving, memoryInUse } = useStore(desk.state);
  const [title, setTitle] = useState(session.entry.title);
  const size =
    memoryInUse === undefined
      ? "its size is being estimated"
      : `about ${sizeText(Math.max(20_000, memoryInUse * LEAST_SHARE))} to ${sizeText(Math.max(40_000, memoryInUse * MOST_SHARE))}`;
  return (
    <Dialog
      id="save-snapshot"
      title="Save a snapshot"
      onClose={() => desk.close("save")}
      actions={
        <>
          <Button disabled={saving !== undefined} onClick={() => desk.close()}>
            Cancel
          </Button>
          <Button kind="solid" icon="save" disabled={saving !== undefined} onClick={() => void desk.save(title)}>
            Save to a file
          </Button>
        </>
      }
    >
      <p>
        The file holds the machine as it stands now ({size}). It can be opened here, in another browser or on another computer, and goes on
        from this moment.
      </p>
      <p class="privacy">
        <strong>It holds the whole memory of the machine and the contents of its disks</strong>, also passwords and keys that were typed in
        it and files that it read. Give it only to people who may see them.
      </p>
      <div class="field">
        <label for="snapshot-title">Title</label>
        <input
          id="snapshot-title"
          type="text"
          maxLength={200}
          autocomplete="off"
          value={title}
          disabled={saving !== undefined}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
      </div>
      {saving && <ProgressBar name="Saving" done={saving.done} total={saving.total} />}
    </Dialog>
  );
}

interface PreviewProps {
  readonly desk: SnapshotDesk;
  readonly preview: SnapshotPreview;
  /** What would be switched off. */
  readonly running: string | undefined;
}

const PREVIEW_LINES = 12;

function PreviewDialog({ desk, preview, running }: PreviewProps): JSX.Element {
  const { manifest, bytes, screenshot } = preview;
  const { machine, components } = manifest;
  const disks = machine.disks ?? [];
  const lines = manifest.terminal.slice(-PREVIEW_LINES);
  const [keepDisks, setKeepDisks] = useState(false);
  return (
    <Dialog
      id="preview"
      title={manifest.title || "A snapshot"}
      onClose={() => desk.close("preview")}
      actions={
        <>
          <Button onClick={() => desk.close()}>Cancel</Button>
          <Button kind="solid" icon="run" onClick={() => desk.runPreview(keepDisks)}>
            Run
          </Button>
        </>
      }
    >
      {screenshot ? (
        <img class="preview-screen" src={screenshot} alt="The machine's screen when it was saved" />
      ) : (
        lines.length > 0 && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
          <section class="preview-screen" tabIndex={0} aria-label="The end of its console">
            <pre>{lines.join("\n")}</pre>
          </section>
        )
      )}
      <table>
        <caption class="visually-hidden">What the snapshot is of</caption>
        <tbody>
          <Row name="Machine">
            {machine.memoryMb} MB memory, {machine.cpu}
          </Row>
          {disks.length > 0 && (
            <Row name={disks.length === 1 ? "Disk" : "Disks"}>
              {disks.map((disk, n) => (
                <div key={n}>
                  {disk.name}, {sizeText(disk.bytes)}
                  {disk.readOnly && ", read-only"}
                </div>
              ))}
            </Row>
          )}
          <Row name="Saved">{new Date(manifest.created).toLocaleString()}</Row>
          <Row name="File">
            {sizeText(bytes)}
            {preview.source.kind === "published" &&
              `, of which ${sizeText(preview.source.hot.size)} are here; the rest comes while it runs`}
          </Row>
          <Row name="Contains">
            {components.length === 0
              ? "software that is not named"
              : components.map(({ id, licence, package: name, version }) => (
                  <div key={id}>
                    {name ? `${name} ${version ?? ""}` : id}: {licence}
                  </div>
                ))}
          </Row>
        </tbody>
      </table>
      <p>
        It comes from whoever made the file, and runs only inside this tab's emulated machine: it cannot reach your files or this site.
        {running !== undefined && ` ${running} will be switched off.`}
      </p>
      {disks.length > 0 && preview.source.kind === "blob" && "indexedDB" in globalThis && (
        <div class="field">
          <label>
            <input type="checkbox" checked={keepDisks} onChange={(event) => setKeepDisks(event.currentTarget.checked)} /> Put{" "}
            {disks.length === 1 ? "its disk" : "its disks"} among the disks of this browser
          </label>
          <span class="hint">
            {keepDisks
              ? "What is written to them is kept here, and the machine can be continued after a crash."
              : "Else they are in this tab's memory and go with the machine: to keep what it writes, save a snapshot again."}
          </span>
        </div>
      )}
    </Dialog>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{children}</td>
    </tr>
  );
}

interface LinkProps {
  readonly desk: SnapshotDesk;
  readonly link: RecipeLink;
  readonly entry: MachineEntry;
  readonly running: string | undefined;
}

function LinkDialog({ desk, link, entry, running }: LinkProps): JSX.Element {
  return (
    <Dialog
      id="link"
      title={`Boot ${entry.title} from a link?`}
      onClose={() => desk.close("link")}
      actions={
        <>
          <Button onClick={() => desk.close()}>Cancel</Button>
          <Button kind="solid" icon="run" onClick={() => desk.runLink()}>
            Boot
          </Button>
        </>
      }
    >
      <table>
        <caption class="visually-hidden">What the link asks for</caption>
        <tbody>
          <Row name="Memory">{link.memoryMb} MB</Row>
          {link.commandLine && <Row name="Command line">{link.commandLine}</Row>}
          <Row name="Download">{downloadBytes(entry) === 0 ? "none" : sizeText(downloadBytes(entry))}</Row>
          {entry.licence && <Row name="Licence">{entry.licence}</Row>}
          {link.typed.map(({ after, text }) => (
            <Row key={`${after}\n${text}`} name="Types">
              <code>{text}</code> {after && `after "${after}"`}
            </Row>
          ))}
        </tbody>
      </table>
      {running !== undefined && <p>{running} will be switched off.</p>}
    </Dialog>
  );
}

function ShareDialog({ desk, session }: { readonly desk: SnapshotDesk; readonly session: Session }): JSX.Element {
  const [after, setAfter] = useState("");
  const [text, setText] = useState("");
  const [link, setLink] = useState("");
  const [problem, setProblem] = useState("");
  const make = async (): Promise<void> => {
    try {
      const typed = text === "" ? [] : [{ after, text: text.endsWith("\n") ? text : `${text}\n` }];
      const made = await desk.linkFor(session, typed);
      setProblem("");
      setLink(made);
      await navigator.clipboard?.writeText(made).catch(() => {});
    } catch (error) {
      setLink("");
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog
      id="share"
      title="Share a link"
      onClose={() => desk.close("share")}
      actions={
        <>
          <Button onClick={() => desk.close()}>Close</Button>
          <Button kind="solid" icon="share" onClick={() => void make()}>
            Make the link
          </Button>
        </>
      }
    >
      <p>
        The link says how this machine is made: guest, memory, command line, and what is typed for its user. It holds nothing of what is in
        the machine now; for that, save a snapshot and send the file.
      </p>
      <div class="field">
        <label for="share-text">Type for the user</label>
        <textarea
          id="share-text"
          rows={2}
          class="mono"
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for="share-after">when the guest has printed</label>
        <input
          id="share-after"
          type="text"
          class="mono"
          autocomplete="off"
          spellcheck={false}
          value={after}
          onInput={(event) => setAfter(event.currentTarget.value)}
        />
        <span class="hint">A prompt, for instance. Empty: at once.</span>
      </div>
      {link && (
        <div class="field">
          <label for="share-link">Link, copied where the browser allows it</label>
          <input id="share-link" type="text" class="mono" readOnly value={link} onFocus={(event) => event.currentTarget.select()} />
          <span class="hint">{link.length} characters</span>
        </div>
      )}
      {problem && <p role="alert">{problem}</p>}
    </Dialog>
  );
}

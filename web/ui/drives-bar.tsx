/** The drives of a machine with firmware: what is in them, a light that shows them at work, media in and out. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { isEmulatorError } from "../lib/errors";
import type { DriveState, MediumSource } from "../protocol/drives";
import { Button } from "./button";
import type { Controller } from "./controller";
import type { Session } from "./session";
import { useStore } from "./store";

export interface DrivesBarProps {
  readonly controller: Controller;
  readonly session: Session;
}

const KIND_TEXT = { floppy: "Floppy", disk: "Hard disk", cdrom: "CD" } as const;
const BLANK_FLOPPY_BYTES = 1440 * 1024;

const titleOf = ({ slot, media }: DriveState): string => `${KIND_TEXT[media]} (${slot})`;

export function DrivesBar({ controller, session }: DrivesBarProps): JSX.Element | null {
  const { status, phase } = useStore(session.state);
  const [message, setMessage] = useState("");
  /** The drive whose tray the guest has locked, and that the user wanted open all the same. */
  const [locked, setLocked] = useState<string>();
  const drives = status?.drives ?? [];
  if (drives.length === 0) return null;

  const attempt = async (drive: DriveState, action: () => Promise<string>): Promise<void> => {
    setMessage("");
    setLocked(undefined);
    try {
      controller.announce(`${titleOf(drive)}: ${await action()}`);
    } catch (error) {
      if (drive.isLocked) setLocked(drive.slot);
      setMessage(`${titleOf(drive)}: ${isEmulatorError(error) ? error.message : String(error)}`);
    }
  };
  const change = (drive: DriveState, medium: MediumSource): Promise<void> =>
    attempt(drive, async () => {
      await session.changeMedium(drive.slot, medium, locked === drive.slot);
      return medium ? `${medium.name} is in it.` : "empty.";
    });
  const save = (drive: DriveState): Promise<void> =>
    attempt(drive, async () => {
      const image = await session.exportMedium(drive.slot);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(image);
      link.download = /\.[a-z0-9]{1,5}$/i.test(drive.medium!) ? drive.medium! : `${drive.medium}.img`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      return "saved as an image.";
    });

  const isAlive = phase === "running" || phase === "paused";
  return (
    <section class="drives-bar" aria-label="Drives">
      <ul>
        {drives.map((drive) => (
          <li key={drive.slot} data-drive={drive.slot}>
            <span class={drive.isActive ? "drive-light active" : "drive-light"} aria-hidden="true" />
            <span class="drive-name">{titleOf(drive)}</span>
            <span class="drive-medium">{drive.medium ?? "empty"}</span>
            {drive.isRemovable && (
              <>
                <Insert drive={drive} disabled={!isAlive} onFile={(file) => void change(drive, { kind: "file", name: file.name, file })} />
                <Button
                  kind="quiet"
                  name={`${locked === drive.slot ? "Eject all the same" : "Eject"}: ${titleOf(drive)}`}
                  disabled={!isAlive || drive.medium === undefined}
                  onClick={() => void change(drive, null)}
                >
                  {locked === drive.slot ? "Eject all the same" : "Eject"}
                </Button>
              </>
            )}
            {drive.media === "floppy" && (
              <Button
                kind="quiet"
                name={`Create blank disk in ${titleOf(drive)}`}
                disabled={!isAlive || drive.medium !== undefined}
                onClick={() => void change(drive, { kind: "blank", name: "Blank floppy disk", bytes: BLANK_FLOPPY_BYTES })}
              >
                Blank disk
              </Button>
            )}
            {drive.media !== "cdrom" && (
              <Button
                kind="quiet"
                name={`Save what is in ${titleOf(drive)} as an image`}
                disabled={!isAlive || drive.medium === undefined}
                onClick={() => void save(drive)}
              >
                Save
              </Button>
            )}
          </li>
        ))}
      </ul>
      {message && (
        <p class="drives-message" role="alert">
          {message}
        </p>
      )}
    </section>
  );
}

interface InsertProps {
  readonly drive: DriveState;
  readonly disabled: boolean;
  readonly onFile: (file: File) => void;
}

function Insert({ drive, disabled, onFile }: InsertProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button kind="quiet" name={`Insert an image into ${titleOf(drive)}`} disabled={disabled} onClick={() => input.current!.click()}>
        Insert…
      </Button>
      {/* The button is its face. */}
      <input
        ref={input}
        type="file"
        hidden
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          // So that the same file can be chosen again.
          event.currentTarget.value = "";
          if (file) onFile(file);
        }}
      />
    </>
  );
}

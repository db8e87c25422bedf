/** "Disks": what this browser keeps, which of them the next machine gets, and ways in and out. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./button";
import { type Disks, MOST_ATTACHED } from "./disks";
import { Icon } from "./icons";
import { sizeText } from "./machines";
import { useStore } from "./store";

const DEFAULT_MB = 64;
const MOST_MB = 1_000_000;

export function DisksPanel({ disks }: { readonly disks: Disks }): JSX.Element {
  const { disks: list, attached, stored, quota, busy, message } = useStore(disks.state);
  const [name, setName] = useState("work");
  const [megabytes, setMegabytes] = useState(String(DEFAULT_MB));
  const [deleting, setDeleting] = useState<string>();
  const size = Number(megabytes);
  const isPossible = name.trim() !== "" && Number.isInteger(size) && size >= 1 && size <= MOST_MB;
  return (
    <div class="disks">
      {list && list.length > 0 && (
        <ul class="disk-list">
          {list.map((disk) => {
            const place = attached.indexOf(disk.id);
            const letter = String.fromCharCode(97 + Math.max(0, place));
            return (
              <li key={disk.id} class="disk">
                <label class="disk-text">
                  <input
                    type="checkbox"
                    checked={place >= 0}
                    disabled={place < 0 && attached.length >= MOST_ATTACHED}
                    onChange={() => disks.toggle(disk.id)}
                  />{" "}
                  <strong>{disk.name}</strong>, {sizeText(disk.bytes)}
                  {stored.has(disk.id) && `, ${sizeText(stored.get(disk.id)!)} stored`}
                  {disk.base && `, upon ${list.find(({ id }) => id === disk.base)?.name ?? "a disk that is missing"}`}
                  {place >= 0 && `: /dev/vd${letter} of the next machine`}
                </label>
                <div class="disk-actions">
                  <Button icon="file" kind="quiet" name={`Export ${disk.name}`} onClick={() => void disks.export(disk, "raw")}>
                    Export
                  </Button>
                  <Button icon="file" kind="quiet" name={`Export ${disk.name} as qcow2`} onClick={() => void disks.export(disk, "qcow2")}>
                    as qcow2
                  </Button>
                  <Button icon="disk" kind="quiet" name={`New disk upon ${disk.name}`} onClick={() => void disks.branch(disk)}>
                    Branch
                  </Button>
                  {disk.base && (
                    <Button icon="disk" kind="quiet" name={`Make ${disk.name} independent`} onClick={() => void disks.flatten(disk)}>
                      Make independent
                    </Button>
                  )}
                  {deleting === disk.id ? (
                    <Button
                      icon="warning"
                      kind="plain"
                      name={`Really delete ${disk.name} and all that is on it: ${sizeText(stored.get(disk.id) ?? 0)}`}
                      onClick={() => {
                        setDeleting(undefined);
                        void disks.remove(disk);
                      }}
                    >
                      Really delete {sizeText(stored.get(disk.id) ?? 0)}
                    </Button>
                  ) : (
                    <Button icon="warning" kind="quiet" name={`Delete ${disk.name}`} onClick={() => setDeleting(disk.id)}>
                      Delete
                    </Button>
                  )}
                </div>
              </li>
            );
          })}
        </ul>
      )}
      <form
        class="disk-form"
        aria-label="New disk"
        onSubmit={(event) => {
          event.preventDefault();
          if (isPossible) void disks.create(name.trim(), size);
        }}
      >
        <div class="field">
          <label for="disk-name">Name</label>
          <input id="disk-name" type="text" value={name} maxLength={60} onInput={(event) => setName(event.currentTarget.value)} />
        </div>
        <div class="field">
          <label for="disk-size">Size in MB</label>
          <input
            id="disk-size"
            type="number"
            min={1}
            max={MOST_MB}
            value={megabytes}
            onInput={(event) => setMegabytes(event.currentTarget.value)}
          />
        </div>
        <Button icon="disk" kind="plain" disabled={!isPossible || busy !== undefined} onClick={() => void disks.create(name.trim(), size)}>
          Create blank disk
        </Button>
        <div class="file-slot">
          <label for="disk-import">or import a raw or qcow2 image</label>
          <input
            id="disk-import"
            type="file"
            disabled={busy !== undefined}
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = "";
              if (file) void disks.import(file);
            }}
          />
        </div>
      </form>
      {list && list.length > 0 && (
        <p class="section-note">
          A branch begins with what its disk holds and stores only what is written to it; the disk below can then only be read.
          {quota && ` This site uses ${sizeText(quota.usage)} of the ${sizeText(quota.quota)} that the browser gives it.`}
        </p>
      )}
      {busy && (
        <p role="status">
          {busy.text}: {Math.floor(busy.done * 100)} %
        </p>
      )}
      {message && (
        <p class="own-message" role="alert">
          <Icon name="warning" />
          {message}
        </p>
      )}
    </div>
  );
}

/** Search in the terminal's output and scrollback. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button";
import type { SearchResult } from "./terminal-view";

export interface FindBarProps {
  readonly result: SearchResult;
  readonly onFind: (text: string, direction: "next" | "previous", incremental: boolean) => void;
  readonly onClose: () => void;
}

export function FindBar({ result, onFind, onClose }: FindBarProps): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useEffect(() => field.current?.focus(), []);
  const found =
    text === ""
      ? ""
      : result.count === 0
        ? "Nothing found"
        : result.index > 0
          ? `${result.index} of ${result.count}`
          : `${result.count} found`;
  return (
    <search class="find-bar" id="find-bar">
      <label class="visually-hidden" for="find-text">
        Search the output
      </label>
      <input
        ref={field}
        id="find-text"
        type="text"
        spellcheck={false}
        autocomplete="off"
        placeholder="Search the output"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          onFind(event.currentTarget.value, "next", true);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") onFind(text, event.shiftKey ? "previous" : "next", false);
          else if (event.key === "Escape") onClose();
        }}
      />
      <output class="find-count" for="find-text">
        {found}
      </output>
      <Button icon="up" kind="quiet" name="Previous match" onClick={() => onFind(text, "previous", false)} />
      <Button icon="down" kind="quiet" name="Next match" onClick={() => onFind(text, "next", false)} />
      <Button icon="close" kind="quiet" name="Close search" onClick={onClose} />
    </search>
  );
}

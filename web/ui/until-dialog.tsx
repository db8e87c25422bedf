/** Run until …: an address, an exception, a kind of exit, a port, a control register; once, or each time. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { EXCEPTIONS } from "../lib/cpu-bits";
import { EXITS } from "../lib/events.generated";
import type { StopSpec } from "../lib/inspection";
import { parseAddress } from "../panels/address";
import { Button } from "./button";
import { Dialog } from "./dialog";
import type { Session } from "./session";

export interface UntilDialogProps {
  readonly session: Session;
  readonly onClose: () => void;
}

const KINDS = [
  ["execute", "an instruction at an address"],
  ["write", "a write to memory"],
  ["read", "a read of memory"],
  ["exception", "an exception"],
  ["port", "an access to a port"],
  ["register", "a write to a control register"],
  ["exit", "any exit for a reason"],
] as const;
type Kind = (typeof KINDS)[number][0];
/** Those that a guest can write. */
const CONTROL_REGISTERS = [0, 2, 3, 4];
const MOST_PORT = 0xffff;
const MOST_WATCHED = 4096;

export function UntilDialog({ session, onClose }: UntilDialogProps): JSX.Element {
  const [kind, setKind] = useState<Kind>("execute");
  const [address, setAddress] = useState("");
  const [bytes, setBytes] = useState(4);
  const [vector, setVector] = useState(14);
  const [port, setPort] = useState("3f8");
  const [out, setOut] = useState(true);
  const [register, setRegister] = useState(3);
  const [reason, setReason] = useState("Hlt");
  const [condition, setCondition] = useState("");
  const [wrong, setWrong] = useState("");
  const registers = session.inspect.data.value.picture?.cpu?.registers ?? {};

  const hasAddress = kind === "execute" || kind === "read" || kind === "write";

  const spec = (named: number | undefined): StopSpec | string => {
    const linear = named ?? parseAddress(address, registers);
    switch (kind) {
      case "execute":
        return linear === undefined ? NO_ADDRESS : { kind: "execute", address: linear };
      case "read":
      case "write":
        return linear === undefined ? NO_ADDRESS : { kind: "access", address: linear, bytes, on: kind };
      case "exception":
        return { kind: "exit", reason: "Exception", vector };
      case "port": {
        const number = /^(0x)?[0-9a-f]{1,4}h?$/i.test(port.trim()) ? Number.parseInt(port.trim().replace(/^0x/i, ""), 16) : Number.NaN;
        return number <= MOST_PORT
          ? { kind: "exit", reason: out ? "IoWrite" : "IoRead", port: number }
          : "Give the port in hexadecimal, 0 to ffff.";
      }
      case "register":
        return { kind: "exit", reason: "CrWrite", register };
      case "exit":
        return { kind: "exit", reason };
    }
  };
  const act = async (how: "until" | "always" | "back"): Promise<void> => {
    const place = spec(hasAddress ? await session.inspect.find(address.trim()) : undefined);
    if (typeof place === "string") {
      setWrong(place);
      return;
    }
    const found: StopSpec = condition.trim() === "" ? place : { ...place, condition: condition.trim() };
    onClose();
    if (how === "back") await session.inspect.back(found);
    else if (how === "always") await session.inspect.toggle(found);
    else await session.inspect.runUntil(found);
  };

  return (
    <Dialog
      id="until"
      title="Run until"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button onClick={() => void act("back")}>Back to the last time</Button>
          <Button onClick={() => void act("always")}>Stop there each time</Button>
          <Button kind="solid" onClick={() => void act("until")}>
            Run until then
          </Button>
        </>
      }
    >
      <div class="field">
        <label for="until-kind">Until</label>
        <select id="until-kind" value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
          {KINDS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </div>
      {hasAddress && (
        <div class="field">
          <label for="until-address">Linear address</label>
          <input
            id="until-address"
            class="mono"
            type="text"
            spellcheck={false}
            autocomplete="off"
            value={address}
            onInput={(event) => setAddress(event.currentTarget.value)}
          />
          <p class="hint">Hexadecimal, a register such as eip or ss:esp, or a name where names are known (CPU panel).</p>
        </div>
      )}
      {hasAddress && kind !== "execute" && (
        <div class="field">
          <label for="until-bytes">Bytes</label>
          <input
            id="until-bytes"
            type="number"
            min={1}
            max={MOST_WATCHED}
            value={bytes}
            onInput={(event) => setBytes(Number(event.currentTarget.value))}
          />
        </div>
      )}
      {kind === "exception" && (
        <Choice
          id="until-vector"
          label="Exception"
          value={vector}
          options={Object.entries(EXCEPTIONS).map(([n, [name, gloss]]) => [Number(n), `${name} ${gloss}`])}
          onChange={setVector}
        />
      )}
      {kind === "register" && (
        <Choice
          id="until-register"
          label="Control register"
          value={register}
          options={CONTROL_REGISTERS.map((n) => [n, `CR${n}`])}
          onChange={setRegister}
        />
      )}
      {kind === "port" && (
        <>
          <div class="field">
            <label for="until-port">Port</label>
            <input id="until-port" class="mono" type="text" value={port} onInput={(event) => setPort(event.currentTarget.value)} />
          </div>
          <Choice
            id="until-direction"
            label="Direction"
            value={out ? 1 : 0}
            options={[
              [1, "OUT: written"],
              [0, "IN: read"],
            ]}
            onChange={(value) => setOut(value === 1)}
          />
        </>
      )}
      {kind === "exit" && (
        <div class="field">
          <label for="until-reason">Reason</label>
          <select id="until-reason" value={reason} onChange={(event) => setReason(event.currentTarget.value)}>
            {EXITS.map(({ name, gloss }) => (
              <option key={name} value={name}>
                {name}: {gloss}
              </option>
            ))}
          </select>
        </div>
      )}
      <div class="field">
        <label for="until-condition">Only if</label>
        <input
          id="until-condition"
          class="mono"
          type="text"
          spellcheck={false}
          autocomplete="off"
          value={condition}
          onInput={(event) => setCondition(event.currentTarget.value)}
        />
        <p class="hint">Left empty: always. Registers and memory, such as eax == 5 and dword(esp + 4) &gt; 0x1000.</p>
      </div>
      {wrong && (
        <p class="hint wrong" role="alert">
          {wrong}
        </p>
      )}
    </Dialog>
  );
}

const NO_ADDRESS = "Give the address in hexadecimal, up to 8 digits or in 64-bit mode 16, or the name of a register.";

interface ChoiceProps {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  readonly options: readonly (readonly [number, string])[];
  readonly onChange: (value: number) => void;
}

function Choice({ id, label, value, options, onChange }: ChoiceProps): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {options.map(([n, text]) => (
          <option key={n} value={n}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

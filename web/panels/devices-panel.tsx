/**
 * The board: interrupt lines from pin to handler, and one device with its state by the names of its schema, its ports, and
 * the newest accesses to them.
 */
import type { JSX } from "preact";
import { EXITS } from "../lib/events.generated";
import type { ApicPicture, BoardPicture, DeviceState, Gate, InterruptLines, QueueState, TrapEvent } from "../lib/inspection";
import { linearText } from "../lib/linear";
import { registerName } from "../lib/register-names";
import { Wide } from "./wide";

export interface DevicesPanelProps {
  readonly board: BoardPicture;
  /** Exits since the panel was opened, oldest first. */
  readonly log: readonly TrapEvent[];
  readonly onChoose: (name: string) => void;
}

const MOST_ROWS = 40;
const PINS = 8;
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const count = (value: number): string => value.toLocaleString("en-US");
const reasonOf = ({ reason }: TrapEvent): string => EXITS[reason]?.name ?? "?";
const vectorOf = ({ qualification }: TrapEvent): number => Number(qualification & 0xffn);
const portOf = ({ qualification }: TrapEvent): number => Number(qualification & 0xffffn);

export function DevicesPanel({ board, log, onChoose }: DevicesPanelProps): JSX.Element {
  const { chosen } = board;
  return (
    <div class="panel devices-panel" data-panel="devices">
      <h3>Interrupts, from pin to handler</h3>
      <Lines pics={board.pics} gates={board.gates} log={log} />
      {board.apic && <ApicLines apic={board.apic} gates={board.gates} log={log} />}
      <p class="hint">
        A device raises a pin; the 8259A remembers it in IRR (request), and unless it is masked in IMR asks the processor; acknowledged, it
        moves to ISR (in service) until the handler's end-of-interrupt. Delivered: Interrupt exits with this vector since this panel was
        opened. On real hardware: under VT-x the VMM writes the vector into the VMCS, under SVM into the VMCB, or the chip's virtual APIC
        delivers it.
      </p>
      <InterruptLog pics={board.pics} log={log} />
      <div class="panel-tools">
        <h3>Device</h3>
        <label class="check">
          Show{" "}
          <select value={chosen?.name ?? ""} onChange={(event) => onChoose(event.currentTarget.value)}>
            {board.devices.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {chosen && <Device device={chosen} log={log} />}
      <h3>All devices</h3>
      <Wide label="Accesses to each device">
        <table class="facts">
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">Reads</th>
              <th scope="col">Writes</th>
              <th scope="col">Mistakes of the guest</th>
            </tr>
          </thead>
          <tbody>
            {board.devices.map(({ name, reads, writes, guestErrors }) => (
              <tr key={name} data-device={name} data-reads={reads} data-writes={writes} data-guest-errors={guestErrors}>
                <th scope="row">{name}</th>
                <td class="number count">{count(reads)}</td>
                <td class="number count">{count(writes)}</td>
                <td class="number count">{count(guestErrors)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </div>
  );
}

/** The number of a request as people say it: those of the slave are 8 to 15. */
const requestOf = ({ name }: InterruptLines, pin: number): number => (name === "pic1" ? pin : PINS + pin);

/** How often each vector was delivered. */
function deliveries(log: readonly TrapEvent[]): ReadonlyMap<number, number> {
  const delivered = new Map<number, number>();
  for (const event of log) if (reasonOf(event) === "Interrupt") delivered.set(vectorOf(event), (delivered.get(vectorOf(event)) ?? 0) + 1);
  return delivered;
}

/** The gate of a vector, and its handler. */
function Handler({ gate }: { readonly gate: Gate | undefined }): JSX.Element {
  if (!gate?.present) return <td data-gate="none">no gate</td>;
  const { selector, handler, name } = gate;
  return (
    <td data-gate={handler}>
      <span class="mono">
        {hex(selector, 4)}:{linearText(handler)}
      </span>
      {name ? <span class="code-name"> {name}</span> : null}
    </td>
  );
}

interface ApicLinesProps {
  readonly apic: ApicPicture;
  readonly gates: readonly Gate[];
  readonly log: readonly TrapEvent[];
}

/** Pins of the I/O APIC that are not masked, the local timer, and what is requested or in service. */
function ApicLines({ apic, gates, log }: ApicLinesProps): JSX.Element {
  const delivered = deliveries(log);
  const rows = [
    ...apic.pins.filter(({ masked }) => !masked).map((pin) => ({ ...pin, from: `pin ${pin.pin}` })),
    ...(apic.timer.masked ? [] : [{ from: "local timer", vector: apic.timer.vector, asserted: undefined, level: false }]),
  ];
  return (
    <Wide label="APIC interrupts">
      <table class="facts">
        <caption class="device-caption">
          I/O APIC and local APIC: {rows.length === 0 ? "all masked" : "what is not masked"}; requested {vectorsText(apic.irr)}, in service{" "}
          {vectorsText(apic.isr)}
        </caption>
        <thead>
          <tr>
            {["From", "Pin", "Trigger", "IRR", "ISR", "Vector", "Handler", "Delivered"].map((each) => (
              <th scope="col" key={each}>
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ from, vector, asserted, level }) => (
            <tr
              key={from}
              data-apic={from}
              data-vector={vector}
              data-asserted={asserted ? 1 : 0}
              data-irr={apic.irr.includes(vector) ? 1 : 0}
              data-isr={apic.isr.includes(vector) ? 1 : 0}
            >
              <th scope="row">{from}</th>
              <td>{asserted === undefined ? "" : asserted ? "asserted" : "idle"}</td>
              <td>{level ? "level" : "edge"}</td>
              <td>{apic.irr.includes(vector) ? "requested" : ""}</td>
              <td>{apic.isr.includes(vector) ? "in service" : ""}</td>
              <td class="number">{hex(vector, 2)}</td>
              <Handler gate={gates.find((gate) => gate.vector === vector)} />
              <td class="number count">{count(delivered.get(vector) ?? 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

const vectorsText = (vectors: readonly number[]): string => (vectors.length === 0 ? "none" : vectors.map((n) => hex(n, 2)).join(", "));

interface LinesProps {
  readonly pics: readonly InterruptLines[];
  readonly gates: readonly Gate[];
  readonly log: readonly TrapEvent[];
}

function Lines({ pics, gates, log }: LinesProps): JSX.Element {
  const delivered = deliveries(log);
  const rows = pics
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .flatMap((pic) => Array.from({ length: PINS }, (_, pin) => ({ pic, pin, bit: 1 << pin })));
  return (
    <Wide label="Interrupt lines">
      <table class="facts">
        <thead>
          <tr>
            <th scope="col">IRQ</th>
            <th scope="col">Pin</th>
            <th scope="col">IRR</th>
            <th scope="col">IMR</th>
            <th scope="col">ISR</th>
            <th scope="col">Vector</th>
            <th scope="col">Handler</th>
            <th scope="col">Delivered</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ pic, pin, bit }) => {
            const vector = pic.vectorBase + pin;
            const bits = { pin: pic.inputs & bit, irr: pic.irr & bit, imr: pic.imr & bit, isr: pic.isr & bit };
            return (
              <tr
                key={`${pic.name}${pin}`}
                data-irq={requestOf(pic, pin)}
                data-pin={bits.pin ? 1 : 0}
                data-irr={bits.irr ? 1 : 0}
                data-imr={bits.imr ? 1 : 0}
                data-isr={bits.isr ? 1 : 0}
                data-vector={vector}
              >
                <th scope="row">{requestOf(pic, pin)}</th>
                <td>{bits.pin ? "high" : "low"}</td>
                <td>{bits.irr ? "requested" : ""}</td>
                <td>{bits.imr ? "masked" : ""}</td>
                <td>{bits.isr ? "in service" : ""}</td>
                <td class="number">{hex(vector, 2)}</td>
                <Handler gate={gates.find((gate) => gate.vector === vector)} />
                <td class="number count">{count(delivered.get(vector) ?? 0)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Wide>
  );
}

/** End-of-interrupt commands are writes to the command ports of the 8259As. */
const COMMAND_PORTS: readonly number[] = [0x20, 0xa0];

function InterruptLog({ pics, log }: { readonly pics: readonly InterruptLines[]; readonly log: readonly TrapEvent[] }): JSX.Element {
  const steps = log
    .filter((event) => {
      const name = reasonOf(event);
      return name === "Interrupt" || name === "Iret" || (name === "IoWrite" && COMMAND_PORTS.includes(portOf(event)));
    })
    .slice(-MOST_ROWS)
    .toReversed();
  const words = (event: TrapEvent): string => {
    const name = reasonOf(event);
    if (name === "Iret") return "the handler returns";
    if (name === "IoWrite") return `command to the ${portOf(event) === COMMAND_PORTS[0] ? "master" : "slave"} 8259A`;
    const vector = vectorOf(event);
    const pic = pics.find(({ vectorBase }) => vector >= vectorBase && vector < vectorBase + PINS);
    return `vector ${hex(vector, 2)}${pic ? `, IRQ ${requestOf(pic, vector - pic.vectorBase)}` : ""} is delivered`;
  };
  return (
    <Events
      label="Interrupts, newest first"
      empty="No interrupt since this panel was opened."
      events={steps}
      words={words}
      attribute="data-interrupt-step"
    />
  );
}

const ACCESSES = /^(Io|Mmio)(Read|Write)$/;

function Device({ device, log }: { readonly device: DeviceState; readonly log: readonly TrapEvent[] }): JSX.Element {
  const isWithin = (ranges: DeviceState["ports"], at: number): boolean => ranges.some(({ first, last }) => at >= first && at <= last);
  const accesses = log
    .filter((event) => {
      const [, space] = ACCESSES.exec(reasonOf(event)) ?? [];
      return space === "Io"
        ? isWithin(device.ports, portOf(event))
        : space === "Mmio" && isWithin(device.memory, Number(event.qualification));
    })
    .slice(-MOST_ROWS)
    .toReversed();
  const words = (event: TrapEvent): string => {
    const [, space, kind] = ACCESSES.exec(reasonOf(event))!;
    const [at, name] =
      space === "Io"
        ? [hex(portOf(event), 3), registerName(device, "port", portOf(event))]
        : [hex(Number(event.qualification), 8), registerName(device, "memory", Number(event.qualification))];
    return `${kind === "Read" ? "read" : "write"} ${at}${name === "" ? "" : ` (${name})`}`;
  };
  const range = ({ first, last }: { readonly first: number; readonly last: number }, digits: number): string =>
    first === last ? hex(first, digits) : `${hex(first, digits)}-${hex(last, digits)}`;
  return (
    <>
      <p data-chosen-device={device.name}>
        <strong>{device.part}</strong>
        {device.ports.length > 0 ? `, ports ${device.ports.map((each) => range(each, 3)).join(", ")}` : ""}
        {device.memory.length > 0 ? `, memory ${device.memory.map((each) => range(each, 8)).join(", ")}` : ""}
      </p>
      <Wide label="State of the device">
        <table class="facts">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {device.fields.map(({ name, value }) => (
              <tr key={name} data-field={name} data-value={value}>
                <th scope="row">{name}</th>
                <td class="mono">{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {device.queues.length > 0 && <Queues queues={device.queues} />}
      <Events
        label="Accesses to its registers, newest first"
        empty="No access to its registers since this panel was opened."
        events={accesses}
        attribute="data-access-number"
        words={words}
      />
    </>
  );
}

/** Indices run modulo 2^16. */
const behind = (index: number | undefined, done: number): string => (index === undefined ? "" : `${(index - done) & 0xffff}`);

function Queues({ queues }: { readonly queues: readonly QueueState[] }): JSX.Element {
  const columns = ["Queue", "Entries", "Descriptors", "Available ring", "Used ring", "Made available", "Taken", "Given back", "Waiting"];
  return (
    <Wide label="Virtqueues">
      <table class="facts">
        <thead>
          <tr>
            {columns.map((each) => (
              <th scope="col" key={each}>
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {queues.map((queue, n) => (
            <tr
              key={n}
              data-queue={n}
              data-size={queue.size}
              data-taken={queue.taken}
              data-given={queue.given}
              data-available-index={queue.availableIndex ?? "none"}
              data-used-index={queue.usedIndex ?? "none"}
            >
              <th scope="row">
                {n}
                {queue.enabled ? "" : " (not set up)"}
              </th>
              <td class="number count">{queue.size}</td>
              <td class="number">{hex(queue.descriptors, 8)}</td>
              <td class="number">{hex(queue.available, 8)}</td>
              <td class="number">{hex(queue.used, 8)}</td>
              <td class="number count">{queue.availableIndex ?? ""}</td>
              <td class="number count">{queue.taken}</td>
              <td class="number count">{queue.given}</td>
              <td class="number count">{behind(queue.availableIndex, queue.taken)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

interface EventsProps {
  readonly label: string;
  readonly empty: string;
  readonly events: readonly TrapEvent[];
  readonly words: (event: TrapEvent) => string;
  readonly attribute: string;
}

function Events({ label, empty, events, words, attribute }: EventsProps): JSX.Element {
  if (events.length === 0) return <p class="hint">{empty}</p>;
  return (
    <Wide label={label}>
      <table class="facts">
        <caption class="device-caption">{label}</caption>
        <thead>
          <tr>
            <th scope="col">Tick</th>
            <th scope="col">RIP</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.number} {...{ [attribute]: event.number }} data-tick={event.tick}>
              <td class="number">{count(event.tick)}</td>
              <td class="number">{linearText(event.rip)}</td>
              <td>{words(event)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

/** A session over a worker that answers when the test says so. */
import { afterEach, describe, expect, it } from "vitest";
import { Channel, type WorkerPort } from "../../web/protocol/channel";
import type { Command } from "../../web/protocol/commands";
import type { RunState, WorkerEvent } from "../../web/protocol/events";
import type { MachineEntry } from "../../web/ui/machines";
import { Session } from "../../web/ui/session";

const entry: MachineEntry = {
  id: "hello",
  group: "builtin",
  title: "Hello",
  description: "",
  licence: "",
  boot: "sector",
  image: { kind: "builtin", name: "hello", size: 512 } as unknown as MachineEntry["image"],
  defaults: { memoryMb: 16, commandLine: "" },
  takesCommandLine: false,
};

const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.powerOff(true);
});

function newSession() {
  const sent: Command[] = [];
  const port: WorkerPort = {
    postMessage: (command) => sent.push(command),
    onmessage: null,
    onerror: null,
    onmessageerror: null,
    terminate: () => {},
  };
  const session = new Session(entry, entry.defaults, new Channel(port));
  sessions.push(session);
  return {
    session,
    hear: (data: WorkerEvent) => port.onmessage!({ data }),
    status: (state: RunState) =>
      port.onmessage!({
        data: { type: "status", status: { state, mips: 0, idle: 0, instructions: 0, guestSeconds: 0, memoryMb: 16, unimplemented: [] } },
      }),
    typed: () => sent.flatMap((command) => (command.type === "serial-input" ? [new TextDecoder().decode(command.bytes)] : [])).join(""),
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("typing", () => {
  it.each<RunState>(["running", "paused"])("while the machine loads waits until it is %s, and stays in order", (state) => {
    const { session, status, typed } = newSession();
    session.type(bytes("ab"));
    session.type(bytes("c"));
    expect(typed()).toBe("");
    status(state);
    expect(typed()).toBe("abc");
    session.type(bytes("d"));
    expect(typed()).toBe("abcd");
    status(state);
    expect(typed(), "once").toBe("abcd");
  });

  it("after the machine's end goes nowhere", () => {
    const { session, status, hear, typed } = newSession();
    status("running");
    hear({ type: "ended", exit: { reason: "halted", status: 0, message: "" } });
    session.type(bytes("x"));
    expect(typed()).toBe("");
    expect(session.hasInput).toBe(false);
  });
});

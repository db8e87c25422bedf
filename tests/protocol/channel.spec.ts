/** The line between page and worker: answers reach their askers, errors stay errors, and a crash leaves nobody waiting. */
import { describe, expect, it } from "vitest";
import { AssertionFailed, DownloadFailed, ImageUnreadable } from "../../web/lib/errors";
import { answer, Channel, type Handlers, type WorkerPort } from "../../web/protocol/channel";
import type { Command } from "../../web/protocol/commands";
import type { Announcement, WorkerEvent } from "../../web/protocol/events";

class FakePort implements WorkerPort {
  readonly sent: Command[] = [];
  onmessage: WorkerPort["onmessage"] = null;
  onerror: WorkerPort["onerror"] = null;
  onmessageerror: WorkerPort["onmessageerror"] = null;
  isTerminated = false;
  postMessage(message: Command): void {
    this.sent.push(message);
  }
  terminate(): void {
    this.isTerminated = true;
  }
  say(data: WorkerEvent): void {
    this.onmessage!({ data });
  }
}

function open(): { port: FakePort; channel: Channel; heard: Announcement[] } {
  const port = new FakePort();
  const channel = new Channel(port);
  const heard: Announcement[] = [];
  channel.onEvent = (event) => heard.push(event);
  return { port, channel, heard };
}

const idOf = (command: Command | undefined): number => (command as { id: number }).id;

describe("the page's end", () => {
  it("gives each answer to its asker, in whatever order they come", async () => {
    const { port, channel } = open();
    const first = channel.request({ type: "prefetch", images: [] });
    const second = channel.request({ type: "pause" });
    port.say({ type: "reply", id: idOf(port.sent[1]), value: null });
    port.say({ type: "reply", id: idOf(port.sent[0]), value: { stored: true } });
    expect(await second).toBeNull();
    expect(await first).toEqual({ stored: true });
  });

  it("rejects with the error that the worker threw, of its class and with its fields", async () => {
    const { port, channel } = open();
    const asked = channel.request({ type: "start" });
    port.say({
      type: "refused",
      id: idOf(port.sent[0]),
      error: { kind: "DownloadFailed", message: "m", fields: { what: "kernel", status: 404, hint: "h" } },
    });
    const error = await asked.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DownloadFailed);
    expect(error).toMatchObject({ kind: "DownloadFailed", what: "kernel", status: 404, message: "m" });
  });

  it("rejects everything still open when the worker crashes, says so once, and answers nothing afterwards", async () => {
    const { port, channel, heard } = open();
    const open1 = channel.request({ type: "start" });
    const open2 = channel.request({ type: "pause" });
    port.onerror!({ message: "made up", preventDefault: () => {} });
    await expect(open1).rejects.toBeInstanceOf(AssertionFailed);
    await expect(open2).rejects.toThrow("made up");
    await expect(channel.request({ type: "start" })).rejects.toThrow("made up");
    expect(port.isTerminated).toBe(true);
    port.say({ type: "crashed", error: { kind: "AssertionFailed", message: "again", fields: {} } });
    expect(heard.map(({ type }) => type)).toEqual(["crashed"]);
  });

  it("tells a script that could not be loaded from an error within it", () => {
    const { port, heard } = open();
    port.onerror!({ preventDefault: () => {} });
    expect(heard[0]).toMatchObject({ type: "crashed", error: { message: expect.stringContaining("can be loaded") } });
  });

  it("sends nothing on a closed line", async () => {
    const { port, channel } = open();
    channel.close(new Error("over"));
    channel.notify({ type: "serial-shown", bytes: 1 });
    await expect(channel.request({ type: "pause" })).rejects.toThrow("over");
    expect(port.sent).toEqual([]);
  });
});

describe("the worker's end", () => {
  const handlers = (changes: Partial<Handlers>): Handlers => changes as Handlers;

  it("answers with what the handler returns or resolves to", async () => {
    const sent: WorkerEvent[] = [];
    const all = handlers({ pause: () => null, prefetch: async () => ({ stored: false }) });
    await answer({ type: "pause", id: 7 }, all, (event) => sent.push(event));
    await answer({ type: "prefetch", id: 8, images: [] }, all, (event) => sent.push(event));
    expect(sent).toEqual([
      { type: "reply", id: 7, value: null },
      { type: "reply", id: 8, value: { stored: false } },
    ]);
  });

  it("refuses with what the handler throws, as data", async () => {
    const sent: WorkerEvent[] = [];
    const all = handlers({
      start: () => {
        throw new ImageUnreadable("kernel", "It is empty.", "Choose another file.");
      },
    });
    await answer({ type: "start", id: 1 }, all, (event) => sent.push(event));
    expect(sent).toEqual([
      {
        type: "refused",
        id: 1,
        error: {
          kind: "ImageUnreadable",
          message: "kernel: It is empty. Choose another file.",
          fields: { image: "kernel", reason: "It is empty.", hint: "Choose another file." },
        },
      },
    ]);
  });

  it("reports as a crash what a command without an answer throws", async () => {
    const sent: WorkerEvent[] = [];
    const all = handlers({
      "serial-input": () => {
        throw new Error("made up");
      },
    });
    await answer({ type: "serial-input", port: 0, bytes: new Uint8Array(1) }, all, (event) => sent.push(event));
    expect(sent[0]).toMatchObject({ type: "crashed", error: { kind: "AssertionFailed" } });
  });
});

/** `--gdb PORT`: the machine waits for a gdb, is driven by it, and goes on by itself when it has been detached. */
import { OutOfMemory } from "../lib/errors";
import type { Machine } from "../machine/machine";
import type { Environment } from "./environment";
import { GdbStub, type SessionEnd } from "./gdb-stub";
import { BadOption } from "./run-options";

export interface GdbSession {
  /** When gdb has left. */
  readonly ended: Promise<SessionEnd>;
  close(): void;
}

/** Listens on this machine only. Rejects with BadOption where the port cannot be had. */
export async function openGdbSession(machine: Machine, port: number, environment: Environment): Promise<GdbSession> {
  if (!environment.serve) throw new BadOption("--gdb: there is no network here");
  try {
    machine.history.start();
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    environment.stderr("vitrine: too much memory to record it: gdb cannot go back\n");
  }
  let end!: (how: SessionEnd) => void;
  const ended = new Promise<SessionEnd>((resolve) => {
    end = resolve;
  });
  let isTaken = false;
  const server = await environment
    .serve(port, (connection) => {
      if (isTaken) {
        connection.close();
        return;
      }
      isTaken = true;
      const stub = new GdbStub(machine, connection);
      connection.onData((text) => stub.receive(text));
      connection.onClose(() => stub.hungUp());
      void stub.ended.then((how) => {
        connection.close();
        end(how);
      });
    })
    .catch((error: unknown) => {
      throw new BadOption(`--gdb ${port}: ${error instanceof Error ? error.message : String(error)}`);
    });
  environment.stderr(`vitrine: waiting for gdb at port ${server.port}; in gdb: target remote :${server.port}\n`);
  void ended.then(() => server.close());
  return {
    ended,
    close: () => {
      machine.pause();
      end("killed");
    },
  };
}

/** Listening: the port asked for, or the first free one; and the addresses under which others reach it. */
import { networkInterfaces } from "node:os";
import { DEFAULT_PORT } from "./start-options.mjs";

const TRIES = 20;

function tryPort(server, port, host) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve(server.address().port);
    });
  });
}

/**
 * @param {import("node:http").Server} server
 * @param {{ port: number | undefined, host: boolean }} options no `port`: 8080 or one of the next
 * @returns {Promise<number>} the port; rejects with one clear line
 */
export async function listen(server, { port, host }) {
  const address = host ? undefined : "127.0.0.1";
  for (let candidate = port ?? DEFAULT_PORT; ; candidate++) {
    try {
      return await tryPort(server, candidate, address);
    } catch (error) {
      const isTaken = error.code === "EADDRINUSE" || error.code === "EACCES";
      if (isTaken && port === undefined && candidate < DEFAULT_PORT + TRIES) continue;
      if (error.code === "EADDRINUSE") throw new Error(`port ${candidate} is in use; choose another with --port, or leave --port out`);
      if (error.code === "EACCES")
        throw new Error(`port ${candidate} needs more rights than this user has; choose one above 1023 with --port`);
      throw error;
    }
  }
}

/** IPv4 addresses of this computer in its networks, without virtual bridges where there is anything else. */
export function networkAddresses(interfaces = networkInterfaces()) {
  const all = Object.entries(interfaces).flatMap(([name, list]) =>
    (list ?? []).filter((item) => item.family === "IPv4" && !item.internal).map(({ address }) => ({ name, address })),
  );
  const real = all.filter(({ name }) => !/^(docker|br-|veth|virbr|vmnet|vboxnet)/.test(name));
  return (real.length > 0 ? real : all).map(({ address }) => address);
}

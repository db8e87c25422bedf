/** `npm start` on the command line: its options, and what it says of a port that it cannot have. */
import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const load = (name: string) => import(new URL(`../../scripts/lib/${name}.mjs`, import.meta.url).href);
const { parseStartOptions } = await load("start-options");
const { listen, networkAddresses } = await load("listen");

describe("options", () => {
  it("are understood in both spellings", () => {
    expect(parseStartOptions([])).toEqual({ help: false, host: false, port: undefined, offline: false, isolation: true, build: true });
    expect(parseStartOptions(["--host", "--port", "9000", "--offline", "--no-isolation"])).toMatchObject({
      host: true,
      port: 9000,
      offline: true,
      isolation: false,
    });
    expect(parseStartOptions(["--port=0"])).toMatchObject({ port: 0 });
    expect(parseStartOptions(["--help"])).toEqual({ help: true });
  });

  it.each([["--port"], ["--port", "x"], ["--port", "65536"], ["--port", "-1"], ["--host=yes"], ["--ofline"], ["extra"]])(
    "%s %s are refused with one line",
    (...args) => {
      const { error } = parseStartOptions(args.filter((arg) => arg !== undefined));
      expect(error).toMatch(/^[^\n]+$/);
    },
  );

  it("end the program with status 2 and the usage", () => {
    const script = fileURLToPath(new URL("../../scripts/start.mjs", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, "--ofline"], { encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^start: unknown option --ofline\nusage: npm start/);
  });
});

describe("listening", () => {
  it("says that a port is in use, and what to do", async () => {
    const first = createServer();
    const port = (await listen(first, { port: 0, host: false })) as number;
    const second = createServer();
    await expect(listen(second, { port, host: false })).rejects.toThrow(`port ${port} is in use; choose another with --port`);
    first.close();
  });

  it("is for this computer only unless --host is given", async () => {
    const server = createServer();
    await listen(server, { port: 0, host: false });
    expect((server.address() as AddressInfo).address).toBe("127.0.0.1");
    server.close();
  });

  it("names the addresses of real networks before virtual ones", () => {
    const item = (address: string, more = {}) => ({ family: "IPv4", address, internal: false, ...more });
    const interfaces = {
      lo: [item("127.0.0.1", { internal: true })],
      docker0: [item("172.17.0.1")],
      eth0: [item("192.0.2.5"), item("fe80::1", { family: "IPv6" })],
    };
    expect(networkAddresses(interfaces)).toEqual(["192.0.2.5"]);
    expect(networkAddresses({ docker0: [item("172.17.0.1")] })).toEqual(["172.17.0.1"]);
    expect(networkAddresses({})).toEqual([]);
  });
});

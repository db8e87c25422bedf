/** A TCP proxy in front of a server: counts every byte that comes back, headers and all. */
import { type AddressInfo, connect, createServer } from "node:net";

export interface CountingProxy {
  /** With a slash at its end. */
  readonly url: string;
  receivedBytes(): number;
  close(): Promise<void>;
}

export async function countingProxy(port: number): Promise<CountingProxy> {
  let bytes = 0;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    upstream.on("data", (chunk) => {
      bytes += chunk.length;
    });
    client.pipe(upstream).pipe(client);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    client.on("error", end).on("close", end);
    upstream.on("error", end).on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    receivedBytes: () => bytes,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

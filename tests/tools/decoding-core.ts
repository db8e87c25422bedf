/** An instance of the core for decoding only: no callbacks are ever made. */
import { readFileSync } from "node:fs";
import type { DecodingCore } from "../../web/disasm/decoder";

/** `file` defaults to the built core. */
export async function decodingCore(file: string | URL = new URL("../../dist/core/core.wasm", import.meta.url)): Promise<DecodingCore> {
  const module = await WebAssembly.compile(new Uint8Array(readFileSync(file)));
  const memory = new WebAssembly.Memory({ initial: 64 });
  const never = (): never => {
    throw new Error("decoding must not leave the core");
  };
  const imports: WebAssembly.Imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === "memory" ? memory : never;
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  const core = exports as unknown as { toolBytesAddress(): number; decodeBytes(available: number, bits: number): number };
  return { memory, toolBytesAddress: () => core.toolBytesAddress(), decodeBytes: (available, bits) => core.decodeBytes(available, bits) };
}

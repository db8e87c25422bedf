/** An instance of the core that only decodes, with every CPUID feature there is: for disassembling. */
import type { DecodingCore } from "../disasm/decoder";

/** Its machine side is never called. */
export async function loadDecodingCore(wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module): Promise<DecodingCore> {
  const module = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
  const memory = new WebAssembly.Memory({ initial: 64 });
  const imports: WebAssembly.Imports = { env: { memory } };
  for (const { module: room, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== "function") continue;
    imports[room] ??= {};
    imports[room][name] = (): never => {
      throw new Error(`the decoder called ${room}.${name}`);
    };
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  (exports.start as (() => void) | undefined)?.();
  return { memory, ...(exports as unknown as Omit<DecodingCore, "memory">) };
}

/** The probes' own modules are valid where the features are, and say no where they are not. */
import { describe, expect, it } from "vitest";
import { BULK_MEMORY_MODULE, probeFeatures, SIMD_MODULE, TAIL_CALL_MODULE } from "../../web/ui/features";

const everything = {
  isSecureContext: true,
  crossOriginIsolated: true,
  WebAssembly,
  Worker: {},
  DecompressionStream: {},
  SharedArrayBuffer: {},
  caches: {},
  crypto: { subtle: {} },
  navigator: { serviceWorker: {}, locks: {}, storage: { getDirectory: () => {} } },
};

describe("probeFeatures", () => {
  it("has modules that an engine with the features takes", () => {
    for (const module of [BULK_MEMORY_MODULE, SIMD_MODULE, TAIL_CALL_MODULE]) expect(WebAssembly.validate(module)).toBe(true);
  });

  it("has modules that consist of the feature: without its instruction they are not valid", () => {
    for (const [module, opcode] of [
      [BULK_MEMORY_MODULE, 0xfc],
      [SIMD_MODULE, 0xfd],
      [TAIL_CALL_MODULE, 0x12],
    ] as const) {
      const changed = module.slice();
      changed[changed.lastIndexOf(opcode)] = 0xff;
      expect(WebAssembly.validate(changed)).toBe(false);
    }
  });

  it("finds everything where everything is", () => {
    const { path, list, lacking } = probeFeatures(everything);
    expect(path).toBe("isolated");
    expect(list.filter(({ present }) => !present)).toEqual([]);
    expect(lacking).toEqual([]);
  });

  it("tells the three contexts apart", () => {
    expect(probeFeatures({ ...everything, crossOriginIsolated: false }).path).toBe("not-isolated");
    expect(probeFeatures({ ...everything, isSecureContext: false, crossOriginIsolated: false }).path).toBe("plain-http");
  });

  it("counts shared memory only where it may be sent to a worker", () => {
    const { list } = probeFeatures({ ...everything, crossOriginIsolated: false });
    expect(list.find(({ id }) => id === "shared-memory")!.present).toBe(false);
  });

  it("names what is needed and absent, even where nothing is there", () => {
    expect(probeFeatures({}).lacking.map(({ id }) => id)).toEqual(["webassembly", "wasm-bulk-memory", "wasm-simd", "module-workers"]);
    const old = { ...everything, WebAssembly: { validate: (bytes: BufferSource) => bytes !== (SIMD_MODULE as BufferSource) } };
    expect(probeFeatures(old).lacking.map(({ id }) => id)).toEqual(["wasm-simd"]);
  });
});

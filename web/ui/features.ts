/**
 * What this browser and this way of being served offer, found out once. Three contexts matter: cross-origin isolated;
 * secure but not isolated; plain http on a network address, where browsers withhold whole interfaces.
 */

export type FeatureId =
  | "webassembly"
  | "wasm-bulk-memory"
  | "wasm-simd"
  | "wasm-tail-calls"
  | "module-workers"
  | "gzip-streams"
  | "subtle-crypto"
  | "shared-memory"
  | "private-files"
  | "cache-storage"
  | "service-worker"
  | "web-locks";

export interface Feature {
  readonly id: FeatureId;
  readonly name: string;
  readonly present: boolean;
  /** Without it nothing can boot. */
  readonly needed: boolean;
  /** What the page does without it. */
  readonly without: string;
}

export type ContextPath = "isolated" | "not-isolated" | "plain-http";

export interface Features {
  readonly path: ContextPath;
  readonly list: readonly Feature[];
  /** Needed and absent: the page says so and boots nothing. */
  readonly lacking: readonly Feature[];
}

/** The globals that are looked at; tests give their own. */
export interface ProbedGlobals {
  readonly isSecureContext?: boolean;
  readonly crossOriginIsolated?: boolean;
  readonly WebAssembly?: { validate(bytes: BufferSource): boolean } | undefined;
  readonly Worker?: unknown;
  readonly DecompressionStream?: unknown;
  readonly SharedArrayBuffer?: unknown;
  readonly caches?: unknown;
  readonly crypto?: { readonly subtle?: unknown };
  readonly navigator?: {
    readonly serviceWorker?: unknown;
    readonly locks?: unknown;
    readonly storage?: { readonly getDirectory?: unknown };
  };
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** Type section: one function type () -> (). */
const VOID_TYPE = [1, 4, 1, 0x60, 0, 0];
const ONE_FUNCTION = [3, 2, 1, 0];
const ONE_MEMORY = [5, 3, 1, 0, 0];

/** (module (func i32.const 0 i32.const 0 i32.const 0 memory.fill) (memory 0)) */
export const BULK_MEMORY_MODULE = new Uint8Array([
  ...HEADER,
  ...VOID_TYPE,
  ...ONE_FUNCTION,
  ...ONE_MEMORY,
  10,
  13,
  1,
  11,
  0,
  0x41,
  0,
  0x41,
  0,
  0x41,
  0,
  0xfc,
  0x0b,
  0,
  0x0b,
]);
/** (module (func i32.const 0 i8x16.splat i8x16.popcnt drop)) */
export const SIMD_MODULE = new Uint8Array([
  ...HEADER,
  ...VOID_TYPE,
  ...ONE_FUNCTION,
  10,
  11,
  1,
  9,
  0,
  0x41,
  0,
  0xfd,
  0x0f,
  0xfd,
  0x62,
  0x1a,
  0x0b,
]);
/** (module (func return_call 0)) */
export const TAIL_CALL_MODULE = new Uint8Array([...HEADER, ...VOID_TYPE, ...ONE_FUNCTION, 10, 6, 1, 4, 0, 0x12, 0, 0x0b]);

export function probeFeatures(globals: ProbedGlobals = globalThis as unknown as ProbedGlobals): Features {
  const { WebAssembly: wasm, navigator } = globals;
  const validates = (bytes: Uint8Array<ArrayBuffer>): boolean => wasm?.validate(bytes) ?? false;
  const list: Feature[] = [
    { id: "webassembly", name: "WebAssembly", present: wasm !== undefined, needed: true, without: "The processor cannot run." },
    {
      id: "wasm-bulk-memory",
      name: "WebAssembly bulk memory",
      present: validates(BULK_MEMORY_MODULE),
      needed: true,
      without: "The processor cannot run.",
    },
    { id: "wasm-simd", name: "WebAssembly SIMD", present: validates(SIMD_MODULE), needed: true, without: "The processor cannot run." },
    {
      id: "wasm-tail-calls",
      name: "WebAssembly tail calls",
      present: validates(TAIL_CALL_MODULE),
      needed: false,
      without: "Nothing changes yet: the interpreter does not use them.",
    },
    {
      id: "module-workers",
      name: "Web workers",
      present: globals.Worker !== undefined,
      needed: true,
      without: "The machine has no thread to run on.",
    },
    {
      id: "gzip-streams",
      name: "Gzip streams",
      present: globals.DecompressionStream !== undefined,
      needed: false,
      without: "Downloads are larger.",
    },
    {
      id: "subtle-crypto",
      name: "Web Crypto",
      present: globals.crypto?.subtle !== undefined,
      needed: false,
      without: "Downloads are checked by slower code of our own.",
    },
    {
      id: "shared-memory",
      name: "Shared memory",
      present: globals.SharedArrayBuffer !== undefined && globals.crossOriginIsolated === true,
      needed: false,
      without: "Output reaches the page by messages.",
    },
    {
      id: "private-files",
      name: "Private file system",
      present: typeof navigator?.storage?.getDirectory === "function",
      needed: false,
      without: "Large files cannot be kept in the browser.",
    },
    {
      id: "cache-storage",
      name: "Cache storage",
      present: globals.caches !== undefined,
      needed: false,
      without: "Guests are downloaded again on each visit.",
    },
    {
      id: "service-worker",
      name: "Service worker",
      present: navigator?.serviceWorker !== undefined,
      needed: false,
      without: "The page does not open without its server.",
    },
    {
      id: "web-locks",
      name: "Web locks",
      present: navigator?.locks !== undefined,
      needed: false,
      without: "Two tabs cannot agree on who may write.",
    },
  ];
  const path: ContextPath = globals.isSecureContext !== true ? "plain-http" : globals.crossOriginIsolated ? "isolated" : "not-isolated";
  return { path, list, lacking: list.filter((feature) => feature.needed && !feature.present) };
}

/** For the status line and the dialog behind it. */
export const PATH_TEXT: Readonly<Record<ContextPath, { readonly label: string; readonly explanation: string }>> = {
  isolated: {
    label: "Cross-origin isolated",
    explanation: "The page is served with the headers that let browsers share memory between threads: everything is available.",
  },
  "not-isolated": {
    label: "Not isolated",
    explanation:
      "The page is served without the Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy headers, so memory cannot be shared between threads. Everything works; output takes the message path.",
  },
  "plain-http": {
    label: "Plain http",
    explanation:
      "The page came over http from another computer, where browsers withhold several interfaces. Machines boot and run; they are not kept for a visit without network. Serve the page over https, or open it on the computer it runs on, for the rest.",
  },
};

/** From V8's samples to parts of Vitrine: which room's code a host function is. */

/** Parts in the order they are printed; a sample belongs to the first that takes its function. */
export const PARTS = [
  ["translated regions", ({ name, isWasm, isCore }) => isWasm && !isCore && !name.startsWith("asm/")],
  ["interpreter: loop and meanings", ({ name }) => /^asm\/(interpreter|semantics)\//.test(name)],
  ["decoding", ({ name }) => /^asm\/decode\//.test(name)],
  ["memory: slow path, page walks, shadow tables", ({ name }) => /^asm\/(mmu|jit\/slow)/.test(name)],
  ["exits: privileged instructions, faults, interrupts", ({ name }) => /^asm\/vmm\//.test(name)],
  ["compiling: writing regions", ({ name }) => /^asm\/jit\//.test(name)],
  ["compiling: by the browser's engine", ({ name, url }) => /jit-host/.test(url) || /^(Module|Instance)$/.test(name)],
  ["the rest of the core", ({ isCore }) => isCore],
  ["devices", ({ url }) => /web\/machine\/(devices|bus|apic|dma)/.test(url)],
  ["machine: clock, scheduler, board", ({ url }) => /web\/machine\//.test(url)],
  ["garbage collector", ({ name }) => name === "(garbage collector)"],
  ["idle", ({ name }) => name === "(idle)"],
  ["Node and the rest", () => true],
];

/**
 * Microseconds by part, and by function within the parts, of a profile as V8's `Profiler.stop` gives it. `coreUrl`: the
 * script that holds the core's functions, known by one of its names; without names all of it counts as "the rest of the core".
 */
export function hostTime({ nodes, samples, timeDeltas }) {
  const own = new Map();
  for (const [n, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + (timeDeltas[n] ?? 0));
  const frames = nodes.map(({ id, callFrame }) => ({ id, name: callFrame.functionName, url: callFrame.url, script: callFrame.scriptId }));
  const isWasmUrl = (url) => url.startsWith("wasm:");
  const core = new Set(frames.filter(({ name }) => name.startsWith("asm/")).map(({ script }) => script));
  const parts = new Map(PARTS.map(([part]) => [part, { us: 0, functions: new Map() }]));
  for (const { id, name, url, script } of frames) {
    const us = own.get(id) ?? 0;
    if (us === 0) continue;
    const [part] = PARTS.find(([, takes]) => takes({ name, url, isWasm: isWasmUrl(url), isCore: core.has(script) }));
    const entry = parts.get(part);
    entry.us += us;
    entry.functions.set(name, (entry.functions.get(name) ?? 0) + us);
  }
  return parts;
}

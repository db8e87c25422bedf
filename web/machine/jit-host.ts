/**
 * The translator's side of the host: compiles the modules that the core writes, and takes dead functions out of its
 * table. Synchronous, because the guest waits for it; modules are small (asm/jit/module.ts).
 */

/** The exports of asm/jit/exports.ts that are used here. */
interface JitExports {
  jitTableEntries(): number;
  jitInit(tableBase: number): void;
  jitLimits(threshold: number, nodes: number, instructions: number, batch: number): void;
  jitClear(): void;
  jitCounter(n: number): number;
}

export interface JitLimits {
  /** Runs of a block before it is translated. */
  readonly threshold: number;
  /** Most blocks and instructions of a region. */
  readonly blocks: number;
  readonly instructions: number;
  /** Most regions of a module. */
  readonly batch: number;
}

/** How it was measured: docs/decisions/translation.md. */
const USUAL: JitLimits = { threshold: 600, blocks: 20, instructions: 240, batch: 48 };

/** A module with one function, which ends in a tail call of itself: the extension that links between regions need. */
const TAIL_CALL = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 6, 1, 4, 0, 0x12, 0, 0x0b);

/** `jit` of `--stats`. */
export interface JitStats {
  readonly regions: number;
  readonly modules: number;
  readonly bytes: number;
  readonly compileMs: number;
  readonly links: number;
  readonly invalidations: number;
  readonly evictions: number;
  readonly instructionsInJit: number;
  /** Times that the core's loop entered translated code. */
  readonly entries: number;
}

/** Modules are kept, for those who look, up to so many bytes; the oldest go first. */
const MOST_KEPT_BYTES = 32 << 20;

export class JitHost {
  readonly #memory: WebAssembly.Memory;
  #most = 0;
  #exports: JitExports | undefined;
  #table: WebAssembly.Table | undefined;
  #compileMs = 0;
  /** Modules since everything was last forgotten, oldest first. */
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #keptSince = 0;
  #base = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** The imports of asm/core/host.ts that are the translator's. */
  get imports(): { compile(address: number, bytes: number, entries: number): void; retire(index: number, to: number): void } {
    return {
      compile: (address, bytes, entries) => {
        const started = performance.now();
        this.#room(entries);
        const code = new Uint8Array(this.#memory.buffer, address >>> 0, bytes).slice();
        this.#keep(code);
        const module = new WebAssembly.Module(code);
        new WebAssembly.Instance(module, { env: { memory: this.#memory, table: this.#table as WebAssembly.Table } });
        this.#compileMs += performance.now() - started;
      },
      retire: (index, to) => {
        const table = this.#table as WebAssembly.Table;
        table.set(index, table.get(to));
      },
    };
  }

  /** Switches translation on; where WebAssembly has no tail calls it stays off, and the guest is interpreted. */
  start(exports: object, limits?: JitLimits): void {
    if (!WebAssembly.validate(TAIL_CALL)) return;
    this.#exports = exports as JitExports;
    this.#table = (exports as { table: WebAssembly.Table }).table;
    this.#base = this.#table.length;
    this.#most = this.#base + this.#exports.jitTableEntries();
    this.#exports.jitInit(this.#base);
    this.limit(limits ?? USUAL);
  }
  /**
   * At least `entries` entries in the table. It grows with what is in it, because engines keep a copy for each instance that
   * imports it: with all of it from the beginning, V8 11 took 260 KB and the most part of a module's time for that.
   */
  #room(entries: number): void {
    const table = this.#table as WebAssembly.Table;
    if (table.length < entries) table.grow(Math.max(entries, Math.min(this.#most, 2 * table.length)) - table.length);
  }
  limit({ threshold, blocks, instructions, batch }: JitLimits): void {
    this.#exports?.jitLimits(threshold, blocks, instructions, batch);
  }

  #keep(code: Uint8Array): void {
    const { evictions } = this.stats;
    if (evictions !== this.#keptSince) {
      this.#kept = [];
      this.#keptBytes = 0;
      this.#keptSince = evictions;
    }
    this.#kept.push(code);
    this.#keptBytes += code.length;
    while (this.#keptBytes > MOST_KEPT_BYTES) this.#keptBytes -= this.#kept.shift()!.length;
  }

  /** The function of region `number`, found by `find` in the module it came with; undefined: that is not kept any more. */
  functionOf(number: number, find: (module: Uint8Array, index: number) => Uint8Array | undefined): Uint8Array | undefined {
    for (const module of this.#kept.toReversed()) {
      const body = find(module, this.#base + number);
      if (body) return body;
    }
    return undefined;
  }

  /** False: not asked for, or this WebAssembly has no tail calls. */
  get isOn(): boolean {
    return this.#exports !== undefined;
  }

  get stats(): JitStats {
    const counter = (n: number): number => this.#exports?.jitCounter(n) ?? 0;
    return {
      regions: counter(0),
      modules: counter(1),
      bytes: counter(2),
      compileMs: this.#compileMs,
      links: counter(3),
      invalidations: counter(4),
      evictions: counter(5),
      instructionsInJit: counter(6),
      entries: counter(7),
    };
  }
}

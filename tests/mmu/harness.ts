/**
 * The MMU alone, compiled from asm/mmu/standalone.ts (once per change of the sources) and driven through its exports. A
 * trap is taken back after each access and returned as a value.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Far above the fixed areas of asm/core/memory-map.ts. */
const MEMORY_BASE = 4 << 20;
const INITIAL_PAGES = 128;

function compile(): Uint8Array<ArrayBuffer> {
  if (!existsSync(join(root, "asm/core/cpu-state.generated.ts")))
    execFileSync(process.execPath, [join(root, "scripts/build-core.mjs"), "--generate-only"], { stdio: "inherit" });
  let newest = 0;
  for (const room of ["core", "mmu"]) {
    for (const file of readdirSync(join(root, "asm", room))) newest = Math.max(newest, statSync(join(root, "asm", room, file)).mtimeMs);
  }
  const folder = join(root, ".cache/mmu");
  const output = join(folder, `mmu-${Math.round(newest)}.wasm`);
  if (!existsSync(output)) {
    mkdirSync(folder, { recursive: true });
    const temporary = join(folder, `${process.pid}.wasm`);
    const asc = join(dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json")), "bin/asc.js");
    execFileSync(
      process.execPath,
      [
        asc,
        "asm/mmu/standalone.ts",
        ...[
          "--outFile",
          temporary,
          "--runtime",
          "stub",
          "--importMemory",
          "--initialMemory",
          String(INITIAL_PAGES),
          "--memoryBase",
          String(MEMORY_BASE),
        ],
        ...["--use", "abort=asm/core/assert/abort", "--enable", "simd", "--enable", "bulk-memory", "--baseDir", root, "-O2"],
      ],
      { cwd: root, stdio: "inherit" },
    );
    renameSync(temporary, output);
  }
  return new Uint8Array(readFileSync(output));
}

/** asm/core/cpu-state.generated.ts, by name. */
const STATE = new Map(
  [...readFileSync(join(root, "asm/core/cpu-state.generated.ts"), "utf8").matchAll(/^export const (\w+): usize = (\d+);/gm)].map((m) => [
    m[1] as string,
    Number(m[2]),
  ]),
);
const module = new WebAssembly.Module(compile());

/** Numeric exports of asm/mmu/standalone.ts. */
export interface MmuExports {
  init(ramBytes: number): void;
  setA20(enabled: number): void;
  setShadowMode(flush: number): void;
  mapRam(frame: number, count: number): number;
  mapRom(frame: number, count: number): number;
  mapMmio(frame: number, count: number): void;
  mapAbsent(frame: number, count: number): void;
  deliverFrame(frame: number): number;
  guestFrameHost(frame: number): number;
  guestFrameKind(frame: number): number;
  dmaWriteNotice(frame: number, first: number, last: number): void;
  beginWriteEpoch(): number;
  frameEpoch(frame: number): number;
  translate(linear: number, want: number): number;
  describeWalk(linear: number, want: number, user: number): number;
  walkRecordAddress(): number;
  checkShadow(): number;
  checkReportAddress(): number;
  seedMutation(kind: number): void;
  markCode(host: number, bytes: number): void;
  clearCode(index: number): void;
  frameIndexOf(host: number): number;
  fetchHost(linear: number): number;
  hostForRead(linear: number): number;
  hostForWrite(linear: number): number;
  probeRead(linear: number, bytes: number, system: number): void;
  probeWrite(linear: number, bytes: number, system: number): void;
  codeNoticeCount(): number;
  codeNoticeFirst(): number;
  codeNoticeLast(): number;
  codeNoticeFrame(): number;
  mappingNoticeCount(): number;
  stateAddress(): number;
  countersAddress(): number;
  pagingChanged(cr3Written: number): void;
  updateContext(): void;
  invalidatePage(linear: number): void;
  loadPdptes(cr3: bigint): number;
  load8(linear: number): number;
  load16(linear: number): number;
  load32(linear: number): number;
  load64(linear: number): bigint;
  load128High(linear: number): bigint;
  store8(linear: number, value: number): void;
  store16(linear: number, value: number): void;
  store32(linear: number, value: number): void;
  store64(linear: number, value: bigint): void;
  store128(linear: number, low: bigint, high: bigint): void;
  add32(linear: number, value: number): number;
  loadSystem32(linear: number): number;
  storeSystem32(linear: number, value: number): void;
  timeLoads(linear: number, stride: number, count: number): number;
}

/** How an access ended: done, a fault, or an absent frame. */
export type Ending = { kind: "done" } | { kind: "fault"; vector: number; error: number; cr2: number } | { kind: "missing"; frame: number };

export const Cr0 = { PE: 1, WP: 0x10000, PG: 0x80000000 } as const;
export const Cr4 = { PSE: 0x10, PAE: 0x20, PGE: 0x80, SMEP: 0x100000, SMAP: 0x200000 } as const;
export const Efer = { NXE: 0x800 } as const;
const AC = 0x40000;
const SHADOW_COUNTERS = [
  "hiddenFaults",
  "trueFaults",
  "rootsLive",
  "rootSwitches",
  "tables",
  "entriesDropped",
  "walks",
  "slowStores",
] as const;
export type ShadowCounter = (typeof SHADOW_COUNTERS)[number];

export interface MmioLog {
  op: "read" | "write";
  address: number;
  size: number;
  value: number;
}

/** What a device register reads as: any function of the address will do. */
export const mmioValue = (address: number, size: number): number => {
  const mixed = Math.imul(Math.floor(address / 4) ^ Math.floor(address / 2 ** 32) ^ (size << 28), 0x9e3779b1) >>> 0;
  return size === 4 ? mixed : size === 2 ? mixed & 0xffff : mixed & 0xff;
};

export class Mmu {
  readonly x: MmuExports;
  readonly memory = new WebAssembly.Memory({ initial: INITIAL_PAGES });
  readonly mmio: MmioLog[] = [];
  readonly #state: number;

  constructor(ramBytes = 4 << 20) {
    const instance = new WebAssembly.Instance(module, {
      env: { memory: this.memory },
      host: {
        mmioRead: (address: number, size: number) => {
          const value = mmioValue(address, size);
          this.mmio.push({ op: "read", address, size, value });
          return value;
        },
        mmioWrite: (address: number, value: number, size: number) => {
          this.mmio.push({ op: "write", address, size, value: value >>> 0 });
        },
        keepFrame: () => {},
        crash: (code: number, value: bigint) => {
          throw new Error(`core crash ${code} ${value}`);
        },
      },
    });
    this.x = instance.exports as unknown as MmuExports;
    this.x.init(ramBytes);
    this.#state = this.x.stateAddress();
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }
  get u32(): Uint32Array {
    return new Uint32Array(this.memory.buffer);
  }
  #at(name: string): number {
    const offset = STATE.get(name);
    if (offset === undefined) throw new Error(`no state field ${name}`);
    return this.#state + offset;
  }
  get32(name: string): number {
    return this.view.getUint32(this.#at(name), true);
  }
  set32(name: string, value: number): void {
    this.view.setUint32(this.#at(name), value, true);
  }

  /** The page of a guest frame, in place. */
  frame(frame: number): Uint8Array {
    const host = this.x.guestFrameHost(frame);
    if (host === 0) throw new Error(`frame ${frame} has no bytes`);
    return new Uint8Array(this.memory.buffer, host, 4096);
  }
  /** Writes as DMA does: bytes, then the notice. Must not cross a frame. */
  dma(physical: number, bytes: Uint8Array): void {
    const frame = Math.floor(physical / 4096);
    const first = physical % 4096;
    this.frame(frame).set(bytes, first);
    this.x.dmaWriteNotice(frame, first, first + bytes.length - 1);
  }
  dma32(physical: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.dma(physical, bytes);
  }
  /** Reads guest-physical memory. */
  physical32(physical: number): number {
    const page = this.frame(Math.floor(physical / 4096));
    return new DataView(page.buffer, page.byteOffset).getUint32(physical % 4096, true);
  }

  /** Sets control registers as given (others keep), then tells the MMU. */
  control(registers: { cr0?: number; cr3?: number; cr4?: number; efer?: number; cpl?: number; ac?: boolean }, cr3Written = false): void {
    if (registers.cr0 !== undefined) this.set32("CR0", registers.cr0);
    if (registers.cr3 !== undefined) this.set32("CR3", registers.cr3);
    if (registers.cr4 !== undefined) this.set32("CR4", registers.cr4);
    if (registers.efer !== undefined) this.set32("EFER", registers.efer);
    if (registers.cpl !== undefined) this.set32("CPL", registers.cpl);
    if (registers.ac !== undefined) this.set32("EFLAGS", registers.ac ? AC : 0);
    this.x.pagingChanged(cr3Written ? 1 : 0);
  }
  /** Takes the pending trap back. */
  ending(): Ending {
    if (!(this.get32("STOP") & 1)) return { kind: "done" };
    this.set32("STOP", this.get32("STOP") & ~1);
    if (this.get32("TRAP_FLAGS") & 8) return { kind: "missing", frame: this.get32("MISSING_FRAME") };
    return { kind: "fault", vector: this.get32("TRAP_VECTOR"), error: this.get32("TRAP_ERROR"), cr2: this.get32("CR2") };
  }
  counter(name: ShadowCounter): number {
    return Number(this.view.getBigUint64(this.x.countersAddress() + 0x400 + 8 * SHADOW_COUNTERS.indexOf(name), true));
  }
  /** Throws with the finding unless every shadow and cache entry is right. */
  check(context: string): void {
    const finding = this.x.checkShadow();
    if (finding === 0) return;
    const report = [0, 4, 8, 12, 16].map((at) => this.view.getUint32(this.x.checkReportAddress() + at, true).toString(16));
    throw new Error(`checker: finding ${finding} (entry, linear, found, expected: ${report.slice(1).join(", ")}) after ${context}`);
  }
}

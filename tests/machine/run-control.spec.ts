/** Machine.debug and Machine.inspect on the real core: stops at exactly the right instruction, steps, nothing for the guest to see. */
import { describe, expect, it } from "vitest";
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { assemble } from "../../web/assembler/assemble";
import { bootImage } from "../../web/assembler/boot-image";
import { EXITS } from "../../web/lib/events.generated";
import type { StopSpec, TrapEvent } from "../../web/lib/inspection";
import { accessWords, cacheWords, compareWords } from "../../web/lib/paging-words";
import { Machine } from "../../web/machine/machine";
import { coreWasm, random } from "../tools/core";

const wasm = await WebAssembly.compile(coreWasm());

async function sector(source: string, accel: "interp" | "jit" = "interp"): Promise<{ machine: Machine; label: (name: string) => number }> {
  const program = assemble(source, { bits: 16, org: 0x7c00 });
  expect(program.errors).toEqual([]);
  const machine = await Machine.create(
    { boot: { kind: "sector", image: bootImage(program, "sector") as Uint8Array }, memoryMb: 1, clock: { kind: "deterministic" }, accel },
    { wasm },
  );
  return { machine, label: (name) => program.labels.get(name)! };
}

async function flat(source: string): Promise<{ machine: Machine; label: (name: string) => number }> {
  const program = assemble(source, { bits: 32, org: 0x100000 });
  expect(program.errors).toEqual([]);
  const machine = await Machine.create(
    {
      boot: { kind: "multiboot", kernel: bootImage(program, "flat32") as Uint8Array, commandLine: "" },
      memoryMb: 4,
      clock: { kind: "deterministic" },
    },
    { wasm },
  );
  return { machine, label: (name) => program.labels.get(name)! };
}

/** Calls, stores, I/O, INT and a timer that interrupts it every 210 ticks. */
const BUSY = `
  bits 16
  org 0x7c00
      cli
      xor ax, ax
      mov ds, ax
      mov es, ax
      mov word [8 * 4], tick
      mov word [8 * 4 + 2], 0
      mov word [0x21 * 4], service
      mov word [0x21 * 4 + 2], 0
      mov al, 0x11
      out 0x20, al
      mov al, 8
      out 0x21, al
      mov al, 4
      out 0x21, al
      mov al, 1
      out 0x21, al
      mov al, 0xfe
      out 0x21, al
      mov al, 0x34
      out 0x43, al
      mov al, 5
      out 0x40, al
      mov al, 0
      out 0x40, al
      sti
      mov cx, 120
  again:
      mov di, 0x1000
      add di, cx
      inc byte [di]
  stored:
      push cx
      call work
      pop cx
      int 0x21
      out 0x80, al
      in al, 0x81
      cpuid_here:
      inc word [0x1200]
      loop again
      cli
      hlt
  work:
      mov cx, 3
  inner:
      inc word [0x1202]
      dec cx
      jnz inner
      ret
  service:
      inc word [0x1204]
      iret
  tick:
      push ax
      inc word [0x1206]
      mov al, 0x20
      out 0x20, al
      pop ax
      iret
`;
const STEPS = 3000;

interface Trace {
  /** Linear address of each executed instruction. */
  readonly at: number[];
  /** Watched words that it changed. */
  readonly written: Set<number>[];
  /** Exits that it made, by name. */
  readonly exits: Set<string>[];
  /** CX, and the word at 1202h, before each instruction. */
  readonly cx: number[];
  readonly counted: number[];
  /** How many instructions had run when each interrupt came. */
  readonly interrupts: number[];
}

const WATCHED = [0x1200, 0x1202, 0x1204, 0x1206, 0x1040, 0x1010];

/** By single steps, which need no breakpoint. */
async function trace(): Promise<Trace> {
  const { machine, label } = await sector(BUSY);
  const { inspect } = machine;
  const result: Trace = { at: [], written: [], exits: [], cx: [], counted: [], interrupts: [] };
  const words = (): number[] => WATCHED.map((address) => inspect.core.memory.read(address, 1)[0]!);
  const ring = inspect.listen();
  for (let n = 0; n < STEPS; n++) {
    result.cx.push(Number(inspect.core.getRegister("rcx") & 0xffffn));
    result.counted.push(new DataView(inspect.core.memory.read(0x1202, 2).buffer).getUint16(0, true));
    const [linear, before, ticks] = [inspect.linear, words(), inspect.core.ticks];
    if (machine.state === "ended" || (await machine.step(1)) !== 1) break;
    const after = words();
    const { events } = ring.read();
    const named = (event: TrapEvent): string => EXITS[event.reason]!.name;
    const interrupt = events.find((event) => named(event) === "Interrupt");
    // One tick is one instruction here: an interrupt came before the step's instruction, or after it.
    if (interrupt) result.interrupts.push(n + interrupt.tick - ticks);
    result.at.push(interrupt?.tick === ticks ? label("tick") : linear);
    result.written.push(new Set(WATCHED.filter((_, k) => before[k] !== after[k])));
    result.exits.push(new Set(events.map(named)));
  }
  return result;
}

describe("stops", () => {
  it.each([
    ["interp", 100],
    ["jit", 40],
  ] as const)("come at exactly the right instruction with %s, at %i placements while a timer interrupts", async (accel, placements) => {
    const straight = await trace();
    const count = straight.at.length;
    expect(count).toBeGreaterThan(2000);
    expect(straight.interrupts.length).toBeGreaterThan(5);
    const next = random(20);
    const kinds = { execute: 0, access: 0, exit: 0 };
    for (let placement = 0; placement < placements; placement++) {
      const kind = (["execute", "access", "exit"] as const)[placement % 3]!;
      // Where the machine stands after the instruction, counted from power-on: before it for code.
      let spec: StopSpec;
      let stops: number[];
      if (kind === "execute") {
        const address = straight.at[1 + (next() % (count - 1))]!;
        spec = { kind, address };
        stops = straight.at.flatMap((linear, n) => (linear === address && n > 0 ? [n] : []));
      } else if (kind === "access") {
        const address = WATCHED[next() % WATCHED.length]!;
        spec = { kind, address, bytes: 1, on: "write" };
        stops = straight.written.flatMap((written, n) => (written.has(address) ? [n + 1] : []));
      } else {
        const reason = (["IoWrite", "IoRead", "SoftwareInterrupt", "Interrupt", "Iret"] as const)[next() % 5]!;
        spec = { kind, reason };
        // After the instruction; an interrupt comes between two.
        stops = reason === "Interrupt" ? straight.interrupts : straight.exits.flatMap((exits, n) => (exits.has(reason) ? [n + 1] : []));
      }
      const { machine } = await sector(BUSY, accel);
      machine.debug.add(spec);
      const most = Math.min(stops.length, 1 + (next() % 4));
      for (let n = 0; n < most; n++) {
        expect((await machine.run({ instructions: count })).reason, JSON.stringify(spec)).toBe("breakpoint");
        expect(machine.instructions, `${JSON.stringify(spec)}, stop ${n}`).toBe(stops[n]!);
        kinds[kind]++;
      }
    }
    expect(Math.min(...Object.values(kinds))).toBeGreaterThan(placements / 5);
  });

  const CONDITIONAL = Number(process.env.PLACEMENTS ?? 24);

  it.each(["interp", "jit"] as const)(
    `with conditions on registers and memory come at exactly the right one with %s, ${CONDITIONAL} placements`,
    {
      timeout: 300_000,
    },
    async (accel) => {
      const straight = await trace();
      const count = straight.at.length;
      const next = random(21);
      let reached = 0;
      for (let placement = 0; placement < CONDITIONAL; placement++) {
        // A moment that shall be met again: where, and what it is told by.
        const n = 1 + (next() % (count - 2));
        const isAccess = placement % 3 === 1;
        const at = isAccess ? straight.written.findIndex((written, k) => k >= n && written.size > 0 && k + 1 < count) : n;
        if (at < 0) continue;
        const [cx, counted] = [straight.cx[at + Number(isAccess)]!, straight.counted[at + Number(isAccess)]!];
        const condition =
          placement % 2 ? `cx == ${cx} and word(0x1202) == ${counted}` : `ecx & 0xffff <= ${cx} and not (word(0x1202) < ${counted})`;
        const holds = (k: number): boolean =>
          placement % 2
            ? straight.cx[k] === cx && straight.counted[k] === counted
            : straight.cx[k]! <= cx && straight.counted[k]! >= counted;
        const address = isAccess ? [...straight.written[at]!][0]! : straight.at[at]!;
        const spec: StopSpec = isAccess
          ? { kind: "access", address, bytes: 1, on: "write", condition }
          : { kind: "execute", address, condition };
        const stops = isAccess
          ? straight.written.flatMap((written, k) => (written.has(address) && holds(k + 1) ? [k + 1] : []))
          : straight.at.flatMap((linear, k) => (linear === address && k > 0 && holds(k) ? [k] : []));
        const { machine } = await sector(BUSY, accel);
        machine.debug.add(spec);
        for (const stop of stops.slice(0, 3)) {
          expect((await machine.run({ instructions: count })).reason, JSON.stringify(spec)).toBe("breakpoint");
          expect(machine.instructions, JSON.stringify(spec)).toBe(stop);
          reached++;
        }
      }
      expect(reached).toBeGreaterThan(CONDITIONAL / 2);
    },
  );

  it("refuse a condition that is none, and take what cannot be read for false", async () => {
    const { machine, label } = await sector(BUSY);
    const address = label("stored");
    for (const [condition, words] of [
      ["eax ==", /condition: /],
      ["eax", /eax is a number, not true or false/],
      ["fax == 1", /there is no fact named fax/],
    ] as const)
      expect(() => machine.debug.add({ kind: "execute", address, condition })).toThrow(words);
    expect(machine.debug.stops).toEqual([]);
    machine.debug.add({ kind: "execute", address, condition: "byte(0x40000000) == 1" });
    expect((await machine.run({ instructions: 2000 })).reason).toBe("instructions");
  });

  it("leave no trace in the guest: the same hash and count with stops everywhere that let it go on", async () => {
    const boot = { kind: "sector", image: assembleGuest(findBuiltInGuest("teaching")!) } as const;
    const finish = async (prepare: (machine: Machine) => void): Promise<unknown[]> => {
      const machine = await Machine.create({ boot, memoryMb: 16, clock: { kind: "deterministic" } }, { wasm });
      prepare(machine);
      const { reason, exit } = await machine.run({ instructions: 400_000 });
      return [reason, exit?.reason, machine.instructions, await machine.stateHash()];
    };
    let asked = 0;
    const plain = await finish(() => {});
    const watched = await finish((machine) => {
      const when = (): boolean => {
        asked++;
        return false;
      };
      for (let n = 0; n < 60; n++) machine.debug.add({ kind: "execute", address: 0x7c00 + n * 37 }, { when });
      machine.debug.add({ kind: "access", address: 0x7000, bytes: 4096, on: "both" }, { when });
      for (const { name } of EXITS) machine.debug.add({ kind: "exit", reason: name }, { when });
      machine.inspect.listen((reader) => void reader.read());
    });
    expect(watched).toEqual(plain);
    expect(asked).toBeGreaterThan(1000);
  });

  it("are counted, listed and removed, and one for once goes by itself", async () => {
    const { machine, label } = await sector(BUSY);
    const stored = machine.debug.add({ kind: "execute", address: label("stored") });
    const once = machine.debug.add({ kind: "exit", reason: "IoWrite", port: 0x80 }, { once: true });
    expect(machine.debug.stops.map(({ id }) => id)).toEqual([stored.id, once.id]);
    const heard: unknown[] = [];
    machine.onStop((cause) => heard.push(cause.kind, machine.state));
    await machine.run({});
    expect(machine.debug.cause).toMatchObject({ kind: "breakpoint", linear: label("stored") });
    await machine.run({});
    await machine.run({});
    expect([stored.hits, heard]).toEqual([3, ["breakpoint", "paused", "breakpoint", "paused", "breakpoint", "paused"]]);
    stored.remove();
    expect(machine.debug.stops).toEqual([]);
    expect((await machine.run({ instructions: 1_000_000 })).reason).toBe("exit");
    expect(machine.debug.cause).toBe(null);
  });

  it("filter by vector, port and register", async () => {
    const { machine } = await sector(BUSY);
    machine.debug.add({ kind: "exit", reason: "IoWrite", port: 0x80 });
    machine.debug.add({ kind: "exit", reason: "SoftwareInterrupt", vector: 0x22 });
    const causes: unknown[] = [];
    for (let n = 0; n < 5; n++) {
      await machine.run({ instructions: 100_000 });
      causes.push(machine.debug.cause?.kind === "exit" && Number(machine.debug.cause.qualification & 0xffffn));
    }
    expect(causes).toEqual([0x80, 0x80, 0x80, 0x80, 0x80]);
  });

  it("refuse what means nothing and what is too much, and keep what there was", async () => {
    const { machine } = await sector(BUSY);
    const { debug } = machine;
    for (const [spec, message] of [
      [{ kind: "execute", address: 2 ** 32 }, /no linear address/],
      [{ kind: "access", address: 0, bytes: 0, on: "read" }, /give 1 to 4096/],
      [{ kind: "exit", reason: "Coffee" }, /no exit reason "Coffee"/],
      [{ kind: "exit", reason: "Hlt", port: 5 }, /Hlt has no port/],
      [{ kind: "exit", reason: "IoRead", port: 0x10000 }, /port 65536/],
    ] as [StopSpec, RegExp][])
      expect(() => debug.add(spec)).toThrow(message);
    for (let n = 0; n < 64; n++) debug.add({ kind: "execute", address: 0x10000 + n });
    expect(() => debug.add({ kind: "execute", address: 0x20000 })).toThrow(/room for 64/);
    for (let n = 0; n < 32; n++) debug.add({ kind: "access", address: 0x3000 + n, bytes: 1, on: "read" });
    expect(() => debug.add({ kind: "access", address: 0x4000, bytes: 1, on: "read" })).toThrow(/room for 32/);
    for (let n = 0; n < 26; n++) debug.add({ kind: "exit", reason: "IoRead", port: n });
    expect(() => debug.add({ kind: "exit", reason: "IoRead", port: 99 })).toThrow(/room for 26/);
    expect(debug.stops.length).toBe(64 + 32 + 26);
    debug.clear();
    expect((await machine.run({ instructions: 1000 })).reason).toBe("instructions");
  });
});

describe("steps", () => {
  const step = async (machine: Machine, how: "into" | "over" | "out"): Promise<number> => {
    machine.debug.prepare(how);
    expect((await machine.run({ wallSeconds: 20 })).reason).toBe("breakpoint");
    expect(machine.debug.cause).toEqual({ kind: "step", how });
    return machine.inspect.linear;
  };

  it("over calls, recursion and software interrupts end behind them", async () => {
    const { machine, label } = await sector(`
      bits 16
      org 0x7c00
          mov word [0x21 * 4], service
          mov word [0x21 * 4 + 2], 0
          mov cx, 5
      first:
          call down
      second:
          int 0x21
      third:
          mov cx, 100
          mov di, 0x2000
          rep stosb
      fourth:
          hlt
      down:
          dec cx
          jz up
          call down
      back:
          nop
      up:
          ret
      service:
          nop
          iret`);
    for (let n = 0; n < 3; n++) await step(machine, "into");
    expect(machine.inspect.linear).toBe(label("first"));
    expect(await step(machine, "over")).toBe(label("second"));
    expect(machine.inspect.registers().rcx).toBe(0n);
    expect(await step(machine, "over")).toBe(label("third"));
    await step(machine, "over");
    await step(machine, "over");
    expect(await step(machine, "over")).toBe(label("fourth"));
  });

  it("out of a recursive function end behind the call that began it; over one in the middle stays in its frame", async () => {
    const { machine, label } = await sector(`
      bits 16
      org 0x7c00
          mov cx, 4
          call down
      end:
          cli
          hlt
      down:
          dec cx
          jz up
      deeper:
          call down
      back:
          nop
      up:
          ret`);
    machine.debug.add({ kind: "execute", address: label("deeper") }, { once: true });
    await machine.run({});
    expect(await step(machine, "over")).toBe(label("back"));
    expect(machine.inspect.registers().rcx).toBe(0n);
    expect(await step(machine, "out")).toBe(label("end"));
  });

  it("over an instruction that a timer interrupts end behind it, the handler having run", async () => {
    const { machine, label } = await sector(BUSY);
    machine.debug.add({ kind: "execute", address: label("again") }, { once: true });
    await machine.run({});
    let visited = 0;
    const interrupts = (): number => machine.inspect.exits().counts[EXITS.findIndex(({ name }) => name === "Interrupt")]!;
    const before = interrupts();
    for (let n = 0; n < 600; n++) {
      const linear = await step(machine, "over");
      visited++;
      expect(linear >= label("tick") || (linear >= label("work") && linear < label("tick")), `step ${n}`).toBe(false);
    }
    expect([visited, interrupts() - before > 1]).toEqual([600, true]);
  });
});

const PAGING = `
  bits 32
  org 0x100000
  directory equ 0x200000
  table equ 0x201000
      mov edi, table
      mov eax, 7
      mov ecx, 1024
  fill:
      mov [edi], eax
      add eax, 0x1000
      add edi, 4
      loop fill
      mov dword [table + 5 * 4], 0
      mov dword [table + 6 * 4], 0x6001
      mov dword [directory], table + 7
      mov eax, directory
      mov cr3, eax
      mov eax, cr0
      or eax, 0x80010000
      mov cr0, eax
  paged:
      mov eax, [0x4000]
  touched:
      hlt`;

describe("looking inside", () => {
  it("a walk names entries, shadow and cache, and says why an access would fault", async () => {
    const { machine, label } = await flat(PAGING);
    machine.debug.add({ kind: "execute", address: label("paged") });
    machine.debug.add({ kind: "execute", address: label("touched") });
    await machine.run({});
    const { inspect } = machine;
    const before = inspect.walk(0x4000);
    expect(before).toMatchObject({ paging: "32-bit", physical: 0x4000 });
    expect(before.guest.map(({ level, index, physical, value }) => [level, index, physical, value])).toEqual([
      [2, 0, 0x200000, 0x201027n],
      [1, 4, 0x201010, 0x4007n],
    ]);
    expect(
      compareWords(
        before,
        before.guest[1]!,
        before.shadow.find(({ level }) => level === 1),
      ),
    ).toMatch(/hidden page fault/);
    await machine.run({});
    const after = inspect.walk(0x4000);
    expect(after.guest[1]!.value).toBe(0x4027n);
    const leaf = after.shadow.find(({ level }) => level === 1)!;
    expect([leaf.word & 7, leaf.frame]).toEqual([7, 4]);
    expect(compareWords(after, after.guest[1]!, leaf)).toBe("Guest and shadow agree.");
    expect(cacheWords(0x4000, after.cache.supervisor)).toMatchObject({
      holds: "this page",
      read: true,
      execute: false,
      kind: "supervisor",
      root: after.root,
    });
    const words = (linear: number, access: string, user: boolean): string => {
      const walk = inspect.walk(linear);
      return accessWords(walk, walk.accesses.find((one) => one.access === access && one.user === user)!);
    };
    expect(words(0x4000, "write", true)).toBe("Writing at 00004000 at CPL 3 works: it reaches physical 00004000.");
    expect(words(0x5000, "read", false)).toBe(
      "Reading at 00005000 at CPL 0 faults with error code 0: the PTE (entry 5, at physical 00201014) is not present.",
    );
    expect(words(0x6000, "read", true)).toMatch(/error code 5: U\/S is 0 in the PTE/);
    expect(words(0x6000, "write", false)).toMatch(/error code 3: R\/W is 0 in the PTE .* CR0.WP/);
    expect(words(0x400000, "execute", true)).toMatch(/error code 4: the PDE \(entry 1, at physical 00200004\) is not present/);
    // Looking set no A bit and filled nothing.
    expect(inspect.walk(0x6000).guest[1]!.value).toBe(0x6001n);
    expect(inspect.check()).toMatchObject({ finding: 0 });
    expect(inspect.memory(0x4ffe, 0x1004).map(({ linear, length, kind }) => [linear, length, kind])).toEqual([
      [0x4ffe, 2, "ram"],
      [0x5000, 0x1000, "not-mapped"],
      [0x6000, 2, "ram"],
    ]);
    expect(inspect.disassemble(label("paged"), 2).map(({ linear, text }) => [linear, text])).toEqual([
      [label("paged"), "mov eax,[0x4000]"],
      [label("touched"), "hlt"],
    ]);
    expect(inspect.disassemble(0x5000, 2).map(({ kind, linear }) => [kind, linear])).toEqual([
      ["unreadable", 0x5000],
      ["code", 0x6000],
    ]);
    expect(inspect.before(label("touched"), 3)).toBeLessThan(label("paged"));
  });

  it("a reader that must see all gets every exit; another is told how many it missed", async () => {
    const machine = await Machine.create(
      {
        boot: { kind: "multiboot", kernel: assembleGuest(findBuiltInGuest("exits")!), commandLine: "cpuid=60000 out=20000" },
        memoryMb: 16,
        clock: { kind: "deterministic" },
      },
      { wasm },
    );
    const { inspect } = machine;
    expect(inspect.isListening).toBe(false);
    const first = inspect.exits();
    const counts = EXITS.map(() => 0);
    let lost = 0;
    let numbers = 0;
    const all = inspect.listen((reader) => {
      const news = reader.read();
      lost += news.lost;
      for (const event of news.events) {
        counts[event.reason]!++;
        expect(event.number).toBe(numbers++);
      }
    });
    const lazy = inspect.listen();
    await machine.run({});
    const last = inspect.exits();
    expect([lost, counts]).toEqual([0, last.counts.map((count, n) => count - first.counts[n]!)]);
    expect(last.total).toBe(last.counts.reduce((a, b) => a + b, 0));
    expect(last.total - first.total).toBeGreaterThan(80_000);
    const seen = lazy.read();
    expect(seen.lost).toBeGreaterThan(0);
    expect(seen.lost + seen.events.length).toBe(last.total - first.total);
    all.dispose();
    lazy.dispose();
    expect(inspect.isListening).toBe(false);
  });
});
